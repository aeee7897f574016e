"""What every store promises about the two sides of a talk: lines held back, dropped, said once."""

from dataclasses import replace

import pytest

from bot.domain.messages import Channel, Line, MessageId, Reply
from bot.ports import Deletion, Delivery, Outgoing, Sealer, Store
from tests.support.stores import MINUTE, NOW, arrival, begun, message_id, outgoing

EVERYTHING = MessageId(0)
HOSTILE = "lone \ud83d surrogate, NUL \x00, \N{RIGHT-TO-LEFT OVERRIDE}, quote ' \" ; -- \N{SNAKE}"
LINE = Line("Kim", HOSTILE, "pt_BR")
HIDDEN = (Delivery.HELD, Delivery.DROPPED)


async def state_of(store: Store, message: Outgoing) -> Delivery:
    async with store.begin() as unit:
        thread = await unit.messages.thread(message.conversation, EVERYTHING, 100)
    (found,) = (one for one in thread if one.id == message.id)
    assert isinstance(found, Outgoing)
    return found.state


# --- thread and newest ------------------------------------------------------------------------


async def test_a_thread_holds_both_sides_in_order(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    hello, asked = arrival(anna, HOSTILE, reference="1"), arrival(anna, "second", hint="da")
    shown = outgoing(anna, state=Delivery.SENT)
    line = outgoing(anna, body=LINE, human=True, state=Delivery.HELD)
    dropped = outgoing(anna, state=Delivery.DROPPED)
    async with store.begin() as unit:
        await unit.messages.post([dropped, line, outgoing(ben), shown])
        await unit.messages.accept([asked, arrival(ben), hello])

    bare = [
        replace(one, incoming=replace(one.incoming, external_id="", sender="", address=""))
        for one in (hello, asked)
    ]
    whole = [*bare, shown, line, dropped]
    async with store.begin() as unit:
        thread = unit.messages.thread
        assert await thread(anna.id, EVERYTHING, 100) == whole
        assert await thread(anna.id, hello.id, 100) == whole[1:]
        assert await thread(anna.id, EVERYTHING, 2) == whole[-2:]
        assert await thread(anna.id, dropped.id, 100) == []


async def test_what_was_wiped_is_not_in_a_thread(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    wiped, kept, empty = arrival(anna, "a code word"), arrival(anna, "kept"), arrival(anna, "")
    async with store.begin() as unit:
        await unit.messages.accept([wiped, kept, empty])
        await unit.messages.settle([wiped, kept, empty], wipe={wiped.id})

    async with store.begin() as unit:
        thread = await unit.messages.thread(anna.id, EVERYTHING, 100)
        only_one = await unit.messages.thread(anna.id, EVERYTHING, 1)
    assert [one.id for one in thread] == [kept.id, empty.id]
    assert [one.id for one in only_one] == [empty.id]


async def test_newest_is_the_last_of_either_side(store: Store, sealer: Sealer) -> None:
    anna, ben, cleo = await begun(store, sealer, "anna", "ben", "cleo")
    asked, shown, last = arrival(anna), outgoing(anna), outgoing(ben, state=Delivery.DROPPED)
    said = arrival(ben)
    async with store.begin() as unit:
        await unit.messages.accept([said, asked])
        await unit.messages.post([shown, last])
        await unit.messages.settle([asked, said], wipe={asked.id, said.id})

    async with store.begin() as unit:
        assert await unit.messages.newest(anna.id) == shown.id
        assert await unit.messages.newest(ben.id) == max(said.id, last.id)
        assert await unit.messages.newest(cleo.id) == 0


async def test_newest_counts_what_was_wiped(store: Store, sealer: Sealer) -> None:
    """Or a counsellor who may read only new messages would read one from before."""
    (anna,) = await begun(store, sealer, "anna")
    word = arrival(anna, "a code word")
    async with store.begin() as unit:
        await unit.messages.accept([word])
        await unit.messages.settle([word], wipe={word.id})
        assert await unit.messages.newest(anna.id) == word.id


# --- held back --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", Delivery)
async def test_the_visitor_sees_what_is_neither_held_nor_dropped(
    store: Store, sealer: Sealer, state: Delivery
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    first, message = outgoing(anna), outgoing(anna, body=LINE, human=True, state=state)
    async with store.begin() as unit:
        await unit.messages.post([first, message])

    async with store.begin() as unit:
        seen = await unit.messages.replies_after(anna.id, EVERYTHING)
    assert seen == ([first] if state in HIDDEN else [first, message])


@pytest.mark.parametrize("state", HIDDEN)
async def test_what_is_held_or_dropped_is_not_sent_and_holds_nothing_up(
    store: Store, sealer: Sealer, state: Delivery
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    first, second = outgoing(anna, state=state), outgoing(anna)
    async with store.begin() as unit:
        await unit.messages.post([first, second])

    async with store.begin() as unit:
        due = await unit.messages.due(Channel.TELEGRAM, NOW, 10)
    assert [message.id for message in due] == [second.id]


async def test_what_was_held_is_counted_and_taken_out_once(store: Store, sealer: Sealer) -> None:
    anna, ben, cleo = await begun(store, sealer, "anna", "ben", "cleo")
    first, second = (outgoing(anna, body=LINE, human=True, state=Delivery.HELD) for _ in range(2))
    shown, other = outgoing(anna), outgoing(ben, human=True, state=Delivery.HELD)
    everybody = [anna.id, ben.id, cleo.id]
    async with store.begin() as unit:
        await unit.messages.post([second, first, shown, other])

    async with store.begin() as unit:
        assert await unit.messages.held([]) == {}
        assert await unit.messages.held([cleo.id]) == {}
        assert await unit.messages.held(everybody) == {anna.id: 2, ben.id: 1}
        assert await unit.messages.release(anna.id) == [first, second]
    async with store.begin() as unit:
        assert await unit.messages.release(anna.id) == []
        assert await unit.messages.held(everybody) == {ben.id: 1}
        assert await unit.messages.thread(anna.id, EVERYTHING, 100) == [shown]


# --- dropped ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", Delivery)
@pytest.mark.parametrize("human", [True, False])
async def test_only_what_has_not_arrived_is_dropped(
    store: Store, sealer: Sealer, state: Delivery, *, human: bool
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    message = outgoing(anna, state=state, human=human)
    async with store.begin() as unit:
        await unit.messages.post([message])

    waits = state in (Delivery.PENDING, Delivery.SENDING, Delivery.HELD)
    async with store.begin() as unit:
        assert await unit.messages.drop(anna.id, human=human) == waits
        assert await unit.messages.drop(anna.id, human=human) == 0
    assert await state_of(store, message) is (Delivery.DROPPED if waits else state)


@pytest.mark.parametrize("result", [Delivery.PENDING, Delivery.SENT, Delivery.FAILED])
async def test_what_was_dropped_on_its_way_is_not_tried_again(
    store: Store, sealer: Sealer, result: Delivery
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    message = outgoing(anna, state=Delivery.SENDING)
    async with store.begin() as unit:
        await unit.messages.post([message])
        await unit.messages.drop(anna.id, human=False)

    async with store.begin() as unit:
        await unit.messages.mark([replace(message, state=result, attempts=1)])
    again = result is Delivery.PENDING
    assert await state_of(store, message) is (Delivery.DROPPED if again else result)


async def test_each_side_is_dropped_apart(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    program, counsellor = outgoing(anna), outgoing(anna, body=LINE, human=True)
    others, asked = [outgoing(ben), outgoing(ben, human=True)], arrival(anna)
    async with store.begin() as unit:
        await unit.messages.post([program, counsellor, *others])
        await unit.messages.accept([asked])

    async with store.begin() as unit:
        assert await unit.messages.drop(anna.id, human=False) == 1
    assert await state_of(store, program) is Delivery.DROPPED
    assert await state_of(store, counsellor) is Delivery.PENDING
    async with store.begin() as unit:
        assert await unit.messages.drop(anna.id, human=True) == 1
        assert list(await unit.messages.unanswered([anna.id])) == [anna.id]
    assert await state_of(store, counsellor) is Delivery.DROPPED
    assert [await state_of(store, other) for other in others] == [Delivery.PENDING] * 2


async def test_numbers_and_deletions_of_the_program_are_never_taken_back(
    store: Store, sealer: Sealer
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    numbers = outgoing(anna, "utter_danger_now", urgent=True)
    deletion = outgoing(anna, body=Deletion(("1",)), urgent=True)
    async with store.begin() as unit:
        await unit.messages.post([numbers, deletion])
        assert await unit.messages.drop(anna.id, human=False) == 0
        assert await unit.messages.replies_after(anna.id, EVERYTHING) == [numbers, deletion]


@pytest.mark.parametrize("state", [Delivery.PENDING, Delivery.HELD])
async def test_an_urgent_line_of_a_counsellor_is_dropped_as_any_other(
    store: Store, sealer: Sealer, state: Delivery
) -> None:
    """Or it would reach a visitor who has left, or wait for their next talk."""
    (anna,) = await begun(store, sealer, "anna")
    canned = Reply("utter_phone_numbers", "da")
    line = outgoing(anna, body=canned, human=True, urgent=True, state=state)
    async with store.begin() as unit:
        await unit.messages.post([line])
        assert await unit.messages.drop(anna.id, human=True) == 1
        assert await unit.messages.held([anna.id]) == {}
        assert await unit.messages.due(Channel.TELEGRAM, NOW, 10) == []


# --- once -------------------------------------------------------------------------------------


async def test_a_double_click_is_seen_once(store: Store) -> None:
    async with store.begin() as unit:
        assert not await unit.messages.is_known(HOSTILE)
        assert await unit.messages.once(HOSTILE, NOW)
        assert await unit.messages.is_known(HOSTILE)
        assert not await unit.messages.once(HOSTILE, NOW)
        assert await unit.messages.once("x" * 5000, NOW)
    async with store.begin() as unit:
        assert not await unit.messages.once(HOSTILE, NOW + MINUTE)
        assert await unit.messages.once("another", NOW)


async def test_a_click_is_no_message_of_a_channel(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    message = arrival(anna, external_id="7")
    async with store.begin() as unit:
        assert await unit.messages.once("7", NOW)
        assert await unit.messages.accept([message]) == {message.id}
        assert not await unit.messages.is_known("8")


async def test_clicks_are_forgotten_with_the_receipts(store: Store) -> None:
    async with store.begin() as unit:
        await unit.messages.once("old", NOW - MINUTE)
        await unit.messages.once("new", NOW)
    async with store.begin() as unit:
        assert await unit.messages.forget_receipts(NOW) == 1
        assert await unit.messages.once("old", NOW)
        assert not await unit.messages.once("new", NOW)


async def test_a_failed_transaction_remembers_no_click(store: Store) -> None:
    async def fail() -> None:
        async with store.begin() as unit:
            assert await unit.messages.once("click", NOW)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await fail()
    async with store.begin() as unit:
        assert await unit.messages.once("click", NOW)


async def test_a_line_comes_back_as_it_was_typed(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    line = outgoing(anna, body=LINE, human=True)
    async with store.begin() as unit:
        await unit.messages.post([line])
    async with store.begin() as unit:
        (sent,) = await unit.messages.due(Channel.TELEGRAM, NOW, 10)
    assert sent == replace(line, address=anna.address)
    assert message_id() > sent.id
