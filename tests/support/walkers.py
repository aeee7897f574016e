"""People who walk through Havn: on a terminal, in a browser without script, and on Telegram.

Each is joined to the real composition; only the clock and the far side of the network are made up.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Protocol

import httpx

from bot import bootstrap
from bot.adapters.terminal import TerminalChat, as_json
from bot.bootstrap import App
from bot.domain.content import Item
from bot.domain.handover import Close, Handover, Outcome
from bot.domain.messages import Channel, MessageId, Sent
from bot.domain.staff import StaffId
from bot.domain.triage import Lexicon
from bot.ports import Dialogue
from bot.services.reply import Renderer
from bot.settings import Settings
from tests.support.app import in_hours, on_shift
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor as Chat
from tests.support.telegram_payloads import ChatMessage
from tests.support.telegram_rig import kill
from tests.support.walks import Shown

COUNSELLORS = {"Ana": StaffId("a1"), "Bo": StaffId("b2")}
_PATIENCE = 10.0
_LOOK_AGAIN = 0.003
# A visitor needs a moment for each step, so that no pace limit on messages is met.
_MOMENT = timedelta(seconds=5)
_OWN_TABLES = ("conversations", "messages", "handovers", "timers")


class WalkClock:
    """A clock that stands still between the steps of a walk."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def turn(self, by: timedelta = _MOMENT) -> None:
        self.at += by


class Walker(Protocol):
    """Somebody in front of one channel. Each act returns what is shown in return."""

    sender: str

    async def start(self, link: str) -> Sequence[Shown]:
        """Open the chat."""

    async def tap(self, label: str) -> Sequence[Shown]:
        """Press a button that is on the display; LookupError when there is none."""

    async def text(self, words: str) -> Sequence[Shown]:
        """Send words."""

    async def report(self, _now: object) -> Sequence[Shown]:
        """Say that the newest text is wrong."""

    async def notice(self) -> Sequence[Shown]:
        """Return what came by itself: nothing where one has to look."""

    async def display(self) -> Sequence[Shown]:
        """Return everything that can be seen now."""


@dataclass
class House:
    """A whole Havn for one walk, with nothing in it."""

    app: App
    channel: Channel
    clock: WalkClock
    folder: Path
    api: TelegramApi | None = None
    transport: httpx.AsyncBaseTransport | None = None
    open_doors: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def visitor(self, locale: str) -> Walker:
        """Return somebody new, whose app or browser speaks a locale."""
        if self.channel is Channel.TERMINAL:
            return OnTerminal(self.app, locale)
        if self.api:
            chat = self.api.visitor(language_code=locale)
            return OnTelegram(self.app, self.api, chat, self.folder / "havn.db")
        client = httpx.AsyncClient(
            transport=self.transport,
            base_url="http://127.0.0.1:8080",
            headers={"accept-language": locale.replace("_", "-")},
        )
        return InBrowser(await self.open_doors.enter_async_context(client))

    async def staff(self) -> None:
        """Put the counsellors on shift, if the hours of the chat say so."""
        if in_hours(self.app):
            for counsellor in COUNSELLORS.values():
                await on_shift(self.app, counsellor)

    async def purge(self) -> None:
        """Erase what is due by now, as the keeper does every half minute."""
        keeper = self.app.keeper
        keeper._watch = replace(keeper._watch, wall=self.clock.now(), monotonic=time.monotonic())
        await keeper.purge()

    async def counsel(self, sender: str, what: str) -> None:
        """Do what a counsellor does, in the words of the walks: ``Ana says hello``."""
        name, deed, words = (*what.split(" ", 2), "")[:3]
        request = await self.handover(sender)
        assert request is not None, "nobody asked for a counsellor"
        number, me, desk = request.id or 0, COUNSELLORS[name], self.app.hotline
        match deed:
            case "takes":
                await desk.take(me, name, number)
            case "says":
                await desk.say(me, name, number, words, str(self.clock.now()))
            case "offers":
                await desk.offer_transfer(me, name, number, None, "", "transfer_shift")
            case "accepts":
                await desk.accept_transfer(me, name, number)
            case "closes":
                await desk.close(me, number, Close(Outcome.INFORMED))
            case "vanishes":
                # Just so long that the visitor still counts as here.
                await self.app.keeper.round()
            case _:
                raise ValueError(f"not what a counsellor does: {what}")

    async def handover(self, sender: str) -> Handover | None:
        """Return a visitor's open handover."""
        async with self.app.store.begin() as unit:
            hashes = self.app.sealer.lookups(self.channel, sender)
            found = (await unit.conversations.find(hashes)).values()
            await self.app.sealer.load_keys(set(found))
            opened = await unit.handovers.open_for(set(found))
            return next(iter(opened.values()), None)

    async def reported(self) -> Sequence[Item]:
        """Return what visitors find wrong, as editors are told."""
        async with self.app.store.begin() as unit:
            return [one.item for one in await unit.contents.reports()]

    def rows(self) -> Mapping[str, int]:
        """Return how many rows of visitors each table holds, and how many keys there are."""
        counts = {t: _count(self.folder / "havn.db", t) for t in _OWN_TABLES}
        return {**counts, "keys": _count(self.folder / "keys" / "keys.db", "data_keys")}

    def timers(self) -> Sequence[str]:
        """Return the kinds of timers that run."""
        return [kind for (kind,) in _ask(self.folder / "havn.db", "SELECT kind FROM timers")]


