"""SQLite files, a real PostgreSQL and a real key folder."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.adapters.sealing import KeyRing
from bot.adapters.storage import SqlStore
from tests.support.postgres import Cluster, shared_cluster
from tests.support.stores import TABLES, laid, migrated, opened

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    cluster = shared_cluster()
    asyncio.run(migrated(cluster.create("integration")))
    return cluster


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """Return the address of an empty SQLite database."""
    return laid(tmp_path)


@pytest.fixture
def postgres(cluster: Cluster) -> str:
    """Return the address of an empty PostgreSQL database."""
    cluster.run(f"TRUNCATE {TABLES}", database="integration")
    return cluster.url("integration")


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """Return the address of an empty database, of each kind in turn."""
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[KeyRing]:
    ring = KeyRing.open(tmp_path / "keys")
    yield ring
    ring.close()


@pytest.fixture
async def stores(database: str, ring: KeyRing) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    """Open one database twice, as two processes do."""
    async with opened(database, ring) as one, opened(database, ring) as two:
        yield one, two
