"""Return codes over SQL: their hashes, and whose they are."""

from collections.abc import Collection

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage.tables import return_codes
from bot.domain.messages import ConversationId

_c = return_codes.c
_SPEND = delete(return_codes).where(_c.conversation_id == bindparam("key"))
_FIND = select(_c.conversation_id).where(_c.hash.in_(bindparam("hashes", expanding=True)))


class SqlReturnCodes:
    """Return codes over SQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def set(self, conversation: ConversationId, hashed: bytes) -> None:
        """Store the code of a conversation in place of an earlier one."""
        await self.spend(conversation)
        row = {"hash": hashed, "conversation_id": conversation}
        await self._connection.execute(insert(return_codes), row)

    async def find(self, hashes: Collection[bytes]) -> ConversationId | None:
        """Return whose code it is."""
        found = await self._connection.scalar(_FIND, {"hashes": list(hashes)})
        return None if found is None else ConversationId(found)

    async def spend(self, conversation: ConversationId) -> None:
        """Delete the code of a conversation."""
        await self._connection.execute(_SPEND, {"key": conversation})
