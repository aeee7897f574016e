"""The request for a counsellor: its states, and who may move it from one to the next. Pure.

offered ──▶ waiting ──▶ active ──▶ closed        offered: words of danger, no consent yet
   │         ▲   │        │                      left_message: asked while nobody can write, or
   └──▶ left_message ◀────┘                      parked by a counsellor
A lease that lapses leads from active back to waiting; any open state goes to closed when the
visitor withdraws. The visitor's own word wins in every state.

Every function returns the next handover and refuses what is not allowed with an error that names
why. Time is passed in, in UTC.
"""

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.conversation import Consent, Notify
from bot.domain.errors import (
    AlreadyTakenError,
    ConsentMissingError,
    NothingToTransferError,
    NotYoursError,
    ReasonMissingError,
)
from bot.domain.messages import ConversationId, MessageId
from bot.domain.staff import StaffId
from bot.domain.triage import Level

# How long staff see a signal without content when someone in danger has not agreed (ux.md 2.4).
SIGNAL = timedelta(minutes=15)
# How long a conversation is held without a sign of life of its counsellor: first until they have
# written at all, which nothing but writing renews, then from line to line (design.md section 5).
FIRST_LEASE = timedelta(minutes=3)
LEASE = timedelta(minutes=5)
# How long a colleague has to accept a transfer. Nobody waits for it: the owner keeps the floor.
TRANSFER = timedelta(minutes=5)
# After so long without a word of the visitor the counsellor may end a talk as quiet (ux.md (h) 5).
QUIET = timedelta(minutes=30)
# How long after a visitor's last sign of life lines appear by themselves (ux.md (h) 2).
PRESENT = timedelta(minutes=3)
PRESENT_IN_DANGER = timedelta(minutes=10)
# Less than the id of every message.
_NOTHING = MessageId(0)


class State(enum.StrEnum):
    """Where a handover stands."""

    OFFERED = "offered"
    WAITING = "waiting"
    ACTIVE = "active"
    LEFT_MESSAGE = "left_message"
    CLOSED = "closed"


OPEN_STATES = (State.OFFERED, State.WAITING, State.ACTIVE, State.LEFT_MESSAGE)


class Outcome(enum.StrEnum):
    """How a handover ended; what the counsellor says of it, or that the visitor left."""

    INFORMED = "informed"
    REFERRED = "referred"
    MEETING = "meeting"
    EMERGENCY = "emergency"
    QUIET = "quiet"
    OTHER_PERSON = "other_person"
    MISUSE = "misuse"
    LEFT = "left"
    FORGOTTEN = "forgotten"


class Referral(enum.StrEnum):
    """Where the visitor was pointed to."""

    NONE = "none"
    CMM_REGION = "cmm_region"
    POLICE = "police"
    IMMIGRATION = "immigration_service"
    TAX = "tax_agency"
    WORK = "working_environment_authority"
    UNION = "union"
    NGO = "ngo"
    MUNICIPALITY = "municipality"
    HEALTH = "health"


class Topic(enum.StrEnum):
    """What a talk was mostly about, for the figures."""

    DANGER = "danger"
    HOME = "going_home"
    PAPERS = "papers_and_stay"
    WORK = "pay_and_work"
    POLICE = "police_and_law"
    HEALTH = "health"
    SHELTER = "shelter"
    YOUNG = "under_18"
    OTHERS = "worry_about_others"
    OTHER = "other"


class LevelReason(enum.StrEnum):
    """Why a counsellor changed a level."""

    SAFE_NOW = "safe_now"
    MISREAD = "misread_words"
    NEW_DANGER = "new_danger"
    UNDER_18 = "under_18"
    WORSE = "worse"


