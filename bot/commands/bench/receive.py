"""``havn bench receive``: from a tap to a stored reply, through the real way in, on a fresh SQLite.

Visitors walk at random over the buttons they are shown. A tap counts when ``converse`` returns:
it was stored durably, answered, the reply was stored durably, and its words were rendered. They
keep to the pace at which Havn answers one by one: in a flood it answers several taps together.
"""

import asyncio
import itertools
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.bootstrap import open_app
from bot.commands.bench.report import Figure, Report, latencies, machine, of_runs, scratch
from bot.domain.errors import ConfigurationError
from bot.domain.messages import Channel, Event, Incoming, MessageId, Sent, Start, Tapped
from bot.domain.pace import Pace
from bot.domain.screens import Tap
from bot.ports import Door
from bot.settings import Settings

TAPS_PER_SECOND = 1500.0
P99_MS = 50.0
# The arrival rate of the latency figures, per second.
OPEN_RATE = 100
# As many taps under way as one transaction takes.
_AT_ONCE = 64
# Every so many taps one is sent again, as a channel does that missed the answer.
_REPEAT_EVERY = 25
# What a visitor keeps of the burst: Havn counts each tap a little later than it is counted here.
_IN_RESERVE = 2
# What erases would take the evidence with it.
_LEFT_OUT = ("action_hide", "action_forget")
_START = "utter_main_menu"
LOCALES = ("en", "da")


@dataclass(slots=True)
class Visitor:
    """Someone who walks over the buttons; ``heard`` are the replies that reached them.

    ``pace`` counts their taps as Havn does.
    """

    name: str
    chance: random.Random
    locale: str
    taps: Sequence[str] = (_START,)
    sent: int = 0
    heard: set[MessageId] = field(default_factory=set)
    pace: Pace = field(default_factory=Pace)

    def next_event(self) -> Event:
        """Return what they do next: open the chat, then press one button after another."""
        return (
            Tapped(Tap.decode(self.chance.choice(self.taps))) if self.sent else Start(self.locale)
        )

    def hear(self, said: Sequence[Sent]) -> None:
        """Take in replies and the buttons of the last one."""
        self.heard |= {one.id for one in said}
        rows = said[-1].bubble.rows if said else ()
        taps = [choice.data for row in rows for choice in row if choice.data]
        self.taps = [tap for tap in taps if not tap.startswith(_LEFT_OUT)] or [_START]


@dataclass(slots=True)
class Crowd:
    """Many visitors of one door, who take turns; ``waits`` are the seconds from tap to answer."""

    door: Door
    visitors: Sequence[Visitor]
    unheard: int = 0
    repeated: int = 0
    answered_twice: int = 0
    waits: list[float] = field(default_factory=list)
    _turns: Iterator[Visitor] = field(init=False)
    _count: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self._turns = itertools.cycle(self.visitors)
        self._count = itertools.count(1)

    async def tap(self) -> None:
        """Let the next visitor do one thing, and hear the answer.

        ConfigurationError where that would be a flood.
        """
        visitor = next(self._turns)
        _keep_pace(visitor.pace, datetime.now(UTC))
        event = visitor.next_event()
        visitor.sent += 1
        incoming = Incoming(Channel.WEB, f"{visitor.name}-{visitor.sent}", visitor.name, event)
        began = time.perf_counter()
        said = await self.door.converse(incoming)
        self.waits.append(time.perf_counter() - began)
        self.unheard += not said
        visitor.hear(said)
        if next(self._count) % _REPEAT_EVERY == 0:
            await self._repeat(visitor, incoming)

    async def _repeat(self, visitor: Visitor, incoming: Incoming) -> None:
        self.repeated += 1
        again = await self.door.converse(incoming)
        self.answered_twice += any(one.id not in visitor.heard for one in again)


async def run(
    settings: Settings, *, seconds: float, conversations: int, rounds: int, as_json: bool
) -> None:
    """Measure and print."""
    with scratch(settings) as folder:
        report = Report("receive", machine(folder))
        fresh = replace(
            settings, data_dir=folder, key_dir=None, database_url="", nlu="off", allow_drafts=True
        )
        crowd = await _measure(report, fresh, seconds, conversations, rounds)
        report.figures += audit(folder / "havn.db", crowd)
    report.notes += [
        f"{conversations} visitors walk over the buttons; {crowd.repeated} taps were sent twice.",
        "SQLite with synchronous=FULL, one process; those who tap run in the same process.",
    ]
    report.show(as_json=as_json)


async def _measure(
    report: Report, settings: Settings, seconds: float, conversations: int, rounds: int
) -> Crowd:
    async with open_app(settings) as app:
        visitors = [
            Visitor(f"visitor-{n}", random.Random(n), LOCALES[n % len(LOCALES)])
            for n in range(conversations)
        ]
        crowd = Crowd(app.reception, visitors)
        begun = await closed_loop(crowd, taps=conversations)
        report.figures.append(Figure("new_conversations_per_second", begun, "1/s"))
        waits = await _open_loop(crowd, seconds)
        report.figures += latencies(f"tap_at_{OPEN_RATE}_per_second", waits, {0.99: P99_MS})
        used, done = time.process_time(), sum(visitor.sent for visitor in visitors)
        rates = [await closed_loop(crowd, seconds=seconds) for _ in range(rounds)]
        done = sum(visitor.sent for visitor in visitors) - done
        used = time.process_time() - used
        report.figures.append(Figure("processor_time_per_tap", used / done * 1000, "ms"))
        report.figures.append(of_runs("taps_per_second", rates, "1/s", at_least=TAPS_PER_SECOND))
    return crowd


async def closed_loop(crowd: Crowd, *, seconds: float = 0, taps: int = 0) -> float:
    """Tap as fast as answers come, for a time or a number of taps; return taps per second."""
    began = time.perf_counter()
    done = 0
    left = iter(range(taps)) if taps else itertools.count()

    async def work() -> None:
        nonlocal done
        for _ in left:
            await crowd.tap()
            done += 1
            if seconds and time.perf_counter() - began >= seconds:
                return

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return done / (time.perf_counter() - began)


async def _open_loop(crowd: Crowd, seconds: float) -> Sequence[float]:
    """Tap at a fixed rate whatever the answers do; return the wait of each from when it was due."""
    waits: list[float] = []
    began = time.perf_counter()

    async def tap(due: float) -> None:
        await crowd.tap()
        waits.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * OPEN_RATE)):
            due = began + number / OPEN_RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(tap(due))
    return waits


def _keep_pace(pace: Pace, now: datetime) -> None:
    """Count a tap; ConfigurationError where Havn might hold its answer back."""
    pace.hear(now)
    if pace.tokens < _IN_RESERVE or pace.quiet:
        raise ConfigurationError("so few visitors flood Havn: take more --conversations")


def audit(database: Path, crowd: Crowd) -> list[Figure]:
    """Count from the store itself what was lost and what happened twice."""
    sent = sum(visitor.sent for visitor in crowd.visitors)
    heard = set().union(*(visitor.heard for visitor in crowd.visitors))
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        ((stored, unanswered),) = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE state <> 'done') FROM messages WHERE incoming"
        )
        replies = {
            id_ for (id_,) in connection.execute("SELECT id FROM messages WHERE NOT incoming")
        }
    finally:
        connection.close()
    lost = max(0, sent - stored) + unanswered + crowd.unheard + len(heard - replies)
    doubled = max(0, stored - sent) + crowd.answered_twice + len(replies - heard)
    return [
        Figure("taps", sent, ""),
        Figure("lost", lost, "", at_most=0),
        Figure("doubled", doubled, "", at_most=0),
    ]
