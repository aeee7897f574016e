"""Two people writing with each other through the store: from the wish to the end."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.bootstrap import App
from bot.domain.conversation import Consent
from bot.domain.errors import (
    AlreadyTakenError,
    ConversationGoneError,
    FullError,
    LineTooLongError,
    NothingToTransferError,
    NotOnShiftError,
    NotYoursError,
    ReasonMissingError,
    StillOpenError,
)
from bot.domain.figures import Kind, week_of
from bot.domain.handover import Close, LevelReason, Outcome, Referral, State, Topic
from bot.domain.messages import Channel, MessageId
from bot.domain.screens import KEPT, PARKED
from bot.domain.staff import StaffId
from bot.domain.topics import QUEUE, handover_topic
from bot.domain.triage import Level
from bot.ports import Delivery
from bot.services.hotline.speaking import LONGEST_LINE
from tests.support.app import Visitor, on_shift, running, screens
from tests.support.deck import deck
from tests.support.desk import asked
from tests.support.fakes import CLOSED, FakeClock, RecordingChannel

ANA, BO = StaffId("a1"), StaffId("b2")
DONE = Close(Outcome.INFORMED, Referral.NGO, Topic.WORK)


async def ready(app: App, *staff: StaffId) -> None:
    for one in staff or (ANA, BO):
        await on_shift(app, one)


async def test_a_visitor_and_a_counsellor_write_and_the_program_is_silent(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        assert request.state is State.WAITING
        held = await app.hotline.take(ANA, "Ana", request.id or 0)
        assert held.state is State.ACTIVE
        assert held.owner == ANA
        assert await app.hotline.say(ANA, "Ana", request.id or 0, "Hello, I am here", "1")
        assert await visitor.says("they keep my money") == []
        talk = await app.reader.open(ANA, request.id or 0)
        assert [(s.author, s.text) for s in talk.said if s.author != "program"] == [
            ("staff", "Hello, I am here"),
            ("visitor", "they keep my money"),
        ]
        await app.hotline.close(ANA, request.id or 0, DONE)
        assert await visitor.handover() is None
        assert screens(await visitor.taps("utter_main_menu")) == ["utter_main_menu"]


async def test_the_second_of_two_is_told_that_it_is_taken(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        request = await asked(Visitor(app))
        await app.hotline.take(ANA, "Ana", request.id or 0)
        with pytest.raises(AlreadyTakenError):
            await app.hotline.take(BO, "Bo", request.id or 0)


async def test_who_is_not_on_shift_takes_nobody(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        request = await asked(Visitor(app))
        with pytest.raises(NotOnShiftError):
            await app.hotline.take(ANA, "Ana", request.id or 0)


async def test_a_line_pressed_twice_is_said_once(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert await app.hotline.say(ANA, "Ana", request.id or 0, "hello", "same press")
        assert not await app.hotline.say(ANA, "Ana", request.id or 0, "hello", "same press")
        talk = await app.reader.open(ANA, request.id or 0)
        assert [s.text for s in talk.said if s.author == "staff"] == ["hello"]


async def test_a_line_is_said_whole_or_not_at_all(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        number = (await asked(visitor)).id or 0
        await app.hotline.take(ANA, "Ana", number)
        with pytest.raises(LineTooLongError):
            await app.hotline.say(ANA, "Ana", number, "x" * (LONGEST_LINE + 1), "1")
        assert await app.hotline.say(ANA, "Ana", number, "x" * LONGEST_LINE, "1")
        talk = await app.reader.open(ANA, number)
        assert [len(s.text) for s in talk.said if s.author == "staff"][-1] == LONGEST_LINE


async def test_nobody_else_reads_or_writes(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        request = await asked(Visitor(app))
        number = request.id or 0
        with pytest.raises(NotYoursError):
            await app.reader.open(ANA, number)
        await app.hotline.take(ANA, "Ana", number)
        with pytest.raises(NotYoursError):
            await app.reader.open(BO, number)
        with pytest.raises(NotYoursError):
            await app.hotline.say(BO, "Bo", number, "hello", "1")
        with pytest.raises(NotYoursError):
            await app.hotline.close(BO, number, DONE)


async def test_only_what_was_agreed_to_can_be_read(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        for consent, before in (("new", []), ("all", ["I am very tired of this"])):
            visitor = Visitor(app)
            await visitor.starts()
            await visitor.says("I am very tired of this")
            request = await asked(visitor, consent=consent)
            assert request.consent is Consent(consent)
            await app.hotline.take(ANA, "Ana", request.id or 0)
            await visitor.says("here I am")
            talk = await app.reader.open(ANA, request.id or 0)
            said = [s.text for s in talk.said if s.author == "visitor"]
            assert said == [*before, "here I am"]
            await app.hotline.close(ANA, request.id or 0, DONE)


async def test_lines_wait_until_an_absent_visitor_looks(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        clock.turn(minutes=4)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await app.hotline.say(ANA, "Ana", request.id or 0, "I can help with this", "1")
        talk = await app.reader.open(ANA, request.id or 0)
        assert [s.state for s in talk.said if s.author == "staff"] == [Delivery.HELD]
        assert talk.held == 2
        assert screens(await visitor.says("hello?")) == ["utter_push_ping"]
        seen = await visitor.taps("action_pull")
        assert screens(seen) == ["utter_human_joined", "line"]
        assert seen[-1].author == "Ana"


async def test_nobody_has_waited_less_than_no_time_when_the_clock_was_set_back(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await asked(Visitor(app))
        clock.turn(hours=-1)
        await ready(app)
        board = await app.reader.board(ANA)
        assert [card.waited for card in board.waiting] == [timedelta(0)]


async def test_a_hello_is_sent_once_and_says_nothing(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await ready(app)
        visitor = Visitor(app, Channel.TELEGRAM)
        request = await asked(visitor, notify="push")
        deliverer = app.deliverers[Channel.TELEGRAM]
        while await deliverer.step():
            clock.turn(seconds=2)
        before = len(channel.shown)
        clock.turn(minutes=4)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await app.hotline.say(ANA, "Ana", request.id or 0, "the lawyer said yes", "1")
        while await deliverer.step():
            clock.turn(seconds=2)
        assert [b.screen for _, b in channel.shown[before:]] == ["utter_push_ping"]


async def test_a_lost_counsellor_returns_the_talk_with_its_old_time(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        clock.turn(minutes=3)
        await app.keeper.round()
        found = await visitor.handover()
        assert found is not None
        assert (found.state, found.owner, found.asked_at) == (
            State.WAITING,
            None,
            request.asked_at,
        )
        await app.hotline.take(BO, "Bo", request.id or 0)
        with pytest.raises(NotYoursError):
            await app.hotline.say(ANA, "Ana", request.id or 0, "sorry", "1")


async def test_a_sign_of_life_keeps_a_talk_once_a_line_was_written(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await app.hotline.say(ANA, "Ana", request.id or 0, "hello", "1")
        for _ in range(6):
            clock.turn(minutes=4)
            await app.hotline.beat(ANA)
            await app.keeper.round()
        found = await visitor.handover()
        assert found is not None
        assert found.is_held_by(ANA, clock.now())


async def test_a_talk_is_passed_on_without_a_moment_alone(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        number = request.id or 0
        await app.hotline.take(ANA, "Ana", number)
        await visitor.says("old words")
        await app.hotline.offer_transfer(ANA, "Ana", number, BO, "needs pay", "transfer_shift")
        assert await app.hotline.say(ANA, "Ana", number, "still here", "1")
        assert screens(await visitor.taps("action_transfer_no")) == ["utter_human_transfer_no"]
        await app.hotline.accept_transfer(BO, "Bo", number)
        await visitor.says("new words")
        talk = await app.reader.open(BO, number)
        assert [s.text for s in talk.said if s.author == "visitor"] == ["new words"]
        assert [n.text for n in talk.notes] == ["needs pay"]
        with pytest.raises(NotYoursError):
            await app.reader.open(ANA, number)


async def test_an_offer_nobody_takes_ends_by_itself(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await ready(app)
        request = await asked(Visitor(app))
        number = request.id or 0
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.say(ANA, "Ana", number, "hello", "1")
        await app.hotline.offer_transfer(ANA, "Ana", number, BO, "", "transfer_shift")
        clock.turn(minutes=4)
        await app.hotline.beat(ANA)
        clock.turn(minutes=1)
        with pytest.raises(NothingToTransferError):
            await app.hotline.accept_transfer(BO, "Bo", number)
        assert await app.hotline.say(ANA, "Ana", number, "still mine", "2")


async def test_the_visitor_leaves_in_the_middle_and_nothing_more_arrives(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert screens(await visitor.taps("action_leave_human")) == ["utter_human_ended"]
        with pytest.raises(NotYoursError):
            await app.hotline.say(ANA, "Ana", request.id or 0, "wait", "1")
        again = await asked(visitor)
        assert again.id != request.id
        assert again.state is State.WAITING


async def test_forgetting_in_a_talk_takes_everything(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await app.hotline.note(ANA, request.id or 0, "a note", whisper=False)
        await visitor.taps("action_forget")
        with pytest.raises(ConversationGoneError):
            await app.reader.open(ANA, request.id or 0)


@pytest.mark.parametrize("agreed", [True, False])
async def test_notes_reach_as_far_back_as_the_messages(tmp_path: Path, *, agreed: bool) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await ready(app)
        visitor = Visitor(app)
        number = (await asked(visitor)).id or 0
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.note(ANA, number, "before", whisper=False)
        await app.hotline.offer_transfer(ANA, "Ana", number, BO, "pass on", "transfer_shift")
        await visitor.taps("action_transfer_yes" if agreed else "action_transfer_no")
        await app.hotline.accept_transfer(BO, "Bo", number)
        await app.hotline.note(BO, number, "after", whisper=False)
        read = [note.text for note in (await app.reader.open(BO, number)).notes]
        assert read == (["before"] if agreed else []) + ["pass on", "after"]
        await app.hotline.close(BO, number, DONE)
        clock.turn(minutes=1)
        again = (await asked(visitor, consent="all" if agreed else "new")).id or 0
        await app.hotline.take(ANA, "Ana", again)
        read = [note.text for note in (await app.reader.open(ANA, again)).notes]
        assert read == (["before", "pass on", "after"] if agreed else [])


@pytest.mark.parametrize("how", ["expires", "leaves", "is forgotten"])
async def test_a_request_that_is_erased_is_counted_and_told(tmp_path: Path, how: str) -> None:
    async with running(tmp_path) as app, app.bus.subscribe() as topics:
        visitor, offered = Visitor(app), Visitor(app)
        request = await asked(visitor)
        await offered.starts()
        await offered.taps("utter_danger_now")
        signal = await offered.handover()
        assert signal is not None
        await app.eraser.expire({signal.conversation})
        told = {await anext(topics)}
        while QUEUE not in told or handover_topic(signal.id or 0) not in told:
            told.add(await anext(topics))
        if how == "expires":
            await app.eraser.expire({request.conversation})
        elif how == "leaves":
            await app.reception.leave(visitor.channel, visitor.sender)
        else:
            await app.eraser.forget({request.conversation})
        told = set()
        while {QUEUE, handover_topic(request.id or 0)} - told:
            told.add(await asyncio.wait_for(anext(topics), 5))
        await app.eraser.expire({request.conversation})
        week = week_of(app.clock.now())
        async with app.store.begin() as unit:
            counters = await unit.figures.between(week, week)
        outcomes = {key[2]: number for key, number in counters.items() if key[1] == Kind.OUTCOME}
        assert outcomes == {Outcome.FORGOTTEN: 1}


async def test_two_at_a_time_and_danger_always(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        for _ in range(3):
            await asked(Visitor(app))
        assert await app.hotline.take_next(ANA, "Ana", "1")
        assert await app.hotline.take_next(ANA, "Ana", "2")
        with pytest.raises(FullError):
            await app.hotline.take_next(ANA, "Ana", "3")
        in_danger = Visitor(app)
        await in_danger.starts()
        await in_danger.taps("utter_danger_now")
        await in_danger.taps("utter_danger_offer_person level=red")
        await in_danger.taps("action_queue_urgent")
        taken = await app.hotline.take_next(ANA, "Ana", "4")
        assert taken is not None
        assert taken.level is Level.RED


async def test_a_shift_does_not_end_over_an_open_talk(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        with pytest.raises(StillOpenError):
            await app.hotline.end_shift(ANA)
        await app.hotline.park(ANA, request.id or 0)
        await app.hotline.end_shift(ANA)
        found = await visitor.handover()
        assert found is not None
        assert found.state is State.LEFT_MESSAGE
        await app.hotline.start_shift(BO, frozenset({"en"}))
        found = await visitor.handover()
        assert found is not None
        assert (found.state, found.asked_at) == (State.WAITING, request.asked_at)


async def test_a_kept_place_waits_for_the_next_shift(tmp_path: Path) -> None:
    async with running(tmp_path, clock=FakeClock(CLOSED)) as app:
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_human_consent")
        await visitor.taps("utter_human_notify consent=new")
        await visitor.taps("utter_human_code_word notify=pull")
        assert screens(await visitor.taps("action_queue_open")) == ["utter_queue_offhours"]
        assert screens(await visitor.taps("utter_queue_kept")) == ["utter_queue_kept"]
        await app.hotline.start_shift(ANA, frozenset())
        assert screens(await visitor.taps("action_pull")) == ["utter_queue_still_waiting"]


async def test_a_place_kept_inside_the_hours_names_no_time(tmp_path: Path) -> None:
    async with running(tmp_path, staffed=False) as app:
        visitor = Visitor(app)
        await visitor.starts()
        for tap in ("utter_human_notify consent=new", "utter_human_code_word notify=pull"):
            await visitor.taps(tap)
        assert screens(await visitor.taps("action_queue_open")) == ["utter_queue_offhours"]
        for tap in ("utter_queue_kept", "action_pull", "action_set_language locale=da"):
            assert screens(await visitor.taps(tap))[-1] == "utter_queue_kept_in_hours"
        await app.hotline.start_shift(ANA, frozenset())
        assert screens(await visitor.taps("action_pull")) == ["utter_queue_still_waiting"]


async def test_who_is_parked_while_away_reads_so_when_they_look(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor, notify="push")
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await app.hotline.say(ANA, "Ana", request.id or 0, "hello", "1")
        clock.turn(minutes=4)
        await app.hotline.say(ANA, "Ana", request.id or 0, "are you there", "2")
        before = screens(await app.reception.shown(visitor.channel, visitor.sender, MessageId(0)))
        await app.hotline.park(ANA, request.id or 0)
        after = screens(await app.reception.shown(visitor.channel, visitor.sender, MessageId(0)))
        assert after == before
        assert screens(await visitor.taps("action_pull")) == ["line", "utter_human_parked"]
        assert screens(await visitor.says("Stop waiting")) == ["utter_human_cancelled"]
        assert await visitor.handover() is None


def test_what_is_typed_after_both_kept_places_means_the_same() -> None:
    assert deck()[PARKED].buttons == deck()[KEPT].buttons


async def test_where_no_code_word_was_chosen_none_is_wrong(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert not await app.hotline.check_word(ANA, request.id or 0, "apple")
        found = await visitor.handover()
        assert found is not None
        assert (found.doubted, found.level) == (False, Level.YELLOW)


async def test_a_wrong_code_word_raises_a_quiet_flag(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_human_consent")
        await visitor.taps("utter_human_notify consent=new")
        await visitor.taps("utter_human_code_word notify=pull")
        await visitor.says("Banana")
        request = await visitor.handover()
        assert request is not None
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert not await app.hotline.check_word(ANA, request.id or 0, "apple")
        found = await visitor.handover()
        assert found is not None
        assert (found.doubted, found.level) == (True, Level.ORANGE)
        assert await app.hotline.check_word(ANA, request.id or 0, "banana ")


async def test_a_level_is_lowered_only_with_a_reason(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await app.hotline.set_level(ANA, request.id or 0, Level.RED, LevelReason.NEW_DANGER)
        with pytest.raises(ReasonMissingError):
            await app.hotline.set_level(ANA, request.id or 0, Level.YELLOW, None)
        found = await visitor.handover()
        assert found is not None
        assert found.level is Level.RED
        await app.hotline.set_level(ANA, request.id or 0, Level.YELLOW, LevelReason.SAFE_NOW)
        found = await visitor.handover()
        assert found is not None
        assert found.level is Level.YELLOW


async def test_words_of_danger_in_a_talk_get_the_numbers_once(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert screens(await visitor.says("he is going to kill me now")) == ["utter_danger_now"]
        assert await visitor.says("he is going to kill me now") == []
        found = await visitor.handover()
        assert found is not None
        assert found.level is Level.RED


async def test_hiding_in_a_talk_stops_the_lines_until_the_visitor_looks(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert screens(await visitor.taps("action_hide")) == ["utter_hide_done"]
        await app.hotline.say(ANA, "Ana", request.id or 0, "are you there", "1")
        talk = await app.reader.open(ANA, request.id or 0)
        assert talk.card.handover.hidden
        assert [s.state for s in talk.said if s.author == "staff"] == [Delivery.HELD]
        assert screens(await visitor.says("who is this")) == ["utter_push_ping"]
        assert screens(await visitor.taps("action_pull")) == ["line"]


async def test_the_safe_word_turns_any_state_into_a_harmless_page(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await ready(app)
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_safe_word")
        assert screens(await visitor.says("Lantern")) == ["utter_safe_word_set"]
        request = await asked(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert screens(await visitor.says("lantern")) == ["utter_decoy_1"]
        await app.hotline.say(ANA, "Ana", request.id or 0, "are you there", "1")
        for attempt in ("what is this", "police", "utter"):
            assert all(s.startswith("utter_decoy") for s in screens(await visitor.says(attempt)))
        assert screens(await visitor.taps("action_pull"))[0].startswith("utter_decoy")
        assert screens(await visitor.starts())[0].startswith("utter_decoy")
        assert screens(await visitor.says("help he kills me")) == ["utter_decoy_numbers"]
        talk = await app.reader.open(ANA, request.id or 0)
        assert [s.text for s in talk.said if s.author == "visitor"] == []
        assert screens(await visitor.says("LANTERN")) == ["utter_return_neutral"]
        assert "line" in screens(await visitor.taps("action_pull"))


async def test_only_who_is_asked_or_asks_ends_an_offer(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        stranger = StaffId("c3")
        await ready(app, ANA, BO, stranger)
        request = await asked(Visitor(app))
        number = request.id or 0
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.offer_transfer(ANA, "Ana", number, BO, "", "transfer_shift")
        with pytest.raises(NothingToTransferError):
            await app.hotline.drop_transfer(stranger, number)
        await app.hotline.drop_transfer(BO, number)
        with pytest.raises(NothingToTransferError):
            await app.hotline.accept_transfer(BO, "Bo", number)


async def test_plain_words_of_danger_are_no_code_word(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_human_consent")
        await visitor.taps("utter_human_notify consent=new")
        await visitor.taps("utter_human_code_word notify=pull")
        assert screens(await visitor.says("he will kill me")) == ["utter_danger_now"]
        request = await visitor.handover()
        assert request is not None
        assert request.code_word == ""
