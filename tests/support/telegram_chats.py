"""Chats with an emulated bot, as the people in them see and use them."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import telegram_payloads as payloads
from .telegram_payloads import ChatMessage, Json, Person

if TYPE_CHECKING:
    from .telegram_api import TelegramApi

BLOCKED = "Forbidden: bot was blocked by the user"
Match = str | Callable[[ChatMessage], bool] | None


class Room:
    """A chat as the people in it see it."""

    def __init__(self, api: "TelegramApi", payload: Json) -> None:
        self.api = api
        self.id: int = payload["id"]
        self.payload = payload
        self.messages: dict[int, ChatMessage] = {}
        self.heard: list[ChatMessage] = []  # each message of the bot as it was when sent or edited
        self.alerts: list[str] = []
        self.closed: str | None = None  # why the bot may not write here, in Telegram's words
        self._read = 0

    @property
    def chat(self) -> list[ChatMessage]:
        """All messages visible now, both directions, oldest first."""
        return list(self.messages.values())

    async def expect(self, match: Match = None, *, within: float = 2) -> ChatMessage:
        """Wait for the next message or edit by the bot that matches, and move past it.

        `match` is a piece of the text, a predicate, or nothing. Times are in real seconds.
        """

        def find() -> ChatMessage | None:
            for place in range(self._read, len(self.heard)):
                if _matches(self.heard[place], match):
                    self._read = place + 1
                    return self.heard[place]
            return None

        try:
            return await self.api.wait_for(find, within)
        except TimeoutError:
            texts = [message.text for message in self.heard[self._read :]]
            raise AssertionError(f"no message like {match!r}, only {texts}") from None

    async def until(self, true: Callable[[list[ChatMessage]], bool], *, within: float = 2) -> None:
        """Wait until something is true of the visible chat; TimeoutError if it does not become."""
        await self.api.wait_for(lambda: true(self.chat) or None, within)

    async def hears_nothing(self, *, during: float = 0.05) -> None:
        """Fail if the bot writes within this many real seconds after what was expected."""
        await asyncio.sleep(during)
        assert not self.heard[self._read :], [m.text for m in self.heard[self._read :]]


class Visitor(Room):
    """A person and their private chat with the bot."""

    def __init__(self, api: "TelegramApi", person: Person) -> None:
        super().__init__(api, person.chat())
        self.person = person

    async def sends(self, text: str | None = None, **extras: Any) -> ChatMessage:
        """Write to the bot; see `TelegramApi.incoming` for `extras`."""
        return self.api.incoming(self, self.person, text, **extras)

    async def edits(self, message: ChatMessage, text: str) -> None:
        """Change an own message."""
        message.payload |= payloads.text(text) | {"edit_date": self.api.date}
        self.api.queue("edited_message", message.payload, self.id)

    async def taps(self, wanted: str, message: ChatMessage | None = None) -> str:
        """Tap the button with this label or data and return the id of the callback query.

        Without `message` it is the newest visible one that has the button. A message that was
        deleted meanwhile can still be tapped if it is given, as on a slow phone.
        """
        seen = [message] if message else reversed(self.chat)
        for candidate in seen:
            button = candidate.button(wanted)
            if button and button.data is not None:
                return self.api.tap(self, self.person, candidate, button.data)
        raise LookupError(f"no button {wanted!r}")

    async def blocks(self) -> None:
        """Block the bot: from now on it gets 403."""
        self.closed = BLOCKED
        self.api.membership(self, self.person, "member", "kicked")

    async def unblocks(self) -> None:
        """Let the bot write again."""
        self.closed = None
        self.api.membership(self, self.person, "kicked", "member")


class Group(Room):
    """A group, supergroup or channel that the bot was added to."""

    async def says(self, by: Visitor, text: str | None = None, **extras: Any) -> ChatMessage:
        """Let somebody write here; see `TelegramApi.incoming` for `extras`."""
        return self.api.incoming(self, by.person, text, **extras)


def _matches(message: ChatMessage, match: Match) -> bool:
    if callable(match):
        return match(message)
    return match is None or match in message.text
