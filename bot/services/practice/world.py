"""Practice: a small world of its own with invented visitors, for one counsellor, in memory only.

It has its own store, keys, audit trail, figures and bus; nothing in it touches the real ones, and
all of it ends with the practice. The use cases are the real ones, so what is practised is true.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain import handover as handovers
from bot.domain.conversation import Conversation, Memory
from bot.domain.errors import HavnError
from bot.domain.factors import Account
from bot.domain.handover import Close, Handover, Outcome, State
from bot.domain.messages import ConversationId, Incoming, Line, MessageId, Reply, Text
from bot.domain.practice import TYPING, Heard, Scenario, answers
from bot.domain.staff import Role, Staff, StaffId
from bot.domain.topics import QUEUE, handover_topic
from bot.logs import error_class, logger
from bot.ports import Arrival, Bus, Clock, Outgoing, Sealer, Store, UnitOfWork
from bot.services.hotline import Hotline, Ladder, Reader
from bot.services.ids import MessageIds, conversation_id
from bot.services.reply import Renderer

log = logger(__name__)

# An invented colleague, who takes what is handed over and is soon done with it, and an invented
# supervisor, who whispers once to whoever holds up a hand.
COLLEAGUE = StaffId("practice-colleague")
SUPERVISOR = StaffId("practice-supervisor")
_ALIASES = {COLLEAGUE: "Bo (practice)", SUPERVISOR: "Sue (practice)"}
# How long the colleague takes to accept, and to bring a talk to its end.
_ACCEPTING = timedelta(seconds=8)
_TALKING = timedelta(seconds=30)
_AT_ONCE = 50
_DONE = Close(Outcome.INFORMED)
_FIRST_LINE = "Hello"
# Less than the id of every message.
_NOTHING = MessageId(0)


@dataclass(slots=True)
class _Visitor:
    """An invented visitor who has come: what they heard of counsellors, and what they answered."""

    scenario: Scenario
    conversation: ConversationId
    handover: int
    heard: list[Heard] = field(default_factory=list)
    last_heard: MessageId = _NOTHING
    said: int = 0
    answers_at: datetime | None = None
    whispered: bool = False


class World:
    """One practice. ``play`` lets everything happen that is due by now."""

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        bus: Bus,
        renderer: Renderer,
        scenarios: Sequence[Scenario],
        whisper: str,
        locale: str,
    ) -> None:
        self.store = store
        self.bus = bus
        self.ids = MessageIds()
        self.hotline = Hotline(
            store=store,
            sealer=sealer,
            clock=clock,
            ids=self.ids,
            eraser=_Erasing(store),
            publish=bus.publish,
        )
        self.reader = Reader(store=store, clock=clock, renderer=renderer, ids=self.ids)
        self._ladder = Ladder(store=store, clock=clock, ids=self.ids, publish=bus.publish)
        self._sealer = sealer
        self._clock = clock
        self._scenarios = list(scenarios)
        self._whisper = whisper
        self._locale = locale
        self._began_at = clock.now()
        self._visitors: list[_Visitor] = []
        self._turn = asyncio.Lock()

    @property
    def left(self) -> int:
        """Return how many visitors are still to come."""
        return len(self._scenarios)

    async def begin(self, staff: Staff) -> None:
        """Let the person who practises in, and their invented colleagues."""
        now = self._clock.now()
        others = [
            Staff(id_, alias, frozenset({Role.SUPERVISOR}), now) for id_, alias in _ALIASES.items()
        ]
        async with self.store.begin() as unit:
            for one in (staff, *others):
                await unit.staff.add(Account(one))
        await self.hotline.start_shift(COLLEAGUE, frozenset({"en", "da"}))

    async def play(self) -> None:
        """Let everything happen that is due by now."""
        async with self._turn:
            now = self._clock.now()
            await self.hotline.beat(COLLEAGUE)
            while self._scenarios and now - self._began_at >= self._scenarios[0].arrives:
                await self._arrive(self._scenarios.pop(0), now)
            async with self.store.begin() as unit:
                due = await unit.timers.due(now, _AT_ONCE)
            for timer in due:
                await self._ladder.run(timer)
            for visitor in self._visitors:
                await self._act(visitor, now)

    # --- visitors ---

    async def _arrive(self, scenario: Scenario, now: datetime) -> None:
        """Have a visitor write to the program, then ask for a person and agree."""
        id_ = conversation_id()
        await self._sealer.create_keys([id_])
        memory = Memory(locale=self._locale, consent=scenario.consent, notify=scenario.notify)
        conversation = Conversation(id_, scenario.channel, now, now, memory=memory)
        chosen = scenario.words.chosen
        async with self.store.begin() as unit:
            lookup = self._sealer.lookups(scenario.channel, id_)[0]
            await unit.conversations.add({lookup: conversation})
            for text in scenario.words.before:
                await self._write(unit, conversation, text, now)
            offered = handovers.offer(id_, scenario.level, self._locale, now)
            agreed = handovers.prepared(
                offered,
                consent=scenario.consent,
                notify=scenario.notify,
                minor=scenario.minor,
                code_word=self._sealer.hash_word(id_, chosen) if chosen else "",
                newest=await unit.messages.newest(id_),
            )
            saved = await unit.handovers.save(handovers.asked(agreed, now, staffed=True))
        if saved.id is not None:
            self._visitors.append(_Visitor(scenario, id_, saved.id))
        self.bus.publish(QUEUE)

    async def _act(self, visitor: _Visitor, now: datetime) -> None:
        async with self.store.begin() as unit:
            handover = await unit.handovers.get(visitor.handover)
            if handover is None or handover.state is State.CLOSED:
                return
            await self._listen(unit, visitor, now)
            spoke = await self._speak(unit, visitor, now)
        if spoke:
            self.bus.publish(handover_topic(visitor.handover))
            self.bus.publish(QUEUE)
        await self._help(visitor, handover, now)

    async def _listen(self, unit: UnitOfWork, visitor: _Visitor, now: datetime) -> None:
        """Hear what a counsellor sent since last time, unless the phone was put away."""
        if visitor.scenario.leaves and visitor.said:
            return
        thread = await unit.messages.thread(visitor.conversation, visitor.last_heard, _AT_ONCE)
        for message in thread:
            visitor.last_heard = message.id
            if (heard := _heard(message)) is not None:
                visitor.heard.append(heard)
                visitor.answers_at = visitor.answers_at or now + TYPING

    async def _speak(self, unit: UnitOfWork, visitor: _Visitor, now: datetime) -> bool:
        """Answer one thing when there was time to type it; tell whether something was said."""
        if visitor.answers_at is None or now < visitor.answers_at:
            return False
        answered = answers(visitor.scenario, visitor.heard)
        visitor.answers_at = None
        if len(answered) <= visitor.said:
            return False
        loaded = await unit.conversations.load([visitor.conversation], lock=True)
        if visitor.conversation not in loaded:
            return False
        await self._write(unit, loaded[visitor.conversation], answered[visitor.said], now)
        visitor.said += 1
        if len(answered) > visitor.said:
            visitor.answers_at = now + TYPING
        return True

    async def _write(
        self, unit: UnitOfWork, conversation: Conversation, text: str, now: datetime
    ) -> None:
        """Store words of a visitor as the ways in do, with no answer of the program."""
        id_ = self.ids.next(now)
        incoming = Incoming(conversation.channel, str(id_), conversation.id, Text(text))
        arrival = Arrival(id_, conversation.id, incoming, now)
        await unit.messages.accept([arrival])
        await unit.messages.settle([arrival], wipe=())
        await unit.conversations.save([replace(conversation, last_seen_at=now)])

    # --- colleagues ---

    async def _help(self, visitor: _Visitor, handover: Handover, now: datetime) -> None:
        """Have the invented colleagues do their part."""
        try:
            if handover.hand and not visitor.whispered:
                visitor.whispered = True
                await self.hotline.note(SUPERVISOR, visitor.handover, self._whisper, whisper=True)
            if handover.owner == COLLEAGUE:
                await self._finish(handover, now)
            elif _is_waiting_for_colleague(handover, now):
                await self._agree(visitor.handover)
                alias = _ALIASES[COLLEAGUE]
                await self.hotline.accept_transfer(COLLEAGUE, alias, visitor.handover)
        except HavnError as error:
            # Whoever practises was faster; the next round looks again.
            log.info("practice_step_skipped", error=error_class(error))

    async def _agree(self, number: int) -> None:
        """Have the visitor answer that the colleague may read the chat."""
        async with self.store.begin() as unit:
            found = await unit.handovers.get(number)
            if found is not None:
                await unit.handovers.save(handovers.answered_transfer(found, agreed=True))

    async def _finish(self, handover: Handover, now: datetime) -> None:
        number, taken_at = handover.id or 0, handover.claimed_at or now
        if handover.answered_at is None or handover.answered_at < taken_at:
            await self.hotline.say(
                COLLEAGUE, _ALIASES[COLLEAGUE], number, _FIRST_LINE, f"{taken_at}"
            )
        if now - taken_at >= _TALKING:
            await self.hotline.close(COLLEAGUE, number, _DONE)


class _Erasing:
    """Erases in a world that keeps nothing anyway: the rows are enough."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def expire(self, ids: Collection[ConversationId]) -> None:
        """Erase conversations."""
        async with self._store.begin() as unit:
            await unit.conversations.erase(ids)


def _heard(message: Arrival | Outgoing) -> Heard | None:
    """Return what a counsellor sent, None for anything else and for "I am here now"."""
    if not isinstance(message, Outgoing) or not message.human:
        return None
    if isinstance(message.body, Line):
        return Heard(text=message.body.original or message.body.text)
    if isinstance(message.body, Reply) and message.body.screen.startswith("utter_canned_"):
        return Heard(screen=message.body.screen)
    return None


def _is_waiting_for_colleague(handover: Handover, now: datetime) -> bool:
    transfer = handover.transfer
    return (
        transfer is not None
        and transfer.to in (None, COLLEAGUE)
        and now >= transfer.until - handovers.TRANSFER + _ACCEPTING
    )
