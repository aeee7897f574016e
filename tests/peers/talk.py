"""What visitors do: write, wait for an answer, and listen until nothing more comes."""

import asyncio
import time

from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor

# Long after the slowest answer of any program here.
PATIENCE_SECONDS = 15.0


async def ask(
    api: TelegramApi, visitor: Visitor, text: str, *, within: float = PATIENCE_SECONDS
) -> float | None:
    """Write and wait for the first message back; return the seconds, None if there was none."""
    heard = len(visitor.heard)
    began = time.perf_counter()
    await visitor.sends(text)
    if not await hears(api, visitor, heard, within=within):
        return None
    return time.perf_counter() - began


async def hears(api: TelegramApi, visitor: Visitor, heard: int, *, within: float) -> bool:
    """Tell whether somebody hears more than so many messages in time."""
    try:
        await api.wait_for(lambda: len(visitor.heard) > heard or None, within)
    except TimeoutError:
        return False
    return True


async def settled(visitor: Visitor, quiet: float) -> None:
    """Wait until somebody has heard nothing new for so many seconds."""
    heard = -1
    while heard != len(visitor.heard):
        heard = len(visitor.heard)
        await asyncio.sleep(quiet)
