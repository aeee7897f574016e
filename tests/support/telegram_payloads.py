"""What Telegram tells a bot about people, chats and messages.

Each payload carries the traces a real one has (names, username, phone, file ids, coordinates), and
each trace is unique to its person. `Person.canaries` lists them, so that a test can search every
file the bot wrote for something that should never have been written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a Telegram account, and everything Telegram says about them."""

    id: int
    first_name: str
    last_name: str | None
    username: str | None
    language_code: str | None
    is_premium: bool
    phone: str
    latitude: float
    longitude: float

    @classmethod
    def invented(cls, number: int, **given: Any) -> "Person":
        """Return a person whose details follow from `number`; `given` ones win, also as None."""
        details: Json = {
            "id": number,
            "first_name": f"Firstname{number}",
            "last_name": f"Lastname{number}",
            "username": f"username{number}",
            "language_code": "en",
            "is_premium": True,
            "phone": f"+4599{number % 10**9:09d}",
            "latitude": 54 + number % 10**6 / 10**6,
            "longitude": 10 + (number * 7 + 3) % 10**6 / 10**6,
        }
        return cls(**(details | given))

    @property
    def file_mark(self) -> str:
        """The text found in every file id and file name of this person."""
        return f"file{self.id}x"

    def user(self) -> Json:
        """Return Telegram's User object."""
        return _known(
            id=self.id,
            is_bot=False,
            first_name=self.first_name,
            last_name=self.last_name,
            username=self.username,
            language_code=self.language_code,
            is_premium=self.is_premium or None,
        )

    def chat(self) -> Json:
        """Return the Chat object of the private chat with this person."""
        return _known(
            id=self.id,
            first_name=self.first_name,
            last_name=self.last_name,
            username=self.username,
            type="private",
        )

    def canaries(self) -> set[str]:
        """Return every string that payloads about this person may carry and nobody may store."""
        named = {self.first_name, self.last_name, self.username, self.phone, self.file_mark}
        return {text for text in named if text} | {str(self.latitude), str(self.longitude)}


@dataclass(frozen=True)
class Button:
    """An inline button as a visitor sees it."""

    label: str
    data: str | None = None
    url: str | None = None


@dataclass
class ChatMessage:
    """A message in a chat. `payload` is Telegram's own object; the rest is what it leaves out."""

    payload: Json
    from_bot: bool = False
    silent: bool = False
    markup: Json = field(default_factory=dict)

    @property
    def id(self) -> int:
        """Telegram's message id."""
        return int(self.payload["message_id"])

    @property
    def text(self) -> str:
        """The text, or the caption, or nothing."""
        return str(self.payload.get("text", self.payload.get("caption", "")))

    @property
    def buttons(self) -> list[list[Button]]:
        """Inline buttons, row by row."""
        rows = self.payload.get("reply_markup", {}).get("inline_keyboard", [])
        return [[Button(b["text"], b.get("callback_data"), b.get("url")) for b in r] for r in rows]

    @property
    def labels(self) -> list[str]:
        """The words on all buttons, in reading order."""
        return [button.label for button in self._flat()]

    @property
    def edited(self) -> bool:
        """Whether it was changed after it was sent."""
        return "edit_date" in self.payload

    @property
    def protected(self) -> bool:
        """Whether the visitor is kept from copying and forwarding it."""
        return bool(self.payload.get("has_protected_content"))

    @property
    def preview_off(self) -> bool:
        """Whether link previews are off."""
        return bool(self.payload.get("link_preview_options", {}).get("is_disabled"))

    def button(self, wanted: str) -> Button | None:
        """Return the button with this label or this callback data."""
        return next((b for b in self._flat() if wanted in (b.label, b.data)), None)

    def _flat(self) -> Iterator[Button]:
        return (button for row in self.buttons for button in row)


def bot_user(number: int) -> Json:
    """Return the bot's own User object, with what only getMe tells."""
    return {
        "id": number,
        "is_bot": True,
        "first_name": "Information",
        "username": "emulated_info_bot",
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


def text(content: str) -> Json:
    """Return the fields of a text message; a leading command is marked as one."""
    fields: Json = {"text": content}
    if content.startswith("/"):
        length = len(content.split(maxsplit=1)[0])
        fields["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
    return fields


def media(kind: str, person: Person) -> Json:
    """Return the fields of a message of one of `MEDIA`; the field is named like the kind."""
    mark = person.file_mark
    place = {"latitude": person.latitude, "longitude": person.longitude}
    stored = {"file_id": f"{kind}-{mark}", "file_unique_id": f"u-{kind}-{mark}", "file_size": 9000}
    named = {**stored, "file_name": f"{mark}.bin", "mime_type": "application/octet-stream"}
    sized = {"width": 640, "height": 480}
    contact = {"phone_number": person.phone, "first_name": person.first_name, "user_id": person.id}
    fields: Json = {
        "photo": [{**stored, **sized}],
        "video": {**named, **sized, "duration": 4},
        "animation": {**named, **sized, "duration": 4},
        "video_note": {**stored, "length": 240, "duration": 4},
        "voice": {**stored, "mime_type": "audio/ogg", "duration": 4},
        "audio": {**named, "duration": 4, "performer": person.first_name, "title": "Song"},
        "document": named,
        "sticker": {
            **stored,
            **sized,
            "type": "regular",
            "is_animated": False,
            "is_video": False,
            "emoji": "\N{WAVING HAND SIGN}",
        },
        "contact": _known(**contact, last_name=person.last_name),
        "location": place,
        "venue": {"location": place, "title": "Café", "address": f"Street {mark}"},
        "dice": {"emoji": "\N{GAME DIE}", "value": 3},
        "poll": {
            "id": str(person.id),
            "question": f"Question {mark}",
            "options": [{"text": "A", "voter_count": 0, "persistent_id": "a"}],
            "total_voter_count": 0,
            "is_closed": False,
            "is_anonymous": True,
            "type": "regular",
            "allows_multiple_answers": False,
            "allows_revoting": False,
            "members_only": False,
        },
    }
    return {kind: fields[kind]}


MEDIA = (
    *("photo", "video", "animation", "video_note", "voice", "audio", "document", "sticker"),
    *("contact", "location", "venue", "dice", "poll"),
)


_RIGHTS: dict[str, Json] = {
    "kicked": {"until_date": 0},
    "administrator": dict.fromkeys(
        (
            *("can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages"),
            *("can_manage_video_chats", "can_restrict_members", "can_promote_members"),
            *("can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories"),
            *("can_delete_stories", "can_post_messages", "can_edit_messages"),
        ),
        False,
    ),
}


def forwarded_from(person: Person, date: int) -> Json:
    """Return the fields that say a message was first written by somebody else."""
    return {"forward_origin": {"type": "user", "date": date, "sender_user": person.user()}}


def membership(chat: Json, actor: Person, bot: Json, date: int, change: tuple[str, str]) -> Json:
    """Return a ChatMemberUpdated about the bot; `change` is its status before and after."""
    before, after = (_member(bot, status) for status in change)
    return {
        "chat": chat,
        "from": actor.user(),
        "date": date,
        "old_chat_member": before,
        "new_chat_member": after,
    }


def _member(bot: Json, status: str) -> Json:
    return {"user": bot, "status": status} | _RIGHTS.get(status, {})


def _known(**fields: Any) -> Json:
    """Leave out what Telegram leaves out: fields without a value."""
    return {name: value for name, value in fields.items() if value is not None}
