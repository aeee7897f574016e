"""Conversations over SQL.

On PostgreSQL rows are always locked in the order of their ids, so that no two transactions wait for
each other; SQLite has one writer at a time and ignores FOR UPDATE.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage import codec
from bot.adapters.storage.rows import SealedRows
from bot.adapters.storage.tables import conversations, handovers, is_open
from bot.domain.conversation import Conversation
from bot.domain.errors import StoreUnavailableError
from bot.domain.handover import State
from bot.domain.messages import Channel, ConversationId
from bot.ports import Lookup, Sealer

_c = conversations.c
_THESE = _c.id.in_(bindparam("ids", expanding=True))
_ALIVE = _c.forgetting_at.is_(None)

# The shared lock keeps a conversation from being forgotten between finding it and storing in it.
_FIND = (
    select(_c.lookup, _c.id)
    .where(_c.lookup.in_(bindparam("lookups", expanding=True)))
    .order_by(_c.id)
    .with_for_update(read=True, key_share=True)
)


def _locked(query: Select[Any]) -> Select[Any]:
    """Lock what no other transaction holds; messages may be stored in it all the same."""
    return query.order_by(_c.id).with_for_update(key_share=True, skip_locked=True)


_EVERY = select(conversations).where(_THESE)
_LOAD = {
    # (lock, forgetting): query
    (False, False): _EVERY.where(_ALIVE),
    (False, True): _EVERY,
    (True, False): _locked(_EVERY.where(_ALIVE)),
    (True, True): _locked(_EVERY),
}
_SAVE = (
    update(conversations)
    .where(_c.id == bindparam("key"), _c.version == bindparam("read"))
    .values(
        memory=bindparam("memory"),
        version=bindparam("version"),
        last_seen_at=bindparam("last_seen_at"),
    )
)
_REKEY = update(conversations).where(_c.id == bindparam("key")).values(lookup=bindparam("lookup"))
_LOOKUP = select(_c.lookup).where(_c.id == bindparam("key"))
_MOVE = (
    update(conversations)
    .where(_c.id == bindparam("key"))
    .values(lookup=bindparam("lookup"), channel=bindparam("channel"), address=bindparam("address"))
)
_HOLD = select(_c.id).where(_THESE).order_by(_c.id).with_for_update()
_WAITING = (
    select(literal_column("1"))
    .where(
        handovers.c.conversation_id == _c.id,
        is_open(),
        handovers.c.state != State.OFFERED.value,
    )
    .exists()
)
_IDLE = (
    select(_c.id)
    .where(_c.last_seen_at < bindparam("before"), _ALIVE)
    .order_by(_c.last_seen_at)
    .limit(bindparam("limit"))
)
_OLD = (
    select(_c.id)
    .where(_c.created_at < bindparam("before"))
    .order_by(_c.created_at)
    .limit(bindparam("limit"))
)
_FORGETTING = select(_c.id).where(_c.forgetting_at.is_not(None)).order_by(_c.forgetting_at)
_BEGIN_FORGETTING = (
    update(conversations).where(_THESE).values(forgetting_at=bindparam("at"), lookup=None)
)
_ERASE = delete(conversations).where(_THESE)
_STORED = select(_c.id).where(_THESE)
_COUNT = select(func.count()).select_from(conversations)


class SqlConversations:
    """Conversations over SQL."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer
        self._rows = SealedRows(sealer)

    async def find(self, lookups: Collection[Lookup]) -> Mapping[Lookup, ConversationId]:
        """Return the conversations known under these hashes."""
        if not lookups:
            return {}
        rows = await self._connection.execute(_FIND, {"lookups": list(lookups)})
        return {Lookup(row.lookup): ConversationId(row.id) for row in rows}

    async def unknown(self, ids: Collection[ConversationId]) -> Collection[ConversationId]:
        """Return the ids no conversation is stored under."""
        if not ids:
            return frozenset()
        return set(ids).difference(await self._ids(_STORED, ids=list(ids)))

    async def add(self, new: Mapping[Lookup, Conversation]) -> None:
        """Store new conversations."""
        if new:
            rows = [self._rows.of_conversation(lookup, new[lookup]) for lookup in sorted(new)]
            await self._connection.execute(insert(conversations), rows)

    async def rekey(self, lookups: Mapping[ConversationId, Lookup]) -> None:
        """Store conversations under a new hash."""
        if lookups:
            rows = [{"key": id_, "lookup": lookups[id_]} for id_ in sorted(lookups)]
            await self._connection.execute(_REKEY, rows)

    async def move(self, begun: ConversationId, to: Conversation, at: datetime) -> None:
        """Let a conversation be found where the one just begun was."""
        lookup = await self._connection.scalar(_LOOKUP, {"key": begun})
        await self.begin_forgetting([begun], at)
        row = {**self._rows.of_place(to), "lookup": lookup}
        await self._connection.execute(_MOVE, row)

    async def load(
        self, ids: Collection[ConversationId], *, lock: bool = False, forgetting: bool = False
    ) -> Mapping[ConversationId, Conversation]:
        """Read conversations; without their key they count as forgotten."""
        if not ids:
            return {}
        query = _LOAD[lock, forgetting]
        await self._sealer.load_keys(ids)
        rows = await self._connection.execute(query, {"ids": list(ids)})
        has_key = self._sealer.has_key
        return {row.id: self._rows.conversation(row) for row in rows if has_key(row.id)}

    async def save(self, changed: Sequence[Conversation]) -> None:
        """Write memory and last_seen_at; count the version up."""
        if not changed:
            return
        rows = [self._rows.of_change(c) for c in sorted(changed, key=lambda c: c.id)]
        result = await self._connection.execute(_SAVE, rows)
        if result.rowcount != len(rows):
            raise StoreUnavailableError("a conversation has changed since it was read")

    async def idle_since(
        self,
        before: datetime,
        limit: int,
        channel: Channel | None = None,
        *,
        waiting: bool = False,
    ) -> Sequence[ConversationId]:
        """Return idle conversations, oldest first; those somebody waits in if asked for."""
        query = _IDLE if channel is None else _IDLE.where(_c.channel == channel.value)
        query = query if waiting else query.where(~_WAITING)
        return await self._ids(query, before=codec.to_ms(before), limit=limit)

    async def older_than(self, before: datetime, limit: int) -> Sequence[ConversationId]:
        """Return conversations created before a moment, oldest first."""
        return await self._ids(_OLD, before=codec.to_ms(before), limit=limit)

    async def count(self) -> int:
        """Return how many conversations are stored."""
        return int(await self._connection.scalar(_COUNT) or 0)

    async def begin_forgetting(self, ids: Collection[ConversationId], at: datetime) -> None:
        """Mark conversations as being forgotten; nobody is recognised as theirs any more."""
        if ids:
            await self._hold(ids)
            parameters = {"ids": list(ids), "at": codec.to_ms(at)}
            await self._connection.execute(_BEGIN_FORGETTING, parameters)

    async def forgetting(self) -> Sequence[ConversationId]:
        """Return conversations whose forgetting has begun, oldest first."""
        return await self._ids(_FORGETTING)

    async def erase(self, ids: Collection[ConversationId]) -> None:
        """Delete the conversations; rows that belong to them go by cascade."""
        if ids:
            await self._hold(ids)
            await self._connection.execute(_ERASE, {"ids": list(ids)})

    async def _ids(self, query: Select[Any], **parameters: object) -> Sequence[ConversationId]:
        found = await self._connection.execute(query, parameters)
        return [ConversationId(id_) for id_ in found.scalars()]

    async def _hold(self, ids: Collection[ConversationId]) -> None:
        if self._connection.dialect.name != "sqlite":
            await self._connection.execute(_HOLD, {"ids": list(ids)})
