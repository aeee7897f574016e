"""SQLite as Havn sets it: durable, one writer, nothing left behind."""

import asyncio
import re
import resource
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import SqlStore, engine
from bot.adapters.storage.engine import PRAGMAS
from bot.domain.errors import StoreAwayError, StoreUnavailableError
from bot.domain.messages import Channel, Text
from bot.ports import Sealer, Store
from tests.support.stores import (
    NOW,
    arrival,
    begun,
    conversation,
    lookup,
    opened,
    outgoing,
    sqlite_url,
)


@pytest.fixture
def sealer() -> Sealer:
    return EphemeralKeys()


@pytest.fixture
async def store(sqlite: str, sealer: Sealer) -> AsyncIterator[SqlStore]:
    async with opened(sqlite, sealer) as store:
        yield store


@pytest.fixture
async def hasty(
    sqlite: str, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SqlStore]:
    """A store that waits for locks only briefly."""
    monkeypatch.setattr(engine, "PRAGMAS", {**PRAGMAS, "busy_timeout": 100})
    async with opened(sqlite, sealer) as store:
        yield store


@contextmanager
def other_process(sqlite: str) -> Iterator[sqlite3.Connection]:
    """Connect as another program would."""
    path = sqlite.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        yield connection
    finally:
        connection.close()


async def test_the_settings_are_in_force(store: SqlStore) -> None:
    async with store._engine.connect() as connection:
        found = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in PRAGMAS
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "temp_store": 2,
        "trusted_schema": 0,
        "busy_timeout": 5000,
    }


async def test_the_settings_are_in_force_on_a_new_connection(store: SqlStore) -> None:
    async with store._engine.connect() as connection:
        await connection.invalidate()
    await test_the_settings_are_in_force(store)


async def test_a_transaction_holds_the_write_lock_from_its_beginning(
    store: SqlStore, sqlite: str
) -> None:
    with other_process(sqlite) as other:
        async with store.begin():
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")


async def test_nobody_sees_a_transaction_before_its_end(
    store: SqlStore, sealer: Sealer, sqlite: str
) -> None:
    count = "SELECT count(*) FROM conversations"
    with other_process(sqlite) as other:
        async with store.begin() as unit:
            one = conversation()
            await sealer.create_keys([one.id])
            await unit.conversations.add({lookup("one"): one})
            assert other.execute(count).fetchone() == (0,)
        assert other.execute(count).fetchone() == (1,)


async def test_a_locked_database_is_waited_for(store: SqlStore, sqlite: str) -> None:
    with other_process(sqlite) as other:
        other.execute("BEGIN IMMEDIATE")
        checking = asyncio.create_task(store.check())
        await asyncio.sleep(0.3)
        assert not checking.done()
        other.execute("COMMIT")
        await checking


async def test_a_database_that_stays_locked_is_away(hasty: SqlStore, sqlite: str) -> None:
    with other_process(sqlite) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreAwayError, match="SQLITE_BUSY"):
            await hasty.check()
        other.execute("COMMIT")
    await hasty.check()


async def test_nobody_waits_for_a_lock_behind_others_who_wait_for_it(
    hasty: SqlStore, sqlite: str
) -> None:
    """Or with one connection the last of many would wait five seconds for each before them."""
    with other_process(sqlite) as other:
        other.execute("BEGIN IMMEDIATE")
        checks = (hasty.check() for _ in range(30))
        failures = await asyncio.gather(*checks, return_exceptions=True)
        other.execute("COMMIT")
    assert {type(failure) for failure in failures} == {StoreAwayError}
    kinds = Counter(str(failure) for failure in failures)
    assert kinds["TimeoutError"] > kinds["OperationalError SQLITE_BUSY"]
    await hasty.check()


async def test_a_full_database_undoes_everything(store: SqlStore, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    await _limit_pages(store)

    small, large = arrival(anna, "small"), arrival(anna, Text("x" * 200_000))

    async def store_both() -> None:
        async with store.begin() as unit:
            await unit.messages.accept([small])
            await unit.messages.accept([large])

    with pytest.raises(StoreUnavailableError, match="SQLITE_FULL") as full:
        await store_both()
    assert not isinstance(full.value, StoreAwayError)

    await _limit_pages(store, more=1000)
    async with store.begin() as unit:
        assert await unit.messages.unanswered([anna.id]) == {}
        assert await unit.messages.accept([small, large]) == {small.id, large.id}


async def _limit_pages(store: SqlStore, *, more: int = 0) -> None:
    """Let the database grow by so many pages and no further, as on a full disk."""
    async with store._engine.connect() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages + more}"))


