"""A random canary for each field of each conversation: found anywhere, it names what leaked.

All of them follow from one seed, so that no list of them has to be written to the disk that is
searched, and a program that was killed can be started again with the same ones.
"""

import enum
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.messages import Channel

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_ACCENT = "é"  # its two normal forms differ, and no encoding writes it like ASCII
# Telegram's ids passed 32 bits in 2021; old accounts have smaller ones.
_SMALL, _LARGE = 1 << 31, 1 << 33
_EVERY_SMALL = 10


class Kind(enum.Enum):
    """What a canary is made of."""

    WORDS = enum.auto()  # free text, with one letter beyond ASCII
    PLAIN = enum.auto()  # letters and digits, where nothing else may stand
    NUMBER = enum.auto()  # an id
    PLACE = enum.auto()  # a coordinate


class Stay(enum.Enum):
    """What becomes of a field: sealed and kept, sealed for a moment, or never written at all."""

    KEPT = enum.auto()
    BRIEF = enum.auto()
    NEVER = enum.auto()


_ALL = frozenset(Channel)
_TELEGRAM, _WEB = frozenset({Channel.TELEGRAM}), frozenset({Channel.WEB})
_TYPED = frozenset({Channel.TELEGRAM, Channel.WEB})


class Field(enum.Enum):
    """Everything that somebody, or their device, or a counsellor, tells Havn."""

    def __init__(self, name: str, kind: Kind, stay: Stay, channels: frozenset[Channel]) -> None:
        self.label, self.kind, self.stay, self.channels = name, kind, stay, channels

    # What is said and must be answered.
    TEXT = ("text", Kind.WORDS, Stay.KEPT, _ALL)
    NLU_TEXT = ("text the NLU unit reads", Kind.WORDS, Stay.KEPT, _ALL)
    CALLBACK = ("value in a button", Kind.PLAIN, Stay.BRIEF, _ALL)
    CAPTION = ("caption", Kind.WORDS, Stay.KEPT, _TELEGRAM)
    EDITED = ("edited text", Kind.WORDS, Stay.KEPT, _TELEGRAM)
    FORWARDED = ("forwarded text", Kind.WORDS, Stay.KEPT, _TELEGRAM)
    COMMAND = ("words after a command", Kind.WORDS, Stay.KEPT, _TELEGRAM)
    CHAT_ID = ("chat id", Kind.NUMBER, Stay.KEPT, _TELEGRAM)
    # What counsellors write.
    LINE = ("counsellor's line", Kind.WORDS, Stay.KEPT, _ALL)
    CANNED_ALIAS = ("counsellor's name", Kind.WORDS, Stay.KEPT, _ALL)
    NOTE = ("note", Kind.WORDS, Stay.KEPT, _ALL)
    WHISPER = ("whisper", Kind.WORDS, Stay.KEPT, _ALL)
    DRAFT = ("draft", Kind.WORDS, Stay.KEPT, _ALL)
    # What goes wrong.
    NLU_TIMEOUT = ("text at an NLU timeout", Kind.WORDS, Stay.KEPT, _ALL)
    HANDLER_ERROR = ("text at an error of the program", Kind.WORDS, Stay.BRIEF, _ALL)
    SERVER_ERROR = ("line at a 500 of Telegram", Kind.WORDS, Stay.KEPT, _TELEGRAM)
    DATABASE_ERROR = ("text at an error of the database", Kind.WORDS, Stay.BRIEF, _ALL)
    PAGE_ERROR = ("text at a 500 of the page", Kind.WORDS, Stay.NEVER, _WEB)
    MALFORMED = ("malformed update", Kind.WORDS, Stay.NEVER, _TELEGRAM)
    UNKNOWN_KIND = ("update of an unknown kind", Kind.WORDS, Stay.NEVER, _TELEGRAM)
    # Said once, kept as a keyed hash.
    CODE_WORD = ("code word", Kind.WORDS, Stay.BRIEF, _ALL)
    SAFE_WORD = ("safe word", Kind.WORDS, Stay.BRIEF, _ALL)
    # Dropped at the door.
    FIRST_NAME = ("first name", Kind.WORDS, Stay.NEVER, _TELEGRAM)
    LAST_NAME = ("last name", Kind.WORDS, Stay.NEVER, _TELEGRAM)
    USERNAME = ("username", Kind.PLAIN, Stay.NEVER, _TELEGRAM)
    PHONE = ("phone of a contact", Kind.PLAIN, Stay.NEVER, _TELEGRAM)
    LATITUDE = ("latitude", Kind.PLACE, Stay.NEVER, _TELEGRAM)
    LONGITUDE = ("longitude", Kind.PLACE, Stay.NEVER, _TELEGRAM)
    FILE_NAME = ("file name", Kind.WORDS, Stay.NEVER, _TELEGRAM)
    START = ("start payload", Kind.PLAIN, Stay.NEVER, _TELEGRAM)
    FORWARDER = ("whom it is forwarded from", Kind.WORDS, Stay.NEVER, _TELEGRAM)
    FORWARDED_FOR = ("X-Forwarded-For", Kind.PLAIN, Stay.NEVER, _WEB)
    USER_AGENT = ("User-Agent", Kind.PLAIN, Stay.NEVER, _WEB)
    REFERER = ("Referer", Kind.PLAIN, Stay.NEVER, _WEB)
    COOKIE = ("cookie", Kind.PLAIN, Stay.NEVER, _WEB)
    QUERY = ("query of the address", Kind.PLAIN, Stay.NEVER, _WEB)
    PATH = ("wrong path", Kind.PLAIN, Stay.NEVER, _WEB)
    EXTRA_FIELD = ("unknown field of the form", Kind.WORDS, Stay.NEVER, _WEB)
    UPLOAD_NAME = ("name of an upload", Kind.PLAIN, Stay.NEVER, _WEB)
    UPLOAD = ("content of an upload", Kind.WORDS, Stay.NEVER, _WEB)


