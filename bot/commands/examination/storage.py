"""Folders, keys and the database. Nothing is made, migrated or mended here."""

import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.adapters.sealing import is_other_key
from bot.adapters.storage.engine import MIGRATIONS, make_engine
from bot.bootstrap import database_url
from bot.commands.examination.finding import Finding, Mark
from bot.commands.examination.machine import existing
from bot.domain.errors import ConfigurationError
from bot.settings import Settings

AREA = "Storage and keys"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# PostgreSQL settings that matter, and the value each should have.
_POSTGRES = {"fsync": "on", "full_page_writes": "on", "log_statement": "none"}


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at everything that is kept."""
    yield _folder("Data folder", settings.data_dir, "HAVN_DATA_DIR")
    yield _folder("Key folder", settings.keys_folder, "HAVN_KEY_DIR")
    yield _key_place(settings)
    for finding in _key_files(settings.keys_folder):
        yield finding
    async for finding in _database(database_url(settings)):
        yield finding


def _folder(what: str, folder: Path, setting: str) -> Finding:
    if not folder.exists():
        above = existing(folder)
        if os.access(above, os.W_OK | os.X_OK):
            return Finding(AREA, what, Mark.FINE, f"{folder}: made at the first start")
        do = f"set {setting} to a folder that can be written"
        return Finding(AREA, what, Mark.STOP, f"{folder} cannot be made in {above}", do)
    if not os.access(folder, os.W_OK | os.X_OK):
        do = f"give it to this user, or set {setting}"
        return Finding(AREA, what, Mark.STOP, f"{folder} cannot be written", do)
    if folder.stat().st_mode & _OTHERS:
        return Finding(
            AREA, what, Mark.LOOK, f"{folder} is open to other users", f"chmod 700 {folder}"
        )
    return Finding(AREA, what, Mark.FINE, f"{folder}, for this user only")


def _key_place(settings: Settings) -> Finding:
    """Keys beside what they open would go into the same backup."""
    keys, data = settings.keys_folder.resolve(), settings.data_dir.resolve()
    if keys.is_relative_to(data):
        return Finding(
            AREA,
            "Keys apart",
            Mark.LOOK,
            "the keys lie inside the data folder",
            "set HAVN_KEY_DIR to a folder of its own that no backup copies",
        )
    return Finding(AREA, "Keys apart", Mark.FINE, "outside the data folder")


def _key_files(folder: Path) -> Iterator[Finding]:
    database = folder / "keys.db"
    if not database.exists():
        yield Finding(AREA, "Key files", Mark.FINE, "made at the first start")
        return
    try:
        epoch, is_other = _epoch(database)
    except sqlite3.Error as error:
        kind = type(error).__name__
        do = "see docs/operator.md, Keys"
        yield Finding(AREA, "Key files", Mark.STOP, f"keys.db cannot be read ({kind})", do)
        return
    missing = [name for name in ("pepper", f"kek.{epoch}") if not (folder / name).exists()]
    if missing:
        yield Finding(
            AREA,
            "Key files",
            Mark.STOP,
            f"missing: {', '.join(missing)}; stored conversations cannot be opened",
            "see docs/operator.md, Keys: there is no way back, only a new beginning",
        )
        return
    if is_other:
        says = f"kek.{epoch} is not the key that keys.db was written with"
        do = "restore both from the same moment; until then havn serve does not start"
        yield Finding(AREA, "Key files", Mark.STOP, says, do)
        return
    wide = [path.name for path in folder.iterdir() if path.stat().st_mode & _OTHERS]
    if wide:
        do = f"chmod 600 {folder}/*"
        yield Finding(
            AREA, "Key files", Mark.LOOK, f"open to other users: {', '.join(sorted(wide))}", do
        )
    else:
        yield Finding(AREA, "Key files", Mark.FINE, f"complete, epoch {epoch}")


def _epoch(database: Path) -> tuple[int, bool]:
    """Return the epoch in force, and whether the key beside it is another one."""
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=2)
    try:
        (epoch,) = connection.execute("SELECT number FROM epoch").fetchone() or (-1,)
        kek = database.with_name(f"kek.{epoch}")
        return int(epoch), kek.exists() and is_other_key(connection, kek.read_bytes(), epoch)
    finally:
        connection.close()


async def _database(url: str) -> AsyncIterator[Finding]:
    try:
        parsed = make_url(url)
    except SQLAlchemyError:
        do = "sqlite:////absolute/path/havn.db or postgresql://user@host/name"
        yield Finding(AREA, "Database", Mark.STOP, "HAVN_DATABASE_URL cannot be read", do)
        return
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and not _exists(parsed.database):
        yield Finding(AREA, "Database", Mark.FINE, "SQLite: made at the first start")
        return
    name = "SQLite" if sqlite else "PostgreSQL"
    engine = None
    try:
        engine = make_engine(url)
        yield await _schema(name, engine)
        if not sqlite:
            yield await _server(engine)
    except ConfigurationError as error:
        yield Finding(AREA, "Database", Mark.STOP, str(error), "see docs/operator.md, Database")
    except (SQLAlchemyError, OSError) as error:
        # The error's own words may name a host, a user or a statement.
        kind = type(getattr(error, "orig", None) or error).__name__
        do = "check HAVN_DATABASE_URL, the server, and the rights on the file"
        yield Finding(AREA, "Database", Mark.STOP, f"{name} cannot be reached ({kind})", do)
    finally:
        if engine is not None:
            await engine.dispose()


def _exists(database: str | None) -> bool:
    """Tell whether a SQLite file is there; a missing name is left to the engine to refuse."""
    return database is None or Path(database).exists()


async def _schema(name: str, engine: AsyncEngine) -> Finding:
    """Connect as Havn does, which also proves the pragmas; compare the schema's version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    newest = scripts.get_current_head()
    async with engine.connect() as connection:
        found = await connection.run_sync(_revision)
    if found == newest:
        kept = "; WAL, full synchronous, secure delete" if name == "SQLite" else ""
        return Finding(AREA, "Database", Mark.FINE, f"{name}, schema {newest}{kept}")
    if found is None or found in {script.revision for script in scripts.walk_revisions()}:
        says = f"{name}, schema {found or 'empty'}: havn serve brings it to {newest}"
        return Finding(AREA, "Database", Mark.LOOK, says, "take a backup, then start havn serve")
    says = f"{name} was made by a newer version of Havn"
    return Finding(AREA, "Database", Mark.STOP, says, "install that version again")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _server(engine: AsyncEngine) -> Finding:
    query = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
    async with engine.connect() as connection:
        rows = await connection.execute(query, {"names": list(_POSTGRES)})
        found = {row.name: row.setting for row in rows}
    wrong = [name for name, value in _POSTGRES.items() if found.get(name) != value]
    if not wrong:
        return Finding(AREA, "PostgreSQL settings", Mark.FINE, "durable, and statements not logged")
    says = ", ".join(f"{name} = {found.get(name, 'unknown')}" for name in wrong)
    do = ", ".join(f"{name} = {_POSTGRES[name]}" for name in wrong)
    return Finding(AREA, "PostgreSQL settings", Mark.LOOK, says, f"set {do}")
