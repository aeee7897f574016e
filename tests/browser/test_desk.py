"""The counsellors' pages in a real browser: live, by keys, on a phone, with bad luck and bad input.

Visitors write through the real use cases; counsellors have a browser each.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from bot.domain.handover import State
from bot.domain.messages import MessageId
from bot.domain.staff import Role, StaffId
from tests.browser.desk import LAPTOP, PHONE, Harbour, harbour
from tests.support.app import Visitor
from tests.support.desk import request_of
from tests.support.hostile import CANARY, TEXTS
from tests.support.translation_server import http

SMALL = {"width": 320, "height": 640}
# Takes away what a page asks for every eight seconds, stream or not.
WITHOUT_REFRESH = (
    "const every = setInterval;"
    "window.setInterval = (what, time) => time === 8000 ? 0 : every(what, time);"
)


@pytest.fixture
def haven(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path) as haven:
        yield haven


@pytest.fixture
def ana(chromium: Browser, haven: Harbour) -> Iterator[Page]:
    page = haven.counsellor(chromium, "Ana")
    yield page
    page.context.close()


def take(page: Page, haven: Harbour, visitor: Visitor, **how: Any) -> int:
    number = haven.asks(visitor, **how)
    page.locator(f"#take-{number}").click()
    expect(page.locator("[role=tablist]")).to_be_visible()
    return number


def write(page: Page, words: str) -> None:
    page.locator("#text").fill(words)
    page.locator("#send").click()


def heard(haven: Harbour, visitor: Visitor) -> list[str]:
    """Return what a visitor was shown of a counsellor."""
    shown = haven.run(haven.app.reception.shown(visitor.channel, visitor.sender, MessageId(0)))
    return [sent.bubble.text for sent in shown if sent.author == "Ana"]


# --- live -------------------------------------------------------------------------------------


def test_somebody_who_comes_appears_by_themselves_and_in_the_title(
    ana: Page, haven: Harbour
) -> None:
    expect(ana.get_by_text("Nobody waits. The harbour is quiet.")).to_be_visible()
    haven.in_danger(haven.visitor())
    expect(ana.locator(".big")).to_have_text("1", timeout=4000)
    expect(ana).to_have_title("(1) Havn")
    expect(ana.locator("#news")).to_have_text("1 waiting, RED")


def test_what_a_visitor_writes_appears_while_one_is_typing(ana: Page, haven: Harbour) -> None:
    visitor = haven.visitor()
    take(ana, haven, visitor)
    ana.locator("#text").fill("I am still wri")
    haven.run(visitor.says("please help"))
    expect(ana.locator(".said.visitor")).to_have_text(re.compile("please help"), timeout=4000)
    expect(ana.locator("#text")).to_have_value("I am still wri")
    expect(ana.locator("#text")).to_be_focused()


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_written_while_nothing_is_heard_appears_when_the_stream_opens(
    ana: Page, haven: Harbour, lost: bool
) -> None:
    """Both on a page that does not listen yet and on one that lost its stream."""
    visitor = haven.visitor()
    take(ana, haven, visitor)
    ana.add_init_script(WITHOUT_REFRESH)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if lost and not held:
            route.fulfill(content_type="text/event-stream", body="retry: 100\n\n")
        held.append(route)

    ana.route("**/events", hold)
    ana.reload()
    for _ in range(50):
        if len(held) > lost:
            break
        ana.wait_for_timeout(100)
    haven.run(visitor.says("please help"))
    held[-1].continue_()
    expect(ana.locator(".said.visitor")).to_have_text(re.compile("please help"), timeout=4000)


def test_a_bell_rings_in_a_talk_too_and_stops_when_somebody_takes(
    ana: Page, chromium: Browser, haven: Harbour
) -> None:
    take(ana, haven, haven.visitor())
    number = haven.in_danger(haven.visitor())
    expect(ana.locator(".strip")).to_contain_text("1 waiting, RED", timeout=4000)
    bo = haven.counsellor(chromium, "Bo")
    bo.locator(f"#take-{number}").click()
    expect(ana.locator(".strip")).not_to_contain_text("waiting", timeout=4000)
    bo.context.close()


# Notes the tones that a page asks its sound system for.
TONES = (
    "window.tones = []; const make = AudioContext.prototype.createOscillator;"
    "AudioContext.prototype.createOscillator = function () {"
    " const one = make.call(this); window.tones.push(one); return one; };"
)
RED = [880, 880, 880, 660]


def asked(page: Page) -> list[float]:
    return list(page.evaluate("window.tones.map((one) => one.frequency.value)"))


def tones(page: Page, number: int) -> list[float]:
    """Return the pitches asked for, once there are so many; the policy forbids to wait in there."""
    for _ in range(50):
        if len(asked(page)) >= number:
            break
        page.wait_for_timeout(100)
    return asked(page)


def test_the_pattern_of_a_level_is_played(ana: Page, haven: Harbour) -> None:
    ana.add_init_script(TONES)
    ana.reload()
    haven.asks(haven.visitor())
    assert tones(ana, 1) == [520]
    haven.in_danger(haven.visitor())
    assert tones(ana, 5)[1:] == RED


@pytest.mark.parametrize("locks", [True, False])
def test_of_two_tabs_one_rings_and_both_where_the_browser_cannot_tell(
    ana: Page, haven: Harbour, locks: bool
) -> None:
    ana.context.add_init_script(TONES)
    if not locks:
        ana.context.add_init_script("Object.defineProperty(navigator, 'locks', {value: undefined})")
    tabs = [ana, ana.context.new_page()]
    for tab in tabs:
        tab.goto(f"{haven.console}/queue")
        # Without a gesture a page has no sound, and then it leaves the bell to no other.
        tab.locator("h1").click()
    haven.in_danger(haven.visitor())
    for tab in tabs:
        expect(tab).to_have_title("(1) Havn", timeout=4000)
    ana.wait_for_timeout(3000)
    assert sorted(map(asked, tabs)) == ([[], RED] if locks else [RED, RED])


def test_a_talk_that_goes_away_says_so_and_keeps_the_words(ana: Page, haven: Harbour) -> None:
    visitor = haven.visitor()
    take(ana, haven, visitor)
    ana.locator("#text").fill("half a sentence")
    haven.run(visitor.taps("action_leave_human"))
    expect(ana.locator("#gone")).to_be_visible(timeout=4000)
    expect(ana.locator("#text")).to_have_value("half a sentence")
    expect(ana.locator("#send")).to_be_disabled()


def test_a_page_that_slept_is_on_shift_again_by_itself(ana: Page, haven: Harbour) -> None:
    expect(ana.locator(".calm")).to_be_visible()
    # The first sign of life has been told; who sleeps gives no other.
    with ana.expect_response("**/shift/*"):
        ana.evaluate("dispatchEvent(new Event('visibilitychange'))")
    ana.route("**/shift/*", lambda route: route.abort())
    haven.clock.turn(minutes=3)
    haven.app.bus.publish("queue")
    expect(ana.get_by_role("button", name="Go on shift")).to_be_visible(timeout=12_000)
    ana.unroute("**/shift/*")
    ana.evaluate("dispatchEvent(new Event('visibilitychange'))")
    expect(ana.locator(".calm")).to_be_visible()


# --- two counsellors --------------------------------------------------------------------------


def test_two_take_the_same_visitor_and_one_is_told_kindly(
    ana: Page, chromium: Browser, haven: Harbour
) -> None:
    bo = haven.counsellor(chromium, "Bo")
    visitor = haven.visitor()
    number = haven.asks(visitor)
    for page in (ana, bo):
        expect(page.locator(f"#take-{number}")).to_be_visible()
    # Bo's page cannot learn in time that Ana was faster.
    bo.route("**/queue/now", lambda route: route.abort())
    # A look begun before may still replace the form, so Bo presses a copy of it.
    bo.evaluate(
        "const mine = document.querySelector('[id^=take-]').form.cloneNode(true);"
        "mine.id = 'mine'; document.body.append(mine)"
    )
    ana.locator(f"#take-{number}").click()
    expect(ana.locator("#reply")).to_be_visible()
    bo.evaluate("document.getElementById('mine').requestSubmit()")
    expect(bo.get_by_text("Ana was faster and has it now")).to_be_visible()
    write(ana, "hello")
    expect(ana.locator(".said.staff").last).to_contain_text("hello")
    assert heard(haven, visitor)[-1:] == ["hello"]
    bo.context.close()


def test_a_talk_is_handed_over_with_a_note_and_the_other_goes_on(
    ana: Page, chromium: Browser, haven: Harbour
) -> None:
    bo = haven.counsellor(chromium, "Bo")
    visitor = haven.visitor()
    number = take(ana, haven, visitor, consent="all")
    write(ana, "hello")
    haven.run(visitor.says("words before"))
    ana.locator("#over summary").click()
    ana.get_by_label("To", exact=True).select_option("bo")
    ana.get_by_label("What they need").fill("pay")
    ana.get_by_role("button", name="Offer it").click()
    expect(ana.get_by_text("Offered to Bo until")).to_be_visible()
    haven.run(visitor.taps("action_transfer_yes"))
    expect(ana.get_by_text("The visitor says yes")).to_be_visible()
    bo.locator(f"#accept-{number}").click()
    expect(bo.locator("#thread")).to_contain_text("words before")
    expect(bo.locator("#notes")).to_contain_text("pay")
    expect(ana.locator("#gone")).to_be_visible(timeout=4000)
    bo.context.close()


# --- bad luck ---------------------------------------------------------------------------------


def test_a_network_lost_in_the_middle_sends_the_line_once_and_by_itself(
    ana: Page, haven: Harbour
) -> None:
    """The first try arrives but its answer is lost; the second never leaves; the third is heard."""
    visitor = haven.visitor()
    take(ana, haven, visitor)
    tries: list[str] = []

    def lose(route: Route) -> None:
        tries.append(route.request.post_data or "")
        if len(tries) == 1:
            route.fetch(max_redirects=0)
        if len(tries) < 3:
            route.abort()
        else:
            route.continue_()

    ana.route("**/say", lose)
    write(ana, "I am here")
    expect(ana.locator("#unsent")).to_be_visible()
    expect(ana.locator("#text")).to_have_value("I am here")
    expect(ana.locator("#text")).to_have_value("", timeout=8000)
    assert len(tries) == 3
    assert len(set(tries)) == 1
    assert heard(haven, visitor).count("I am here") == 1


def test_a_session_that_ended_keeps_the_words_until_one_is_back(ana: Page, haven: Harbour) -> None:
    visitor = haven.visitor()
    take(ana, haven, visitor)
    haven.clock.turn(minutes=2)
    haven.run(haven.app.hotline.beat("ana"))  # type: ignore[arg-type]
    ana.context.clear_cookies()
    write(ana, "do not lose me")
    expect(ana.locator("#out")).to_be_visible()
    expect(ana.locator("#text")).to_have_value("do not lose me")
    haven.signs_in(ana.context, "Ana")
    expect(ana.locator("#text")).to_have_value("", timeout=10_000)
    assert heard(haven, visitor)[-1:] == ["do not lose me"]


@pytest.mark.parametrize("step", ["level", "over", "aside", "end"])
def test_a_step_at_the_end_of_a_session_is_taken_once_one_is_back(
    ana: Page, haven: Harbour, step: str
) -> None:
    """Nothing that was chosen or typed is asked for again, whichever form met the ended session."""
    visitor = haven.visitor()
    take(ana, haven, visitor)
    ana.locator(f"#{step} summary").click()
    form = ana.locator(f"#{step} form")
    if step == "level":
        form.get_by_label("Red: danger now").check()
    if step == "over":
        form.get_by_label("Risk now").fill("he waits outside")
    if step == "end":
        form.get_by_text("Informed").click()
        form.get_by_text("Pay and work").click()
    haven.clock.turn(minutes=2)
    haven.run(haven.app.hotline.beat("ana"))  # type: ignore[arg-type]
    ana.context.clear_cookies()
    form.locator("button").click()
    expect(ana.locator("#out")).to_be_visible()
    haven.signs_in(ana.context, "Ana")
    if step in {"aside", "end"}:
        expect(ana.locator("#board")).to_be_visible(timeout=10_000)
        left = haven.run(visitor.handover())
        assert (left and left.state) == (State.LEFT_MESSAGE if step == "aside" else None)
    else:
        expect(ana.locator("#out")).to_be_hidden(timeout=10_000)
        came = {"level": "#head .level.red", "over": "#state form.box"}[step]
        expect(ana.locator(came)).to_be_visible(timeout=10_000)


def test_a_double_click_and_two_tabs_say_a_line_once(ana: Page, haven: Harbour) -> None:
    visitor = haven.visitor()
    take(ana, haven, visitor)
    tab = ana.context.new_page()
    tab.goto(ana.url)
    ana.locator("#text").fill("only once")
    ana.locator("#send").dblclick()
    expect(ana.locator(".said.staff").last).to_contain_text("only once")
    expect(tab.locator(".said.staff").last).to_contain_text("only once", timeout=4000)
    write(tab, "from the other tab")
    expect(ana.locator(".said.staff").last).to_contain_text("from the other tab", timeout=4000)
    assert heard(haven, visitor)[-2:] == ["only once", "from the other tab"]
    for page in (ana, tab):
        expect(page.locator(".said.staff", has_text="only once")).to_have_count(1)


def test_a_draft_survives_leaving_the_page(ana: Page, haven: Harbour) -> None:
    take(ana, haven, haven.visitor())
    ana.locator("#text").fill("not finished")
    ana.locator(".strip a").first.click()
    expect(ana.locator("#board")).to_be_visible()
    ana.locator("[id^=open-]").click()
    expect(ana.locator("#text")).to_have_value("not finished")
    expect(ana.locator("#thread")).not_to_contain_text("not finished")


def test_the_lines_of_a_hand_over_survive_leaving_the_page_until_it_is_offered(
    ana: Page, haven: Harbour
) -> None:
    take(ana, haven, haven.visitor())
    ana.locator("#over summary").click()
    ana.get_by_label("What they need").fill("pay")
    ana.get_by_label("Promised next step").fill("call at nine")
    expect(ana.locator("#kept")).to_have_text("Draft kept")
    write(ana, "a colleague goes on")
    expect(ana.locator(".said.staff").last).to_contain_text("a colleague goes on")
    ana.get_by_label("Risk now").fill("none")
    ana.locator(".strip a").first.click()
    ana.locator("[id^=open-]").click()
    lines = [ana.locator(box) for box in ("#need", "#risk", "#step")]
    for line, words in zip(lines, ("pay", "none", "call at nine"), strict=True):
        expect(line).to_be_visible()
        expect(line).to_have_value(words)
    expect(ana.locator("#text")).to_have_value("")
    ana.get_by_role("button", name="Offer it").click()
    expect(ana.locator("#notes")).to_contain_text("call at nine")
    for line in lines:
        expect(line).to_have_value("")
    ana.reload()
    expect(ana.locator("#over")).not_to_have_attribute("open", "")
    for line in lines:
        expect(line).to_have_value("")


def test_too_long_cannot_be_sent_and_is_counted(ana: Page, haven: Harbour) -> None:
    take(ana, haven, haven.visitor())
    ana.locator("#text").fill("x" * 4005)
    expect(ana.locator("#count")).to_have_text("Too long by 5")
    expect(ana.locator("#send")).to_be_disabled()
    ana.locator("#text").fill("x" * 4000)
    expect(ana.locator("#send")).to_be_enabled()


def test_a_note_cannot_reach_the_visitor(ana: Page, haven: Harbour) -> None:
    visitor = haven.visitor()
    take(ana, haven, visitor)
    ana.get_by_role("tab", name="Note for colleagues").click()
    expect(ana.locator("#reply")).to_be_hidden()
    ana.locator("#note-text").fill("sounds tired")
    ana.get_by_role("button", name="Keep the note").click()
    expect(ana.locator("#notes")).to_contain_text("sounds tired")
    assert not any("sounds tired" in line for line in heard(haven, visitor))


# --- keys, ready sentences, no script ---------------------------------------------------------


def test_a_talk_from_alert_to_end_by_keys_alone(ana: Page, haven: Harbour) -> None:
    expect(ana.get_by_role("button", name="Keys")).to_be_visible()
    visitor = haven.visitor()
    haven.asks(visitor)
    expect(ana.locator("#next")).to_be_visible(timeout=4000)
    ana.keyboard.press("t")
    expect(ana.get_by_role("button", name="Keys")).to_be_visible()
    ana.keyboard.press("r")
    ana.keyboard.type("/")
    expect(ana.locator("#find")).to_be_focused()
    ana.keyboard.type("what do you need")
    expect(ana.locator(".ready li:visible")).to_have_count(1)
    ana.keyboard.press("Enter")
    expect(ana.locator(".said.staff").last).to_contain_text("What do you need most")
    ana.locator("#text").focus()
    ana.keyboard.type("I am here")
    # One thing is sent at a time: what was sent before may be seen before it is settled.
    expect(ana.locator("#send")).to_be_enabled()
    ana.keyboard.press("Control+Enter")
    expect(ana.locator(".said.staff").last).to_contain_text("I am here")
    ana.locator("#thread").focus()
    ana.keyboard.press("n")
    expect(ana.locator("#note-text")).to_be_focused()
    ana.locator("#thread").focus()
    ana.keyboard.press("?")
    expect(ana.get_by_role("dialog")).to_be_visible()
    ana.keyboard.press("Escape")
    ana.locator("#thread").focus()
    ana.keyboard.press("e")
    ana.keyboard.press("Space")
    ana.keyboard.press("Tab")
    ana.keyboard.press("Space")
    ana.keyboard.press("Enter")
    expect(ana.locator("#board")).to_be_visible()


def test_ready_sentences_are_a_combobox_in_both_languages(ana: Page, haven: Harbour) -> None:
    visitor = haven.visitor()
    take(ana, haven, visitor, before=lambda visitor: visitor.starts("da"))
    ana.locator("#text").focus()
    ana.keyboard.type("/")
    box = ana.get_by_role("combobox", name="Find one")
    options = ana.get_by_role("listbox", name="Ready sentences").get_by_role("option")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "true")
    assert options.count() > 5
    first, second, last = options.nth(0), options.nth(1), options.last
    # What is said aloud is both: what the counsellor reads and what the visitor gets.
    expect(first.locator("span[lang=en]")).to_be_visible()
    expect(first.locator("span[lang=da]")).to_be_visible()
    for key, chosen in (
        ("ArrowDown", first),
        ("ArrowDown", second),
        ("ArrowUp", first),
        ("ArrowUp", last),
        ("ArrowDown", first),
    ):
        ana.keyboard.press(key)
        expect(chosen).to_have_attribute("aria-selected", "true")
        expect(box).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "-")
        expect(box).to_be_focused()
    assert ana.locator(".ready [aria-selected=true]").count() == 1
    inspect(ana)
    ana.keyboard.press("Escape")
    expect(ana.locator("#text")).to_be_focused()
    expect(ana.locator("#text")).to_have_value("")
    expect(ana.locator("#find")).to_be_hidden()
    expect(ana.locator("#find")).to_have_attribute("aria-expanded", "false")
    ana.keyboard.type("/")
    words = (second.locator("span[lang=da]").text_content() or "").strip()
    ana.keyboard.type(words[:20])
    ana.keyboard.press("Enter")
    expect(ana.locator(".said.staff").last).to_contain_text(words)
    assert heard(haven, visitor)[-1:] == [words]
    expect(box).to_have_value("")
    expect(ana.locator("#text")).to_be_focused()


def test_single_keys_can_be_switched_off(ana: Page, haven: Harbour) -> None:
    expect(ana.get_by_role("button", name="Keys")).to_be_visible()
    ana.keyboard.press("?")
    ana.get_by_label("Single keys work").uncheck()
    ana.keyboard.press("Escape")
    haven.asks(haven.visitor())
    expect(ana.locator("#next")).to_be_visible(timeout=4000)
    ana.keyboard.press("t")
    expect(ana.locator("#next")).to_be_visible()


def test_everything_works_without_script(chromium: Browser, haven: Harbour) -> None:
    page = haven.counsellor(chromium, "Ana", java_script_enabled=False, viewport=PHONE)
    visitor = haven.visitor()
    haven.asks(visitor)
    page.reload()
    page.get_by_role("button", name="Take next").click()
    page.get_by_role("button", name="Send hello").click()
    page.locator("#text").fill("I am here")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".said.staff").last).to_contain_text("I am here")
    page.locator("#note-text").fill("a note")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.locator("#notes")).to_contain_text("a note")
    page.locator("#end summary").click()
    page.get_by_text("Informed").click()
    page.get_by_text("Pay and work").click()
    page.locator("#end button").click()
    expect(page.get_by_text("Nobody waits.")).to_be_visible()
    assert len(heard(haven, visitor)) >= 2
    page.context.close()


# --- what visitors write ----------------------------------------------------------------------

PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "</bdi></p><script>alert(1)</script>",
    "\"'><svg/onload=alert(1)>",
    "javascript:alert(1)//",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "{{ 7*7 }} {% include 'staff.html' %}",
    "<a href='https://evil.example'>+45 70 20 25 50</a>",
    "<style>*{display:none}</style><base href=//evil.example>",
    "\u05d0\u05d1 (112) \u05d2 <b>",
)


def test_nothing_a_visitor_writes_does_anything(ana: Page, haven: Harbour) -> None:
    noise: list[str] = []
    ana.on("dialog", lambda dialog: (noise.append("dialog"), dialog.dismiss()))
    ana.on("console", lambda message: noise.append(message.text))
    ana.on("pageerror", lambda error: noise.append(str(error)))
    ana.on(
        "request",
        lambda request: None if request.url.startswith(haven.console) else noise.append("away"),
    )
    visitor = haven.visitor()
    take(ana, haven, visitor)
    for text in (*PAYLOADS, *TEXTS.values()):
        haven.clock.turn(seconds=5)
        haven.run(visitor.says(text[:4000]))
    expect(ana.locator(".said.visitor").last).to_contain_text(re.compile("format|action|inform"))
    names = ana.locator("#thread").evaluate(
        "(log) => [...new Set([...log.querySelectorAll('*')].map((one) => one.localName))].sort()"
    )
    assert set(names) <= {"article", "p", "b", "time", "bdi", "span"}
    assert CANARY in ana.locator("#thread").inner_text()
    ana.reload()
    expect(ana.locator("#reply")).to_be_visible()
    assert ana.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert noise == []


def test_arabic_stands_right_to_left_in_a_page_that_does_not(ana: Page, haven: Harbour) -> None:
    visitor = haven.visitor()
    take(ana, haven, visitor)
    haven.run(visitor.says("مرحبا، أحتاج إلى مساعدة 112"))
    words = ana.locator(".said.visitor bdi")
    expect(words).to_be_visible(timeout=4000)
    assert words.evaluate("(one) => getComputedStyle(one).direction") == "rtl"
    assert ana.evaluate("getComputedStyle(document.body).direction") == "ltr"


# --- looks ------------------------------------------------------------------------------------

STATES = ("start", "empty", "keys", "queue", "conflict", "talk", "unfolded", "pause")


def show(page: Page, haven: Harbour, state: str) -> None:
    """Bring the page of somebody who is not on shift yet into a state."""
    if state == "start":
        return
    page.get_by_role("button", name="Go on shift").click()
    expect(page.locator("#next, .calm")).to_be_visible()
    if state == "keys":
        page.get_by_role("button", name="Keys").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    if state in ("empty", "keys"):
        return
    visitor = haven.visitor()
    numbers = [haven.asks(visitor, consent="all"), haven.in_danger(haven.visitor())]
    haven.clock.turn(seconds=70)
    expect(page.locator(f"#take-{numbers[1]}")).to_be_visible(timeout=4000)
    if state == "queue":
        return
    page.locator(f"#take-{numbers[state == 'pause']}").click()
    expect(page.locator("#reply")).to_be_visible()
    haven.run(visitor.says("they keep my passport"))
    if state == "conflict":
        page.goto(f"{haven.console}/queue")
        page.locator("#shift button").or_(page.get_by_role("button", name="End shift")).click()
        expect(page.locator("#notice a")).to_be_visible()
    if state == "talk":
        page.locator("#hello").click()
        expect(page.locator(".said.staff").first).to_be_visible()
    if state in ("unfolded", "pause"):
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    if state == "pause":
        page.get_by_text("Informed").click()
        page.get_by_text("Danger", exact=True).click()
        page.locator("#end button").click()
        expect(page.get_by_text("Take ten minutes?")).to_be_visible()


@pytest.mark.parametrize("state", STATES)
def test_every_page_is_accessible_and_fits_a_small_phone(
    chromium: Browser, haven: Harbour, state: str
) -> None:
    page = haven.counsellor(chromium, "Ana", on_shift=False)
    show(page, haven, state)
    inspect(page)
    page.context.close()


def inspect(page: Page) -> None:
    """Hold a page to what everybody needs: nothing for axe, and no width but the screen's."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for size in (LAPTOP, SMALL):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []


