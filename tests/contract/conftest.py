"""Every store, each in turn: what holds for one must hold for all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import MemoryStore
from bot.ports import Sealer, Store
from tests.support.postgres import Cluster, shared_cluster
from tests.support.stores import TABLES, laid, migrated, opened

STORES = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    cluster = shared_cluster()
    asyncio.run(migrated(cluster.create("contract")))
    return cluster


@pytest.fixture
def sealer() -> Sealer:
    return EphemeralKeys()


@pytest.fixture(params=STORES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a store is, with nothing in it; empty for the one in memory."""
    if request.param == "memory":
        return ""
    if request.param == "sqlite":
        return laid(tmp_path)
    cluster: Cluster = request.getfixturevalue("cluster")
    cluster.run(f"TRUNCATE {TABLES}", database="contract")
    return cluster.url("contract")


@pytest.fixture
async def store(address: str, sealer: Sealer) -> AsyncIterator[Store]:
    if not address:
        yield MemoryStore(sealer)
        return
    async with opened(address, sealer) as store:
        yield store
