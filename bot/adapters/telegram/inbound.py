"""From a raw update to ``Incoming``, or a reason why not: an allow-list at the door.

What is not named here is dropped: names, usernames, phones, places, files, whom a message is from.
"""

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telegram.constants import UpdateType

from bot.domain.errors import InvalidTapError
from bot.domain.messages import Channel, Event, Incoming, Media, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.domain.turn import BRANCHES
from bot.i18n import negotiate
from bot.logs import Word, error_class

MENU = Tap("utter_main_menu")
COMMANDS: Mapping[str, Tap] = {
    "menu": MENU,
    "phone": Tap("utter_phone_numbers"),
    "person": Tap("utter_human_consent"),
    "hide": Tap("action_hide"),
    "language": Tap("utter_choose_language"),
    "forget": Tap("utter_forget_confirm"),
    "report": Tap("action_report_text"),
}
# Obeyed whatever follows them; words after other commands may be a cry for help: they are read.
_OBEYED = frozenset({"hide", "forget", "phone"})
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@[A-Za-z0-9_]{1,64})?(?:\s+(.*))?", re.DOTALL)
# Telegram's own limit; only a forged update is longer.
_LONGEST_TEXT = 4096
_LARGEST_ID = 2**63
# What Telegram reports in a private chat although nobody said anything.
_REPORTS = frozenset(
    {
        "pinned_message",
        "message_auto_delete_timer_changed",
        "write_access_allowed",
        "chat_background_set",
        "connected_website",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "users_shared",
        "chat_shared",
    }
)
_GONE = frozenset({"left", "kicked"})


class Why(enum.StrEnum):
    """Why an update was not let in."""

    NOT_PRIVATE = "not_private"  # a group or channel: Havn leaves it
    MEMBERSHIP = (
        "membership"  # the visitor blocked or unblocked the bot, or it was removed somewhere
    )
    NOTHING_SAID = "nothing_said"  # a report of Telegram, or an edit without words
    FROM_A_BOT = "from_a_bot"
    UNKNOWN_KIND = "unknown_kind"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Entry:
    """An update that was let in; ``tap`` is the callback query to acknowledge, if it is one."""

    update_id: int
    incoming: Incoming = field(repr=False)
    tap: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """An update that was not let in; ``leave`` is a chat to leave, 0 for none."""

    update_id: int | None
    why: Why
    kind: UpdateType | None = None
    error: Word | None = None
    leave: int = field(default=0, repr=False)


