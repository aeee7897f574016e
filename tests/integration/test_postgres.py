"""What only PostgreSQL can show: row locks, waiting, and a server that goes away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import SqlStore, engine
from bot.adapters.storage.messages import SqlMessages
from bot.bootstrap import App
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Bubble, Channel, ConversationId, Tapped
from bot.domain.screens import Tap
from bot.ports import Delivery, Sealer
from tests.support.app import Visitor, running, screens
from tests.support.fakes import RecordingChannel
from tests.support.postgres import Cluster
from tests.support.stores import NOW, arrival, begun, lookup, opened, outgoing

pytestmark = pytest.mark.postgres


@pytest.fixture
def sealer() -> Sealer:
    return EphemeralKeys()


@pytest.fixture
async def store(postgres: str, sealer: Sealer) -> AsyncIterator[SqlStore]:
    async with opened(postgres, sealer) as store:
        yield store


async def test_the_settings_are_in_force(store: SqlStore) -> None:
    names = ("synchronous_commit", "lock_timeout", "statement_timeout")
    async with store._engine.connect() as connection:
        found = [(await connection.execute(text(f"SHOW {name}"))).scalar_one() for name in names]
    assert found == ["on", "5s", "30s"]


async def test_locked_conversations_are_absent_for_others(store: SqlStore, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as one, store.begin() as two:
        assert list(await one.conversations.load([anna.id], lock=True)) == [anna.id]
        assert list(await two.conversations.load([anna.id, ben.id], lock=True)) == [ben.id]
        assert list(await two.conversations.load([anna.id])) == [anna.id]


async def test_messages_are_stored_while_their_conversation_is_answered(
    store: SqlStore, sealer: Sealer
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as answering:
        await answering.conversations.load([anna.id], lock=True)
        async with asyncio.timeout(2), store.begin() as storing:
            await storing.conversations.find([lookup("anna")])
            assert await storing.messages.accept([arrival(anna)])


async def test_what_is_being_sent_is_not_due_for_others(store: SqlStore, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    first, second, other = outgoing(anna), outgoing(anna), outgoing(ben)
    async with store.begin() as unit:
        await unit.messages.post([first, second, other])
    async with store.begin() as one, store.begin() as two:
        (taken,) = await one.messages.due(Channel.TELEGRAM, NOW, 1)
        assert taken.id == first.id
        due = await two.messages.due(Channel.TELEGRAM, NOW, 10)
        assert [message.id for message in due] == [other.id]


async def test_forgetting_waits_for_a_message_that_is_being_stored(
    store: SqlStore, sealer: Sealer
) -> None:
    """Or a message would be acknowledged and then erased unanswered."""
    (anna,) = await begun(store, sealer, "anna")

    async def forget() -> None:
        async with store.begin() as unit:
            await unit.conversations.begin_forgetting([anna.id], NOW)

    async with store.begin() as storing:
        found = await storing.conversations.find([lookup("anna")])
        forgetting = asyncio.create_task(forget())
        await asyncio.sleep(0.3)
        assert not forgetting.done()
        await storing.messages.accept([arrival(found[lookup("anna")])])
    await forgetting


async def test_a_message_that_comes_while_forgetting_begins_is_from_somebody_new(
    store: SqlStore, sealer: Sealer
) -> None:
    (anna,) = await begun(store, sealer, "anna")

    async def find() -> object:
        async with store.begin() as unit:
            return await unit.conversations.find([lookup("anna")])

    async with store.begin() as unit:
        await unit.conversations.begin_forgetting([anna.id], NOW)
        finding = asyncio.create_task(find())
        await asyncio.sleep(0.3)
        assert not finding.done()
    assert await finding == {}


async def test_a_row_that_stays_locked_is_unavailable(
    postgres: str, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine._POSTGRES, "options", "-c lock_timeout=100")
    async with opened(postgres, sealer) as store:
        (anna,) = await begun(store, sealer, "anna")
        async with store.begin() as holding:
            await holding.conversations.load([anna.id], lock=True)
            with pytest.raises(StoreUnavailableError, match="55P03"):
                async with store.begin() as other:
                    await other.conversations.erase([anna.id])


async def test_a_lost_connection_is_replaced(
    store: SqlStore, sealer: Sealer, cluster: Cluster
) -> None:
    (anna,) = await begun(store, sealer, "anna")
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = 'integration' AND pid <> pg_backend_pid()"
    )

    async def lose_connection() -> None:
        async with store.begin() as unit:
            await unit.messages.post([outgoing(anna)])
            await asyncio.to_thread(cluster.run, kill)
            await unit.messages.post([outgoing(anna)])

    with pytest.raises(StoreUnavailableError):
        await lose_connection()
    await asyncio.to_thread(cluster.run, kill)
    async with store.begin() as unit:
        assert await unit.messages.due(Channel.TELEGRAM, NOW, 10) == []
    await store.check()


async def test_rows_are_locked_in_one_order(store: SqlStore, sealer: Sealer) -> None:
    """Two transactions that want the same rows in opposite orders would wait for each other."""
    anna, ben = await begun(store, sealer, "anna", "ben")
    sent = [arrival(anna), arrival(ben), arrival(anna)]
    ran: list[tuple[str, Any]] = []

    @event.listens_for(store._engine.sync_engine, "before_cursor_execute")
    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        ran.append((statement, parameters))

    async with store.begin() as unit:
        await unit.messages.accept(sent)
        await unit.messages.accept(sent[::-1])
        await unit.conversations.find([lookup("anna"), lookup("ben")])
        await unit.conversations.load([anna.id, ben.id], lock=True)
        await unit.conversations.begin_forgetting([anna.id, ben.id], NOW)
        await unit.conversations.erase([anna.id, ben.id])

    first, again = (p for s, p in ran if s.startswith("INSERT INTO receipts"))
    digests = _digests(first)
    assert len(digests) == len(sent)
    assert digests == sorted(digests) == _digests(again)
    locks = [s for s, _ in ran if " FOR " in s]
    assert len(locks) == 4
    assert all("ORDER BY conversations.id FOR " in lock for lock in locks)


def _digests(parameters: dict[str, Any]) -> list[bytes]:
    """Return the external ids of receipts in the order in which they are inserted."""
    return [bytes(v.obj) for name, v in parameters.items() if name.startswith("external")]


async def test_an_answer_outlasts_a_conversation_held_elsewhere(
    postgres: str, tmp_path: Path
) -> None:
    """A second is longer than a batch tries; nobody waits for the round of leftovers."""
    async with running(tmp_path, database_url=postgres) as app:
        held, free = Visitor(app), Visitor(app)
        await held.starts()
        await free.starts()
        lookups = app.sealer.lookups(held.channel, held.sender)
        async with app.store.begin() as unit:
            ids = list((await unit.conversations.find(lookups)).values())
            assert list(await unit.conversations.load(ids, lock=True)) == ids
            asked = asyncio.create_task(held.taps("utter_phone_numbers"))
            await asyncio.sleep(0.5)
            assert screens(await free.taps("utter_phone_numbers")) == ["utter_phone_numbers"]
            await asyncio.sleep(0.5)
            assert not asked.done()
        assert screens(await asked) == ["utter_phone_numbers"]


async def test_a_mark_under_way_is_waited_for_when_references_are_read(
    store: SqlStore, sealer: Sealer
) -> None:
    """Or what has just arrived would be neither deleted by the hiding nor by its sender."""
    (anna,) = await begun(store, sealer, "anna")
    sent = outgoing(anna, state=Delivery.SENDING)
    async with store.begin() as unit:
        await unit.messages.post([sent])

    async def hide() -> Sequence[str]:
        async with store.begin() as unit:
            references = await unit.messages.references(anna.id, NOW)
            await unit.messages.erase(anna.id, up_to=sent.id)
            return references

    async with store.begin() as marking:
        arrived = replace(sent, state=Delivery.SENT, reference="17")
        assert not await marking.messages.mark([arrived])
        hiding = asyncio.create_task(hide())
        await asyncio.sleep(0.2)
        assert not hiding.done()
    assert await hiding == ["17"]


async def test_two_hidings_at_once_and_the_marks_of_a_delivery_all_finish(
    postgres: str, tmp_path: Path
) -> None:
    class Slow(RecordingChannel):
        inside = 0

        async def show(self, address: str, bubble: Bubble) -> str:
            if bubble.screen == "utter_debt":
                self.inside += 1
                await sent.wait()
            return await super().show(address, bubble)

    sent, channel = asyncio.Event(), Slow()
    async with running(tmp_path, database_url=postgres, channel=channel) as app:
        deliverer = app.deliverers[Channel.TELEGRAM]
        visitors = [Visitor(app, Channel.TELEGRAM) for _ in range(2)]
        for visitor in visitors:
            await visitor.starts()
        ids = {visitor.sender: await _id_of(app, visitor) for visitor in visitors}
        visitors.sort(key=lambda visitor: ids[visitor.sender])
        while await deliverer.step():
            app.clock.turn(seconds=3)  # type: ignore[attr-defined]
        for visitor in visitors:
            await visitor.taps("utter_debt")
        marking = asyncio.create_task(deliverer.step())
        while channel.inside < len(visitors):  # noqa: ASYNC110 -- a test looks from outside
            await asyncio.sleep(0.01)
        reading = SqlMessages.references

        async def slowly(
            messages: SqlMessages, conversation: ConversationId, since: datetime
        ) -> Sequence[str]:
            found = await reading(messages, conversation, since)
            sent.set()
            await asyncio.sleep(0.3)
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SqlMessages, "references", slowly)
            # The one whose messages are marked last comes first.
            hidings = [one.incoming(Tapped(Tap("action_hide"))) for one in reversed(visitors)]
            await app.reception.accept(hidings)
        assert await marking == len(visitors)


async def _id_of(app: App, visitor: Visitor) -> ConversationId:
    lookups = app.sealer.lookups(visitor.channel, visitor.sender)
    async with app.store.begin() as unit:
        (id_,) = (await unit.conversations.find(lookups)).values()
    return id_


async def test_two_who_count_the_same_things_in_another_order_both_finish(
    store: SqlStore,
) -> None:
    """As when two processes end the requests of several visitors at once."""
    ends = [{"level": "red"}, {"level": "grey"}]
    begun_both = asyncio.Barrier(2)

    async def end(one: dict[str, str], other: dict[str, str]) -> None:
        async with store.begin() as unit:
            await unit.figures.count("2026-W47", one)
            await begun_both.wait()
            await unit.figures.count("2026-W47", other)

    async with asyncio.timeout(4):
        await asyncio.gather(end(*ends), end(*reversed(ends)))
    async with store.begin() as unit:
        assert await unit.figures.between("2026-W47", "2026-W47") == {
            ("2026-W47", "level", "red"): 2,
            ("2026-W47", "level", "grey"): 2,
        }