def _count(database: Path, table: str) -> int:
    ((number,),) = _ask(database, f"SELECT count(*) FROM {table}")
    return int(number)


def _ask(database: Path, question: str) -> list[Any]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


@asynccontextmanager
async def open_house(
    channel: Channel,
    folder: Path,
    at: datetime,
    dialogue: Dialogue,
    words: tuple[Renderer, tuple[Lexicon, ...]],
) -> AsyncIterator[House]:
    """Lend a whole Havn on one channel."""
    clock = WalkClock(at)
    async with AsyncExitStack() as stack:
        api = None
        settings = Settings(data_dir=folder, allow_drafts=True)
        if channel is Channel.TELEGRAM:
            api = await stack.enter_async_context(
                await TelegramApi.start(now=lambda: clock.now().timestamp())
            )
            settings = Settings(
                data_dir=folder,
                allow_drafts=True,
                telegram_token=api.token,
                telegram_api_url=api.base_url.removesuffix("/bot"),
            )
        channels = await stack.enter_async_context(bootstrap.channels_of(settings))
        app = await stack.enter_async_context(
            bootstrap.open_app(
                settings, channels=channels.ports, clock=clock, dialogue=dialogue, words=words
            )
        )
        house = House(app, channel, clock, folder, api)
        await house.staff()
        work = [*channels.listening(app), *(d.run() for d in app.deliverers.values())]
        for job in work:
            stack.push_async_callback(kill, asyncio.create_task(job))
        if channel is Channel.WEB:
            house.transport = httpx.ASGITransport(bootstrap.web_app(app, channels))
        await stack.enter_async_context(house.open_doors)
        yield house
        assert api is None or api.violations == []


# --- terminal ---------------------------------------------------------------------------------


class OnTerminal:
    """Somebody at ``havn chat``; what they see goes through its JSON lines."""

    def __init__(self, app: App, locale: str) -> None:
        self._door = app.reception
        self._chat = TerminalChat(app.reception, locale=locale)
        self.sender = self._chat._sender

    async def start(self, link: str) -> Sequence[Shown]:
        return _lines(await self._chat.start())

    async def tap(self, label: str) -> Sequence[Shown]:
        targets = {c.label for c in self._chat.choices}
        targets |= {c.data.partition(" ")[0] for c in self._chat.choices}
        if label not in targets:
            raise LookupError(f"no button {label!r} among {[c.label for c in self._chat.choices]}")
        return _lines(await self._chat.tap(label))

    async def text(self, words: str) -> Sequence[Shown]:
        return _lines(await self._chat.type(words))

    async def report(self, _now: object) -> Sequence[Shown]:
        return await self.text("/report")

    async def notice(self) -> Sequence[Shown]:
        return ()

    async def display(self) -> Sequence[Shown]:
        return _lines(await self._door.shown(Channel.TERMINAL, self.sender, MessageId(0)))


def _lines(sent: Sequence[Sent]) -> list[Shown]:
    read = [json.loads(as_json(one)) for one in sent]
    return [Shown(one["text"], tuple(b["label"] for b in one["buttons"])) for one in read]


# --- browser ----------------------------------------------------------------------------------


@dataclass
class _Button:
    form: str
    name: str
    value: str
    label: str = ""


@dataclass
class _Bubble:
    id: str
    own: bool
    text: str = ""


