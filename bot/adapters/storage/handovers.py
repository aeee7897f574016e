"""Handovers over SQL."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage import codec
from bot.adapters.storage.dialects import per_dialect
from bot.adapters.storage.rows import SealedRows
from bot.adapters.storage.tables import handovers, is_open
from bot.domain import queue
from bot.domain.errors import ChangedError
from bot.domain.handover import Handover, State
from bot.domain.messages import ConversationId
from bot.ports import Sealer

_h = handovers.c

_OPEN = select(handovers).where(_h.conversation_id.in_(bindparam("ids", expanding=True)), is_open())
_BEGIN = per_dialect(
    lambda insert_into: insert_into(handovers).on_conflict_do_nothing().returning(_h.id)
)
_WAITING = select(_h.conversation_id, _h.level, _h.asked_at, _h.offered_at).where(
    _h.state == State.WAITING.value
)
_ONE = select(handovers).where(_h.id == bindparam("key"))
_EVERY_OPEN = select(handovers).where(is_open()).order_by(_h.id)
_RENEW = (
    update(handovers)
    .where(
        _h.id == bindparam("key"),
        _h.owner == bindparam("holder"),
        _h.state == State.ACTIVE.value,
    )
    .values(lease_until=bindparam("until"))
)


class SqlHandovers:
    """Handovers over SQL."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer
        self._rows = SealedRows(sealer)

    async def open_for(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Handover]:
        """Return the open handover of each conversation that has one and can be read."""
        if not ids:
            return {}
        rows = (await self._connection.execute(_OPEN, {"ids": list(ids)})).all()
        await self._sealer.load_keys({row.conversation_id for row in rows})
        has_key = self._sealer.has_key
        return {
            row.conversation_id: self._rows.handover(row)
            for row in rows
            if has_key(row.conversation_id)
        }

    async def save(self, handover: Handover) -> Handover:
        """Insert or update under the version read."""
        row = self._rows.of_handover(handover)
        if handover.id is None:
            begin = _BEGIN[self._connection.dialect.name]
            id_ = await self._connection.scalar(begin, row)
            if id_ is None:
                raise ChangedError("another handover of the conversation is open")
            return replace(handover, id=id_, version=handover.version + 1)
        change = (
            update(handovers)
            .where(_h.id == handover.id, _h.version == handover.version)
            .values(**row)
        )
        if (await self._connection.execute(change)).rowcount != 1:
            raise ChangedError("the handover has changed since it was read")
        return replace(handover, version=handover.version + 1)

    async def get(self, handover: int) -> Handover | None:
        """Return a handover by its number."""
        found = await self._read(_ONE, {"key": handover})
        return found[0] if found else None

    async def every_open(self) -> Sequence[Handover]:
        """Return all open handovers that can be read, oldest first."""
        return await self._read(_EVERY_OPEN, {})

    async def renew(self, handover: Handover) -> None:
        """Write only the lease."""
        until = handover.lease_until
        parameters = {
            "key": handover.id,
            "holder": handover.owner,
            "until": None if until is None else codec.to_ms(until),
        }
        await self._connection.execute(_RENEW, parameters)

    async def _read(self, query: Select[Any], parameters: Mapping[str, Any]) -> list[Handover]:
        rows = (await self._connection.execute(query, parameters)).all()
        await self._sealer.load_keys({row.conversation_id for row in rows})
        has_key = self._sealer.has_key
        return [self._rows.handover(row) for row in rows if has_key(row.conversation_id)]

    async def waiting_ahead(self, asking: Sequence[Handover]) -> Sequence[int]:
        """Return for each how many others wait and come first."""
        if not asking:
            return []
        # All at once: a crowd that looks at the queue would otherwise be counted one by one.
        rows = (await self._connection.execute(_WAITING)).all()
        places = {one.conversation_id: (-one.level, one.asked_at or one.offered_at) for one in rows}
        in_order = sorted(places.values())
        ahead = []
        for one in asking:
            level, since = queue.place(one)
            mine = (level, codec.to_ms(since))
            itself = places.get(one.conversation, mine) < mine
            ahead.append(bisect_left(in_order, mine) - itself)
        return ahead
