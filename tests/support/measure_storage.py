"""Measures the store: how many turns a second, in batches of 32, from arrival to stored reply.

    python -m tests.support.measure_storage [--url postgresql:///…] [--batches 100] [--new]

Without --url it uses SQLite in a temporary folder, with every commit durable. --new lets every
message come from somebody new, which adds a conversation and a key to each turn.
"""

import argparse
import asyncio
import itertools
import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.adapters.sealing import KeyRing
from bot.adapters.storage import SqlStore
from bot.domain.conversation import Conversation
from bot.domain.messages import Channel, ConversationId, Incoming, MessageId, Reply, Text
from bot.ports import Arrival, Delivery, Outgoing
from tests.support.stores import NOW, sqlite_url

BATCH = 32
VISITORS = 10 * BATCH

_ids = itertools.count(time.time_ns())


async def turn(store: SqlStore, ring: KeyRing, senders: Sequence[str]) -> None:
    """Take in one message of each sender and store a reply, in the three steps of the use cases."""
    home = await accept(store, ring, senders)
    async with store.begin() as unit:
        await unit.conversations.load(home)
        waiting = await unit.messages.unanswered(home)
        await unit.handovers.open_for(home)
    async with store.begin() as unit:
        loaded = await unit.conversations.load(home, lock=True)
        await unit.conversations.save(
            [replace(c, memory=replace(c.memory, screen="utter_help")) for c in loaded.values()]
        )
        await unit.messages.settle([a for some in waiting.values() for a in some], wipe=())
        await unit.messages.post([reply(id_) for id_ in home])


async def accept(
    store: SqlStore, ring: KeyRing, senders: Sequence[str]
) -> Sequence[ConversationId]:
    """Store a message of each sender; return their conversations."""
    async with store.begin() as unit:
        lookups = {sender: ring.lookups(Channel.TELEGRAM, sender)[0] for sender in senders}
        known = await unit.conversations.find(lookups.values())
        await ring.load_keys(known.values())
        new = {
            lookup: Conversation(
                ConversationId(secrets.token_hex(16)), Channel.TELEGRAM, NOW, NOW, address="12345"
            )
            for lookup in lookups.values()
            if lookup not in known
        }
        await ring.create_keys([c.id for c in new.values()])
        await unit.conversations.add(new)
        home = [known.get(hash_) or new[hash_].id for hash_ in lookups.values()]
        await unit.messages.accept([arrival(id_) for id_ in home])
    return home


def arrival(conversation: ConversationId) -> Arrival:
    """Return a message as it comes in."""
    number = MessageId(next(_ids))
    text = Text("I need help, my boss has my passport")
    incoming = Incoming(Channel.TELEGRAM, str(number), "", text, reference="77", hint="da")
    return Arrival(number, conversation, incoming, NOW)


def reply(conversation: ConversationId) -> Outgoing:
    """Return a reply that needs no delivery."""
    number, body = MessageId(next(_ids)), Reply("utter_help", "da")
    return Outgoing(number, conversation, Channel.TELEGRAM, body, NOW, NOW, state=Delivery.SENT)


async def measure(url: str, batches: int, *, new: bool) -> None:
    """Warm up with ten batches, then measure."""
    with tempfile.TemporaryDirectory() as folder:
        ring = KeyRing.open(Path(folder) / "keys")
        store = await SqlStore.open(url or sqlite_url(Path(folder)), ring)
        statements = 0

        @event.listens_for(store._engine.sync_engine, "before_cursor_execute")
        def count(*_: Any) -> None:
            nonlocal statements
            statements += 1

        everyone = [secrets.token_hex(8) for _ in range(VISITORS)]
        groups = [everyone[n : n + BATCH] for n in range(0, VISITORS, BATCH)]
        for group in groups:
            await turn(store, ring, group)
        statements, began, cpu = 0, time.perf_counter(), time.process_time()
        for number in range(batches):
            group = groups[number % len(groups)]
            await turn(store, ring, [secrets.token_hex(8) for _ in group] if new else group)
        took, busy = time.perf_counter() - began, time.process_time() - cpu
        print(
            f"{batches * BATCH / took:.0f} turns/s; a batch of {BATCH} takes "
            f"{took / batches * 1e3:.1f} ms, {busy / batches * 1e3:.1f} ms of processor and "
            f"{statements / batches:.0f} statements"
        )
        await store.close()
        ring.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--new", action="store_true")
    given = parser.parse_args()
    asyncio.run(measure(given.url, given.batches, new=given.new))