def test_the_pages_of_a_practice_are_accessible(chromium: Browser, haven: Harbour) -> None:
    page = haven.counsellor(chromium, "Ana", on_shift=False)
    page.goto(f"{haven.console}/practice")
    inspect(page)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("button", name="Go on shift")).to_be_visible()
    inspect(page)
    page.get_by_role("button", name="Go on shift").click()
    expect(page.locator("#next")).to_be_visible(timeout=15_000)
    inspect(page)
    page.locator("#next").click()
    expect(page.locator("[role=tablist]")).to_be_visible()
    inspect(page)
    page.goto(f"{haven.console}/practice")
    expect(page.get_by_text("A practice is running.")).to_be_visible()
    inspect(page)
    page.context.close()


def test_a_page_is_light_and_soon_there(chromium: Browser, haven: Harbour) -> None:
    """At most 60 kB in all, and interactive within a second."""
    page = haven.counsellor(chromium, "Ana")
    take(page, haven, haven.visitor())
    context = page.context
    context.clear_cookies()
    fresh = context.new_page()
    haven.signs_in(context, "Ana")
    weights: list[int] = []
    fresh.on("response", lambda answer: _weigh(weights, answer))
    fresh.goto(page.url, wait_until="load")
    expect(fresh.locator("#reply")).to_be_visible()
    assert 10_000 < sum(weights) <= 60_000
    soon = fresh.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    assert soon <= 1000
    context.close()


