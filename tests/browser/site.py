"""A web chat on a free port of this machine, and the browser that visits it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route

from bot.settings import Settings
from tests.support.webchat_door import MemoryDoor, WallClock, make_app, make_renderer

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
)
NEUTRAL = "https://www.dmi.dk"
WEATHER = (
    "<!doctype html><html lang=da><title>Vejret</title><h1>Vejret</h1><p>Sol og sky.</p></html>"
)


@dataclass
class Site:
    """A running web chat; ``door`` is what stands behind it."""

    url: str
    door: MemoryDoor


@contextmanager
def serve(*, arabic: bool = False, **options: Any) -> Iterator[Site]:
    """Run the web chat until the block ends."""
    settings = Settings(neutral_site=NEUTRAL, **options)
    door = MemoryDoor(make_renderer(arabic=arabic, settings=settings), WallClock())
    config = uvicorn.Config(
        make_app(door, settings),
        host="127.0.0.1",
        port=0,
        log_level="critical",
        server_header=False,
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(f"http://127.0.0.1:{port}", door)
    finally:
        server.should_exit = True
        thread.join(10)


def launch(playwright: Playwright) -> Browser:
    """Start Chromium without any traffic of its own."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))


def visit(browser: Browser, **options: Any) -> BrowserContext:
    """Return a fresh phone-sized context in which only this machine and the neutral site exist."""
    defaults: dict[str, Any] = {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "locale": "en-GB",
    }
    context = browser.new_context(**{**defaults, **options})
    context.route(
        lambda url: not url.startswith("http://127.0.0.1"),
        _elsewhere,
    )
    return context


def _elsewhere(route: Route) -> None:
    if route.request.url.startswith(NEUTRAL):
        route.fulfill(content_type="text/html; charset=utf-8", body=WEATHER)
    else:
        route.abort()


def press(page: Page, label: str) -> None:
    """Press the button with a label and wait until the answer stands on the page."""
    before = page.locator("#answers [name=nonce]").input_value()
    page.get_by_role("button", name=label, exact=True).first.click()
    wait_for_answer(page, before)


def wait_for_answer(page: Page, before: str) -> None:
    """Wait until the page carries another nonce than before."""
    page.wait_for_function(
        "before => { const n = document.querySelector('#answers [name=nonce]');"
        " return n && n.value !== before; }",
        arg=before,
    )


def begin(page: Page, site: Site, *, menu: bool = True) -> None:
    """Open the chat and go to the menu, as a visitor does."""
    page.goto(site.url)
    press(page, "Start")
    if menu:
        press(page, "Yes, I am alone")
