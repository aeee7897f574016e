"""From domain objects to rows and back: sealed on the way in, opened on the way out.

Every reading function raises KeyUnavailableError when the key is gone or a value was changed.
"""

from typing import Any

from sqlalchemy import Row

from bot.adapters.storage import codec
from bot.domain.conversation import Conversation
from bot.domain.handover import Handover, State
from bot.domain.messages import Channel, ConversationId, Incoming, MessageId
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from bot.ports import Arrival, Delivery, Lookup, Note, NoteKind, Outgoing, Sealer

DONE = "done"
# Where the register of seen ids keeps what staff send: beside the channels of visitors.
STAFF = "console"

Values = dict[str, Any]


class SealedRows:
    """Writes and reads rows with one Sealer."""

    def __init__(self, sealer: Sealer) -> None:
        self._seal = sealer.seal
        self._open = sealer.open_sealed

    # --- conversations ---

    def of_conversation(self, lookup: Lookup, c: Conversation) -> Values:
        """Return a new row."""
        address = codec.text_to_bytes(c.address)
        return {
            "id": c.id,
            "lookup": lookup,
            "channel": c.channel.value,
            "version": c.version,
            "created_at": codec.to_ms(c.created_at),
            "last_seen_at": codec.to_ms(c.last_seen_at),
            "memory": self._seal_memory(c),
            "address": self._seal(c.id, "conversation", "address", address) if address else None,
        }

    def of_place(self, c: Conversation) -> Values:
        """Return the parameters of an update that says where a conversation is held."""
        address = codec.text_to_bytes(c.address)
        return {
            "key": c.id,
            "channel": c.channel.value,
            "address": self._seal(c.id, "conversation", "address", address) if address else None,
        }

    def of_change(self, c: Conversation) -> Values:
        """Return the parameters of an update: ``key`` and ``read`` name the version it rests on."""
        return {
            "key": c.id,
            "read": c.version,
            "version": c.version + 1,
            "last_seen_at": codec.to_ms(c.last_seen_at),
            "memory": self._seal_memory(c),
        }

    def conversation(self, row: Row[Any]) -> Conversation:
        """Read a conversation."""
        key = ConversationId(row.id)
        memory = self._open(key, "conversation", "memory", row.memory)
        return Conversation(
            id=key,
            channel=Channel(row.channel),
            created_at=codec.from_ms(row.created_at),
            last_seen_at=codec.from_ms(row.last_seen_at),
            version=row.version,
            address=self._address(key, row.address),
            memory=codec.memory_from_bytes(memory),
        )

    def _seal_memory(self, c: Conversation) -> bytes:
        return self._seal(c.id, "conversation", "memory", codec.memory_to_bytes(c.memory))

    def _address(self, key: ConversationId, sealed: bytes | None) -> str:
        if sealed is None:
            return ""
        return codec.text_from_bytes(self._open(key, "conversation", "address", sealed))

    # --- messages ---

    def of_arrival(self, a: Arrival) -> Values:
        """Return a row of what came in. Sender, address and external id stay behind."""
        incoming, row = a.incoming, str(a.id)
        # Needed until it is answered and no longer, so it is sealed apart from the text.
        aside = [incoming.hint, incoming.on]
        return {
            "id": a.id,
            "conversation_id": a.conversation,
            "channel": incoming.channel.value,
            "incoming": True,
            "human": False,
            "state": Delivery.PENDING.value,
            "at": codec.to_ms(a.at),
            "due_at": codec.to_ms(a.at),
            "urgent": False,
            "attempts": 0,
            "body": self._seal(a.conversation, row, "body", codec.event_to_bytes(incoming.event)),
            "aside": self._seal(a.conversation, row, "aside", codec.dump(aside))
            if any(aside)
            else None,
            "reference": self.sealed_reference(a.conversation, a.id, incoming.reference),
        }

    def arrival(self, row: Row[Any]) -> Arrival:
        """Read what came in."""
        key, name = ConversationId(row.conversation_id), str(row.id)
        hint, on = "", ""
        if row.aside is not None:
            hint, on = codec.load(self._open(key, name, "aside", row.aside))
        incoming = Incoming(
            channel=Channel(row.channel),
            external_id="",
            sender="",
            event=codec.event_from_bytes(self._open(key, name, "body", row.body)),
            reference=self.reference(key, row),
            on=on,
            hint=hint,
        )
        return Arrival(MessageId(row.id), key, incoming, codec.from_ms(row.at))

    def of_outgoing(self, o: Outgoing) -> Values:
        """Return a row of what goes out."""
        body = codec.body_to_bytes(o.body)
        return {
            "id": o.id,
            "conversation_id": o.conversation,
            "channel": o.channel.value,
            "incoming": False,
            "human": o.human,
            "state": o.state.value,
            "at": codec.to_ms(o.at),
            "due_at": codec.to_ms(o.due_at),
            "urgent": o.urgent,
            "attempts": o.attempts,
            "body": self._seal(o.conversation, str(o.id), "body", body),
            "aside": None,
            "reference": self.sealed_reference(o.conversation, o.id, o.reference),
        }

    def of_progress(self, o: Outgoing) -> Values:
        """Return the parameters of an update that says where a message stands."""
        return {
            "key": o.id,
            "there": o.channel.value,
            "state": o.state.value,
            "attempts": o.attempts,
            "due_at": codec.to_ms(o.due_at),
            "reference": self.sealed_reference(o.conversation, o.id, o.reference),
        }

    def outgoing(self, row: Row[Any], sealed_address: bytes | None = None) -> Outgoing:
        """Read what goes out."""
        key = ConversationId(row.conversation_id)
        body = self._open(key, str(row.id), "body", row.body)
        return Outgoing(
            id=MessageId(row.id),
            conversation=key,
            channel=Channel(row.channel),
            body=codec.body_from_bytes(body),
            at=codec.from_ms(row.at),
            due_at=codec.from_ms(row.due_at),
            human=row.human,
            urgent=row.urgent,
            state=Delivery(row.state),
            attempts=row.attempts,
            reference=self.reference(key, row),
            address=self._address(key, sealed_address),
        )

    def sealed_reference(
        self, key: ConversationId, message: MessageId, reference: str
    ) -> bytes | None:
        """Seal the channel's id of a message, if it has one."""
        if not reference:
            return None
        return self._seal(key, str(message), "reference", codec.text_to_bytes(reference))

    def reference(self, key: ConversationId, row: Row[Any]) -> str:
        """Read the channel's id of a message, empty if it has none."""
        if row.reference is None:
            return ""
        return codec.text_from_bytes(self._open(key, str(row.id), "reference", row.reference))

    # --- handovers ---

    def of_handover(self, h: Handover) -> Values:
        """Return a row at the next version. What queries do not need is sealed."""
        details = codec.details_to_bytes(h)
        return {
            "conversation_id": h.conversation,
            "state": h.state.value,
            "level": int(h.level),
            "locale": h.locale,
            "offered_at": codec.to_ms(h.offered_at),
            "asked_at": None if h.asked_at is None else codec.to_ms(h.asked_at),
            "closed_at": None if h.closed_at is None else codec.to_ms(h.closed_at),
            "owner": h.owner,
            "lease_until": None if h.lease_until is None else codec.to_ms(h.lease_until),
            "version": h.version + 1,
            "details": self._seal(h.conversation, "handover", "details", details),
        }

    def handover(self, row: Row[Any]) -> Handover:
        """Read a handover."""
        key = ConversationId(row.conversation_id)
        details = codec.details_from_bytes(self._open(key, "handover", "details", row.details))
        return Handover(
            conversation=key,
            state=State(row.state),
            level=Level(row.level),
            locale=row.locale,
            offered_at=codec.from_ms(row.offered_at),
            asked_at=codec.moment(row.asked_at),
            closed_at=codec.moment(row.closed_at),
            owner=None if row.owner is None else StaffId(row.owner),
            lease_until=codec.moment(row.lease_until),
            version=row.version,
            id=row.id,
            **details,
        )

    # --- notes ---

    def of_note(self, n: Note) -> Values:
        """Return a row."""
        text = codec.text_to_bytes(n.text)
        return {
            "id": n.id,
            "conversation_id": n.conversation,
            "author": n.author,
            "kind": n.kind.value,
            "at": codec.to_ms(n.at),
            "body": self._seal(n.conversation, f"note {n.id}", "body", text),
        }

    def note(self, row: Row[Any]) -> Note:
        """Read a note."""
        key = ConversationId(row.conversation_id)
        text = self._open(key, f"note {row.id}", "body", row.body)
        return Note(
            MessageId(row.id),
            key,
            StaffId(row.author),
            NoteKind(row.kind),
            codec.from_ms(row.at),
            codec.text_from_bytes(text),
        )

    def of_draft(self, key: ConversationId, staff: StaffId, text: str) -> Values:
        """Return a row of what somebody is typing."""
        body = self._seal(key, f"draft {staff}", "body", codec.text_to_bytes(text))
        return {"conversation_id": key, "staff": staff, "body": body}

    def draft(self, key: ConversationId, staff: StaffId, body: bytes) -> str:
        """Read what somebody was typing."""
        return codec.text_from_bytes(self._open(key, f"draft {staff}", "body", body))
