"""From unanswered messages to stored replies.

Taps are read, decided and written in one transaction. Texts are decided outside any, for that may
take as long as the NLU unit is given; what was read is then compared before it is written.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import metrics
from bot.domain import decoy, queue, self_check
from bot.domain import handover as handovers
from bot.domain import turn as turns
from bot.domain.conversation import Conversation
from bot.domain.errors import ChangedError, DialogueUnavailableError, StoreUnavailableError
from bot.domain.facts import Registry
from bot.domain.handover import Handover
from bot.domain.hours import IsHoliday, WeekHours
from bot.domain.messages import (
    Channel,
    ConversationId,
    Event,
    Media,
    MessageId,
    Reply,
    Start,
    Tapped,
    Text,
)
from bot.domain.pace import Pace
from bot.domain.return_code import AWAITED
from bot.domain.talking import is_command
from bot.domain.topics import QUEUE, handover_topic
from bot.domain.triage import CARE, DANGER, Assessment, Level, Lexicon, Understanding, assess
from bot.logs import error_class, logger
from bot.ports import Arrival, Clock, Deletion, Dialogue, Outgoing, Sealer, Store, UnitOfWork
from bot.services.batch import Batch
from bot.services.effects import PUSHED, Effects, outgoing
from bot.services.erase import Eraser
from bot.services.ids import MessageIds
from bot.services.news import Publish, quietly
from bot.services.reply import Renderer, fold
from bot.services.return_code import ReturnCodes

log = logger(__name__)

# What the NLU unit reads at most; triage reads the whole text.
NLU_CHARACTERS = 1000
# How often a batch is tried anew for conversations that changed under their answer.
_TRIES = 5
_PAUSE_SECONDS = 0.02
# What then waits for a conversation that another transaction holds: by itself, so that nobody else
# does, and about two seconds in all. After that it is left to the round that answers leftovers.
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)
# Beyond this many events at once only the last answer is shown, and answers to danger.
_ANSWERED_SINGLY = 2
# How many paces are remembered before those of calm conversations are dropped.
_PACES = 1000
_HUMAN_SCREENS = ("utter_human", "utter_queue", "utter_danger", "utter_minor", "utter_suicide")
# Where what is typed is a secret: it is neither kept nor taken for anything else.
_SECRET = frozenset({turns.CODE_WORD, turns.SAFE_WORD, turns.SAFE_WORD_AGAIN})
_ALARMS = frozenset({DANGER, CARE, "utter_minor_check"})


@dataclass(frozen=True, slots=True)
class _Case:
    """One conversation to answer, as it was read."""

    conversation: Conversation
    arrivals: Sequence[Arrival]
    handover: Handover | None
    ahead: int
    held: int

    @property
    def typed(self) -> bool:
        """Tell whether there is a text among what came."""
        return any(isinstance(arrival.incoming.event, Text) for arrival in self.arrivals)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Whether counsellors write at present, and when the hours begin next, "" inside of them.

    The same for a whole batch.
    """

    counsellors: int
    next_open: str

    @property
    def staffed(self) -> bool:
        """Tell whether somebody is on shift: hours alone answer nobody."""
        return self.counsellors > 0


@dataclass(slots=True)
class _Draft:
    """What was decided for a case, before it is written; each effect with the id it came of."""

    case: _Case
    conversation: Conversation
    replies: list[Reply] = field(default_factory=list)
    effects: list[tuple[MessageId, turns.Effect]] = field(default_factory=list)
    wipe: set[MessageId] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    heard: set[int] = field(default_factory=set)
    moved: Sequence[Outgoing] = ()