class TakeOverReason(enum.StrEnum):
    """Why a supervisor took a conversation from a colleague."""

    COUNSELLOR_LOST = "counsellor_lost"
    SAFETY = "safety"
    LANGUAGE = "language"
    ASKED = "asked_by_counsellor"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A wish to pass a conversation on: to one colleague, or to whoever writes its language.

    ``agreed`` is the visitor's answer to "may the colleague see this chat?", None while it is open.
    """

    until: datetime
    to: StaffId | None = None
    agreed: bool | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """What a counsellor says of a talk that ended."""

    outcome: Outcome
    referral: Referral = Referral.NONE
    topic: Topic = Topic.OTHER


@dataclass(frozen=True, slots=True)
class Handover:
    """One request. ``code_word`` is a keyed hash, empty where the visitor chose none.

    ``asked_at`` is when consent was given: the queue's age; None while only offered. A counsellor
    may read what came after message ``readable_after``, and nothing before it. ``answered_at`` is
    a counsellor's first line. ``doubted`` is the quiet flag after a wrong code word; ``hidden``
    tells that the visitor deleted the chat on their side and must not be written to; ``hand`` that
    a supervisor is asked to read along.
    """

    conversation: ConversationId
    state: State
    level: Level
    locale: str
    offered_at: datetime
    asked_at: datetime | None = None
    consent: Consent | None = None
    notify: Notify = Notify.PULL
    minor: bool = False
    code_word: str = ""
    readable_after: MessageId = _NOTHING
    owner: StaffId | None = None
    lease_until: datetime | None = None
    claimed_at: datetime | None = None
    answered_at: datetime | None = None
    transfer: Transfer | None = None
    doubted: bool = False
    hidden: bool = False
    hand: bool = False
    pinged: bool = False
    closed_at: datetime | None = None
    close: Close | None = None
    version: int = 0
    id: int | None = None

    def is_signal(self, now: datetime) -> bool:
        """Tell whether staff should still see "words of danger, no consent yet"."""
        fresh = now - self.offered_at <= SIGNAL
        return self.state is State.OFFERED and self.level is Level.RED and fresh

    def is_held(self, now: datetime) -> bool:
        """Tell whether a counsellor holds the conversation; the program is silent meanwhile."""
        return (
            self.state is State.ACTIVE and self.lease_until is not None and now < self.lease_until
        )

    def has_lapsed(self, now: datetime) -> bool:
        """Tell whether its counsellor was lost."""
        return self.state is State.ACTIVE and not self.is_held(now)

    def is_held_by(self, staff: StaffId, now: datetime) -> bool:
        """Tell whether this counsellor holds it."""
        return self.owner == staff and self.is_held(now)

    def present(self, last_seen_at: datetime, now: datetime) -> bool:
        """Tell whether the visitor acted so recently that a line may appear by itself."""
        window = PRESENT_IN_DANGER if self.level is Level.RED else PRESENT
        return not self.hidden and now - last_seen_at < window


# --- the visitor's side -----------------------------------------------------------------------


def offer(conversation: ConversationId, level: Level, locale: str, now: datetime) -> Handover:
    """Note that a person was offered; nothing of the conversation is shown to anybody."""
    return Handover(conversation, State.OFFERED, level, locale, offered_at=now)


def raised(handover: Handover, level: Level) -> Handover:
    """Return the handover at the higher of its own level and the given one: never lower."""
    return replace(handover, level=max(handover.level, level))


def prepared(
    handover: Handover,
    *,
    consent: Consent,
    notify: Notify,
    minor: bool,
    code_word: str,
    newest: MessageId,
) -> Handover:
    """Keep what the visitor agreed to; ``newest`` is the last message before they agreed.

    Whoever asks again, and agrees to less than before, has the narrower wish respected.
    """
    before = _NOTHING if consent is Consent.ALL else newest
    return replace(
        handover,
        consent=consent,
        notify=notify,
        minor=minor,
        code_word=code_word,
        readable_after=max(before, handover.readable_after),
        hidden=False,
    )


def asked(handover: Handover, now: datetime, *, staffed: bool) -> Handover:
    """Start the wait of a visitor who agreed; where nobody can write, keep their place instead.

    Asking again changes nothing while they wait or write with a counsellor. ConsentMissingError
    unless they agreed; AlreadyTakenError when it is over: a new wish is a new handover.
    """
    if handover.consent is None:
        raise ConsentMissingError("nobody is handed over without having agreed")
    if handover.state is State.CLOSED:
        raise AlreadyTakenError("it is over")
    if handover.state in (State.ACTIVE, State.WAITING):
        return handover
    state = State.WAITING if staffed else State.LEFT_MESSAGE
    return replace(handover, state=state, asked_at=handover.asked_at or now)


def returned(handover: Handover) -> Handover:
    """Put a kept place back into the queue, with its original time."""
    if handover.state is not State.LEFT_MESSAGE:
        return handover
    return replace(handover, state=State.WAITING)


def withdrawn(handover: Handover, now: datetime, outcome: Outcome = Outcome.LEFT) -> Handover:
    """End it in every state: the visitor's own word wins. What is over keeps its outcome."""
    if handover.state is State.CLOSED:
        return handover
    return _ended(handover, now, Close(outcome))


def answered_transfer(handover: Handover, *, agreed: bool) -> Handover:
    """Note whether a colleague may read what was written so far; ignored when nobody asks."""
    if handover.transfer is None:
        return handover
    return replace(handover, transfer=replace(handover.transfer, agreed=agreed))


# --- the counsellor's side --------------------------------------------------------------------


def claimed(handover: Handover, staff: StaffId, now: datetime) -> Handover:
    """Take a conversation that waits, whose place was kept, or whose counsellor was lost.

    AlreadyTakenError when somebody holds it or it is over.
    """
    waits = handover.state in (State.WAITING, State.LEFT_MESSAGE)
    if not (waits or handover.has_lapsed(now)):
        raise AlreadyTakenError("somebody else has it, or it is over")
    return replace(
        handover,
        state=State.ACTIVE,
        owner=staff,
        claimed_at=now,
        lease_until=now + FIRST_LEASE,
        transfer=None,
        hand=False,
    )


def spoke(handover: Handover, staff: StaffId, now: datetime) -> Handover:
    """Renew the lease for a line; NotYoursError unless this counsellor holds the conversation."""
    require_owner(handover, staff, now)
    return replace(handover, lease_until=now + LEASE, answered_at=handover.answered_at or now)


