"""What goes off when a page does anything but show itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

# Which elements and attributes there are; of those whose values do something, the values too.
SHAPE = """(root) => [...new Set([...document.querySelectorAll(root + ', ' + root + ' *')].flatMap(
  (one) => [one.namespaceURI + ' ' + one.localName, ...[...one.attributes].map((a) =>
    one.localName + ' ' + a.name
      + (/^(on|href|src|style|action|target|formaction|srcset)/.test(a.name)
        ? '=' + a.value.replace(/[0-9]+/g, '#') : ''))]))].sort()"""


@contextmanager
def alarmed(page: Page, home: str) -> Iterator[None]:
    """Fail if a page does anything but show itself."""
    noise: list[str] = []
    page.on("dialog", lambda dialog: (noise.append("dialog"), dialog.dismiss()))
    page.on("console", lambda said: noise.append(f"{said.type} {said.text}"[:200]))
    page.on("pageerror", lambda error: noise.append(f"error {error}"[:200]))
    page.on("popup", lambda _page: noise.append("window"))
    page.on("request", lambda r: None if r.url.startswith(home) else noise.append("away"))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (e) => console.error('policy', e.type))"
    )
    yield
    page.wait_for_timeout(300)
    assert noise == []


def shape(page: Page, root: str = "body") -> set[str]:
    return set(page.evaluate(SHAPE, root))
