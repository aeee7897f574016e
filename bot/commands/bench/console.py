"""``havn bench console``: from a visitor's message to its sight in an open console.

A real server on the loopback interface, a fresh SQLite; each console has an open stream and an open
talk, and its visitor writes. A message counts from before it is handed to the way in, so from
before its commit, to when the page that holds it has arrived.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bot.bootstrap import App, console_app, desk, open_app
from bot.commands.bench.report import Figure, Report, latencies, machine, scratch
from bot.commands.bench.running import free_port
from bot.commands.serve import Address, answer_http, listen
from bot.domain.errors import ConfigurationError
from bot.domain.factors import Account
from bot.domain.messages import Channel, Event, Incoming, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.domain.staff import Role, Staff, StaffId
from bot.settings import Settings

P95_MS = 250.0
_WAY_IN = (
    "utter_human_consent",
    "utter_human_notify consent=all",
    "utter_human_code_word notify=pull",
    "action_queue_open",
)
_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """One console: the token of its session, the page of its talk, and who writes there."""

    token: str
    page: str
    visitor: str


async def run(
    settings: Settings, *, seconds: float, consoles: int, rate: float, as_json: bool
) -> None:
    """Measure and print."""
    with scratch(settings) as folder:
        report = Report("console", machine(folder))
        port = free_port()
        fresh = replace(
            settings,
            data_dir=folder,
            key_dir=None,
            database_url="",
            nlu="off",
            allow_drafts=True,
            console_host=_HOST,
            console_port=port,
            console_url="",
        )
        async with open_app(fresh) as app, _serving(app, port):
            places = [
                await place(app, number, f"bench-visitor-{number}") for number in range(consoles)
            ]
            used = time.process_time()
            sent, seen = await _measure(app, places, port, int(seconds * rate), rate)
            used = time.process_time() - used
    waits = [seen[marker] - sent[marker] for marker in sent if marker in seen]
    report.figures += latencies("message_to_sight", waits, {0.95: P95_MS}) if waits else []
    report.figures += [
        Figure("processor_time_per_message", used / len(sent) * 1000, "ms"),
        Figure("messages", len(sent), ""),
        Figure("never_seen", len(sent) - len(waits), "", at_most=0),
    ]
    report.notes += [
        f"{consoles} consoles, each with a stream and a talk open; {rate:g} messages a second.",
        "The server is one process with SQLite, synchronous=FULL; the consoles are another one.",
    ]
    report.show(as_json=as_json)


@asynccontextmanager
async def _serving(app: App, port: int) -> AsyncIterator[None]:
    socket = listen(Address(_HOST, port), "HAVN_CONSOLE_PORT")
    server = asyncio.create_task(answer_http(console_app(app), socket))
    try:
        yield
    finally:
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)


async def place(app: App, number: int, visitor: str) -> Place:
    """Sign a counsellor in and have them hold a talk with a visitor."""
    alias = f"Bench {number}"
    staff = Staff(StaffId(f"bench{number}"), alias, frozenset({Role.RESPONDER}), app.clock.now())
    async with app.store.begin() as unit:
        await unit.staff.add(Account(staff))
        session = await desk(app).sessions.begin(unit, staff, "bench")
    await app.hotline.start_shift(staff.id, frozenset({"en"}))
    await wait_for_a_person(app, visitor)
    held = await app.hotline.take_next(staff.id, alias, "next")
    if held is None or held.id is None:
        raise ConfigurationError("the visitors of the benchmark do not reach the queue")
    await app.hotline.say(staff.id, alias, held.id, "Hello", "hello")
    return Place(session.token, f"/talk/{held.id}/now", visitor)


async def wait_for_a_person(app: App, visitor: str) -> None:
    """Have a visitor begin, and ask for a counsellor."""
    events: Sequence[Event] = (Start("en"), *(Tapped(Tap.decode(tap)) for tap in _WAY_IN))
    for step, event in enumerate(events):
        await _hand_in(app, visitor, f"{step}", event)


async def _hand_in(app: App, visitor: str, number: str, event: Event) -> None:
    await app.reception.converse(Incoming(Channel.WEB, f"{visitor}-{number}", visitor, event))


async def _measure(
    app: App, places: Sequence[Place], port: int, messages: int, rate: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Return when each message was handed in, and when it was seen."""
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    async with watching(order(app, places, port)) as lines:
        reading = asyncio.create_task(read(lines, seen, messages))
        async with asyncio.TaskGroup() as group:
            began = time.monotonic()
            with _progress(messages) as advance:
                for number in range(messages):
                    await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                    marker = f"{number:06}"
                    sent[marker] = time.monotonic()
                    visitor = places[number % len(places)].visitor
                    event = Text(f"bench-{marker}")
                    group.create_task(_hand_in(app, visitor, marker, event))
                    advance()
        await asyncio.wait({reading}, timeout=_PATIENCE_SECONDS)
        reading.cancel()
    return sent, seen


def order(app: App, places: Sequence[Place], port: int) -> Mapping[str, Any]:
    """Return what the process of the consoles is told."""
    return {
        "address": f"http://{_HOST}:{port}",
        "cookie": desk(app).cookie.name,
        "consoles": [{"token": place.token, "page": place.page} for place in places],
    }


@asynccontextmanager
async def watching(ordered: Mapping[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
    """Open the consoles in a process of their own; yield what it says once all are open.

    Tokens go through a pipe, never an argument.
    """
    pipe = asyncio.subprocess.PIPE
    watcher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.commands.bench.watching", stdin=pipe, stdout=pipe
    )
    try:
        assert watcher.stdin is not None  # noqa: S101 -- asked for as a pipe
        assert watcher.stdout is not None  # noqa: S101 -- asked for as a pipe
        watcher.stdin.write(json.dumps(ordered).encode() + b"\n")
        await watcher.stdin.drain()
        for _ in ordered["consoles"]:
            await asyncio.wait_for(watcher.stdout.readline(), _PATIENCE_SECONDS)
        yield watcher.stdout
    finally:
        watcher.kill()
        await watcher.wait()


async def read(lines: asyncio.StreamReader, seen: dict[str, float], messages: int) -> None:
    """Note when each message was seen, until so many were."""
    while len(seen) < messages:
        marker, _, moment = (await lines.readline()).decode().partition(" ")
        seen[marker] = float(moment)


@contextmanager
def _progress(messages: int) -> Iterator[Callable[[], None]]:
    """Show on standard error how many messages were handed in."""
    columns = (TextColumn("Messages"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=messages)
        yield lambda: bar.advance(task)
