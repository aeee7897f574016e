"""What nobody should send, and an NLU unit that must not be believed."""

import asyncio
import json
import re
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from bot import metrics
from bot.bootstrap import App, Channels, web_app
from bot.logs import guard
from bot.ports import Meaning
from tests.support.fakes import FakeClock

# Stands in every hostile text; it must never be found outside the sealed store.
CANARY = "canaryqzx"
_FIELDS = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')

TEXTS: Mapping[str, str] = {
    "blank": " \t\n ",
    "invisible": "\u200b\u2060\ufeff\u00ad",
    "only bidi": "\u202e\u2066\u2069\u202c",
    "bidi trick": f"{CANARY} \u202e gnp.exe \u2066 112\u2069",
    "nul": f"{CANARY}\0{CANARY}",
    "control characters": "".join(map(chr, range(32))) + CANARY + "\x7f\x80\x9b",
    "lone surrogates": f"{CANARY}\ud800\udfff",
    "not characters": f"\ufffe\uffff\U0010ffff{CANARY}",
    "one hundred kB": f"{CANARY} " * 10_000,
    "marks upon marks": CANARY + "\u0301" * 4_000,
    "emoji": "👩‍👩‍👧‍👦" * 500 + CANARY,
    "digits": "9" * 4_500,
    "payload": f'/inform{{"{CANARY}": 1}}',
    "payload of danger": '/action_forget{"x":1}',
    "session start": f"/session_start {CANARY}",
    "restart": "/restart",
    "slot": f"/SetSlots(screen={CANARY})",
    "deeply nested": "[" * 4_000,
    "placeholder": f"{{cmm_phone}} {{{CANARY}}} %s {{0.__class__}}",
    "template": "{{ 7*7 }}<script>alert(1)</script>" + CANARY,
    "sql": f"'); DROP TABLE messages; -- {CANARY}",
    "log line": f'\r\n{{"event":"nlu_ready","x":"{CANARY}"}}\r\n',
    "ansi": f"\x1b[2J\x1b]0;{CANARY}\x07",
    "format of a tap": "action_forget",
    "tap with values": "action_queue_urgent level=red",
}

TAPS = (
    "",
    "x",
    "action_",
    "action_nothing",
    "utter_nothing",
    "utter_main_menu " + "a=b " * 30,
    "utter_main_menu a=b c=d e=f g=h",
    "utter_" + "x" * 58,
    "utter_" + "x" * 200,
    "action_set_language",
    "action_set_language locale=xx",
    "action_set_language locale=../../etc",
    "action_set_language locale=" + "a" * 37,
    "action_check_next",
    "action_check_next q=7 answer=yes",
    "action_check_next q=-1 answer=yes",
    "action_check_next q=1 q=2",
    "action_option",
    "action_transfer_yes",
    "action_transfer_no",
    "action_resend",
    "action_report_text",
    "action_report_text screen=utter_debt locale=da",
    "action_pull",
    "action_leave_human",
    "action_queue_open",
    "utter_queue_kept",
    "utter_queue_wait",
    "utter_human_joined staff_alias=Boss",
    "utter_human_transfer",
    "utter_fallback_1 option_1=utter_debt",
    "utter_danger_now level=grey",
    "utter_human_consent level=red minor=maybe consent=everything",
    "utter_forget_done",
    "utter_hide_done",
    "utter_main_menu\0",
    "utter_main_menu\n",
    "UTTER_MAIN_MENU",
    "utter_main_menu ٣=٣",
    "javascript:alert(1)",
)


class HurryingClock(FakeClock):
    """A clock in whose time nobody writes too fast: a second passes whenever it is looked at."""

    def now(self) -> datetime:
        self.turn(seconds=1)
        return super().now()


class Liar:
    """A dialogue that says the same of every text, whatever it is."""

    ready = True

    def __init__(self, intent: str, *outcomes: str, ranking: Any = (("debt", 0.9),)) -> None:
        self.said = Meaning(intent, 0.99, tuple(ranking), outcomes, "en", 0.99)

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        return self.said


@asynccontextmanager
async def broken_unit(path: Path, answer: bytes, *, hang: bool = False) -> AsyncIterator[None]:
    """Run a server that gives one answer to every frame, or none at all."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            await reader.readexactly(length)
            writer.write(answer)
            await writer.drain()
            if hang:
                await over.wait()
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, str(path))
    try:
        yield
    finally:
        over.set()
        server.close()
        await asyncio.sleep(0.01)


def framed(content: object) -> bytes:
    """Return a frame of the worker's protocol; bytes go as they are."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack(">I", len(raw)) + raw


@dataclass
class Browser:
    """A browser without script, which sends whatever it is told to."""

    client: httpx.AsyncClient
    fields: dict[str, str] = field(default_factory=dict)
    page: str = ""

    async def open(self) -> httpx.Response:
        return self._read(await self.client.get("/"))

    async def begin(self) -> httpx.Response:
        await self.open()
        return await self.send(tap="utter_safe_to_talk")

    async def send(self, **data: str) -> httpx.Response:
        body = {**self.fields, **data}
        return self._read(await self.client.post("/", data=body))

    def _read(self, response: httpx.Response) -> httpx.Response:
        self.page = response.text
        self.fields = {**self.fields, **dict(_FIELDS.findall(response.text))}
        return response


@asynccontextmanager
async def browsers(app: App, channels: Channels | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client of the real web chat; errors the app lets out are raised."""
    transport = httpx.ASGITransport(web_app(app, channels or Channels({})))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8080", headers={"accept-language": "en"}
    ) as client:
        yield client


@contextmanager
def nothing_told(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """Fail if a log call carries free text, or the canary reaches a log or a figure."""
    caplog.set_level("DEBUG")
    with structlog.testing.capture_logs(processors=[guard]) as logged:
        yield logged
    # What the test's own browser logs is no word of Havn.
    told = [
        record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    ]
    assert CANARY not in " ".join(record.getMessage() for record in told)
    assert CANARY not in str(logged)
    assert CANARY.encode() not in metrics.exposition()
