"""The audit trail over SQL."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage import codec
from bot.adapters.storage.dialects import per_dialect
from bot.adapters.storage.staff_tables import audit, audit_aliases
from bot.domain.audit import AuditAlias, AuditEvent, Entry, Happening, append
from bot.domain.errors import KeyUnavailableError, StoreUnavailableError
from bot.domain.messages import ConversationId
from bot.domain.staff import StaffId
from bot.logs import error_class, logger
from bot.ports import Sealer

log = logger(__name__)

# One writer at a time, or two would take the same number. Any constant will do.
_LOCK = 7_210_432
_LAST = select(audit).order_by(audit.c.number.desc()).limit(1)
_AFTER = (
    select(audit)
    .where(audit.c.number > bindparam("number"))
    .order_by(audit.c.number)
    .limit(bindparam("limit"))
)
_BETWEEN = (
    select(audit)
    .where(audit.c.at >= bindparam("since"), audit.c.at < bindparam("until"))
    .order_by(audit.c.number.desc())
    .limit(bindparam("limit"))
)
_ALIAS = select(audit_aliases.c.alias).where(audit_aliases.c.conversation_id == bindparam("key"))
_ADD_ALIAS = per_dialect(lambda into: into(audit_aliases).on_conflict_do_nothing())


class SqlAudit:
    """The audit trail over SQL, within one transaction."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer
        self._next: int | None = None

    async def record(self, happening: Happening) -> None:
        """Append an entry."""
        if self._connection.dialect.name == "postgresql":
            await self._connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        entry = append(happening, await self.last(), await self._sealer.chain_key())
        row = {
            "number": entry.number,
            "at": codec.to_ms(happening.at),
            "actor": happening.actor,
            "event": happening.event.value,
            "subject": happening.subject,
            "reason": happening.reason,
            "digest": entry.digest,
            "mac": entry.mac,
        }
        await self._connection.execute(insert(audit), row)
        self._next = entry.number + 1

    async def settle(self) -> None:
        """Erase the keys of what was recorded, once it is committed.

        The entries stand, so a failure is no failure of the transaction; the next one makes up.
        """
        if self._next is None:
            return
        try:
            await self._sealer.advance_chain(self._next)
        except (StoreUnavailableError, KeyUnavailableError) as error:
            log.error("audit_key_not_erased", error=error_class(error))

    async def alias_of(self, conversation: ConversationId) -> AuditAlias:
        """Return the name of a conversation in the trail."""
        await self._sealer.load_keys([conversation])
        alias = secrets.token_hex(8)
        sealed = self._sealer.seal(conversation, "audit", "alias", alias.encode())
        row = {"conversation_id": conversation, "alias": sealed}
        await self._connection.execute(_ADD_ALIAS[self._connection.dialect.name], row)
        stored = await self._connection.scalar(_ALIAS, {"key": conversation})
        opened = self._sealer.open_sealed(conversation, "audit", "alias", stored or b"")
        return AuditAlias(opened.decode())

    async def between(
        self, since: datetime, until: datetime, *, newest: int = 1000
    ) -> Sequence[Entry]:
        """Return the last entries from a span of time, newest first."""
        span = {"since": codec.to_ms(since), "until": codec.to_ms(until), "limit": newest}
        return [_entry(row) for row in await self._connection.execute(_BETWEEN, span)]

    async def after(self, number: int, limit: int) -> Sequence[Entry]:
        """Return the entries after a number, in order."""
        rows = await self._connection.execute(_AFTER, {"number": number, "limit": limit})
        return [_entry(row) for row in rows]

    async def last(self) -> Entry | None:
        """Return the head of the trail."""
        row = (await self._connection.execute(_LAST)).one_or_none()
        return None if row is None else _entry(row)


def _entry(row: Row[Any]) -> Entry:
    """Read an entry; one that was tampered with until it has no form shows as UNREADABLE."""
    try:
        happening = Happening(
            actor=StaffId(row.actor),
            event=AuditEvent(row.event),
            at=codec.from_ms(row.at),
            subject=row.subject,
            reason=row.reason,
        )
    except (ValueError, OverflowError):
        happening = Happening(StaffId(""), AuditEvent.UNREADABLE, codec.from_ms(0))
    return Entry(row.number, happening, row.digest, row.mac)
