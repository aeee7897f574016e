"""``havn bench spike``: a campaign is on television, and an hour's visitors come in its shape.

They come by the web chat of a real ``havn serve`` and press buttons or write. Many wait for a
counsellor already, and every console is open: each holds a talk, whose visitor goes on writing.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import httpx

from bot.bootstrap import open_app
from bot.commands.bench.bot_api import bot_api
from bot.commands.bench.console import order, place, read, wait_for_a_person, watching
from bot.commands.bench.report import Figure, Report, latencies, machine, scratch
from bot.commands.bench.serving import Place, Process, serving
from bot.commands.bench.visiting import Tally, WebVisitor, browser, returning
from bot.domain.messages import MessageId
from bot.settings import Settings

# security-reliability goals, load: the campaign spike.
CONVERSATIONS, SECONDS = 5000, 1000.0
P95_MS, P99_MS, SIGHT_MS = 2000.0, 5000.0, 1000.0
WAITING = 300
CONSOLES = 20
# What part of an hour's visitors comes in each twelfth of it: most within the first quarter.
_SHAPE = (2, 10, 18, 16, 13, 11, 9, 7, 5, 4, 3, 2)
# What each visitor does after the first page, and how long they read before it, in seconds.
_EVENTS = 4
_READING = (1.0, 4.0)
_TEXT = "What kind of help can I get here?"
_TEXTS = 0.2
_SIGHTS_PER_SECOND = 2.0
_SETTLING_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Staffed:
    """Who is there before the spike: what the consoles are told, and the visitors they talk to."""

    consoles: Mapping[str, Any]
    visitors: Sequence[str]
    came: int


async def run(
    settings: Settings,
    *,
    conversations: int,
    seconds: float,
    waiting: int,
    consoles: int,
    as_json: bool,
) -> None:
    """Measure and print."""
    with scratch(settings) as folder:
        report = Report("spike", machine(folder))
        async with bot_api() as (_, address):
            home = Place(folder, settings.root.resolve(), address)
            before = await _prepare(settings, home, waiting, consoles)
            async with serving(home) as server, browser(home) as client:
                memory, used = [server.memory_mib], server.seconds
                tally, talk = Tally(), Tally()
                sights: list[float] = []
                async with _talking(client, before, talk, sights, seconds), _noting(server, memory):
                    await _spike(client, tally, conversations, seconds)
                used = server.seconds - used
                came, unanswered, _ = await home.settled()
        sent = tally.sent + talk.sent
        report.figures += [
            *latencies("answer", tally.waits, {0.95: P95_MS, 0.99: P99_MS}),
            *latencies("message_to_sight", sights, {0.95: SIGHT_MS}),
            Figure("new_conversations", conversations, ""),
            Figure("sent", sent, ""),
            Figure("refused", tally.refused + talk.refused, "", at_most=0),
            Figure(
                "lost",
                max(0, sent + before.came - came) + unanswered + tally.unanswered + talk.unanswered,
                "",
                at_most=0,
            ),
            Figure("never_seen", talk.sent - len(sights), "", at_most=0),
            Figure("memory_before", memory[0], "MiB"),
            Figure("memory_at_most", max(memory), "MiB"),
            Figure("processor_time_per_message", used / sent * 1000, "ms"),
            Figure("busiest_second", _busiest(conversations, seconds), "1/s"),
            Figure("errors_logged", home.errors(), "", at_most=0),
        ]
    report.notes += [
        f"{conversations} conversations in {seconds:g} s, {waiting} waiting, {consoles} consoles.",
        "Web chat over HTTP; SQLite with synchronous=FULL; one havn serve without the NLU unit.",
        "Visitors and consoles are two other processes on the same cores.",
    ]
    report.show(as_json=as_json)


async def _prepare(settings: Settings, home: Place, waiting: int, consoles: int) -> _Staffed:
    """Let people wait and counsellors take their talks before the server starts."""
    visitors = [secrets.token_urlsafe(32) for _ in range(consoles)]
    async with open_app(home.settings(settings)) as app:
        places = [await place(app, n, visitor) for n, visitor in enumerate(visitors)]
        queue = (wait_for_a_person(app, f"bench-waiting-{n}") for n in range(waiting))
        await asyncio.gather(*queue)
        told = order(app, places, home.console_port)
    came, _, _ = await asyncio.to_thread(home.unfinished)
    return _Staffed(told, visitors, came)


async def _spike(
    client: httpx.AsyncClient, tally: Tally, conversations: int, seconds: float
) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, due in enumerate(arrivals(conversations, seconds)):
            await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
            group.create_task(_visit(WebVisitor(client, random.Random(number), tally)))


async def _visit(visitor: WebVisitor) -> None:
    await visitor.open()
    await visitor.start()
    for _ in range(_EVENTS - 1):
        await asyncio.sleep(visitor.chance.uniform(*_READING))
        if visitor.chance.random() < _TEXTS:
            await visitor.write(_TEXT)
        else:
            await visitor.tap()


def arrivals(conversations: int, seconds: float) -> Sequence[float]:
    """Return when each visitor comes, in seconds from the beginning, in order."""
    ends = list(accumulate(share / sum(_SHAPE) for share in _SHAPE))
    width = seconds / len(_SHAPE)
    due: list[float] = []
    for number in range(conversations):
        part = (number + 0.5) / conversations
        slot = next(n for n, end in enumerate(ends) if part <= end or n + 1 == len(ends))
        begin = ends[slot - 1] if slot else 0.0
        due.append(width * (slot + (part - begin) / (ends[slot] - begin)))
    return due


def _busiest(conversations: int, seconds: float) -> float:
    """Return how many messages a second come in the busiest twelfth."""
    return conversations * _EVENTS * max(_SHAPE) / sum(_SHAPE) / (seconds / len(_SHAPE))


@asynccontextmanager
async def _talking(
    client: httpx.AsyncClient,
    before: _Staffed,
    tally: Tally,
    sights: list[float],
    seconds: float,
) -> AsyncIterator[None]:
    """Open the consoles, and let their visitors write; note the seconds to sight in the end."""
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    messages = int(seconds * _SIGHTS_PER_SECOND) if before.visitors else 0
    async with watching(before.consoles) as lines:
        reading = asyncio.create_task(read(lines, seen, messages))
        writing = asyncio.create_task(_write(client, before.visitors, tally, sent, messages))
        yield
        await writing
        await asyncio.wait({reading}, timeout=_SETTLING_SECONDS)
        reading.cancel()
    sights += [seen[marker] - sent[marker] for marker in sent if marker in seen]


async def _write(
    client: httpx.AsyncClient,
    visitors: Sequence[str],
    tally: Tally,
    sent: dict[str, float],
    messages: int,
) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(messages):
            marker = f"{number:06}"
            sent[marker] = time.monotonic()
            token = visitors[number % len(visitors)]
            visitor = returning(client, tally, token, MessageId(0))
            group.create_task(visitor.write(f"bench-{marker}"))
            await asyncio.sleep(1 / _SIGHTS_PER_SECOND)


@asynccontextmanager
async def _noting(server: Process, memory: list[float]) -> AsyncIterator[None]:
    """Note the memory of the server every second."""

    async def note() -> None:
        while True:
            memory.append(server.memory_mib)
            await asyncio.sleep(1)

    noting = asyncio.create_task(note())
    try:
        yield
    finally:
        noting.cancel()
