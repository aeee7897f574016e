"""From unanswered messages to stored replies.

Taps are read, decided and written in one transaction, if they can the one that stores them. Texts
are decided outside any, for that may take as long as the NLU unit is given; what was read is then
compared before it is written.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from bot import metrics
from bot.domain import handover as handovers
from bot.domain import queue, reporting
from bot.domain.conversation import Conversation
from bot.domain.errors import ChangedError, StoreAwayError, StoreUnavailableError
from bot.domain.facts import Registry
from bot.domain.handover import Handover
from bot.domain.hours import IsHoliday, WeekHours
from bot.domain.messages import Channel, ConversationId, Reply, Start, Tapped
from bot.domain.topics import QUEUE, handover_topic
from bot.domain.triage import Level
from bot.logs import error_class, logger
from bot.ports import Arrival, Clock, Deletion, Outgoing, Sealer, Store, UnitOfWork
from bot.services.batch import Batch
from bot.services.decide import Case, Decider, Draft, Shift
from bot.services.effects import PUSHED, Effects, outgoing
from bot.services.erase import Eraser
from bot.services.ids import MessageIds
from bot.services.news import Publish, quietly
from bot.services.paces import Paces
from bot.services.reply import Renderer
from bot.services.return_code import ReturnCodes

log = logger(__name__)

# How often a batch is tried anew for conversations that changed under their answer.
_TRIES = 5
_PAUSE_SECONDS = 0.02
# What then waits for a conversation that another transaction holds: by itself, so that nobody else
# does, and about two seconds in all. After that it is left to the round that answers leftovers.
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)
_HUMAN_SCREENS = ("utter_human", "utter_queue", "utter_danger", "utter_minor", "utter_suicide")

Posted = Mapping[ConversationId, Sequence[Outgoing]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What one transaction wrote; its effects outside the store come after the commit."""

    drafts: Sequence[Draft]
    posted: Posted


NOTHING = Answered((), {})


@dataclass(frozen=True, slots=True)
class _Said:
    """What one conversation was told; ``leaving`` when it asked to be forgotten."""

    posted: Sequence[Outgoing] = ()
    leaving: Conversation | None = None