def renewed(handover: Handover, staff: StaffId, now: datetime) -> Handover:
    """Renew the lease for a heartbeat, once a first line was written; NotYoursError as spoke()."""
    require_owner(handover, staff, now)
    if not _has_written(handover):
        return handover
    return replace(handover, lease_until=now + LEASE)


def lapsed(handover: Handover, now: datetime) -> Handover:
    """Return a conversation whose counsellor was lost to the queue, with its original time."""
    if not handover.has_lapsed(now):
        return handover
    return _unowned(handover, State.WAITING)


def offered_transfer(
    handover: Handover, staff: StaffId, now: datetime, *, to: StaffId | None
) -> Handover:
    """Ask a colleague (None: whoever is free) to take over; the owner keeps the floor until then.

    NotYoursError unless this counsellor holds it, or when they offer it to themselves.
    """
    require_owner(handover, staff, now)
    if to == staff:
        raise NotYoursError("a transfer goes to somebody else")
    return replace(handover, transfer=Transfer(until=now + TRANSFER, to=to))


def accepted_transfer(
    handover: Handover, staff: StaffId, now: datetime, *, newest: MessageId
) -> Handover:
    """Take over what a colleague passes on: there is no moment without an owner.

    Unless the visitor has said yes, the colleague reads only what comes after ``newest``.
    NothingToTransferError when it was not offered to them, or too long ago.
    """
    transfer = handover.transfer
    if transfer is None or now >= transfer.until or not handover.is_held(now):
        raise NothingToTransferError("the offer is over")
    if staff == handover.owner or transfer.to not in (None, staff):
        raise NothingToTransferError("the offer is for somebody else")
    seen = handover.readable_after if transfer.agreed else max(newest, handover.readable_after)
    return replace(
        handover,
        owner=staff,
        claimed_at=now,
        lease_until=now + FIRST_LEASE,
        transfer=None,
        readable_after=seen,
    )


def dropped_transfer(handover: Handover) -> Handover:
    """End an offer that was refused, taken back, or not answered in time."""
    return replace(handover, transfer=None)


def taken_over(handover: Handover, supervisor: StaffId, now: datetime) -> Handover:
    """Take a conversation from a colleague; the caller has recorded the reason.

    AlreadyTakenError unless it is active and somebody else's.
    """
    if handover.state is not State.ACTIVE or handover.owner == supervisor:
        raise AlreadyTakenError("there is nothing to take over")
    return replace(
        handover,
        owner=supervisor,
        claimed_at=now,
        lease_until=now + FIRST_LEASE,
        transfer=None,
        hand=False,
    )


def parked(handover: Handover, staff: StaffId, now: datetime) -> Handover:
    """Give a conversation back without ending it: its place is kept for the next shift."""
    require_owner(handover, staff, now)
    return _unowned(handover, State.LEFT_MESSAGE)


def given_back(handover: Handover, staff: StaffId, now: datetime) -> Handover:
    """Put a conversation back into the queue at once, with its original time."""
    require_owner(handover, staff, now)
    return _unowned(handover, State.WAITING)


def closed(handover: Handover, staff: StaffId, now: datetime, close: Close) -> Handover:
    """End a talk; NotYoursError unless this counsellor holds it."""
    require_owner(handover, staff, now)
    return _ended(handover, now, close)


def releveled(
    handover: Handover, staff: StaffId, now: datetime, level: Level, reason: LevelReason | None
) -> Handover:
    """Set the level for good; lowering it needs a reason (ux.md 2.1): ReasonMissingError."""
    require_owner(handover, staff, now)
    if level < handover.level and reason is None:
        raise ReasonMissingError("a level is lowered with a reason")
    return replace(handover, level=level)


def with_hand(handover: Handover, staff: StaffId, now: datetime, *, up: bool) -> Handover:
    """Ask a supervisor to read along, or take that back."""
    require_owner(handover, staff, now)
    return replace(handover, hand=up)


def require_owner(handover: Handover, staff: StaffId, now: datetime) -> None:
    """Raise NotYoursError unless this counsellor holds the conversation."""
    if not handover.is_held_by(staff, now):
        raise NotYoursError("this conversation is not yours (any more)")


def _has_written(handover: Handover) -> bool:
    """Tell whether the owner has written since they took it: only a line leads past a first lease.

    ``answered_at`` does not tell, it may be the line of a counsellor before.
    """
    claimed_at, until = handover.claimed_at, handover.lease_until
    return claimed_at is not None and until is not None and until > claimed_at + FIRST_LEASE


def _unowned(handover: Handover, state: State) -> Handover:
    return replace(handover, state=state, owner=None, lease_until=None, transfer=None, hand=False)


def _ended(handover: Handover, now: datetime, close: Close) -> Handover:
    return replace(
        handover,
        state=State.CLOSED,
        closed_at=now,
        close=close,
        lease_until=None,
        transfer=None,
        hand=False,
    )
