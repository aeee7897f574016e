"""The content desk with two people in two browsers, a signer, and visitors who read the result.

Journeys (n) and (o) of the project's study of its users, and what is refused on the way.
"""

import re
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from bot.domain.content import Change, Item, State, fact
from bot.domain.staff import Role
from tests.browser.newsdesk import Newsdesk, newsdesk
from tests.browser.site import visit
from tests.browser.test_editor import BEYOND

HOURS, PHONE = "cmm_hours", "cmm_phone"
SCREEN = "utter_main_menu"
SOURCE = "https://www.cmm.dk/kontakt"
LIVE_IN = 60.0  # seconds; bar 20 of the study
STEPS = 3
SMALL = {"width": 320, "height": 568}
EDITOR, PUBLISHER, TRANSLATOR = Role.EDITOR, Role.PUBLISHER, Role.TRANSLATOR


@pytest.fixture(scope="module")
def running(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsdesk]:
    with newsdesk(chromium, tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
def desk(running: Newsdesk) -> Iterator[Newsdesk]:
    yield running
    running.leave()


class Steps:
    """Counts what somebody must press to get on, without what they only look at."""

    def __init__(self) -> None:
        self.taken = 0

    def go(self, page: Page, role: str, name: str | re.Pattern[str]) -> None:
        page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]
        self.taken += 1


def times(page: Page, day: str, which: str) -> str:
    return page.locator(f"[name={day}_{which}]").first.input_value()


def set_sunday(page: Page, opens: str, closes: str) -> None:
    page.locator("[name=sun_opens]").first.fill(opens)
    page.locator("[name=sun_closes]").first.fill(closes)


def name_source(page: Page, says: str = "read there today") -> None:
    page.locator("[name=source_url]").fill(SOURCE)
    page.locator("[name=source_says]").fill(says)


def propose_phone(page: Page, desk: Newsdesk, number: str) -> None:
    """Send another number of the hotline to review."""
    page.goto(f"{desk.url}/facts/{PHONE}/edit")
    page.locator("[name=value]").fill(number)
    name_source(page)
    page.get_by_role("button", name="Send to review").click()
    expect(page.locator("h1 .state")).to_have_text("In review")


def waiting(desk: Newsdesk, item: Item) -> Change | None:
    """Return the open change of an item."""
    found = desk.haven.run(desk.haven.app.content.waiting())
    return next((one for one in found if one.item == item), None)


def menu_of(desk: Newsdesk, locale: str) -> Page:
    """Return the chat of a visitor who stands at the menu."""
    page = visit(desk.browser, locale=locale).new_page()
    page.set_default_timeout(20_000)
    page.goto(desk.haven.chat)
    page.locator("button[value='utter_safe_to_talk']").click()
    page.locator("button[value='utter_main_menu']").first.click()
    page.locator("button[value='utter_danger_now']").first.wait_for()
    return page


def until_live(page: Page) -> None:
    """Look again until the change on the page is live, as its reader would."""
    expect(page.locator("h1 .state")).to_have_text(re.compile("Approved|Live"))
    end = time.monotonic() + LIVE_IN
    while page.locator("h1 .state").inner_text() != "Live" or (
        "Live in 14 of 14" not in page.locator(".livecheck").inner_text()
    ):
        assert time.monotonic() < end, page.locator(".livecheck").inner_text()
        page.wait_for_timeout(500)
        page.get_by_role("link", name="Look again").first.click()


# --- (n) the hours change -----------------------------------------------------------------------


