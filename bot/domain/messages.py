"""What comes in from a channel and what goes back, before storage and rendering."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from bot.domain.screens import NO_VALUES, Button, Tap

# The screen of a bubble that holds a counsellor's own words.
LINE = "line"

ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", int)


class Channel(enum.StrEnum):
    """The ways a visitor can write."""

    TELEGRAM = "telegram"
    WEB = "web"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Start:
    """The visitor opened the chat, perhaps through a deep link that names a locale or a branch."""

    locale: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Words the visitor typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Tapped:
    """A button the visitor pressed."""

    tap: Tap


@dataclass(frozen=True, slots=True)
class Media:
    """Something other than text: never fetched, kindly answered."""


Event = Start | Text | Tapped | Media


@dataclass(frozen=True, slots=True)
class Incoming:
    """One thing a visitor did, as far as Havn lets it in.

    ``external_id`` is unique within the channel (a repeat has no effect); ``sender`` recognises the
    visitor and is stored only as a keyed hash; ``address`` is where to reply, stored only sealed;
    ``reference`` is the channel's id of the visitor's own message, ``on`` the id of the message
    whose button was tapped; ``hint`` is a locale the channel guesses, used once and never stored.
    """

    channel: Channel
    external_id: str
    sender: str
    event: Event
    address: str = ""
    reference: str = ""
    on: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A screen to show: keys only, so that words and facts are those of the moment it is sent.

    ``values`` fill runtime placeholders: plain strings, or screen ids for option_1 and option_2.
    ``extra`` are buttons added under the screen's own. ``on`` names the message to replace, if any.
    """

    screen: str
    locale: str
    values: Mapping[str, str] = field(default_factory=lambda: NO_VALUES)
    extra: tuple[Button, ...] = ()
    on: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Words of a counsellor, as they typed them, under the alias the visitor knows them by.

    ``original`` is what they typed where they had it translated: then ``text`` is a machine's,
    which they have read back and approved, and both are shown.
    """

    alias: str
    text: str = field(repr=False)
    locale: str
    original: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Bubble:
    """A rendered reply: the words of one message in one locale, ready for a channel."""

    screen: str
    locale: str
    text: str
    rows: tuple[tuple["Choice", ...], ...]
    on: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A rendered button: a label in the visitor's locale, tap data; ``copy`` is text to copy."""

    label: str
    data: str
    copy: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of the conversation as a channel shows it."""

    id: MessageId
    author: str
    at: datetime
    bubble: Bubble
