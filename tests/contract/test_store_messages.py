"""What every store promises about messages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.messages import (
    Channel,
    Event,
    Media,
    MessageId,
    Reply,
    Start,
    Tapped,
    Text,
)
from bot.domain.screens import Button, Tap
from bot.ports import Deletion, Delivery, Sealer, Store
from tests.support.stores import (
    MINUTE,
    NOW,
    arrival,
    begun,
    conversation,
    lookup,
    message_id,
    outgoing,
)

EVERYTHING = MessageId(0)
HOSTILE = "lone \ud83d surrogate, NUL \x00, \N{RIGHT-TO-LEFT OVERRIDE}, quote ' \" ; -- \N{SNAKE}"

# --- what came in ---


async def test_accept_stores_what_was_never_seen(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    arrivals = [arrival(anna), arrival(ben), arrival(anna)]

    async with store.begin() as unit:
        assert await unit.messages.accept(arrivals) == {a.id for a in arrivals}
    async with store.begin() as unit:
        assert await unit.messages.accept(arrivals) == frozenset()
        assert await unit.messages.accept([]) == frozenset()

    async with store.begin() as unit:
        found = await unit.messages.unanswered([anna.id, ben.id])
    ids = {key: [a.id for a in waiting] for key, waiting in found.items()}
    assert ids == {anna.id: [arrivals[0].id, arrivals[2].id], ben.id: [arrivals[1].id]}


async def test_accept_takes_the_first_of_repeats_in_one_batch(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    first = arrival(anna, "first", external_id="7")
    second = arrival(anna, "second", external_id="7")

    async with store.begin() as unit:
        assert await unit.messages.accept([first, second]) == {first.id}

    async with store.begin() as unit:
        (kept,) = (await unit.messages.unanswered([anna.id]))[anna.id]
    assert kept.incoming.event == Text("first")


async def test_an_external_id_counts_within_its_channel(store: Store, sealer: Sealer) -> None:
    telegram, web = conversation("t"), conversation("w", channel=Channel.WEB)
    await sealer.create_keys([telegram.id, web.id])
    arrivals = [arrival(telegram, external_id="7"), arrival(web, external_id="7")]

    async with store.begin() as unit:
        await unit.conversations.add({lookup("t"): telegram, lookup("w"): web})
        assert await unit.messages.accept(arrivals) == {a.id for a in arrivals}


@pytest.mark.parametrize("external_id", [HOSTILE, "x" * 5000])
async def test_an_external_id_may_be_anything(
    store: Store, sealer: Sealer, external_id: str
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    first, second = (arrival(anna, external_id=external_id) for _ in range(2))

    async with store.begin() as unit:
        assert await unit.messages.accept([first]) == {first.id}
        assert await unit.messages.accept([second]) == frozenset()


@pytest.mark.parametrize(
    "event",
    [
        Start(),
        Start("pt_BR", "batch"),
        Text("hello"),
        Text(""),
        Text(HOSTILE),
        Text("\N{SNAKE}" * 4096),
        Tapped(Tap("utter_help")),
        Tapped(Tap("action_check_next", {"q": "1", "answer": "skip"})),
        Media(),
    ],
)
async def test_every_event_comes_back(store: Store, sealer: Sealer, event: Event) -> None:
    (anna,) = await begun(store, sealer, "anna")
    sent = arrival(anna, event, hint="da", on="41", reference="42", address="chat")

    async with store.begin() as unit:
        await unit.messages.accept([sent])
    async with store.begin() as unit:
        found = await unit.messages.unanswered([anna.id])

    bare = replace(sent.incoming, external_id="", sender="", address="")
    assert found == {anna.id: [replace(sent, incoming=bare)]}


async def test_unanswered_of_nobody(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        assert await unit.messages.unanswered([]) == {}
        assert await unit.messages.unanswered([anna.id]) == {}


async def test_settled_arrivals_are_answered(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    first, second, third = (arrival(anna) for _ in range(3))
    async with store.begin() as unit:
        await unit.messages.accept([first, second, third])
        await unit.messages.settle([first, third], wipe={third.id})
        await unit.messages.settle([], wipe=())

    async with store.begin() as unit:
        found = await unit.messages.unanswered([anna.id])
        assert await unit.messages.accept([first]) == frozenset()
    assert [a.id for a in found[anna.id]] == [second.id]


async def test_conversations_with_unanswered_come_oldest_first(
    store: Store, sealer: Sealer
) -> None:
    anna, ben, cleo = await begun(store, sealer, "anna", "ben", "cleo")
    arrivals = [arrival(ben), arrival(anna), arrival(ben), arrival(cleo, at=NOW + 2 * MINUTE)]
    async with store.begin() as unit:
        await unit.messages.accept(arrivals)

    async with store.begin() as unit:
        messages = unit.messages
        assert await messages.with_unanswered(NOW, 10) == []
        assert await messages.with_unanswered(NOW + MINUTE, 10) == [ben.id, anna.id]
        assert await messages.with_unanswered(NOW + MINUTE, 1) == [ben.id]
        await messages.settle([arrivals[0]], wipe=())
        assert await messages.with_unanswered(NOW + MINUTE, 10) == [anna.id, ben.id]


# --- what goes out ---


@pytest.mark.parametrize(
    "body",
    [
        Reply("utter_help", "da"),
        Reply(
            "utter_queue",
            "ar",
            {"wait_estimate": "5-10", "odd": HOSTILE},
            (Button("Phone", Tap("utter_phone")), Button("No", Tap("action_pull", {"a": "b"}))),
            on="17",
        ),
        Deletion(("1", "2", HOSTILE)),
        Deletion((), then=Reply("utter_hide_done", "da")),
    ],
)
async def test_every_body_comes_back_with_the_address(
    store: Store, sealer: Sealer, body: Reply | Deletion
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    posted = outgoing(anna, body=body, urgent=True, attempts=2, due_at=NOW - MINUTE)

    async with store.begin() as unit:
        await unit.messages.post([posted])
    async with store.begin() as unit:
        assert await unit.messages.due(Channel.TELEGRAM, NOW, 10) == [
            replace(posted, address=anna.address)
        ]
        assert await unit.messages.replies_after(anna.id, EVERYTHING) == [posted]


async def test_due_is_what_has_its_time_and_channel(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    later = outgoing(anna, due_at=NOW + MINUTE)
    now = outgoing(ben)
    async with store.begin() as unit:
        await unit.messages.post([later, now])
        await unit.messages.post([])

    async with store.begin() as unit:
        messages = unit.messages
        assert _ids(await messages.due(Channel.TELEGRAM, NOW, 10)) == [now.id]
        assert _ids(await messages.due(Channel.TELEGRAM, NOW + MINUTE, 10)) == [later.id, now.id]
        assert _ids(await messages.due(Channel.TELEGRAM, NOW + MINUTE, 1)) == [later.id]
        assert await messages.due(Channel.WEB, NOW + MINUTE, 10) == []


async def test_what_stands_before_something_urgent_is_as_urgent(
    store: Store, sealer: Sealer
) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    calm = outgoing(ben)
    before, urgent, after = outgoing(anna), outgoing(anna, urgent=True), outgoing(anna)
    async with store.begin() as unit:
        messages = unit.messages
        await messages.post([calm, before, urgent, after])
        due = await messages.due(Channel.TELEGRAM, NOW, 10)
        assert [(one.id, one.urgent) for one in due] == [(before.id, True), (calm.id, False)]
        assert _ids(await messages.due(Channel.TELEGRAM, NOW, 1)) == [before.id]
        await messages.mark([replace(before, state=Delivery.SENT)])
        assert _ids(await messages.due(Channel.TELEGRAM, NOW, 1)) == [urgent.id]
        await messages.mark([replace(urgent, state=Delivery.SENT)])
        due = await messages.due(Channel.TELEGRAM, NOW, 10)
        assert [(one.id, one.urgent) for one in due] == [(calm.id, False), (after.id, False)]


async def test_due_puts_urgent_ones_first(store: Store, sealer: Sealer) -> None:
    conversations = await begun(store, sealer, "anna", "ben", "cleo")
    calm, urgent, calmer = (
        outgoing(c, urgent=u) for c, u in zip(conversations, (False, True, False), strict=True)
    )
    async with store.begin() as unit:
        await unit.messages.post([calm, urgent, calmer])

    async with store.begin() as unit:
        due = await unit.messages.due(Channel.TELEGRAM, NOW, 10)
        first = await unit.messages.due(Channel.TELEGRAM, NOW, 1)
    assert _ids(due) == [urgent.id, calm.id, calmer.id]
    assert _ids(first) == [urgent.id]


@pytest.mark.parametrize("state", [Delivery.PENDING, Delivery.SENDING])
async def test_due_waits_for_the_message_before(
    store: Store, sealer: Sealer, state: Delivery
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    first = outgoing(anna, state=state, due_at=NOW + MINUTE)
    second = outgoing(anna, urgent=True)
    async with store.begin() as unit:
        await unit.messages.post([first, second])

    async with store.begin() as unit:
        assert await unit.messages.due(Channel.TELEGRAM, NOW, 10) == []
        due = await unit.messages.due(Channel.TELEGRAM, NOW + MINUTE, 10)
    assert _ids(due) == [first.id]


@pytest.mark.parametrize("state", [Delivery.SENT, Delivery.FAILED])
async def test_a_finished_message_makes_way(store: Store, sealer: Sealer, state: Delivery) -> None:
    (anna,) = await begun(store, sealer, "anna")
    first, second = outgoing(anna), outgoing(anna)
    async with store.begin() as unit:
        await unit.messages.post([first, second])

    done = replace(first, state=state, attempts=3, reference=HOSTILE, due_at=NOW + MINUTE)
    async with store.begin() as unit:
        await unit.messages.mark([done])
        await unit.messages.mark([])

    async with store.begin() as unit:
        assert _ids(await unit.messages.due(Channel.TELEGRAM, NOW, 10)) == [second.id]
        assert await unit.messages.replies_after(anna.id, EVERYTHING) == [done, second]


async def test_an_unanswered_arrival_does_not_hold_a_reply_up(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    reply = outgoing(anna)
    async with store.begin() as unit:
        await unit.messages.accept([replace(arrival(anna), id=MessageId(reply.id - 10**9))])
        await unit.messages.post([reply])

    async with store.begin() as unit:
        assert _ids(await unit.messages.due(Channel.TELEGRAM, NOW, 10)) == [reply.id]


async def test_marking_what_was_erased_has_no_effect(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    gone, kept = outgoing(anna), outgoing(ben)
    async with store.begin() as unit:
        await unit.messages.post([gone, kept])
        await unit.conversations.erase([anna.id])

    async with store.begin() as unit:
        sent = [replace(message, state=Delivery.SENT) for message in (gone, kept)]
        assert await unit.messages.mark(sent) == {gone.id}
        assert not await unit.messages.mark([])
    async with store.begin() as unit:
        assert await unit.messages.replies_after(anna.id, EVERYTHING) == []
        assert await unit.messages.replies_after(ben.id, EVERYTHING) == [sent[1]]


async def test_marking_tells_what_was_erased_held_or_moved_on_its_way(
    store: Store, sealer: Sealer
) -> None:
    anna, ben, cleo = await begun(store, sealer, "anna", "ben", "cleo")
    erased, held, moved, kept = (
        outgoing(who, state=Delivery.SENDING, human=True) for who in (anna, anna, ben, cleo)
    )
    async with store.begin() as unit:
        await unit.messages.post([erased, held, moved, kept])
    async with store.begin() as unit:
        await unit.messages.mark([replace(held, state=Delivery.HELD)])
        await unit.messages.erase(anna.id, up_to=held.id, but={held.id})
        await unit.messages.move(ben.id, Channel.WEB)

    sent = [
        replace(one, state=Delivery.SENT, reference="17") for one in (erased, held, moved, kept)
    ]
    async with store.begin() as unit:
        assert set(await unit.messages.mark(sent)) == {erased.id, held.id, moved.id}
    async with store.begin() as unit:
        assert await unit.messages.replies_after(ben.id, EVERYTHING) == []
        assert await unit.messages.replies_after(cleo.id, EVERYTHING) == [sent[3]]
        assert await unit.messages.references(anna.id, NOW) == []
        assert _ids(await unit.messages.release(anna.id)) == [held.id]


@pytest.mark.parametrize("key_is_gone", [False, True])
async def test_marking_tells_what_is_being_forgotten_and_writes_the_rest(
    store: Store, sealer: Sealer, key_is_gone: bool
) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    posted = [outgoing(who, state=Delivery.SENDING) for who in (anna, ben)]
    async with store.begin() as unit:
        await unit.messages.post(posted)
        await unit.conversations.begin_forgetting([anna.id], NOW)
    if key_is_gone:
        await sealer.destroy_keys([anna.id])

    sent = [replace(one, state=Delivery.SENT, reference="17") for one in posted]
    async with store.begin() as unit:
        assert set(await unit.messages.mark(sent)) == {posted[0].id}
    async with store.begin() as unit:
        assert await unit.messages.replies_after(ben.id, EVERYTHING) == [sent[1]]


# --- both ---


async def test_replies_after_an_id(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    first, asked, second, third = (
        outgoing(anna),
        arrival(anna),
        outgoing(anna, state=Delivery.SENT),
        outgoing(anna),
    )
    async with store.begin() as unit:
        await unit.messages.accept([asked])
        await unit.messages.post([third, first, outgoing(ben), second])

    async with store.begin() as unit:
        assert await unit.messages.replies_after(anna.id, asked.id) == [second, third]
        assert await unit.messages.replies_after(anna.id, first.id) == [second, third]
        assert await unit.messages.replies_after(anna.id, third.id) == []


async def test_replies_after_an_id_and_at_least_so_many(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    asked = arrival(anna)
    said = [outgoing(anna) for _ in range(5)]
    async with store.begin() as unit:
        await unit.messages.accept([asked])
        await unit.messages.post([*said, outgoing(ben)])

    async with store.begin() as unit:
        replies = unit.messages.replies_after
        assert await replies(anna.id, said[3].id, least=1) == said[4:]
        assert await replies(anna.id, said[3].id, least=3) == said[2:]
        assert await replies(anna.id, said[1].id, least=1) == said[2:]
        assert await replies(anna.id, said[4].id, least=2) == said[3:]
        assert await replies(anna.id, EVERYTHING, least=9) == said
        assert await replies(anna.id, asked.id, least=0) == said


async def test_references_of_both_sides(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    old = arrival(anna, reference="old", at=NOW - MINUTE)
    asked, bare = arrival(anna, reference="asked"), arrival(anna)
    shown, pending = outgoing(anna), outgoing(anna)
    async with store.begin() as unit:
        await unit.messages.accept([old, asked, bare, arrival(ben, reference="foreign")])
        await unit.messages.post([shown, pending])
        await unit.messages.settle([asked], wipe={asked.id})
        await unit.messages.mark([replace(shown, state=Delivery.SENT, reference="shown")])

    async with store.begin() as unit:
        assert await unit.messages.references(anna.id, NOW) == ["asked", "shown"]
        everything = await unit.messages.references(anna.id, NOW - timedelta(days=2))
    assert everything == ["old", "asked", "shown"]


async def test_erase_up_to_an_id(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    first, asked, kept, last = outgoing(anna), arrival(anna), outgoing(anna), outgoing(anna)
    foreign = arrival(ben)
    younger, later = outgoing(anna), arrival(anna)
    async with store.begin() as unit:
        await unit.messages.accept([asked, foreign, later])
        await unit.messages.post([first, kept, last, younger])
        await unit.messages.erase(anna.id, up_to=last.id, but={kept.id})

    async with store.begin() as unit:
        # A reply may be younger than the wish that came while it was being thought of.
        assert await unit.messages.replies_after(anna.id, EVERYTHING) == [kept]
        assert [a.id for a in (await unit.messages.unanswered([anna.id]))[anna.id]] == [later.id]
        await unit.messages.settle([later], wipe=())
        assert list(await unit.messages.unanswered([anna.id, ben.id])) == [ben.id]
        await unit.messages.erase(anna.id, up_to=message_id())
        assert await unit.messages.replies_after(anna.id, EVERYTHING) == []


async def test_forgotten_receipts_are_new_again(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    old = arrival(anna, external_id="old", at=NOW - MINUTE)
    new = arrival(anna, external_id="new")
    async with store.begin() as unit:
        await unit.messages.accept([old, new])

    async with store.begin() as unit:
        assert await unit.messages.forget_receipts(NOW) == 1
        assert await unit.messages.forget_receipts(NOW) == 0
        again = [arrival(anna, external_id="old"), arrival(anna, external_id="new")]
        assert await unit.messages.accept(again) == {again[0].id}


def _ids(messages: object) -> list[MessageId]:
    return [message.id for message in messages]  # type: ignore[attr-defined]
