"""What every store promises about handovers, timers and marks."""

from dataclasses import replace

import pytest

from bot.domain.conversation import Consent, Notify
from bot.domain.errors import StoreUnavailableError
from bot.domain.handover import OPEN_STATES, State
from bot.domain.triage import Level
from bot.ports import Sealer, Store, Timer
from tests.support.stores import MINUTE, NOW, begun, handover

# --- handovers ---


async def test_a_new_handover_gets_an_id_and_a_version(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")

    async with store.begin() as unit:
        first = await unit.handovers.save(handover(anna))
        second = await unit.handovers.save(handover(ben))

    assert first == replace(handover(anna), id=first.id, version=1)
    assert first.id is not None
    assert second.id not in (None, first.id)


async def test_the_whole_handover_comes_back(store: Store, sealer: Sealer) -> None:
    anna, ben, cleo = await begun(store, sealer, "anna", "ben", "cleo")
    whole = handover(
        anna,
        Level.RED,
        state=State.ACTIVE,
        locale="pt_BR",
        asked_at=NOW + MINUTE,
        consent=Consent.NEW,
        notify=Notify.PUSH,
        minor=True,
        code_word="a keyed hash",
    )
    bare = handover(ben, state=State.OFFERED, asked_at=None)
    async with store.begin() as unit:
        whole, bare = [await unit.handovers.save(h) for h in (whole, bare)]

    async with store.begin() as unit:
        found = await unit.handovers.open_for([anna.id, ben.id, cleo.id])
        assert await unit.handovers.open_for([]) == {}
    assert found == {anna.id: whole, ben.id: bare}


async def test_saving_again_counts_the_version_up(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        saved = await unit.handovers.save(handover(anna))
        raised = await unit.handovers.save(replace(saved, level=Level.RED))

    assert raised == replace(saved, level=Level.RED, version=2)
    async with store.begin() as unit:
        assert await unit.handovers.open_for([anna.id]) == {anna.id: raised}


async def test_a_version_that_has_passed_is_refused(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        saved = await unit.handovers.save(handover(anna))
        claimed = await unit.handovers.save(replace(saved, state=State.ACTIVE))

    async with store.begin() as unit:
        with pytest.raises(StoreUnavailableError):
            await unit.handovers.save(replace(saved, state=State.CLOSED))
    async with store.begin() as unit:
        assert await unit.handovers.open_for([anna.id]) == {anna.id: claimed}


@pytest.mark.parametrize("state", OPEN_STATES)
async def test_a_second_open_handover_is_refused(
    store: Store, sealer: Sealer, state: State
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        first = await unit.handovers.save(handover(anna, state=state))

    async with store.begin() as unit:
        with pytest.raises(StoreUnavailableError):
            await unit.handovers.save(handover(anna))
        # The transaction goes on: the caller may answer in another way.
        assert await unit.handovers.open_for([anna.id]) == {anna.id: first}


async def test_after_closing_another_one_may_begin(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        first = await unit.handovers.save(handover(anna))
        await unit.handovers.save(replace(first, state=State.CLOSED, closed_at=NOW))
        assert await unit.handovers.open_for([anna.id]) == {}
        second = await unit.handovers.save(handover(anna))

    async with store.begin() as unit:
        assert await unit.handovers.open_for([anna.id]) == {anna.id: second}


async def test_the_number_of_an_erased_handover_is_not_given_again(
    store: Store, sealer: Sealer
) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        first = await unit.handovers.save(handover(anna))
        await unit.conversations.erase([anna.id])
    async with store.begin() as unit:
        second = await unit.handovers.save(handover(ben))
    assert second.id != first.id


async def test_waiting_ahead_counts_higher_levels_then_older_ones(
    store: Store, sealer: Sealer
) -> None:
    names = ("mine", "red", "older", "younger", "yellow", "active", "left")
    mine, red, older, younger, yellow, active, left = await begun(store, sealer, *names)
    others = [
        handover(red, Level.RED, asked_at=NOW + 9 * MINUTE),
        handover(older, Level.ORANGE, asked_at=NOW - MINUTE),
        handover(younger, Level.ORANGE, asked_at=NOW + MINUTE),
        handover(yellow, Level.YELLOW, asked_at=NOW - 9 * MINUTE),
        handover(active, Level.RED, state=State.ACTIVE),
        handover(left, Level.RED, state=State.LEFT_MESSAGE),
    ]
    async with store.begin() as unit:
        asking = await unit.handovers.save(handover(mine, Level.ORANGE))
        for other in others:
            await unit.handovers.save(other)

    async with store.begin() as unit:
        ahead = unit.handovers.waiting_ahead
        assert await ahead(asking) == 2
        assert await ahead(replace(asking, level=Level.RED)) == 0
        assert await ahead(replace(asking, level=Level.YELLOW)) == 4
        assert await ahead(replace(asking, id=None, asked_at=None)) == 2


# --- timers ---


async def test_a_timer_replaces_the_one_of_its_kind(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.timers.set(Timer(anna.id, "autoclean", NOW - MINUTE))
        await unit.timers.set(Timer(anna.id, "other", NOW))
        await unit.timers.set(Timer(anna.id, "autoclean", NOW + MINUTE))

    async with store.begin() as unit:
        assert await unit.timers.due(NOW, 10) == [Timer(anna.id, "other", NOW)]


async def test_due_timers_come_oldest_first(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    later, sooner = Timer(anna.id, "a", NOW), Timer(ben.id, "a", NOW - MINUTE)
    async with store.begin() as unit:
        await unit.timers.set(later)
        await unit.timers.set(sooner)

    async with store.begin() as unit:
        assert await unit.timers.due(NOW, 10) == [sooner, later]
        assert await unit.timers.due(NOW, 1) == [sooner]
        assert await unit.timers.due(NOW - 2 * MINUTE, 10) == []


async def test_a_cancelled_timer_is_gone(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    kept = Timer(anna.id, "kept", NOW)
    async with store.begin() as unit:
        await unit.timers.set(Timer(anna.id, "a", NOW))
        await unit.timers.set(kept)
        await unit.timers.cancel(anna.id, "a")
        await unit.timers.cancel(anna.id, "never set")

    async with store.begin() as unit:
        assert await unit.timers.due(NOW, 10) == [kept]


# --- marks ---


async def test_marks(store: Store, sealer: Sealer) -> None:
    async with store.begin() as unit:
        assert await unit.marks.get("offset") is None
        await unit.marks.set("offset", 1)
        await unit.marks.set("offset", 2**62)
        await unit.marks.set("other", -1)

    async with store.begin() as unit:
        assert await unit.marks.get("offset") == 2**62
        assert await unit.marks.get("other") == -1