def _weigh(weights: list[int], answer: Any) -> None:
    if "event-stream" not in answer.headers.get("content-type", ""):
        weights.append(len(answer.body()))


def test_a_lost_counsellor_gives_the_visitor_back(
    ana: Page, chromium: Browser, haven: Harbour
) -> None:
    visitor = haven.visitor()
    number = take(ana, haven, visitor)
    haven.clock.turn(minutes=3)
    haven.run(haven.app.keeper.round())
    assert haven.run(request_of(visitor)).state is State.WAITING
    expect(ana.locator("#gone")).to_be_visible(timeout=10_000)
    bo = haven.counsellor(chromium, "Bo")
    bo.locator(f"#take-{number}").click()
    expect(bo.locator("#reply")).to_be_visible()
    bo.context.close()


# --- machine translation ----------------------------------------------------------------------


def test_a_translation_comes_by_itself_below_the_line_and_stays(
    tmp_path: Path, chromium: Browser
) -> None:
    with harbour(tmp_path, translated=True) as haven:
        page, visitor = haven.counsellor(chromium, "Ana"), haven.visitor()
        take(page, haven, visitor, before=lambda visitor: visitor.starts("da"))
        haven.run(visitor.says("mit pas er væk"))
        line = page.locator(".said.visitor", has_text="mit pas er væk")
        expect(line.locator("bdi").first).to_have_text("mit pas er væk", timeout=4000)
        expect(line.locator(".beside bdi")).to_have_text("da>en: mit pas er væk")
        expect(line.locator(".machine")).to_be_visible()
        haven.run(visitor.says("er du der"))
        expect(page.get_by_text("da>en: er du der")).to_be_visible(timeout=4000)
        expect(line.locator(".beside bdi")).to_have_text("da>en: mit pas er væk")
        assert haven.translator is not None
        asked = [question["q"] for question in haven.translator.asked]
        assert asked == ["mit pas er væk", "er du der"]
        page.context.close()


