"""What could go wrong between two people: each test is a harm that must not happen."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from bot.bootstrap import App
from bot.domain.handover import Handover, State
from bot.domain.messages import Bubble, Channel, Event, MessageId, Tapped, Text
from bot.domain.screens import Tap
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from bot.ports import DeliveryError, Refusal, Timer
from bot.services.hotline import Ladder
from bot.services.ids import MessageIds
from bot.services.news import quietly
from bot.services.timers import TRANSFER, UNANSWERED
from tests.support.app import FAR, Visitor, on_shift, running, screens
from tests.support.fakes import CLOSED, FakeClock, RecordingChannel

ANA, BO = StaffId("a1"), StaffId("b2")
MINUTE = timedelta(minutes=1)


def tap(data: str) -> Tapped:
    return Tapped(Tap.decode(data))


async def at_once(visitor: Visitor, *events: Event) -> list[str]:
    """Let several things arrive before the first is answered; return all screens to be seen."""
    app = visitor.app
    await app.reception.accept([visitor.incoming(event) for event in events])
    await app.reception.close()
    return screens(await app.reception.shown(visitor.channel, visitor.sender, MessageId(0)))


async def asks(visitor: Visitor, consent: str = "new") -> Handover:
    """Have a visitor ask for a person and agree; return the request."""
    await visitor.starts()
    await visitor.taps("utter_human_consent")
    await visitor.taps(f"utter_human_notify consent={consent}")
    await visitor.taps("utter_human_code_word notify=pull")
    await visitor.taps("action_queue_open")
    return await request_of(visitor)


async def request_of(visitor: Visitor) -> Handover:
    found = await visitor.handover()
    assert found is not None
    return found


async def heard(app: App, staff: StaffId, number: int) -> Sequence[str]:
    """Return what a counsellor reads of a visitor."""
    talk = await app.reader.open(staff, number)
    return [said.text for said in talk.said if said.author == "visitor"]


async def with_safe_word(visitor: Visitor, word: str) -> None:
    await visitor.starts()
    await visitor.taps("utter_safe_word")
    await visitor.says(word)


# --- hiding -----------------------------------------------------------------------------------


async def test_nothing_asked_for_before_hiding_is_shown_after_it(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        seen = await at_once(visitor, tap("utter_phone_numbers"), tap("action_hide"))
        assert seen == ["utter_hide_done"]


async def test_nothing_a_counsellor_wrote_is_released_over_hiding(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        request = await asks(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await visitor.taps("action_hide")
        await app.hotline.say(ANA, "Ana", request.id or 0, "the lawyer said yes", "1")
        seen = await at_once(visitor, tap("action_pull"), tap("action_hide"))
        assert seen == ["utter_hide_done"]


async def test_the_safe_word_is_heard_among_other_words(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await with_safe_word(visitor, "Lantern")
        assert await at_once(visitor, Text("I need help"), Text("lantern")) == ["utter_decoy_1"]


async def test_the_safe_word_hides_what_was_tapped_just_before(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await with_safe_word(visitor, "Lantern")
        seen = await at_once(visitor, tap("utter_phone_numbers"), Text("lantern"))
        assert seen == ["utter_decoy_1"]


# --- words for a counsellor -------------------------------------------------------------------


async def test_words_written_over_an_old_question_reach_the_counsellor(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        request = await asks(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await visitor.taps("action_check_next")
        await visitor.says("they keep my passport")
        assert await heard(app, ANA, request.id or 0) == ["they keep my passport"]


async def test_a_code_word_asked_for_in_a_talk_is_one(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        request = await asks(visitor)
        number = request.id or 0
        await app.hotline.take(ANA, "Ana", number)
        await visitor.taps("utter_human_code_word notify=pull")
        assert screens(await visitor.says("Banana")) == ["utter_human_nothing_new"]
        assert await heard(app, ANA, number) == []
        assert await app.hotline.check_word(ANA, number, "banana")


async def test_no_word_is_wrong_where_none_was_chosen(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        request = await asks(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert not await app.hotline.check_word(ANA, request.id or 0, "banana")
        found = await request_of(visitor)
        assert (found.doubted, found.level) == (False, Level.YELLOW)


async def test_words_that_arrive_with_the_consent_are_read(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.says("this is not for them")
        await visitor.taps("utter_human_consent")
        await visitor.taps("utter_human_notify consent=new")
        await visitor.taps("utter_human_code_word notify=pull")
        await at_once(visitor, tap("action_queue_open"), Text("they come tonight"))
        request = await request_of(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert await heard(app, ANA, request.id or 0) == ["they come tonight"]


# --- nobody is left waiting -------------------------------------------------------------------


def ladder(app: App) -> Ladder:
    """Return the ladder of one more process."""
    return Ladder(store=app.store, clock=app.clock, ids=MessageIds(), publish=quietly)


async def forgotten_half(visitor: Visitor) -> None:
    """Leave a visitor's forgetting where a kill in the middle leaves it."""
    request = await request_of(visitor)
    async with visitor.app.store.begin() as unit:
        await unit.conversations.begin_forgetting([request.conversation], visitor.app.clock.now())


