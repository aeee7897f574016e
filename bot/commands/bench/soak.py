"""``havn bench soak``: visitors come and go for long, and the server must not grow.

They come by the web chat and by Telegram's webhook to a real ``havn serve``. Those of the web press
Exit in the end, so that the database holds no more after hours than after minutes. The server is
looked at twice while nobody does anything: after a warm-up, and at the end.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from bot.commands.bench.bot_api import bot_api
from bot.commands.bench.report import Figure, Report, latencies, machine, scratch
from bot.commands.bench.serving import Place, Process, serving
from bot.commands.bench.visiting import Tally, TelegramVisitor, Webhook, WebVisitor, browser
from bot.settings import Settings

# security-reliability bar B12, which asks for 72 hours.
GROWTH_PERCENT = 5.0
# Those to Telegram come and go; what leaks does so with every visitor.
MORE_FILES = 10
_TELEGRAM = 5
_FIRST_CHAT = 30_000
_EVENTS = 4
_PATIENCE_SECONDS = 30.0
# More than 200 in ten minutes is a flood, which is answered once a minute (bot/domain/pace.py).
_TAP_SECONDS = 4.0
_WARM_UP = 0.2
_TEXT = "What kind of help can I get here?"


@dataclass(frozen=True, slots=True)
class _Look:
    """The server at one moment."""

    memory: float
    files: int


async def run(settings: Settings, *, minutes: float, rate: float, as_json: bool) -> None:
    """Measure and print."""
    with scratch(settings) as folder:
        report = Report("soak", machine(folder))
        async with bot_api() as (api, address), httpx.AsyncClient(timeout=30) as client:
            home = Place(folder, settings.root.resolve(), address)
            hook = Webhook(home, client, Tally())
            chats = [TelegramVisitor(_FIRST_CHAT + n, hook, api) for n in range(_TELEGRAM)]
            tally = Tally()
            async with serving(home) as server:
                looks = []
                for part in (_WARM_UP, 1 - _WARM_UP):
                    # Closed before the look: connections of visitors are no leak.
                    async with browser(home) as web:
                        await _walk(web, chats, tally, minutes * 60 * part, rate)
                    _, unanswered, _ = await home.settled()
                    looks.append(_look(server))
        report.figures += figures(looks[0], looks[-1])
        report.figures += [
            *latencies("web_answer", tally.waits),
            *latencies("telegram_answer", [wait for chat in chats for wait in chat.waits]),
            Figure("sent", tally.sent + hook.tally.sent, ""),
            Figure("refused", tally.refused + hook.tally.refused, "", at_most=0),
            Figure("unanswered", unanswered + tally.unanswered, "", at_most=0),
            Figure("errors_logged", home.errors(), "", at_most=0),
        ]
    report.notes += [
        f"{rate:g} visits of the web chat begin each second for {minutes:g} minutes, and leave;",
        f"{_TELEGRAM} Telegram chats go on all the time. Warm-up: the first {_WARM_UP:.0%}.",
        "SQLite with synchronous=FULL, one havn serve without the NLU unit; Telegram is emulated.",
    ]
    report.show(as_json=as_json)


def figures(first: _Look, last: _Look) -> Sequence[Figure]:
    """Return what has grown between two looks."""
    growth = (last.memory / first.memory - 1) * 100 if first.memory else 0.0
    return [
        Figure("memory_after_warm_up", first.memory, "MiB"),
        Figure("memory_at_the_end", last.memory, "MiB"),
        Figure("memory_growth", max(0.0, growth), "%", at_most=GROWTH_PERCENT),
        Figure("files_after_warm_up", first.files, ""),
        Figure("files_at_the_end", last.files, "", at_most=first.files + MORE_FILES),
    ]


def _look(server: Process) -> _Look:
    return _Look(server.memory_mib, server.open_files)


async def _walk(
    client: httpx.AsyncClient,
    chats: Sequence[TelegramVisitor],
    tally: Tally,
    seconds: float,
    rate: float,
) -> None:
    until = time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        for chat in chats:
            group.create_task(_chat(chat, until))
        for number in itertools.count():
            if time.perf_counter() >= until:
                break
            group.create_task(_visit(WebVisitor(client, random.Random(number), tally)))
            await asyncio.sleep(1 / rate)


async def _visit(visitor: WebVisitor) -> None:
    await visitor.open()
    await visitor.start()
    for _ in range(_EVENTS - 2):
        await asyncio.sleep(visitor.chance.uniform(0.5, 2.0))
        await visitor.tap()
    await visitor.write(_TEXT)
    await visitor.leave()


async def _chat(chat: TelegramVisitor, until: float) -> None:
    while time.perf_counter() < until:
        await chat.act(_PATIENCE_SECONDS)
        await asyncio.sleep(_TAP_SECONDS)