def test_the_page_of_a_translation_is_accessible_with_one_and_without(
    tmp_path: Path, chromium: Browser
) -> None:
    with harbour(tmp_path, translated=True) as haven:
        assert haven.translator is not None
        page, visitor = haven.counsellor(chromium, "Ana"), haven.visitor()
        number = take(page, haven, visitor, before=lambda visitor: visitor.starts("da"))
        for words, shown in (("mit pas er væk", ".machine"), ("er du der", "text=Try again")):
            haven.run(visitor.says(words))
            line = page.locator(".said.visitor", has_text=words)
            expect(line).to_be_visible(timeout=4000)
            name = line.get_attribute("id") or ""
            page.goto(f"{haven.console}/talk/{number}/translation/{name.removeprefix('m')}")
            expect(page.locator(shown)).to_be_visible()
            inspect(page)
            haven.translator.answer = lambda _question: b""
            page.get_by_role("link", name="Back to Chat").click()
        page.context.close()


def test_a_translator_that_hangs_holds_up_neither_the_talk_nor_a_reply(
    tmp_path: Path, chromium: Browser
) -> None:
    with harbour(tmp_path, translated=True) as haven:
        assert haven.translator is not None
        haven.translator.answer = lambda _question: None
        page, visitor = haven.counsellor(chromium, "Ana"), haven.visitor()
        take(page, haven, visitor, before=lambda visitor: visitor.starts("da"))
        haven.run(visitor.says("mit pas er væk"))
        line = page.locator(".said.visitor", has_text="mit pas er væk")
        expect(line.get_by_role("link", name="Translate by machine")).to_be_visible(timeout=4000)
        write(page, "I am here")
        expect(page.locator(".said.staff")).to_have_text(re.compile("I am here"), timeout=4000)
        expect(line.get_by_text("No translation now.")).to_be_visible(timeout=15_000)
        expect(page.locator("#offline")).to_be_hidden()
        page.context.close()


