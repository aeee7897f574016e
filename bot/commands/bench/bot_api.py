"""A Bot API for benchmarks: it takes every message, notes when, and tells who waits for it.

Pacing is not emulated: Havn keeps to Telegram's limits by itself.
"""

import asyncio
import itertools
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.commands.bench.running import free_port
from bot.commands.bench.serving import HOST
from bot.commands.serve import Address, answer_http, listen

_SHOWN = frozenset({"sendMessage", "editMessageText"})
_UNKNOWN = {"ok": False, "error_code": 400, "description": "Bad Request: not emulated"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a chat was shown, and when on this process's performance counter."""

    at: float
    message: int
    taps: Sequence[str]


class BotApi:
    """What the bot calls instead of Telegram. ``count`` is how many messages were shown."""

    def __init__(self) -> None:
        self.count = 0
        self._numbers = itertools.count(1)
        self._chats: dict[int, asyncio.Queue[Shown]] = defaultdict(asyncio.Queue)
        self._listening: set[int] = set()

    def listen_to(self, chat: int) -> asyncio.Queue[Shown]:
        """Return where the messages of a chat arrive from now on."""
        self._listening.add(chat)
        return self._chats[chat]

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        method = request.path_params["method"]
        if method.startswith("getMy"):
            return JSONResponse(_UNKNOWN, 400)
        if method not in _SHOWN:
            return JSONResponse({"ok": True, "result": True})
        given = dict(parse_qsl((await request.body()).decode()))
        self.count += 1
        chat = int(given["chat_id"])
        number = int(given.get("message_id", 0)) or next(self._numbers)
        if chat in self._listening:
            shown = Shown(time.perf_counter(), number, _taps(given.get("reply_markup", "")))
            self._chats[chat].put_nowait(shown)
        place = {"id": chat, "type": "private", "first_name": "Bench"}
        message = {"message_id": number, "date": int(time.time()), "chat": place}
        return JSONResponse({"ok": True, "result": message | {"text": "."}})


@asynccontextmanager
async def bot_api() -> AsyncIterator[tuple[BotApi, str]]:
    """Serve a Bot API of this benchmark's own; yield it and its address."""
    api, port = BotApi(), free_port()
    app = Starlette(routes=[Route("/bot{token}/{method}", api.answer, methods=["POST"])])
    server = asyncio.create_task(answer_http(app, listen(Address(HOST, port), "a free port")))
    try:
        yield api, f"http://{HOST}:{port}"
    finally:
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)


def _taps(markup: str) -> Sequence[str]:
    rows = json.loads(markup).get("inline_keyboard", []) if markup else []
    found = (button.get("callback_data", "") for row in rows for button in row)
    return [tap for tap in found if tap]
