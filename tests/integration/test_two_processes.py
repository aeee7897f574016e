"""Two processes on one database: each message is answered and each reply is sent once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.adapters.sealing import KeyRing
from bot.adapters.storage import SqlStore
from bot.domain import handover as handovers
from bot.domain.conversation import Consent, Conversation
from bot.domain.errors import ChangedError, StoreUnavailableError
from bot.domain.handover import State
from bot.domain.messages import Channel, MessageId
from bot.domain.staff import StaffId
from bot.ports import Delivery, Store
from bot.services.erase import Eraser
from bot.services.hotline import Hotline
from bot.services.ids import MessageIds
from bot.services.news import quietly
from tests.support.fakes import FakeClock
from tests.support.stores import MINUTE, NOW, arrival, begun, handover, outgoing

Stores = tuple[SqlStore, SqlStore]


async def answer(store: Store, everyone: list[Conversation]) -> list[MessageId]:
    """Answer what waits, as the use case does; return the arrivals that were answered."""
    async with store.begin() as unit:
        loaded = await unit.conversations.load([one.id for one in everyone], lock=True)
        waiting = await unit.messages.unanswered(list(loaded))
        await unit.conversations.save([loaded[id_] for id_ in waiting])
        answered = [a for arrivals in waiting.values() for a in arrivals]
        await unit.messages.settle(answered, wipe=())
        return [a.id for a in answered]


async def test_no_message_is_answered_twice(stores: Stores, ring: KeyRing) -> None:
    everyone = await begun(stores[0], ring, *(f"visitor {n}" for n in range(20)))
    sent = [arrival(one) for one in everyone for _ in range(3)]
    async with stores[0].begin() as unit:
        await unit.messages.accept(sent)

    rounds = [answer(store, everyone) for _ in range(6) for store in stores]
    answered = [id_ for found in await asyncio.gather(*rounds) for id_ in found]

    assert sorted(answered) == sorted(a.id for a in sent)


async def test_no_message_is_stored_twice(stores: Stores, ring: KeyRing) -> None:
    (anna,) = await begun(stores[0], ring, "anna")

    async def accept(store: Store, number: int) -> int:
        repeats = [arrival(anna, external_id=f"{n}") for n in range(number, number + 40)]
        async with store.begin() as unit:
            return len(await unit.messages.accept(repeats[:: 1 if number % 2 else -1]))

    stored = await asyncio.gather(*(accept(s, n) for n in range(5) for s in stores))

    assert sum(stored) == 44
    async with stores[0].begin() as unit:
        assert len((await unit.messages.unanswered([anna.id]))[anna.id]) == 44


async def test_no_reply_is_taken_twice(stores: Stores, ring: KeyRing) -> None:
    everyone = await begun(stores[0], ring, *(f"visitor {n}" for n in range(20)))
    posted = [outgoing(one) for one in everyone for _ in range(2)]
    async with stores[0].begin() as unit:
        await unit.messages.post(posted)

    async def take(store: Store) -> list[MessageId]:
        async with store.begin() as unit:
            due = await unit.messages.due(Channel.TELEGRAM, NOW, 7)
            lease = NOW + timedelta(minutes=1)
            await unit.messages.mark(
                [replace(one, state=Delivery.SENDING, due_at=lease) for one in due]
            )
            return [one.id for one in due]

    taken = [
        id_
        for ids in await asyncio.gather(*(take(s) for _ in range(6) for s in stores))
        for id_ in ids
    ]

    assert len(taken) == len(set(taken))
    assert set(taken) <= {one.id for one in posted[::2]}
    while more := await take(stores[0]):
        taken += more
    assert sorted(taken) == sorted(one.id for one in posted[::2])


async def test_exactly_one_wins_a_handover(stores: Stores, ring: KeyRing) -> None:
    (anna,) = await begun(stores[0], ring, "anna")
    async with stores[0].begin() as unit:
        waiting = await unit.handovers.save(handover(anna))

    async def claim(store: Store) -> bool:
        try:
            async with store.begin() as unit:
                await unit.handovers.save(replace(waiting, state=State.ACTIVE))
        except StoreUnavailableError:
            return False
        return True

    won = await asyncio.gather(*(claim(store) for _ in range(5) for store in stores))
    assert sorted(won) == [False] * 9 + [True]


@pytest.mark.parametrize("state", ["waiting", "kept", "lost"])
async def test_of_two_counsellors_at_once_one_gets_it(
    stores: Stores, ring: KeyRing, state: str
) -> None:
    """Both see it free before either takes it: the loser is told that it has changed."""
    (anna,) = await begun(stores[0], ring, "anna")
    row = handover(anna, consent=Consent.ALL)
    if state == "kept":
        row = replace(row, state=State.LEFT_MESSAGE)
    if state == "lost":
        row = handovers.claimed(row, StaffId("lost"), NOW - timedelta(hours=1))
    async with stores[0].begin() as unit:
        saved = await unit.handovers.save(row)
    assert saved.id is not None
    names = [StaffId(f"counsellor {n}") for n in range(10)]
    seen = []
    for store in stores:
        async with store.begin() as unit:
            seen.append(await unit.handovers.get(saved.id))
    assert seen == [saved, saved]

    async def claim(number: int) -> bool:
        mine = handovers.claimed(saved, names[number], NOW)
        try:
            async with stores[number % 2].begin() as unit:
                await unit.handovers.save(mine)
        except ChangedError:
            return False
        return True

    won = await asyncio.gather(*(claim(number) for number in range(len(names))))

    assert sorted(won) == [False] * 9 + [True]
    async with stores[0].begin() as unit:
        taken = await unit.handovers.get(saved.id)
    assert taken == replace(
        handovers.claimed(saved, names[won.index(True)], NOW), version=saved.version + 1
    )


async def test_a_heartbeat_never_takes_back_what_changed_hands(
    stores: Stores, ring: KeyRing
) -> None:
    (anna,) = await begun(stores[0], ring, "anna")
    kim, lee = StaffId("kim"), StaffId("lee")
    row = handovers.claimed(handover(anna, consent=Consent.ALL), kim, NOW)
    async with stores[0].begin() as unit:
        mine = await unit.handovers.save(row)
    later = NOW + timedelta(hours=1)
    async with stores[1].begin() as unit:
        hers = await unit.handovers.save(handovers.claimed(mine, lee, later))

    async with stores[0].begin() as unit:
        await unit.handovers.renew(replace(mine, lease_until=later + timedelta(hours=1)))
    async with stores[0].begin() as unit:
        assert await unit.handovers.open_for([anna.id]) == {anna.id: hers}


async def test_no_line_that_was_held_back_is_taken_twice(stores: Stores, ring: KeyRing) -> None:
    (anna,) = await begun(stores[0], ring, "anna")
    held = [outgoing(anna, state=Delivery.HELD, human=True) for _ in range(3)]
    async with stores[0].begin() as unit:
        await unit.messages.post(held)

    async def look(store: Store) -> list[MessageId]:
        async with store.begin() as unit:
            return [one.id for one in await unit.messages.release(anna.id)]

    async with stores[0].begin() as unit:
        taken = await unit.messages.release(anna.id)
        meanwhile = asyncio.create_task(look(stores[1]))
        await asyncio.sleep(0.3)

    assert taken == held
    assert await meanwhile == []


async def test_a_double_click_on_two_processes_is_seen_once(stores: Stores) -> None:
    async def click(store: Store) -> bool:
        async with store.begin() as unit:
            return await unit.messages.once("click", NOW)

    seen = await asyncio.gather(*(click(store) for _ in range(4) for store in stores))
    assert sorted(seen) == [False] * 7 + [True]


async def test_counters_lose_nothing(stores: Stores) -> None:
    async def count(store: Store) -> None:
        async with store.begin() as unit:
            await unit.figures.count("2026-W47", {"level": "red", "locale": "ro"})

    await asyncio.gather(*(count(store) for _ in range(6) for store in stores))
    async with stores[0].begin() as unit:
        found = await unit.figures.between("2026-W47", "2026-W47")
    assert set(found.values()) == {12}


async def test_exactly_one_handover_is_opened(stores: Stores, ring: KeyRing) -> None:
    (anna,) = await begun(stores[0], ring, "anna")

    async def ask(store: Store) -> bool:
        try:
            async with store.begin() as unit:
                await unit.handovers.save(handover(anna))
        except StoreUnavailableError:
            return False
        return True

    won = await asyncio.gather(*(ask(store) for _ in range(5) for store in stores))
    assert sorted(won) == [False] * 9 + [True]


async def test_a_stranger_is_welcomed_once(stores: Stores, ring: KeyRing) -> None:
    async def welcome(store: Store) -> bool:
        try:
            await begun(store, ring, "stranger")
        except StoreUnavailableError:
            return False
        return True

    won = await asyncio.gather(*(welcome(store) for _ in range(3) for store in stores))
    assert sorted(won) == [False] * 5 + [True]


@pytest.mark.parametrize("rounds", [12])
async def test_everything_at_once_never_deadlocks(
    stores: Stores, ring: KeyRing, rounds: int
) -> None:
    """Overlapping sets in opposite orders: storing, answering, rekeying, forgetting, erasing."""
    everyone = await begun(stores[0], ring, *(f"visitor {n}" for n in range(12)))
    doomed = await begun(stores[0], ring, *(f"doomed {n}" for n in range(12)))

    async def store_some(store: Store, order: int) -> None:
        async with store.begin() as unit:
            await unit.messages.accept([arrival(one) for one in everyone[::order]])
            await unit.messages.post([outgoing(one) for one in everyone[::-order]])

    async def forget_some(store: Store, order: int) -> None:
        ids = [one.id for one in doomed[::order]]
        async with store.begin() as unit:
            await unit.conversations.begin_forgetting(ids, NOW)
        async with store.begin() as unit:
            await unit.conversations.erase(ids[3:])

    work = []
    for number in range(rounds):
        order = 1 if number % 2 else -1
        for store in stores:
            work += [
                store_some(store, order),
                answer(store, everyone[::order]),
                forget_some(store, order),
            ]
    await asyncio.gather(*work)

    for _ in range(2):
        await answer(stores[0], everyone)
    async with stores[1].begin() as unit:
        assert await unit.messages.unanswered([one.id for one in everyone]) == {}


async def test_a_heartbeat_and_an_answer_never_wait_for_each_other(
    stores: Stores, ring: KeyRing
) -> None:
    one, two = stores
    kim = StaffId("kim")
    held = []
    for conversation in await begun(one, ring, "anna", "ben"):
        taken = handovers.claimed(handover(conversation, consent=Consent.ALL), kim, NOW)
        async with one.begin() as unit:
            held.append(await unit.handovers.save(replace(taken, lease_until=NOW + 4 * MINUTE)))
    hotline = Hotline(
        store=two,
        sealer=ring,
        clock=FakeClock(NOW),
        ids=MessageIds(),
        eraser=cast("Eraser", None),
        publish=quietly,
    )
    async with one.begin() as unit:
        # The answer changes both talks, the newer first: the order of a batch is anybody's guess.
        await unit.handovers.save(replace(held[1], hidden=True))
        beat = asyncio.create_task(hotline.beat(kim))
        await asyncio.sleep(0.3)
        await unit.handovers.save(replace(held[0], hidden=True))
    await asyncio.wait_for(beat, 10)
    async with one.begin() as unit:
        assert all(h.hidden for h in await unit.handovers.every_open())
