"""``havn bench attack``: a flood from some accounts, with a few genuine visitors inside it.

A real ``havn serve`` takes the updates by its webhook and sends its answers to an emulated Bot API.
Nobody is refused: a flood is stored, joined, and answered slowly; the others must not notice.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Sequence

import httpx

from bot.commands.bench.bot_api import BotApi, bot_api
from bot.commands.bench.report import Figure, Report, latencies, machine, scratch
from bot.commands.bench.serving import Place, Process, serving
from bot.commands.bench.visiting import Tally, TelegramVisitor, Webhook, text_update
from bot.settings import Settings

# security-reliability goals, load: the attack profile.
P95_MS = 3000.0
RECOVERY_SECONDS = 60.0
_GENUINE = 5
# What a genuine visitor reads before the next button, in seconds.
_READING = (2.0, 5.0)
# A genuine visitor who saw nothing for so long counts as unanswered, and as having waited that.
_PATIENCE_SECONDS = 60.0
_CALM_SECONDS = 2.0
_CALM_ANSWERS = 3
_FLOOD = ("/start", "hello", "more more more", "/menu", "answer me", "aaaaaaaaaaaaaaaaaaaa")
_FIRST_ATTACKER, _FIRST_GENUINE = 10_000, 20_000


async def run(
    settings: Settings, *, seconds: float, rate: float, accounts: int, as_json: bool
) -> None:
    """Measure and print."""
    with scratch(settings) as folder:
        report = Report("attack", machine(folder))
        async with bot_api() as (api, address), httpx.AsyncClient(timeout=30) as client:
            place = Place(folder, settings.root.resolve(), address)
            async with serving(place) as server:
                hook = Webhook(place, client, Tally())
                genuine = [TelegramVisitor(_FIRST_GENUINE + n, hook, api) for n in range(_GENUINE)]
                used = server.seconds
                peak, lasted, recovery = await _attack(
                    server, hook, genuine, seconds, rate, accounts
                )
                report.figures += await _figures(place, hook.tally, genuine, api)
                used = (server.seconds - used) / hook.tally.sent
                report.figures += [
                    Figure("recovery", recovery, "s", at_most=RECOVERY_SECONDS),
                    # Less than was asked for where the machine is too busy to bring so many.
                    Figure("updates_per_second", seconds * rate / lasted, "1/s"),
                    Figure("memory_at_most", peak, "MiB"),
                    Figure("processor_time_per_update", used * 1000, "ms"),
                ]
        report.figures.append(Figure("errors_logged", place.errors(), "", at_most=0))
    report.notes += [
        f"{rate:g} updates a second from {accounts} accounts for {seconds:g} s by the webhook.",
        "Recovery: until a genuine visitor was answered within 2 s three times running.",
        "SQLite with synchronous=FULL, one havn serve without the NLU unit; Telegram is emulated.",
    ]
    report.show(as_json=as_json)


async def _attack(
    server: Process,
    hook: Webhook,
    genuine: Sequence[TelegramVisitor],
    seconds: float,
    rate: float,
    accounts: int,
) -> tuple[float, float, float]:
    """Return the highest memory in MiB, and the seconds it lasted and took to be over."""
    over, began = asyncio.Event(), time.perf_counter()
    walking = [asyncio.create_task(_walk(visitor, over)) for visitor in genuine]
    peak = await _flood(server, hook, seconds, rate, accounts)
    over.set()
    ended = time.perf_counter()
    await asyncio.gather(*walking)
    await _calm(genuine[0])
    return peak, ended - began, time.perf_counter() - ended


async def _walk(visitor: TelegramVisitor, over: asyncio.Event) -> None:
    chance = random.Random(0)
    while not over.is_set():
        await visitor.act(_PATIENCE_SECONDS)
        await asyncio.sleep(chance.uniform(*_READING))


async def _flood(
    server: Process, hook: Webhook, seconds: float, rate: float, accounts: int
) -> float:
    peak, began = 0.0, time.perf_counter()
    words = itertools.cycle(_FLOOD)
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * rate)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            chat = _FIRST_ATTACKER + number % accounts
            update = text_update(chat, number + 1, next(words))
            group.create_task(hook.bring(**update))
            if number % int(rate) == 0:
                peak = max(peak, server.memory_mib)
    return peak


async def _calm(visitor: TelegramVisitor) -> None:
    """Wait until a visitor is answered at once again."""
    began = time.perf_counter()
    while time.perf_counter() - began < 2 * RECOVERY_SECONDS:
        await visitor.act(_PATIENCE_SECONDS)
        last = visitor.waits[-_CALM_ANSWERS:]
        if len(last) == _CALM_ANSWERS and max(last) < _CALM_SECONDS:
            return
        await asyncio.sleep(1.0)


async def _figures(
    place: Place,
    tally: Tally,
    genuine: Sequence[TelegramVisitor],
    api: BotApi,
) -> list[Figure]:
    waits = [wait for visitor in genuine for wait in visitor.waits]
    came, _, _ = await asyncio.to_thread(place.unfinished)
    taken = tally.sent - tally.refused - tally.unanswered
    return [
        *latencies("genuine", waits, {0.95: P95_MS}),
        Figure("genuine_asked", len(waits), ""),
        Figure("genuine_unanswered", sum(v.unanswered for v in genuine), "", at_most=0),
        Figure("updates", tally.sent, ""),
        Figure("refused", tally.refused + tally.unanswered, "", at_most=0),
        Figure("lost", max(0, taken - came), "", at_most=0),
        Figure("messages_shown", api.count, ""),
    ]