def test_hours_change_everywhere_within_a_minute(desk: Newsdesk) -> None:
    ends = time.monotonic()
    eda = desk.opens("Eda", EDITOR)
    eda.get_by_role("link", name="Facts", exact=True).click()
    eda.get_by_role("searchbox").fill("hours of the hotline")
    eda.get_by_role("button", name="Search").click()
    expect(eda.locator(".facts tbody tr")).to_have_count(1)

    steps = Steps()
    steps.go(eda, "link", re.compile("cmm hours", re.IGNORECASE))
    expect(eda.locator(".fact-value")).to_contain_text("08:30")
    steps.go(eda, "link", "Edit")
    set_sunday(eda, "10:15", "13:45")
    name_source(eda)
    assert eda.locator("[name=checked_on]").input_value() == "2026-11-24"

    eda.get_by_role("button", name="Check", exact=True).click()
    expect(eda.get_by_text("0 translations needed.")).to_be_visible()
    preview = eda.locator("section[aria-labelledby=preview]")
    expect(preview.locator("h3")).to_have_count(3)
    for locale, direction in (("en", "ltr"), ("ar", "rtl"), ("th", "ltr")):
        bubble = preview.locator(f".shown[lang={locale}][dir={direction}]").first
        expect(bubble).to_contain_text("10:15")
    assert times(eda, "sun", "opens") == "10:15", "what was typed stays"

    steps.go(eda, "button", "Send to review")
    expect(eda.locator("h1 .state")).to_have_text("In review")
    expect(eda.get_by_text("A publisher reads it and decides")).to_be_visible()
    expect(eda.get_by_role("button", name="Approve")).to_have_count(0)
    assert steps.taken <= STEPS
    written = time.monotonic() - ends

    visitors = {locale: menu_of(desk, locale) for locale in ("en", "ar")}
    for page in visitors.values():
        expect(page.locator("#log")).not_to_contain_text("10:15")

    pia = desk.opens("Pia", PUBLISHER)
    pia.get_by_role("link", name=re.compile("^Read and decide: CMM hours")).click()
    expect(pia.get_by_role("row", name=re.compile("English"))).to_contain_text("10:15")
    expect(pia.get_by_role("link", name=SOURCE)).to_be_visible()
    approved = time.monotonic()
    pia.get_by_role("button", name="Approve").click()
    until_live(pia)
    took = time.monotonic() - approved
    assert took <= LIVE_IN
    expect(pia.locator(".livecheck")).to_contain_text("Telegram")
    print(f"(n) {steps.taken} steps, {written:.0f} s to write, live in {took:.1f} s")

    for page in visitors.values():
        page.locator("#row button[value='utter_phone_numbers']").click()
        expect(page.locator("#log")).to_contain_text("10:15")
        page.context.close()


def test_hours_that_cannot_be_are_refused_beside_their_day(desk: Newsdesk) -> None:
    eda = desk.opens("Eda", EDITOR, at=f"/facts/{HOURS}/edit")
    set_sunday(eda, "17:00", "09:00")
    name_source(eda)
    eda.get_by_role("button", name="Send to review").click()
    expect(eda.locator("#problems")).to_contain_text("It must open before it closes")
    expect(eda.locator("#sun-error")).to_be_visible()
    assert times(eda, "sun", "opens") == "17:00"
    assert eda.locator("[name=source_url]").input_value() == SOURCE
    set_sunday(eda, "09:00", "")
    eda.get_by_role("button", name="Send to review").click()
    expect(eda.locator("#sun-error")).to_contain_text("Give both times")


def test_a_stale_form_keeps_both_and_overwrites_nothing(desk: Newsdesk) -> None:
    eda = desk.opens("Eda", EDITOR, at="/facts/chat_hours/edit")
    emil = desk.opens("Emil", EDITOR, at="/facts/chat_hours/edit")
    set_sunday(eda, "11:00", "12:00")
    name_source(eda)
    eda.get_by_role("button", name="Save draft").click()
    expect(eda.locator("h1 .state")).to_have_text("Draft")
    set_sunday(emil, "13:00", "14:00")
    name_source(emil)
    emil.get_by_role("button", name="Send to review").click()
    merge = emil.locator("section[aria-labelledby=problems]")
    expect(merge).to_contain_text("Somebody else changed this while you were writing")
    expect(merge).to_contain_text("Eda")
    expect(merge).to_contain_text("11:00")
    assert times(emil, "sun", "opens") == "13:00"
    change = waiting(desk, fact("chat_hours"))
    assert change is not None
    assert change.value["value"]["week"]["sun"] == ["11:00-12:00"]
    emil.get_by_role("button", name="Send to review").click()
    expect(emil.locator("h1 .state")).to_have_text("In review")
    emil.get_by_role("button", name="Give it up").click()


