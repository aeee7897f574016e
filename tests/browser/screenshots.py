"""Pictures of the web chat for the documentation: python -m tests.browser.screenshots.

``python -m tests.browser.screenshots languages`` makes the two sheets of all languages only.
"""

import base64
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bot.i18n import LOCALES
from tests.browser.site import Site, launch, serve, visit

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
_START = "utter_safe_to_talk"
_MENU = "utter_main_menu"


@dataclass(frozen=True)
class Picture:
    """One picture: the way to it, as the taps that lead there."""

    name: str
    taps: tuple[str, ...] = ()
    locale: str = "en"
    dark: bool = False
    then: Callable[[Page, Site], None] | None = None
    options: dict[str, Any] = field(default_factory=dict)


def _type(page: Page, _site: Site) -> None:
    page.locator("#text").fill("I want to go home. Can you help me?")
    page.locator("#send").click()
    page.locator(".own").wait_for()


def _privacy(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/privacy")


def _offline(page: Page, _site: Site) -> None:
    page.locator("#text").fill("Can I call you?")
    page.context.set_offline(True)
    page.locator("#send").click()
    page.locator("#again").wait_for()


PICTURES = (
    Picture("start-en"),
    Picture("start-da", locale="da"),
    Picture("alone-en", (_START,)),
    Picture("menu-en", (_START, _MENU)),
    Picture("menu-da", (_START, _MENU), locale="da"),
    Picture("menu-dark-en", (_START, _MENU), dark=True),
    Picture("menu-ar", (_START, _MENU), locale="ar"),
    Picture("danger-en", (_START, _MENU, "utter_danger_now")),
    Picture("danger-dark-en", (_START, _MENU, "utter_danger_now"), dark=True),
    Picture("check-en", (_START, _MENU, "utter_check_intro", "utter_check_q1")),
    Picture("person-en", (_START, _MENU, "utter_human_consent")),
    Picture("numbers-en", (_START, _MENU, "utter_phone_numbers")),
    Picture("typed-en", (_START, _MENU), then=_type),
    Picture("not-sent-en", (_START, _MENU), then=_offline),
    Picture("privacy-en", then=_privacy),
    Picture("hidden-en", (_START, _MENU, "action_hide")),
    Picture("menu-320-en", (_START, _MENU), options={"viewport": {"width": 320, "height": 568}}),
    Picture(
        "menu-desktop-en", (_START, _MENU), options={"viewport": {"width": 1100, "height": 800}}
    ),
)


def take(folder: Path, names: frozenset[str]) -> None:
    """Take the pictures, or only those named."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for picture in PICTURES:
            if names and picture.name not in names:
                continue
            with serve() as site:
                if picture.locale not in site.door.renderer.texts.locales:
                    print(f"{picture.name}: no translation to show yet")
                    continue
                options = {
                    "color_scheme": "dark" if picture.dark else "light",
                    "locale": picture.locale,
                    **picture.options,
                }
                context = visit(browser, **options)
                page = context.new_page()
                page.goto(site.url)
                for tap in picture.taps:
                    _tap(page, tap)
                if picture.then:
                    picture.then(page, site)
                page.wait_for_timeout(120)
                page.screenshot(path=folder / f"{picture.name}.png")
                context.close()
        browser.close()


_SMALL = {"width": 320, "height": 568}
# Where words are longest and matter most.
_SHEETS = {
    "languages-menu": (_START, _MENU),
    "languages-danger": (_START, _MENU, "utter_danger_now"),
}


def take_sheets(folder: Path) -> None:
    """Put one screen of every language on one sheet, as the smallest phone shows it."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for name, taps in _SHEETS.items():
            pictures = [_small(browser, locale, taps) for locale in LOCALES]
            page = browser.new_page(viewport={"width": 2352, "height": 1184})
            images = (base64.b64encode(picture).decode() for picture in pictures)
            page.set_content(
                "<body style='margin:8px;display:flex;flex-wrap:wrap;gap:8px;background:#888'>"
                + "".join(f"<img width=320 src='data:image/png;base64,{one}'>" for one in images)
            )
            page.screenshot(path=folder / f"{name}.png")
        browser.close()


def _small(browser: Browser, locale: str, taps: tuple[str, ...]) -> bytes:
    with serve() as site:
        tag = locale.replace("_", "-")
        context = visit(browser, viewport=_SMALL, device_scale_factor=1, locale=tag)
        page = context.new_page()
        page.goto(site.url)
        for tap in taps:
            _tap(page, tap)
        page.wait_for_timeout(120)
        picture = page.screenshot()
        context.close()
        return picture


def _tap(page: Page, tap: str) -> None:
    nonce = page.locator("#answers [name=nonce]").input_value()
    page.locator(f"button[value='{tap}']").first.click()
    page.wait_for_function(
        "before => document.querySelector('#answers [name=nonce]').value !== before", arg=nonce
    )


if __name__ == "__main__":
    names = frozenset(sys.argv[1:])
    if names != {"languages"}:
        take(FOLDER, names)
    if not names or "languages" in names:
        take_sheets(FOLDER)
