"""The store in memory, to try Havn out and for tests. It keeps every promise but durability."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from bot.adapters.storage.unit_of_work import Unit
from bot.domain.conversation import Conversation
from bot.domain.errors import StoreUnavailableError
from bot.domain.handover import Handover, State
from bot.domain.messages import Channel, ConversationId, MessageId
from bot.ports import Arrival, Delivery, Lookup, Outgoing, Timer, UnitOfWork

_UNFINISHED = (Delivery.PENDING, Delivery.SENDING)

Key = TypeVar("Key")
Row = TypeVar("Row", Arrival, Outgoing, Handover, Timer)


@dataclass(slots=True)
class _Data:
    """Everything that is stored. The values never change, so a shallow copy is a whole one."""

    conversations: dict[ConversationId, Conversation] = field(default_factory=dict)
    lookups: dict[Lookup, ConversationId] = field(default_factory=dict)
    forgetting: dict[ConversationId, datetime] = field(default_factory=dict)
    receipts: dict[tuple[Channel, str], datetime] = field(default_factory=dict)
    arrivals: dict[MessageId, Arrival] = field(default_factory=dict)
    unanswered: dict[MessageId, Arrival] = field(default_factory=dict)
    outgoing: dict[MessageId, Outgoing] = field(default_factory=dict)
    handovers: dict[int, Handover] = field(default_factory=dict)
    timers: dict[tuple[ConversationId, str], Timer] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    last_handover: int = 0

    def draft(self) -> "_Data":
        """Return a copy to work on."""
        own: dict[str, Any] = {f.name: copy(getattr(self, f.name)) for f in fields(self)}
        return _Data(**own)

    def require(self, ids: Iterable[ConversationId]) -> None:
        """Refuse rows of a conversation that is not there."""
        if not self.conversations.keys() >= set(ids):
            raise StoreUnavailableError("there is no such conversation")


class MemoryStore:
    """The Store of a process that keeps nothing."""

    def __init__(self) -> None:
        self._data = _Data()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Work on a copy, and put it in place at the end of the block."""
        async with self._turn:
            data = self._data.draft()
            yield Unit(
                _Conversations(data),
                _Messages(data),
                _Handovers(data),
                _Timers(data),
                _Marks(data),
            )
            self._data = data

    async def scrub(self) -> None:
        """Do nothing: there is no file."""

    async def check(self) -> None:
        """Do nothing: memory can be written to."""

    async def close(self) -> None:
        """Let go of everything."""
        self._data = _Data()