# --- numbers take two people and a quarter of an hour ---------------------------------------------


def test_one_person_alone_publishes_no_number(desk: Newsdesk) -> None:
    both = desk.opens("Bea", EDITOR, PUBLISHER)
    propose_phone(both, desk, "+4520202020")
    expect(both.locator("section[aria-labelledby=next]")).to_contain_text(
        "You wrote in this yourself, so somebody else must approve it."
    )
    expect(both.get_by_role("button", name="Approve")).to_have_count(0)
    form = {
        name: both.locator(f"[name={name}]").first.input_value() for name in ("csrf", "version")
    }
    answer = both.request.post(
        f"{both.url}/approve", form=form, headers={"Origin": desk.haven.console}
    )
    assert answer.status == 409
    assert "somebody else must approve it" in answer.text()
    change = waiting(desk, fact(PHONE))
    assert change is not None
    assert change.state is State.IN_REVIEW
    assert desk.haven.run(desk.publisher.publish_due()) == 0
    both.get_by_role("button", name="Give it up").click()
    expect(both.locator("h1 .state")).to_have_text("Given up")


def test_a_number_waits_before_everybodys_eyes_and_is_stopped(desk: Newsdesk) -> None:
    live = desk.haven.app.library.served.value(fact(PHONE))
    eda, pia = desk.opens("Eda", EDITOR), desk.opens("Pia", PUBLISHER)
    propose_phone(eda, desk, "+4530303030")
    pia.goto(eda.url)
    pia.get_by_role("button", name="Approve").click()
    expect(pia.locator("section[aria-labelledby=next]")).to_contain_text("at the latest")

    paul = desk.opens("Paul", PUBLISHER, at="/facts")
    banner = paul.get_by_role("complementary", name="Soon live")
    expect(banner).to_contain_text("Soon live, and you can stop it: 1")
    banner.get_by_role("link", name="Look now").click()
    expect(paul.get_by_role("alert").first).to_contain_text("they wait for 15 minutes")
    paul.get_by_role("button", name=re.compile("^Stop: ")).click()
    expect(paul.locator("h1 .state")).to_have_text("Draft")
    paul.goto(desk.url)
    expect(paul.get_by_text("Soon live: look now")).to_have_count(0)
    eda.goto(desk.url)
    expect(eda.locator("section[aria-labelledby=sent-back]")).to_contain_text("Paul")
    assert desk.haven.app.library.served.value(fact(PHONE)) == live


# --- (o) a translator mends Thai ------------------------------------------------------------------


