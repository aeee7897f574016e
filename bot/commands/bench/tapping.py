"""One process of ``havn bench processes``: it receives and answers what its own visitors tap.

It reads one line of JSON, ``{"folder", "root", "database", "name", "conversations"}``, and begins
the conversations. Then each line it reads is a number of seconds to tap for, and each line it
prints is what came of that: ``{"taps", "seconds", "processor", "unheard", "waits"}``.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot import logs
from bot.bootstrap import open_app
from bot.commands.bench.receive import LOCALES, Crowd, Visitor, closed_loop
from bot.settings import Settings


async def tap(order: Mapping[str, Any]) -> None:
    """Tap whenever it is asked for, until nothing more is."""
    settings = Settings(
        data_dir=Path(order["folder"]),
        root=Path(order["root"]),
        database_url=order["database"],
        nlu="off",
        allow_drafts=True,
    )
    async with open_app(settings) as app:
        visitors = [
            Visitor(f"{order['name']}-{n}", random.Random(n), LOCALES[n % len(LOCALES)])
            for n in range(order["conversations"])
        ]
        crowd = Crowd(app.reception, visitors)
        await closed_loop(crowd, taps=len(visitors))
        _tell({"taps": len(visitors)})
        while line := await asyncio.to_thread(sys.stdin.readline):
            _tell(await _round(crowd, float(line)))


async def _round(crowd: Crowd, seconds: float) -> Mapping[str, Any]:
    before, unheard = sum(visitor.sent for visitor in crowd.visitors), crowd.unheard
    crowd.waits.clear()
    began, used = time.perf_counter(), time.process_time()
    await closed_loop(crowd, seconds=seconds)
    return {
        "taps": sum(visitor.sent for visitor in crowd.visitors) - before,
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - used,
        "unheard": crowd.unheard - unheard,
        "waits": crowd.waits,
    }


def _tell(what: Mapping[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logs.configure("WARNING")
    asyncio.run(tap(json.loads(sys.stdin.readline())))
