"""The request for a counsellor: its states, and who may move it from one to the next.

offered ──▶ waiting ──▶ active ──▶ closed        offered: words of danger, no consent yet
   │           │                                 left_message: asked while nobody can write
   └──▶ left_message ──▶ waiting
Any open state goes to closed when the visitor withdraws.
"""

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.conversation import Consent, Notify
from bot.domain.messages import ConversationId
from bot.domain.triage import Level

# How long staff see a signal without content when someone in danger has not agreed (ux.md 2.4).
SIGNAL = timedelta(minutes=15)


class State(enum.StrEnum):
    """Where a handover stands."""

    OFFERED = "offered"
    WAITING = "waiting"
    ACTIVE = "active"
    LEFT_MESSAGE = "left_message"
    CLOSED = "closed"


OPEN_STATES = (State.OFFERED, State.WAITING, State.ACTIVE, State.LEFT_MESSAGE)


@dataclass(frozen=True, slots=True)
class Handover:
    """One request. ``code_word`` is a keyed hash, empty where the visitor chose none.

    ``asked_at`` is when consent was given: the queue's age; None while only offered.
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
    closed_at: datetime | None = None
    version: int = 0
    id: int | None = None

    def is_signal(self, now: datetime) -> bool:
        """Tell whether staff should still see "words of danger, no consent yet"."""
        fresh = now - self.offered_at <= SIGNAL
        return self.state is State.OFFERED and self.level is Level.RED and fresh


def offer(conversation: ConversationId, level: Level, locale: str, now: datetime) -> Handover:
    """Note that a person was offered; nothing of the conversation is shown to anybody."""
    return Handover(conversation, State.OFFERED, level, locale, offered_at=now)


def raised(handover: Handover, level: Level) -> Handover:
    """Return the handover at the higher of its own level and the given one: never lower."""
    return replace(handover, level=max(handover.level, level))


def prepared(
    handover: Handover, *, consent: Consent, notify: Notify, minor: bool, code_word: str
) -> Handover:
    """Keep what the visitor agreed to while they decide whether to leave a message."""
    return replace(handover, consent=consent, notify=notify, minor=minor, code_word=code_word)


def asked(handover: Handover, now: datetime, *, staffed: bool) -> Handover:
    """Start the wait of a visitor who agreed; where nobody can write, keep their place instead.

    Asking again changes nothing while they wait or write with a counsellor.
    """
    if handover.state in (State.ACTIVE, State.WAITING):
        return handover
    state = State.WAITING if staffed else State.LEFT_MESSAGE
    return replace(handover, state=state, asked_at=handover.asked_at or now)


def withdrawn(handover: Handover, now: datetime) -> Handover:
    """End it in every state: the visitor's own word wins."""
    return replace(handover, state=State.CLOSED, closed_at=now)


def estimate(ahead: int) -> tuple[int, int]:
    """Return a rounded waiting time in minutes, low and high, never a single exact number.

    A talk takes 45 to 60 minutes and a counsellor holds two (ux.md section 0, chat studies), but a
    first line takes far less: ten to twenty minutes for each visitor ahead.
    """
    return 10 * (ahead + 1), 20 * (ahead + 1)
