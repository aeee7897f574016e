"""F12, F13: a thousand timers that came due while nobody was there, and clocks that jump."""

import asyncio
import random
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from bot import bootstrap
from bot.bootstrap import App
from bot.domain.figures import Wait, counted
from bot.domain.handover import Close, Handover, State
from bot.domain.handover import Outcome as Ending
from bot.domain.messages import Channel, ConversationId, Start
from bot.domain.retention import ClockWatch
from bot.domain.triage import Level
from tests.storms.listening import listening
from tests.storms.outcome import Outcome
from tests.storms.sending import tapped
from tests.support.app import Visitor, running
from tests.support.fakes import FakeClock, RecordingChannel

# A round of timers comes every five seconds; all must be over a minute after the start.
ROUNDS = 12
TO_THE_QUEUE = (
    *("utter_danger_now", "utter_danger_offer_person level=red", "action_queue_urgent"),
)
SAID = "SELECT conversation_id, count(*) FROM messages WHERE NOT incoming GROUP BY 1"
WHAT_HAPPENS = ("comes", "comes", "passes", "passes", "jumps", "is set right")
# What a clock does: an hour of summer time, a month, a day, two zones, a leap second.
JUMPS = (3600, 30 * 86400, -3600, -86400, 7200, 1, -1)
MISTRUST = timedelta(minutes=5)


def due_timers(times: int, folder: Path, _number: int) -> Outcome:
    """Let people in danger wait, and restart after their time: each is told once, and soon.

    The second life ends after one round; two rounds run at the same time.
    """
    outcome, clock = Outcome(), FakeClock()

    async def storm() -> None:
        async with running(folder, clock=clock) as app:
            visitors = [Visitor(app, sender=f"waits {place}") for place in range(times)]
            for event in (Start("en"), *map(tapped, TO_THE_QUEUE)):
                await app.reception.accept([visitor.incoming(event) for visitor in visitors])
                await app.reception.close()
        before, waiting = _counts(folder, SAID), _due(folder, clock.now())
        outcome.expect(waiting == 0, f"{waiting} timers are due at once")
        clock.turn(minutes=6)
        outcome.figures["due at the start"] = _due(folder, clock.now())
        outcome.expect(outcome.figures["due at the start"] == times, "not all were to be told")
        async with running(folder, clock=clock) as app:
            await asyncio.gather(app.keeper._run_timers(), app.keeper._run_timers())
        async with running(folder, clock=clock) as app:
            rounds = 1
            while _due(folder, clock.now()) and rounds < ROUNDS:
                clock.turn(seconds=5)
                await asyncio.gather(app.keeper._run_timers(), app.keeper._run_timers())
                rounds += 1
        left, after = _due(folder, clock.now()), _counts(folder, SAID)
        outcome.figures["rounds"] = rounds
        outcome.expect(not left, f"{left} timers are left after a minute")
        told = Counter(after[id_] - before[id_] for id_ in before)
        outcome.figures["told once"] = told[1]
        outcome.expect(told == {1: times}, f"told so often: {dict(told)}")

    with listening():
        asyncio.run(storm())
    return outcome


def _counts(folder: Path, statement: str) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "var" / "havn.db")) as file:
        return dict(file.execute(statement).fetchall())


def _due(folder: Path, now: datetime) -> int:
    statement = f"SELECT 1, count(*) FROM timers WHERE due_at <= {now.timestamp() * 1000}"
    return _counts(folder, statement)[1]


class Time:
    """The true time, and a clock that may be wrong about it."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.true = 0.0
        self.wrong = 0.0

    def passes(self, seconds: float) -> None:
        self.true += seconds
        self.clock.turn(seconds=seconds)

    def jumps(self, seconds: float) -> None:
        self.wrong += seconds
        self.clock.turn(seconds=seconds)


def clock_jumps(times: int, folder: Path, number: int) -> Outcome:
    """Let clocks jump among visitors of all ages; nobody is erased before their time.

    What was dated by a clock that was behind is as much older, and may go so much earlier.
    """
    outcome, chance = Outcome(), random.Random(number)
    time = Time(FakeClock())

    async def storm() -> None:
        async with running(folder, clock=time.clock, channel=RecordingChannel()) as app:
            keeper, idle = app.keeper, bootstrap.policy(app.settings).idle.total_seconds()
            keeper._monotonic = lambda: time.true
            keeper._watch = ClockWatch(time.clock.now(), 0.0)
            due: dict[ConversationId, float] = {}
            for turn in range(times):
                match chance.choice(
                    ["comes", "comes", "passes", "passes", "jumps", "is set right"]
                ):
                    case "comes":
                        id_ = await _newcomer(app, f"{turn}")
                        due[id_] = time.true + idle + min(0.0, time.wrong)
                    case "passes":
                        time.passes(chance.choice([60, 3600, idle / 3, idle]))
                    case "jumps":
                        time.jumps(chance.choice(JUMPS))
                        outcome.count("jumps")
                    case _:
                        time.jumps(-time.wrong)
                await keeper.round()
                left = set(_counts(folder, "SELECT id, 1 FROM conversations"))
                gone = [id_ for id_ in due if id_ not in left]
                early = sum(time.true < due[id_] for id_ in gone)
                outcome.count("erased", len(gone))
                outcome.count("erased too early", early)
                outcome.expect(not early, f"{early} were erased early, {time.wrong:.0f} s off")
                doubtful = abs(time.wrong) > MISTRUST.total_seconds()
                outcome.expect(
                    not (doubtful and gone), f"erased with a clock {time.wrong:.0f} s off"
                )
                for id_ in gone:
                    del due[id_]
            time.jumps(-time.wrong)
            # What was dated ahead waits until its day has come: jumps add up to months.
            for _ in range(24 + len(due) // 200):
                time.passes(31 * 86400 + idle)
                await keeper.round()
            left = set(_counts(folder, "SELECT id, 1 FROM conversations"))
            outcome.expect(not left & due.keys(), f"{len(left & due.keys())} are never erased")

    with listening():
        asyncio.run(storm())
    outcome.expect(outcome.figures.get("erased", 0) > 0 or times < 100, "nobody was erased")
    _negative_waits(chance, outcome)
    return outcome


async def _newcomer(app: App, name: str) -> ConversationId:
    visitor = Visitor(app, Channel.TELEGRAM, sender=name)
    await visitor.starts()
    lookups = app.sealer.lookups(Channel.TELEGRAM, name)
    async with app.store.begin() as unit:
        (id_,) = (await unit.conversations.find(lookups)).values()
    return id_


def _negative_waits(chance: random.Random, outcome: Outcome) -> None:
    """Count talks that were answered, by the clock, before they were asked for."""
    asked = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
    for _ in range(100):
        answered = asked + timedelta(seconds=chance.choice(JUMPS))
        talk = Handover(
            ConversationId("0" * 32),
            State.CLOSED,
            Level.RED,
            "en",
            offered_at=asked,
            asked_at=asked,
            answered_at=answered,
            close=Close(Ending.INFORMED),
        )
        outcome.expect(counted(talk)["wait_red"] in set(Wait), "a wait of no length")