async def test_check_notices_a_full_disk(store: SqlStore, tmp_path: Path) -> None:
    await store.check()
    journal = (tmp_path / "havn.db-wal").stat().st_size
    with largest_file(journal), pytest.raises(StoreUnavailableError):
        await store.check()
    await store.check()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_scrub_empties_the_journal(store: SqlStore, sealer: Sealer, tmp_path: Path) -> None:
    await begun(store, sealer, "anna")
    journal = tmp_path / "havn.db-wal"
    assert journal.stat().st_size > 0

    await store.scrub()

    assert journal.stat().st_size == 0


async def test_scrub_does_not_claim_what_a_reader_prevents(
    hasty: SqlStore, sealer: Sealer, sqlite: str, tmp_path: Path
) -> None:
    with other_process(sqlite) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM conversations").fetchone()
        await begun(hasty, sealer, "anna")
        with pytest.raises(StoreUnavailableError, match="reading"):
            await hasty.scrub()
        other.execute("COMMIT")
        await hasty.scrub()
    assert (tmp_path / "havn.db-wal").stat().st_size == 0


async def test_only_the_owner_may_read_the_files(tmp_path: Path, sealer: Sealer) -> None:
    store = await SqlStore.open(sqlite_url(tmp_path), sealer)
    await store.check()
    assert modes(tmp_path) == {"havn.db": 0o600, "havn.db-wal": 0o600, "havn.db-shm": 0o600}
    await store.close()


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def test_answering_does_not_read_whole_conversations(store: SqlStore, sealer: Sealer) -> None:
    """Partial indexes only help where SQLite recognises their condition in the query."""
    statements: list[tuple[str, Any]] = []

    @event.listens_for(store._engine.sync_engine, "before_cursor_execute")
    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.messages.unanswered([anna.id])
        await unit.messages.with_unanswered(NOW, 10)
        await unit.messages.due(Channel.TELEGRAM, NOW, 10)
        await unit.messages.held([anna.id])
        await unit.handovers.open_for([anna.id])
        await unit.conversations.forgetting()

    selects = [s for s in statements if s[0].startswith("SELECT")]
    # PostgreSQL plans without looking at what is bound, and would not recognise it.
    assert not any("held" in parameters for _, parameters in selects)
    plans = [await _plan(store, *s) for s in selects]
    used = [set(re.findall(r"(?:ix|uq)_\w+", plan)) for plan in plans]
    assert used == [
        {"ix_messages_unfinished"},
        {"ix_messages_unfinished"},
        {"ix_messages_unfinished"},
        {"ix_messages_held"},
        {"uq_handovers_one_open"},
        {"ix_conversations_forgetting"},
    ]


async def _plan(store: SqlStore, statement: str, parameters: Any) -> str:
    async with store._engine.connect() as connection:
        explain = f"EXPLAIN QUERY PLAN {statement}"
        return str((await connection.exec_driver_sql(explain, parameters)).all())


@pytest.mark.parametrize("visitors", [1, 3, 40])
async def test_a_batch_takes_few_statements(store: SqlStore, sealer: Sealer, visitors: int) -> None:
    everyone = await begun(store, sealer, *(f"visitor {n}" for n in range(visitors)))
    count = 0

    @event.listens_for(store._engine.sync_engine, "before_cursor_execute")
    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    await _one_turn(store, everyone)

    assert count == 9


async def _one_turn(store: Store, everyone: list[Any]) -> None:
    async with store.begin() as unit:
        await unit.conversations.find([lookup("visitor 0")])
        await unit.messages.accept([arrival(one) for one in everyone])
    async with store.begin() as unit:
        ids = [one.id for one in everyone]
        loaded = await unit.conversations.load(ids, lock=True)
        waiting = await unit.messages.unanswered(ids)
        await unit.handovers.open_for(ids)
        await unit.conversations.save(list(loaded.values()))
        await unit.messages.post([outgoing(one) for one in everyone])
        answered = [message for messages in waiting.values() for message in messages]
        await unit.messages.settle(answered, wipe={answered[0].id})