class Reader:
    """Reads updates for one bot; ``locales`` returns those that are served at present."""

    def __init__(self, bot: str, locales: Callable[[], Sequence[str]]) -> None:
        self._bot = bot
        self._locales = locales

    def read(self, update: object) -> Entry | Refused:
        """Return what an update says; never raises, however malformed it is."""
        number = update_id_of(update)
        if number is None or not isinstance(update, dict):
            return Refused(None, Why.UNREADABLE)
        try:
            return self._read(number, update)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return Refused(number, Why.UNREADABLE, _kind(update), error_class(error))

    def _read(self, number: int, update: Mapping[str, Any]) -> Entry | Refused:
        match _kind(update):
            case UpdateType.MESSAGE:
                return self._message(number, update["message"])
            case UpdateType.EDITED_MESSAGE:
                return self._message(number, update["edited_message"], UpdateType.EDITED_MESSAGE)
            case UpdateType.CALLBACK_QUERY:
                return self._tap(number, update["callback_query"])
            case UpdateType.MY_CHAT_MEMBER:
                return _membership(number, update["my_chat_member"])
            case UpdateType.CHANNEL_POST:
                kind = UpdateType.CHANNEL_POST
                return _elsewhere(number, update["channel_post"]["chat"], kind)
            case kind:
                return Refused(number, Why.UNKNOWN_KIND, kind)

    def _message(
        self, number: int, message: Mapping[str, Any], kind: UpdateType = UpdateType.MESSAGE
    ) -> Entry | Refused:
        if message["chat"]["type"] != "private":
            return _elsewhere(number, message["chat"], kind)
        if message.get("from", {}).get("is_bot") is True:
            return Refused(number, Why.FROM_A_BOT, kind)
        event = self._event(message)
        # A shared live location is edited every few seconds; only edited words are something said.
        edited = kind is UpdateType.EDITED_MESSAGE
        if isinstance(event, Media) and (edited or _REPORTS & message.keys()):
            return Refused(number, Why.NOTHING_SAID, kind)
        reference = str(_id(message["message_id"]))
        return Entry(number, self._incoming(number, message, event, reference=reference))

    def _tap(self, number: int, query: Mapping[str, Any]) -> Entry | Refused:
        message = query["message"]
        if message["chat"]["type"] != "private":
            return _elsewhere(number, message["chat"], UpdateType.CALLBACK_QUERY)
        origin = {"chat": message["chat"], "from": query["from"]}
        on = str(_id(message["message_id"]))
        incoming = self._incoming(number, origin, Tapped(_decode(query.get("data"))), on=on)
        return Entry(number, incoming, _words(query["id"]))

    def _incoming(
        self, number: int, message: Mapping[str, Any], event: Event, **where: str
    ) -> Incoming:
        chat = str(_id(message["chat"]["id"]))
        hint = message.get("from", {}).get("language_code", "")
        return Incoming(
            channel=Channel.TELEGRAM,
            external_id=f"{self._bot}:{number}",
            sender=chat,
            address=chat,
            event=event,
            hint=negotiate(_words(hint), self._locales()),
            **where,
        )

    def _event(self, message: Mapping[str, Any]) -> Event:
        words = _words(message.get("text") or message.get("caption") or "").strip()
        if not words:
            return Media()
        command = _COMMAND.fullmatch(words)
        return self._command(command[1].lower(), command[2] or "") if command else Text(words)

    def _command(self, name: str, rest: str) -> Event:
        if name == "start":
            return self._start(rest)
        if name in COMMANDS and (not rest or name in _OBEYED):
            return Tapped(COMMANDS[name])
        return Text(f"{name} {rest}".strip())

    def _start(self, payload: str) -> Start:
        """Read a deep link such as ``ro-pro``; anything else in it, such as a batch, is dropped."""
        words = payload.strip().split("-")
        branch = next((word for word in words if word in BRANCHES), "")
        return Start(negotiate(words[0], self._locales()), branch)


def update_id_of(update: object) -> int | None:
    """Return the id of a raw update, None if it has none that could be one."""
    number = update.get("update_id") if isinstance(update, dict) else None
    usable = isinstance(number, int) and not isinstance(number, bool) and 0 < number < _LARGEST_ID
    return number if usable else None


def _kind(update: Mapping[str, Any]) -> UpdateType | None:
    """Return the kind of an update, None for one that this version of the Bot API does not list."""
    return next((kind for kind in UpdateType if kind.value in update), None)


def _membership(number: int, change: Mapping[str, Any]) -> Refused:
    here = change["chat"]["type"] == "private"
    if here or change["new_chat_member"]["status"] in _GONE:
        return Refused(number, Why.MEMBERSHIP, UpdateType.MY_CHAT_MEMBER)
    return _elsewhere(number, change["chat"], UpdateType.MY_CHAT_MEMBER)


def _elsewhere(number: int, chat: Mapping[str, Any], kind: UpdateType) -> Refused:
    return Refused(number, Why.NOT_PRIVATE, kind, leave=_id(chat["id"]))


def _decode(data: object) -> Tap:
    """Read the data of a button; an old or forged one leads to the menu."""
    try:
        return Tap.decode(_words(data))
    except (InvalidTapError, TypeError):
        return MENU


def _id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _LARGEST_ID:
        raise TypeError("not an id")
    return value


def _words(value: object) -> str:
    """Return a string that can be stored: JSON may carry half a surrogate pair, and NUL."""
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value[:_LONGEST_TEXT].encode(errors="replace").decode().replace("\0", "")
