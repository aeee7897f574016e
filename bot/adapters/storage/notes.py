"""Notes and unsent drafts of counsellors over SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage.dialects import Insert, per_dialect
from bot.adapters.storage.rows import SealedRows
from bot.adapters.storage.tables import drafts, notes
from bot.domain.messages import ConversationId
from bot.domain.staff import StaffId
from bot.ports import Note, Sealer


def _keep(insert_into: Insert) -> Any:
    row = insert_into(drafts)
    return row.on_conflict_do_update(
        index_elements=[drafts.c.conversation_id, drafts.c.staff],
        set_={"body": row.excluded.body},
    )


_ADD = insert(notes)
_OF = select(notes).where(notes.c.conversation_id == bindparam("key")).order_by(notes.c.id)
_KEEP = per_dialect(_keep)
_MINE = (drafts.c.conversation_id == bindparam("key"), drafts.c.staff == bindparam("author"))
_DRAFT = select(drafts.c.body).where(*_MINE)
_EMPTY = delete(drafts).where(*_MINE)


class SqlNotes:
    """Notes and drafts over SQL."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer
        self._rows = SealedRows(sealer)

    async def add(self, note: Note) -> None:
        """Store a note."""
        await self._sealer.load_keys([note.conversation])
        await self._connection.execute(_ADD, self._rows.of_note(note))

    async def of(self, conversation: ConversationId) -> Sequence[Note]:
        """Return the notes of a conversation, oldest first."""
        await self._sealer.load_keys([conversation])
        rows = await self._connection.execute(_OF, {"key": conversation})
        return [self._rows.note(row) for row in rows]

    async def keep_draft(self, conversation: ConversationId, staff: StaffId, text: str) -> None:
        """Store what a counsellor is typing."""
        if not text:
            await self._connection.execute(_EMPTY, {"key": conversation, "author": staff})
            return
        await self._sealer.load_keys([conversation])
        row = self._rows.of_draft(conversation, staff, text)
        await self._connection.execute(_KEEP[self._connection.dialect.name], row)

    async def draft(self, conversation: ConversationId, staff: StaffId) -> str:
        """Return what a counsellor was typing."""
        parameters = {"key": conversation, "author": staff}
        body = await self._connection.scalar(_DRAFT, parameters)
        if body is None:
            return ""
        await self._sealer.load_keys([conversation])
        return self._rows.draft(conversation, staff, body)
