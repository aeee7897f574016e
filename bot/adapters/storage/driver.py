"""SQLite for asyncio: what is quick runs in place, what may wait for a disk or a lock does not.

A statement of Havn's takes some ten microseconds, a trip to a thread and back ten times that, and
longer when the machine is busy. So a statement that names its rows runs on the event loop itself.
What must not hold the loop up runs elsewhere:

- BEGIN IMMEDIATE never waits inside SQLite: while another process holds the write lock, it is tried
  again between pauses of the event loop, as long and as often as SQLite would.
- COMMIT of what was written (the fsync, and checkpoints with it), DELETE (it cascades), PRAGMA and
  schema changes run in a thread of the connection, and so does a statement with many values.
- A SELECT may look at any number of rows, which cannot be told beforehand: after a few milliseconds
  in place it is broken off and asked again in the thread.

Whoever awaits a thread awaits its end even when cancelled: only then is the connection free.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from typing import Any, TypeVar

from sqlalchemy import AsyncAdaptedQueuePool, Pool
from sqlalchemy.connectors.asyncio import (
    AsyncAdapt_dbapi_connection,
    AsyncAdapt_dbapi_cursor,
    AsyncAdapt_dbapi_module,
)
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util.concurrency import await_, in_greenlet

Result = TypeVar("Result")
Rows = Sequence[Any]
Work = Callable[[sqlite3.Cursor], Rows]

# What a SELECT may do in place, in steps of SQLite's machine: about a millisecond from memory.
STEPS_IN_PLACE = 50_000
# What an INSERT or UPDATE may carry in place: several full batches.
VALUES_IN_PLACE = 2_000
# SQLite's own pauses between two attempts at a lock, in milliseconds.
_PAUSES_MS = (1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50)
_LONGEST_PAUSE_MS = 100
# An extended error code names its family in the lower byte.
_FAMILY = 0xFF


class Connection(AsyncAdapt_dbapi_connection):
    """A connection to one file. It is used by one task at a time, which the pool sees to."""

    __slots__ = ("_bounded", "_lock_wait", "_thread", "_wrote")

    _connection: Any  # the sqlite3.Connection; the base class expects one whose methods are awaited

    def __init__(
        self, dbapi: Any, connection: Any, thread: ThreadPoolExecutor, lock_wait: float
    ) -> None:
        super().__init__(dbapi, connection)
        self._thread = thread
        self._lock_wait = lock_wait
        self._wrote = False
        self._bounded = False
        connection.set_progress_handler(lambda: self._bounded, STEPS_IN_PLACE)

    def cursor(self, server_side: bool = False) -> "Cursor":  # noqa: ARG002 -- the base class asks
        """Return a cursor; results are always fetched whole."""
        return Cursor(self)

    def begin(self) -> None:
        """Take the write lock at once: a read that becomes a write would fail without waiting."""
        await_(self._begin())

    def commit(self) -> None:
        """End the transaction, durably if anything was written."""
        wrote, self._wrote = self._wrote, False
        if wrote:
            await_(self.in_thread(self._connection.commit))
        else:
            self._connection.commit()

    def rollback(self) -> None:
        """Undo the transaction: a matter of memory, for nothing of it was synced."""
        self._wrote = False
        self._connection.rollback()

    def close(self) -> None:
        """Close; whoever closes a file last also empties its journal."""
        if in_greenlet():
            await_(self.in_thread(self._connection.close))
        else:
            self._connection.close()
        self._thread.shutdown(wait=False)

    async def carry_out(
        self, cursor: sqlite3.Cursor, statement: str, values: int, work: Work
    ) -> Rows:
        """Run a statement of so many values where it belongs and return its rows."""
        kind = statement[:6].upper()
        if kind == "SELECT":
            with suppress(_TooLongError), self._bound():
                return work(cursor)
        else:
            self._wrote = True
            if kind in {"INSERT", "UPDATE"} and values <= VALUES_IN_PLACE:
                return work(cursor)
        return await self.in_thread(lambda: work(cursor))

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """Run something in the thread of the connection, to its end even when cancelled."""
        done = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            while not done.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([done])
            raise

    async def aside(self, statement: str) -> Rows:
        """Run a statement outside any transaction and return its rows."""
        return await self.in_thread(lambda: self._connection.execute(statement).fetchall())

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._lock_wait
        for pause in chain(_PAUSES_MS, repeat(_LONGEST_PAUSE_MS)):
            try:
                with self._without_waiting():
                    self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & _FAMILY == sqlite3.SQLITE_BUSY
                if not busy or loop.time() >= deadline:
                    raise
            else:
                return
            await asyncio.sleep(pause / 1000)

    @contextmanager
    def _without_waiting(self) -> Iterator[None]:
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {round(self._lock_wait * 1000)}")

    @contextmanager
    def _bound(self) -> Iterator[None]:
        """Break off what takes too many steps; only for reading, for a write would be undone."""
        self._bounded = True
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise _TooLongError from None
            raise
        finally:
            self._bounded = False


class Cursor(AsyncAdapt_dbapi_cursor):
    """Runs one statement and holds its rows."""

    __slots__ = ()

    _awaitable_cursor_close = False
    _adapt_connection: Connection
    _cursor: Any  # the sqlite3.Cursor, see Connection

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        parameters = parameters or ()

        def work(cursor: sqlite3.Cursor) -> Rows:
            return cursor.execute(operation, parameters).fetchall()

        await self._carry_out(operation, len(parameters), work)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        def work(cursor: sqlite3.Cursor) -> Rows:
            return cursor.executemany(operation, seq_of_parameters).fetchall()

        values = len(seq_of_parameters) * len(seq_of_parameters[0])
        await self._carry_out(operation, values, work)

    async def _carry_out(self, operation: str, values: int, work: Work) -> None:
        rows = await self._adapt_connection.carry_out(self._cursor, operation, values, work)
        self._rows = deque(rows)


class Module(AsyncAdapt_dbapi_module):
    """The sqlite3 module, with connections that asyncio can use."""

    def __init__(self) -> None:
        super().__init__(sqlite3)

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, database: str, *, timeout: float) -> Connection:
        """Open a file; ``timeout`` is how many seconds a lock is waited for."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        connection = sqlite3.connect(
            database, timeout=timeout, isolation_level=None, check_same_thread=False
        )
        return Connection(self, connection, thread, timeout)


class Dialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's SQLite over this driver: ``sqlite+havn:///folder/file``."""

    driver = "havn"
    is_async = True
    has_terminate = True
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the driver."""
        return Module()

    @classmethod
    def get_pool_class(cls, url: Any) -> type[Pool]:  # noqa: ARG003 -- the base class asks
        """Return the pool that waits without a thread."""
        return AsyncAdaptedQueuePool

    def create_connect_args(self, url: Any) -> Any:
        """Return what is passed to connect(); the rest is given with the engine."""
        return [url.database], {}

    def on_connect(self) -> Any:
        """Return nothing to do: no statement uses the functions SQLAlchemy would add."""
        return None

    def get_driver_connection(self, connection: Any) -> Any:
        """Return the sqlite3 connection below ours."""
        return connection.driver_connection

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin a transaction."""
        dbapi_connection.begin()

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Close a connection whose task was cancelled."""
        dbapi_connection.close()


class _TooLongError(Exception):
    """A SELECT has used up its steps."""


registry.register("sqlite.havn", __name__, "Dialect")
