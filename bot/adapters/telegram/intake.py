"""From raw updates to the door, by polling or webhook; and what is done while the store is down."""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bot import metrics
from bot.adapters.telegram.channel import DELETED_AT_ONCE, TelegramChannel
from bot.adapters.telegram.inbound import Entry, Reader, Refused, Why
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Channel, Incoming, Tapped
from bot.logs import error_class, logger
from bot.ports import DeliveryError, Door

OFFSET = "telegram_offset"
BROKEN = "utter_error"
_HIDE = "action_hide"
# Words of danger wait this long for the store, in seconds, before they are answered without it.
GRACE = 0.5
# Other messages wait this long: a short lock should not tell everybody that something is broken.
PATIENCE = 10.0
# How often one message may fail in an unexpected way before it is given up and the visitor told.
TRIES = 30
_REMEMBERED = 10_000

log = logger(__name__)


class Intake:
    """Takes updates in. One per bot and process; close it before its client.

    ``refused`` counts what was not let in, by reason and kind of update. What was answered while
    the store was down is remembered in memory only.
    """

    def __init__(
        self,
        bot: str,
        channel: TelegramChannel,
        door: Door,
        locales: Callable[[], Sequence[str]],
        *,
        grace: float = GRACE,
        patience: float = PATIENCE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = Reader(bot, locales)
        self._channel = channel
        self._door = door
        self._grace = grace
        self._patience = patience
        self._monotonic = monotonic
        self._down_since: float | None = None
        self._warned: OrderedDict[int, None] = OrderedDict()
        self._told: set[str] = set()
        self._failures: Counter[int] = Counter()
        self._errands: set[asyncio.Task[None]] = set()
        self.refused: Counter[tuple[Why, str]] = Counter()

    async def take(self, updates: Sequence[object], offset: int | None = None) -> None:
        """Store what the updates say; only then may Telegram be told that they arrived.

        ``offset`` is stored with them. StoreUnavailableError when something is not stored: bring
        all of them again. Words of danger have been answered meanwhile, once.
        """
        entries, refused = self._sort(updates)
        if self._down_since is not None:
            self._warn(entries)
        storing = asyncio.create_task(self._store(entries, offset))
        try:
            if not (await asyncio.wait({storing}, timeout=self._grace))[0]:
                self._warn(entries)
            await storing
        except StoreUnavailableError:
            self._warn(entries)
            raise
        finally:
            storing.cancel()
            await asyncio.gather(storing, return_exceptions=True)
        if entries or offset is not None:
            self._down_since = None
            self._told.clear()
        for entry in entries:
            if entry.tap:
                self._start(self._channel.acknowledge(entry.tap))
        self._refuse(refused)

    def alarm(self, updates: Sequence[object]) -> None:
        """Answer words of danger among updates that cannot be stored at present."""
        self._warn(self._sort(updates)[0])

    async def close(self) -> None:
        """Wait a moment for errands under way, then drop them: none of them is owed to anybody."""
        if self._errands:
            await asyncio.wait(self._errands, timeout=1)
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)

    def _sort(self, updates: Sequence[object]) -> tuple[list[Entry], list[Refused]]:
        read = [self._reader.read(update) for update in updates]
        entries = [item for item in read if isinstance(item, Entry)]
        return entries, [item for item in read if isinstance(item, Refused)]

    def _refuse(self, refused: Sequence[Refused]) -> None:
        """Count and record what was not let in, and leave the groups it came from."""
        for item in refused:
            metrics.refused(Channel.TELEGRAM, item.why)
            self.refused[item.why, item.kind.value if item.kind else "other"] += 1
            log.info(
                "telegram_update_refused",
                update_id=item.update_id,
                why=item.why,
                kind=item.kind,
                error=item.error,
            )
        for chat in {item.leave for item in refused if item.leave}:
            self._start(self._channel.leave(chat))

    # Storing

    async def _store(self, entries: Sequence[Entry], offset: int | None) -> None:
        mark = None if offset is None else (OFFSET, offset)
        if not entries and mark is None:
            return
        try:
            await self._door.accept([entry.incoming for entry in entries], mark=mark)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 -- one message must not stop all others
            log.error("telegram_accept_failed", error=error_class(error), updates=len(entries))
            await self._store_each(entries, mark)

    async def _store_each(self, entries: Sequence[Entry], mark: tuple[str, int] | None) -> None:
        """Store one by one; StoreUnavailableError if one failed and is to be tried again."""
        if not all([await self._store_one(entry) for entry in entries]):
            raise StoreUnavailableError("a message could not be stored yet")
        try:
            await self._door.accept([], mark=mark)
        except Exception as error:
            raise StoreUnavailableError("the offset could not be stored") from error

    async def _store_one(self, entry: Entry) -> bool:
        """Tell whether Telegram may forget this update: it is stored, or failed too often."""
        try:
            await self._door.accept([entry.incoming])
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 -- as above
            return self._give_up(entry, error)
        self._failures.pop(entry.update_id, None)
        self._warned[entry.update_id] = None  # it is stored, so it needs no answer from memory
        return True

    def _give_up(self, entry: Entry, error: Exception) -> bool:
        """Count a failure; in the end record it, tell the visitor, and go on without it."""
        self._failures[entry.update_id] += 1
        if self._failures[entry.update_id] < TRIES:
            return False
        del self._failures[entry.update_id]
        log.error("telegram_update_given_up", update_id=entry.update_id, error=error_class(error))
        self._start(self._tell(entry.incoming))
        return True

    # While the store is down

    def _warn(self, entries: Sequence[Entry]) -> None:
        """Answer from memory, each update once: danger and hide now, the rest if it lasts."""
        now = self._monotonic()
        if self._down_since is None:
            self._down_since = now
            log.warning("telegram_store_away")
        lasting = now - self._down_since >= self._patience
        for entry in entries:
            if entry.update_id in self._warned:
                continue
            try:
                answered = self._answer(entry.incoming, lasting=lasting)
            except Exception as error:  # noqa: BLE001 -- the last resort must not stop the loop
                log.error("telegram_emergency_broken", error=error_class(error))
                answered = True
            if answered:
                self._warned[entry.update_id] = None
        while len(self._warned) > _REMEMBERED:
            self._warned.popitem(last=False)

    def _answer(self, incoming: Incoming, *, lasting: bool) -> bool:
        """Answer without the store, and tell whether that was done."""
        match incoming.event:
            case Tapped(tap) if tap.to == _HIDE:
                self._start(self._hide(incoming))
                return True
        if self._door.emergency(incoming).screen != BROKEN:
            self._start(self._tell(incoming))
            return True
        if not lasting or incoming.address in self._told:
            return False
        self._told.add(incoming.address)
        self._start(self._tell(incoming))
        return True

    async def _tell(self, incoming: Incoming) -> None:
        """Show the emergency message; nothing is owed if that fails too."""
        try:
            await self._channel.show(incoming.address, self._door.emergency(incoming))
        except DeliveryError as error:
            log.warning("telegram_emergency_failed", reason=error.refusal)

    async def _hide(self, incoming: Incoming) -> None:
        """Delete the last messages without knowing which they are; the rest once the store is back.

        Ids grow, and those that belong to other chats are passed over.
        """
        newest = int(incoming.reference or incoming.on)
        recent = range(max(1, newest - DELETED_AT_ONCE + 1), newest + 1)
        try:
            await self._channel.delete(incoming.address, [str(i) for i in recent])
        except DeliveryError as error:
            log.warning("telegram_emergency_failed", reason=error.refusal)

    def _start(self, errand: Coroutine[Any, Any, None]) -> None:
        """Run something that nobody waits for."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
