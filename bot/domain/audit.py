"""The audit trail: who did what to which conversation or account, when, and why; never content.

Entries form two chains over the same bytes. The digests tie each entry to all before it, and
anybody can check them. The MACs are made with keys of which each is the hash of the one before and
of which only the latest exists: whoever takes over the machine today cannot write yesterday anew.
docs/decisions/0013-audit-trail.md gives the reasons.
"""

import enum
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NewType

from bot.domain.staff import StaffId

# A random name of a conversation in the trail. Its link to the conversation dies with it.
AuditAlias = NewType("AuditAlias", str)

KEY_BYTES = 32
# Who acts at the command line of the server.
OPERATOR = StaffId("operator")
_BEGINNING = bytes(hashlib.sha256().digest_size)
_WORD = re.compile(r"[a-z0-9_-]{0,32}")
_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuditEvent(enum.StrEnum):
    """What can be found in the trail; a closed list."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    PROVED_AGAIN = "proved_again"
    SESSIONS_ENDED = "sessions_ended"
    STAFF_INVITED = "staff_invited"
    STAFF_ENROLLED = "staff_enrolled"
    STAFF_RESET = "staff_reset"
    STAFF_DISABLED = "staff_disabled"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    AUDIT_READ = "audit_read"
    AUDIT_VERIFIED = "audit_verified"
    CONVERSATION_TAKEN = "conversation_taken"
    CONVERSATION_OPENED = "conversation_opened"
    CONVERSATION_TAKEN_OVER = "conversation_taken_over"
    CONVERSATION_TRANSFERRED = "conversation_transferred"
    CONVERSATION_RELEASED = "conversation_released"
    CONVERSATION_CLOSED = "conversation_closed"
    LEVEL_CHANGED = "level_changed"
    WHISPERED = "whispered"
    TEXT_EDITED = "text_edited"
    TEXT_SUBMITTED = "text_submitted"
    TEXT_LINK_MADE = "text_link_made"
    TEXT_APPROVED = "text_approved"
    TEXT_SENT_BACK = "text_sent_back"
    TEXT_DROPPED = "text_dropped"
    TEXT_ROLLED_BACK = "text_rolled_back"
    # Never recorded: what stands in the place of an entry that somebody made illegible.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Happening:
    """What is to be recorded.

    ``subject`` is the id of an account or the audit alias of a conversation; ``reason`` a code.
    """

    actor: StaffId
    event: AuditEvent
    at: datetime
    subject: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        for value in (self.actor, self.subject, self.reason):
            if not _WORD.fullmatch(value):
                raise ValueError("the audit trail takes ids and codes, never text")


@dataclass(frozen=True, slots=True)
class Entry:
    """A happening with its place in the chains."""

    number: int
    happening: Happening
    digest: bytes = field(repr=False)
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChainKey:
    """The key of the entry with this number; those before it are erased."""

    number: int
    key: bytes = field(repr=False)

    @classmethod
    def first(cls) -> "ChainKey":
        """Make the key a trail begins with."""
        return cls(0, secrets.token_bytes(KEY_BYTES))

    def at(self, number: int) -> "ChainKey":
        """Return the key of a later entry; there is no way back."""
        if number < self.number:
            raise ValueError("an erased key cannot be made again")
        key = self.key
        for _ in range(number - self.number):
            key = hashlib.sha256(b"audit chain" + key).digest()
        return ChainKey(number, key)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the trail as it was written down elsewhere: its last entry and that digest."""

    at: datetime
    number: int
    digest: bytes


def append(happening: Happening, last: Entry | None, key: ChainKey) -> Entry:
    """Return the entry that follows ``last``, made with its own key or an earlier one.

    When the key is further than the trail, the trail has lost entries, as from a backup that was
    brought back. The numbers then show a gap: what is gone cannot be covered up by going on.
    """
    number = max(key.number, last.number + 1 if last else 0)
    digest = _digest(last.digest if last else _BEGINNING, number, happening)
    return Entry(number, happening, digest, _mac(key.at(number), digest))


def _digest(previous: bytes, number: int, h: Happening) -> bytes:
    # No part can hold a "|", so no two entries are written alike.
    milliseconds = (h.at - _EPOCH) // _MS
    canonical = f"{number}|{milliseconds}|{h.actor}|{h.event}|{h.subject}|{h.reason}"
    return hashlib.sha256(previous + canonical.encode()).digest()


def _mac(key: ChainKey, digest: bytes) -> bytes:
    return hmac.digest(key.key, digest, "sha256")


# --- verifying --------------------------------------------------------------------------------


class Flaw(enum.StrEnum):
    """What can be wrong with a trail."""

    CHANGED = "changed"
    REMOVED = "removed"
    CUT = "cut"
    REWRITTEN = "rewritten"
    WRONG_KEY = "wrong_key"


@dataclass(frozen=True, slots=True)
class Finding:
    """A flaw and the number of the entry where it shows."""

    flaw: Flaw
    number: int


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a trail. Without the first key the MACs could not be checked."""

    entries: int
    anchors: int
    with_key: bool
    findings: Sequence[Finding]

    @property
    def sound(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings


class Verification:
    """Takes a trail entry by entry, in order, and reports.

    ``first_key`` is the key that the auditor keeps away from the machine.
    """

    def __init__(self, anchors: Iterable[Anchor], first_key: bytes | None = None) -> None:
        self._anchored: dict[int, set[bytes]] = {}
        for anchor in anchors:
            self._anchored.setdefault(anchor.number, set()).add(anchor.digest)
        self._first = ChainKey(0, first_key) if first_key is not None else None
        self._key = self._first
        self._last: Entry | None = None
        self._entries = 0
        self._findings: list[Finding] = []

    def take(self, entry: Entry) -> None:
        """Check the next entry."""
        self._entries += 1
        expected = self._last.number + 1 if self._last else 0
        if entry.number != expected:
            self._found(Flaw.REMOVED, expected)
        # After a gap the digest before is unknown, which says nothing against this entry.
        if entry.number == expected and not self._follows(entry):
            self._found(Flaw.CHANGED, entry.number)
        elif not self._has_its_mac(entry):
            self._found(Flaw.CHANGED if self._last else Flaw.WRONG_KEY, entry.number)
        if self._anchored.get(entry.number, {entry.digest}) != {entry.digest}:
            self._found(Flaw.REWRITTEN, entry.number)
        self._last = entry

    def finish(self, current: ChainKey | None) -> Report:
        """Check the end against the anchors and against the key in force, and report."""
        after = self._last.number + 1 if self._last else 0
        newest = max(self._anchored, default=-1) + 1
        if max(newest, current.number if current else 0) > after:
            self._found(Flaw.CUT, after)
        if self._first and current and self._first.at(current.number) != current:
            self._found(Flaw.WRONG_KEY, current.number)
        return Report(
            self._entries, len(self._anchored), self._first is not None, tuple(self._findings)
        )

    def _follows(self, entry: Entry) -> bool:
        previous = self._last.digest if self._last else _BEGINNING
        return _digest(previous, entry.number, entry.happening) == entry.digest

    def _has_its_mac(self, entry: Entry) -> bool:
        if self._key is None:
            return True
        self._key = self._key.at(entry.number)
        return hmac.compare_digest(_mac(self._key, entry.digest), entry.mac)

    def _found(self, flaw: Flaw, number: int) -> None:
        self._findings.append(Finding(flaw, number))
