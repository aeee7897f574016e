"""What can be refused or fail, each named for what is true.

HavnError
├── ConfigurationError      a setting or file the operator must mend; the message says what to do
│   ├── DeckError           locales/deck.yml is not a usable deck
│   ├── FactError           locales/facts.yml is not a usable registry, or a placeholder has no fact
│   ├── LexiconError        a triage file cannot be used; the message names file, part and line
│   └── TranslationError    a .po file cannot be read
├── InvalidTapError         the data of a tapped button is not one Havn made
├── StoreUnavailableError   the database did not take a write; nothing was acknowledged
│   ├── StoreAwayError      no transaction could begin: locked by others, or not reached
│   └── ChangedError        somebody else changed the row since it was read
├── ConsentMissingError     somebody was to be handed over who has not agreed
├── ConversationGoneError   the conversation was forgotten or has expired
├── KeyUnavailableError     a data key is gone or cannot be unwrapped
├── DialogueUnavailableError   the NLU unit is off, late or broken
├── TranslatorUnavailableError machine translation is off, late or broken
├── AlertError              a push service could not be reached, or did not take an alert
├── RefusedError            a wish of staff that the state of things does not allow
│   ├── AlreadyTakenError       somebody else holds the conversation, or it is over
│   ├── NotYoursError           it is held by somebody else, or by nobody
│   ├── NothingToTransferError  nobody offers it (any more)
│   ├── LineTooLongError        a line is longer than a channel carries in one message
│   ├── UnfaithfulError         a machine's translation must not be sent; it says why
│   ├── LanguageChangedError    the visitor reads another language by now
│   ├── ReasonMissingError      a step that needs a reason has none
│   ├── FullError               the counsellor holds as much as one should
│   ├── StillOpenError          a shift cannot end with open conversations
│   ├── NotOnShiftError         only who is on shift takes conversations
│   ├── FourEyesError           somebody else must approve what this person wrote
│   └── NotNowError             a change of a text or fact is not in a state that allows it
├── ContentError            no such text or fact, or one that may not be published
│   └── BundleError         what was published is not signed, not new or not readable
└── StaffError              an account at the console cannot be what was asked for
    ├── AliasError          an alias is not of the right form, or somebody has it
    ├── RolesConflictError  roles that exclude one another, or none
    ├── LanguagesError      a translator without a language, or languages without a translator
    ├── InvitationError     a link was used, is too old, or never was one
    ├── PasswordError       a password is too short, too long or too easily guessed
    ├── ProofError          a factor was not the right one
    │   └── ClockError      the code belongs to another time: the phone's clock is off
    └── TooManyTriesError   the next try must wait

No message of these errors ever holds what a visitor wrote.
"""

from bot.domain.faithful import Fault


class HavnError(Exception):
    """The root of every error Havn raises itself."""


class ConfigurationError(HavnError, ValueError):
    """A setting or file that the operator must mend."""


class DeckError(ConfigurationError):
    """The deck of screens cannot be used."""


class FactError(ConfigurationError):
    """The fact registry cannot be used, or a placeholder has no fact."""


class LexiconError(ConfigurationError):
    """A triage file cannot be used; the message names file, part, line and what to change."""


class TranslationError(ConfigurationError):
    """A translation file cannot be read."""


class InvalidTapError(HavnError, ValueError):
    """The data of a tapped button is not one that Havn made."""


class StoreUnavailableError(HavnError):
    """The database did not take a write; nothing was acknowledged."""


class StoreAwayError(StoreUnavailableError):
    """No transaction could begin, whatever was to be written: locked by others, or not reached."""


class ChangedError(StoreUnavailableError):
    """Somebody else changed the row since it was read."""


class ConsentMissingError(HavnError):
    """Somebody was to be handed over who has not agreed."""


class ConversationGoneError(HavnError, LookupError):
    """The conversation was forgotten or has expired."""


class KeyUnavailableError(HavnError, LookupError):
    """A data key is gone or cannot be unwrapped."""


class DialogueUnavailableError(HavnError):
    """The NLU unit is off, late or broken."""


class TranslatorUnavailableError(HavnError):
    """Machine translation is off, late or broken."""


class AlertError(HavnError):
    """A push service could not be reached, or did not take an alert."""


class RefusedError(HavnError):
    """A wish of staff that the state of things does not allow."""


class AlreadyTakenError(RefusedError):
    """Somebody else holds the conversation, or it is over."""


class NotYoursError(RefusedError):
    """The conversation is held by somebody else, or by nobody."""


class NothingToTransferError(RefusedError):
    """Nobody offers the conversation (any more)."""


class LineTooLongError(RefusedError):
    """A line is longer than a channel carries in one message; nothing of it was sent."""


class UnfaithfulError(RefusedError):
    """A machine's translation of a line must not be sent."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class LanguageChangedError(RefusedError):
    """A line was translated for a visitor who reads another language by now."""


class ReasonMissingError(RefusedError):
    """A step that needs a reason has none."""


class FullError(RefusedError):
    """The counsellor holds as much as one should."""


class StillOpenError(RefusedError):
    """A shift cannot end with open conversations."""


class NotOnShiftError(RefusedError):
    """Only who is on shift takes conversations."""


class FourEyesError(RefusedError):
    """Somebody else must approve: the wish is of an author ("own") or a new account ("new")."""


class NotNowError(RefusedError):
    """A change is not in a state that allows what was asked."""


class ContentError(HavnError, ValueError):
    """There is no such text or fact, or it may not be published."""


class BundleError(ContentError):
    """A bundle is not signed by the signer's key, is older than the last one, or is damaged."""


class StaffError(HavnError):
    """An account at the console cannot be what was asked for; the message is for the person."""


class AliasError(StaffError, ValueError):
    """An alias is not of the right form, or somebody has it already."""


class RolesConflictError(StaffError, ValueError):
    """Roles that exclude one another, or none at all."""


class LanguagesError(StaffError):
    """A translator without a language, or languages of somebody who translates none."""


class InvitationError(StaffError, LookupError):
    """A link was used, is too old, or never was one."""


class PasswordError(StaffError, ValueError):
    """A password is too short, too long or too easily guessed."""


class ProofError(StaffError):
    """A factor was not the right one. Which part was wrong stays unsaid."""


class ClockError(ProofError):
    """The password was right and the code is that of another time.

    ``minutes`` is how far the phone's clock is off, positive when it is ahead.
    """

    def __init__(self, minutes: int) -> None:
        super().__init__("the phone's clock is off")
        self.minutes = minutes


class TooManyTriesError(StaffError):
    """The next try must wait for ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many tries")
        self.seconds = seconds
