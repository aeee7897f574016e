"""Sends what is pending: rows first, network after, outside any transaction.

A kill between sending and marking sends once more, never loses: at least once, in order per chat.
What arrives although the visitor hid, forgot or left the channel meanwhile is deleted at once, or
when the channel allows. Where the store fails in between, what was sent is marked before anything
else is sent. What is to be marked or deleted again lies in memory alone, and goes with the process.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import metrics
from bot.domain.errors import HavnError
from bot.domain.handover import PRESENT
from bot.logs import error_class, logger
from bot.ports import (
    ChannelPort,
    Clock,
    Deletion,
    Delivery,
    DeliveryError,
    Outgoing,
    Refusal,
    Store,
)
from bot.services.effects import outgoing
from bot.services.ids import MessageIds, made_at
from bot.services.reply import Renderer

log = logger(__name__)

# Among so many chats those are chosen that were written to longest ago.
CHOSEN_AMONG = 300
# What was sent is marked before more is taken. After so many tries more is taken all the same if
# the store allows that: a row that can never be marked must not stop the others.
MARK_TRIES = 10
# So often a message is taken back that cannot be left to the outbox: half a minute, or four waits.
TAKE_BACK_TRIES = 5
# A message taken for sending by a process that died is taken again after this.
LEASE = timedelta(seconds=60)
# Full-jitter backoff in seconds, and how long to go on (security-reliability.md 4.1, Outbox).
BACKOFF = (1.0, 60.0)
GIVE_UP = timedelta(hours=1)
GIVE_UP_URGENT = timedelta(hours=24)
# Telegram: about 30 a second in all and one a second in a chat, short bursts tolerated. What a slow
# round leaves of the pace may be made up for, but never more than the most in any one second.
MOST_IN_A_SECOND = 30
PER_SECOND = 25.0
PER_CHAT_SECOND = 1.0
PER_CHAT_BURST = 3.0
# How long to rest, in seconds, when the pace of all chats together is used up: some messages then
# share a transaction.
REST = 0.2


@dataclass(slots=True)
class _Bucket:
    """A token bucket: ``rate`` tokens a second, at most ``burst`` saved; ``at`` is its last use."""

    rate: float
    burst: float
    tokens: float
    at: datetime

    def wait(self, now: datetime) -> float:
        """Return the seconds until there is a token, 0 where there is one."""
        # A clock that was set back must not hold messages until it has caught up.
        passed = max(0.0, (now - self.at) / timedelta(seconds=1))
        self.tokens, self.at = min(self.burst, self.tokens + passed * self.rate), now
        return max(0.0, (1 - self.tokens) / self.rate)

    def take(self) -> None:
        """Take a token that is there."""
        self.tokens -= 1


@dataclass(frozen=True, slots=True)
class _Astray:
    """A message that should not have arrived; to be deleted a while after ``since``."""

    message: Outgoing
    since: datetime
    wait: timedelta = timedelta(0)
    tries: int = 0

    def is_due(self, now: datetime) -> bool:
        # Either way: a clock that was set back must not leave it there until it has caught up.
        return abs(now - self.since) >= self.wait


class Deliverer:
    """Delivers the outbox of one channel."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        renderer: Renderer,
        channel: ChannelPort,
        ids: MessageIds,
    ) -> None:
        self._store = store
        self._clock = clock
        self._renderer = renderer
        self._channel = channel
        self._ids = ids
        self._wake = asyncio.Event()
        self._chats: dict[str, _Bucket] = {}
        self._all = _Bucket(PER_SECOND, PER_SECOND, PER_SECOND, clock.now())
        self._lately: deque[datetime] = deque()
        self._exhausted = False
        self._paused_until, self._pause = clock.now(), timedelta(0)
        # Tried on the channel and not yet marked, and how often marking has failed.
        self._unmarked: Sequence[Outgoing] = ()
        self._failures = 0
        self._astray: list[_Astray] = []

    def wake(self) -> None:
        """Say that something was posted."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._wake.clear()
            try:
                busy = await self.step()
            except HavnError as error:
                log.warning("deliver_step_failed", error=error_class(error))
                busy = 0
            if self._exhausted:
                await asyncio.sleep(REST)
            elif not busy:
                try:
                    await asyncio.wait_for(self._wake.wait(), timeout=1)
                except TimeoutError:
                    continue

    async def step(self) -> int:
        """Send what is due; return how many messages were tried.

        StoreUnavailableError when the store is away; the next step makes up for it.
        """
        self._exhausted = False
        await self._settle()
        now = self._clock.now()
        # No longer than it was meant to be, even if the clock was set back meanwhile.
        if timedelta(0) < self._paused_until - now <= self._pause:
            return 0
        taken = await self._take(now)
        self._lately.extend([self._clock.now()] * len(taken))
        if self._unmarked:
            log.error("deliveries_never_marked", messages=len(self._unmarked))
        self._unmarked = await asyncio.gather(*(self._send(one) for one in taken))
        self._failures = 0
        await self._settle()
        return len(taken)

    async def _settle(self) -> None:
        """Mark what was tried, and take back what should not have arrived."""
        try:
            await self._mark()
        except HavnError:
            self._failures += 1
            if self._failures < MARK_TRIES:
                raise
        now = self._clock.now()
        due = [one for one in self._astray if one.is_due(now)]
        self._astray = [one for one in self._astray if not one.is_due(now)]
        await asyncio.gather(*(self._take_back(one) for one in due))

    async def _mark(self) -> None:
        """Write where messages stand; what has arrived and does not stand any more is astray."""
        if not self._unmarked:
            return
        async with self._store.begin() as unit:
            gone = await unit.messages.mark(self._unmarked)
        now = self._clock.now()
        arrived = [one for one in self._unmarked if one.reference]
        self._astray += [_Astray(one, now) for one in arrived if one.id in gone]
        self._unmarked = ()

    async def _take(self, now: datetime) -> Sequence[Outgoing]:
        """Take due messages whose chat may be written to now; the lease covers a crash.

        What nobody may write yet, because all chats together have had their share, stays due.
        """
        async with self._store.begin() as unit:
            due = await unit.messages.due(self._channel.name, now, CHOSEN_AMONG)
            room = self._room(now)
            taken: list[Outgoing] = []
            later: list[Outgoing] = []
            for one in sorted(due, key=self._turn):
                self._exhausted = len(taken) == room or self._all.wait(now) > 0
                if self._exhausted:
                    break
                chat = self._chat(one.address, now)
                if one.human and now - made_at(one.id) >= PRESENT:
                    # It was held up: by now somebody else may hold the phone.
                    later.append(replace(one, state=Delivery.HELD))
                elif wait := chat.wait(now):
                    later.append(replace(one, due_at=now + timedelta(seconds=wait)))
                else:
                    chat.take()
                    self._all.take()
                    taken.append(replace(one, state=Delivery.SENDING, due_at=now + LEASE))
            gone = await unit.messages.mark([*taken, *later])
        return [one for one in taken if one.id not in gone]

    def _room(self, now: datetime) -> int:
        """Return how many messages may be sent before a second holds the most it may."""
        # A clock that was set back must not hold messages until it has caught up.
        while self._lately and not timedelta(0) <= now - self._lately[0] < timedelta(seconds=1):
            self._lately.popleft()
        return MOST_IN_A_SECOND - len(self._lately)

    def _turn(self, one: Outgoing) -> tuple[bool, datetime]:
        """Say whose turn it is: what is urgent, then whoever was written to longest ago.

        So a few chats with much to be told cannot hold up the others: each has one message in turn.
        """
        chat = self._chats.get(one.address)
        return not one.urgent, chat.at if chat else made_at(one.id)

    def _chat(self, address: str, now: datetime) -> _Bucket:
        if len(self._chats) > 10_000:  # noqa: PLR2004 -- a bound on memory, nothing more
            self._chats.clear()
        return self._chats.setdefault(
            address, _Bucket(PER_CHAT_SECOND, PER_CHAT_BURST, PER_CHAT_BURST, now)
        )

    async def _send(self, one: Outgoing) -> Outgoing:
        """Do one thing on the channel and return where it stands afterwards."""
        try:
            reference = await self._do(one)
        except DeliveryError as error:
            return self._refused(one, error)
        except Exception as error:  # noqa: BLE001 -- one bad row must not stop the others
            log.error("delivery_broken", error=error_class(error))
            metrics.delivered(self._channel.name, Delivery.FAILED)
            return replace(one, state=Delivery.FAILED, attempts=one.attempts + 1)
        metrics.delivered(self._channel.name, Delivery.SENT)
        return replace(one, state=Delivery.SENT, attempts=one.attempts + 1, reference=reference)

    async def _do(self, one: Outgoing) -> str:
        if not isinstance(one.body, Deletion):
            bubble = self._renderer.show(one.body, self._channel.name)
            return await self._channel.show(one.address, bubble)
        await self._channel.delete(one.address, one.body.references)
        if one.body.then is None:
            return ""
        bubble = self._renderer.render(one.body.then, self._channel.name)
        return await self._channel.show(one.address, bubble)

    async def _take_back(self, astray: _Astray) -> None:
        """Delete what has arrived too late; later again where the channel is busy."""
        message = astray.message
        try:
            await self._channel.delete(message.address, (message.reference,))
        except DeliveryError as error:
            log.warning("take_back_refused", refusal=error.refusal)
            if error.refusal is not Refusal.LATER or await self._delete_later(message):
                return
            tries = astray.tries + 1
            if tries < TAKE_BACK_TRIES:
                now = self._clock.now()
                self._astray.append(_Astray(message, now, _pause_after(error, tries), tries))

    async def _delete_later(self, one: Outgoing) -> bool:
        """Leave a deletion to the outbox; False if it can keep none for that chat (any more)."""
        now = self._clock.now()
        try:
            async with self._store.begin() as unit:
                loaded = await unit.conversations.load([one.conversation])
                conversation = loaded.get(one.conversation)
                if conversation is None or conversation.channel is not self._channel.name:
                    return False
                body, id_ = Deletion((one.reference,)), self._ids.next(now)
                await unit.messages.post([outgoing(conversation, body, id_=id_, now=now)])
        except HavnError as error:
            log.warning("take_back_not_posted", error=error_class(error))
            return False
        return True

    def _refused(self, one: Outgoing, error: DeliveryError) -> Outgoing:
        metrics.delivered(self._channel.name, error.refusal)
        now = self._clock.now()
        one = replace(one, attempts=one.attempts + 1)
        if error.everywhere:
            self._pause = timedelta(seconds=error.wait)
            self._paused_until = now + self._pause
        patience = GIVE_UP_URGENT if one.urgent else GIVE_UP
        if error.refusal is not Refusal.LATER or now - one.at > patience:
            metrics.delivered(self._channel.name, Delivery.FAILED)
            log.warning("delivery_given_up", refusal=error.refusal, attempts=one.attempts)
            return replace(one, state=Delivery.FAILED)
        due = now + _pause_after(error, one.attempts)
        return replace(one, state=Delivery.PENDING, due_at=due)


def _pause_after(error: DeliveryError, attempts: int) -> timedelta:
    """Return how long to leave a channel alone that refused for so many times."""
    low, high = BACKOFF
    backoff = random.uniform(low, min(high, low * 2**attempts))
    return timedelta(seconds=max(error.wait, backoff))
