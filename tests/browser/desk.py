"""A whole Havn with its console and web chat on free ports, and the people who use them."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from bot.bootstrap import App, channels_of, console_app, desk, open_app, web_app
from bot.domain.factors import Account
from bot.domain.messages import Channel
from bot.domain.staff import Role, Staff, StaffId
from bot.settings import Settings
from tests.support import translation_server
from tests.support.app import Visitor
from tests.support.deck import ROOT, words
from tests.support.desk import asks, is_in_danger
from tests.support.fakes import FakeClock, FakeDialogue
from tests.support.stores import laid
from tests.support.telegram_api import TelegramApi
from tests.support.translation_server import TranslationServer

Result = TypeVar("Result")
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


class LiveClock(FakeClock):
    """A clock that goes by itself and can be turned as well."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self.at + timedelta(seconds=time.monotonic() - self._began)


@dataclass
class Harbour:
    """Everything at once; ``run`` does something in its event loop."""

    app: App
    clock: FakeClock
    loop: asyncio.AbstractEventLoop
    console: str
    chat: str
    telegram: TelegramApi | None
    translator: TranslationServer | None

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        future: Future[Result] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(30)

    def counsellor(
        self, browser: Browser, alias: str, *roles: Role, on_shift: bool = True, **options: Any
    ) -> Page:
        """Return the queue page of somebody who is signed in."""
        options = {"viewport": LAPTOP, "locale": "en-GB", **options}
        context = browser.new_context(**options)
        self.signs_in(context, alias, *roles)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{self.console}/queue")
        if on_shift:
            page.get_by_role("button", name="Go on shift").click()
        return page

    def signs_in(self, context: BrowserContext, alias: str, *roles: Role) -> None:
        """Give a browser a session."""
        token, cookie = self.run(self._session(alias, roles))
        context.add_cookies([{"name": cookie, "value": token, "url": self.console}])

    async def _session(self, alias: str, roles: tuple[Role, ...]) -> tuple[str, str]:
        own = desk(self.app)
        id_ = StaffId(alias.lower())
        async with self.app.store.begin() as unit:
            known = await unit.staff.get(id_)
            staff = known.staff if known else Staff(
                id_, alias, frozenset(roles or {Role.RESPONDER}), self.clock.now(), locale="en"
            )  # fmt: skip
            if known is None:
                await unit.staff.add(Account(staff))
            new = await own.sessions.begin(unit, staff, "test")
        return new.token, own.cookie.name

    def visitor(self, channel: Channel = Channel.WEB, hint: str = "en") -> Visitor:
        return Visitor(self.app, channel, hint=hint)

    def asks(self, visitor: Visitor, **how: Any) -> int:
        return self.run(asks(visitor, **how))

    def in_danger(self, visitor: Visitor) -> int:
        return self.run(is_in_danger(visitor))


@contextmanager
def harbour(
    folder: Path,
    *,
    telegram: bool = False,
    translated: bool = False,
    alerts: bool = False,
    **more: Any,
) -> Iterator[Harbour]:
    """Run Havn in a thread until the block ends; with Telegram or a translator, both emulated.

    ``more`` are further settings.
    """
    ready: Future[Harbour] = Future()
    over = threading.Event()

    async def live() -> None:
        async with AsyncExitStack() as stack:
            running = _running(
                folder, telegram=telegram, translated=translated, alerts=alerts, **more
            )
            here = await stack.enter_async_context(running)
            ready.set_result(here)
            while not over.is_set():  # noqa: ASYNC110 -- another thread sets it
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=_run, args=(live, ready), daemon=True)
    thread.start()
    try:
        yield ready.result(90)
    finally:
        over.set()
        thread.join(15)


@asynccontextmanager
async def _running(
    folder: Path, *, telegram: bool, translated: bool, alerts: bool, **more: Any
) -> AsyncIterator[Harbour]:
    sockets = [_listen(), _listen()]
    ports = [one.getsockname()[1] for one in sockets]
    clock = LiveClock()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(await TelegramApi.start()) if telegram else None
        translating = translation_server.running()
        translator = await stack.enter_async_context(translating) if translated else None
        settings = Settings(
            root=ROOT,
            data_dir=folder / "var",
            allow_drafts=True,
            console_port=ports[0],
            telegram_token=api.token if api else "",
            telegram_api_url=api.base_url.removesuffix("/bot") if api else "",
            translator_url=translator.address if translator else "",
            push_subject="mailto:it@hotline.example" if alerts else "",
            **more,
        )
        laid(settings.data_dir)
        channels = await stack.enter_async_context(channels_of(settings))
        app = await stack.enter_async_context(
            open_app(
                settings,
                clock=clock,
                dialogue=FakeDialogue(),
                words=words(),
                channels=channels.ports,
            )
        )
        apps = [console_app(app), web_app(app, channels)]
        servers = [uvicorn.Server(_config(one)) for one in apps]
        work = [
            *(server.serve(sockets=[one]) for server, one in zip(servers, sockets, strict=True)),
            *(one.run() for one in app.deliverers.values()),
            *channels.listening(app),
        ]
        tasks = [asyncio.create_task(one) for one in work]
        while not all(server.started for server in servers):  # noqa: ASYNC110 -- has no event
            await asyncio.sleep(0.01)
        console, chat = (f"http://127.0.0.1:{port}" for port in ports)
        try:
            yield Harbour(app, clock, asyncio.get_running_loop(), console, chat, api, translator)
        finally:
            app.bus.close()  # type: ignore[attr-defined]
            for server in servers:
                server.should_exit = True
            for task in tasks[2:]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _run(live: Any, ready: "Future[Harbour]") -> None:
    try:
        asyncio.run(live())
    except Exception as error:  # noqa: BLE001 -- handed to the test's own thread
        if not ready.done():
            ready.set_exception(error)


def _listen() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="critical",
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        ws="none",
    )
