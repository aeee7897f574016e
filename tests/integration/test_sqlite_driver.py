"""SQLite on the event loop: what is quick in place, what is slow elsewhere, nothing half done."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import SqlStore, driver
from bot.adapters.storage.engine import LOCK_WAIT_MS
from bot.ports import Sealer
from tests.support.stores import MINUTE, NOW, arrival, begun, opened

# A SELECT that keeps SQLite busy for about a second and a half.
_LONG = text(
    "SELECT count(*) FROM (WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000000) SELECT i FROM n)"
)


@pytest.fixture
def sealer() -> Sealer:
    return EphemeralKeys()


@pytest.fixture
async def store(sqlite: str, sealer: Sealer) -> AsyncIterator[SqlStore]:
    async with opened(sqlite, sealer) as store:
        yield store


@contextmanager
def other_process(sqlite: str) -> Iterator[sqlite3.Connection]:
    path = sqlite.removeprefix("sqlite:///")
    connection = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        yield connection
    finally:
        connection.close()


async def raw(store: SqlStore) -> sqlite3.Connection:
    """Return the store's one connection to the file."""
    async with store._engine.connect() as connection:
        found: Any = (await connection.get_raw_connection()).driver_connection
        assert isinstance(found, sqlite3.Connection)
        return found


@asynccontextmanager
async def threads_of(store: SqlStore) -> AsyncIterator[list[tuple[str, bool]]]:
    """Note each statement's first word, and whether it ran on the event loop."""
    ran: list[tuple[str, bool]] = []
    mine = threading.get_ident()
    connection = await raw(store)

    def note(statement: str) -> None:
        word = statement.split(maxsplit=1)[0]
        if word != "PRAGMA":
            ran.append((word, threading.get_ident() == mine))

    connection.set_trace_callback(note)
    yield ran
    connection.set_trace_callback(None)


async def longest_pause(work: Awaitable[object]) -> float:
    """Return for how long the event loop stood still at most while something was awaited."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await work
    watching.cancel()
    return longest


async def test_only_what_may_wait_leaves_the_event_loop(store: SqlStore, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with threads_of(store) as ran, store.begin() as unit:
        await unit.conversations.load([anna.id])
        await unit.messages.accept([arrival(anna)])
        await unit.conversations.save([anna])
        await unit.messages.forget_receipts(NOW)
    assert ran == [
        ("BEGIN", True),
        ("SELECT", True),
        ("INSERT", True),
        ("INSERT", True),
        ("UPDATE", True),
        ("DELETE", False),
        ("COMMIT", False),
    ]


async def test_reading_needs_no_thread(store: SqlStore, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with threads_of(store) as ran, store.begin() as unit:
        await unit.conversations.load([anna.id])
    assert ran == [("BEGIN", True), ("SELECT", True), ("COMMIT", True)]


async def test_a_large_write_leaves_the_event_loop(store: SqlStore, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    many = [arrival(anna) for _ in range(driver.VALUES_IN_PLACE // 3)]
    async with threads_of(store) as ran, store.begin() as unit:
        assert len(await unit.messages.accept(many)) == len(many)
    assert ("INSERT", False) in ran


async def test_a_long_read_is_finished_without_holding_the_loop_up(store: SqlStore) -> None:
    found: list[int] = []

    async def read() -> None:
        async with store._engine.connect() as connection:
            found.append((await connection.execute(_LONG)).scalar_one())

    began = time.perf_counter()
    pause = await longest_pause(read())
    assert found == [5_000_000]
    assert pause < (time.perf_counter() - began) / 3


async def test_a_locked_database_does_not_hold_the_loop_up(store: SqlStore, sqlite: str) -> None:
    with other_process(sqlite) as other:
        other.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.8, other.execute, "COMMIT")
        assert await longest_pause(store.check()) < 0.3


@asynccontextmanager
async def held_at(store: SqlStore, word: str) -> AsyncIterator[asyncio.Event]:
    """Hold the thread up at a statement; yield an event that tells when it got there."""
    loop, reached, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    connection = await raw(store)

    def hold(statement: str) -> None:
        if statement.startswith(word) and not go_on.is_set():
            loop.call_soon_threadsafe(reached.set)
            loop.call_soon_threadsafe(loop.call_later, 0.2, go_on.set)
            go_on.wait(5)

    connection.set_trace_callback(hold)
    yield reached


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task as an impatient server does, twice."""
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("word", "kept"), [("DELETE", 0), ("COMMIT", 1)])
async def test_who_is_cancelled_leaves_nothing_half_done(
    store: SqlStore, sealer: Sealer, sqlite: str, word: str, kept: int
) -> None:
    """The thread ends what it has begun: a commit counts, a transaction does not without one."""
    (anna,) = await begun(store, sealer, "anna")

    async def write() -> None:
        async with store.begin() as unit:
            await unit.messages.accept([arrival(anna)])
            await unit.messages.forget_receipts(NOW - MINUTE)

    async with held_at(store, word) as reached:
        task = asyncio.create_task(write())
        await reached.wait()
        await cancelled(task)

    with other_process(sqlite) as other:
        assert other.execute("SELECT count(*) FROM messages").fetchone() == (kept,)
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    await store.check()


async def test_who_waits_for_a_lock_can_be_cancelled(store: SqlStore, sqlite: str) -> None:
    with other_process(sqlite) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(store.check())
        await asyncio.sleep(0.05)
        began = time.perf_counter()
        await cancelled(task)
        # Long before the lock would be given up.
        assert time.perf_counter() - began < LOCK_WAIT_MS / 1000 / 2
        other.execute("COMMIT")
    await store.check()
