"""The supervisor's pages and practice in a real browser: live, on a phone, by ear."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from bot.domain.figures import finished_weeks
from bot.domain.staff import Role, StaffId
from tests.browser.desk import LAPTOP, PHONE, Harbour, harbour
from tests.support.app import Visitor
from tests.support.hostile import TEXTS

ANA = StaffId("ana")
PAGES = ("/board", "/board/1", "/board/1/take-over", "/figures?weeks=4", "/practice")


@pytest.fixture
def haven(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path) as haven:
        yield haven


@pytest.fixture
def sue(chromium: Browser, haven: Harbour) -> Iterator[Page]:
    page = haven.counsellor(chromium, "Sue", Role.SUPERVISOR)
    yield page
    page.context.close()


def busy(haven: Harbour, chromium: Browser) -> Visitor:
    """Have Ana hold the first talk with a raised hand, and others wait; count some weeks."""
    haven.counsellor(chromium, "Ana").context.close()
    visitor, hotline = haven.visitor(), haven.app.hotline
    number = haven.asks(visitor, consent="all")
    haven.run(hotline.take(ANA, "Ana", number))
    haven.run(hotline.say_canned(ANA, "Ana", number, "utter_canned_hello", "1"))
    haven.run(visitor.says("Y. they keep my papers"))
    haven.run(hotline.raise_hand(ANA, number, up=True))
    for hint in ("ro", "th"):
        haven.asks(haven.visitor(hint=hint))
    haven.in_danger(haven.visitor())
    haven.run(_count(haven))
    return visitor


async def _count(haven: Harbour) -> None:
    counts = {"going_home": 12, "pay_and_work": 21, "shelter": 2, "health": 1}
    for week in finished_weeks(haven.clock.now(), 4):
        for topic, times in counts.items():
            for _ in range(times):
                async with haven.app.store.begin() as unit:
                    await unit.figures.count(week, {"topic": topic, "level": "yellow"})


def test_the_board_shows_by_itself_who_comes_and_whose_hand_is_up(
    sue: Page, haven: Harbour, chromium: Browser
) -> None:
    sue.goto(f"{haven.console}/board")
    expect(sue.get_by_role("heading", name="Waiting: 0")).to_be_visible()
    busy(haven, chromium)
    expect(sue.get_by_role("heading", name="Waiting: 3")).to_be_visible()
    expect(sue.get_by_text("Ana asks for you.")).to_be_visible()
    expect(sue).to_have_title("(3) Havn")


def test_reading_along_whispering_and_taking_over(
    sue: Page, haven: Harbour, chromium: Browser
) -> None:
    visitor = busy(haven, chromium)
    sue.goto(f"{haven.console}/board")
    sue.get_by_role("link", name="Read along").click()
    expect(sue.get_by_role("log")).to_contain_text("they keep my papers")
    haven.run(visitor.says("and he is angry"))
    expect(sue.get_by_role("log")).to_contain_text("and he is angry")
    sue.get_by_label("Whisper to Ana").fill("Ask about tonight")
    sue.get_by_role("button", name="Whisper").click()
    expect(sue.locator("#notes")).to_contain_text("Ask about tonight")
    sue.get_by_role("link", name="Take over").click()
    sue.get_by_label("Safety").check()
    sue.get_by_role("button", name="Take over").click()
    expect(sue).to_have_url(f"{haven.console}/talk/1")


def test_the_page_stands_still_once_the_hand_is_down(
    sue: Page, haven: Harbour, chromium: Browser
) -> None:
    busy(haven, chromium)
    sue.goto(f"{haven.console}/board/1")
    haven.run(haven.app.hotline.raise_hand(ANA, 1, up=False))
    expect(sue.get_by_text("The hand is down")).to_be_visible(timeout=15_000)


def test_hostile_words_stay_words_for_a_supervisor_too(
    sue: Page, haven: Harbour, chromium: Browser
) -> None:
    alarms: list[str] = []
    sue.on("dialog", lambda dialog: (alarms.append("dialog"), dialog.dismiss()))
    sue.on("console", lambda said: alarms.append(said.text) if "Security" in said.text else None)
    visitor = busy(haven, chromium)
    for text in TEXTS.values():
        haven.run(visitor.says(text))
    haven.run(haven.app.hotline.note(ANA, 1, "<img src=x onerror=alert(1)>", whisper=False))
    sue.goto(f"{haven.console}/board/1")
    expect(sue.locator("#thread .said.visitor").first).to_be_visible()
    assert alarms == []
    assert sue.locator("#thread :is(a, img, script, iframe, svg, form)").count() == 0


def test_a_practice_answers_by_itself(sue: Page, haven: Harbour) -> None:
    sue.goto(f"{haven.console}/practice")
    sue.get_by_role("button", name="Begin").click()
    sue.get_by_role("button", name="Go on shift").click()
    sue.get_by_role("button", name="Take", exact=True).click(timeout=15_000)
    expect(sue.get_by_text("Practice: nobody real is here")).to_be_visible()
    sue.get_by_role("button", name="Send hello").click()
    expect(sue.locator(".said.staff").last).to_be_visible()
    sue.wait_for_timeout(1500)
    haven.clock.turn(seconds=5)
    expect(sue.locator(".said.visitor").last).to_contain_text("Y")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_is_wide_enough(
    haven: Harbour, chromium: Browser, scheme: str
) -> None:
    """With HAVN_SCREENSHOTS set to a folder, the pages are kept there to look at."""
    busy(haven, chromium)
    found, folder = {}, os.environ.get("HAVN_SCREENSHOTS", "")
    for name, size in (("laptop", LAPTOP), ("phone", PHONE)):
        page = haven.counsellor(
            chromium, "Sue", Role.SUPERVISOR, on_shift=False, viewport=size, color_scheme=scheme
        )
        for path in PAGES:
            response = page.goto(haven.console + path)
            assert response is not None
            assert response.status == 200, path
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
            found[f"{path} {name}"] = Axe().run(page).response["violations"]
            if folder:
                plain = path.strip("/").replace("/", "-").partition("?")[0]
                page.screenshot(path=f"{folder}/{plain}-{name}-{scheme}.png", full_page=True)
        page.context.close()
    assert {page: [one["id"] for one in ids] for page, ids in found.items() if ids} == {}
