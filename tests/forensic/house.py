"""A whole Havn to be searched: the program, an emulated Telegram, browsers and terminals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.adapters.backoff import Backoff
from bot.adapters.nlu import NluUnit, SocketDialogue
from bot.adapters.sealing import KeyRing
from bot.adapters.telegram import Intake, Poller, TelegramChannel, open_client
from bot.adapters.terminal import TerminalChat
from bot.bootstrap import App, database_url
from bot.domain.messages import Channel
from bot.ports import Dialogue
from tests.forensic.canaries import Field, Songbook
from tests.forensic.faults import Faults
from tests.forensic.journeys import Journey, OnATerminal, OnTelegram, OnTheWeb
from tests.support.claims import Browser, Phone, browser, havn
from tests.support.deck import ROOT
from tests.support.fakes import FakeClock, FakeDialogue
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_rig import kill

# What a browser and a terminal weigh against Telegram: twenty, four and one of twenty-five.
_ROUND = 25
_WEB = frozenset(range(1, _ROUND, 2))
_TERMINAL = frozenset({4, 12, 20})
SETTINGS = {
    "retention_idle_hours": 24,
    "retention_cap_days": 30,
    "web_idle_minutes": 6000,
    "return_codes": True,
}


def channel_of(number: int) -> Channel:
    """Return where a visitor writes: eleven, eleven and three of twenty-five."""
    place = number % _ROUND
    if place in _TERMINAL:
        return Channel.TERMINAL
    return Channel.WEB if place in _WEB else Channel.TELEGRAM


@dataclass
class House:
    """What a run holds in its hands."""

    app: App
    api: TelegramApi
    clock: FakeClock
    songs: Songbook
    faults: Faults
    stack: AsyncExitStack

    @property
    def url(self) -> str:
        """Return the address of the database."""
        return database_url(self.app.settings)

    async def visitor(self, number: int) -> Journey:
        """Let somebody in, with every detail that their device tells."""
        match channel_of(number):
            case Channel.TELEGRAM:
                return OnTelegram(number, self._phone(number), self.songs, self.faults)
            case Channel.WEB:
                fresh = partial(self._browser, number)
                return OnTheWeb(number, self.app, await fresh(), fresh, self.songs, self.faults)
            case Channel.TERMINAL:
                chat = TerminalChat(self.app.reception, locale="en")
                return OnATerminal(number, chat, self.songs)

    def _phone(self, number: int) -> Phone:
        text = partial(self.songs.text, number)
        person = self.api.visitor(
            id=self.songs.number(number, Field.CHAT_ID),
            first_name=text(Field.FIRST_NAME),
            last_name=text(Field.LAST_NAME),
            username=text(Field.USERNAME),
            phone=text(Field.PHONE),
            latitude=self.songs.place(number, Field.LATITUDE),
            longitude=self.songs.place(number, Field.LONGITUDE),
        )
        return Phone(self.app, self.api, person, self.clock)

    async def _browser(self, number: int) -> Browser:
        text = partial(self.songs.text, number)
        headers = {
            "x-forwarded-for": text(Field.FORWARDED_FOR),
            "user-agent": f"Mozilla/5.0 {text(Field.USER_AGENT)}",
            "referer": f"https://chat.example/?{text(Field.REFERER)}",
            "cookie": f"session={text(Field.COOKIE)}",
        }
        return await self.stack.enter_async_context(browser(self.app, **headers))


@asynccontextmanager
async def house(folder: Path, songs: Songbook, url: str, *, nlu: bool) -> AsyncIterator[House]:
    """Run everything, below a folder; ``url`` is empty for SQLite."""
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        dialogue = await _dialogue(folder, stack) if nlu else FakeDialogue()
        faults = Faults(dialogue, folder)
        await stack.enter_async_context(faults.listening())
        api = await stack.enter_async_context(
            await TelegramApi.start(now=lambda: clock.now().timestamp())
        )
        client = await stack.enter_async_context(
            open_client(api.token, api.base_url.removesuffix("/bot"))
        )
        channel = TelegramChannel(client)
        app = await stack.enter_async_context(
            havn(folder, clock, channel=channel, dialogue=faults, database_url=url, **SETTINGS)
        )
        app.ballast.fill()
        locales = app.renderer.texts.locales
        intake = Intake(client.number, channel, app.reception, lambda: locales)
        stack.push_async_callback(intake.close)
        poller = Poller(client, intake, app.reception, wait=1, backoff=Backoff(_quick))
        stack.push_async_callback(kill, asyncio.create_task(poller.run()))
        yield House(app, api, clock, songs, faults, stack)


def unseal() -> None:
    """Replace sealing by plain text, for the control."""
    KeyRing.seal = lambda _s, _c, _r, _f, plain: plain  # type: ignore[method-assign]
    KeyRing.open_sealed = lambda _s, _c, _r, _f, sealed: sealed  # type: ignore[method-assign]


async def _dialogue(folder: Path, stack: AsyncExitStack) -> Dialogue:
    """Run the trained NLU unit as the program does."""
    socket = folder / "nlu" / "nlu.sock"
    unit = NluUnit(ROOT, python="", models=ROOT / "var" / "models", socket=socket)
    ready = asyncio.Event()
    stack.push_async_callback(kill, asyncio.create_task(unit.run(ready.set)))
    await ready.wait()
    dialogue = SocketDialogue(socket, deadline=2.0)
    stack.push_async_callback(dialogue.close)
    return dialogue


async def _quick(_seconds: float) -> None:
    await asyncio.sleep(0.01)
