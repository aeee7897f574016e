"""What every store promises about its transactions."""

import asyncio
from dataclasses import replace

import pytest

from bot.ports import Sealer, Store, Timer, UnitOfWork
from tests.support.stores import (
    MINUTE,
    NOW,
    arrival,
    begun,
    conversation,
    handover,
    lookup,
    outgoing,
)


class StoppedError(Exception):
    """Raised in the middle of a transaction."""


async def fingerprint(store: Store, sealer: Sealer) -> object:
    """Return all that can be seen of a store that knows anna, ben and perhaps cleo."""
    async with store.begin() as unit:
        known = await unit.conversations.find([lookup(n) for n in ("anna", "ben", "cleo")])
        ids = sorted(known.values())
        return (
            known,
            await unit.conversations.load(ids),
            await unit.conversations.forgetting(),
            await unit.conversations.count(),
            await unit.messages.unanswered(ids),
            [await unit.messages.replies_after(id_, 0) for id_ in ids],  # type: ignore[arg-type]
            await unit.handovers.open_for(ids),
            await unit.timers.due(NOW + 100 * MINUTE, 10),
            await unit.marks.get("offset"),
        )


@pytest.mark.parametrize("how", ["error", "cancel"])
async def test_a_transaction_that_fails_leaves_no_trace(
    store: Store, sealer: Sealer, how: str
) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    cleo = conversation("cleo")
    await sealer.create_keys([cleo.id])
    asked, posted, late = arrival(anna), outgoing(anna), arrival(ben, external_id="late")
    async with store.begin() as unit:
        await unit.messages.accept([asked])
        await unit.messages.post([posted])
        await unit.handovers.save(handover(anna))
        await unit.timers.set(Timer(anna.id, "a", NOW))
        await unit.marks.set("offset", 1)
    before = await fingerprint(store, sealer)

    async def change_everything(unit: UnitOfWork) -> None:
        await unit.conversations.add({lookup("cleo"): cleo})
        await unit.conversations.save([anna])
        await unit.messages.accept([late])
        await unit.messages.settle([asked], wipe={asked.id})
        await unit.messages.post([outgoing(ben)])
        await unit.messages.mark([replace(posted, attempts=9)])
        await unit.handovers.save(handover(ben))
        await unit.timers.cancel(anna.id, "a")
        await unit.timers.set(Timer(ben.id, "b", NOW))
        await unit.marks.set("offset", 2)
        await unit.conversations.begin_forgetting([ben.id], NOW)
        await unit.conversations.erase([anna.id])

    async def fail() -> None:
        async with store.begin() as unit:
            await change_everything(unit)
            if how == "error":
                raise StoppedError
            started.set()
            await asyncio.sleep(60)

    started = asyncio.Event()
    task = asyncio.create_task(fail())
    if how == "error":
        with pytest.raises(StoppedError):
            await task
    else:
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert await fingerprint(store, sealer) == before
    async with store.begin() as unit:
        assert await unit.messages.accept([late]) == {late.id}
        await change_everything(unit)
    assert await fingerprint(store, sealer) != before


async def test_transactions_at_once_lose_nothing(store: Store, sealer: Sealer) -> None:
    conversations = await begun(store, sealer, *(f"visitor {n}" for n in range(24)))

    async def write(number: int) -> None:
        async with store.begin() as unit:
            await unit.messages.accept([arrival(conversations[number])])
            await unit.messages.post([outgoing(conversations[number])])

    await asyncio.gather(*(write(number) for number in range(24)))

    async with store.begin() as unit:
        found = await unit.messages.unanswered([c.id for c in conversations])
    assert {key: len(waiting) for key, waiting in found.items()} == {c.id: 1 for c in conversations}


async def test_a_healthy_store_says_nothing(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    for _ in range(2):
        await store.check()
        await store.scrub()
    async with store.begin() as unit:
        assert await unit.conversations.load([anna.id]) == {anna.id: anna}
