"""How fast a program answers on Telegram, and what it weighs."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.peers.product import Product, calm, processor_seconds, resident_mib
from tests.peers.talk import ask
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor

# Opening a chat is not timed; all of them open at once.
_OPENING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked. Each visitor writes once at the fixed rate and once in the crowd."""

    visitors: int
    rate: float  # messages a second


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds and counts. ``busiest`` is the most messages sent within any one second."""

    start: float
    understands: float | None
    waits: Sequence[float]
    unanswered: int
    processor: float  # time of all its processes for one message at the fixed rate
    crowd: float  # answers a second, all writing at once
    crowd_unanswered: int
    busiest: int
    memory_mib: float


async def measure(product: Product, size: Size, texts: Sequence[str]) -> Speed:
    """Start it, write at a fixed rate, then all at once; two texts a visitor, in turn."""
    async with await TelegramApi.start() as api:
        first = api.visitor()
        await first.sends(product.opening)
        began = time.perf_counter()
        async with product.alive(api) as process:
            await product.first_answer(api, first, process)
            start = time.perf_counter() - began
            await product.ready(process)
            understands = time.perf_counter() - began
            visitors = await opened(product, api, size.visitors)
            await calm(process.pid)
            used = processor_seconds(process.pid)
            waits = await _at_a_rate(api, visitors, texts, size.rate)
            used = processor_seconds(process.pid) - used
            await asyncio.sleep(1)
            calls = len(api.calls)
            crowd = await asyncio.gather(
                *(ask(api, *both) for both in zip(visitors, texts[len(visitors) :], strict=True))
            )
            answered = [wait for wait in crowd if wait is not None]
            return Speed(
                start=start,
                understands=understands if product.understands else None,
                waits=[wait for wait in waits if wait is not None],
                unanswered=waits.count(None),
                processor=used / len(visitors),
                crowd=len(answered) / max(answered, default=1.0),
                crowd_unanswered=crowd.count(None),
                busiest=busiest(
                    [c.at for c in api.calls[calls:] if c.method.lower() == "sendmessage"]
                ),
                memory_mib=resident_mib(process.pid),
            )


async def opened(
    product: Product, api: TelegramApi, count: int, *, pause: float = 1.0
) -> list[Visitor]:
    """Return visitors who have begun to talk with it, a pause after the last was answered."""
    visitors = [api.visitor() for _ in range(count)]
    await asyncio.gather(
        *(ask(api, one, product.opening, within=_OPENING_SECONDS) for one in visitors)
    )
    await asyncio.sleep(pause)
    return visitors


async def _at_a_rate(
    api: TelegramApi, visitors: Sequence[Visitor], texts: Sequence[str], rate: float
) -> list[float | None]:
    """Write when it is due, whether or not the earlier ones were answered."""
    began = time.perf_counter()
    asking: list[asyncio.Task[float | None]] = []
    for number, visitor in enumerate(visitors):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        asking.append(asyncio.create_task(ask(api, visitor, texts[number])))
    return await asyncio.gather(*asking)


def busiest(moments: Sequence[float]) -> int:
    """Return how many of some moments lie within any one second."""
    ordered = sorted(moments)
    return max((sum(at <= one < at + 1 for one in ordered) for at in ordered), default=0)
