"""The store over SQL: one transaction at a time on SQLite, pooled connections on PostgreSQL."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.adapters.sealing import Stamp
from bot.adapters.storage.audit import SqlAudit
from bot.adapters.storage.content import SqlContents
from bot.adapters.storage.conversations import SqlConversations
from bot.adapters.storage.engine import make_engine, migrate
from bot.adapters.storage.handovers import SqlHandovers
from bot.adapters.storage.messages import SqlMessages
from bot.adapters.storage.notes import SqlNotes
from bot.adapters.storage.return_codes import SqlReturnCodes
from bot.adapters.storage.shifts import SqlFigures, SqlShifts
from bot.adapters.storage.staff import SqlSessions, SqlStaff
from bot.adapters.storage.subscriptions import SqlSubscriptions
from bot.adapters.storage.timers import SqlMarks, SqlTimers
from bot.content_ports import Contents, Stamps
from bot.domain.errors import ConfigurationError, StoreAwayError, StoreUnavailableError
from bot.ports import (
    Conversations,
    Figures,
    Handovers,
    Marks,
    Messages,
    Notes,
    ReturnCodes,
    Sealer,
    Shifts,
    Timers,
    UnitOfWork,
)
from bot.staff_ports import AuditTrail, Sessions, StaffAccounts, Subscriptions

_CHECK = "check"
_SCRUB_TRIES = 4


@dataclass(slots=True)
class Unit:
    """One transaction and its repositories."""

    conversations: Conversations
    messages: Messages
    handovers: Handovers
    notes: Notes
    shifts: Shifts
    figures: Figures
    timers: Timers
    return_codes: ReturnCodes
    marks: Marks
    staff: StaffAccounts
    sessions: Sessions
    subscriptions: Subscriptions
    audit: AuditTrail
    contents: Contents


class SqlStore:
    """The Store over a SQL database."""

    def __init__(self, engine: AsyncEngine, sealer: Sealer, stamps: Stamps | None = None) -> None:
        self._engine = engine
        self._sealer = sealer
        self._stamps = stamps or Stamp.fresh()

    @classmethod
    async def open(cls, url: str, sealer: Sealer, stamps: Stamps | None = None) -> Self:
        """Connect and bring the schema up to date; ConfigurationError when the database refuses.

        Without ``stamps`` the changes of texts and facts that others wrote count as damaged.
        """
        try:
            await _migrate(url)
        except (SQLAlchemyError, OSError) as error:
            raise ConfigurationError(
                f"the database cannot be opened ({_kind(error)}): check HAVN_DATABASE_URL, "
                "the rights on the data folder and the free space of the disk"
            ) from None
        except CommandError:
            raise ConfigurationError(
                "the database was made by a newer version of Havn: install that one again"
            ) from None
        return cls(make_engine(url), sealer, stamps)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Open a transaction, committed durably at the end of the block."""
        begun = False
        try:
            async with self._engine.begin() as connection:
                begun = True
                audit, figures = SqlAudit(connection, self._sealer), SqlFigures(connection)
                yield Unit(
                    SqlConversations(connection, self._sealer),
                    SqlMessages(connection, self._sealer),
                    SqlHandovers(connection, self._sealer),
                    SqlNotes(connection, self._sealer),
                    SqlShifts(connection),
                    figures,
                    SqlTimers(connection),
                    SqlReturnCodes(connection),
                    SqlMarks(connection),
                    SqlStaff(connection, self._sealer),
                    SqlSessions(connection),
                    SqlSubscriptions(connection, self._sealer),
                    audit,
                    SqlContents(connection, self._stamps),
                )
                await figures.write()
            await audit.settle()
        except SQLAlchemyError as error:
            # The statement and its parameters stay behind: only the kind of failure may travel.
            away = StoreUnavailableError if begun else StoreAwayError
            raise away(_kind(error)) from None

    async def scrub(self) -> None:
        """Empty SQLite's journal; erased pages were overwritten when they became free.

        PostgreSQL keeps old rows for a while, but nothing readable ever reached it.
        """
        if self._engine.dialect.name != "sqlite":
            return
        for _ in range(_SCRUB_TRIES):
            if await self._emptied_journal():
                return
            await asyncio.sleep(0.1)
        raise StoreUnavailableError("another process is reading the journal")

    async def check(self) -> None:
        """Write a row and commit it: a full disk only shows at the commit."""
        async with self.begin() as unit:
            await unit.marks.set(_CHECK, ((await unit.marks.get(_CHECK) or 0) + 1) % 1_000_000)

    async def _emptied_journal(self) -> bool:
        """Move the journal into the database; False while a reader of another process holds it."""
        try:
            async with self._engine.connect() as connection:
                raw = (await connection.get_raw_connection()).dbapi_connection
                ((busy, _, _),) = await raw.aside("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreUnavailableError(_kind(error)) from None
        return not busy


async def _migrate(url: str) -> None:
    """Migrate on a connection of its own.

    On SQLite it does without foreign keys: a table that is rebuilt is dropped for a moment, and
    that would delete every row that points to it.
    """
    engine = make_engine(url, foreign_keys=False)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


def _kind(error: Exception) -> str:
    """Name a failure without a word of what was written: the class and the database's own code."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    return f"{type(cause).__name__} {code}".strip()
