"""Pictures of the content desk for docs/: python -m tests.browser.content_screenshots.

Everybody on them is invented, and so is every value that is not shipped.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bot.domain.staff import Role
from tests.browser.desk import LAPTOP, PHONE
from tests.browser.newsdesk import Newsdesk, newsdesk
from tests.browser.site import launch

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
WAYS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": LAPTOP},
    "phone": {"viewport": PHONE, "color_scheme": "dark"},
}
HOURS, PHONE_NUMBER = "cmm_hours", "cmm_phone"
EDITOR, PUBLISHER = Role.EDITOR, Role.PUBLISHER


def take(folder: Path) -> None:
    """Take the pictures."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for way, options in WAYS.items():
            with tempfile.TemporaryDirectory() as data, newsdesk(browser, Path(data)) as desk:
                _pictures(desk, folder, way, options)
        browser.close()


def _pictures(desk: Newsdesk, folder: Path, way: str, options: dict[str, Any]) -> None:
    def picture(page: Page, name: str) -> None:
        path = folder / f"content-{name}-{way}.png"
        page.screenshot(path=path, animations="disabled")

    eda = desk.opens("Eda", EDITOR, at=f"/facts/{HOURS}", **options)
    picture(eda, "fact")
    eda.get_by_role("link", name="Edit").click()
    _writes_hours(eda)
    eda.evaluate("document.querySelector('#value').scrollIntoView()")
    picture(eda, "edit")
    eda.get_by_role("button", name="Send to review").click()
    eda.locator("h1 .state", has_text="In review").wait_for()

    pia = desk.opens("Pia", PUBLISHER, at=eda.url.removeprefix(desk.url), **options)
    picture(pia, "change")
    pia.get_by_role("button", name="Approve").click()
    while desk.haven.app.library.bundle.number == 0:
        pia.wait_for_timeout(200)
    pia.wait_for_timeout(1000)
    pia.goto(f"{desk.url}/published")
    picture(pia, "published")
    pia.goto(f"{desk.url}/coverage")
    picture(pia, "coverage")
    _proposes_number(eda, desk)
    pia.goto(desk.url)
    picture(pia, "todo")
    eda.goto(f"{desk.url}/text/{desk.text_of('utter_main_menu', 'ar').name}")
    picture(eda, "text")
    desk.leave()


def _writes_hours(page: Page) -> None:
    page.locator("[name=sun_opens]").first.fill("10:00")
    page.locator("[name=sun_closes]").first.fill("14:00")
    page.locator("[name=source_url]").fill("https://www.cmm.dk/kontakt")
    page.locator("[name=source_says]").fill("new hours on Sundays")


def _proposes_number(page: Page, desk: Newsdesk) -> None:
    page.goto(f"{desk.url}/facts/{PHONE_NUMBER}/edit")
    page.locator("[name=value]").fill("+4520202020")
    page.locator("[name=source_url]").fill("https://www.cmm.dk/kontakt")
    page.get_by_role("button", name="Send to review").click()
    page.locator("h1 .state", has_text="In review").wait_for()


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
