"""What the tests of the deck's claims share: a register, a whole Havn, a phone and a browser."""

import asyncio
import hashlib
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bot.adapters.telegram import Intake, Poller, TelegramChannel, open_client
from bot.bootstrap import App, Channels, make_renderer, open_app, web_app
from bot.domain.messages import Channel, ConversationId
from bot.domain.triage import Lexicon
from bot.ports import Dialogue
from bot.services.reply import Renderer
from bot.settings import Settings
from tests.support.app import COLLEAGUE, in_hours, on_shift
from tests.support.deck import ROOT, deck
from tests.support.fakes import FakeClock, FakeDialogue, RecordingChannel
from tests.support.stores import laid
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor as Person
from tests.support.telegram_rig import kill

Test = TypeVar("Test", bound=Callable[..., Any])
# Which tests stand behind which sentences.
REGISTERED: dict[str, list[str]] = defaultdict(list)
# None of these is a default, so a sentence that does not follow the settings is found out.
IN_FORCE: dict[str, Any] = {
    "operator_name": "Nordlyset",
    "operator_contact": "post@nordlyset.example",
    "retention_idle_hours": 5,
    "retention_cap_days": 3,
    "web_idle_minutes": 7,
    "neutral_site": "https://weather.example/today",
    "web_chat_url": "https://chat.example/",
    "telegram_token": "",
    "allow_drafts": True,
    "nlu": "off",
}
_FIELDS = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def claims(*keys: str) -> Callable[[Test], Test]:
    """Say that a test fails when the sentences of these screens or words are no longer true."""

    def register(test: Test) -> Test:
        for key in keys:
            REGISTERED[key].append(test.__qualname__)
        return test

    return register


def sentences(key: str) -> tuple[str, ...]:
    """Return the English sources of a screen, or of a word."""
    if key in deck().screens:
        return tuple(dict.fromkeys(deck()[key].sources()))
    return (deck().words[key],)


def digest(key: str) -> str:
    """Return a short fingerprint of the sentences of a screen or word."""
    return hashlib.sha256("\0".join(sentences(key)).encode()).hexdigest()[:8]


def in_force() -> Renderer:
    """Return the words under the settings of these tests."""
    return _words()[0]


@cache
def _words(**settings: Any) -> tuple[Renderer, tuple[Lexicon, ...]]:
    return make_renderer(Settings(root=ROOT, **{**IN_FORCE, **settings}))


@asynccontextmanager
async def havn(
    folder: Path,
    clock: FakeClock,
    *,
    channel: Any = None,
    dialogue: Dialogue | None = None,
    **settings: Any,
) -> AsyncIterator[App]:
    """Lend a whole Havn under the settings of these tests; somebody is on shift in its hours."""
    chosen = Settings(root=ROOT, data_dir=folder / "var", **{**IN_FORCE, **settings})
    laid(chosen.data_dir)
    async with open_app(
        chosen,
        clock=clock,
        dialogue=dialogue or FakeDialogue(),
        channels={Channel.TELEGRAM: channel or RecordingChannel()},
        words=_words(**settings),
    ) as app:
        if in_hours(app):
            await on_shift(app, COLLEAGUE)
        yield app


async def keep_house(app: App, clock: FakeClock, **by: float) -> None:
    """Let time pass, then do the housekeeping that is due."""
    clock.turn(**by)
    app.keeper._watch = replace(app.keeper._watch, wall=clock.now(), monotonic=time.monotonic())
    await app.keeper.round()
    await app.reception.close()


async def deliver(app: App, clock: FakeClock) -> None:
    """Send what is due on Telegram, at its pace."""
    for _ in range(8):
        taken = await app.deliverers[Channel.TELEGRAM].step()
        clock.turn(seconds=1)
        async with app.store.begin() as unit:
            due = await unit.messages.due(Channel.TELEGRAM, clock.now() + timedelta(hours=1), 1)
        if not taken and not due:
            return


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table as they lie in the file."""
    with sqlite3.connect(folder / "var" / "havn.db") as database:
        database.row_factory = sqlite3.Row
        found = [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
    database.close()
    return found


def files(folder: Path) -> bytes:
    """Return all that lies on the disk."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def opened(app: App, folder: Path) -> str:
    """Return all that is kept, with every sealed field opened."""
    sealed = {
        "conversations": {"memory": "conversation", "address": "conversation"},
        "messages": {"body": "", "aside": "", "reference": ""},
        "handovers": {"details": "handover"},
    }
    found: list[str] = []
    for table, columns in sealed.items():
        for row in rows(folder, table):
            key = ConversationId(row.get("conversation_id") or row["id"])
            await app.sealer.load_keys([key])
            for name, value in row.items():
                place = columns.get(name)
                if place is None or value is None:
                    found.append(f"{table}.{name}={value!r}")
                    continue
                plain = app.sealer.open_sealed(key, place or str(row["id"]), name, value)
                found.append(f"{table}.{name}={plain.decode()}")
    return "\n".join(found)


@dataclass
class Phone:
    """A Havn behind an emulated Telegram, and one person's chat with it."""

    app: App
    api: TelegramApi
    person: Person
    clock: FakeClock

    async def settle(self) -> None:
        """Wait until everything written is answered and the answers have arrived."""
        await self.api.drained(within=5)
        await self.app.reception.close()
        await deliver(self.app, self.clock)

    async def sends(self, text: str | None = None, **extras: Any) -> None:
        await self.person.sends(text, **extras)
        await self.settle()

    async def taps(self, wanted: str) -> None:
        await self.person.taps(wanted)
        await self.settle()

    @property
    def texts(self) -> list[str]:
        """Return what stands in the chat now."""
        return [message.text for message in self.person.chat]


@asynccontextmanager
async def phone(folder: Path, clock: FakeClock, **how: Any) -> AsyncIterator[Phone]:
    """Lend a phone whose Telegram follows the clock of the test."""
    settings = how.pop("settings", {})
    async with await TelegramApi.start(now=lambda: clock.now().timestamp()) as api:
        person = api.visitor(**{"language_code": "en", **how})
        async with open_client(api.token, api.base_url.removesuffix("/bot")) as client:
            channel = TelegramChannel(client)
            async with havn(folder, clock, channel=channel, **settings) as app:
                locales = app.renderer.texts.locales
                intake = Intake(client.number, channel, app.reception, lambda: locales)
                polling = asyncio.create_task(Poller(client, intake, app.reception, wait=1).run())
                try:
                    yield Phone(app, api, person, clock)
                finally:
                    await kill(polling)
                    await intake.close()


@dataclass
class Browser:
    """A browser without script: it knows the fields of the last page and sends them back."""

    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    page: str = ""

    async def get(self, path: str = "/") -> httpx.Response:
        return self._read(await self.client.get(path, headers=self.headers))

    async def send(self, path: str = "/", **data: str) -> httpx.Response:
        data = {**self.fields, **data}
        return self._read(await self.client.post(path, data=data, headers=self.headers))

    async def begins(self) -> None:
        await self.get()
        await self.send(tap="utter_safe_to_talk")

    def _read(self, response: httpx.Response) -> httpx.Response:
        self.page = response.text
        self.fields |= dict(_FIELDS.findall(response.text))
        return response


@asynccontextmanager
async def browser(app: App, **headers: str) -> AsyncIterator[Browser]:
    """Lend a browser on the web chat of a Havn."""
    transport = httpx.ASGITransport(web_app(app, Channels({})), client=("203.0.113.77", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="https://chat.example") as client:
        yield Browser(client, {"accept-language": "en", **headers})
