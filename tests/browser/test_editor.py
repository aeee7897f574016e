"""The editor of texts in a real browser: chips that cannot be broken, and pages for everybody."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bot.domain.content import Item, translation
from bot.domain.staff import Role
from tests.browser.console import Console, running, with_authenticator
from tests.browser.test_console import invited

MENU = "utter_main_menu"
# What stands beyond the edge of the page, by name, where it can be scrolled sideways.
BEYOND = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const out = (one) => one.getBoundingClientRect().right > clientWidth;
  return [...document.body.querySelectorAll("*")].filter(out)
    .map((one) => one.outerHTML.slice(0, 80));
}"""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with running(tmp_path) as console:
        yield console


@pytest.fixture
def staff_context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport=WIDE, locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def page(staff_context: BrowserContext, console: Console) -> Page:
    page = with_authenticator(staff_context)
    page.goto(invited(console, "Eda", Role.EDITOR))
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url(f"{console.url}/content")
    return page


def item_in(console: Console, locale: str) -> Item:
    return translation(locale, MENU, console.rig.desk.renderer.deck[MENU].text)


def address(console: Console, locale: str = "th") -> str:
    return f"{console.url}/content/text/{item_in(console, locale).name}"


def sent(page: Page) -> str:
    """Return what would be sent of the text."""
    return str(page.evaluate("document.querySelector('textarea[name=text]').value"))


def test_placeholders_are_chips_that_go_and_come_as_a_whole(page: Page, console: Console) -> None:
    page.goto(address(console))
    surface = page.get_by_role("textbox", name="Translation")
    expect(surface.locator(".chip[data-name=cmm_phone]")).to_have_text(re.compile("70.20.25.50"))
    expect(page.locator("textarea[name=text]")).to_be_hidden()
    before = sent(page)
    assert before.count("{cmm_phone}") == 1
    insert = page.get_by_role("button", name="Insert cmm_phone")
    expect(insert).to_be_disabled()

    surface.click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    assert sent(page) == ""
    page.keyboard.type("ก")
    page.keyboard.press("Enter")
    page.keyboard.type("ข ")
    insert.click()
    page.keyboard.type("!")
    assert sent(page) == "ก\nข {cmm_phone}!"
    expect(insert).to_be_disabled()
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    assert sent(page) == "ก\nข ", "a chip goes as a whole"
    expect(insert).to_be_enabled()
    expect(page.locator("[data-meter=text] b")).to_have_text("3")


def test_a_typed_placeholder_becomes_a_chip_and_markup_stays_text(
    page: Page, console: Console
) -> None:
    page.goto(address(console))
    surface = page.get_by_role("textbox", name="Translation")
    surface.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("<img src=x onerror=alert(1)> {cmm_phone} {nothing}")
    page.get_by_label("Your remark").focus()
    expect(surface.locator(".chip")).to_have_count(1)
    assert page.locator(".surface img").count() == 0
    assert sent(page) == "<img src=x onerror=alert(1)> {cmm_phone} {nothing}"


def test_a_translation_is_sent_in_three_steps(page: Page, console: Console) -> None:
    page.goto(f"{console.url}/content/texts?locale=th")
    page.locator(f'a[href$="{item_in(console, "th").name}"]').click()
    # Until the page is whole, what is typed goes to the plain field that the script replaces.
    page.wait_for_url("**/content/text/**")
    page.get_by_role("textbox", name="Translation").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("ค่ะ")
    with page.expect_response(re.compile("/content/change/")):
        page.get_by_role("button", name="Send to review").click()
    (change,) = console.run(console.rig.desk.content.waiting())
    assert str(change.value["text"]).endswith("ค่ะ")


def test_a_check_keeps_the_text_and_goes_to_what_is_wrong(page: Page, console: Console) -> None:
    page.goto(address(console, "ar"))
    surface = page.get_by_role("textbox", name="Translation")
    expect(surface).to_have_attribute("dir", "rtl")
    surface.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("112")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#problems")).to_be_focused()
    assert sent(page) == "112"


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_pages_are_for_everybody(page: Page, console: Console, viewport: dict[str, int]) -> None:
    page.set_viewport_size(viewport)  # type: ignore[arg-type]
    paths = (
        *("/content/texts?locale=th", "/content/texts?locale=ar", "/content/texts?locale=en"),
        *(address(console).removeprefix(console.url), "/content/screen/utter_shelter"),
        *(address(console, "ar").removeprefix(console.url), "/content/screen/new"),
        "/content/word/command_menu",
    )
    for path in paths:
        page.goto(f"{console.url}{path}")
        check_page(page, path)
    for path in (paths[3], paths[4]):
        page.goto(f"{console.url}{path}")
        page.get_by_role("button", name="Check", exact=True).click()
        check_page(page, f"{path} checked")


def check_page(page: Page, path: str) -> None:
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    found = Axe().run(page)
    assert found.violations_count == 0, (path, found.generate_report())
    beyond = page.evaluate(BEYOND)
    assert not beyond, (path, beyond)
