"""Hostile words through every door, looked at in a real browser: they do nothing and hide nothing.

Many at a time on few pages. The alarm goes off for a dialog, an error, a report of the policy, a
request to anywhere else, and for any element or attribute that a page of harmless words has not.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.domain.messages import Channel
from bot.domain.staff import Role
from tests.browser.alarms import alarmed, shape
from tests.browser.desk import Harbour, harbour
from tests.browser.site import press, visit, wait_for_answer
from tests.support.app import Visitor
from tests.support.payloads import ADDRESSES, HANDLERS, PAYLOADS, QUOTES, TAGS, TEMPLATES

HARMLESS = ("I need help", "They keep my pay")


@pytest.fixture
def haven(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path) as haven:
        yield haven


def taken(haven: Harbour, page: Page, visitor: Visitor, **how: Any) -> int:
    """Have a visitor ask, and the counsellor of a page take them."""
    number = haven.asks(visitor, consent="all", **how)
    page.goto(f"{haven.console}/queue")
    page.locator(f"#take-{number}").click()
    expect(page.locator("#reply")).to_be_visible()
    return number


def writes(haven: Harbour, visitor: Visitor, texts: tuple[str, ...]) -> None:
    for text in texts:
        haven.clock.turn(seconds=4)
        haven.run(visitor.says(text))
        haven.run(haven.app.hotline.beat("ana"))  # type: ignore[arg-type]


def fill(page: Page, words: str) -> None:
    """Write in every box of a talk and send it."""
    for box, button in (("#note-text", "#note button"), ("#text", "#send")):
        if box == "#note-text":
            page.locator("#tab-note").click()
        else:
            page.locator("#tab-reply").click()
        page.locator(box).fill(words)
        page.locator(button).click()
        expect(page.locator(box)).to_have_value("")


def test_the_alarm_can_go_off(chromium: Browser, haven: Harbour) -> None:
    page = haven.counsellor(chromium, "Eva", on_shift=False)
    with pytest.raises(AssertionError), alarmed(page, haven.console):
        page.evaluate("console.log('anything')")
    before = shape(page)
    page.evaluate("document.querySelector('main').append(document.createElement('blink'))")
    assert shape(page) - before == {"http://www.w3.org/1999/xhtml blink"}
    page.context.close()


@pytest.mark.parametrize("channel", [Channel.WEB, Channel.TELEGRAM])
def test_nothing_that_is_written_adds_a_node_to_a_talk(
    chromium: Browser, haven: Harbour, channel: Channel
) -> None:
    """What visitors write, as it comes in live, and on a page that is loaded afresh."""
    page = haven.counsellor(chromium, "Ana")
    calm = haven.visitor(channel)
    taken(haven, page, calm)
    writes(haven, calm, (*HARMLESS, "zero\u200c\u200dwidth"))
    fill(page, "we are here")
    page.reload()
    plain = shape(page)
    ends(page)
    visitor = haven.visitor(channel)
    number = taken(haven, page, visitor)
    fill(page, "we are here")
    with alarmed(page, haven.console):
        for at in range(0, len(PAYLOADS), 40):
            writes(haven, visitor, PAYLOADS[at : at + 40])
            page.reload()
            expect(page.locator("#reply")).to_be_visible()
            assert shape(page) <= plain
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        writes(haven, visitor, PAYLOADS[:20])
        page.wait_for_timeout(1500)
        assert shape(page) <= plain
    assert page.locator(".said.visitor").count() > 40
    assert page.url.endswith(f"/talk/{number}")
    ends(page)
    page.context.close()


def ends(page: Page) -> None:
    """End a talk as a counsellor does."""
    page.locator("#end").evaluate("(one) => { one.open = true; }")
    page.locator("[name=outcome]").first.check(force=True)
    page.locator("[name=topic]").first.check(force=True)
    page.locator("#end button").click()
    expect(page).to_have_url(re.compile("/queue"))


def test_what_counsellors_write_is_as_inert_on_both_sides(
    chromium: Browser, haven: Harbour
) -> None:
    """Lines, notes, drafts, words to compare and notes of a transfer; and the visitor's own page.

    The payloads go in as one text each of a few thousand characters: no page is loaded per word.
    """
    ana = haven.counsellor(chromium, "Ana")
    context = visit(chromium)
    chat = context.new_page()
    chat.set_default_timeout(10_000)
    asks_on_the_web(chat, haven)
    ana.reload()
    ana.locator("[id^=take-]").first.click()
    expect(ana.locator("#reply")).to_be_visible()
    fill(ana, "we are here")
    chat.reload()
    plain, theirs = shape(ana), shape(chat, "main")
    with alarmed(ana, haven.console), alarmed(chat, haven.chat):
        for words in batches():
            ana.locator("#word").evaluate("(one) => { one.open = true; }")
            fill(ana, words)
            ana.locator("#text").fill(words)
            expect(ana.locator("#kept")).to_have_text("Draft kept", timeout=5000)
        ana.reload()
        assert shape(ana) <= plain
        chat.reload()
        assert shape(chat, "main") <= theirs
    context.close()
    ana.context.close()


def batches() -> list[str]:
    """Return the payloads in texts that are as long as a line may be."""
    texts, text = [], ""
    for one in PAYLOADS:
        short = one[:600].encode("utf-8", "replace").decode()
        if len(f"{text} {short}".encode("utf-16-le")) > 2 * 3900:
            texts, text = [*texts, text], ""
        text += f" {short}"
    return [*texts, text]


def asks_on_the_web(chat: Page, haven: Harbour) -> None:
    """Ask for a person on the visitors' own page."""
    chat.goto(haven.chat)
    press(chat, "Start")
    press(chat, "Yes, I am alone")
    for to in (
        "utter_human_consent",
        "utter_human_notify consent=all",
        "utter_human_code_word notify=pull",
        "action_queue_open",
    ):
        before = chat.locator("#answers [name=nonce]").input_value()
        chat.locator(f'[name=tap][value^="{to}"]').first.click()
        wait_for_answer(chat, before)


