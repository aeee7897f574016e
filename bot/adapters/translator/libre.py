"""Machine translation by a server that speaks LibreTranslate's API (docs.libretranslate.com)."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx

from bot.domain.errors import TranslatorUnavailableError
from bot.ports import LONGEST_TRANSLATION

# A counsellor looks at the original meanwhile; a machine without graphics card needs seconds.
DEADLINE = 10.0
_CONNECT_SECONDS = 2.0
# Each takes a processor of the other machine.
_AT_ONCE = 4
# In hundredths, as the server counts. Below it the language that a visitor reads says more.
_SURE = 90
_AUTO = "auto"
# The longest text, should it double, with each character as two \uXXXX; and the JSON around it.
_MAX_BYTES = 12 * 2 * LONGEST_TRANSLATION + 1024


class LibreTranslator:
    """The Translator over ``POST /translate``; made by open_libre_translator()."""

    ready = True

    def __init__(
        self, client: httpx.AsyncClient, address: str, key: str = "", *, deadline: float = DEADLINE
    ) -> None:
        self._client = client
        self._address = f"{address.rstrip('/')}/translate"
        self._key = key
        self._deadline = deadline

    async def translate(self, text: str, source: str, target: str, *, detect: bool = False) -> str:
        """Return the text in another language, within the deadline."""
        if len(text) > LONGEST_TRANSLATION:
            raise TranslatorUnavailableError("longer than what is translated")
        try:
            async with asyncio.timeout(self._deadline):
                found = await self._detect(text, target) if detect else ""
                if not found and source == target:
                    raise TranslatorUnavailableError("the language is not known")
                return found or _text(await self._ask(text, source, target))
        # Raised from None: errors of the client hold the request, and the request holds the text.
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, RecursionError) as error:
            raise TranslatorUnavailableError(type(error).__name__) from None

    async def _detect(self, text: str, target: str) -> str:
        """Return the text from the language it is surely in, "" when that is not sure.

        A server without the model of a language it finds refuses: then nothing is sure either.
        """
        with contextlib.suppress(TranslatorUnavailableError):
            answer = await self._ask(text, _AUTO, target)
            if _is_sure(answer):
                return _text(answer)
        return ""

    async def _ask(self, text: str, source: str, target: str) -> dict[str, Any]:
        question = {"q": text, "source": _tag(source), "target": _tag(target), "format": "text"}
        if self._key:
            question["api_key"] = self._key
        body = bytearray()
        async with self._client.stream("POST", self._address, json=question) as response:
            # A redirect too: the text goes to the server that was set, and to no other.
            if response.status_code != HTTPStatus.OK:
                raise TranslatorUnavailableError(f"status {response.status_code}")
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _MAX_BYTES:
                    raise TranslatorUnavailableError("the answer is too long")
        return _read(bytes(body))


def _read(body: bytes) -> dict[str, Any]:
    try:
        answer: Any = json.loads(body)
    except ValueError:
        raise TranslatorUnavailableError("the answer is no JSON") from None
    return answer if isinstance(answer, dict) else {}


def _is_sure(answer: dict[str, Any]) -> bool:
    """Tell whether the server is sure of the language; short texts it often is not."""
    detected = answer.get("detectedLanguage")
    confidence = detected.get("confidence") if isinstance(detected, dict) else None
    return isinstance(confidence, int | float) and confidence >= _SURE


def _text(answer: dict[str, Any]) -> str:
    text = answer.get("translatedText")
    if not isinstance(text, str) or not text.strip():
        raise TranslatorUnavailableError("the answer holds no text")
    if len(text) > 2 * LONGEST_TRANSLATION:
        raise TranslatorUnavailableError("the answer is too long")
    return text


def _tag(locale: str) -> str:
    """Return the language tag of a locale: ``pt-BR`` for ``pt_BR``."""
    return locale.replace("_", "-")


@asynccontextmanager
async def open_libre_translator(
    address: str, key: str = "", *, deadline: float = DEADLINE
) -> AsyncIterator[LibreTranslator]:
    """Lend a translator and close its connections at the end; the server may be away meanwhile."""
    limits = httpx.Limits(max_connections=_AT_ONCE)
    timeout = httpx.Timeout(deadline, connect=_CONNECT_SECONDS)
    # Proxies and certificates named by the environment would be one more place where texts go.
    async with httpx.AsyncClient(
        limits=limits, timeout=timeout, trust_env=False, follow_redirects=False
    ) as client:
        yield LibreTranslator(client, address, key, deadline=deadline)
