"""Pictures of the counsellors' pages for docs/: python -m tests.browser.desk_screenshots.

Everybody on them is invented.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bot.domain.messages import Channel
from tests.browser.desk import LAPTOP, PHONE, Harbour, harbour
from tests.browser.site import launch

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
WAYS: dict[str, dict[str, Any]] = {
    "laptop": {"viewport": LAPTOP},
    "phone-dark": {"viewport": PHONE, "color_scheme": "dark", "device_scale_factor": 2},
}


def take(folder: Path) -> None:
    """Take the pictures."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for way, options in WAYS.items():
            with tempfile.TemporaryDirectory() as data, harbour(Path(data)) as haven:
                page = haven.counsellor(browser, "Ana", on_shift=False, **options)
                _picture(page, folder / f"console-start-{way}.png")
                page.get_by_role("button", name="Go on shift").click()
                page.locator(".calm").wait_for()
                _picture(page, folder / f"console-empty-{way}.png")
                bo = haven.counsellor(browser, "Bo")
                _talk(page, haven, folder, way)
                bo.context.close()
                page.context.close()
        browser.close()


def _talk(page: Page, haven: Harbour, folder: Path, way: str) -> None:
    visitor = haven.visitor(Channel.TELEGRAM, hint="da")
    number = haven.asks(visitor, consent="all", notify="push")
    haven.run(visitor.taps("action_set_language locale=da"))
    haven.clock.turn(seconds=70)
    haven.in_danger(haven.visitor())
    haven.clock.turn(seconds=41)
    page.locator("#board .case").nth(1).wait_for()
    page.wait_for_timeout(1000)
    _picture(page, folder / f"console-queue-{way}.png")
    page.locator(f"#take-{number}").click()
    page.locator("#hello").click()
    page.locator(".said.staff").wait_for()
    haven.run(visitor.says("J"))
    haven.run(visitor.says("De har ikke betalt mig i tre måneder"))
    page.locator("#text").fill("Tak, fordi du skriver. Har du et sted at sove i nat?")
    page.locator("#send").click()
    page.locator(".said.staff", has_text="sove i nat").wait_for()
    _picture(page, folder / f"console-talk-{way}.png")
    page.locator("#end summary").click()
    page.get_by_text("Pointed on", exact=True).click()
    page.get_by_text("Pay and work", exact=True).click()
    _picture(page, folder / f"console-end-{way}.png", whole=True)


def _picture(page: Page, path: Path, *, whole: bool = False) -> None:
    page.screenshot(path=path, full_page=whole, animations="disabled")


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