class _Page(HTMLParser):
    """What a browser without script makes of a page: bubbles, forms and buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.bubbles: list[_Bubble] = []
        self.buttons: list[_Button] = []
        self.fields: dict[str, dict[str, str]] = {}
        self.refresh = ""
        self._form = ""
        self._bubble: _Bubble | None = None
        self._words = False
        self._button: _Button | None = None
        self._unseen = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "template":
            self._unseen += 1
        if self._unseen:
            return
        match tag:
            case "form":
                self._form = known.get("id") or known["action"]
                self.fields[self._form] = {}
            case "input":
                self.fields[self._form][known["name"]] = known["value"]
            case "button":
                name, value = known.get("name", ""), known.get("value", "")
                self._button = _Button(known.get("form", self._form), name, value)
                self.buttons.append(self._button)
            case "div" if "said" in known.get("class", "").split() and "hidden" not in known:
                self._bubble = _Bubble(known.get("id", ""), "own" in known["class"].split())
                self.bubbles.append(self._bubble)
            case "p" if self._bubble:
                self._words = True
            case "meta" if known.get("http-equiv") == "refresh":
                self.refresh = known["content"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._unseen -= 1
        match tag:
            case "form":
                self._form = ""
            case "button":
                self._button = None
            case "p":
                self._words = False
            case "div":
                self._bubble = None

    def handle_data(self, data: str) -> None:
        if self._button:
            self._button.label += data.strip()
        elif self._bubble and self._words:
            self._bubble.text += data


class InBrowser:
    """Somebody in a browser without script: pages and forms, nothing else."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._page = _Page("")
        self._sent: dict[str, str] = {}
        self._seen: set[str] = set()

    @property
    def sender(self) -> str:
        return self._page.fields["write"]["token"]

    async def start(self, link: str) -> Sequence[Shown]:
        await self.reload("/")
        return await self._press(next(b for b in self._page.buttons if b.name == "tap"))

    async def reload(self, path: str) -> Sequence[Shown]:
        """Open the address anew."""
        return self._read(await self._client.get(path))

    async def tap(self, label: str) -> Sequence[Shown]:
        for button in self._page.buttons:
            if label in (button.label, button.value.partition(" ")[0]):
                return await self._press(button)
        raise LookupError(f"no button {label!r} among {[b.label for b in self._page.buttons]}")

    async def text(self, words: str) -> Sequence[Shown]:
        return await self._post({**self._page.fields["write"], "text": words})

    async def report(self, _now: object) -> Sequence[Shown]:
        return await self.tap("action_report_text")

    async def notice(self) -> Sequence[Shown]:
        return ()

    async def display(self) -> Sequence[Shown]:
        return [Shown(bubble.text) for bubble in self._page.bubbles]

    async def exit(self, _now: object) -> Sequence[Shown]:
        """Press Exit: the page is empty and goes to the neutral site by itself."""
        answer = await self._client.post("/exit", data=self._page.fields["/exit"])
        page = _Page(answer.text)
        assert answer.status_code == 200
        assert "storage" in answer.headers["clear-site-data"]
        assert page.refresh == "0;url=https://www.dmi.dk"
        assert not page.bubbles
        return []

    async def back(self, _now: object) -> Sequence[Shown]:
        """Press the browser's Back: it sends the last form again, because nothing was kept."""
        return await self._post(self._sent)

    async def _press(self, button: _Button) -> Sequence[Shown]:
        return await self._post({**self._page.fields[button.form], button.name: button.value})

    async def _post(self, fields: dict[str, str]) -> Sequence[Shown]:
        self._sent = fields
        return self._read(await self._client.post("/", data=fields))

    def _read(self, answer: httpx.Response) -> list[Shown]:
        """Return what is new on the page that came."""
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        self._page = _Page(answer.text)
        labels = tuple(button.label for button in self._page.buttons if button.form == "answers")
        ids = [bubble.id for bubble in self._page.bubbles]
        new = [b for b in self._page.bubbles if not b.own and b.id not in self._seen]
        self._seen.update(filter(None, ids))
        return [Shown(bubble.text, labels) for bubble in new]


# --- Telegram ---------------------------------------------------------------------------------


class OnTelegram:
    """Somebody on Telegram, as far as their phone shows it."""

    def __init__(self, app: App, api: TelegramApi, chat: Chat, database: Path) -> None:
        self._app = app
        self._api = api
        self._chat = chat
        self._database = database
        self._heard = 0
        self.sender = str(chat.id)

    async def start(self, link: str) -> Sequence[Shown]:
        return await self.text(f"/start {link}".strip())

    async def tap(self, label: str) -> Sequence[Shown]:
        for message in reversed(self._chat.chat):
            wanted = [b for row in message.buttons for b in row if b.data]
            for button in wanted:
                if label in (button.label, str(button.data).partition(" ")[0]):
                    await self._chat.taps(str(button.data), message)
                    return await self._answer()
        raise LookupError(f"no button {label!r} in the chat")

    async def text(self, words: str) -> Sequence[Shown]:
        await self._chat.sends(words)
        return await self._answer()

    async def report(self, _now: object) -> Sequence[Shown]:
        return await self.text("/report")

    async def send(self, kind: str) -> Sequence[Shown]:
        """Send a picture, a voice message or the like."""
        await self._chat.sends(kind=kind)
        return await self._answer()

    async def notice(self) -> Sequence[Shown]:
        return await self._answer()

    async def display(self) -> Sequence[Shown]:
        return [_seen(message) for message in self._chat.chat]

    async def _answer(self) -> Sequence[Shown]:
        """Wait until Havn has nothing left to do, and return what the phone showed meanwhile."""
        await self._api.drained(within=_PATIENCE)
        async with asyncio.timeout(_PATIENCE):
            # Rows of a database tell nobody that they changed.
            while self._busy():  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_AGAIN)
        new = self._chat.heard[self._heard :]
        self._heard = len(self._chat.heard)
        assert all(message.silent or message.edited for message in new), "a loud message"
        return [_seen(message) for message in new]

    def _busy(self) -> bool:
        if self._app.reception._background or self._app.eraser._background:
            return True
        question = "SELECT count(*) FROM messages WHERE state IN ('pending', 'sending')"
        ((unfinished,),) = _ask(self._database, question)
        return bool(unfinished)


def _seen(message: ChatMessage) -> Shown:
    return Shown(message.text, tuple(message.labels))
