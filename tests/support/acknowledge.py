"""Accepts messages as fast as it can and prints each sender once acknowledged; to be killed."""

import asyncio
import itertools
import sys
from pathlib import Path

from bot.domain.messages import Channel, Tapped
from bot.domain.screens import Tap
from tests.support.app import Visitor, running


async def _accept(folder: Path, name: str) -> None:
    async with running(folder) as app:
        for number in itertools.count():
            visitors = [
                Visitor(app, Channel.TERMINAL, sender=f"{name}-{number}-{place}")
                for place in range(4)
            ]
            await asyncio.gather(*(_one(visitor) for visitor in visitors))


async def _one(visitor: Visitor) -> None:
    await visitor.app.reception.accept([visitor.incoming(Tapped(Tap("utter_shelter")))])
    print(visitor.sender, flush=True)


if __name__ == "__main__":
    asyncio.run(_accept(Path(sys.argv[1]), sys.argv[2]))