def test_a_translator_mends_one_text_and_no_chip_breaks(desk: Newsdesk) -> None:
    began = time.monotonic()
    item = desk.text_of(SCREEN, "th")
    tida = desk.opens("Tida", TRANSLATOR, translates="th", at="/texts")
    expect(tida.locator("#locale option")).to_have_count(1)
    steps = Steps()
    tida.get_by_role("searchbox").fill("How can I help")
    tida.get_by_role("button", name="Show").click()
    tida.locator(f'a[href$="{item.name}"]').click()
    steps.taken += 1
    surface = tida.get_by_role("textbox", name="Translation")
    expect(surface.locator(".chip")).to_have_count(3)
    # What translators may not do is not offered to them.
    expect(tida.get_by_text("Let somebody without an account")).to_have_count(0)
    # Everything goes, chips too: what is sent then names no fact any more.
    surface.click()
    tida.keyboard.press("Control+A")
    tida.keyboard.type("ข้อความใหม่")
    tida.get_by_role("button", name="Send to review").click()
    problems = tida.locator("#problems")
    expect(problems).to_contain_text("This cannot be saved yet")
    expect(problems).to_contain_text("A placeholder")
    expect(surface).to_have_text("ข้อความใหม่")
    assert waiting(desk, item) is None

    for insert in tida.locator("[data-insert]").all():
        insert.click()
    expect(surface.locator(".chip")).to_have_count(3)
    steps.go(tida, "button", "Send to review")
    expect(tida.locator("h1 .state")).to_have_text("In review")
    assert steps.taken <= STEPS
    wrote = time.monotonic() - began

    pia = desk.opens("Pia", PUBLISHER)
    pia.get_by_role("link", name=re.compile("^Read and decide: ไทย")).click()
    expect(pia.locator("ins").first).to_contain_text("ข้อความใหม่")
    pia.get_by_role("button", name="Approve").click()
    expect(pia.locator("section[aria-labelledby=next]")).to_contain_text("at the latest")
    # People act on what this text says: it waits from when the signer saw it, and by then Pia is
    # signed out.
    assert desk.haven.run(desk.publisher.publish_due()) == 0
    desk.haven.clock.turn(minutes=16)
    later = desk.opens("Pia", PUBLISHER, at=pia.url.removeprefix(desk.url))
    until_live(later)
    print(f"(o) {steps.taken} steps, {wrote:.0f} s")
    visitor = menu_of(desk, "th")
    expect(visitor.locator("#log")).to_contain_text("ข้อความใหม่")
    visitor.context.close()


# --- going back -----------------------------------------------------------------------------------


def test_a_value_is_proposed_again_and_a_version_brought_back(desk: Newsdesk) -> None:
    """Undo takes two people again; to bring a whole version back takes one."""
    hours = fact(HOURS)
    eda = desk.opens("Eda", EDITOR, at=f"/facts/{HOURS}/edit")
    set_sunday(eda, "06:15", "07:45")
    name_source(eda, "read there again")
    eda.get_by_role("button", name="Send to review").click()
    expect(eda.locator("h1 .state")).to_have_text("In review")
    pia = desk.opens("Pia", PUBLISHER, at=eda.url.removeprefix(desk.url))
    pia.get_by_role("button", name="Approve").click()
    until_live(pia)
    assert "06:15" in str(desk.haven.app.library.served.value(hours))

    eda.goto(f"{desk.url}/facts/{HOURS}")
    eda.get_by_role("button", name="Undo: propose the value of the beginning again").click()
    eda.get_by_role("button", name="Ask for approval").click()
    expect(eda.locator("h1 .state")).to_have_text("In review")
    pia.goto(eda.url)
    pia.get_by_role("button", name="Approve").click()
    until_live(pia)
    assert "06:15" not in str(desk.haven.app.library.served.value(hours))

    number = desk.haven.app.library.bundle.number
    pia.goto(f"{desk.url}/published")
    pia.get_by_role("button", name=f"Bring back: Version {number - 1}").click()
    expect(pia.locator("h1")).to_have_text("Published")
    end = time.monotonic() + LIVE_IN
    while "Live in 14 of 14" not in pia.locator(".livecheck").inner_text() or (
        desk.haven.app.library.bundle.number == number
    ):
        assert time.monotonic() < end
        pia.wait_for_timeout(500)
        pia.reload()
    expect(pia.locator(".versions li").first).to_contain_text(f"brings back version {number - 1}")
    assert "06:15" in str(desk.haven.app.library.served.value(hours))


# --- pages for everybody --------------------------------------------------------------------------