class Answers:
    """Answers conversations, many at a time, each in the order its messages came."""

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        dialogue: Dialogue,
        renderer: Renderer,
        lexicons: Sequence[Lexicon],
        eraser: Eraser,
        ids: MessageIds,
        is_holiday: IsHoliday,
        posted: Callable[[Channel], None] = lambda _channel: None,
        publish: Publish = quietly,
        codes: ReturnCodes | None = None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._dialogue = dialogue
        self._renderer = renderer
        self._lexicons = lexicons
        self._eraser = eraser
        self._is_holiday = is_holiday
        self._posted = posted
        self._publish = publish
        self._codes = codes
        self._ids = ids
        self._batch: Batch[ConversationId, Sequence[Outgoing] | None] = Batch(self._answer_all)
        self._paces: dict[ConversationId, Pace] = {}
        self._tidy_at = _PACES
        self._held: set[ConversationId] = set()

    async def __call__(
        self,
        conversation: ConversationId,
        *,
        urgent: bool = False,
        at_once: Callable[[], Awaitable[bool]] | None = None,
    ) -> Sequence[Outgoing]:
        """Answer what waits in a conversation and return what was posted.

        In a flood the answer waits while messages gather; calls that come meanwhile return at once.
        Where it would wait, ``at_once`` is asked whether it must not.
        """
        pace = self._paces.setdefault(conversation, Pace())
        now = self._clock.now()
        pace.hear(now)
        pause = pace.wait(now, urgent=urgent)
        if pause and not (at_once and await at_once()):
            if conversation in self._held:
                return ()
            self._held.add(conversation)
            try:
                await asyncio.sleep(pause / timedelta(seconds=1))
            finally:
                self._held.discard(conversation)
        pace.answer(self._clock.now(), urgent=urgent)
        self._rest(now)
        return await self._persist(conversation)

    async def _persist(self, conversation: ConversationId) -> Sequence[Outgoing]:
        """Answer, again and again while somebody else holds the conversation; ChangedError then."""
        for longer in (*_PAUSES_SECONDS, None):
            posted = await self._batch(conversation)
            if posted is not None:
                return posted
            if longer is not None:
                await asyncio.sleep(longer)
        raise ChangedError("the conversation kept changing under the answer")

    def _rest(self, now: datetime) -> None:
        """Forget the pace of conversations that have calmed down.

        Only when there are twice as many as were left last time, so that it stays cheap in a crowd.
        """
        if len(self._paces) > self._tidy_at:
            self._paces = {k: p for k, p in self._paces.items() if not p.resting(now)}
            self._tidy_at = max(_PACES, 2 * len(self._paces))

    # --- reading ---

    async def _answer_all(
        self, ids: Sequence[ConversationId]
    ) -> Sequence[Sequence[Outgoing] | None]:
        """Answer a batch; None for conversations that others kept changing or hold."""
        posted: dict[ConversationId, Sequence[Outgoing]] = {}
        left = list(dict.fromkeys(ids))
        for _ in range(_TRIES):
            left = await self._answer_once(left, posted)
            if not left:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        for channel in {o.channel for messages in posted.values() for o in messages}:
            self._posted(channel)
        return [None if id_ in left else posted.get(id_, ()) for id_ in ids]

    async def _answer_once(
        self, ids: Sequence[ConversationId], posted: dict[ConversationId, Sequence[Outgoing]]
    ) -> list[ConversationId]:
        """Answer once; return those that somebody else changed or holds at this moment."""
        typed, busy, desk = await self._answer_taps(ids, posted)
        drafts = await asyncio.gather(*(self._decide_surely(case, desk) for case in typed))
        posted |= {d.conversation.id: d.moved for d in drafts if d.moved}
        await self._write([d for d in drafts if not d.moved], desk, posted)
        return [*busy, *(id_ for d in drafts if (id_ := d.conversation.id) not in posted)]

    async def _answer_taps(
        self, ids: Sequence[ConversationId], posted: dict[ConversationId, Sequence[Outgoing]]
    ) -> tuple[Sequence[_Case], Sequence[ConversationId], _Desk]:
        """Answer, in the transaction that reads them, the cases in which nobody typed anything.

        Return the cases left, whose texts are read outside any transaction; the conversations that
        another transaction holds; and who is at work.
        """
        async with self._store.begin() as unit:
            desk = self._desk(len(await unit.shifts.since(self._clock.now() - queue.ALIVE)))
            cases, busy = await self._read(unit, ids)
            typed = [case for case in cases if case.typed]
            drafts = [await self._decide_surely(case, desk) for case in cases if not case.typed]
            answered = await self._put(unit, drafts, desk)
        posted |= await self._conclude(drafts, answered)
        return typed, busy, desk

    async def _read(
        self, unit: UnitOfWork, ids: Sequence[ConversationId]
    ) -> tuple[Sequence[_Case], Sequence[ConversationId]]:
        conversations = await unit.conversations.load(ids, lock=True)
        absent = [id_ for id_ in ids if id_ not in conversations]
        busy = await unit.conversations.load(absent) if absent else {}
        waiting = await unit.messages.unanswered(list(conversations))
        opened = await unit.handovers.open_for(list(waiting))
        held = await unit.messages.held(list(waiting))
        cases = [
            _Case(
                conversations[id_],
                arrivals,
                opened.get(id_),
                await self._ahead(unit, conversations[id_], opened.get(id_)),
                held.get(id_, 0),
            )
            for id_, arrivals in waiting.items()
        ]
        return cases, list(busy)

    async def _ahead(
        self, unit: UnitOfWork, conversation: Conversation, handover: Handover | None
    ) -> int:
        """Count who waits before this visitor, where a screen may speak of it."""
        if handover is None and not conversation.memory.screen.startswith(_HUMAN_SCREENS):
            return 0
        now = self._clock.now()
        mine = handover or handovers.offer(conversation.id, Level.YELLOW, "", now)
        return await unit.handovers.waiting_ahead(mine)

    # --- deciding ---

    async def _decide_surely(self, case: _Case, desk: _Desk) -> _Draft:
        """Decide a case; one that cannot be decided is answered with numbers, once."""
        try:
            return await self._decide(case, desk)
        except Exception as error:  # noqa: BLE001 -- poison would block this visitor for good
            log.error("turn_broken", error=error_class(error))
            locale = case.conversation.memory.locale or "en"
            wipe = {arrival.id for arrival in case.arrivals}
            return _Draft(case, case.conversation, [Reply("utter_error", locale)], wipe=wipe)

    async def _decide(self, case: _Case, desk: _Desk) -> _Draft:
        """Work through the events of a case in order; texts in a row are one text."""
        if (exchanged := await self._exchange(case)) is not None:
            return exchanged
        draft = _Draft(case, case.conversation)
        groups = _join(case.arrivals, lambda arrival: self._is_safe_word(case, arrival))
        for number, (arrived, members) in enumerate(groups):
            situation = self._situation(case, members[-1], desk)
            screen = _present(draft.conversation, situation.now)
            locale = draft.conversation.memory.locale or situation.hint or "en"
            event = arrived
            if not decoy.is_said(draft.conversation.memory, arrived, situation):
                event = self._typed_button(arrived, screen, locale, situation)
            understanding = await self._understand(event, draft.conversation, screen, situation)
            turn = turns.respond(draft.conversation, event, understanding, situation)
            if any(isinstance(effect, turns.Hide | turns.Forget) for effect in turn.effects):
                _take_back(draft)
            if draft.conversation.memory.screen == turns.RETURN_CODE:
                # The words go with the next answer, whatever it is.
                draft.effects.append((members[-1].id, turns.Redact(turns.RETURN_CODE)))
            draft.effects += [(members[-1].id, effect) for effect in turn.effects]
            if len(groups) > _ANSWERED_SINGLY and number < len(groups) - 1:
                draft.replies += [r for r in turn.replies if r.screen in _ALARMS]
            else:
                draft.replies += turn.replies
            # Typed or tapped: an answer to a question of the self-check is never kept.
            secret = screen in _SECRET or self_check.is_question(screen) or turn.memory.decoy
            # What a counsellor is to read is no answer to a question of the program.
            told = any(isinstance(effect, turns.Heard) for effect in turn.effects)
            if (secret and not told) or not isinstance(arrived, Text):
                draft.wipe |= {arrival.id for arrival in members}
            draft.conversation = replace(
                draft.conversation, memory=turn.memory, last_seen_at=members[-1].at
            )
        return draft

    async def _exchange(self, case: _Case) -> _Draft | None:
        """Take a text for a return code where it is one and means nothing else; None elsewhere."""
        conversation, event = case.conversation, case.arrivals[-1].incoming.event
        memory, texts = conversation.memory, [a for a in case.arrivals if _is_text(a)]
        if self._codes is None or not isinstance(event, Text) or len(texts) > 1:
            return None
        asked = memory.screen == turns.RETURN_CODE_ASK
        awaited = case.handover is not None and case.handover.state in AWAITED
        if memory.decoy or memory.screen in _SECRET or (awaited and not asked):
            return None
        code = self._codes.read(event.text)
        if not code:
            return None
        came = case.arrivals[-1]
        reference = came.incoming.reference
        posts = await self._codes.exchange(conversation, code, [reference] if reference else [])
        if posts is not None:
            return _Draft(case, conversation, moved=posts)
        locale = memory.locale or came.incoming.hint or "en"
        memory = replace(memory, locale=locale, screen=turns.RETURN_CODE_WRONG)
        conversation = replace(conversation, memory=memory, last_seen_at=came.at)
        reply = Reply(turns.RETURN_CODE_WRONG, locale)
        return _Draft(case, conversation, [reply], wipe={a.id for a in case.arrivals})

    def _is_safe_word(self, case: _Case, arrival: Arrival) -> bool:
        """Tell whether a text is the visitor's safe word, which must be heard among all others."""
        event, chosen = arrival.incoming.event, case.conversation.memory.safe_word
        if not chosen or not isinstance(event, Text):
            return False
        return self._sealer.hash_word(case.conversation.id, event.text) == chosen

    def _desk(self, counsellors: int) -> _Desk:
        """Look at the clock and the hours."""
        hours, now = chat_hours(self._renderer.registry), self._clock.now()
        within = hours.is_open(now, self._is_holiday)
        opens = None if within else hours.next_open(now, self._is_holiday)
        return _Desk(counsellors, opens.isoformat() if opens else "")

    def _situation(self, case: _Case, arrival: Arrival, desk: _Desk) -> turns.Situation:
        renderer = self._renderer
        low, high = queue.estimate(case.ahead, desk.counsellors)
        id_ = case.conversation.id
        return turns.Situation(
            deck=renderer.deck,
            now=self._clock.now(),
            locales=renderer.texts.locales,
            drafts=renderer.texts.drafts,
            handover=case.handover,
            staffed=desk.staffed,
            wait=f"{low}-{high}",
            next_open=desk.next_open,
            hint=arrival.incoming.hint,
            on=arrival.incoming.on,
            held=case.held,
            return_codes=self._codes is not None,
            hash_word=lambda word: self._sealer.hash_word(id_, word),
        )

    def _typed_button(
        self, event: Event, screen: str, locale: str, situation: turns.Situation
    ) -> Event:
        """Take a typed label for the button it names; works with the NLU unit off.

        In a talk words are meant for the counsellor, and where a code word was asked for they are
        that word; the visitor's commands are obeyed all the same. No label can be a safe word.
        """
        if not isinstance(event, Text):
            return event
        tap = self._renderer.taps(screen, locale).get(fold(event.text))
        if tap is None:
            return event
        if situation.talks():
            return Tapped(tap) if is_command(tap) else event
        if screen == turns.CODE_WORD:
            own = {button.tap.to for button in situation.deck[screen].buttons}
            return Tapped(tap) if is_command(tap) or tap.to in own else event
        return Tapped(tap)

    async def _understand(
        self, event: Event, conversation: Conversation, screen: str, situation: turns.Situation
    ) -> Understanding | None:
        """Read a text: danger words first, the NLU unit only where they leave it open."""
        if not isinstance(event, Text):
            return None
        locale = conversation.memory.locale or situation.hint or "en"
        words = _spoken(assess(event.text, self._lexicons), locale)
        pace = self._paces.get(conversation.id)
        unasked = screen in _SECRET or situation.talks() or bool(conversation.memory.decoy)
        if unasked or (pace and pace.quiet) or _settled(words.assessment):
            return words
        return await self._ask(event.text, screen, words)

    async def _ask(self, text: str, screen: str, words: Understanding) -> Understanding:
        """Ask the NLU unit what a text means; without an answer the words stand alone."""
        try:
            meaning = await self._dialogue.interpret(text[:NLU_CHARACTERS], screen)
        except DialogueUnavailableError:
            metrics.asked(metrics.Asked.LATE if self._dialogue.ready else metrics.Asked.OFF)
            return words
        metrics.asked(metrics.Asked.OK)
        return Understanding(
            words.assessment,
            meaning.intent,
            meaning.ranking,
            meaning.outcomes,
            meaning.locale,
            meaning.locale_confidence,
            meaning.danger,
            meaning.self_harm,
        )

    # --- writing ---

    async def _write(
        self,
        drafts: Sequence[_Draft],
        desk: _Desk,
        posted: dict[ConversationId, Sequence[Outgoing]],
    ) -> None:
        """Write drafts whose conversation nobody changed meanwhile; the others are left out."""
        if not drafts:
            return
        async with self._store.begin() as unit:
            ids = sorted(draft.conversation.id for draft in drafts)
            current = await unit.conversations.load(ids, lock=True)
            kept = [draft for draft in drafts if _unchanged(draft, current)]
            answered = await self._put(unit, kept, desk)
        posted |= await self._conclude(kept, answered)

    async def _put(
        self, unit: UnitOfWork, drafts: Sequence[_Draft], desk: _Desk
    ) -> dict[ConversationId, Sequence[Outgoing]]:
        """Write drafts whose conversations are locked; return what was posted in each."""
        await unit.conversations.save([draft.conversation for draft in drafts])
        await unit.messages.settle(
            [a for draft in drafts for a in draft.case.arrivals],
            wipe={id_ for draft in drafts for id_ in draft.wipe},
        )
        posted = {d.conversation.id: await self._effects(unit, d, desk) for d in drafts}
        await unit.messages.post([o for messages in posted.values() for o in messages])
        return posted

    async def _conclude(
        self, drafts: Sequence[_Draft], posted: dict[ConversationId, Sequence[Outgoing]]
    ) -> dict[ConversationId, Sequence[Outgoing]]:
        """Do what follows the commit: tell staff, measure, and forget those who asked for it."""
        now = self._clock.now()
        self._tell_staff(
            {number for draft in drafts for number in draft.touched},
            {number for draft in drafts for number in draft.heard},
        )
        for draft in drafts:
            metrics.answered(draft.conversation.channel, now - draft.case.arrivals[0].at)
        for draft in drafts:
            if any(effect == turns.Forget() for _, effect in draft.effects):
                posted[draft.conversation.id] = await self._forget(draft.conversation)
        return posted

    def _tell_staff(self, touched: AbstractSet[int], heard: AbstractSet[int]) -> None:
        """Tell open consoles which requests have changed; ids only.

        What was only written in a talk is news to those who may read it, not to every queue.
        """
        for number in touched | heard:
            self._publish(handover_topic(number))
        if touched:
            self._publish(QUEUE)

    async def _effects(self, unit: UnitOfWork, draft: _Draft, desk: _Desk) -> Sequence[Outgoing]:
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
            staffed=desk.staffed,
            issue=self._codes.issue if self._codes else None,
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


