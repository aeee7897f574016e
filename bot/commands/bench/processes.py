"""``havn bench processes``: one and then two processes that receive and answer on one PostgreSQL.

Each is a process of its own with connections of its own, over one database and one key folder, as
several ``havn serve`` are. Rounds of one and of two take turns, so that both are measured under the
same load; the ratio of each pair is taken, and of these the median.
"""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot.adapters.storage.engine import make_engine
from bot.bootstrap import open_store
from bot.commands.bench.claim import server_of
from bot.commands.bench.report import Figure, Report, latencies, machine, of_runs, scratch
from bot.domain.errors import ConfigurationError
from bot.ports import Store
from bot.settings import Settings

RATIO = 1.6
_PATIENCE_SECONDS = 120.0
_LARGEST_LINE = 2**26
_ERASED_AT_ONCE = 500
_STORED = text(
    "SELECT count(*), count(*) FILTER (WHERE state <> 'done') FROM messages WHERE incoming"
)

Round = Mapping[str, Any]


async def run(
    settings: Settings, *, seconds: float, conversations: int, rounds: int, as_json: bool
) -> None:
    """Measure and print."""
    if not settings.database_url.startswith("postgresql"):
        raise ConfigurationError(
            "havn bench processes needs PostgreSQL: let HAVN_DATABASE_URL name an empty database"
        )
    with scratch(settings) as folder:
        report = Report("processes", machine(folder))
        own = replace(settings, data_dir=folder, key_dir=None)
        async with _borrowed(own):
            begun, single, double = await _measure(own, folder, seconds, conversations, rounds)
            stored, unanswered = await _stored(settings.database_url)
        report.figures += _figures(single, double)
        every = [*single, *(one for pair in double for one in pair)]
        sent = begun + sum(one["taps"] for one in every)
        unheard = sum(one["unheard"] for one in every)
        lost = max(0, sent - stored) + unanswered + unheard
        report.figures += [Figure("taps", sent, ""), Figure("lost", lost, "", at_most=0)]
        report.notes += [
            await server_of(settings.database_url),
            f"{conversations} visitors of each process walk over the buttons, 64 taps under way.",
            "PostgreSQL runs on the same cores: what it needs is not there for the processes.",
        ]
    report.show(as_json=as_json)


async def _measure(
    settings: Settings, folder: Path, seconds: float, conversations: int, rounds: int
) -> tuple[int, Sequence[Round], Sequence[Sequence[Round]]]:
    """Return how many conversations were begun, the rounds of one, and those of two."""
    async with AsyncExitStack() as stack:
        order = {
            "folder": str(folder),
            "root": str(settings.root.resolve()),
            "database": settings.database_url,
            "conversations": conversations,
        }
        tappers = [
            # Names of their own, for receipts of earlier runs may still be remembered.
            await stack.enter_async_context(_tapper({**order, "name": secrets.token_hex(8)}))
            for _ in range(2)
        ]
        begun = [await tapper.answer() for tapper in tappers]
        single, double = [], []
        for _ in range(rounds):
            single.append(await tappers[0].tap(seconds))
            double.append(await asyncio.gather(*(tapper.tap(seconds) for tapper in tappers)))
    return sum(one["taps"] for one in begun), single, double


def _figures(single: Sequence[Round], double: Sequence[Sequence[Round]]) -> list[Figure]:
    one = [_rate(alone) for alone in single]
    two = [sum(map(_rate, pair)) for pair in double]
    ratios = [both / alone for alone, both in zip(one, two, strict=True)]
    both = [each for pair in double for each in pair]
    return [
        of_runs("one_process", one, "taps/s"),
        of_runs("two_processes", two, "taps/s"),
        of_runs("two_over_one", ratios, "", at_least=RATIO),
        *latencies("one_process_tap", [wait for each in single for wait in each["waits"]]),
        *latencies("two_processes_tap", [wait for each in both for wait in each["waits"]]),
        Figure("one_process_processor_per_tap", _processor(single), "ms"),
        Figure("two_processes_processor_per_tap", _processor(both), "ms"),
    ]


def _rate(one: Round) -> float:
    return float(one["taps"] / one["seconds"])


def _processor(rounds: Sequence[Round]) -> float:
    """Return the milliseconds of processor time of a tap, without those of PostgreSQL."""
    return float(sum(o["processor"] for o in rounds) / sum(o["taps"] for o in rounds) * 1000)


class _Tapper:
    """A process of visitors that waits for orders."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def send(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 -- asked for as a pipe
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def answer(self) -> Round:
        assert self._process.stdout is not None  # noqa: S101 -- asked for as a pipe
        line = await asyncio.wait_for(self._process.stdout.readline(), _PATIENCE_SECONDS)
        if not line:
            raise ConfigurationError("a process of the benchmark ended before it was done")
        answer: Round = json.loads(line)
        return answer

    async def tap(self, seconds: float) -> Round:
        await self.send(str(seconds))
        return await self.answer()


@asynccontextmanager
async def _tapper(order: Mapping[str, Any]) -> AsyncIterator[_Tapper]:
    """Start a process; its order goes through a pipe, for an address may hold a password."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.commands.bench.tapping"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LARGEST_LINE,
    )
    try:
        tapper = _Tapper(process)
        await tapper.send(json.dumps(order))
        yield tapper
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def _borrowed(settings: Settings) -> AsyncIterator[None]:
    """Use an empty database and leave it without conversations; one in use is refused."""
    async with open_store(settings) as (store, _):
        async with store.begin() as unit:
            if await unit.conversations.count():
                raise ConfigurationError(
                    "havn bench processes writes and erases: "
                    "let HAVN_DATABASE_URL name an empty database"
                )
        try:
            yield
        finally:
            await _erase(store)


async def _erase(store: Store) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    while True:
        async with store.begin() as unit:
            left = await unit.conversations.older_than(soon, _ERASED_AT_ONCE)
            await unit.conversations.erase(left)
        if not left:
            return


async def _stored(url: str) -> tuple[int, int]:
    """Return how many messages came in, and how many of them nobody answered."""
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            stored, unanswered = (await connection.execute(_STORED)).one()
    finally:
        await engine.dispose()
    return stored, unanswered
