"""Messages of both directions in memory."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.adapters.storage.memory_data import Data
from bot.adapters.storage.rows import STAFF
from bot.domain.messages import Channel, ConversationId, MessageId, Text
from bot.ports import Arrival, Delivery, Outgoing

_UNFINISHED = (Delivery.PENDING, Delivery.SENDING)
_NOTHING = Text("")


def _is_wiped(message: Arrival | Outgoing) -> bool:
    return isinstance(message, Arrival) and message.incoming.event is _NOTHING


class MemoryMessages:
    """Messages of both directions in memory."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def accept(self, arrivals: Sequence[Arrival]) -> frozenset[MessageId]:
        """Store what was never seen; of repeats within the batch the first one counts."""
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
        """Return arrivals that await an answer, in order."""
        found: dict[ConversationId, list[Arrival]] = {}
        for _, arrival in sorted(self._data.unanswered.items()):
            if arrival.conversation in ids:
                found.setdefault(arrival.conversation, []).append(arrival)
        return found

    async def with_unanswered(self, before: datetime, limit: int) -> Sequence[ConversationId]:
        """Return conversations with an arrival nobody answered, oldest first."""
        waiting = [
            arrival.conversation
            for _, arrival in sorted(self._data.unanswered.items())
            if arrival.at < before and arrival.conversation not in self._data.forgetting
        ]
        return list(dict.fromkeys(waiting))[:limit]

    async def settle(self, answered: Sequence[Arrival], *, wipe: Collection[MessageId]) -> None:
        """Mark arrivals as answered; nothing that was only needed for the answer stays."""
        arrivals = self._data.arrivals
        for id_ in {arrival.id for arrival in answered} & arrivals.keys():
            incoming = replace(arrivals[id_].incoming, hint="", on="")
            if id_ in wipe:
                incoming = replace(incoming, event=_NOTHING)
            arrivals[id_] = replace(arrivals[id_], incoming=incoming)
            self._data.unanswered.pop(id_, None)

    async def post(self, outgoing: Sequence[Outgoing]) -> None:
        """Store outgoing messages."""
        self._data.require(o.conversation for o in outgoing)
        self._data.outgoing |= {o.id: replace(o, address="") for o in outgoing}

    async def due(self, channel: Channel, now: datetime, limit: int) -> Sequence[Outgoing]:
        """Return what to send now; a message waits for the one before it in its conversation."""
        first: dict[ConversationId, Outgoing] = {}
        pressing: set[ConversationId] = set()
        for _, message in sorted(self._data.outgoing.items()):
            if message.state in _UNFINISHED:
                first.setdefault(message.conversation, message)
                if message.urgent:
                    pressing.add(message.conversation)
        due = [
            replace(
                o,
                address=self._data.conversations[o.conversation].address,
                urgent=o.conversation in pressing,
            )
            for o in first.values()
            if o.channel is channel
            and o.due_at <= now
            and o.conversation not in self._data.forgetting
        ]
        return sorted(due, key=lambda o: (not o.urgent, o.id))[:limit]

    async def mark(self, outgoing: Sequence[Outgoing]) -> Collection[MessageId]:
        """Write where outgoing messages stand; return those that do not stand any more."""
        gone: set[MessageId] = set()
        for new in outgoing:
            old = self._data.outgoing.get(new.id)
            held = old and old.state is Delivery.HELD and new.state is not Delivery.HELD
            if old is None or old.channel is not new.channel or held:
                gone.add(new.id)
            else:
                again = old.state is Delivery.DROPPED and new.state is Delivery.PENDING
                self._data.outgoing[new.id] = replace(
                    old,
                    state=old.state if again else new.state,
                    attempts=new.attempts,
                    due_at=new.due_at,
                    reference=new.reference,
                )
                if new.conversation in self._data.forgetting:
                    gone.add(new.id)
        return gone

    async def replies_after(
        self, conversation: ConversationId, after: MessageId, *, least: int = 0
    ) -> Sequence[Outgoing]:
        """Return outgoing messages after an id and at least so many, in order."""
        replies = [
            message
            for _, message in sorted(self._data.outgoing.items())
            if message.conversation == conversation
            and message.state not in (Delivery.HELD, Delivery.DROPPED)
        ]
        new = sum(message.id > after for message in replies)
        return replies[max(0, len(replies) - max(new, least)) :]

    async def thread(
        self, conversation: ConversationId, after: MessageId, limit: int
    ) -> Sequence[Arrival | Outgoing]:
        """Return the newest messages of both sides after an id, in order."""
        both: dict[MessageId, Arrival | Outgoing] = {**self._data.arrivals, **self._data.outgoing}
        mine = [
            message
            for id_, message in sorted(both.items())
            if message.conversation == conversation and id_ > after and not _is_wiped(message)
        ]
        return mine[-limit:]

    async def newest(self, conversation: ConversationId) -> MessageId:
        """Return the id of the last message of either side."""
        both: list[Arrival | Outgoing] = [
            *self._data.arrivals.values(),
            *self._data.outgoing.values(),
        ]
        mine = [message.id for message in both if message.conversation == conversation]
        return max(mine, default=MessageId(0))

    async def release(self, conversation: ConversationId) -> Sequence[Outgoing]:
        """Take what is held back out of the store."""
        held = [
            message
            for _, message in sorted(self._data.outgoing.items())
            if message.conversation == conversation and message.state is Delivery.HELD
        ]
        for message in held:
            del self._data.outgoing[message.id]
        return held

    async def held(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, int]:
        """Return how many messages are held back in each conversation."""
        return Counter(
            message.conversation
            for message in self._data.outgoing.values()
            if message.state is Delivery.HELD and message.conversation in ids
        )

    async def drop(self, conversation: ConversationId, *, human: bool) -> int:
        """Drop what has not arrived."""
        dropped = {
            id_: replace(message, state=Delivery.DROPPED)
            for id_, message in self._data.outgoing.items()
            if message.conversation == conversation
            and message.human == human
            and (human or not message.urgent)
            and message.state in (Delivery.PENDING, Delivery.SENDING, Delivery.HELD)
        }
        self._data.outgoing |= dropped
        return len(dropped)

    async def move(self, conversation: ConversationId, channel: Channel) -> None:
        """Give all messages to another channel."""
        unsent = (Delivery.PENDING, Delivery.SENDING)
        data = self._data
        for id_, one in data.outgoing.items():
            if one.conversation == conversation:
                state = Delivery.DROPPED if one.state in unsent else one.state
                data.outgoing[id_] = replace(one, channel=channel, state=state, reference="")
        for rows in (data.arrivals, data.unanswered):
            for id_, came in rows.items():
                if came.conversation == conversation:
                    incoming = replace(came.incoming, channel=channel, reference="")
                    rows[id_] = replace(came, incoming=incoming)

    async def remove(self, ids: Collection[MessageId]) -> None:
        """Delete messages by their ids."""
        for rows in (self._data.arrivals, self._data.unanswered, self._data.outgoing):
            for id_ in ids:
                rows.pop(id_, None)

    async def once(self, name: str, at: datetime) -> bool:
        """Remember a name in the register of seen ids."""
        receipt = (STAFF, name)
        if receipt in self._data.receipts:
            return False
        self._data.receipts[receipt] = at
        return True

    async def is_known(self, name: str) -> bool:
        """Tell whether once() has remembered a name."""
        return (STAFF, name) in self._data.receipts

    async def references(self, conversation: ConversationId, since: datetime) -> Sequence[str]:
        """Return the channel's ids of all messages since a moment, oldest first."""
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
        """Delete what came in up to an id, and all that went out."""
        data = self._data
        for rows in (data.arrivals, data.unanswered, data.outgoing):
            mine = [id_ for id_, row in rows.items() if row.conversation == conversation]
            for id_ in mine:
                if (rows is data.outgoing or id_ <= up_to) and id_ not in but:
                    del rows[id_]

    async def forget_receipts(self, before: datetime) -> int:
        """Drop old receipts."""
        kept = {receipt: at for receipt, at in self._data.receipts.items() if at >= before}
        dropped = len(self._data.receipts) - len(kept)
        self._data.receipts = kept
        return dropped
