"""Visitors of a benchmark, through the real ways in: the web chat's form, Telegram's webhook."""

import asyncio
import itertools
import random
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx

from bot.commands.bench.bot_api import BotApi, Shown
from bot.commands.bench.serving import Place
from bot.domain.messages import MessageId

# What erases would take the evidence with it.
LEFT_OUT = ("action_hide", "action_forget")
_START = "utter_main_menu"
_FRAGMENT = {"accept": "text/vnd.havn.fragment", "sec-fetch-site": "same-origin"}
_HIDDEN = re.compile(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">')
_TAPS = re.compile(r'<button[^>]* name="tap" value="([^"]+)"')
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 -- the name of the header
_OK = 200
# Shorter than the server keeps an idle connection; a browser would ask again over a new one.
_IDLE_SECONDS = 2


@dataclass(slots=True)
class Tally:
    """What came of what visitors did. ``waits`` are seconds from sending to being answered."""

    sent: int = 0
    refused: int = 0
    unanswered: int = 0
    waits: list[float] = field(default_factory=list)


def browser(place: Place) -> httpx.AsyncClient:
    """Return what visits the web chat, with as many connections as visitors need."""
    limits = httpx.Limits(
        max_connections=200, max_keepalive_connections=200, keepalive_expiry=_IDLE_SECONDS
    )
    return httpx.AsyncClient(base_url=place.chat, timeout=30, limits=limits, headers=_FRAGMENT)


@dataclass(slots=True)
class WebVisitor:
    """Somebody on the page, who presses one of the buttons they see, again and again."""

    client: httpx.AsyncClient
    chance: random.Random
    tally: Tally
    form: dict[str, str] = field(default_factory=dict)
    taps: Sequence[str] = ()

    async def open(self) -> None:
        """Read the first page; nothing is stored for that."""
        self._read((await self.client.get("/")).text)

    async def start(self) -> None:
        """Begin a conversation; other buttons of the first page would be answered without one."""
        await self._post({"tap": _START})

    async def tap(self) -> None:
        """Press a button; the answer is in the response."""
        await self._post({"tap": self.chance.choice(self.taps or (_START,))})

    async def write(self, text: str) -> None:
        """Send a text."""
        await self._post({"text": text})

    async def leave(self) -> None:
        """Press Exit: everything about this visit is erased."""
        await self.client.post("/exit", data={"token": self.form.get("token", "")})

    async def _post(self, said: dict[str, str]) -> None:
        self.tally.sent += 1
        began = time.perf_counter()
        try:
            response = await self.client.post("/", data=self.form | said)
        except httpx.HTTPError:
            self.tally.unanswered += 1
            return
        if response.status_code != _OK:
            self.tally.refused += 1
            return
        self.tally.waits.append(time.perf_counter() - began)
        self._read(response.text)

    def _read(self, page: str) -> None:
        self.form = dict(_HIDDEN.findall(page))
        taps = map(unescape, _TAPS.findall(page))
        self.taps = [tap for tap in taps if not tap.startswith(LEFT_OUT)]


def returning(client: httpx.AsyncClient, tally: Tally, token: str, last: MessageId) -> WebVisitor:
    """Return a visitor whose conversation was begun before."""
    form = {"token": token, "nonce": secrets.token_urlsafe(32), "last": str(last), "begun": "1"}
    return WebVisitor(client, random.Random(token), tally, form | {"at": str(int(time.time()))})


class Webhook:
    """Brings updates as Telegram does, each once."""

    def __init__(self, place: Place, client: httpx.AsyncClient, tally: Tally) -> None:
        self._place = place
        self._client = client
        self._numbers = itertools.count(1)
        self.tally = tally

    async def bring(self, **update: Any) -> bool:
        """Bring an update; False where it was not taken."""
        self.tally.sent += 1
        headers = {_SECRET_HEADER: self._place.secret}
        body = {"update_id": next(self._numbers), **update}
        try:
            response = await self._client.post(self._place.webhook, json=body, headers=headers)
        except httpx.HTTPError:
            self.tally.unanswered += 1
            return False
        self.tally.refused += response.status_code != _OK
        return response.status_code == _OK


class TelegramVisitor:
    """Somebody with Telegram. ``waits`` are seconds from an update to what was shown for it."""

    def __init__(self, chat: int, webhook: Webhook, api: BotApi) -> None:
        self._chat = chat
        self._webhook = webhook
        self._shown = api.listen_to(chat)
        self._chance = random.Random(chat)
        self._messages = itertools.count(1)
        self._last: Shown | None = None
        self.waits: list[float] = []
        self.unanswered = 0

    async def act(self, patience: float) -> None:
        """Start, or press a button seen last, and wait for what is shown."""
        while not self._shown.empty():
            self._last = self._shown.get_nowait()
        began = time.perf_counter()
        await self._webhook.bring(**self._update())
        try:
            self._last = await asyncio.wait_for(self._shown.get(), patience)
        except TimeoutError:
            self.unanswered += 1
            self.waits.append(patience)
        else:
            self.waits.append(self._last.at - began)

    def _update(self) -> dict[str, Any]:
        taps = (
            [tap for tap in self._last.taps if not tap.startswith(LEFT_OUT)] if self._last else []
        )
        if self._last is None or not taps:
            return text_update(self._chat, next(self._messages), "/start")
        message = {"message_id": self._last.message, "chat": chat_of(self._chat)}
        query = {"id": secrets.token_hex(8), "from": person_of(self._chat), "message": message}
        return {"callback_query": query | {"data": self._chance.choice(taps)}}


def text_update(chat: int, number: int, text: str) -> dict[str, Any]:
    """Return a message as the Bot API writes it."""
    message = {"message_id": number, "date": int(time.time()), "text": text}
    return {"message": message | {"chat": chat_of(chat), "from": person_of(chat)}}


def chat_of(chat: int) -> dict[str, Any]:
    """Return a private chat."""
    return {"id": chat, "type": "private"}


def person_of(chat: int) -> dict[str, Any]:
    """Return who writes there."""
    return {"id": chat, "is_bot": False, "first_name": "Bench", "language_code": "en"}
