"""From one conversation and what came in it to what is said and done: nothing is stored here.

Danger words first, then the label of a button, then the NLU unit, then the turn of the domain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot import metrics
from bot.domain import decoy, queue, self_check
from bot.domain import turn as turns
from bot.domain.conversation import Conversation
from bot.domain.errors import ChangedError, DialogueUnavailableError
from bot.domain.handover import Handover
from bot.domain.messages import Event, Media, MessageId, Reply, Start, Tapped, Text
from bot.domain.return_code import AWAITED, NewCode
from bot.domain.talking import is_command
from bot.domain.triage import (
    CARE,
    DANGER,
    Assessment,
    Level,
    Lexicon,
    Understanding,
    assess,
)
from bot.logs import error_class, logger
from bot.ports import Arrival, Clock, Dialogue, Outgoing, Sealer
from bot.services.reply import Renderer, fold
from bot.services.return_code import ReturnCodes

log = logger(__name__)

# What the NLU unit reads at most; triage reads the whole text.
NLU_CHARACTERS = 1000
# Beyond this many events at once only the last answer is shown, and answers to danger.
_ANSWERED_SINGLY = 2
# Where what is typed is a secret: it is neither kept nor taken for anything else.
_SECRET = frozenset({turns.CODE_WORD, turns.SAFE_WORD, turns.SAFE_WORD_AGAIN})
_ALARMS = frozenset({DANGER, CARE, "utter_minor_check"})


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation to answer, as it was read.

    ``ahead`` visitors wait before it, ``held`` lines wait to be looked for; ``meant`` is the text
    that is reported as wrong, if one is; ``quiet`` when it floods, so that its texts are not sent
    to the NLU unit.
    """

    conversation: Conversation
    arrivals: Sequence[Arrival]
    handover: Handover | None
    ahead: int
    held: int
    meant: Reply | None = None
    quiet: bool = False

    @property
    def typed(self) -> bool:
        """Tell whether there is a text among what came."""
        return any(_is_text(arrival) for arrival in self.arrivals)


