"""``havn bench claim``: many counsellors press "take" on one conversation at the same moment.

Everybody has seen the conversation wait. Each then takes it as the console does: the rule of the
domain, and a save under the version seen, in a transaction of their own. One wins; everybody else
must be told that it has changed. Who won is afterwards read from the database itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import text

from bot.adapters.sealing import KeyRing
from bot.adapters.storage import SqlStore
from bot.adapters.storage.engine import make_engine
from bot.commands.bench.report import Figure, Report, latencies, machine, scratch
from bot.domain import handover as handovers
from bot.domain.conversation import Consent, Conversation
from bot.domain.errors import ChangedError, ConfigurationError, StoreUnavailableError
from bot.domain.handover import Handover
from bot.domain.messages import Channel, ConversationId
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from bot.ports import Lookup, Sealer, Store
from bot.settings import Settings

_VISITOR = ConversationId("0" * 32)
_LOOKUP = Lookup(bytes(32))
# Each store has connections of its own, as each process has.
_STORES = 2


@dataclass(slots=True)
class Tally:
    """What came of the races. ``waits`` are the seconds from pressing to an answer."""

    races: int = 0
    exactly_one: int = 0
    told: int = 0
    unavailable: int = 0
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0


async def run(settings: Settings, *, races: int, claimants: int, as_json: bool) -> None:
    """Measure and print: on a fresh SQLite file, and on PostgreSQL where that is set."""
    with scratch(settings) as folder:
        report = Report("claim", machine(folder))
        databases = {"sqlite": f"sqlite:///{folder / 'havn.db'}"}
        if settings.database_url.startswith("postgresql"):
            databases["postgres"] = settings.database_url
        else:
            report.notes.append("For PostgreSQL too, name an empty one in HAVN_DATABASE_URL.")
        for name, url in databases.items():
            with _progress(name, races) as advance:
                tally = await _measure(url, folder / f"{name}-keys", races, claimants, advance)
            report.figures += figures(name, tally, claimants)
            if name == "postgres":
                report.notes.append(await server_of(url))
    report.notes += [
        f"{claimants} claimants of a race are tasks of one process, over {_STORES} stores.",
        "At once run 1 transaction of a SQLite store and 10 of a PostgreSQL store.",
        "All others wait for a connection, and that wait is part of a claim.",
        "Races come one after another; each is over when its last claimant has an answer.",
    ]
    report.show(as_json=as_json)


def figures(name: str, tally: Tally, claimants: int) -> list[Figure]:
    """Return what was counted against what must be: one winner, and everybody else told so."""
    losers = tally.races * (claimants - 1)
    return [
        Figure(f"{name}_races", tally.races, ""),
        Figure(f"{name}_exactly_one_winner", tally.exactly_one, "", at_least=tally.races),
        Figure(f"{name}_told_it_has_changed", tally.told, "", at_least=losers, at_most=losers),
        Figure(f"{name}_unavailable", tally.unavailable, "", at_most=0),
        *latencies(f"{name}_claim", tally.waits),
        Figure(f"{name}_claims_per_second", len(tally.waits) / tally.seconds, "1/s"),
    ]


async def _measure(
    url: str, keys: Path, races: int, claimants: int, advance: Callable[[], None]
) -> Tally:
    ring = KeyRing.open(keys)
    try:
        async with _opened(url, ring) as stores:
            await _begin(stores[0], ring)
            try:
                return await run_races(stores, races, claimants, advance)
            finally:
                await _end(stores[0], ring)
    finally:
        ring.close()


async def run_races(
    stores: Sequence[Store], races: int, claimants: int, advance: Callable[[], None]
) -> Tally:
    """Let one conversation be asked for, raced for and left, again and again."""
    tally = Tally()
    names = [StaffId(f"claimant-{number}") for number in range(claimants)]
    began = time.perf_counter()
    for _ in range(races):
        waiting = await _ask(stores[0])
        winners = await race(stores, waiting, names, tally)
        tally.races += 1
        tally.exactly_one += await _leave(stores[0], waiting, winners)
        advance()
    tally.seconds = time.perf_counter() - began
    return tally


async def race(
    stores: Sequence[Store], waiting: Handover, names: Sequence[StaffId], tally: Tally
) -> Sequence[StaffId]:
    """Let everybody take a conversation at once; return who was told that it is theirs."""
    winners: list[StaffId] = []

    async def claim(store: Store, who: StaffId) -> None:
        began = time.perf_counter()
        mine = handovers.claimed(waiting, who, _now())
        try:
            async with store.begin() as unit:
                await unit.handovers.save(mine)
        except ChangedError:
            tally.told += 1
        except StoreUnavailableError:
            tally.unavailable += 1
        else:
            winners.append(who)
        tally.waits.append(time.perf_counter() - began)

    await asyncio.gather(*(claim(s, who) for s, who in zip(cycle(stores), names, strict=False)))
    return winners


async def _ask(store: Store) -> Handover:
    now = _now()
    offer = replace(handovers.offer(_VISITOR, Level.RED, "en", now), consent=Consent.NEW)
    async with store.begin() as unit:
        return await unit.handovers.save(handovers.asked(offer, now, staffed=True))


async def _leave(store: Store, waiting: Handover, winners: Sequence[StaffId]) -> bool:
    """End the talk; tell whether the database names the one winner and counts one change."""
    async with store.begin() as unit:
        row = await unit.handovers.get(waiting.id or 0)
        if row is None:
            return False
        await unit.handovers.save(handovers.withdrawn(row, _now()))
    return [row.owner] == winners and row.version == waiting.version + 1


async def _begin(store: Store, sealer: Sealer) -> None:
    """Store the one visitor. Only an empty database will do: what is measured is erased."""
    async with store.begin() as unit:
        if await unit.conversations.count():
            raise ConfigurationError(
                "havn bench claim writes and erases: let HAVN_DATABASE_URL name an empty database"
            )
    await sealer.create_keys([_VISITOR])
    now = _now()
    async with store.begin() as unit:
        visitor = Conversation(_VISITOR, Channel.WEB, now, now)
        await unit.conversations.add({_LOOKUP: visitor})


async def _end(store: Store, sealer: Sealer) -> None:
    async with store.begin() as unit:
        await unit.conversations.erase([_VISITOR])
    await sealer.destroy_keys([_VISITOR])


@asynccontextmanager
async def _opened(url: str, ring: KeyRing) -> AsyncIterator[Sequence[SqlStore]]:
    stores = [await SqlStore.open(url, ring) for _ in range(_STORES)]
    try:
        yield stores
    finally:
        for store in stores:
            await store.close()


async def server_of(url: str) -> str:
    """Say which PostgreSQL it is, and whether a commit reaches its disk."""
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            version, synced = [
                (await connection.execute(text(f"SHOW {name}"))).scalar_one()
                for name in ("server_version", "fsync")
            ]
    finally:
        await engine.dispose()
    return f"PostgreSQL {version}, fsync {synced}."


@contextmanager
def _progress(name: str, races: int) -> Iterator[Callable[[], None]]:
    """Show on standard error how many races are over."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Races on {name}", total=races)
        yield lambda: bar.advance(task)


def _now() -> datetime:
    return datetime.now(UTC)
