"""What every store promises about conversations."""

from dataclasses import replace

import pytest

from bot.domain.conversation import Choice, Consent, Memory, Notify
from bot.domain.errors import StoreUnavailableError
from bot.domain.handover import State
from bot.domain.messages import Channel, ConversationId
from bot.ports import Sealer, Store, Timer
from tests.support.stores import (
    MINUTE,
    NOW,
    arrival,
    begun,
    conversation,
    handover,
    lookup,
    message_id,
    outgoing,
)

FULL = Memory(
    locale="pt_BR",
    chosen=Choice.CHOSEN,
    screen="utter_signs_work",
    switch_offered=True,
    draft_told=True,
    minor=True,
    care=True,
    sign=True,
    level=3,
    consent=Consent.ALL,
    notify=Notify.PUSH,
    autoclean=True,
)


async def test_find_leaves_unknown_visitors_out(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")

    async with store.begin() as unit:
        found = await unit.conversations.find([lookup("ben"), lookup("nobody"), lookup("anna")])

    assert found == {lookup("anna"): anna.id, lookup("ben"): ben.id}


async def test_find_nobody(store: Store, sealer: Sealer) -> None:
    async with store.begin() as unit:
        assert await unit.conversations.find([]) == {}


async def test_load_returns_everything_that_was_added(store: Store, sealer: Sealer) -> None:
    whole = conversation(
        "whole",
        channel=Channel.WEB,
        last_seen_at=NOW + MINUTE,
        address="lone \ud800 surrogate, \x00 and \N{GRINNING FACE}",
        memory=FULL,
    )
    bare = conversation("bare", address="")
    await sealer.create_keys([whole.id, bare.id])
    async with store.begin() as unit:
        await unit.conversations.add({lookup("whole"): whole, lookup("bare"): bare})

    async with store.begin() as unit:
        loaded = await unit.conversations.load([whole.id, bare.id, ConversationId("unknown")])

    assert loaded == {whole.id: whole, bare.id: bare}


async def test_load_with_lock_returns_free_rows(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")

    async with store.begin() as unit:
        assert await unit.conversations.load([anna.id], lock=True) == {anna.id: anna}
        assert await unit.conversations.load([], lock=True) == {}


async def test_add_refuses_somebody_known(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    again, new = conversation("again"), conversation("new")
    await sealer.create_keys([again.id, new.id])

    with pytest.raises(StoreUnavailableError):
        async with store.begin() as unit:
            await unit.conversations.add({lookup("new"): new, lookup("anna"): again})

    async with store.begin() as unit:
        found = await unit.conversations.find([lookup("anna"), lookup("new")])
    assert found == {lookup("anna"): anna.id}


async def test_save_counts_the_version_up(store: Store, sealer: Sealer) -> None:
    conversations = await begun(store, sealer, "anna", "ben", "cleo")
    changed = [replace(c, memory=FULL, last_seen_at=NOW + MINUTE) for c in conversations]

    async with store.begin() as unit:
        await unit.conversations.load([c.id for c in conversations], lock=True)
        await unit.conversations.save(changed)

    async with store.begin() as unit:
        loaded = await unit.conversations.load([c.id for c in conversations])
    assert loaded == {c.id: replace(c, version=1) for c in changed}


async def test_save_keeps_the_address(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")

    async with store.begin() as unit:
        await unit.conversations.save([replace(anna, address="another")])

    async with store.begin() as unit:
        loaded = await unit.conversations.load([anna.id])
    assert loaded[anna.id].address == anna.address


async def test_save_refuses_a_version_that_has_passed(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        await unit.conversations.save([anna])

    with pytest.raises(StoreUnavailableError):
        async with store.begin() as unit:
            await unit.conversations.save([ben, anna])

    async with store.begin() as unit:
        loaded = await unit.conversations.load([anna.id, ben.id])
    assert (loaded[anna.id].version, loaded[ben.id].version) == (1, 0)


async def test_rekey_changes_what_a_visitor_is_known_under(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")

    async with store.begin() as unit:
        await unit.conversations.rekey({anna.id: lookup("new"), ben.id: lookup("newer")})

    names = ("anna", "ben", "new", "newer")
    async with store.begin() as unit:
        found = await unit.conversations.find([lookup(name) for name in names])
    assert found == {lookup("new"): anna.id, lookup("newer"): ben.id}


async def test_idle_conversations_come_oldest_first(store: Store, sealer: Sealer) -> None:
    anna, ben, cleo, dora = await begun(store, sealer, "anna", "ben", "cleo", "dora")
    seen = {anna: NOW - 2 * MINUTE, ben: NOW - 3 * MINUTE, cleo: NOW, dora: NOW - 4 * MINUTE}
    async with store.begin() as unit:
        await unit.conversations.save([replace(c, last_seen_at=at) for c, at in seen.items()])

    async with store.begin() as unit:
        idle = await unit.conversations.idle_since(NOW, 10)
        first = await unit.conversations.idle_since(NOW, 2)

    assert idle == [dora.id, ben.id, anna.id]
    assert first == [dora.id, ben.id]


async def test_idle_conversations_of_one_channel(store: Store, sealer: Sealer) -> None:
    web, telegram = conversation("w", channel=Channel.WEB), conversation("t")
    await sealer.create_keys([web.id, telegram.id])
    async with store.begin() as unit:
        await unit.conversations.add({lookup("w"): web, lookup("t"): telegram})

    async with store.begin() as unit:
        later = NOW + MINUTE
        assert await unit.conversations.idle_since(later, 10, Channel.WEB) == [web.id]
        assert await unit.conversations.idle_since(later, 10, Channel.TERMINAL) == []


@pytest.mark.parametrize(
    ("state", "idle"),
    [
        (State.OFFERED, True),
        (State.WAITING, False),
        (State.ACTIVE, False),
        (State.LEFT_MESSAGE, False),
        (State.CLOSED, True),
    ],
)
async def test_a_conversation_somebody_waits_in_is_not_idle(
    store: Store, sealer: Sealer, state: State, *, idle: bool
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.handovers.save(handover(anna, state=state))

    async with store.begin() as unit:
        found = await unit.conversations.idle_since(NOW + MINUTE, 10)
        everybody = await unit.conversations.idle_since(NOW + MINUTE, 10, waiting=True)

    assert found == ([anna.id] if idle else [])
    assert everybody == [anna.id]


async def test_old_conversations_are_found_whatever_their_state(
    store: Store, sealer: Sealer
) -> None:
    old = conversation("old", created_at=NOW - MINUTE, last_seen_at=NOW)
    older = conversation("older", created_at=NOW - 2 * MINUTE, last_seen_at=NOW)
    young = conversation("young")
    await sealer.create_keys([old.id, older.id, young.id])
    async with store.begin() as unit:
        everyone = {lookup("1"): old, lookup("2"): older, lookup("3"): young}
        await unit.conversations.add(everyone)
        await unit.handovers.save(handover(old))

    async with store.begin() as unit:
        assert await unit.conversations.older_than(NOW, 10) == [older.id, old.id]
        assert await unit.conversations.older_than(NOW, 1) == [older.id]


async def test_unknown_ids(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    lost = ConversationId("f" * 32)
    async with store.begin() as unit:
        await unit.conversations.begin_forgetting([ben.id], NOW)
    async with store.begin() as unit:
        assert set(await unit.conversations.unknown([anna.id, ben.id, lost])) == {lost}
        assert not await unit.conversations.unknown([])
        await unit.conversations.erase([ben.id])
        assert set(await unit.conversations.unknown([anna.id, ben.id])) == {ben.id}


async def test_count(store: Store, sealer: Sealer) -> None:
    await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        assert await unit.conversations.count() == 2


async def test_what_is_being_forgotten_is_absent(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        await unit.messages.accept([arrival(anna, at=NOW - MINUTE)])
        await unit.messages.post([outgoing(anna)])
        await unit.conversations.begin_forgetting([anna.id], NOW)

    async with store.begin() as unit:
        conversations, messages = unit.conversations, unit.messages
        both = [lookup("anna"), lookup("ben")]
        assert await conversations.find(both) == {lookup("ben"): ben.id}
        assert list(await conversations.load([anna.id, ben.id])) == [ben.id]
        assert list(await conversations.load([anna.id, ben.id], lock=True)) == [ben.id]
        assert await conversations.idle_since(NOW + MINUTE, 10) == [ben.id]
        assert await messages.with_unanswered(NOW, 10) == []
        assert await messages.due(Channel.TELEGRAM, NOW, 10) == []


@pytest.mark.parametrize("lock", [False, True])
async def test_what_is_being_forgotten_can_be_asked_for(
    store: Store, sealer: Sealer, *, lock: bool
) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        await unit.conversations.begin_forgetting([anna.id], NOW)

    async with store.begin() as unit:
        ids = [anna.id, ben.id]
        loaded = await unit.conversations.load(ids, lock=lock, forgetting=True)
        assert loaded == {anna.id: anna, ben.id: ben}
        assert await unit.conversations.forgetting() == [anna.id]


async def test_whoever_writes_while_being_forgotten_is_somebody_new(
    store: Store, sealer: Sealer
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.conversations.begin_forgetting([anna.id], NOW)

    (new,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.conversations.erase([anna.id])

    async with store.begin() as unit:
        assert await unit.conversations.find([lookup("anna")]) == {lookup("anna"): new.id}


async def test_erase_takes_everything_along(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    for one in (anna, ben):
        async with store.begin() as unit:
            await unit.messages.accept([arrival(one, reference="1")])
            await unit.messages.post([outgoing(one, reference="2")])
            await unit.handovers.save(handover(one))
            await unit.timers.set(Timer(one.id, "autoclean", NOW))

    async with store.begin() as unit:
        await unit.conversations.erase([anna.id])

    async with store.begin() as unit:
        both = [anna.id, ben.id]
        assert await unit.conversations.count() == 1
        assert list(await unit.conversations.load(both, forgetting=True)) == [ben.id]
        assert list(await unit.messages.unanswered(both)) == [ben.id]
        due = await unit.messages.due(Channel.TELEGRAM, NOW, 10)
        assert [message.conversation for message in due] == [ben.id]
        assert await unit.messages.references(anna.id, NOW - MINUTE) == []
        assert list(await unit.handovers.open_for(both)) == [ben.id]
        assert [t.conversation for t in await unit.timers.due(NOW, 10)] == [ben.id]


async def test_a_repeat_after_erasing_has_no_effect(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.messages.accept([arrival(anna, external_id="7")])
        await unit.conversations.erase([anna.id])

    (new,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        assert await unit.messages.accept([arrival(new, external_id="7")]) == frozenset()


async def test_erase_what_is_not_there(store: Store, sealer: Sealer) -> None:
    async with store.begin() as unit:
        await unit.conversations.erase([])
        await unit.conversations.erase([ConversationId("unknown")])
        await unit.conversations.begin_forgetting([ConversationId("unknown")], NOW)
        assert await unit.conversations.forgetting() == []


async def test_a_message_without_its_conversation_is_refused(store: Store, sealer: Sealer) -> None:
    lost = conversation("lost")
    await sealer.create_keys([lost.id])

    async def store_row(kind: str) -> None:
        async with store.begin() as unit:
            match kind:
                case "arrival":
                    await unit.messages.accept([arrival(lost)])
                case "outgoing":
                    await unit.messages.post([outgoing(lost)])
                case "timer":
                    await unit.timers.set(Timer(lost.id, "autoclean", NOW))
                case "handover":
                    await unit.handovers.save(handover(lost))

    for kind in ("arrival", "outgoing", "timer", "handover"):
        with pytest.raises(StoreUnavailableError):
            await store_row(kind)
    async with store.begin() as unit:
        assert await unit.messages.replies_after(lost.id, message_id()) == []
