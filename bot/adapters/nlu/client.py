"""Asks the NLU unit what a text means: one deadline, one breaker, no trust in what it says."""

import asyncio
import contextlib
import json
import re
import struct
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.domain.errors import DialogueUnavailableError
from bot.ports import Meaning

_LENGTH = struct.Struct(">I")
_MAX_FRAME = 64 * 1024
_CONNECTIONS = 4
# Five failures in thirty seconds open the breaker; one try is let through each thirty seconds
# after that (security-reliability.md 4.1, NLU).
_FAILURES = 5
_WINDOW = 30.0
_REST = 30.0
# Names of intents, screens, actions and locales; anything else the unit must have made up.
_WORD = re.compile(r"[A-Za-z0-9_]{0,80}")


class Breaker:
    """Stops asking a unit that keeps failing, and tries again after a rest."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures: deque[float] = deque(maxlen=_FAILURES)
        self._open_until = 0.0

    @property
    def closed(self) -> bool:
        """Tell whether asking makes sense now."""
        return self._monotonic() >= self._open_until

    def failed(self) -> None:
        """Note a failure."""
        now = self._monotonic()
        self._failures.append(now)
        if len(self._failures) == _FAILURES and now - self._failures[0] <= _WINDOW:
            self._open_until = now + _REST

    def worked(self) -> None:
        """Note a success: the slate is clean."""
        self._failures.clear()
        self._open_until = 0.0


class NoDialogue:
    """The Dialogue of an installation without free text (HAVN_NLU=off)."""

    ready = False

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:  # noqa: ARG002 -- the port's shape
        """Refuse, always."""
        raise DialogueUnavailableError("free text is switched off")


class SocketDialogue:
    """The Dialogue over the unit's socket. Connections are kept and shared among turns."""

    def __init__(
        self, path: Path, *, deadline: float = 0.8, breaker: Breaker | None = None
    ) -> None:
        self._path = path
        self._deadline = deadline
        self._breaker = breaker or Breaker()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._slots = asyncio.Semaphore(_CONNECTIONS)

    @property
    def ready(self) -> bool:
        """Tell whether the unit is there and not resting after failures."""
        return self._breaker.closed and self._path.exists()

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        """Return the meaning of a text on a screen within the deadline."""
        request = {"verb": "turn", "text": text, "screen": screen or None, "locale": locale}
        return _meaning(await self._ask(request))

    async def health(self) -> dict[str, Any]:
        """Return what the unit says of itself."""
        return await self._ask({"verb": "health"})

    async def close(self) -> None:
        """Close the connections."""
        while self._idle:
            _, writer = self._idle.pop()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self._breaker.closed:
            raise DialogueUnavailableError("the NLU unit is resting after failures")
        try:
            async with asyncio.timeout(self._deadline), self._slots:
                answer = await self._exchange(json.dumps(request).encode())
        except (OSError, TimeoutError, EOFError, ValueError, RecursionError) as error:
            self._breaker.failed()
            raise DialogueUnavailableError(type(error).__name__) from None
        if "error" in answer:
            self._breaker.failed()
            raise DialogueUnavailableError("the NLU unit could not read this")
        self._breaker.worked()
        return answer

    async def _exchange(self, request: bytes) -> dict[str, Any]:
        reader, writer = self._idle.pop() if self._idle else await self._connect()
        try:
            writer.write(_LENGTH.pack(len(request)) + request)
            await writer.drain()
            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            if not 0 < length <= _MAX_FRAME:
                raise ValueError("frame")
            answer = json.loads(await reader.readexactly(length))
            if not isinstance(answer, dict):
                raise ValueError("answer")  # noqa: TRY004 -- malformed, like any other bad answer
        except BaseException:
            # A connection in an unknown state would give the next visitor this one's answer.
            writer.close()
            raise
        self._idle.append((reader, writer))
        return answer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self._path))


def _meaning(answer: dict[str, Any]) -> Meaning:
    """Read an answer defensively: a wrong shape counts as a unit that is broken."""
    try:
        ranking = tuple((_word(name), _share(score)) for name, score in answer["ranking"])
        return Meaning(
            intent=_word(answer["intent"]),
            confidence=_share(answer["confidence"]),
            ranking=ranking,
            outcomes=tuple(_word(outcome) for outcome in answer["outcomes"]),
            locale=_word(answer.get("lang") or ""),
            locale_confidence=_share(answer.get("lang_confidence") or 0.0),
            danger=_share(answer["danger"]),
            self_harm=_share(answer["self_harm"]),
            danger_words=_flag(answer["danger_words"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise DialogueUnavailableError("the NLU unit gave a malformed answer") from None


def _word(value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError("word")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("flag")  # noqa: TRY004 -- malformed, like any other bad answer
    return value


def _share(value: Any) -> float:
    share = float(value)
    if not 0.0 <= share <= 1.0:
        raise ValueError("share")
    return share