def test_hostile_addresses_make_hostile_pages_of_nobody(chromium: Browser, haven: Harbour) -> None:
    """In a path, a query and the refusals that follow: the page is the template's."""
    page = haven.counsellor(chromium, "Root", Role.ADMIN, on_shift=False)
    page.goto(f"{haven.console}/nothing")
    plain = shape(page)
    page.context.clear_cookies()
    page.goto(f"{haven.console}/sign-in")
    door = shape(page)
    noise: list[str] = []
    page.on("dialog", lambda dialog: (noise.append("dialog"), dialog.dismiss()))
    page.on("request", lambda r: None if r.url.startswith(haven.console) else noise.append("away"))
    for words in (*TAGS[:6], *HANDLERS[:4], *QUOTES, *ADDRESSES, *TEMPLATES[:4]):
        query = page.evaluate("(words) => encodeURIComponent(words)", words)
        page.goto(f"{haven.console}/sign-in?next={query}")
        assert shape(page) <= door, words
        page.goto(f"{haven.console}/talk/{query}", wait_until="commit")
    haven.signs_in(page.context, "Root", Role.ADMIN)
    for words in (*TAGS[:4], *QUOTES[:4]):
        query = page.evaluate("(words) => encodeURIComponent(words)", words)
        page.goto(f"{haven.console}/nothing/{query}?{query}")
        assert shape(page) <= plain, words
    assert noise == []
    page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_double_click_on_take_next_takes_one_visitor(
    chromium: Browser, haven: Harbour, script: bool
) -> None:
    page = haven.counsellor(chromium, "Dora", java_script_enabled=script)
    first, second = (haven.asks(haven.visitor()) for _ in range(2))
    page.reload()
    page.locator("#next").dblclick()
    expect(page).to_have_url(re.compile(f"/talk/{first}$"))
    page.goto(f"{haven.console}/queue")
    expect(page.locator(f"#take-{second}")).to_be_visible()
    page.locator(f"#open-{first}").click()
    ends(page)
    page.locator(f"#take-{second}").click()
    ends(page)
    page.context.close()