# Secrets that Havn draws itself; what is searched for is told by the program that ran.
SESSION = "session of the web chat"
RETURN_CODE = "return code"


@dataclass(frozen=True, slots=True)
class Canary:
    """One canary. ``value`` is text, an id or a coordinate, as ``kind`` says."""

    conversation: int
    label: str
    kind: Kind
    stay: Stay
    value: str | int | float

    def __str__(self) -> str:
        return str(self.value)


class Songbook:
    """The canaries of one run."""

    def __init__(self, seed: str) -> None:
        self.seed = seed

    def of(self, conversation: int, field: Field) -> Canary:
        """Return the canary of a field."""
        value = self._drawn(conversation, field)
        return Canary(conversation, field.label, field.kind, field.stay, value)

    def text(self, conversation: int, field: Field) -> str:
        """Return a canary as it is written."""
        return str(self.of(conversation, field))

    def number(self, conversation: int, field: Field) -> int:
        """Return an id."""
        return int(self.of(conversation, field).value)

    def place(self, conversation: int, field: Field) -> float:
        """Return a coordinate."""
        return float(self.of(conversation, field).value)

    def all_of(self, conversation: int, channel: Channel) -> Iterator[Canary]:
        """Return the canaries of a conversation on a channel."""
        for field in Field:
            if channel in field.channels:
                yield self.of(conversation, field)

    def _drawn(self, conversation: int, field: Field) -> str | int | float:
        named = f"{conversation}:{field.label}".encode()
        number = int.from_bytes(hmac.digest(self.seed.encode(), named, "sha256"), "big")
        match field.kind:
            case Kind.NUMBER:
                small = conversation % _EVERY_SMALL == 0
                least = _SMALL if small else _LARGE
                return least + number % (least - 1)
            case Kind.PLACE:
                return 10 + number % (50 * 10**9) / 10**9
            case Kind.PLAIN:
                return _letters(number, 14)
            case Kind.WORDS:
                return _letters(number, 14) + _ACCENT + _letters(number >> 80, 3)


def _letters(number: int, length: int) -> str:
    drawn = ""
    for _ in range(length):
        number, digit = divmod(number, len(_LETTERS))
        drawn += _LETTERS[digit]
    return drawn