def _present(conversation: Conversation, now: datetime) -> str:
    """Return the screen that typed words may mean; after a pause none, for nobody sees it."""
    return "" if conversation.paused(now) else conversation.memory.screen


def _settled(assessment: Assessment) -> bool:
    """Tell whether the words alone decide the answer: the meaning can make them no more urgent."""
    near_danger = assessment.danger_words or assessment.self_harm_words
    return assessment.level is Level.RED or (assessment.screen is not None and not near_danger)


def _spoken(assessment: Assessment, locale: str) -> Understanding:
    """Return words of danger with the locale they are written in, if the present one lacks them.

    Single words belong to several languages: they tell the locale only where one alone has them.
    """
    told = assessment.locales
    if not told or locale in told or (assessment.screen is None and len(told) > 1):
        return Understanding(assessment)
    return Understanding(assessment, locale=min(told), locale_confidence=1.0)


def _deep_links(arrivals: Sequence[Arrival]) -> tuple[str, ...]:
    """Return the references of opening lines: they tell of the poster a visitor has seen (T6)."""
    opened = [a.incoming for a in arrivals if isinstance(a.incoming.event, Start)]
    return tuple(incoming.reference for incoming in opened if incoming.reference)


def _unchanged(draft: _Draft, current: Mapping[ConversationId, Conversation]) -> bool:
    found = current.get(draft.conversation.id)
    return found is not None and found.version == draft.case.conversation.version