class Answers:
    """Answers conversations, many at a time, each in the order its messages came."""

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        decider: Decider,
        renderer: Renderer,
        eraser: Eraser,
        ids: MessageIds,
        is_holiday: IsHoliday,
        posted: Callable[[Channel], None] = lambda _channel: None,
        publish: Publish = quietly,
        codes: ReturnCodes | None = None,
        make_room: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._decide = decider
        self._renderer = renderer
        self._eraser = eraser
        self._is_holiday = is_holiday
        self._posted = posted
        self._publish = publish
        self._codes = codes
        self._make_room = make_room
        self._ids = ids
        self._batch: Batch[ConversationId, _Said | None] = Batch(self._answer_all)
        self._paces = Paces(clock)
        self._held: set[ConversationId] = set()

    def hear(self, conversation: ConversationId, *, urgent: bool) -> timedelta:
        """Count a message that was stored; return how long its answer waits, zero if not at all."""
        return self._paces.hear(conversation, urgent=urgent)

    async def __call__(
        self, conversation: ConversationId, pause: timedelta = timedelta(0), *, urgent: bool = False
    ) -> Sequence[Outgoing]:
        """Answer what waits in a conversation and return what was posted.

        In a flood the answer waits while messages gather; calls that come meanwhile return at once.
        """
        if pause:
            if conversation in self._held:
                return ()
            self._held.add(conversation)
            try:
                await asyncio.sleep(pause / timedelta(seconds=1))
            finally:
                self._held.discard(conversation)
        self._paces.answered(conversation, urgent=urgent)
        return await self._persist(conversation)

    async def at_once(self, unit: UnitOfWork, ids: Mapping[ConversationId, bool]) -> Answered:
        """Answer in a transaction under way those conversations in which nobody typed anything.

        With each id goes whether it is urgent. What takes its time to write is left as well. After
        the commit conclude() is called.
        """
        if not ids:
            return NOTHING
        shift = await self._shift(unit)
        cases, _ = await self._read(unit, list(ids))
        tapped = [await self._decide(case, shift) for case in cases if not case.typed]
        drafts = [draft for draft in tapped if not draft.takes_time]
        for draft in drafts:
            id_ = draft.conversation.id
            self._paces.answered(id_, urgent=ids[id_])
        return await self._put(unit, drafts, shift)

    def conclude(self, answered: Answered) -> None:
        """Do what follows the commit: tell staff, measure, and wake those who send."""
        drafts = answered.drafts
        self._tell_staff(
            {number for draft in drafts for number in draft.touched},
            {number for draft in drafts for number in draft.heard},
        )
        now = self._clock.now()
        for draft in drafts:
            metrics.answered(draft.conversation.channel, now - draft.case.arrivals[0].at)
        for channel in {o.channel for messages in answered.posted.values() for o in messages}:
            self._posted(channel)

    async def _persist(self, conversation: ConversationId) -> Sequence[Outgoing]:
        """Answer, again and again while somebody else holds the conversation; ChangedError then."""
        for longer in (*_PAUSES_SECONDS, None):
            said = await self._batch(conversation)
            if said is not None:
                # By itself: it may take as long as a channel likes, and nobody else waits for it.
                return await self._forget(said.leaving) if said.leaving else said.posted
            if longer is not None:
                await asyncio.sleep(longer)
        raise ChangedError("the conversation kept changing under the answer")

    async def _answer_all(self, ids: Sequence[ConversationId]) -> Sequence[_Said | None]:
        """Answer a batch; None for conversations that others kept changing or hold."""
        said: dict[ConversationId, _Said] = {}
        left = list(dict.fromkeys(ids))
        for _ in range(_TRIES):
            left = await self._answer_once(left, said)
            if not left:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return [None if id_ in left else said.get(id_, _Said()) for id_ in ids]

    async def _answer_once(
        self, ids: Sequence[ConversationId], said: dict[ConversationId, _Said]
    ) -> list[ConversationId]:
        """Answer once; return those that somebody else changed or holds at this moment."""
        async with self._store.begin() as unit:
            shift = await self._shift(unit)
            cases, busy = await self._read(unit, ids)
            taps = [await self._decide(case, shift) for case in cases if not case.typed]
            quick = [draft for draft in taps if not draft.takes_time]
            tapped = await self._put(unit, quick, shift)
        said |= self._said(tapped)
        # Texts are read outside any transaction, and codes are stretched there.
        typed = [case for case in cases if case.typed]
        decided = await asyncio.gather(*(self._decided(case, shift) for case in typed))
        slow = [draft for draft in taps if draft.takes_time]
        drafts = [*slow, *(draft for draft in decided if draft is not None)]
        await asyncio.gather(*(self._draw_code(draft) for draft in drafts if draft.wants_code))
        moved = [draft for draft in drafts if draft.moved]
        said |= self._said(Answered(moved, {d.conversation.id: d.moved for d in moved}))
        said |= self._said(await self._write([draft for draft in drafts if not draft.moved], shift))
        return [*busy, *(id_ for case in cases if (id_ := case.conversation.id) not in said)]

    async def _draw_code(self, draft: Draft) -> None:
        if self._codes is not None:
            draft.code = await self._codes.draw()

    async def _decided(self, case: Case, shift: Shift) -> Draft | None:
        """Decide a case; None where it changed meanwhile and is to be read anew."""
        try:
            return await self._decide(case, shift)
        except ChangedError:
            return None

    def _said(self, answered: Answered) -> Mapping[ConversationId, _Said]:
        """Conclude, and return what each conversation is told."""
        self.conclude(answered)
        leaving = {d.conversation.id: d.conversation for d in answered.drafts if d.forgets}
        return {id_: _Said(posts, leaving.get(id_)) for id_, posts in answered.posted.items()}

    # --- reading ---

    async def _shift(self, unit: UnitOfWork) -> Shift:
        """Look who is at work, at the clock and at the hours."""
        now = self._clock.now()
        counsellors = len(await unit.shifts.since(now - queue.ALIVE))
        hours = chat_hours(self._renderer.registry)
        within = hours.is_open(now, self._is_holiday)
        opens = None if within else hours.next_open(now, self._is_holiday)
        return Shift(counsellors, opens.isoformat() if opens else "")

    async def _read(
        self, unit: UnitOfWork, ids: Sequence[ConversationId]
    ) -> tuple[Sequence[Case], Sequence[ConversationId]]:
        """Lock and read what is unanswered; and name what another transaction holds."""
        conversations = await unit.conversations.load(ids, lock=True)
        absent = [id_ for id_ in ids if id_ not in conversations]
        busy = await unit.conversations.load(absent) if absent else {}
        waiting = await unit.messages.unanswered(list(conversations))
        opened = await unit.handovers.open_for(list(waiting))
        held = await unit.messages.held(list(waiting))
        ahead = await self._ahead(unit, [(conversations[id_], opened.get(id_)) for id_ in waiting])
        cases = [
            Case(
                conversations[id_],
                arrivals,
                opened.get(id_),
                ahead.get(id_, 0),
                held.get(id_, 0),
                await self._meant(unit, id_, arrivals),
                quiet=self._paces.quiet(id_),
            )
            for id_, arrivals in waiting.items()
        ]
        return cases, list(busy)

    async def _ahead(
        self, unit: UnitOfWork, cases: Sequence[tuple[Conversation, Handover | None]]
    ) -> Mapping[ConversationId, int]:
        """Count who waits before each visitor for whom a screen may speak of it."""
        now = self._clock.now()
        asking = [
            handover or handovers.offer(conversation.id, Level.YELLOW, "", now)
            for conversation, handover in cases
            if handover or conversation.memory.screen.startswith(_HUMAN_SCREENS)
        ]
        counts = await unit.handovers.waiting_ahead(asking)
        return {one.conversation: count for one, count in zip(asking, counts, strict=True)}

    async def _meant(
        self, unit: UnitOfWork, conversation: ConversationId, arrivals: Sequence[Arrival]
    ) -> Reply | None:
        """Return the text that a visitor says is wrong; None where nothing of the kind came."""
        if not any(_reports(arrival) for arrival in arrivals):
            return None
        newest, least = arrivals[-1].id, reporting.RECENT
        rows = await unit.messages.replies_after(conversation, newest, least=least)
        return reporting.meant([r.body for r in rows if not isinstance(r.body, Deletion)])

    # --- writing ---

    async def _write(self, drafts: Sequence[Draft], shift: Shift) -> Answered:
        """Write drafts; on a full disk the wish to be forgotten has room in reserve."""
        try:
            return await self._write_unchanged(drafts, shift)
        except (ChangedError, StoreAwayError):
            raise  # no room would help
        except StoreUnavailableError:
            if not (any(draft.forgets for draft in drafts) and self._make_room()):
                raise
            return await self._write_unchanged(drafts, shift)

    async def _write_unchanged(self, drafts: Sequence[Draft], shift: Shift) -> Answered:
        """Write drafts whose conversation nobody changed meanwhile; the others are left out."""
        if not drafts:
            return NOTHING
        async with self._store.begin() as unit:
            ids = sorted(draft.conversation.id for draft in drafts)
            current = await unit.conversations.load(ids, lock=True)
            kept = [draft for draft in drafts if _unchanged(draft, current)]
            return await self._put(unit, kept, shift)

    async def _put(self, unit: UnitOfWork, drafts: Sequence[Draft], shift: Shift) -> Answered:
        """Write drafts whose conversations are locked."""
        await unit.conversations.save([draft.conversation for draft in drafts])
        await unit.messages.settle(
            [a for draft in drafts for a in draft.case.arrivals],
            wipe={id_ for draft in drafts for id_ in draft.wipe},
        )
        # In the order in which the deliverer locks rows: two hidings at once must not wait for it.
        in_order = sorted(drafts, key=lambda draft: draft.conversation.id)
        posted = {d.conversation.id: await self._effects(unit, d, shift) for d in in_order}
        await unit.messages.post([o for messages in posted.values() for o in messages])
        return Answered(drafts, posted)

    def _tell_staff(self, touched: AbstractSet[int], heard: AbstractSet[int]) -> None:
        """Tell open consoles which requests have changed; ids only.

        What was only written in a talk is news to those who may read it, not to every queue.
        """
        for number in touched | heard:
            self._publish(handover_topic(number))
        if touched:
            self._publish(QUEUE)

    async def _effects(self, unit: UnitOfWork, draft: Draft, shift: Shift) -> Sequence[Outgoing]:
        """Apply the effects of a draft in its transaction; return what is to be posted."""
        now = self._clock.now()
        conversation = draft.conversation
        effects = Effects(
            unit,
            conversation,
            draft.case.handover,
            sealer=self._sealer,
            ids=self._ids,
            now=now,
            staffed=shift.staffed,
            code=draft.code,
            item=self._renderer.item,
        )
        applied = await effects.apply(draft.effects)
        draft.touched, draft.heard = applied.touched, applied.heard
        bodies: list[Reply | Deletion] = [*draft.replies]
        if conversation.channel in PUSHED and (links := _deep_links(draft.case.arrivals)):
            bodies.append(Deletion(links))
        return [
            *applied.posts,
            *(outgoing(conversation, b, id_=self._ids.next(now), now=now) for b in bodies),
        ]

    async def _forget(self, conversation: Conversation) -> Sequence[Outgoing]:
        """Erase a visitor who asked for it, then say so from memory."""
        try:
            await self._eraser.forget({conversation.id})
        except StoreUnavailableError as error:
            log.error("forget_unfinished", error=error_class(error))
            raise
        if conversation.channel in PUSHED:
            return ()
        done = Reply("utter_forget_done", conversation.memory.locale or "en")
        now = self._clock.now()
        return [outgoing(conversation, done, id_=self._ids.next(now), now=now)]


def _deep_links(arrivals: Sequence[Arrival]) -> tuple[str, ...]:
    """Return the references of opening lines: they tell of the poster a visitor has seen (T6)."""
    opened = [a.incoming for a in arrivals if isinstance(a.incoming.event, Start)]
    return tuple(incoming.reference for incoming in opened if incoming.reference)


def _reports(arrival: Arrival) -> bool:
    event = arrival.incoming.event
    return isinstance(event, Tapped) and event.tap.to == reporting.REPORT


def _unchanged(draft: Draft, current: Mapping[ConversationId, Conversation]) -> bool:
    found = current.get(draft.conversation.id)
    return found is not None and found.version == draft.case.conversation.version


def chat_hours(registry: Registry) -> WeekHours:
    """Return the hours in which counsellors write."""
    hours = registry["chat_hours"].value
    if not isinstance(hours, WeekHours):
        raise TypeError("chat_hours must be opening hours")
    return hours