# --- alerts while the page is closed ----------------------------------------------------------

# What the browser's vendor would answer: no push service can be reached from here.
VENDOR = """
PushManager.prototype.subscribe = async (options) => {
  if (!options.userVisibleOnly || options.applicationServerKey.length !== 87) throw new Error();
  return { endpoint: "https://fcm.googleapis.com/fcm/send/one" };
};
"""
# Written down where it is shown: a notification without a desktop around it may vanish at any time.
WRITE_DOWN = """
() => {
  self.shown = [];
  const show = self.registration.showNotification.bind(self.registration);
  self.registration.showNotification = async (title, options) => {
    await show(title, options);
    self.shown.push([title, options]);
  };
}
"""


def test_a_browser_is_rung_by_a_worker_that_says_only_havn(
    tmp_path: Path, chromium: Browser
) -> None:
    with harbour(tmp_path, alerts=True) as haven:
        page = haven.counsellor(chromium, "Ana", viewport=PHONE)
        page.context.grant_permissions(["notifications"], origin=haven.console)
        page.add_init_script(VENDOR)
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        page.reload()
        turn_on = page.get_by_role("button", name="Ring this browser")
        turn_on.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("A browser of yours rings.")).to_be_visible()
        assert haven.run(subscribed(haven)) == "https://fcm.googleapis.com/fcm/send/one"
        assert pushed(page, haven.console) == [["Havn", {"tag": "havn", "renotify": True}]]
        assert complaints == []
        page.get_by_role("button", name="Ring no more").click()
        expect(page.get_by_text("A browser of yours rings.")).to_be_hidden()
        assert haven.run(subscribed(haven)) == ""
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
        page.context.close()


