"""What every store promises about handovers, timers and marks."""

from dataclasses import replace

import pytest

from bot.domain.conversation import Consent, Notify
from bot.domain.errors import ChangedError
from bot.domain.handover import (
    OPEN_STATES,
    Close,
    Outcome,
    Referral,
    State,
    Topic,
    Transfer,
)
from bot.domain.messages import MessageId
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from bot.ports import Sealer, Store, Timer
from tests.support.stores import MINUTE, NOW, begun, handover

KIM, LEE = StaffId("kim"), StaffId("lee")

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


async def test_a_talk_comes_back_with_all_that_staff_did(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    talk = handover(
        anna,
        Level.RED,
        state=State.ACTIVE,
        consent=Consent.ALL,
        readable_after=MessageId(1 << 62),
        owner=KIM,
        lease_until=NOW + MINUTE,
        claimed_at=NOW - MINUTE,
        answered_at=NOW,
        transfer=Transfer(NOW + MINUTE, LEE, agreed=False),
        doubted=True,
        hidden=True,
        hand=True,
        pinged=True,
    )
    to_all = Transfer(NOW + 2 * MINUTE, None, None)
    ended = Close(Outcome.REFERRED, Referral.WORK, Topic.HOME)
    async with store.begin() as unit:
        saved = await unit.handovers.save(talk)
    assert saved == replace(talk, id=saved.id, version=1)

    for changed in (
        saved,
        replace(saved, transfer=to_all),
        replace(saved, transfer=None, hand=False),
        replace(saved, doubted=False, pinged=False),
        replace(saved, hidden=False, owner=LEE, lease_until=None),
        replace(saved, state=State.CLOSED, closed_at=NOW, close=ended),
    ):
        async with store.begin() as unit:
            saved = await unit.handovers.save(replace(changed, version=saved.version))
        async with store.begin() as unit:
            assert await unit.handovers.get(saved.id or 0) == saved
        assert saved == replace(changed, version=saved.version)


async def test_every_end_can_be_stored(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        for close in (
            *(Close(outcome) for outcome in Outcome),
            *(Close(Outcome.REFERRED, referral) for referral in Referral),
            *(Close(Outcome.INFORMED, topic=topic) for topic in Topic),
        ):
            ended = handover(anna, state=State.CLOSED, closed_at=NOW, close=close)
            saved = await unit.handovers.save(ended)
            assert await unit.handovers.get(saved.id or 0) == saved


async def test_a_number_nobody_has_is_no_handover(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        saved = await unit.handovers.save(handover(anna))
        await unit.conversations.erase([anna.id])
    async with store.begin() as unit:
        assert await unit.handovers.get(saved.id or 0) is None
        assert await unit.handovers.get(0) is None


async def test_every_open_handover_oldest_first(store: Store, sealer: Sealer) -> None:
    everyone = await begun(store, sealer, *(state.value for state in State))
    async with store.begin() as unit:
        assert await unit.handovers.every_open() == []
        saved = [
            await unit.handovers.save(handover(one, state=state))
            for one, state in zip(everyone, State, strict=True)
        ]
    # One that changes keeps its place.
    async with store.begin() as unit:
        saved[0] = await unit.handovers.save(replace(saved[0], level=Level.RED))

    async with store.begin() as unit:
        found = await unit.handovers.every_open()
    assert found == [one for one in saved if one.state is not State.CLOSED]


async def test_a_heartbeat_writes_the_lease_and_nothing_else(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    talk = handover(anna, state=State.ACTIVE, owner=KIM, lease_until=NOW)
    async with store.begin() as unit:
        saved = await unit.handovers.save(talk)
        other = await unit.handovers.save(replace(talk, conversation=ben.id))
        later = replace(saved, lease_until=NOW + MINUTE)
        await unit.handovers.renew(replace(later, level=Level.RED, hidden=True))

    async with store.begin() as unit:
        assert await unit.handovers.every_open() == [later, other]
        # Its version stays: what a colleague read before is not stale.
        await unit.handovers.save(replace(saved, level=Level.RED))


@pytest.mark.parametrize(
    "change",
    [
        {"owner": LEE},
        {"owner": None, "state": State.WAITING, "lease_until": None},
        {"state": State.CLOSED, "lease_until": None, "closed_at": NOW},
        {"state": State.LEFT_MESSAGE},
    ],
)
async def test_a_heartbeat_of_who_lost_it_has_no_effect(
    store: Store, sealer: Sealer, change: dict[str, object]
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    talk = handover(anna, state=State.ACTIVE, owner=KIM, lease_until=NOW)
    async with store.begin() as unit:
        mine = await unit.handovers.save(talk)
        changed = await unit.handovers.save(replace(mine, **change))  # type: ignore[arg-type]
        await unit.handovers.renew(replace(mine, lease_until=NOW + MINUTE))
    async with store.begin() as unit:
        assert await unit.handovers.get(mine.id or 0) == changed


async def test_a_heartbeat_for_what_is_gone_is_no_error(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        mine = await unit.handovers.save(handover(anna, state=State.ACTIVE, owner=KIM))
        await unit.conversations.erase([anna.id])
        await unit.handovers.renew(mine)


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
        with pytest.raises(ChangedError):
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
        with pytest.raises(ChangedError):
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
        others = [
            asking,
            replace(asking, level=Level.RED),
            replace(asking, level=Level.YELLOW),
            replace(asking, id=None, asked_at=None),
        ]
        assert await unit.handovers.waiting_ahead(others) == [2, 0, 4, 2]
        assert await unit.handovers.waiting_ahead([]) == []


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


async def test_a_timer_is_taken_once_and_not_when_it_was_set_anew(
    store: Store, sealer: Sealer
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    old, new = Timer(anna.id, "a", NOW), Timer(anna.id, "a", NOW + MINUTE)
    async with store.begin() as unit:
        await unit.timers.set(new)
        assert not await unit.timers.take(old)
        assert await unit.timers.take(new)
        assert not await unit.timers.take(new)