# Without it each run also brings back everything that is well.
VIOLATIONS = {"resultTypes": ["violations"]}
# In the dark nothing but the colours is another.
COLOURS = {**VIOLATIONS, "runOnly": {"type": "rule", "values": ["color-contrast"]}}
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def pages_of(desk: Newsdesk, page: Page) -> Iterator[str]:
    """Lead a publisher who also edits to every page of the desk, one after the other."""
    propose_phone(page, desk, "+4540404040")
    change = page.url
    text = f"{desk.url}/text/{desk.text_of(SCREEN, 'ar').name}"
    yield from _goes(page, desk.url, f"{desk.url}/facts?q=hotline", f"{desk.url}/facts/{HOURS}")
    page.goto(f"{desk.url}/facts/{HOURS}/edit")
    name_source(page)
    page.get_by_role("button", name="Check", exact=True).click()
    page.locator("section[aria-labelledby=preview]").wait_for()
    yield "fact_edit"
    # Lists are narrowed down: their rows are all alike, and a check reads every one of them.
    yield from _goes(
        page, f"{desk.url}/texts?locale=ar&q=hotline", text, f"{desk.url}/screen/{SCREEN}"
    )
    yield from _goes(page, change, f"{desk.url}/published", f"{desk.url}/coverage?locale=th")
    yield from _goes(page, f"{desk.url}/exchange")
    page.goto(text)
    page.get_by_text("Let somebody without an account translate this").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator(".key code").inner_text()
    yield "link"
    yield from _goes(page, f"{desk.haven.console}/t/{link.rsplit('/', 1)[1]}")
    page.goto(change)
    page.get_by_role("button", name="Give it up").click()


def _goes(page: Page, *addresses: str) -> Iterator[str]:
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.ok, address
        yield address


def test_every_page_is_for_everybody(desk: Newsdesk) -> None:
    page = desk.opens("Bea", EDITOR, PUBLISHER)
    axe, seen = Axe(), 0
    for name in pages_of(desk, page):
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        for viewport in (WIDE, NARROW):
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            assert not page.evaluate(BEYOND), (name, viewport)
            for scheme, options in (("light", VIOLATIONS), ("dark", COLOURS)):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                found = axe.run(page, options=options)
                assert found.violations_count == 0, (name, viewport, found.generate_report())
        seen += 1
    assert seen == 13


# --- what a visitor finds wrong ------------------------------------------------------------------


def test_a_visitor_without_script_says_that_a_text_is_wrong(desk: Newsdesk) -> None:
    context = visit(desk.browser, locale="th", java_script_enabled=False, viewport=SMALL)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(desk.haven.chat)
    for tap in ("utter_safe_to_talk", "utter_main_menu", "utter_work_money"):
        page.locator(f"button[value='{tap}']").first.click()
    wrong = page.locator("button[value='action_report_text']")
    expect(wrong).to_have_text("ข้อความนี้ผิด")
    wrong.click()
    expect(page.locator(".said").last).to_contain_text("ขอบคุณ")
    expect(page.locator("button[value='action_report_text']")).to_have_count(0)
    page.locator("button[value='action_resend']").click()
    page.locator("button[value='action_report_text']").click()
    context.close()

    eda = desk.opens("Eda", EDITOR)
    report = eda.locator("#reports ~ ul li", has_text="utter_work_money")
    expect(report).to_have_text(re.compile("reported by a visitor.*ไทย.*Reports: 1", re.DOTALL))
    report.get_by_role("link").click()
    expect(eda.get_by_role("heading", level=1)).to_contain_text("Translation into ไทย")
    said = eda.locator(".remarks li")
    expect(said).to_contain_text("A visitor")
    expect(said).to_contain_text("says that this text is wrong")
    assert not re.search(r"\d:\d", said.inner_text())
    eda.get_by_role("button", name="Settle the reports").click()
    expect(eda.locator(".remarks li")).to_contain_text("Settled")
    eda.goto(desk.url)
    expect(eda.get_by_text("reported by a visitor")).to_have_count(0)