def test_a_publisher_is_rung_and_a_tap_needs_no_queue(tmp_path: Path, chromium: Browser) -> None:
    with harbour(tmp_path, alerts=True) as haven:
        context = chromium.new_context(viewport=PHONE, locale="en-GB")
        context.grant_permissions(["notifications"], origin=haven.console)
        context.add_init_script(VENDOR)
        haven.signs_in(context, "Ana", Role.PUBLISHER)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(haven.console)
        expect(page).to_have_url(f"{haven.console}/content")
        page.get_by_role("button", name="Ring this browser").click()
        expect(page.get_by_text("A browser of yours rings.")).to_be_visible()
        assert haven.run(subscribed(haven)) == "https://fcm.googleapis.com/fcm/send/one"
        assert pushed(page, haven.console) == [["Havn", {"tag": "havn", "renotify": True}]]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
        page.get_by_role("button", name="Ring no more").click()
        expect(page.get_by_text("A browser of yours rings.")).to_be_hidden()
        assert haven.run(subscribed(haven)) == ""
        assert complaints == []
        context.close()


def test_a_browser_that_refuses_says_so(tmp_path: Path, chromium: Browser) -> None:
    with harbour(tmp_path, alerts=True) as haven:
        page = haven.counsellor(chromium, "Ana")
        page.get_by_role("button", name="Ring this browser").click()
        expect(page.get_by_text("This browser does not allow it.")).to_be_visible()
        assert haven.run(subscribed(haven)) == ""
        page.context.close()


