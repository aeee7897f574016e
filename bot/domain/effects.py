"""What a turn does besides showing screens: wishes, carried out by the use cases."""

from dataclasses import dataclass

from bot.domain.conversation import Consent, Notify
from bot.domain.triage import Level


@dataclass(frozen=True, slots=True)
class Offer:
    """A person in danger was offered a counsellor: staff get a signal without content."""

    level: Level


@dataclass(frozen=True, slots=True)
class Ask:
    """The visitor agreed to a counsellor. ``keep`` is true once they leave a message for later."""

    level: Level
    consent: Consent
    notify: Notify
    minor: bool
    code_word: str = ""
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The visitor wants no counsellor (any more)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A counsellor has something to read; ``level`` is what the words call for."""

    level: Level


@dataclass(frozen=True, slots=True)
class Release:
    """Show what a counsellor wrote while the visitor was away; a kept place becomes a wait."""


@dataclass(frozen=True, slots=True)
class AnswerTransfer:
    """The visitor says whether a colleague may read what was written so far."""

    agreed: bool


@dataclass(frozen=True, slots=True)
class Hide:
    """Delete the messages on both sides and leave one neutral screen."""

    then: str = "utter_hide_done"


@dataclass(frozen=True, slots=True)
class Forget:
    """Erase everything kept about the visitor."""


@dataclass(frozen=True, slots=True)
class Autoclean:
    """Switch the daily cleaning of the chat on or off."""

    on: bool


@dataclass(frozen=True, slots=True)
class Redact:
    """Delete a question for a secret word and its answer, so that nobody else learns of it."""

    screen: str


@dataclass(frozen=True, slots=True)
class IssueCode:
    """Show a new code to come back with; the words are made where they are kept, as a hash."""


@dataclass(frozen=True, slots=True)
class Report:
    """A visitor finds a text wrong, in the language in which it was shown."""

    screen: str
    locale: str


Effect = (
    Offer
    | Ask
    | Withdraw
    | Heard
    | Release
    | AnswerTransfer
    | Hide
    | Forget
    | Autoclean
    | Redact
    | IssueCode
    | Report
)
