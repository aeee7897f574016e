"""Calls that come together are carried out together, and fail together only where they must."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.domain.errors import StoreAwayError, StoreUnavailableError
from bot.services.batch import Batch


async def outcomes(error: Exception) -> tuple[list[object], list[int]]:
    """Have five carried out, the third of which fails; return what came of each, and the sizes."""
    sizes: list[int] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        if 3 in items:
            raise error
        return items

    batch = Batch(work)
    tasks = [asyncio.create_task(batch(item)) for item in range(1, 6)]
    return await asyncio.gather(*tasks, return_exceptions=True), sizes


async def test_one_bad_item_does_not_spoil_the_others() -> None:
    error = StoreUnavailableError("too long")
    assert await outcomes(error) == ([1, 2, error, 4, 5], [5, 1, 1, 1, 1, 1])


async def test_where_the_store_is_away_nobody_waits_for_it_again() -> None:
    """Each alone would wait five seconds for the lock, one after the other."""
    error = StoreAwayError("SQLITE_BUSY")
    assert await outcomes(error) == ([error] * 5, [5])


@pytest.mark.parametrize("kind", [StoreUnavailableError, StoreAwayError])
async def test_what_comes_after_a_failure_is_carried_out(kind: type[Exception]) -> None:
    fails = True

    async def work(items: Sequence[int]) -> Sequence[int]:
        if fails:
            raise kind("away")
        return items

    batch = Batch(work)
    with pytest.raises(kind):
        await batch(1)
    fails = False
    assert await batch(2) == 2
