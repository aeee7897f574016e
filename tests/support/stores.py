"""Stores of every kind and the things they store, for the contract and integration tests."""

import asyncio
import atexit
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import SqlStore
from bot.adapters.storage.engine import make_engine
from bot.domain.conversation import Conversation
from bot.domain.handover import Handover, State
from bot.domain.messages import Channel, ConversationId, Event, Incoming, MessageId, Reply, Text
from bot.domain.triage import Level
from bot.ports import Arrival, Lookup, Outgoing, Sealer, Store

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TABLES = (
    "conversations, receipts, messages, handovers, notes, drafts, shifts, figures, timers, marks, "
    "return_codes, "
    "staff, invitations, spent, sessions, subscriptions, audit, audit_aliases, "
    "content_changes, bundles, content_remarks, servings"
)

_numbers = itertools.count(1)


@asynccontextmanager
async def opened(url: str, sealer: Sealer) -> AsyncIterator[SqlStore]:
    """Open a store whose schema is up to date, without looking."""
    store = SqlStore(make_engine(url), sealer)
    try:
        yield store
    finally:
        await store.close()


async def migrated(url: str) -> None:
    """Bring the schema of a database up to date."""
    store = await SqlStore.open(url, EphemeralKeys())
    await store.close()


@cache
def _empty() -> Path:
    """Migrate one SQLite file for all tests of this process."""
    folder = Path(tempfile.mkdtemp(prefix="havn-empty-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # In a thread of its own: the caller's may run an event loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrated(sqlite_url(folder))).result()
    return folder / "havn.db"


def laid(folder: Path) -> str:
    """Lay a migrated SQLite file in a folder where there is none; return its address."""
    if not (folder / "havn.db").exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(_empty(), folder / "havn.db")
    return sqlite_url(folder)


def sqlite_url(folder: Path) -> str:
    """Return the address of the SQLite file in a folder."""
    return f"sqlite:///{folder / 'havn.db'}"


def lookup(name: str) -> Lookup:
    """Return a hash to recognise somebody by."""
    return Lookup(name.encode().ljust(32, b"."))


def conversation(name: str = "", **changes: object) -> Conversation:
    """Return a conversation nobody else has."""
    id_ = ConversationId(f"{name}{next(_numbers):x}".rjust(32, "0"))
    made = Conversation(id_, Channel.TELEGRAM, NOW, NOW, address=f"chat of {name}")
    return replace(made, **changes)  # type: ignore[arg-type]


def message_id() -> MessageId:
    """Return the next id: they grow, and need 63 bits as in real life."""
    return MessageId((1 << 62) + next(_numbers))


def arrival(
    of: Conversation | ConversationId,
    event: Event | str = "hello",
    *,
    at: datetime = NOW,
    external_id: str = "",
    **incoming: str,
) -> Arrival:
    """Return a message that came in."""
    number = message_id()
    came = Incoming(
        channel=of.channel if isinstance(of, Conversation) else Channel.TELEGRAM,
        external_id=external_id or f"update {number}",
        sender="somebody",
        event=Text(event) if isinstance(event, str) else event,
        **incoming,
    )
    return Arrival(number, of.id if isinstance(of, Conversation) else of, came, at)


def outgoing(of: Conversation, screen: str = "utter_help", **changes: object) -> Outgoing:
    """Return a message that goes out."""
    made = Outgoing(message_id(), of.id, of.channel, Reply(screen, "da"), NOW, NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


def handover(of: Conversation, level: Level = Level.YELLOW, **changes: object) -> Handover:
    """Return a waiting handover."""
    made = Handover(of.id, State.WAITING, level, "da", offered_at=NOW, asked_at=NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


async def begun(store: Store, sealer: Sealer, *names: str) -> list[Conversation]:
    """Store new conversations, known under their names."""
    made = {name: conversation(name) for name in names}
    await sealer.create_keys([c.id for c in made.values()])
    async with store.begin() as unit:
        await unit.conversations.add({lookup(name): c for name, c in made.items()})
    return list(made.values())
