"""Polling with answers that no parser takes; everything else is shown over HTTP in tests/e2e."""

import asyncio
from typing import Any, cast

from bot.adapters.backoff import Backoff
from bot.adapters.telegram.channel import TelegramChannel
from bot.adapters.telegram.client import Client, PoisonAnswerError
from bot.adapters.telegram.inbound import Why
from bot.adapters.telegram.intake import Intake
from bot.adapters.telegram.poller import Poller
from tests.support.recording_door import RecordingDoor
from tests.support.telegram_payloads import Person

POISON = 102


class PoisonedClient:
    """Holds updates 101 to 104, of which one cannot be parsed."""

    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def delete_webhook(self) -> bool:
        return True

    async def raw_updates(self, offset: int | None, *, wait: int, limit: int = 100) -> list[object]:
        ids = [i for i in range(101, 105) if offset is None or i >= offset][:limit]
        if POISON in ids:
            raise PoisonAnswerError(ids[0])
        if not ids:
            self.done.set()
            await asyncio.sleep(60)
        return [self._update(i) for i in ids]

    def _update(self, number: int) -> dict[str, Any]:
        person = Person.invented(7)
        message = {"message_id": number, "chat": person.chat(), "text": str(number)}
        return {"update_id": number, "message": message}


async def test_item_that_no_parser_takes_is_passed_over_alone() -> None:
    client = PoisonedClient()
    door = RecordingDoor()
    intake = Intake("42", cast("TelegramChannel", None), door, lambda: ("en",))
    poller = Poller(cast("Client", client), intake, door, backoff=Backoff())
    running = asyncio.create_task(poller.run())
    await asyncio.wait_for(client.done.wait(), 2)
    running.cancel()
    assert door.texts == ["101", "103", "104"]
    assert intake.refused == {(Why.UNKNOWN_KIND, "other"): 1}
