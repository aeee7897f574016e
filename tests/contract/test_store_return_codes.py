"""What every store promises about return codes, and about a conversation that moves."""

from dataclasses import replace

from bot.domain.messages import Channel
from bot.ports import Delivery, Sealer, Store
from tests.support.stores import NOW, begun, lookup, outgoing

ONE, TWO = b"1" * 32, b"2" * 32


async def test_a_code_is_found_until_it_is_spent(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        await unit.return_codes.set(anna.id, ONE)
        await unit.return_codes.set(ben.id, TWO)
    async with store.begin() as unit:
        assert await unit.return_codes.find([b"3" * 32, ONE]) == anna.id
        assert await unit.return_codes.find([]) is None
        await unit.return_codes.spend(anna.id)
        assert await unit.return_codes.find([ONE]) is None
        assert await unit.return_codes.find([TWO]) == ben.id


async def test_a_later_code_replaces_the_first(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.return_codes.set(anna.id, ONE)
        await unit.return_codes.set(anna.id, TWO)
        assert await unit.return_codes.find([ONE]) is None
        assert await unit.return_codes.find([TWO]) == anna.id


async def test_a_code_goes_with_its_conversation(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.return_codes.set(anna.id, ONE)
        await unit.conversations.erase([anna.id])
        assert await unit.return_codes.find([ONE]) is None


async def test_a_conversation_moves_to_where_another_began(store: Store, sealer: Sealer) -> None:
    old, new = await begun(store, sealer, "old", "new")
    moved = replace(old, channel=Channel.WEB, address="a page")
    async with store.begin() as unit:
        await unit.conversations.move(new.id, moved, NOW)
    async with store.begin() as unit:
        found = await unit.conversations.find([lookup("old"), lookup("new")])
        assert found == {lookup("new"): old.id}
        assert await unit.conversations.load([old.id, new.id]) == {old.id: moved}
        assert list(await unit.conversations.forgetting()) == [new.id]


async def test_messages_move_and_nothing_unsent_is_left(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    sent = outgoing(anna, state=Delivery.SENT, reference="17")
    held = outgoing(anna, state=Delivery.HELD, human=True)
    async with store.begin() as unit:
        await unit.messages.post([sent, outgoing(anna, urgent=True), held, outgoing(ben)])
        await unit.messages.mark([sent])
        await unit.messages.move(anna.id, Channel.WEB)
    async with store.begin() as unit:
        due = await unit.messages.due(Channel.TELEGRAM, NOW, 10)
        assert [one.conversation for one in due] == [ben.id]
        assert await unit.messages.due(Channel.WEB, NOW, 10) == []
        assert await unit.messages.references(anna.id, NOW) == []
        assert [o.channel for o in await unit.messages.release(anna.id)] == [Channel.WEB]
        shown = await unit.messages.replies_after(anna.id, sent.id)
        assert shown == []


async def test_removed_messages_are_gone(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    one, two = outgoing(anna), outgoing(anna)
    async with store.begin() as unit:
        await unit.messages.post([one, two])
        await unit.messages.remove([one.id])
        await unit.messages.remove([])
    async with store.begin() as unit:
        assert [r.id for r in await unit.messages.replies_after(anna.id, one.id)] == [two.id]
        assert await unit.messages.newest(anna.id) == two.id