@dataclass(frozen=True, slots=True)
class Shift:
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
class Draft:
    """What was decided for a case, before it is written; each effect with the id it came of."""

    case: Case
    conversation: Conversation
    replies: list[Reply] = field(default_factory=list)
    effects: list[tuple[MessageId, turns.Effect]] = field(default_factory=list)
    wipe: set[MessageId] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    heard: set[int] = field(default_factory=set)
    moved: Sequence[Outgoing] = ()
    code: NewCode | None = field(default=None, repr=False)

    @property
    def forgets(self) -> bool:
        """Tell whether the visitor asked for everything to be erased."""
        return any(isinstance(effect, turns.Forget) for _, effect in self.effects)

    @property
    def takes_time(self) -> bool:
        """Tell whether writing it takes long: erasing does, and stretching a return code."""
        return self.forgets or self.wants_code

    @property
    def wants_code(self) -> bool:
        """Tell whether the visitor asked for a return code."""
        return any(isinstance(effect, turns.IssueCode) for _, effect in self.effects)

    def add(self, group: "_Group", turn: turns.Turn, screen: str, *, briefly: bool) -> None:
        """Take in what one event calls for; ``briefly`` leaves out all but answers to danger."""
        if any(isinstance(effect, turns.Hide | turns.Forget) for effect in turn.effects):
            # Nothing of before is shown after a hiding; what was to be released stays held.
            self.replies.clear()
            self.effects = [one for one in self.effects if not isinstance(one[1], turns.Release)]
        if self.conversation.memory.screen == turns.RETURN_CODE:
            # The words go with the next answer, whatever it is.
            self.effects.append((group.last.id, turns.Redact(turns.RETURN_CODE)))
        self.effects += [(group.last.id, effect) for effect in turn.effects]
        self.replies += [r for r in turn.replies if not briefly or r.screen in _ALARMS]
        if _is_wiped(group.event, turn, screen):
            self.wipe |= {arrival.id for arrival in group.arrivals}
        self.conversation = replace(
            self.conversation, memory=turn.memory, last_seen_at=group.last.at
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """Messages that are one event: texts in a row, the pictures of an album."""

    event: Event
    arrivals: Sequence[Arrival]

    @property
    def last(self) -> Arrival:
        return self.arrivals[-1]


class Decider:
    """Decides cases."""

    def __init__(
        self,
        *,
        sealer: Sealer,
        clock: Clock,
        dialogue: Dialogue,
        renderer: Renderer,
        lexicons: Sequence[Lexicon],
        codes: ReturnCodes | None,
    ) -> None:
        """Take what a turn needs."""
        self._sealer = sealer
        self._clock = clock
        self._dialogue = dialogue
        self._renderer = renderer
        self._lexicons = lexicons
        self._codes = codes

    async def __call__(self, case: Case, shift: Shift) -> Draft:
        """Decide a case; one that cannot be decided is answered with numbers, once.

        ChangedError where a code was typed and the case is to be read and decided anew.
        """
        try:
            return await self._exchange(case) or await self._decide(case, shift)
        except ChangedError:
            raise
        except Exception as error:  # noqa: BLE001 -- poison would block this visitor for good
            log.error("turn_broken", error=error_class(error))
            locale = case.conversation.memory.locale or "en"
            wipe = {arrival.id for arrival in case.arrivals}
            return Draft(case, case.conversation, [Reply("utter_error", locale)], wipe=wipe)

    async def _decide(self, case: Case, shift: Shift) -> Draft:
        """Work through the events of a case in order; texts in a row are one text."""
        draft = Draft(case, case.conversation)
        groups = _join(case.arrivals, lambda arrival: self._is_safe_word(case, arrival))
        for number, group in enumerate(groups, 1):
            situation = self._situation(case, group.last, shift)
            screen = _present(draft.conversation, situation.now)
            event = self._meant(group.event, draft.conversation, screen, situation)
            read = await self._understand(event, draft, screen, situation)
            turn = turns.respond(draft.conversation, event, read, situation)
            draft.add(group, turn, screen, briefly=number < len(groups) > _ANSWERED_SINGLY)
        return draft

    async def _exchange(self, case: Case) -> Draft | None:
        """Take a text for a return code where it is one and means nothing else; None elsewhere."""
        conversation, came = case.conversation, case.arrivals[-1]
        code = self._typed_code(case)
        if self._codes is None or not code:
            return None
        posts = await self._codes.exchange(conversation, code, case.arrivals)
        if posts is not None:
            return Draft(case, conversation, moved=posts)
        locale = conversation.memory.locale or came.incoming.hint or "en"
        memory = replace(conversation.memory, locale=locale, screen=turns.RETURN_CODE_WRONG)
        conversation = replace(conversation, memory=memory, last_seen_at=came.at)
        reply = Reply(turns.RETURN_CODE_WRONG, locale)
        return Draft(case, conversation, [reply], wipe={a.id for a in case.arrivals})

    def _typed_code(self, case: Case) -> str:
        """Return the words of a code where one may be typed; "" elsewhere."""
        memory, event = case.conversation.memory, case.arrivals[-1].incoming.event
        # What else came would be erased unanswered with the conversation.
        alone = all(isinstance(a.incoming.event, Start) for a in case.arrivals[:-1])
        if self._codes is None or not isinstance(event, Text) or not alone:
            return ""
        asked = memory.screen == turns.RETURN_CODE_ASK
        awaited = case.handover is not None and case.handover.state in AWAITED
        if memory.decoy or memory.screen in _SECRET or (awaited and not asked):
            return ""
        return self._codes.read(event.text)

    def _is_safe_word(self, case: Case, arrival: Arrival) -> bool:
        """Tell whether a text is the visitor's safe word, which must be heard among all others."""
        event, chosen = arrival.incoming.event, case.conversation.memory.safe_word
        if not chosen or not isinstance(event, Text):
            return False
        return self._sealer.hash_word(case.conversation.id, event.text) == chosen

    def _situation(self, case: Case, arrival: Arrival, shift: Shift) -> turns.Situation:
        renderer = self._renderer
        low, high = queue.estimate(case.ahead, shift.counsellors)
        id_ = case.conversation.id
        return turns.Situation(
            deck=renderer.deck,
            now=self._clock.now(),
            locales=renderer.texts.locales,
            drafts=renderer.texts.drafts,
            handover=case.handover,
            staffed=shift.staffed,
            wait=f"{low}-{high}",
            next_open=shift.next_open,
            hint=arrival.incoming.hint,
            on=arrival.incoming.on,
            held=case.held,
            meant=case.meant,
            return_codes=self._codes is not None,
            hash_word=lambda word: self._sealer.hash_word(id_, word),
        )

    def _meant(
        self, event: Event, conversation: Conversation, screen: str, situation: turns.Situation
    ) -> Event:
        """Take a typed label for the button it names; works with the NLU unit off.

        In a talk words are meant for the counsellor, and where a code word was asked for they are
        that word; the visitor's commands are obeyed all the same. No label can be a safe word.
        """
        if decoy.is_said(conversation.memory, event, situation) or not isinstance(event, Text):
            return event
        tap = self._renderer.taps(screen, _locale(conversation, situation)).get(fold(event.text))
        if tap is None:
            return event
        if situation.talks():
            return Tapped(tap) if is_command(tap) else event
        if screen == turns.CODE_WORD:
            own = {button.tap.to for button in situation.deck[screen].buttons}
            return Tapped(tap) if is_command(tap) or tap.to in own else event
        return Tapped(tap)

    async def _understand(
        self, event: Event, draft: Draft, screen: str, situation: turns.Situation
    ) -> Understanding | None:
        """Read a text: danger words first, the NLU unit only where they leave it open."""
        if not isinstance(event, Text):
            return None
        conversation = draft.conversation
        words = _spoken(assess(event.text, self._lexicons), _locale(conversation, situation))
        unasked = screen in _SECRET or situation.talks() or bool(conversation.memory.decoy)
        if unasked or draft.case.quiet or _settled(words.assessment):
            return words
        locale = conversation.memory.locale or situation.hint
        return await self._ask(event.text, screen, locale, words)

    async def _ask(
        self, text: str, screen: str, locale: str, words: Understanding
    ) -> Understanding:
        """Ask the NLU unit what a text means; without an answer the words stand alone."""
        try:
            meaning = await self._dialogue.interpret(text[:NLU_CHARACTERS], screen, locale)
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
            danger_words=meaning.danger_words,
        )


