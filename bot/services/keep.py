"""Housekeeping: erase what is due, clean chats that asked for it, rotate keys, resume."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot import metrics
from bot.domain.errors import HavnError
from bot.domain.messages import Channel, ConversationId
from bot.domain.retention import ClockWatch, Policy
from bot.logs import error_class, logger
from bot.ports import Clock, Sealer, Store, Timer
from bot.services.effects import PUSHED, hide, set_autoclean
from bot.services.erase import Eraser
from bot.services.ids import MessageIds
from bot.services.orphans import Orphans
from bot.services.timers import AUTOCLEAN

log = logger(__name__)

EVERY_SECONDS = 30.0
# Who waits in danger is told after five minutes and not half a minute later.
_TIMERS_PER_ROUND = 6
ROTATE_EVERY = timedelta(hours=1)
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Purged:
    """What a round of housekeeping erased."""

    idle: int = 0
    capped: int = 0
    receipts: int = 0


class Keeper:
    """Runs the rounds of housekeeping."""

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        eraser: Eraser,
        policy: Policy,
        ids: MessageIds,
        resume: Callable[[], Awaitable[int]],
        ladder: Callable[[Timer], Awaitable[None]],
        monotonic: Callable[[], float] = time.monotonic,
        posted: Callable[[Channel], None] = lambda _channel: None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._eraser = eraser
        self._policy = policy
        self._resume = resume
        self._ladder = ladder
        self._monotonic = monotonic
        self._posted = posted
        self._ids = ids
        self._orphans = Orphans(store=store, sealer=sealer, monotonic=monotonic)
        self._watch = ClockWatch(clock.now(), monotonic())
        self._rotated_at = clock.now()

    async def run(self) -> None:
        """Keep house until cancelled."""
        while True:
            await self._surely(self.round)
            for _ in range(_TIMERS_PER_ROUND):
                await asyncio.sleep(EVERY_SECONDS / _TIMERS_PER_ROUND)
                await self._surely(self._run_timers)

    async def _surely(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except HavnError as error:
            log.warning("housekeeping_failed", error=error_class(error))

    async def round(self) -> None:
        """Do everything that is due once."""
        await self._eraser.resume()
        metrics.inbox_age(await self._inbox_age())
        await self._resume()
        # Before the timers: a cleaning that is posted now must not be erased before it is sent.
        await self.purge()
        await self._run_timers()
        now = self._clock.now()
        if now - self._rotated_at >= ROTATE_EVERY:
            orphans = await self._orphans.destroy()
            log.info("keys_rotated", epoch=await self._sealer.rotate(), orphans=orphans)
            self._rotated_at = now

    async def _inbox_age(self) -> int:
        """Return the greatest of metrics.AGES that some unanswered message has passed, or 0."""
        now = self._clock.now()
        async with self._store.begin() as unit:
            for seconds in metrics.AGES:
                if await unit.messages.with_unanswered(now - timedelta(seconds=seconds), 1):
                    return seconds
        return 0

    async def purge(self) -> Purged:
        """Erase what the policy no longer keeps; nothing while the clocks disagree."""
        now = self._clock.now()
        if not self._watch.trusts(now, self._monotonic()):
            log.error("clocks_disagree_deletion_paused")
            return Purged()
        policy = self._policy
        async with self._store.begin() as unit:
            capped = await unit.conversations.older_than(policy.cap_before(now), _AT_ONCE)
            idle = await unit.conversations.idle_since(policy.idle_before(now), _AT_ONCE)
            # A place in the line cannot outlive the page that shows it.
            web = await unit.conversations.idle_since(
                policy.web_before(now), _AT_ONCE, Channel.WEB, waiting=True
            )
            receipts = await unit.messages.forget_receipts(policy.receipts_before(now))
        await self._eraser.expire({*capped, *idle, *web})
        return Purged(len({*idle, *web}), len(capped), receipts)

    async def _run_timers(self) -> None:
        async with self._store.begin() as unit:
            due = await unit.timers.due(self._clock.now(), _AT_ONCE)
        for timer in due:
            step = self._clean if timer.kind == AUTOCLEAN else self._ladder
            # One that fails must not keep those behind it from their time.
            await self._surely(partial(step, timer))

    async def _clean(self, timer: Timer) -> None:
        """Clean one chat quietly and set the next time, in one transaction."""
        now = self._clock.now()
        async with self._store.begin() as unit:
            loaded = await unit.conversations.load([timer.conversation], lock=True)
            for conversation in loaded.values():
                posts = await hide(
                    unit, conversation, self._ids, now, up_to=self._ids.next(now), then=""
                )
                await unit.messages.post(posts)
                await set_autoclean(unit, conversation.id, now, on=True)
        for channel in PUSHED:
            self._posted(channel)

    async def forget(self, conversation: ConversationId) -> None:
        """Erase one conversation by hand."""
        await self._eraser.forget({conversation})