def _take_back(draft: _Draft) -> None:
    """Leave nothing of before to be shown after a hiding; what was to be released stays held."""
    draft.replies.clear()
    draft.effects = [one for one in draft.effects if not isinstance(one[1], turns.Release)]


def _join(
    arrivals: Sequence[Arrival], alone: Callable[[Arrival], bool]
) -> list[tuple[Event, list[Arrival]]]:
    """Join texts in a row, and the pictures of an album; other events stand alone."""
    groups: list[list[Arrival]] = []
    apart = False
    for arrival in arrivals:
        kind = type(arrival.incoming.event)
        before = type(groups[-1][-1].incoming.event) if groups else None
        was_apart, apart = apart, alone(arrival)
        if kind is before and kind in (Text, Media) and not (apart or was_apart):
            groups[-1].append(arrival)
        else:
            groups.append([arrival])
    return [(_joined([one.incoming.event for one in group]), group) for group in groups]


def _is_text(arrival: Arrival) -> bool:
    return isinstance(arrival.incoming.event, Text)


def _joined(events: Sequence[Event]) -> Event:
    texts = [event.text for event in events if isinstance(event, Text)]
    return Text("\n".join(texts)) if texts else events[0]


def chat_hours(registry: Registry) -> WeekHours:
    """Return the hours in which counsellors write."""
    hours = registry["chat_hours"].value
    if not isinstance(hours, WeekHours):
        raise TypeError("chat_hours must be opening hours")
    return hours
