"""The store in memory, to try Havn out and for tests. It keeps every promise but durability."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from bot.adapters.storage.memory_content import MemoryContents
from bot.adapters.storage.memory_data import Data, without
from bot.adapters.storage.memory_desk import MemoryFigures, MemoryNotes, MemoryShifts
from bot.adapters.storage.memory_messages import MemoryMessages
from bot.adapters.storage.memory_staff import (
    MemoryAudit,
    MemorySessions,
    MemoryStaff,
    MemorySubscriptions,
)
from bot.adapters.storage.unit_of_work import Unit
from bot.domain import queue
from bot.domain.conversation import Conversation
from bot.domain.errors import ChangedError, StoreUnavailableError
from bot.domain.handover import Handover, State
from bot.domain.messages import Channel, ConversationId
from bot.ports import Lookup, Timer, UnitOfWork
from bot.staff_ports import Vault


class MemoryStore:
    """The Store of a process that keeps nothing."""

    def __init__(self, vault: Vault) -> None:
        self._data = Data()
        self._vault = vault
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Work on a copy, and put it in place at the end of the block."""
        async with self._turn:
            data = self._data.draft()
            audit = MemoryAudit(data, await self._vault.chain_key())
            yield Unit(
                _Conversations(data),
                MemoryMessages(data),
                _Handovers(data),
                MemoryNotes(data),
                MemoryShifts(data),
                MemoryFigures(data),
                _Timers(data),
                _ReturnCodes(data),
                _Marks(data),
                MemoryStaff(data),
                MemorySessions(data),
                MemorySubscriptions(data),
                audit,
                MemoryContents(data),
            )
            self._data = data
            await self._vault.advance_chain(audit.next)

    async def scrub(self) -> None:
        """Do nothing: there is no file."""

    async def check(self) -> None:
        """Do nothing: memory can be written to."""

    async def close(self) -> None:
        """Let go of everything."""
        self._data = Data()


class _Conversations:
    def __init__(self, data: Data) -> None:
        self._data = data

    async def find(self, lookups: Collection[Lookup]) -> Mapping[Lookup, ConversationId]:
        known = self._data.lookups
        return {lookup: known[lookup] for lookup in lookups if lookup in known}

    async def unknown(self, ids: Collection[ConversationId]) -> Collection[ConversationId]:
        """Return the ids no conversation is stored under."""
        return set(ids).difference(self._data.conversations)

    async def add(self, new: Mapping[Lookup, Conversation]) -> None:
        ids = {c.id for c in new.values()}
        if new.keys() & self._data.lookups.keys() or ids & self._data.conversations.keys():
            raise StoreUnavailableError("the conversation is there already")
        for lookup, conversation in new.items():
            self._data.lookups[lookup] = conversation.id
            self._data.conversations[conversation.id] = conversation

    async def rekey(self, lookups: Mapping[ConversationId, Lookup]) -> None:
        self._unlist(lookups)
        self._data.lookups.update({lookup: id_ for id_, lookup in lookups.items()})

    async def move(self, begun: ConversationId, to: Conversation, at: datetime) -> None:
        known = self._data.lookups
        lookup = next(key for key, id_ in known.items() if id_ == begun)
        await self.begin_forgetting([begun], at)
        await self.rekey({to.id: lookup})
        stored = self._data.conversations
        stored[to.id] = replace(stored[to.id], channel=to.channel, address=to.address)

    async def load(
        self, ids: Collection[ConversationId], *, lock: bool = False, forgetting: bool = False
    ) -> Mapping[ConversationId, Conversation]:
        del lock  # one transaction at a time: every row is free
        hidden = () if forgetting else self._data.forgetting
        stored = self._data.conversations
        return {id_: stored[id_] for id_ in ids if id_ in stored and id_ not in hidden}

    async def save(self, conversations: Sequence[Conversation]) -> None:
        stored = self._data.conversations
        for new in conversations:
            if new.id not in stored or stored[new.id].version != new.version:
                raise StoreUnavailableError("a conversation has changed since it was read")
            stored[new.id] = replace(
                stored[new.id],
                memory=new.memory,
                last_seen_at=new.last_seen_at,
                version=new.version + 1,
            )

    async def idle_since(
        self,
        before: datetime,
        limit: int,
        channel: Channel | None = None,
        *,
        waiting: bool = False,
    ) -> Sequence[ConversationId]:
        awaited = {
            h.conversation
            for h in self._data.handovers.values()
            if h.state not in (State.OFFERED, State.CLOSED)
        }
        idle = [
            c
            for c in self._data.conversations.values()
            if c.last_seen_at < before
            and (waiting or c.id not in awaited)
            and c.id not in self._data.forgetting
            and channel in (None, c.channel)
        ]
        return [c.id for c in sorted(idle, key=lambda c: c.last_seen_at)[:limit]]

    async def older_than(self, before: datetime, limit: int) -> Sequence[ConversationId]:
        old = [c for c in self._data.conversations.values() if c.created_at < before]
        return [c.id for c in sorted(old, key=lambda c: c.created_at)[:limit]]

    async def count(self) -> int:
        return len(self._data.conversations)

    async def begin_forgetting(self, ids: Collection[ConversationId], at: datetime) -> None:
        self._unlist(ids)
        stored = self._data.conversations
        self._data.forgetting.update({id_: at for id_ in ids if id_ in stored})

    async def forgetting(self) -> Sequence[ConversationId]:
        begun = self._data.forgetting
        return sorted(begun, key=lambda id_: begun[id_])

    async def erase(self, ids: Collection[ConversationId]) -> None:
        self._unlist(ids)
        data, gone = self._data, set(ids)
        for id_ in gone:
            data.conversations.pop(id_, None)
            data.forgetting.pop(id_, None)
            data.audit_aliases.pop(id_, None)
        data.arrivals = without(data.arrivals, gone)
        data.unanswered = without(data.unanswered, gone)
        data.outgoing = without(data.outgoing, gone)
        data.handovers = without(data.handovers, gone)
        data.notes = without(data.notes, gone)
        data.drafts = {key: text for key, text in data.drafts.items() if key[0] not in gone}
        data.timers = without(data.timers, gone)
        codes = data.return_codes
        data.return_codes = {key: id_ for key, id_ in codes.items() if id_ not in gone}

    def _unlist(self, ids: Collection[ConversationId]) -> None:
        """Let nobody be recognised as theirs."""
        known = self._data.lookups
        self._data.lookups = {lookup: id_ for lookup, id_ in known.items() if id_ not in ids}