async def kept(visitor: Visitor) -> None:
    """Have a visitor keep their place while nobody is on shift."""
    await asks(visitor)
    await visitor.taps("utter_queue_kept")


async def due_timers(app: App, request: Handover) -> dict[str, float]:
    """Return in how many minutes each timer of a request is due."""
    now = app.clock.now()
    async with app.store.begin() as unit:
        due = await unit.timers.due(FAR, 100)
    return {
        t.kind: (t.due_at - now).seconds / 60 for t in due if t.conversation == request.conversation
    }


async def test_a_half_forgotten_request_keeps_nobody_from_the_queue(tmp_path: Path) -> None:
    async with running(tmp_path, clock=FakeClock(CLOSED)) as app:
        gone, waits = Visitor(app), Visitor(app)
        await kept(gone)
        await kept(waits)
        await forgotten_half(gone)
        await app.hotline.start_shift(ANA, frozenset())
        assert (await request_of(waits)).state is State.WAITING


async def test_taking_next_passes_over_a_half_forgotten_request(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        gone, waits = Visitor(app), Visitor(app)
        await asks(gone)
        request = await asks(waits)
        await forgotten_half(gone)
        taken = await asyncio.wait_for(app.hotline.take_next(ANA, "Ana", "1"), 5)
        assert taken is not None
        assert taken.id == request.id


async def test_one_timer_that_fails_stops_no_other(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await on_shift(app, ANA)
        keyless, lost = Visitor(app), Visitor(app)
        for visitor in (keyless, lost):
            request = await asks(visitor)
            await app.hotline.take(ANA, "Ana", request.id or 0)
        await app.sealer.destroy_keys([(await request_of(keyless)).conversation])
        clock.turn(minutes=4)
        await app.keeper.round()
        assert (await request_of(lost)).state is State.WAITING


async def test_who_looks_and_waits_again_is_told_when_nobody_comes(tmp_path: Path) -> None:
    async with running(tmp_path, clock=FakeClock(CLOSED)) as app:
        visitor = Visitor(app)
        await kept(visitor)
        await on_shift(app, ANA)
        await visitor.taps("action_pull")
        request = await request_of(visitor)
        assert request.state is State.WAITING
        assert await due_timers(app, request) == {"unanswered": 60}


async def test_words_of_danger_while_waiting_bring_the_honest_word_forward(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        request = await asks(visitor)
        assert await due_timers(app, request) == {"unanswered": 60}
        await visitor.says("he is going to kill me now")
        assert (await request_of(visitor)).state is State.WAITING
        assert await due_timers(app, request) == {"unanswered": 5}


async def test_who_looks_while_nobody_is_on_shift_hears_so(tmp_path: Path) -> None:
    async with running(tmp_path, staffed=False) as app:
        await app.hotline.start_shift(ANA, frozenset())
        visitor = Visitor(app)
        await asks(visitor)
        await app.hotline.end_shift(ANA)
        assert screens(await visitor.taps("action_pull")) == ["utter_queue_kept_in_hours"]


async def test_who_waits_while_nobody_is_on_shift_is_told_so(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock, staffed=False) as app:
        await app.hotline.start_shift(ANA, frozenset())
        visitor = Visitor(app)
        request = await asks(visitor)
        await app.hotline.end_shift(ANA)
        clock.turn(minutes=60)
        await visitor.says("x")
        before = (await app.reception.shown(visitor.channel, visitor.sender, MessageId(0)))[-1].id
        clock.turn(seconds=1)
        await ladder(app).run(Timer(request.conversation, UNANSWERED, clock.now()))
        after = await app.reception.shown(visitor.channel, visitor.sender, before)
        assert screens(after) == ["utter_queue_red_unanswered"]


async def test_two_keepers_tell_a_visitor_once(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = Visitor(app)
        await asks(visitor)
        clock.turn(minutes=59)
        await visitor.says("x")
        before = (await app.reception.shown(visitor.channel, visitor.sender, MessageId(0)))[-1].id
        clock.turn(minutes=1)
        async with app.store.begin() as unit:
            (timer,) = await unit.timers.due(clock.now(), 10)
        await ladder(app).run(timer)
        await ladder(app).run(timer)
        after = await app.reception.shown(visitor.channel, visitor.sender, before)
        assert screens(after) == ["utter_queue_still_waiting"]


async def test_an_old_timer_ends_no_new_offer(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        for staff in (ANA, BO):
            await on_shift(app, staff)
        request = await asks(Visitor(app))
        number = request.id or 0
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.say(ANA, "Ana", number, "hello", "1")
        await app.hotline.offer_transfer(ANA, "Ana", number, BO, "", "transfer_shift")
        clock.turn(minutes=4)
        old = Timer(request.conversation, TRANSFER, clock.now())
        await app.hotline.offer_transfer(ANA, "Ana", number, BO, "", "transfer_shift")
        await ladder(app).run(old)
        taken = await app.hotline.accept_transfer(BO, "Bo", number)
        assert taken.owner == BO


# --- what is on its way -----------------------------------------------------------------------


class Interrupted(RecordingChannel):
    """A channel on which something happens while a message is on its way, and it is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def show(self, address: str, bubble: Bubble) -> str:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
            raise DeliveryError(Refusal.LATER, wait=1)
        return await super().show(address, bubble)


async def delivered(app: App, clock: FakeClock) -> None:
    while await app.deliverers[Channel.TELEGRAM].step():
        clock.turn(seconds=5)


async def test_an_answer_refused_during_the_claim_is_not_sent_after_it(tmp_path: Path) -> None:
    clock, channel = FakeClock(), Interrupted()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app, Channel.TELEGRAM)
        request = await asks(visitor)
        await delivered(app, clock)
        await visitor.taps("utter_main_menu")
        channel.meanwhile = lambda: app.hotline.take(ANA, "Ana", request.id or 0)
        before = len(channel.shown)
        await app.deliverers[Channel.TELEGRAM].step()
        clock.turn(minutes=1)
        await delivered(app, clock)
        assert channel.screens[before:] == ["utter_human_joined"]


async def test_a_line_refused_while_the_visitor_leaves_is_not_sent_later(tmp_path: Path) -> None:
    clock, channel = FakeClock(), Interrupted()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app, Channel.TELEGRAM)
        request = await asks(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await delivered(app, clock)
        await app.hotline.say(ANA, "Ana", request.id or 0, "the lawyer said yes", "1")
        channel.meanwhile = lambda: visitor.taps("action_leave_human")
        before = len(channel.shown)
        await app.deliverers[Channel.TELEGRAM].step()
        clock.turn(minutes=1)
        await delivered(app, clock)
        assert channel.screens[before:] == ["utter_human_ended"]


async def test_a_line_held_up_on_its_way_waits_for_the_visitor(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app, Channel.TELEGRAM)
        request = await asks(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await delivered(app, clock)
        await app.hotline.say(ANA, "Ana", request.id or 0, "the lawyer said yes", "1")
        clock.turn(minutes=20)
        before = len(channel.shown)
        await delivered(app, clock)
        assert channel.screens[before:] == []
        await visitor.taps("action_pull")
        await delivered(app, clock)
        assert channel.screens[before:] == ["line"]


# --- the screen a visitor sees ----------------------------------------------------------------


async def test_what_was_not_shown_is_not_what_the_visitor_answers(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        request = await asks(visitor)
        clock.turn(minutes=4)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert screens(await visitor.says("Look for answer")) == ["utter_human_joined"]
