"""Messages of both directions over SQL, in one table and in the order of their ids."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage import codec
from bot.adapters.storage.dialects import per_dialect
from bot.adapters.storage.rows import DONE, STAFF, SealedRows
from bot.adapters.storage.tables import conversations, is_held, is_unfinished, messages, receipts
from bot.domain.errors import KeyUnavailableError
from bot.domain.messages import Channel, ConversationId, MessageId
from bot.ports import Arrival, Delivery, Outgoing, Sealer

_m = messages.c
_earlier = messages.alias("earlier")
_later = messages.alias("later")

_REMEMBER = per_dialect(
    lambda insert_into: (
        insert_into(receipts)
        .on_conflict_do_nothing()
        .returning(receipts.c.channel, receipts.c.external)
    )
)
_STORE = insert(messages)
_UNANSWERED = (
    select(messages)
    .where(_m.conversation_id.in_(bindparam("ids", expanding=True)), _m.incoming, is_unfinished())
    .order_by(_m.id)
)
_WITH_UNANSWERED = (
    select(_m.conversation_id)
    .join(conversations, conversations.c.id == _m.conversation_id)
    .where(
        _m.incoming,
        is_unfinished(),
        _m.at < bindparam("before"),
        conversations.c.forgetting_at.is_(None),
    )
    .group_by(_m.conversation_id)
    .order_by(func.min(_m.id))
    .limit(bindparam("limit"))
)
_SETTLE = (
    update(messages)
    .where(_m.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=DONE,
        aside=None,
        body=case((_m.id.in_(bindparam("wipe", expanding=True)), null()), else_=_m.body),
    )
)
_FIRST_IN_LINE = ~(
    select(literal_column("1"))
    .where(
        _earlier.c.conversation_id == _m.conversation_id,
        ~_earlier.c.incoming,
        is_unfinished(_earlier),
        _earlier.c.id < _m.id,
    )
    .exists()
)
# What stands before something urgent is as urgent, for that cannot go out before it.
_PRESSING = _m.urgent | (
    select(literal_column("1"))
    .where(
        _later.c.conversation_id == _m.conversation_id,
        ~_later.c.incoming,
        is_unfinished(_later),
        _later.c.id > _m.id,
        _later.c.urgent,
    )
    .exists()
)
_DUE = (
    select(messages, _PRESSING.label("pressing"), conversations.c.address)
    .join(conversations, conversations.c.id == _m.conversation_id)
    .where(
        ~_m.incoming,
        is_unfinished(),
        _m.channel == bindparam("channel"),
        _m.due_at <= bindparam("now"),
        conversations.c.forgetting_at.is_(None),
        _FIRST_IN_LINE,
    )
    .order_by(_PRESSING.desc(), _m.id)
    .limit(bindparam("limit"))
    .with_for_update(of=messages, skip_locked=True)
)
_MARK = (
    update(messages)
    .where(
        _m.id == bindparam("key"),
        _m.channel == bindparam("there"),
        _m.state != Delivery.HELD.value,
    )
    .values(
        # What was dropped on its way, and refused there, is not tried again.
        state=case(
            (
                and_(
                    _m.state == Delivery.DROPPED.value,
                    bindparam("state") == Delivery.PENDING.value,
                ),
                Delivery.DROPPED.value,
            ),
            else_=bindparam("state"),
        ),
        attempts=bindparam("attempts"),
        due_at=bindparam("due_at"),
        reference=bindparam("reference"),
    )
)
_STANDING = (
    select(_m.id, _m.channel, _m.state)
    .join(conversations, conversations.c.id == _m.conversation_id)
    .where(
        _m.id.in_(bindparam("ids", expanding=True)),
        conversations.c.forgetting_at.is_(None),
    )
)
_GIVE_UP = (
    update(messages)
    .where(_m.id.in_(bindparam("ids", expanding=True)))
    .values(state=Delivery.FAILED.value)
)
_HIDDEN = (Delivery.HELD.value, Delivery.DROPPED.value)
_REPLIES = (
    select(messages)
    .where(
        _m.conversation_id == bindparam("key"),
        ~_m.incoming,
        _m.id > bindparam("after"),
        _m.state.not_in(_HIDDEN),
    )
    .order_by(_m.id)
)
_LATEST_REPLIES = (
    select(messages)
    .where(_m.conversation_id == bindparam("key"), ~_m.incoming, _m.state.not_in(_HIDDEN))
    .order_by(_m.id.desc())
    .limit(bindparam("limit"))
)
_THREAD = (
    select(messages)
    .where(
        _m.conversation_id == bindparam("key"),
        _m.id > bindparam("after"),
        _m.body.is_not(None),
    )
    .order_by(_m.id.desc())
    .limit(bindparam("limit"))
)
_NEWEST = select(func.max(_m.id)).where(_m.conversation_id == bindparam("key"))
# One statement, so that of two who take at once only one gets a line.
_RELEASE = (
    delete(messages).where(_m.conversation_id == bindparam("key"), is_held()).returning(messages)
)
_COUNT_HELD = (
    select(_m.conversation_id, func.count())
    .where(_m.conversation_id.in_(bindparam("ids", expanding=True)), is_held())
    .group_by(_m.conversation_id)
)
_DROP = (
    update(messages)
    .where(
        _m.conversation_id == bindparam("key"),
        ~_m.incoming,
        _m.human == bindparam("by_human"),
        or_(_m.human, ~_m.urgent),
        _m.state.in_([Delivery.PENDING.value, Delivery.SENDING.value, Delivery.HELD.value]),
    )
    .values(state=Delivery.DROPPED.value)
)
# In the order in which mark() locks them.
_HOLD = select(_m.id).where(_m.conversation_id == bindparam("key")).order_by(_m.id)
_REFERENCES = (
    select(_m.id, _m.reference)
    .where(
        _m.conversation_id == bindparam("key"),
        _m.reference.is_not(None),
        _m.at >= bindparam("since"),
    )
    .order_by(_m.id)
)
_ERASE = delete(messages).where(
    _m.conversation_id == bindparam("key"),
    # A reply may be younger than the wish that came while it was being thought of.
    or_(~_m.incoming, _m.id <= bindparam("up_to")),
    _m.id.not_in(bindparam("but", expanding=True)),
)
_KNOWN = select(receipts.c.at).where(
    receipts.c.channel == STAFF, receipts.c.external == bindparam("external")
)
_FORGET_RECEIPTS = delete(receipts).where(receipts.c.at < bindparam("before"))


_GIVE = (
    update(messages)
    .where(_m.conversation_id == bindparam("key"))
    .values(
        channel=bindparam("to"),
        reference=null(),
        state=case((and_(~_m.incoming, is_unfinished()), Delivery.DROPPED.value), else_=_m.state),
    )
)
_REMOVE = delete(messages).where(_m.id.in_(bindparam("ids", expanding=True)))


class SqlMessages:
    """Messages of both directions over SQL."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer
        self._rows = SealedRows(sealer)

    # --- what came in ---

    async def accept(self, arrivals: Sequence[Arrival]) -> frozenset[MessageId]:
        """Store what was never seen: the register decides, in one statement."""
        # Of repeats within the batch the first one counts.
        by_receipt = {_receipt(a): a for a in reversed(arrivals)}
        if not by_receipt:
            return frozenset()
        # Sorted: two processes that take in the same messages must not wait for each other.
        rows = [
            {"channel": channel, "external": external, "at": codec.to_ms(a.at)}
            for (channel, external), a in sorted(by_receipt.items(), key=lambda item: item[0])
        ]
        remember = _REMEMBER[self._connection.dialect.name]
        fresh = await self._connection.execute(remember, rows)
        new = [by_receipt[row.channel, row.external] for row in fresh]
        if new:
            new.sort(key=lambda a: (a.conversation, a.id))
            await self._connection.execute(_STORE, [self._rows.of_arrival(a) for a in new])
        return frozenset(a.id for a in new)

    async def unanswered(
        self, ids: Collection[ConversationId]
    ) -> Mapping[ConversationId, Sequence[Arrival]]:
        """Return arrivals that await an answer, in order."""
        if not ids:
            return {}
        await self._sealer.load_keys(ids)
        found: dict[ConversationId, list[Arrival]] = defaultdict(list)
        for row in await self._connection.execute(_UNANSWERED, {"ids": list(ids)}):
            found[row.conversation_id].append(self._rows.arrival(row))
        return dict(found)

    async def with_unanswered(self, before: datetime, limit: int) -> Sequence[ConversationId]:
        """Return conversations with an arrival nobody answered, oldest first."""
        parameters = {"before": codec.to_ms(before), "limit": limit}
        found = await self._connection.execute(_WITH_UNANSWERED, parameters)
        return [ConversationId(id_) for id_ in found.scalars()]

    async def settle(self, answered: Sequence[Arrival], *, wipe: Collection[MessageId]) -> None:
        """Mark arrivals as answered; nothing that was only needed for the answer stays."""
        if answered:
            ids = sorted(a.id for a in answered)
            parameters = {"ids": ids, "wipe": sorted(set(ids).intersection(wipe))}
            await self._connection.execute(_SETTLE, parameters)

    # --- what goes out ---

    async def post(self, outgoing: Sequence[Outgoing]) -> None:
        """Store outgoing messages."""
        if outgoing:
            rows = sorted(outgoing, key=lambda o: (o.conversation, o.id))
            await self._connection.execute(_STORE, [self._rows.of_outgoing(o) for o in rows])

    async def due(self, channel: Channel, now: datetime, limit: int) -> Sequence[Outgoing]:
        """Return what to send now; a message waits for the one before it in its conversation.

        What does not open any more is given up, or it would hold the line for ever.
        """
        parameters = {"channel": channel.value, "now": codec.to_ms(now), "limit": limit}
        rows = (await self._connection.execute(_DUE, parameters)).all()
        await self._sealer.load_keys({row.conversation_id for row in rows})
        due: list[Outgoing] = []
        unreadable: list[int] = []
        for row in rows:
            try:
                message = self._rows.outgoing(row, row.address)
                due.append(replace(message, urgent=bool(row.pressing)))
            except KeyUnavailableError:
                unreadable.append(row.id)
        if unreadable:
            await self._connection.execute(_GIVE_UP, {"ids": unreadable})
        return due

    async def mark(self, outgoing: Sequence[Outgoing]) -> Collection[MessageId]:
        """Write where outgoing messages stand; return those that do not stand any more."""
        if not outgoing:
            return frozenset()
        await self._sealer.load_keys({o.conversation for o in outgoing})
        # Of a conversation that is being forgotten the key may be gone already.
        kept = [o for o in outgoing if self._sealer.has_key(o.conversation)]
        if kept:
            kept.sort(key=lambda o: (o.conversation, o.id))
            await self._connection.execute(_MARK, [self._rows.of_progress(o) for o in kept])
        rows = await self._connection.execute(_STANDING, {"ids": [o.id for o in kept]})
        standing = {row.id: (row.channel, row.state) for row in rows}
        return {o.id for o in outgoing if not _stands(o, *standing.get(o.id, ("", "")))}

    # --- both ---

    async def replies_after(
        self, conversation: ConversationId, after: MessageId, *, least: int = 0
    ) -> Sequence[Outgoing]:
        """Return outgoing messages after an id and at least so many, in order."""
        rows = await self._of(_REPLIES, conversation, after=after)
        if len(rows) < least:
            rows = (await self._of(_LATEST_REPLIES, conversation, limit=least))[::-1]
        return [self._rows.outgoing(row) for row in rows]

    async def thread(
        self, conversation: ConversationId, after: MessageId, limit: int
    ) -> Sequence[Arrival | Outgoing]:
        """Return the newest messages of both sides after an id, in order."""
        rows = await self._of(_THREAD, conversation, after=after, limit=limit)
        read = self._rows
        return [read.arrival(r) if r.incoming else read.outgoing(r) for r in reversed(rows)]

    async def newest(self, conversation: ConversationId) -> MessageId:
        """Return the id of the last message of either side."""
        return MessageId(await self._connection.scalar(_NEWEST, {"key": conversation}) or 0)

    async def release(self, conversation: ConversationId) -> Sequence[Outgoing]:
        """Take what is held back out of the store."""
        rows = await self._of(_RELEASE, conversation)
        return [self._rows.outgoing(row) for row in sorted(rows, key=lambda row: row.id)]

    async def held(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, int]:
        """Return how many messages are held back in each conversation."""
        if not ids:
            return {}
        rows = await self._connection.execute(_COUNT_HELD, {"ids": list(ids)})
        return {ConversationId(id_): count for id_, count in rows}

    async def drop(self, conversation: ConversationId, *, human: bool) -> int:
        """Drop what has not arrived."""
        parameters = {"key": conversation, "by_human": human}
        return int((await self._connection.execute(_DROP, parameters)).rowcount)

    async def move(self, conversation: ConversationId, channel: Channel) -> None:
        """Give all messages to another channel."""
        await self._connection.execute(_GIVE, {"key": conversation, "to": channel.value})

    async def remove(self, ids: Collection[MessageId]) -> None:
        """Delete messages by their ids."""
        if ids:
            await self._connection.execute(_REMOVE, {"ids": list(ids)})

    async def once(self, name: str, at: datetime) -> bool:
        """Remember a name in the register of seen ids."""
        row = {"channel": STAFF, "external": codec.digest(name), "at": codec.to_ms(at)}
        remember = _REMEMBER[self._connection.dialect.name]
        return bool((await self._connection.execute(remember, [row])).all())

    async def is_known(self, name: str) -> bool:
        """Tell whether once() has remembered a name."""
        found = await self._connection.scalar(_KNOWN, {"external": codec.digest(name)})
        return found is not None

    async def references(self, conversation: ConversationId, since: datetime) -> Sequence[str]:
        """Return the channel's ids of all messages since a moment, oldest first."""
        if self._connection.dialect.name != "sqlite":
            await self._connection.execute(_HOLD.with_for_update(), {"key": conversation})
        rows = await self._of(_REFERENCES, conversation, since=codec.to_ms(since))
        return [self._rows.reference(conversation, row) for row in rows]

    async def erase(
        self, conversation: ConversationId, *, up_to: MessageId, but: Collection[MessageId] = ()
    ) -> None:
        """Delete what came in up to an id, and all that went out."""
        parameters = {"key": conversation, "up_to": up_to, "but": list(but)}
        await self._connection.execute(_ERASE, parameters)

    async def forget_receipts(self, before: datetime) -> int:
        """Drop old receipts."""
        parameters = {"before": codec.to_ms(before)}
        return int((await self._connection.execute(_FORGET_RECEIPTS, parameters)).rowcount)

    async def _of(
        self, query: Any, conversation: ConversationId, **parameters: int
    ) -> Sequence[Row[Any]]:
        await self._sealer.load_keys([conversation])
        return (await self._connection.execute(query, {"key": conversation, **parameters})).all()


def _stands(marked: Outgoing, channel: str, state: str) -> bool:
    held = state == Delivery.HELD.value and marked.state is not Delivery.HELD
    return channel == marked.channel.value and not held


def _receipt(arrival: Arrival) -> tuple[str, bytes]:
    return arrival.incoming.channel.value, codec.digest(arrival.incoming.external_id)
