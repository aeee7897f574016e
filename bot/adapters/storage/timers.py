"""Timers and marks over SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage import codec
from bot.adapters.storage.dialects import Insert, per_dialect
from bot.adapters.storage.tables import marks, timers
from bot.domain.messages import ConversationId
from bot.ports import Timer


def _set_timer(insert_into: Insert) -> Any:
    row = insert_into(timers)
    return row.on_conflict_do_update(
        index_elements=[timers.c.conversation_id, timers.c.kind],
        set_={"due_at": row.excluded.due_at},
    )


def _set_mark(insert_into: Insert) -> Any:
    row = insert_into(marks)
    return row.on_conflict_do_update(
        index_elements=[marks.c.name], set_={"value": row.excluded.value}
    )


_SET_TIMER = per_dialect(_set_timer)
_CANCEL = delete(timers).where(
    timers.c.conversation_id == bindparam("key"), timers.c.kind == bindparam("what")
)
_TAKE = _CANCEL.where(timers.c.due_at <= bindparam("due_at"))
_DUE = (
    select(timers)
    .where(timers.c.due_at <= bindparam("now"))
    .order_by(timers.c.due_at, timers.c.conversation_id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_SET_MARK = per_dialect(_set_mark)
_MARK = select(marks.c.value).where(marks.c.name == bindparam("mark"))


class SqlTimers:
    """Timers over SQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def set(self, timer: Timer) -> None:
        """Store a timer, replacing the one of its kind."""
        row = {
            "conversation_id": timer.conversation,
            "kind": timer.kind,
            "due_at": codec.to_ms(timer.due_at),
        }
        await self._connection.execute(_SET_TIMER[self._connection.dialect.name], row)

    async def cancel(self, conversation: ConversationId, kind: str) -> None:
        """Remove a timer."""
        await self._connection.execute(_CANCEL, {"key": conversation, "what": kind})

    async def take(self, timer: Timer) -> bool:
        """Remove a timer unless it was set anew."""
        parameters = {
            "key": timer.conversation,
            "what": timer.kind,
            "due_at": codec.to_ms(timer.due_at),
        }
        return bool((await self._connection.execute(_TAKE, parameters)).rowcount)

    async def due(self, now: datetime, limit: int) -> Sequence[Timer]:
        """Return timers whose time has come, oldest first."""
        rows = await self._connection.execute(_DUE, {"now": codec.to_ms(now), "limit": limit})
        return [
            Timer(ConversationId(row.conversation_id), row.kind, codec.from_ms(row.due_at))
            for row in rows
        ]


class SqlMarks:
    """Named numbers over SQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, name: str) -> int | None:
        """Return a mark."""
        value: int | None = await self._connection.scalar(_MARK, {"mark": name})
        return value

    async def set(self, name: str, value: int) -> None:
        """Store a mark."""
        statement = _SET_MARK[self._connection.dialect.name]
        await self._connection.execute(statement, {"name": name, "value": value})
