import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.storage import engine
from bot.bootstrap import App
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Bubble, Channel
from bot.ports import DeliveryError, Refusal
from bot.services.deliver import (
    MARK_TRIES,
    MOST_IN_A_SECOND,
    PER_SECOND,
    TAKE_BACK_TRIES,
    Deliverer,
)
from tests.support.app import Visitor, running
from tests.support.fakes import FakeClock, RecordingChannel


class SlowChannel(RecordingChannel):
    """A channel on which messages are on their way until they may arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.leaving, self.arriving = asyncio.Event(), asyncio.Event()
        self.arriving.set()

    async def show(self, address: str, bubble: Bubble) -> str:
        self.leaving.set()
        await self.arriving.wait()
        return await super().show(address, bubble)


class TimedChannel(RecordingChannel):
    """A channel that notes when messages arrive."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.times: list[datetime] = []

    async def show(self, address: str, bubble: Bubble) -> str:
        self.times.append(self._clock.now())
        return await super().show(address, bubble)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no statement wait for another process: a busy store says so at once."""
    monkeypatch.setattr(engine, "PRAGMAS", {**engine.PRAGMAS, "busy_timeout": 1})


@contextmanager
def beside(folder: Path) -> Iterator[sqlite3.Connection]:
    """Lend the database to another process, as it were; what it holds it gives back."""
    with closing(sqlite3.connect(folder / "var" / "havn.db", isolation_level=None)) as other:
        yield other


@asynccontextmanager
async def on_its_way(app: App, channel: SlowChannel) -> AsyncIterator[asyncio.Task[int]]:
    """Keep what is due on its way during the block; lend the step, which ends after it."""
    channel.leaving.clear()
    channel.arriving.clear()
    step = asyncio.create_task(deliverer(app).step())
    await asyncio.wait_for(channel.leaving.wait(), 2)
    yield step
    channel.arriving.set()


def deliverer(app: App) -> Deliverer:
    return app.deliverers[Channel.TELEGRAM]


async def drain(app: App, clock: FakeClock, seconds: int = 30) -> None:
    for _ in range(seconds):
        await deliverer(app).step()
        clock.turn(seconds=1)


async def test_messages_of_a_chat_go_out_in_order_and_paced(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    screens = ["utter_debt", "utter_shelter", "utter_health", "utter_work_money", "utter_witness"]
    async with running(tmp_path, clock=clock, channel=channel) as app:
        visitor = Visitor(app, Channel.TELEGRAM)
        for screen in screens:
            await visitor.taps(screen)
        for _ in range(4):
            await deliverer(app).step()
        assert len(channel.shown) == 3  # the burst of a chat; the rest waits a second each
        await drain(app, clock)
    assert [s for s in channel.screens if s != "utter_translation_unreviewed"][-5:] == screens


async def test_many_chats_with_much_to_be_told_do_not_hold_up_one_with_little(
    tmp_path: Path,
) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        flooding = [Visitor(app, Channel.TELEGRAM) for _ in range(75)]
        for _ in range(3):
            await asyncio.gather(*(visitor.taps("utter_debt") for visitor in flooding))
        clock.turn(seconds=0.5)
        await Visitor(app, Channel.TELEGRAM).taps("utter_shelter")
        clock.turn(seconds=0.5)
        # Everybody has a turn before anybody has a second: 76 chats at 25 a second.
        await drain(app, clock, 4)
    assert "utter_shelter" in channel.screens
    # All chats together keep to their pace, and use it.
    assert len(channel.shown) == 4 * PER_SECOND


async def test_an_answer_that_a_crowd_holds_up_does_not_hold_up_numbers(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        crowd = [Visitor(app, Channel.TELEGRAM) for _ in range(75)]
        await asyncio.gather(*(visitor.taps("utter_shelter") for visitor in crowd))
        danger = Visitor(app, Channel.TELEGRAM)
        for screen in ("utter_debt", "utter_danger_now"):
            await danger.taps(screen)
        await drain(app, clock, 2)
    told = [screen for screen in channel.screens if screen in ("utter_debt", "utter_danger_now")]
    assert told == ["utter_debt", "utter_danger_now"]


async def test_no_second_holds_more_than_telegram_takes_and_the_pace_is_kept(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    channel = TimedChannel(clock)
    async with running(tmp_path, clock=clock, channel=channel) as app:
        crowd = [Visitor(app, Channel.TELEGRAM) for _ in range(150)]
        await asyncio.gather(*(visitor.taps("utter_debt") for visitor in crowd))
        clock.turn(seconds=60)  # the pace is saved up by now
        began = clock.now()
        while clock.now() - began < timedelta(seconds=4):
            await deliverer(app).step()
            clock.turn(seconds=0.2)
    in_a_second = [
        sum(timedelta(0) <= one - first < timedelta(seconds=1) for one in channel.times)
        for first in channel.times
    ]
    assert max(in_a_second) == MOST_IN_A_SECOND
    assert len(channel.times) >= 4 * PER_SECOND


async def test_a_clock_set_back_leaves_room_in_the_second(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        crowd = [Visitor(app, Channel.TELEGRAM) for _ in range(2 * MOST_IN_A_SECOND)]
        await asyncio.gather(*(visitor.taps("utter_debt") for visitor in crowd[:MOST_IN_A_SECOND]))
        clock.turn(seconds=60)  # the pace is saved up by now
        await drain(app, clock, 1)
        clock.turn(seconds=0.2)
        await deliverer(app).step()
        before = len(channel.shown)
        clock.turn(hours=-1)
        await asyncio.gather(*(visitor.taps("utter_debt") for visitor in crowd[MOST_IN_A_SECOND:]))
        await drain(app, clock, 2)
    assert before == MOST_IN_A_SECOND
    assert len(channel.shown) == 2 * MOST_IN_A_SECOND


async def test_one_chat_asked_to_wait_does_not_stop_another(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    channel.refusals = [DeliveryError(Refusal.LATER, wait=600)]
    async with running(tmp_path, clock=clock, channel=channel) as app:
        slow, quick = Visitor(app, Channel.TELEGRAM), Visitor(app, Channel.TELEGRAM)
        await slow.taps("utter_debt")
        await deliverer(app).step()
        await quick.taps("utter_shelter")
        await drain(app, clock, 5)
        assert channel.screens == ["utter_shelter"]
        clock.turn(seconds=600)
        await drain(app, clock, 3)
    assert channel.screens == ["utter_shelter", "utter_debt"]


async def test_a_failure_that_may_pass_is_tried_for_an_hour_and_a_cry_for_a_day(
    tmp_path: Path,
) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        calm, danger = Visitor(app, Channel.TELEGRAM), Visitor(app, Channel.TELEGRAM)
        await calm.taps("utter_debt")
        await danger.taps("utter_danger_now")
        channel.refusals = [DeliveryError(Refusal.LATER)] * 1000
        for _ in range(40):
            await deliverer(app).step()
            clock.turn(minutes=3)
        channel.refusals = []
        await drain(app, clock, 70)
    assert channel.screens == ["utter_danger_now"]


async def test_who_blocked_the_bot_is_not_tried_again(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    channel.refusals = [DeliveryError(Refusal.UNREACHABLE)]
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await Visitor(app, Channel.TELEGRAM).taps("utter_debt")
        await drain(app, clock)
    assert channel.shown == []


async def test_a_process_that_died_while_sending_is_made_up_for(tmp_path: Path) -> None:
    clock = FakeClock()

    class KilledError(BaseException):
        pass

    class Dies(RecordingChannel):
        async def show(self, address: str, bubble: object) -> str:
            raise KilledError

    async with running(tmp_path, clock=clock, channel=Dies()) as app:
        await Visitor(app, Channel.TELEGRAM).taps("utter_debt")
        with pytest.raises(KilledError):
            await deliverer(app).step()
    clock.turn(seconds=61)
    channel = RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await drain(app, clock, 3)
    assert channel.screens == ["utter_debt"]


async def test_global_refusal_pauses_everything_for_its_time_only(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    channel.refusals = [DeliveryError(Refusal.LATER, wait=30, everywhere=True)]
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await Visitor(app, Channel.TELEGRAM).taps("utter_debt")
        await deliverer(app).step()
        assert await deliverer(app).step() == 0
        clock.turn(seconds=70)
        await drain(app, clock, 3)
    assert channel.screens == ["utter_debt"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("failing", [1, 3 * MARK_TRIES])
async def test_what_a_busy_store_could_not_note_is_noted_and_taken_back_later(
    tmp_path: Path, failing: int
) -> None:
    clock, channel = FakeClock(), SlowChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        hiding, other = Visitor(app, Channel.TELEGRAM), Visitor(app, Channel.TELEGRAM)
        await hiding.taps("utter_debt")
        await other.taps("utter_shelter")
        with beside(tmp_path) as busy:
            async with on_its_way(app, channel) as step:
                await hiding.taps("action_hide")
                busy.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailableError):
                await step
            for _ in range(failing - 1):
                clock.turn(seconds=10)
                with pytest.raises(StoreUnavailableError):
                    await deliverer(app).step()
        await drain(app, clock, 70)
    shown = [screen for screen in channel.screens if not screen.startswith("utter_hide")]
    assert sorted(shown) == ["utter_debt", "utter_shelter"]
    reference = str(1001 + channel.screens.index("utter_debt"))
    assert (f"address-of-{hiding.sender}", (reference,)) in channel.deleted


async def test_what_can_never_be_noted_does_not_stop_the_others(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await Visitor(app, Channel.TELEGRAM).taps("utter_debt")
        with beside(tmp_path) as other:
            other.execute(
                "CREATE TRIGGER never BEFORE UPDATE ON messages WHEN NEW.state = 'sent'"
                " BEGIN SELECT RAISE(ABORT, ''); END"
            )
            with pytest.raises(StoreUnavailableError):
                await deliverer(app).step()
            await Visitor(app, Channel.TELEGRAM).taps("utter_danger_now")
            for _ in range(MARK_TRIES - 1):
                assert channel.screens == ["utter_debt"]
                with pytest.raises(StoreUnavailableError):
                    await deliverer(app).step()
            assert channel.screens == ["utter_debt", "utter_danger_now"]
            other.execute("DROP TRIGGER never")
        await drain(app, clock, 3)
    assert channel.screens == ["utter_debt", "utter_danger_now"]


class ClingingChannel(SlowChannel):
    """A channel that asks to wait before each of the first deletions."""

    def __init__(self, *waits: float) -> None:
        super().__init__()
        self.waits = list(waits)
        self.asked = 0

    async def delete(self, address: str, references: Sequence[str]) -> None:
        self.asked += 1
        if self.waits:
            raise DeliveryError(Refusal.LATER, wait=self.waits.pop(0))
        await super().delete(address, references)


@asynccontextmanager
async def forgotten(folder: Path, clock: FakeClock, channel: ClingingChannel) -> AsyncIterator[App]:
    """Lend a Havn in which a message arrived although its visitor has been forgotten."""
    async with running(folder, clock=clock, channel=channel) as app:
        visitor = Visitor(app, Channel.TELEGRAM, sender="gone")
        await visitor.taps("utter_debt")
        async with on_its_way(app, channel) as step:
            await visitor.taps("action_forget")
            async with app.store.begin() as unit:
                assert await unit.conversations.count() == 0
        await step
        yield app


async def test_after_a_forgetting_it_is_taken_back_when_the_wait_is_over(tmp_path: Path) -> None:
    clock, channel = FakeClock(), ClingingChannel(30)
    async with forgotten(tmp_path, clock, channel) as app:
        reference = str(1001 + channel.screens.index("utter_debt"))
        await drain(app, clock, 30)
        assert (channel.asked, channel.deleted) == (1, [])
        await drain(app, clock, 2)
        assert channel.deleted == [("address-of-gone", (reference,))]
        await drain(app, clock)
    assert channel.asked == 2


async def test_a_clock_set_back_does_not_hold_the_taking_back(tmp_path: Path) -> None:
    clock, channel = FakeClock(), ClingingChannel(30)
    async with forgotten(tmp_path, clock, channel) as app:
        clock.turn(hours=-1)
        await deliverer(app).step()
    assert len(channel.deleted) == 1


async def test_taking_back_ends_where_the_channel_never_lets_it(tmp_path: Path) -> None:
    clock, channel = FakeClock(), ClingingChannel(*[1] * 1000)
    async with forgotten(tmp_path, clock, channel) as app:
        await drain(app, clock, 300)
        assert deliverer(app)._astray == []
    assert channel.asked == TAKE_BACK_TRIES


@pytest.mark.usefixtures("impatient")
async def test_what_a_busy_store_takes_no_deletion_for_is_taken_back_all_the_same(
    tmp_path: Path,
) -> None:
    class Busy(ClingingChannel):
        async def delete(self, address: str, references: Sequence[str]) -> None:
            if self.waits:
                busy.execute("BEGIN IMMEDIATE")
            await super().delete(address, references)

    clock, channel = FakeClock(), Busy()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        visitor = Visitor(app, Channel.TELEGRAM)
        await visitor.taps("utter_debt")
        with beside(tmp_path) as busy:
            async with on_its_way(app, channel) as step:
                await visitor.taps("action_hide")
                channel.waits = [5]
            await step
        await drain(app, clock)
    reference = str(1001 + channel.screens.index("utter_debt"))
    assert (f"address-of-{visitor.sender}", (reference,)) in channel.deleted
