"""The Telegram adapter with a recording door, joined to an emulated Bot API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

from bot.adapters.backoff import Backoff
from bot.adapters.telegram import Client, Intake, Poller, TelegramChannel, open_client
from bot.logs import guard

from .recording_door import RecordingDoor
from .telegram_api import TelegramApi

LOCALES = ("en", "da", "ro", "pt_BR", "ar")


class Rig:
    """What a test of the adapter holds in its hands. ``logged`` are the guarded log events."""

    def __init__(self, api: TelegramApi, client: Client, door: RecordingDoor, **how: Any) -> None:
        self.api = api
        self.client = client
        self.door = door
        self.channel = TelegramChannel(client)
        self.intake = Intake(client.number, self.channel, door, lambda: LOCALES, **how)
        self.pauses: list[float] = []
        self.logged: list[Any] = []
        self._tasks: list[asyncio.Task[None]] = []

    def poll(self, **how: Any) -> asyncio.Task[None]:
        """Begin to poll; the pauses that it asks for are recorded and cut short."""
        backoff = Backoff(self._sleep, lambda _low, high: high)
        poller = Poller(self.client, self.intake, self.door, backoff=backoff, wait=1, **how)
        task = asyncio.create_task(poller.run())
        self._tasks.append(task)
        return task

    async def close(self) -> None:
        for task in self._tasks:
            await kill(task)
        await self.intake.close()

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0.01)


async def kill(task: asyncio.Task[None]) -> None:
    """Stop a task where it stands; an error it ended with by itself is raised here."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def open_rig(
    api: TelegramApi, door: RecordingDoor | None = None, **how: Any
) -> AsyncIterator[Rig]:
    """Lend a rig; log calls that would carry free text fail while it is open."""
    url = api.base_url.removesuffix("/bot")
    with structlog.testing.capture_logs(processors=[guard]) as logged:
        async with open_client(api.token, url) as client:
            rig = Rig(api, client, door or RecordingDoor(), **how)
            rig.logged = logged
            try:
                yield rig
            finally:
                await rig.close()
