"""What happens by itself when nobody acts: timers of waiting, leases and transfers.

They are rows, so a restart forgets none. The second sound and the supervisor's alarm need no timer:
the console computes them from the age of a request (bot/domain/queue.py).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.domain import handover as handovers
from bot.domain import queue
from bot.domain.conversation import Conversation
from bot.domain.errors import ConversationGoneError
from bot.domain.handover import Handover, State
from bot.domain.messages import Channel, Reply
from bot.domain.triage import Level
from bot.ports import Clock, Store, Timer
from bot.services.effects import outgoing
from bot.services.hotline.changes import Case, Changes
from bot.services.ids import MessageIds
from bot.services.news import Publish
from bot.services.timers import LEASE, TRANSFER, UNANSWERED

_HONEST = "utter_queue_red_unanswered"
_STILL = "utter_queue_still_waiting"
_LOST = "utter_human_lost"


class Ladder:
    """Runs the timers of handovers."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: MessageIds,
        publish: Publish,
        posted: Callable[[Channel], None] = lambda _channel: None,
    ) -> None:
        self._store = store
        self._ids = ids
        self._change = Changes(store=store, clock=clock, publish=publish, posted=posted)
        self._steps: Mapping[str, Callable[[Case], Awaitable[tuple[Handover, Conversation]]]] = {
            LEASE: self._look_for_counsellor,
            TRANSFER: self._end_offer,
            UNANSWERED: self._be_honest,
        }

    async def run(self, timer: Timer) -> None:
        """Do what a timer was set for; when its handover is over, only the timer goes."""
        async with self._store.begin() as unit:
            found = (await unit.handovers.open_for([timer.conversation])).get(timer.conversation)
            if found is None:
                await unit.timers.cancel(timer.conversation, timer.kind)
        if found is None or found.id is None:
            return

        async def step(case: Case) -> tuple[Handover, Conversation]:
            # Another process may have been faster, or the timer was set anew.
            if not await case.unit.timers.take(timer):
                return case.handover, case.conversation
            return await self._steps[timer.kind](case)

        try:
            await self._change(found.id, step)
        except ConversationGoneError:
            return

    async def _look_for_counsellor(self, case: Case) -> tuple[Handover, Conversation]:
        """Return a conversation to the queue when its counsellor was lost."""
        handover, conversation, now = case.handover, case.conversation, case.now
        if handover.is_held(now) and handover.lease_until is not None:
            await case.unit.timers.set(Timer(conversation.id, LEASE, handover.lease_until))
            return handover, conversation
        if not handover.has_lapsed(now):
            return handover, conversation
        waiting = handovers.lapsed(handover, now)
        due = now + queue.honest_after(waiting.level)
        await case.unit.timers.set(Timer(conversation.id, UNANSWERED, due))
        return waiting, await self._tell(case, _LOST)

    async def _end_offer(self, case: Case) -> tuple[Handover, Conversation]:
        return handovers.dropped_transfer(case.handover), case.conversation

    async def _be_honest(self, case: Case) -> tuple[Handover, Conversation]:
        """Tell a visitor who is still here that nobody has come yet; they keep their place."""
        if case.handover.state is not State.WAITING:
            return case.handover, case.conversation
        soon = case.handover.level is not Level.RED and await _on_shift(case)
        return case.handover, await self._tell(case, _STILL if soon else _HONEST)

    async def _tell(self, case: Case, screen: str) -> Conversation:
        """Show a screen to a visitor who is here; nothing is sent to one who may not be alone."""
        conversation = case.conversation
        if not case.handover.present(conversation.last_seen_at, case.now):
            return conversation
        (ahead,) = await case.unit.handovers.waiting_ahead([case.handover])
        low, high = queue.estimate(ahead, await _on_shift(case))
        values = {"wait_estimate": f"{low}-{high}"} if screen == _STILL else {}
        reply = Reply(screen, conversation.memory.locale or "en", values)
        id_ = self._ids.next(case.now)
        await case.unit.messages.post([outgoing(conversation, reply, id_=id_, now=case.now)])
        return replace(conversation, memory=replace(conversation.memory, screen=screen))


async def _on_shift(case: Case) -> int:
    """Return how many counsellors are on shift."""
    return len(await case.unit.shifts.since(case.now - queue.ALIVE))
