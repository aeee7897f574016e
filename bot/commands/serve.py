"""``havn serve`` and ``havn demo``: every part of Havn in one process, until it is told to stop."""

import asyncio
import contextlib
import enum
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import uvicorn
from rich.console import Console
from starlette.types import ASGIApp

from bot.adapters.nlu import Progress
from bot.bootstrap import (
    App,
    Channels,
    channels_of,
    console_app,
    nlu_unit,
    open_app,
    trail,
    watcher,
    web_app,
)
from bot.commands.progress import nlu_progress
from bot.commands.sign import keep_signing
from bot.domain.errors import ConfigurationError, HavnError
from bot.domain.messages import Channel
from bot.logs import error_class, logger
from bot.services.staff.demo import COUNSELLOR, EDITOR, PUBLISHER, DemoLinks
from bot.settings import LOOPBACK, Settings, is_local

log = logger(__name__)


class Role(enum.StrEnum):
    """What a process does."""

    ALL = "all"
    WEB = "web"
    TELEGRAM = "telegram"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens."""

    host: str
    port: int

    def url(self) -> str:
        """Return the address as a browser takes it."""
        return f"http://{self.host}:{self.port}/"


async def serve(settings: Settings, role: Role) -> None:
    """Run the parts of a role until SIGINT or SIGTERM."""
    async with _running(settings, role) as (app, tasks):
        if role in (Role.ALL, Role.WEB, Role.TELEGRAM) and settings.nlu == "auto":
            tasks.append(_prepare_and_run(app, _log_progress))
        await _until_stopped(tasks)


async def demo(settings: Settings, console: Console) -> None:
    """Run everything on one machine, say where, and prepare free text in the background."""
    settings = replace(settings, allow_drafts=True)
    links = _demo_links(settings)
    async with _running(settings, Role.ALL, links) as (app, tasks):
        _welcome(console, settings, links)
        if settings.nlu == "auto":
            tasks.append(_prepare_aloud(app, console))
        await _until_stopped(tasks)


Task = Coroutine[Any, Any, None]


@asynccontextmanager
async def _running(
    settings: Settings, role: Role, links: DemoLinks | None = None
) -> AsyncIterator[tuple[App, list[Task]]]:
    """Open the app and collect what runs in a role; ports are taken before anything else starts."""
    web = role in (Role.ALL, Role.WEB)
    async with AsyncExitStack() as stack:
        chat_socket = console_socket = None
        if web:
            chat_socket = listen(Address(settings.chat_host, settings.chat_port), "HAVN_CHAT_PORT")
            console_socket = listen(
                Address(settings.console_host, settings.console_port), "HAVN_CONSOLE_PORT"
            )
        channels = await stack.enter_async_context(channels_of(settings))
        app = await stack.enter_async_context(open_app(settings, channels=channels.ports))
        app.ballast.fill()
        tasks: list[Task] = [app.keeper.run(), watcher(app, role, _spoken(role)).run()]
        if chat_socket and console_socket:
            tasks.append(answer_http(web_app(app, channels), chat_socket))
            tasks.append(answer_http(console_app(app, links), console_socket))
            tasks.append(trail(app).run())
            tasks.append(app.ringer.run())
            if settings.signer == "auto":
                tasks.append(keep_signing(app.settings))
        if role in (Role.ALL, Role.TELEGRAM):
            tasks += channels.listening(app)
        if role in (Role.ALL, Role.TELEGRAM, Role.DELIVER):
            tasks += [deliverer.run() for deliverer in app.deliverers.values()]
        yield app, tasks


def _spoken(role: Role) -> Sequence[Channel]:
    """Return the channels a process of a role speaks on."""
    match role:
        case Role.WEB:
            return (Channel.WEB,)
        case Role.TELEGRAM | Role.DELIVER:
            return (Channel.TELEGRAM,)
        case _:
            return tuple(Channel)


def listen(address: Address, setting: str) -> socket.socket:
    """Take a port; ConfigurationError says which setting to change when it is taken."""
    listening = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address.host, address.port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"port {address.port} on {address.host} cannot be used ({error.strerror}): "
            f"stop what uses it, or set {setting}"
        ) from None
    return listening


async def answer_http(app: ASGIApp, listening: socket.socket) -> None:
    """Serve one ASGI app on a socket, without access log and without naming the software."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    # Signals are handled once, for all parts together.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    try:
        await server.serve(sockets=[listening])
    except asyncio.CancelledError:
        server.should_exit = True
        await server.shutdown(sockets=[listening])
        raise


async def _until_stopped(tasks: Sequence[Task]) -> None:
    """Run tasks until a signal comes or one of them fails."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    running = [asyncio.create_task(task) for task in tasks]
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stopping.done():
            pending = [task for task in running if not task.done()]
            if any(task.done() and task.exception() for task in running):
                break
            await asyncio.wait([*pending, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        for task in running:
            task.cancel()
        results = await asyncio.gather(*running, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _prepare_and_run(app: App, report: Callable[[Progress], None]) -> None:
    """Prepare the NLU unit and run it; without it Havn goes on with buttons."""
    unit = nlu_unit(app.settings)
    try:
        await unit.prepare(report)
    except HavnError as error:
        log.error("nlu_unavailable", error=error_class(error))
        return
    await unit.run()


async def _prepare_aloud(app: App, console: Console) -> None:
    """Prepare the NLU unit with a progress display, then say that free text works."""
    unit = nlu_unit(app.settings)
    ready = asyncio.Event()
    try:
        with nlu_progress(console) as report:
            await unit.prepare(report)
            report(Progress("start"))
            running = asyncio.create_task(unit.run(ready.set))
            await asyncio.wait(
                [running, asyncio.create_task(ready.wait())],
                return_when=asyncio.FIRST_COMPLETED,
            )
        console.print("[green]✓[/] Free text is on: write to the chat in your own words.")
        await running
    except ConfigurationError as error:
        console.print(f"[yellow]Free text stays off.[/] {error}")
        console.print("Buttons, numbers, words of danger and the queue work without it.")


def _log_progress(progress: Progress) -> None:
    log.info("nlu_preparing", done=progress.done, of=progress.of)


def _demo_links(settings: Settings) -> DemoLinks | None:
    """Return links into the console, where nobody but this machine can reach it."""
    here = settings.console_host in LOOPBACK and is_local(settings.console_address)
    return DemoLinks() if here else None


def _welcome(console: Console, settings: Settings, links: DemoLinks | None) -> None:
    chat = Address(settings.chat_host, settings.chat_port).url()
    staff = Address(settings.console_host, settings.console_port).url()
    console.print()
    console.print("[bold]Havn[/] is running. Stop it with Ctrl+C.")
    console.print(f"  Web chat   {chat}")
    console.print(f"  Console    {staff}")
    if links:
        base = settings.console_address.rstrip("/")
        roles = {"counsellor": COUNSELLOR, "editor": EDITOR, "publisher": PUBLISHER}
        for label, account in roles.items():
            link = f"{base}/demo/{links.make(account)}"
            console.print(f"    as {label:<11}{link}", soft_wrap=True, highlight=False)
        console.print("    [dim]Each of these links works once.[/]")
    console.print("  Terminal   uv run havn chat")
    if settings.telegram_token:
        console.print("  Telegram   your bot answers now")
    console.print(
        "[dim]Texts are drafts nobody has reviewed, facts are unverified: not for real visitors.[/]"
    )
    if settings.nlu == "off":
        console.print("[dim]Free text is off (HAVN_NLU=off or --no-nlu).[/]")
    console.print()


__all__ = ["Channels", "Role", "demo", "serve"]