def _locale(conversation: Conversation, situation: turns.Situation) -> str:
    return conversation.memory.locale or situation.hint or "en"


def _present(conversation: Conversation, now: datetime) -> str:
    """Return the screen that typed words may mean; after a pause none, for nobody sees it."""
    return "" if conversation.paused(now) else conversation.memory.screen


def _settled(assessment: Assessment) -> bool:
    """Tell whether the words alone decide the answer: the meaning can make them no more urgent."""
    return assessment.level is Level.RED


def _spoken(assessment: Assessment, locale: str) -> Understanding:
    """Return words of danger with the locale they are written in, if the present one lacks them.

    Only phrases tell a language. Single words belong to several, or look like a word of another.
    """
    told = assessment.locales
    phrase = assessment.screen is not None or assessment.unread is Level.RED
    if not told or locale in told or not phrase:
        return Understanding(assessment)
    return Understanding(assessment, locale=min(told), locale_confidence=1.0)


def _is_wiped(event: Event, turn: turns.Turn, screen: str) -> bool:
    """Tell whether what came is not kept: it is no text, or a secret that no counsellor reads.

    Typed or tapped: an answer to a question of the self-check is never kept.
    """
    secret = screen in _SECRET or self_check.is_question(screen) or turn.memory.decoy
    # What a counsellor is to read is no answer to a question of the program.
    told = any(isinstance(effect, turns.Heard) for effect in turn.effects)
    return not isinstance(event, Text) or bool(secret and not told)


def _join(arrivals: Sequence[Arrival], alone: Callable[[Arrival], bool]) -> list[_Group]:
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
    return [_Group(_joined([one.incoming.event for one in group]), group) for group in groups]


def _is_text(arrival: Arrival) -> bool:
    return isinstance(arrival.incoming.event, Text)


def _joined(events: Sequence[Event]) -> Event:
    texts = [event.text for event in events if isinstance(event, Text)]
    return Text("\n".join(texts)) if texts else events[0]
