"""Long polling: an update is confirmed to Telegram only after it was stored."""

import asyncio
from collections.abc import Sequence

from telegram.error import Conflict, InvalidToken, TelegramError

from bot.adapters.backoff import Backoff
from bot.adapters.telegram.client import Client, PausedError, PoisonAnswerError
from bot.adapters.telegram.inbound import update_id_of
from bot.adapters.telegram.intake import OFFSET, Intake
from bot.domain.errors import StoreUnavailableError
from bot.logs import error_class, logger
from bot.ports import Door

WAIT_SECONDS = 30
# While the store is down Telegram is looked at this often, so that words of danger are heard.
OUTAGE_SECONDS = 0.5

log = logger(__name__)


class Poller:
    """Brings updates to the intake, for as long as run() runs. One per bot, in one process."""

    def __init__(
        self,
        client: Client,
        intake: Intake,
        door: Door,
        *,
        wait: int = WAIT_SECONDS,
        outage: float = OUTAGE_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._intake = intake
        self._door = door
        self._wait = wait
        self._outage = outage
        self._backoff = backoff or Backoff()

    async def run(self) -> None:
        """Poll until cancelled. Cancelling loses nothing: what is not stored was not confirmed."""
        await self._end_webhook()
        offset = await self._stored_offset()
        while True:
            offset = await self._turn(offset)

    async def _turn(self, offset: int | None) -> int | None:
        """Fetch and store once; return the offset that confirms what is stored."""
        updates = await self._fetch(offset)
        if not updates:
            return offset
        following = _after(updates)
        if following is None:
            log.error("telegram_updates_without_id", updates=len(updates))
            await self._backoff.pause()
            return offset
        try:
            await self._store(updates, offset, following)
        except StoreUnavailableError:
            await self._backoff.rest(self._outage)
            return offset
        return following

    async def _store(self, updates: Sequence[object], offset: int | None, following: int) -> None:
        """Store a batch; a slow store does not keep us from hearing what comes after it."""
        taking = asyncio.create_task(self._intake.take(updates, following))
        try:
            while not (await asyncio.wait({taking}, timeout=self._outage))[0]:
                await self._overhear(offset)
            await taking
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _overhear(self, offset: int | None) -> None:
        try:
            self._intake.alarm(await self._client.raw_updates(offset, wait=0))
        except TelegramError as error:
            log.warning("telegram_unreachable", error=error_class(error))

    async def _fetch(self, offset: int | None) -> Sequence[object]:
        """Return the next updates, none after a failure and the pause it asks for."""
        try:
            try:
                updates: Sequence[object] = await self._client.raw_updates(offset, wait=self._wait)
            except PoisonAnswerError:
                updates = await self._fetch_past_poison(offset)
        except TelegramError as error:
            await self._recover(error)
            return ()
        self._backoff.reset()
        return updates

    async def _fetch_past_poison(self, offset: int | None) -> Sequence[object]:
        """Fetch one update; of one that nobody can parse return the id alone, to be refused."""
        try:
            return await self._client.raw_updates(offset, wait=0, limit=1)
        except PoisonAnswerError as error:
            if error.first_id is None:
                raise
            log.error("telegram_update_unreadable", update_id=error.first_id)
            return ({"update_id": error.first_id},)

    async def _recover(self, error: TelegramError) -> None:
        match error:
            case PausedError():
                log.warning("telegram_polling_paused", seconds=error.seconds)
                await self._backoff.pause(error.seconds)
                return
            case Conflict():
                # Another process polls with this token, or has set a webhook. It is not fought.
                log.error("telegram_second_receiver")
            case InvalidToken():
                log.error("telegram_token_refused")
            case _:
                log.warning("telegram_unreachable", error=error_class(error))
        await self._backoff.pause()

    async def _end_webhook(self) -> None:
        """Remove a webhook that was set before; waiting updates are kept."""
        while True:
            try:
                await self._client.delete_webhook()
            except TelegramError as error:
                await self._recover(error)
            else:
                self._backoff.reset()
                return

    async def _stored_offset(self) -> int | None:
        while True:
            try:
                return await self._door.mark(OFFSET)
            except StoreUnavailableError:
                await self._overhear(None)
                await self._backoff.rest(self._outage)


def _after(updates: Sequence[object]) -> int | None:
    """Return the offset that confirms these updates, None if none has an id.

    Ids may restart lower after a quiet week, so earlier offsets play no part.
    """
    ids = [number for update in updates if (number := update_id_of(update)) is not None]
    return max(ids) + 1 if ids else None
