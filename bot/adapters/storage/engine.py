"""Connections: what SQLite and PostgreSQL are told before the first statement; and migrations."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.adapters.storage.driver import Dialect
from bot.domain.errors import ConfigurationError

MIGRATIONS = Path(__file__).parent / "migrations"
# How long a statement waits for another process before the store counts as unavailable.
LOCK_WAIT_MS = 5000
# Of two processes that start at once one migrates and the other waits. Any constant will do.
_MIGRATION_LOCK = 7_210_431
_OWNER_ONLY = 0o600
# Most hold per connection, not per file, so they are set and read back on each.
PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "secure_delete": 1,
    "temp_store": 2,
    "trusted_schema": 0,
    "busy_timeout": LOCK_WAIT_MS,
}
_POSTGRES = {
    "connect_timeout": 5,
    "options": (
        f"-c lock_timeout={LOCK_WAIT_MS} -c statement_timeout=30000 "
        "-c idle_in_transaction_session_timeout=60000 -c synchronous_commit=on"
    ),
}


def make_engine(url: str, *, foreign_keys: bool = True) -> AsyncEngine:
    """Return an engine for a database address; ConfigurationError when it has not the right form.

    Parameters never enter an exception. SQLite gets one connection, since it has one writer; who
    waits for that waits no longer than for a lock.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError("HAVN_DATABASE_URL is not the address of a database") from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, {**PRAGMAS, "foreign_keys": int(foreign_keys)})
    return create_async_engine(
        parsed.set(drivername="postgresql+psycopg"),
        connect_args=_POSTGRES,
        pool_size=5,
        max_overflow=5,
        pool_pre_ping=True,
        hide_parameters=True,
    )


def migrate(connection: Connection) -> None:
    """Bring the schema of a database to the newest version, within the transaction under way."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _sqlite(url: URL, pragmas: dict[str, Any]) -> AsyncEngine:
    if url.database in (None, "", ":memory:"):
        raise ConfigurationError("HAVN_DATABASE_URL must name a file: sqlite:///folder/havn.db")
    Path(url.database).touch(_OWNER_ONLY)
    engine = create_async_engine(
        url.set(drivername=f"sqlite+{Dialect.driver}"),
        connect_args={"timeout": pragmas["busy_timeout"] / 1000},
        pool_size=1,
        max_overflow=0,
        pool_timeout=pragmas["busy_timeout"] / 1000,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def harden(connection: Any, _record: Any) -> None:
        """Set what SQLite forgets between connections; refuse to run without it."""
        cursor = connection.cursor()
        for name, value in pragmas.items():
            cursor.execute(f"PRAGMA {name} = {value}")
            cursor.execute(f"PRAGMA {name}")
            found = cursor.fetchone()
            if found is None or found[0] != value:
                raise ConfigurationError(f"SQLite does not keep {name} = {value}")
        cursor.close()

    return engine
