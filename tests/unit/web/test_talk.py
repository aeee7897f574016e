"""The talk page: writing, ready sentences, notes, judging, passing on, ending; nothing is lost."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.audit import AuditEvent
from bot.domain.handover import Outcome, Referral, State, Topic
from bot.domain.messages import MessageId, Sent
from bot.domain.triage import Level
from bot.ports import Delivery
from bot.services.hotline.speaking import LONGEST_LINE
from tests.support.app import Visitor, screens
from tests.support.desk import (
    Counsellor,
    House,
    asks,
    hidden,
    house,
    is_in_danger,
    request_of,
    words,
)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as home:
        yield home


class Two:
    """A counsellor who holds the talk of a visitor."""

    def __init__(self, ana: Counsellor, visitor: Visitor, number: int) -> None:
        self.ana = ana
        self.visitor = visitor
        self.number = number
        self.path = f"/talk/{number}"

    async def page(self) -> str:
        return (await self.ana.browser.get(self.path)).text


async def seen(visitor: Visitor) -> Sequence[Sent]:
    """Return everything that a visitor was shown, without their doing anything."""
    return await visitor.app.reception.shown(visitor.channel, visitor.sender, MessageId(0))


@pytest.fixture
async def two(home: House) -> Two:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await asks(visitor)
    await ana.takes(number)
    return Two(ana, visitor, number)


# --- writing ----------------------------------------------------------------------------------


async def test_a_line_reaches_the_visitor_and_stands_with_its_state(two: Two) -> None:
    response = await two.ana.sends(f"{two.path}/say", text=" Hello\r\nthere ", once="1")
    assert response.headers["location"] == two.path
    assert (await seen(two.visitor))[-1].bubble.text == "Hello\nthere"
    assert 'class="state ' in await two.page()


async def test_the_script_gets_the_page_at_once_without_a_second_opening(
    home: House, two: Two
) -> None:
    await two.page()
    async with home.app.store.begin() as unit:
        before = await unit.audit.after(-1, 1000)
    response = await two.ana.sends(f"{two.path}/say", script=True, text="Hello", once="1")
    assert response.status_code == 200
    assert "Hello" in response.text
    assert (await two.ana.browser.get(f"{two.path}/now")).status_code == 200
    async with home.app.store.begin() as unit:
        assert len(await unit.audit.after(-1, 1000)) == len(before)
    await two.page()
    async with home.app.store.begin() as unit:
        last = (await unit.audit.after(-1, 1000))[-1]
    assert last.happening.event is AuditEvent.CONVERSATION_OPENED


async def test_one_press_is_one_line_however_often_it_arrives(two: Two) -> None:
    once = hidden(await two.page(), "once")
    for _ in range(3):
        await two.ana.sends(f"{two.path}/say", text="Hello", once=once)
    page = await two.page()
    assert page.count(">Hello</bdi>") == 1
    assert hidden(page, "once") != once


async def test_an_old_copy_of_the_page_loses_no_words(two: Two) -> None:
    """Back shows a page whose press was used; another line in its name goes into the box."""
    await two.ana.sends(f"{two.path}/say", text="Hello", once="1")
    response = await two.ana.sends(f"{two.path}/say", text="Something else", once="1")
    assert response.status_code == 400
    assert "an old copy" in words(response.text)
    assert ">Something else</textarea>" in response.text
    assert ">Something else</textarea>" in await two.page()


async def test_what_is_too_long_is_refused_whole(two: Two) -> None:
    text = "ø" * (LONGEST_LINE + 1)
    response = await two.ana.sends(f"{two.path}/say", text=text, once="1")
    assert response.status_code == 400
    assert f"longer than {LONGEST_LINE}" in words(response.text)
    assert f">{text}</textarea>" in response.text
    assert f">{text}</textarea>" in await two.page()
    assert (await two.ana.sends(f"{two.path}/say", text=text[1:], once="1")).status_code == 303


async def test_nothing_is_not_sent(two: Two) -> None:
    response = await two.ana.sends(f"{two.path}/say", text=" \r\n ", once="1")
    assert response.status_code == 400
    assert "nothing to send" in words(response.text)


async def test_a_draft_is_there_again_and_goes_once_it_is_sent(two: Two) -> None:
    response = await two.ana.sends(f"{two.path}/draft", text="Half a sen")
    assert response.status_code == 204
    assert ">Half a sen</textarea>" in await two.page()
    assert "Half a sen" not in str(await seen(two.visitor))
    await two.ana.sends(f"{two.path}/say", text="Half a sentence", once="1")
    assert "Half a sen</textarea>" not in await two.page()


async def test_the_lines_of_a_hand_over_stay_until_it_is_offered(two: Two) -> None:
    lines = {"need": 'a "bed"', "risk": "\x1ehe waits", "next": "call"}
    await two.ana.sends(f"{two.path}/draft", text="Half", **lines)
    shown = ['value="a &#34;bed&#34;"', 'value="he waits"', 'value="call"']
    page = await two.page()
    assert ">Half</textarea>" in page
    assert all(line in page for line in shown)
    await two.ana.sends(f"{two.path}/say", text="x" * (LONGEST_LINE + 1), once="1")
    await two.ana.sends(f"{two.path}/say", text="Half a sentence", once="2")
    page = await two.page()
    assert ">Half</textarea>" not in page
    assert all(line in page for line in shown)
    await two.ana.sends(f"{two.path}/draft", text="And", **lines)
    await two.ana.sends(f"{two.path}/transfer", to="", why="transfer_shift", **lines)
    page = await two.page()
    assert ">And</textarea>" in page
    assert not any(line in page for line in shown)


async def test_a_session_that_ended_keeps_what_was_typed_on_the_page(home: House, two: Two) -> None:
    home.clock.turn(minutes=16)
    response = await two.ana.sends(f"{two.path}/say", script=True, text="Hello", once="1")
    assert response.status_code == 401
    assert "What you typed is still here" in words(response.text)


async def test_a_forged_form_says_nothing(two: Two) -> None:
    response = await two.ana.browser.post(f"{two.path}/say", data={"text": "Hello", "once": "1"})
    assert response.status_code == 403
    assert "Hello</bdi>" not in await two.page()


async def test_a_ready_sentence_goes_out_in_the_visitors_language(home: House) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app, hint="da")
    number = await asks(visitor)
    await visitor.taps("action_set_language locale=da")
    await ana.takes(number)
    page = (await ana.browser.get(f"/talk/{number}")).text
    assert "Is it safe for you to write now?" in page
    once = hidden(page, "once")
    for _ in range(2):
        await ana.sends(f"/talk/{number}/ready", screen="utter_canned_hello", once=once)
    shown = await seen(visitor)
    assert screens(shown).count("utter_canned_hello") == 1
    assert shown[-1].bubble.locale == "da"
    page = (await ana.browser.get(f"/talk/{number}")).text
    assert '<p class="beside" lang="en">Hello. I am Ana.' in page


@pytest.mark.parametrize("screen", ["utter_main_menu", "utter_canned_nothing", ""])
async def test_only_sentences_for_this_purpose_can_be_sent(two: Two, screen: str) -> None:
    response = await two.ana.sends(f"{two.path}/ready", screen=screen, once="1")
    assert response.status_code == 400


async def test_it_is_asked_whether_it_is_safe_until_somebody_did(two: Two) -> None:
    assert "Safe to write?" in await two.page()
    await two.ana.sends(f"{two.path}/ready", screen="utter_canned_hello", once="1")
    assert "Safe to write?" not in await two.page()


async def test_the_first_line_has_a_time_and_later_ones_have_none(home: House, two: Two) -> None:
    home.clock.turn(seconds=30)
    assert 'data-left="150"' in await two.page()
    await two.ana.sends(f"{two.path}/say", text="Hello", once="1")
    assert "data-left" not in await two.page()


async def test_lines_that_wait_are_counted(home: House, two: Two) -> None:
    await two.ana.sends(f"{two.path}/say", text="Hello", once="1")
    home.clock.turn(minutes=4)
    await two.ana.sends(f"{two.path}/say", text="Are you there?", once="2")
    shown = words(await two.page())
    assert "until the visitor looks: 1" in shown
    assert "waits until they look" in shown


async def test_a_line_that_failed_is_loud(home: House, two: Two) -> None:
    await two.ana.sends(f"{two.path}/say", text="Hello", once="1")
    async with home.app.store.begin() as unit:
        found = await unit.handovers.get(two.number)
        assert found is not None
        thread = await unit.messages.thread(found.conversation, found.readable_after, 10)
        await unit.messages.mark([replace(thread[-1], state=Delivery.FAILED)])
    page = await two.page()
    assert "NOT DELIVERED" in page
    assert 'class="said staff failed"' in page


async def test_a_note_stays_among_colleagues(two: Two) -> None:
    await two.ana.sends(f"{two.path}/note", note="sounds tired")
    assert "sounds tired" in await two.page()
    assert "sounds tired" not in str(await seen(two.visitor))
    long = "x" * (LONGEST_LINE + 1)
    response = await two.ana.sends(f"{two.path}/note", note=long)
    assert response.status_code == 400
    assert long in response.text


# --- judging ----------------------------------------------------------------------------------


async def test_a_level_is_lowered_with_a_reason(home: House) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await is_in_danger(visitor)
    await ana.takes(number)
    response = await ana.sends(f"/talk/{number}/level", level="YELLOW", reason="")
    assert response.status_code == 400
    assert "with a reason" in words(response.text)
    assert (await request_of(visitor)).level is Level.RED
    await ana.sends(f"/talk/{number}/level", level="YELLOW", reason="safe_now")
    assert (await request_of(visitor)).level is Level.YELLOW
    for wrong in ({"level": "BLUE", "reason": ""}, {"level": "RED", "reason": "because"}):
        assert (await ana.sends(f"/talk/{number}/level", **wrong)).status_code == 400


async def test_a_code_word_fits_or_not_or_was_never_chosen(home: House) -> None:
    ana = await home.counsellor("Ana")
    with_word, without = Visitor(home.app), Visitor(home.app)
    numbers = [await asks(with_word, word="Banana"), await asks(without)]
    for number in numbers:
        await ana.takes(number)
    for typed, told in ((" banana ", "It matches"), ("apple", "does not match")):
        response = await ana.sends(f"/talk/{numbers[0]}/word", word=typed)
        assert told in words(response.text)
    found = await request_of(with_word)
    assert (found.doubted, found.level) == (True, Level.ORANGE)
    response = await ana.sends(f"/talk/{numbers[1]}/word", word="apple")
    assert "chose no code word" in words(response.text)
    found = await request_of(without)
    assert (found.doubted, found.level) == (False, Level.YELLOW)
    assert (await ana.sends(f"/talk/{numbers[1]}/word", word=" ")).status_code == 400


async def test_a_hand_goes_up_and_down(two: Two) -> None:
    for up in (True, False):
        await two.ana.sends(f"{two.path}/hand", up=str(int(up)))
        assert (await request_of(two.visitor)).hand is up


# --- passing on and ending --------------------------------------------------------------------


async def test_an_offer_can_be_taken_back(two: Two) -> None:
    await two.ana.sends(f"{two.path}/transfer", to="", why="transfer_language", need="pay")
    assert "whoever is free" in words(await two.page())
    await two.ana.sends(f"{two.path}/transfer/back")
    assert (await request_of(two.visitor)).transfer is None


async def test_nobody_hands_over_to_themselves_or_for_no_reason(two: Two) -> None:
    offers = ({"to": "ana", "why": "transfer_shift"}, {"to": "", "why": "because"})
    for offer, status in zip(offers, (404, 400), strict=True):
        assert (await two.ana.sends(f"{two.path}/transfer", **offer)).status_code == status


async def test_an_end_counts_what_was_chosen_and_offers_a_break_after_danger(
    home: House,
) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await is_in_danger(visitor)
    await ana.takes(number)
    ends = {"outcome": "emergency", "referral": "police", "topic": "danger", "erase": ""}
    for missing in ("outcome", "topic"):
        response = await ana.sends(f"/talk/{number}/close", **{**ends, missing: ""})
        assert response.status_code == 400
    response = await ana.sends(f"/talk/{number}/close", **ends)
    assert response.headers["location"] == "/queue?pause"
    assert "Take ten minutes?" in await ana.sees("/queue?pause")
    async with home.app.store.begin() as unit:
        found = await unit.handovers.get(number)
    assert found is not None
    assert found.close is not None
    assert (found.state, found.close.outcome, found.close.referral, found.close.topic) == (
        *(State.CLOSED, Outcome.EMERGENCY),
        *(Referral.POLICE, Topic.DANGER),
    )
    assert screens(await visitor.taps("utter_main_menu")) == ["utter_main_menu"]


async def test_a_counsellor_cannot_say_that_a_visitor_left_or_was_forgotten(two: Two) -> None:
    for outcome in ("left", "forgotten"):
        ends = {"outcome": outcome, "topic": "other"}
        assert (await two.ana.sends(f"{two.path}/close", **ends)).status_code == 400


async def test_an_end_can_erase_at_once(home: House, two: Two) -> None:
    ends = {"outcome": "informed", "topic": "other", "referral": "none", "erase": "1"}
    assert (await two.ana.sends(f"{two.path}/close", **ends)).status_code == 303
    async with home.app.store.begin() as unit:
        assert await unit.handovers.get(two.number) is None


@pytest.mark.parametrize("what", ["", "/now", "/say", "/note", "/draft", "/level", "/close"])
async def test_a_talk_that_ended_is_not_there_and_says_so(two: Two, what: str) -> None:
    await two.visitor.taps("action_leave_human")
    path = two.path + what
    asked = two.ana.browser.get(path) if what in ("", "/now") else two.ana.sends(path, text="x")
    response = await asked
    assert response.status_code == 404
    assert "it ended, the visitor left, or it went back" in words(response.text)


async def test_a_colleague_reads_nothing_of_a_talk(home: House, two: Two) -> None:
    bo = await home.counsellor("Bo")
    await two.visitor.says("a secret canary")
    for path in (two.path, f"{two.path}/now"):
        response = await bo.browser.get(path)
        assert response.status_code == 404
        assert "canary" not in response.text
    assert (await bo.sends(f"{two.path}/say", text="Hello", once="1")).status_code == 404


# --- what visitors write ----------------------------------------------------------------------


async def test_what_a_visitor_writes_is_inert(two: Two) -> None:
    await two.visitor.says("<script>alert(1)</script> https://evil.example +45 12 34 56 78")
    page = await two.page()
    said = re.search(r'<article id="m\d+" class="said visitor">(.*?)</article>', page, re.DOTALL)
    assert said is not None
    assert '<bdi dir="auto">&lt;script&gt;alert(1)' in said[1]
    assert "<a" not in said[1]


async def test_what_cannot_be_seen_is_shown_as_a_mark(two: Two) -> None:
    await two.ana.sends(f"{two.path}/note", note="call \u202e112")
    assert 'call <span class="unseen">U+202E</span>112</bdi>' in await two.page()


async def test_the_list_of_keys_says_where_each_works(home: House) -> None:
    """T takes nobody from within a talk: the list must not say so there."""
    ana = await home.counsellor("Ana")
    number = await asks(Visitor(home.app))
    await ana.takes(number)
    for page in ("/queue", f"/talk/{number}"):
        shown = (await ana.browser.get(page)).text
        parts = re.findall(r"<h3>([^<]+)</h3>\n<dl>(.*?)</dl>", shown, re.DOTALL)
        keys = {part: re.findall(r"<dt><kbd>([^<]+)</kbd>", listed) for part, listed in parts}
        assert keys == {
            "On the queue": ["T"],
            "In a talk": ["R", "/", "N", "H", "E", "Ctrl"],
            "On both": ["J", "?"],
        }
