"""Migrations end at the tables, run once, and lose nothing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic import command as alembic_command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, inspect, text
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.schema import CreateTable

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import SqlStore
from bot.adapters.storage.engine import MIGRATIONS, make_engine, migrate
from bot.adapters.storage.tables import metadata
from bot.domain.errors import ConfigurationError
from tests.support.postgres import Cluster
from tests.support.stores import NOW, begun, lookup, outgoing, sqlite_url

ROOT = Path(__file__).parents[2]
Result = TypeVar("Result")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a database without a single table."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.create("empty")


async def within(
    url: str, work: Callable[[Connection], Result], *, foreign_keys: bool = False
) -> Result:
    engine = make_engine(url, foreign_keys=foreign_keys)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


async def test_migrations_end_at_the_tables(empty: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        migrate(connection)
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, metadata))

    assert await within(empty, differences) == []


async def test_migrations_use_the_same_words_on_sqlite(tmp_path: Path) -> None:
    """Row numbers and partial indexes are not compared by Alembic."""

    def words(connection: Connection) -> dict[str, str]:
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql <> ''"))
        return {row.name: " ".join(row.sql.split()) for row in found}

    def migrated(connection: Connection) -> dict[str, str]:
        migrate(connection)
        return words(connection)

    def created(connection: Connection) -> dict[str, str]:
        metadata.create_all(connection)
        return words(connection)

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = await within(sqlite_url(tmp_path / "a"), migrated)
    two = await within(sqlite_url(tmp_path / "b"), created)

    assert one.pop("alembic_version")
    indexes = {name for name in two if name.startswith(("ix", "uq"))}
    assert {n: one[n] for n in indexes} == {n: two[n] for n in indexes}
    assert one.keys() == two.keys()
    for name in one.keys() - indexes:
        for mark in ("WITHOUT ROWID", "AUTOINCREMENT", "id INTEGER NOT NULL"):
            assert (mark in one[name]) == (mark in two[name]), (name, mark)
    ddl = str(CreateTable(metadata.tables["messages"]).compile(dialect=sqlite_dialect.dialect()))
    assert "id INTEGER NOT NULL" in ddl


async def test_opening_again_changes_nothing(empty: str) -> None:
    for _ in range(2):
        store = await SqlStore.open(empty, EphemeralKeys())
        async with store.begin() as unit:
            count = (await unit.marks.get("opened") or 0) + 1
            await unit.marks.set("opened", count)
        await store.close()
    assert count == 2


OPEN = """
import asyncio, sys
from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import SqlStore
async def work():
    store = await SqlStore.open(sys.argv[1], EphemeralKeys())
    await store.check()
    await store.close()
asyncio.run(work())
"""


def test_several_processes_may_open_a_new_database_at_once(empty: str) -> None:
    command = [sys.executable, "-c", OPEN, empty]
    started = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    complaints = [process.communicate(timeout=60)[1] for process in started]
    assert complaints == [""] * 3
    assert [process.returncode for process in started] == [0] * 3


async def test_downgrading_leaves_no_table(empty: str) -> None:
    def down(connection: Connection) -> list[str]:
        migrate(connection)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        alembic_command.downgrade(config, "base")
        return inspect(connection).get_table_names()

    assert await within(empty, down) == ["alembic_version"]


async def test_a_newer_database_is_left_alone(empty: str) -> None:
    def from_the_future(connection: Connection) -> None:
        migrate(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await within(empty, from_the_future)
    with pytest.raises(ConfigurationError, match="newer version"):
        await SqlStore.open(empty, EphemeralKeys())


@pytest.mark.parametrize(("foreign_keys", "left"), [(False, 1), (True, 0)])
async def test_rebuilding_a_table_keeps_what_points_to_it(
    tmp_path: Path, *, foreign_keys: bool, left: int
) -> None:
    """With foreign keys on, a rebuilt table takes its messages along: that is the danger."""
    url, keys = sqlite_url(tmp_path), EphemeralKeys()
    store = await SqlStore.open(url, keys)
    (anna,) = await begun(store, keys, "anna")
    async with store.begin() as unit:
        await unit.messages.post([outgoing(anna)])
    await store.close()

    def rebuild(connection: Connection) -> int:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("conversations", recreate="always"):
            pass
        return int(connection.execute(text("SELECT count(*) FROM messages")).scalar_one())

    assert await within(url, rebuild, foreign_keys=foreign_keys) == left


async def test_migrations_run_without_foreign_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def spy(connection: Connection) -> None:
        seen.append(connection.execute(text("PRAGMA foreign_keys")).scalar_one())
        migrate(connection)

    monkeypatch.setattr("bot.adapters.storage.unit_of_work.migrate", spy)
    keys = EphemeralKeys()
    store = await SqlStore.open(sqlite_url(tmp_path), keys)
    (anna,) = await begun(store, keys, "anna")
    async with store.begin() as unit:
        await unit.messages.post([outgoing(anna)])
        await unit.conversations.erase([anna.id])
        assert await unit.messages.references(anna.id, NOW) == []
        assert await unit.conversations.find([lookup("anna")]) == {}
    await store.close()
    assert seen == [0]


@pytest.mark.parametrize(
    "url",
    ["not an address", "sqlite://", "sqlite:///:memory:", "sqlite:////nowhere/at/all/havn.db"],
)
async def test_an_address_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(ConfigurationError, match="HAVN_DATABASE_URL"):
        await SqlStore.open(url, EphemeralKeys())


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    url = "postgresql://anna:SECRET@/havn?host=/nowhere"
    with pytest.raises(ConfigurationError, match="HAVN_DATABASE_URL") as caught:
        await SqlStore.open(url, EphemeralKeys())
    assert "SECRET" not in str(caught.value)
