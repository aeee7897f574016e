"""The Bot API client: python-telegram-bot's ``Bot`` with its two leaks and one gap closed."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest, RequestData

from bot.adapters.telegram.quiet import silence
from bot.domain.errors import ConfigurationError

# Only what Havn answers, and what tells it that it was put into a group.
ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "channel_post",
)
_READ_SECONDS = 10.0
_CONNECT_SECONDS = 5.0
_CONNECTIONS = 64
# Telegram writes it first, and quotes inside a visitor's words are escaped.
_UPDATE_ID = re.compile(rb'"update_id"\s*:\s*(\d{1,18})')


class PausedError(TelegramError):
    """Telegram asks to wait (429); ``seconds`` is how long, for the chat of this call."""

    def __init__(self, seconds: float) -> None:
        super().__init__("asked to wait")
        self.seconds = seconds


class UnreadableAnswerError(TelegramError):
    """The answer is cut short or a proxy's; whether the call had an effect is unknown."""

    def __init__(self) -> None:
        super().__init__("unreadable answer")


class PoisonAnswerError(UnreadableAnswerError):
    """No parser here can take the answer, now or later; ``first_id`` is its first update."""

    def __init__(self, first_id: int | None) -> None:
        super().__init__()
        self.first_id = first_id


class Request(HTTPXRequest):
    """HTTP to the Bot API. Errors never quote a body, and none is logged."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *args: Any, **how: Any
    ) -> tuple[int, bytes]:
        """Send one request; PausedError for 429, as the library's own error warns of itself."""
        code, payload = await super().do_request(url, method, request_data, *args, **how)
        if code == HTTPStatus.TOO_MANY_REQUESTS:
            raise PausedError(_seconds_asked(payload))
        return code, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; the library's own version logs what it cannot read."""
        try:
            answer = json.loads(payload.decode(errors="replace"))
        except json.JSONDecodeError:
            raise UnreadableAnswerError from None
        except (ValueError, RecursionError):  # a number of 5,000 digits, a thousand nested lists
            found = _UPDATE_ID.search(payload)
            raise PoisonAnswerError(int(found[1]) if found else None) from None
        if not isinstance(answer, dict) or not {"result", "description"} & answer.keys():
            raise UnreadableAnswerError
        return answer


def _seconds_asked(payload: bytes) -> float:
    try:
        return float(json.loads(payload)["parameters"]["retry_after"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return 1.0


class Client(Bot):
    """``Bot``, which can also return updates as they came, so that one bad item spoils no other."""

    async def raw_updates(self, offset: int | None, *, wait: int, limit: int = 100) -> list[object]:
        """Return unconfirmed updates as plain JSON, and confirm those before ``offset``.

        Waits up to ``wait`` seconds for the first one.
        """
        answer = await self._post(
            "getUpdates",
            {
                "offset": offset,
                "timeout": wait,
                "limit": limit,
                "allowed_updates": list(ALLOWED_UPDATES),
            },
            read_timeout=wait + _READ_SECONDS,
        )
        if not isinstance(answer, list):
            raise UnreadableAnswerError
        return answer

    @property
    def number(self) -> str:
        """Return the bot's own id, which is the public half of its token."""
        return self.token.partition(":")[0]


@asynccontextmanager
async def open_client(token: str, api_url: str) -> AsyncIterator[Client]:
    """Lend a client and close its connections at the end; Telegram may be out of reach meanwhile.

    Silences the libraries' loggers. ConfigurationError when the token cannot be one.
    """
    silence()
    if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", token):
        raise ConfigurationError("HAVN_TELEGRAM_TOKEN does not have the form of a bot token")
    base = api_url.rstrip("/")
    polling, calling = _request(connections=2), _request(_CONNECTIONS)
    try:
        # Not initialised on purpose: that would ask Telegram and fail the start while it is away.
        yield Client(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=calling,
            get_updates_request=polling,
        )
    finally:
        await polling.shutdown()
        await calling.shutdown()


def _request(connections: int) -> Request:
    return Request(
        connection_pool_size=connections,
        read_timeout=_READ_SECONDS,
        connect_timeout=_CONNECT_SECONDS,
        pool_timeout=_CONNECT_SECONDS,
    )
