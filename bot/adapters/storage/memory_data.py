"""What the store in memory holds."""

from collections.abc import Collection, Iterable
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from bot.content_ports import Remark, Serving, Signed
from bot.domain.audit import AuditAlias, Entry
from bot.domain.content import Change, ChangeId
from bot.domain.conversation import Conversation
from bot.domain.errors import StoreUnavailableError
from bot.domain.factors import Account, Session
from bot.domain.handover import Handover
from bot.domain.messages import ConversationId, MessageId
from bot.domain.staff import StaffId
from bot.ports import Arrival, Lookup, Note, Outgoing, Shift, Timer
from bot.staff_ports import Invitation

Key = TypeVar("Key")
Row = TypeVar("Row", Arrival, Outgoing, Handover, Note, Timer)


@dataclass(slots=True)
class Data:
    """Everything that is stored. The values never change, so a shallow copy is a whole one."""

    conversations: dict[ConversationId, Conversation] = field(default_factory=dict)
    lookups: dict[Lookup, ConversationId] = field(default_factory=dict)
    forgetting: dict[ConversationId, datetime] = field(default_factory=dict)
    receipts: dict[tuple[str, str], datetime] = field(default_factory=dict)
    arrivals: dict[MessageId, Arrival] = field(default_factory=dict)
    unanswered: dict[MessageId, Arrival] = field(default_factory=dict)
    outgoing: dict[MessageId, Outgoing] = field(default_factory=dict)
    handovers: dict[int, Handover] = field(default_factory=dict)
    notes: dict[MessageId, Note] = field(default_factory=dict)
    drafts: dict[tuple[ConversationId, StaffId], str] = field(default_factory=dict)
    shifts: dict[StaffId, Shift] = field(default_factory=dict)
    languages: dict[StaffId, frozenset[str]] = field(default_factory=dict)
    figures: dict[tuple[str, str, str], int] = field(default_factory=dict)
    timers: dict[tuple[ConversationId, str], Timer] = field(default_factory=dict)
    return_codes: dict[bytes, ConversationId] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    last_handover: int = 0
    accounts: dict[StaffId, Account] = field(default_factory=dict)
    invitations: dict[StaffId, Invitation] = field(default_factory=dict)
    spent: dict[bytes, datetime] = field(default_factory=dict)
    sessions: dict[bytes, Session] = field(default_factory=dict)
    subscriptions: dict[StaffId, str] = field(default_factory=dict)
    audit: list[Entry] = field(default_factory=list)
    audit_aliases: dict[ConversationId, AuditAlias] = field(default_factory=dict)
    changes: dict[ChangeId, Change] = field(default_factory=dict)
    bundles: dict[int, Signed] = field(default_factory=dict)
    remarks: dict[str, Remark] = field(default_factory=dict)
    servings: dict[str, Serving] = field(default_factory=dict)

    def draft(self) -> "Data":
        """Return a copy to work on."""
        own: dict[str, Any] = {f.name: copy(getattr(self, f.name)) for f in fields(self)}
        return Data(**own)

    def require(self, ids: Iterable[ConversationId]) -> None:
        """Refuse rows of a conversation that is not there."""
        if not self.conversations.keys() >= set(ids):
            raise StoreUnavailableError("there is no such conversation")


def without(rows: dict[Key, Row], gone: Collection[ConversationId]) -> dict[Key, Row]:
    """Return the rows of all other conversations."""
    return {key: row for key, row in rows.items() if row.conversation not in gone}
