"""One change of a handover: read, decide, write, in one transaction.

Every change also counts up the version of the conversation. An answer of the program that was
decided before is then found to rest on the past and decided anew: that is how a late reply of the
program is dropped when a counsellor takes a conversation (peers.md section 4).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Conversation
from bot.domain.errors import ChangedError, ConversationGoneError
from bot.domain.handover import Handover
from bot.domain.messages import Channel
from bot.domain.topics import QUEUE, handover_topic
from bot.ports import Clock, Store, UnitOfWork
from bot.services.news import Publish

# How often a change is tried anew when somebody else was faster, and how long it waits before.
_TRIES = 5
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Case:
    """A handover and its conversation, locked for the transaction they were read in."""

    unit: UnitOfWork
    handover: Handover
    conversation: Conversation
    now: datetime


Change = Callable[[Case], Awaitable[tuple[Handover, Conversation]]]


class Changes:
    """Carries changes out and tells the console about them."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        publish: Publish,
        posted: Callable[[Channel], None] = lambda _channel: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._publish = publish
        self._posted = posted

    async def __call__(self, handover: int, change: Change) -> Handover:
        """Change a handover; ConversationGoneError when it was forgotten or never was.

        What ``change`` raises undoes everything. ChangedError when others keep being faster.
        """
        for _ in range(_TRIES):
            try:
                saved, channel = await self._try(handover, change)
            except ChangedError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._posted(channel)
            self._publish(handover_topic(handover))
            self._publish(QUEUE)
            return saved
        raise ChangedError("the conversation kept changing")

    async def _try(self, number: int, change: Change) -> tuple[Handover, Channel]:
        async with self._store.begin() as unit:
            handover = await unit.handovers.get(number)
            if handover is None:
                raise ConversationGoneError("there is no such request (any more)")
            conversation = await _locked(unit, handover)
            case = Case(unit, handover, conversation, self._clock.now())
            changed, conversation = await change(case)
            saved = await unit.handovers.save(changed)
            await unit.conversations.save([conversation])
        return saved, conversation.channel


async def _locked(unit: UnitOfWork, handover: Handover) -> Conversation:
    """Lock a conversation; ChangedError while another transaction holds it."""
    id_ = handover.conversation
    found = await unit.conversations.load([id_], lock=True)
    if id_ in found:
        return found[id_]
    if await unit.conversations.load([id_]):
        raise ChangedError("another transaction holds the conversation")
    raise ConversationGoneError("the conversation was forgotten")
