"""The claim race runs on the real stores, and notices a store that gives a talk to two."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import MemoryStore
from bot.commands.bench import claim
from bot.commands.bench.claim import Tally
from bot.domain.errors import ChangedError, ConfigurationError, StoreUnavailableError
from bot.domain.handover import Handover
from bot.settings import Settings
from tests.support.stores import begun, opened

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cores() -> Iterator[None]:
    """Give back the cores a benchmark leaves to itself."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    yield
    if before is not None:
        os.sched_setaffinity(0, before)


def settings(folder: Path, database_url: str = "") -> Settings:
    return Settings(data_dir=folder, root=ROOT, database_url=database_url)


async def raced(
    folder: Path, capsys: pytest.CaptureFixture[str], database_url: str = ""
) -> dict[str, Any]:
    """Run 3 races of 5; return the values by name."""
    await claim.run(settings(folder, database_url), races=3, claimants=5, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["held"] is True
    return {figure["name"]: figure["value"] for figure in printed["figures"]}


def counted(values: dict[str, Any], name: str) -> list[float]:
    kinds = ("races", "exactly_one_winner", "told_it_has_changed", "unavailable")
    return [values[f"{name}_{kind}"] for kind in kinds]


async def test_a_race_on_sqlite_has_one_winner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = await raced(tmp_path, capsys)
    assert counted(values, "sqlite") == [3, 3, 12, 0]
    assert 0 < values["sqlite_claim_p50"] <= values["sqlite_claim_p95"]
    assert not [name for name in values if name.startswith("postgres")]


@pytest.mark.postgres
async def test_a_race_on_postgres_has_one_winner_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], postgres: str
) -> None:
    values = await raced(tmp_path, capsys, postgres)
    assert counted(values, "sqlite") == counted(values, "postgres") == [3, 3, 12, 0]
    # Nothing stays, so it can be run again.
    assert counted(await raced(tmp_path, capsys, postgres), "postgres") == [3, 3, 12, 0]


@pytest.mark.postgres
async def test_a_database_in_use_is_left_alone(tmp_path: Path, postgres: str) -> None:
    sealer = EphemeralKeys()
    async with opened(postgres, sealer) as store:
        (anna,) = await begun(store, sealer, "anna")
        with pytest.raises(ConfigurationError, match="empty database"):
            await claim.run(settings(tmp_path, postgres), races=1, claimants=1, as_json=True)
        async with store.begin() as unit:
            assert list(await unit.conversations.load([anna.id])) == [anna.id]


class Careless:
    """A store in memory that does something else with a claim."""

    def __init__(self, claimed: Any) -> None:
        self._store = MemoryStore(EphemeralKeys())
        self._claimed = claimed

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._store.begin() as unit:
            save = unit.handovers.save

            async def careless(handover: Handover) -> Handover:
                if handover.owner and not handover.close:
                    return await self._claimed(save, handover)
                return await save(handover)

            unit.handovers.save = careless  # type: ignore[method-assign]
            yield unit


async def run_careless(claimed: Any) -> Tally:
    store = Careless(claimed)
    await claim._begin(store, EphemeralKeys())
    return await claim.run_races([store], 2, 4, lambda: None)


async def test_a_store_that_gives_it_to_all_is_noticed() -> None:
    async def everybody_wins(save: Any, handover: Handover) -> Handover:
        try:
            return await save(handover)
        except ChangedError:
            return handover

    tally = await run_careless(everybody_wins)
    assert (tally.races, tally.exactly_one, tally.told) == (2, 0, 0)
    assert not all(figure.held for figure in claim.figures("memory", tally, 4))


async def test_a_store_that_gives_it_to_nobody_is_noticed() -> None:
    async def nobody_wins(_save: Any, _handover: Handover) -> Handover:
        raise StoreUnavailableError("scripted")

    tally = await run_careless(nobody_wins)
    assert (tally.races, tally.exactly_one, tally.unavailable) == (2, 0, 8)
    assert not all(figure.held for figure in claim.figures("memory", tally, 4))


async def test_a_store_that_says_won_and_keeps_nothing_is_noticed() -> None:
    async def one_is_lied_to(_save: Any, handover: Handover) -> Handover:
        if handover.owner != "claimant-0":
            raise ChangedError("scripted")
        return handover

    tally = await run_careless(one_is_lied_to)
    assert (tally.races, tally.exactly_one, tally.told) == (2, 0, 6)