class _Handovers:
    def __init__(self, data: Data) -> None:
        self._data = data

    async def open_for(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Handover]:
        return {
            h.conversation: h
            for h in self._data.handovers.values()
            if h.conversation in ids and h.state is not State.CLOSED
        }

    async def save(self, handover: Handover) -> Handover:
        data = self._data
        data.require([handover.conversation])
        if handover.id is None:
            if handover.conversation in await self.open_for([handover.conversation]):
                raise ChangedError("another handover of the conversation is open")
            data.last_handover += 1
            handover = replace(handover, id=data.last_handover)
        elif (
            handover.id not in data.handovers
            or data.handovers[handover.id].version != handover.version
        ):
            raise ChangedError("the handover has changed since it was read")
        saved = replace(handover, version=handover.version + 1)
        data.handovers[saved.id or 0] = saved
        return saved

    async def get(self, handover: int) -> Handover | None:
        return self._data.handovers.get(handover)

    async def every_open(self) -> Sequence[Handover]:
        stored = self._data.handovers
        return [h for _, h in sorted(stored.items()) if h.state is not State.CLOSED]

    async def renew(self, handover: Handover) -> None:
        stored = self._data.handovers.get(handover.id or 0)
        if stored and stored.state is State.ACTIVE and stored.owner == handover.owner:
            renewed = replace(stored, lease_until=handover.lease_until)
            self._data.handovers[stored.id or 0] = renewed

    async def waiting_ahead(self, asking: Sequence[Handover]) -> Sequence[int]:
        waiting = [one for one in self._data.handovers.values() if one.state is State.WAITING]
        return [
            sum(
                queue.place(other) < queue.place(mine)
                for other in waiting
                if other.conversation != mine.conversation
            )
            for mine in asking
        ]


class _Timers:
    def __init__(self, data: Data) -> None:
        self._data = data

    async def set(self, timer: Timer) -> None:
        self._data.require([timer.conversation])
        self._data.timers[timer.conversation, timer.kind] = timer

    async def cancel(self, conversation: ConversationId, kind: str) -> None:
        self._data.timers.pop((conversation, kind), None)

    async def take(self, timer: Timer) -> bool:
        stored = self._data.timers.get((timer.conversation, timer.kind))
        if stored is None or stored.due_at > timer.due_at:
            return False
        await self.cancel(timer.conversation, timer.kind)
        return True

    async def due(self, now: datetime, limit: int) -> Sequence[Timer]:
        due = [timer for timer in self._data.timers.values() if timer.due_at <= now]
        return sorted(due, key=lambda timer: (timer.due_at, timer.conversation))[:limit]


class _ReturnCodes:
    def __init__(self, data: Data) -> None:
        self._data = data

    async def set(self, conversation: ConversationId, hashed: bytes) -> None:
        self._data.require([conversation])
        await self.spend(conversation)
        self._data.return_codes[hashed] = conversation

    async def find(self, hashes: Collection[bytes]) -> ConversationId | None:
        codes = self._data.return_codes
        return next((codes[one] for one in hashes if one in codes), None)

    async def spend(self, conversation: ConversationId) -> None:
        codes = self._data.return_codes
        self._data.return_codes = {k: id_ for k, id_ in codes.items() if id_ != conversation}


class _Marks:
    def __init__(self, data: Data) -> None:
        self._data = data

    async def get(self, name: str) -> int | None:
        return self._data.marks.get(name)

    async def set(self, name: str, value: int) -> None:
        self._data.marks[name] = value
