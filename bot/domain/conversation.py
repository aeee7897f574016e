"""What Havn remembers of a conversation between two messages: little, and all of it sealed."""

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.messages import Channel, ConversationId

# A pause after which another person may hold the phone (ux.md journey a, step 6).
SESSION = timedelta(minutes=30)


class Consent(enum.StrEnum):
    """What a counsellor may see of the conversation."""

    ALL = "all"
    NEW = "new"


class Notify(enum.StrEnum):
    """Whether a neutral ping may be sent when a counsellor has answered."""

    PULL = "pull"
    PUSH = "push"


class Choice(enum.StrEnum):
    """How the locale was settled, weakest first: a stronger choice is never overridden."""

    HINT = "hint"
    TYPED = "typed"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Memory:
    """The part of a conversation that is sealed before it is stored.

    ``screen`` is the last screen shown. ``sign`` is true while a self-check runs in which an answer
    was a sign; the answers themselves are never kept. ``care`` is true until the line for people
    who want to die was repeated once.``level`` is what a branch offered, as the
    number of a triage level. ``safe_word`` is a keyed hash, empty where none was chosen; ``decoy``
    counts the harmless cards shown since it was said, 0 while the chat is itself. ``numbers_told``
    is true once the emergency numbers were shown in a talk with a counsellor.
    """

    locale: str = ""
    chosen: Choice = Choice.HINT
    screen: str = ""
    switch_offered: bool = False
    draft_told: bool = False
    minor: bool = False
    care: bool = False
    sign: bool = False
    level: int = 0
    consent: Consent | None = None
    notify: Notify = Notify.PULL
    autoclean: bool = False
    safe_word: str = ""
    decoy: int = 0
    numbers_told: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """One visitor on one channel. ``version`` grows with every change."""

    id: ConversationId
    channel: Channel
    created_at: datetime
    last_seen_at: datetime
    version: int = 0
    address: str = field(default="", repr=False)
    memory: Memory = field(default_factory=Memory, repr=False)

    def is_new(self) -> bool:
        """Tell whether nothing was ever answered here."""
        return self.version == 0

    def paused(self, now: datetime) -> bool:
        """Tell whether the last message is so old that a new session begins."""
        return now - self.last_seen_at > SESSION
