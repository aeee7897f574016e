"""Forgetting: one job, safe to repeat after a kill at any step; "done" is said when it is true."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from bot import metrics
from bot.domain.conversation import Conversation
from bot.domain.errors import StoreAwayError, StoreUnavailableError
from bot.domain.figures import counted, week_of
from bot.domain.handover import Outcome, State, withdrawn
from bot.domain.messages import Channel, ConversationId, Reply
from bot.domain.topics import QUEUE, handover_topic
from bot.logs import error_class, logger
from bot.ports import ChannelPort, Clock, DeliveryError, Sealer, Store, UnitOfWork
from bot.services.batch import Batch
from bot.services.effects import traces
from bot.services.news import Publish, quietly
from bot.services.reply import Renderer

log = logger(__name__)

# How long the last word stays before it, too, is deleted (copy deck, utter_forget_done).
LAST_WORD_SECONDS = 10.0
_TRIES = 2


@dataclass(frozen=True, slots=True)
class _Leaving:
    """What is needed to clean the visitor's side while it can still be read."""

    conversation: Conversation
    references: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Wish:
    """Conversations to erase, and whether their visitors asked for it."""

    ids: Collection[ConversationId]
    asked: bool


class Eraser:
    """Erases rows, keys, journals, and the visitor's side as far as a channel allows."""

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        renderer: Renderer,
        channels: Mapping[Channel, ChannelPort],
        make_room: Callable[[], bool] = lambda: False,
        publish: Publish = quietly,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._renderer = renderer
        self._channels = channels
        self._make_room = make_room
        self._publish = publish
        self._failpoint = failpoint
        self._batch: Batch[_Wish, None] = Batch(self._forget_all)
        self._background: set[asyncio.Task[None]] = set()

    async def forget(self, ids: Collection[ConversationId]) -> None:
        """Erase conversations; when this returns, nothing of them can be read any more.

        Their visitors asked for it: the visitor's side is cleaned too, and a last word is said.
        """
        await self._carry_out(_Wish(ids, asked=True))

    async def expire(self, ids: Collection[ConversationId]) -> None:
        """Erase conversations whose time is over, without a word.

        The visitor's side is cleaned only where its daily cleaning is switched on.
        """
        await self._carry_out(_Wish(ids, asked=False))

    async def resume(self) -> int:
        """Finish what a crash interrupted; return how many conversations."""
        async with self._store.begin() as unit:
            begun = await unit.conversations.forgetting()
        await self.forget(begun)
        return len(begun)

    async def _carry_out(self, wish: _Wish) -> None:
        if not wish.ids:
            return
        try:
            await self._batch(wish)
        except StoreAwayError:
            raise  # a lock: no room would help
        except StoreUnavailableError:
            if not self._make_room():
                raise
            await self._batch(wish)

    async def _forget_all(self, wishes: Sequence[_Wish]) -> Sequence[None]:
        ids = {id_ for wish in wishes for id_ in wish.ids}
        asked = {id_ for wish in wishes if wish.asked for id_ in wish.ids}
        leaving = await self._begin(ids, asked)
        self._failpoint("forget_begun")
        await asyncio.gather(*(self._clean_channel(one) for one in leaving))
        self._failpoint("forget_channel_cleaned")
        # The marked rows go last: as long as they stand, a restart finishes what a kill cut short.
        await self._sealer.destroy_keys(ids)
        self._failpoint("forget_keys_destroyed")
        await self._sealer.rotate()
        self._failpoint("forget_keys_rotated")
        async with self._store.begin() as unit:
            await unit.conversations.erase(ids)
        self._failpoint("forget_rows_erased")
        await self._store.scrub()
        self._failpoint("forget_scrubbed")
        metrics.forgotten(len(ids))
        now = self._clock.now()
        for one in leaving:
            # After a pause somebody else may hold the phone: nobody is written to unasked.
            if one.conversation.id in asked and not one.conversation.paused(now):
                self._say_last_word(one.conversation)
        return [None] * len(wishes)

    async def _begin(
        self, ids: Collection[ConversationId], asked: Collection[ConversationId]
    ) -> Sequence[_Leaving]:
        """Mark the conversations, and read what is needed to clean the visitor's side."""
        now = self._clock.now()
        async with self._store.begin() as unit:
            loaded = await unit.conversations.load(ids, forgetting=True)
            # First the mark: a message that arrives from now on is taken back by who sent it.
            await unit.conversations.begin_forgetting(ids, now)
            leaving = [
                _Leaving(one, await traces(unit, one.id, now))
                for _, one in sorted(loaded.items())
                if one.channel in self._channels and (one.id in asked or one.memory.autoclean)
            ]
            ended = await self._end_requests(unit, ids)
        for number in ended:
            self._publish(handover_topic(number))
        if ended:
            self._publish(QUEUE)
        return leaving

    async def _end_requests(
        self, unit: UnitOfWork, ids: Collection[ConversationId]
    ) -> Sequence[int]:
        """Close and count what is still open; return the numbers of the requests.

        In the transaction that marks the conversations: after a kill nothing is counted twice.
        """
        now = self._clock.now()
        opened = (await unit.handovers.open_for(ids)).values()
        for handover in opened:
            ended = await unit.handovers.save(withdrawn(handover, now, Outcome.FORGOTTEN))
            if handover.state is not State.OFFERED:
                await unit.figures.count(week_of(now), counted(ended))
        return [handover.id for handover in opened if handover.id is not None]

    async def _clean_channel(self, leaving: _Leaving) -> None:
        """Delete messages on the visitor's side; forgetting never waits for a channel."""
        conversation = leaving.conversation
        channel = self._channels[conversation.channel]
        if not leaving.references:
            return
        for _ in range(_TRIES):
            try:
                await channel.delete(conversation.address, leaving.references)
            except DeliveryError as error:
                log.warning("forget_channel_refused", refusal=error.refusal)
            else:
                return

    def _say_last_word(self, conversation: Conversation) -> None:
        """Say from memory that it is done; the store knows nobody any more."""
        task = asyncio.create_task(self._last_word(conversation))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _last_word(self, conversation: Conversation) -> None:
        channel = self._channels[conversation.channel]
        locale = conversation.memory.locale or "en"
        try:
            done = self._renderer.render(Reply("utter_forget_done", locale), channel.name)
            reference = await channel.show(conversation.address, done)
            await asyncio.sleep(LAST_WORD_SECONDS)
            await channel.delete(conversation.address, [reference])
            hello = self._renderer.render(Reply("utter_hide_done", locale), channel.name)
            await channel.show(conversation.address, hello)
        except DeliveryError as error:
            log.warning("last_word_refused", refusal=error.refusal, error=error_class(error))

    async def close(self) -> None:
        """Let last words finish for a moment."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