class _Conversations:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def find(self, lookups: Collection[Lookup]) -> Mapping[Lookup, ConversationId]:
        known = self._data.lookups
        return {lookup: known[lookup] for lookup in lookups if lookup in known}

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
        self, before: datetime, limit: int, channel: Channel | None = None
    ) -> Sequence[ConversationId]:
        waiting = {
            h.conversation
            for h in self._data.handovers.values()
            if h.state not in (State.OFFERED, State.CLOSED)
        }
        idle = [
            c
            for c in self._data.conversations.values()
            if c.last_seen_at < before
            and c.id not in waiting
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
        data.arrivals = _without(data.arrivals, gone)
        data.unanswered = _without(data.unanswered, gone)
        data.outgoing = _without(data.outgoing, gone)
        data.handovers = _without(data.handovers, gone)
        data.timers = _without(data.timers, gone)

    def _unlist(self, ids: Collection[ConversationId]) -> None:
        """Let nobody be recognised as theirs."""
        known = self._data.lookups
        self._data.lookups = {lookup: id_ for lookup, id_ in known.items() if id_ not in ids}


class _Messages:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def accept(self, arrivals: Sequence[Arrival]) -> frozenset[MessageId]:
        data = self._data
        new: dict[MessageId, Arrival] = {}
        for arrival in arrivals:
            incoming = arrival.incoming
            receipt = (incoming.channel, incoming.external_id)
            if receipt not in data.receipts:
                data.receipts[receipt] = arrival.at
                bare = replace(incoming, external_id="", sender="", address="")
                new[arrival.id] = replace(arrival, incoming=bare)
        data.require(a.conversation for a in new.values())
        data.arrivals |= new
        data.unanswered |= new
        return frozenset(new)

    async def unanswered(
        self, ids: Collection[ConversationId]
    ) -> Mapping[ConversationId, Sequence[Arrival]]:
        found: dict[ConversationId, list[Arrival]] = {}
        for _, arrival in sorted(self._data.unanswered.items()):
            if arrival.conversation in ids:
                found.setdefault(arrival.conversation, []).append(arrival)
        return found

    async def with_unanswered(self, before: datetime, limit: int) -> Sequence[ConversationId]:
        waiting = [
            arrival.conversation
            for _, arrival in sorted(self._data.unanswered.items())
            if arrival.at < before and arrival.conversation not in self._data.forgetting
        ]
        return list(dict.fromkeys(waiting))[:limit]

    async def settle(self, answered: Sequence[Arrival], *, wipe: Collection[MessageId]) -> None:
        del wipe  # nothing is kept of an answered message but its reference
        for arrival in answered:
            self._data.unanswered.pop(arrival.id, None)

    async def post(self, outgoing: Sequence[Outgoing]) -> None:
        self._data.require(o.conversation for o in outgoing)
        self._data.outgoing |= {o.id: replace(o, address="") for o in outgoing}

    async def due(self, channel: Channel, now: datetime, limit: int) -> Sequence[Outgoing]:
        first: dict[ConversationId, Outgoing] = {}
        for _, message in sorted(self._data.outgoing.items()):
            if message.state in _UNFINISHED:
                first.setdefault(message.conversation, message)
        due = [
            replace(o, address=self._data.conversations[o.conversation].address)
            for o in first.values()
            if o.channel is channel
            and o.due_at <= now
            and o.conversation not in self._data.forgetting
        ]
        return sorted(due, key=lambda o: (not o.urgent, o.id))[:limit]

    async def mark(self, outgoing: Sequence[Outgoing]) -> None:
        for new in outgoing:
            if old := self._data.outgoing.get(new.id):
                self._data.outgoing[new.id] = replace(
                    old,
                    state=new.state,
                    attempts=new.attempts,
                    due_at=new.due_at,
                    reference=new.reference,
                )

    async def replies_after(
        self, conversation: ConversationId, after: MessageId
    ) -> Sequence[Outgoing]:
        return [
            message
            for id_, message in sorted(self._data.outgoing.items())
            if message.conversation == conversation and id_ > after
        ]

    async def references(self, conversation: ConversationId, since: datetime) -> Sequence[str]:
        known = {id_: (a, a.incoming.reference) for id_, a in self._data.arrivals.items()}
        sent = {id_: (o, o.reference) for id_, o in self._data.outgoing.items()}
        return [
            reference
            for _, (message, reference) in sorted((known | sent).items())
            if message.conversation == conversation and message.at >= since and reference
        ]

    async def erase(
        self, conversation: ConversationId, *, up_to: MessageId, but: Collection[MessageId] = ()
    ) -> None:
        data = self._data
        for rows in (data.arrivals, data.unanswered, data.outgoing):
            mine = [id_ for id_, row in rows.items() if row.conversation == conversation]
            for id_ in mine:
                if id_ <= up_to and id_ not in but:
                    del rows[id_]

    async def forget_receipts(self, before: datetime) -> int:
        kept = {receipt: at for receipt, at in self._data.receipts.items() if at >= before}
        dropped = len(self._data.receipts) - len(kept)
        self._data.receipts = kept
        return dropped


class _Handovers:
    def __init__(self, data: _Data) -> None:
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
                raise StoreUnavailableError("another handover of the conversation is open")
            data.last_handover += 1
            handover = replace(handover, id=data.last_handover)
        elif data.handovers[handover.id].version != handover.version:
            raise StoreUnavailableError("the handover has changed since it was read")
        saved = replace(handover, version=handover.version + 1)
        data.handovers[saved.id or 0] = saved
        return saved

    async def waiting_ahead(self, handover: Handover) -> int:
        mine = _place(handover)
        return sum(
            _place(other) < mine
            for other in self._data.handovers.values()
            if other.state is State.WAITING and other.conversation != handover.conversation
        )


class _Timers:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def set(self, timer: Timer) -> None:
        self._data.require([timer.conversation])
        self._data.timers[timer.conversation, timer.kind] = timer

    async def cancel(self, conversation: ConversationId, kind: str) -> None:
        self._data.timers.pop((conversation, kind), None)

    async def due(self, now: datetime, limit: int) -> Sequence[Timer]:
        due = [timer for timer in self._data.timers.values() if timer.due_at <= now]
        return sorted(due, key=lambda timer: (timer.due_at, timer.conversation))[:limit]


class _Marks:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def get(self, name: str) -> int | None:
        return self._data.marks.get(name)

    async def set(self, name: str, value: int) -> None:
        self._data.marks[name] = value


def _without(rows: dict[Key, Row], gone: Collection[ConversationId]) -> dict[Key, Row]:
    """Return the rows of all other conversations."""
    return {key: row for key, row in rows.items() if row.conversation not in gone}


def _place(handover: Handover) -> tuple[int, datetime]:
    return -int(handover.level), handover.asked_at or handover.offered_at
