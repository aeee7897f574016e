"""The supervisor's board: who waits and works, reading along if asked, taking over for a reason."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.audit import AuditEvent
from bot.domain.handover import TakeOverReason
from bot.domain.staff import Role, StaffId
from bot.ports import NoteKind
from tests.support.app import Visitor
from tests.support.floor import Floor, floor

ANA, SUE = StaffId("ana"), StaffId("sue")
SECRET = "they keep my passport in the blue box"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Floor]:
    async with floor(tmp_path) as here:
        yield here


async def talk(here: Floor, *, hand: bool = False) -> tuple[Visitor, int]:
    """Have Ana hold a talk in which the visitor has written."""
    await here.signs_in("Ana", Role.RESPONDER)
    visitor, request = await here.asks()
    number = request.id or 0
    await here.app.hotline.take(ANA, "Ana", number)
    await here.app.hotline.say(ANA, "Ana", number, "I am here", "1")
    await visitor.says(SECRET)
    if hand:
        await here.app.hotline.raise_hand(ANA, number, up=True)
    return visitor, number


async def events(here: Floor) -> list[tuple[StaffId, AuditEvent, str]]:
    async with here.app.store.begin() as unit:
        entries = [entry.happening for entry in await unit.audit.after(-1, 1000)]
    return [(one.actor, one.event, one.reason) for one in entries]


async def test_an_empty_board_says_so(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        page = (await sue.get("/board")).text
    assert "Waiting: 0" in page
    assert page.count("Nobody waits.") == 3
    assert "No talk is open." in page


async def test_who_waits_is_shown_with_the_alarm_and_the_next_one(here: Floor) -> None:
    await here.asks()
    here.clock.turn(minutes=50)
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        page = (await sue.get("/board/now")).text
    assert "Waiting: 1" in page
    assert ">50:00</time>" in page
    assert "supervisor is called in 10:00" in page
    assert "Over the target" not in page


async def test_waiting_for_longer_than_the_target_stands_out(here: Floor) -> None:
    await here.asks()
    here.clock.turn(minutes=61)
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        page = (await sue.get("/board")).text
    assert ">1:01:00</time>" in page
    assert "Over the target" in page
    assert "Supervisor called" in page


async def test_the_board_shows_talks_and_never_a_word_of_them(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        await talk(here)
        page = (await sue.get("/board")).text
    assert "Talks: 1" in page
    assert "Ana" in page
    assert SECRET not in page
    assert "Read along" not in page


async def test_raised_hands_come_first(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        await talk(here)
        _, second = await here.asks()
        await here.app.hotline.take(ANA, "Ana", second.id or 0)
        await here.app.hotline.raise_hand(ANA, second.id or 0, up=True)
        page = (await sue.get("/board")).text
    talks = page[page.index('id="talks"') :]
    assert "Ana asks for you." in talks
    assert talks.index(f"/board/{second.id}") < talks.index("/board/1/take-over")


async def test_nobody_reads_along_unasked(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        _, number = await talk(here)
        refused = await sue.get(f"/board/{number}")
        assert refused.headers["location"] == "/board?notice=lowered"
        asked = await sue.get(f"/board/{number}/now")
        assert asked.status_code == 404
        assert SECRET not in refused.text + asked.text
        refused = await sue.send_form(f"/board/{number}/whisper", text="I would like to know")
        assert refused.headers["location"] == "/board?notice=lowered"
        notice = await sue.get("/board?notice=lowered")
    assert "The hand is down again" in notice.text
    assert (SUE, AuditEvent.CONVERSATION_OPENED, "") not in await events(here)
    assert (SUE, AuditEvent.WHISPERED, "") not in await events(here)


async def test_reading_along_is_recorded_and_the_counsellor_sees_it(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        _, number = await talk(here, hand=True)
        assert SECRET in (await sue.get(f"/board/{number}")).text
        assert SECRET in (await sue.get(f"/board/{number}/now")).text
    assert (await events(here)).count((SUE, AuditEvent.CONVERSATION_OPENED, "")) == 1
    seen = await here.app.reader.open(ANA, number)
    assert [(note.author, note.kind) for note in seen.notes] == [(SUE, NoteKind.READ)]


async def test_a_look_asked_for_by_itself_is_recorded_when_it_is_the_first(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        _, number = await talk(here, hand=True)
        await sue.get(f"/board/{number}/now")
    assert (SUE, AuditEvent.CONVERSATION_OPENED, "") in await events(here)


async def test_a_later_look_is_an_opening_of_its_own(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        _, number = await talk(here, hand=True)
        for minutes in (0, 4, 4, 4):
            here.clock.turn(minutes=minutes)
            await here.app.hotline.say(ANA, "Ana", number, "I am here", f"{here.clock.at}")
            await sue.get(f"/board/{number}")
    assert (await events(here)).count((SUE, AuditEvent.CONVERSATION_OPENED, "")) == 2


async def test_a_whisper_reaches_the_counsellor_and_nobody_else(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        visitor, number = await talk(here, hand=True)
        sent = await sue.send_form(f"/board/{number}/whisper", text="Ask if the door is locked")
        assert sent.headers["location"] == f"/board/{number}"
        assert "Ask if the door is locked" in (await sue.get(f"/board/{number}")).text
    seen = await here.app.reader.open(ANA, number)
    assert (NoteKind.WHISPER, "Ask if the door is locked") in [(n.kind, n.text) for n in seen.notes]
    assert "door" not in "".join(sent.bubble.text for sent in await visitor.says("hello?"))
    assert (SUE, AuditEvent.WHISPERED, "") in await events(here)


async def test_taking_over_needs_a_reason_from_the_list(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        _, number = await talk(here)
        for reason in ("", "because", "safety; drop"):
            refused = await sue.send_form(f"/board/{number}/take-over", reason=reason)
            assert refused.status_code == 400
        assert (await here.app.reader.open(ANA, number)).card.handover.owner == ANA
        page = await sue.get(f"/board/{number}/take-over")
        assert page.text.count('name="reason"') == len(TakeOverReason)
        assert SECRET not in page.text
        taken = await sue.send_form(f"/board/{number}/take-over", reason="counsellor_lost")
        assert taken.headers["location"] == f"/talk/{number}"
    expected = (SUE, AuditEvent.CONVERSATION_TAKEN_OVER, "counsellor_lost")
    assert expected in await events(here)
    assert (await here.app.reader.open(SUE, number)).card.handover.owner == SUE


async def test_off_shift_nothing_is_taken_over(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        _, number = await talk(here)
        await here.app.hotline.end_shift(SUE)
        refused = await sue.send_form(f"/board/{number}/take-over", reason="safety")
        assert refused.status_code == 409
        assert "Start your shift first" in refused.text
        assert (await here.app.reader.open(ANA, number)).card.handover.owner == ANA


async def test_what_cannot_be_taken_over_is_said_kindly(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        for number in (1, 4711):
            await here.asks()
            path = f"/board/{number}/take-over"
            for again in (await sue.get(path), await sue.send_form(path, reason="safety")):
                assert again.headers["location"] == "/board?notice=taken"
        assert "nothing to take over" in (await sue.get("/board?notice=taken")).text


async def test_an_address_that_is_no_number_is_not_there(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        assert (await sue.get("/board/x")).status_code == 404
        assert (await sue.get("/board/999999999999999999999999")).status_code == 404


async def test_the_board_tells_who_opened_what_by_alias_only(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        _, number = await talk(here)
        await here.app.reader.open(ANA, number)
        page = (await sue.get("/board")).text
    openings = page[page.index('id="openings"') :]
    assert openings.count('data-label="Who">Ana<') == 2
    assert "took" in openings
    assert "opened" in openings


async def test_counsellors_and_admins_see_no_board(here: Floor) -> None:
    for alias, role in (("Kim", Role.RESPONDER), ("Ada", Role.ADMIN), ("Udo", Role.AUDITOR)):
        async with await here.signs_in(alias, role) as browser:
            assert (await browser.get("/board")).status_code == 403
