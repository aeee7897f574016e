"""Many who ask at once share a look; nobody gets one that is older than their question."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.services.shared_look import SharedLook


class Store:
    """Something that takes a while to look at; a look finds what stands when it begins."""

    def __init__(self) -> None:
        self.stands = 0
        self.looks = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.broken = False

    async def look(self) -> int:
        self.looks += 1
        found = self.stands
        await self.goes_on.wait()
        if self.broken:
            raise StoreUnavailableError("scripted")
        return found


@pytest.fixture
def store() -> Store:
    return Store()


async def asked(shared: SharedLook[int], times: int) -> Sequence[asyncio.Task[int]]:
    tasks = [asyncio.create_task(shared.now()) for _ in range(times)]
    await asyncio.sleep(0)
    return tasks


async def test_all_who_ask_while_one_looks_share_the_next_look(store: Store) -> None:
    shared = SharedLook(store.look)
    store.goes_on.clear()
    first = await asked(shared, 1)
    store.stands = 1
    others = await asked(shared, 20)
    store.goes_on.set()
    assert await asyncio.gather(*first) == [0]
    # They asked after the change: the look under way began before it and is not for them.
    assert await asyncio.gather(*others) == [1] * 20
    assert store.looks == 2


async def test_whoever_asks_later_is_looked_for_anew(store: Store) -> None:
    shared = SharedLook(store.look)
    assert await shared.now() == 0
    store.stands = 1
    assert await shared.now() == 1


async def test_when_a_look_fails_the_next_one_looks(store: Store) -> None:
    shared = SharedLook(store.look)
    store.goes_on.clear()
    tasks = [*await asked(shared, 1), *await asked(shared, 2)]
    store.broken = True
    store.goes_on.set()
    with pytest.raises(StoreUnavailableError):
        await tasks[0]
    with pytest.raises(StoreUnavailableError):
        await tasks[1]
    store.broken = False
    assert await shared.now() == 0


async def test_when_the_one_who_looks_leaves_another_looks(store: Store) -> None:
    shared = SharedLook(store.look)
    store.goes_on.clear()
    (leaving,) = await asked(shared, 1)
    staying = await asked(shared, 3)
    leaving.cancel()
    store.goes_on.set()
    assert await asyncio.gather(*staying) == [0] * 3


async def test_nothing_is_kept_when_nobody_waits(store: Store) -> None:
    shared = SharedLook(store.look)
    await asyncio.gather(*(shared.now() for _ in range(5)))
    assert shared._found is None