async def subscribed(haven: Harbour) -> str:
    async with haven.app.store.begin() as unit:
        return (await unit.subscriptions.of([StaffId("ana")])).get(StaffId("ana"), "")


def pushed(page: Page, origin: str) -> list[Any]:
    """Hand the worker a push without content, as the browser would; return what it showed."""
    (worker,) = page.context.service_workers
    worker.evaluate(WRITE_DOWN)
    devtools = page.context.new_cdp_session(page)
    found: list[str] = []

    def note(event: Any) -> None:
        found.extend(one["registrationId"] for one in event["registrations"])

    devtools.on("ServiceWorker.workerRegistrationUpdated", note)
    devtools.send("ServiceWorker.enable")
    for _ in range(100):
        if found:
            break
        page.wait_for_timeout(50)
    push = {"origin": origin, "registrationId": found[0], "data": ""}
    devtools.send("ServiceWorker.deliverPushMessage", push)
    shown: list[Any] = []
    for _ in range(100):
        shown = worker.evaluate("self.shown")
        if shown:
            break
        page.wait_for_timeout(50)
    return shown


def test_an_own_line_is_read_back_and_sent_by_a_second_press_by_keys_on_a_phone(
    tmp_path: Path, chromium: Browser
) -> None:
    with harbour(tmp_path, translated=True) as haven:
        page, visitor = haven.counsellor(chromium, "Ana", viewport=SMALL), haven.visitor()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        take(page, haven, visitor, before=lambda visitor: visitor.starts("da"))
        before = heard(haven, visitor)
        page.locator("#text").fill("Call 70 20 25 50\nwhen it is safe")
        page.locator("#translate").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#preview-title")).to_be_focused()
        expect(page.locator("#preview")).to_contain_text("da>en: en>da: Call 70 20 25 50")
        assert heard(haven, visitor) == before
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
        page.wait_for_timeout(9000)  # a refresh of the page leaves it alone
        expect(page.locator("#text")).to_have_value("Call 70 20 25 50\nwhen it is safe")
        page.keyboard.press("Tab")
        expect(page.locator("#approve")).to_be_focused()
        page.keyboard.press("Enter")
        line = page.locator(".said.staff", has_text="en>da: Call 70 20 25 50")
        expect(line).to_contain_text("Written was:")
        expect(page.locator("#translated")).to_have_count(0)
        expect(page.locator("#text")).to_have_value("")
        expect(page.locator("#text")).to_be_focused()
        (said,) = [one for one in heard(haven, visitor) if one not in before]
        assert said.startswith("en>da: Call 70 20 25 50\nwhen it is safe\n\n")
        assert said.endswith("\nCall 70 20 25 50\nwhen it is safe")
        assert complaints == []
        page.context.close()


def test_a_preview_goes_with_its_words_and_a_plain_send_stays_plain(
    tmp_path: Path, chromium: Browser
) -> None:
    with harbour(tmp_path, translated=True) as haven:
        page, visitor = haven.counsellor(chromium, "Ana"), haven.visitor()
        take(page, haven, visitor, before=lambda visitor: visitor.starts("da"))
        page.locator("#text").fill("wait")
        page.locator("#translate").click()
        expect(page.locator("#translated")).to_be_visible()
        page.get_by_role("link", name="Do not send it").click()
        expect(page.locator("#translated")).to_have_count(0)
        expect(page.locator("#text")).to_be_focused()
        page.locator("#translate").click()
        expect(page.locator("#translated")).to_be_visible()
        page.locator("#text").press_sequentially(" here")
        expect(page.locator("#translated")).to_have_count(0)
        page.keyboard.press("Control+Enter")
        expect(page.locator(".said.staff", has_text="wait here")).to_be_visible()
        assert heard(haven, visitor)[-1] == "wait here"
        assert haven.translator is not None
        haven.translator.answer = lambda _question: http(b'{"translatedText": "Ring 122"}')
        page.locator("#text").fill("Call 112")
        page.locator("#translate").click()
        expect(page.get_by_text("numbers were changed")).to_be_visible()
        expect(page.locator("#text")).to_have_value("Call 112")
        page.context.close()


def test_a_line_is_translated_without_script(tmp_path: Path, chromium: Browser) -> None:
    with harbour(tmp_path, translated=True) as haven:
        plain = {"java_script_enabled": False, "viewport": PHONE}
        page, visitor = haven.counsellor(chromium, "Ana", **plain), haven.visitor()
        number = haven.asks(visitor, before=lambda visitor: visitor.starts("da"))
        page.reload()
        page.locator(f"#take-{number}").click()
        page.locator("#text").fill("I am here")
        page.get_by_role("button", name="Translate first").click()
        expect(page.locator("#preview")).to_contain_text("da>en: en>da: I am here")
        page.get_by_role("button", name="Send translated").click()
        expect(page.locator(".said.staff").last).to_contain_text("en>da: I am here")
        page.context.close()
