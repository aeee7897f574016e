"""What staff see: the queue, and a conversation they hold. Reading is recorded before it is shown.

Nothing here says who a visitor is: a request has a number and a name such as "Chat K7" made of it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain import queue
from bot.domain.audit import AuditEvent, Happening
from bot.domain.conversation import Conversation
from bot.domain.errors import ConversationGoneError, NotYoursError, StoreUnavailableError
from bot.domain.handover import Handover, State
from bot.domain.messages import Channel, ConversationId, Line, MessageId, Reply, Text
from bot.domain.queue import Alarm
from bot.domain.screens import NO_VALUES, RETURN_CODE
from bot.domain.staff import StaffId
from bot.ports import Arrival, Clock, Delivery, Note, NoteKind, Outgoing, Shift, Store, UnitOfWork
from bot.services.hotline.draft import Draft
from bot.services.ids import MessageIds
from bot.services.reply import Renderer, said_by
from bot.services.shared_look import SharedLook

# A talk on the screen shows at most this many messages.
_THREAD = 200
_HELLO = "utter_canned_hello"
_LETTERS = "ABCDEFGHKLMNPRSTUVWXYZ"
# After such a gap the counsellor asks again whether it is safe to write (ux.md section 3, rule 18).
SAFE_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Card:
    """A request as the queue shows it: never a word of what was written.

    ``locale`` is what the visitor reads now: approved texts are sent in it. ``news`` counts what
    the visitor wrote since the counsellor's last line; 0 in talks of others.
    """

    handover: Handover
    name: str
    channel: Channel
    waited: timedelta
    alarm: Alarm
    locale: str
    late: bool = False
    news: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the queue page of one counsellor.

    ``languages`` are the locales of their last shift, None before the first.
    """

    now: datetime
    waiting: Sequence[Card]
    signals: Sequence[Card]
    kept: Sequence[Card]
    mine: Sequence[Card]
    offered: Sequence[Card]
    others: Sequence[Card]
    shifts: Sequence[Shift]
    load: int
    on_shift: bool
    languages: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a talk. ``author`` is visitor, program or staff; ``state`` is for the latter.

    ``screen`` and ``values`` are the approved text behind it, if any: it can be shown in another
    language beside it. ``original`` is what a counsellor typed where a machine's words were sent.
    """

    id: MessageId
    author: str
    at: datetime
    text: str = field(repr=False)
    locale: str = ""
    alias: str = ""
    state: Delivery = Delivery.SENT
    screen: str = ""
    original: str = field(default="", repr=False)
    values: Mapping[str, str] = field(default_factory=lambda: NO_VALUES, repr=False)


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as its counsellor sees it."""

    now: datetime
    card: Card
    said: Sequence[Said]
    notes: Sequence[Note]
    draft: Draft
    held: int
    asked_safe_at: datetime | None
    quiet_for: timedelta
    here: bool

    @property
    def should_ask_safe(self) -> bool:
        """Tell whether the counsellor should ask first whether it is safe to write."""
        asked = self.asked_safe_at
        if asked is None:
            return True
        since = [s.at for s in self.said if s.author != "program" and s.at >= asked]
        pairs = zip(since, [*since[1:], self.now], strict=True)
        return any(later - earlier > SAFE_FOR for earlier, later in pairs)

    @property
    def last(self) -> MessageId:
        """Return the id of the newest message, 0 if there is none."""
        return self.said[-1].id if self.said else MessageId(0)


def _readable(notes: Sequence[Note], handover: Handover) -> Sequence[Note]:
    """Return the notes a counsellor may read: as far back as the messages, and the hand-over's."""
    passed_on = [
        note.id
        for note in notes
        if note.kind is NoteKind.TRANSFER and note.at >= (handover.asked_at or note.at)
    ]
    return [n for n in notes if n.id > handover.readable_after or n.id in passed_on[-1:]]


def name_of(handover: Handover) -> str:
    """Return a short name for a request, made of its number and of nothing else."""
    number = handover.id or 0
    return f"{_LETTERS[(number // 9) % len(_LETTERS)]}{number % 9 + 1}"


@dataclass(frozen=True, slots=True)
class _Floor:
    """What every console shows alike: open requests in order, who they are of, who is there."""

    everything: Sequence[Handover]
    conversations: Mapping[ConversationId, Conversation]
    shifts: Sequence[Shift]


class Reader:
    """Reads for staff."""

    def __init__(self, *, store: Store, clock: Clock, renderer: Renderer, ids: MessageIds) -> None:
        self._store = store
        self._clock = clock
        self._renderer = renderer
        self._ids = ids
        self._looking: dict[int, asyncio.Future[Handover | None]] = {}
        self._floor = SharedLook(self._look_around)

    async def board(self, staff: StaffId) -> Board:
        """Return the queue as this person sees it.

        One change makes every open console ask at once: what is the same for all is read once.
        """
        floor = await self._floor.now()
        now, everything = self._clock.now(), floor.everything
        async with self._store.begin() as unit:
            languages = await unit.shifts.languages(staff)
            news = {h.id: await _news(unit, h) for h in everything if h.is_held_by(staff, now)}
        cards = [
            replace(card_of(h, floor.conversations[h.conversation], now), news=news.get(h.id, 0))
            for h in everything
            if h.conversation in floor.conversations
        ]
        return Board(
            now=now,
            waiting=[c for c in cards if waits(c.handover, now)],
            signals=[c for c in cards if c.handover.is_signal(now)],
            kept=[c for c in cards if c.handover.state is State.LEFT_MESSAGE],
            mine=[c for c in cards if c.handover.is_held_by(staff, now)],
            offered=[c for c in cards if _is_offered(c.handover, staff, now)],
            others=[c for c in cards if c.handover.is_held(now) and c.handover.owner != staff],
            shifts=floor.shifts,
            load=queue.load(everything, staff, now),
            on_shift=any(shift.staff == staff for shift in floor.shifts),
            languages=languages,
        )

    async def _look_around(self) -> _Floor:
        async with self._store.begin() as unit:
            everything = queue.in_order(await unit.handovers.every_open())
            conversations = await unit.conversations.load([h.conversation for h in everything])
            shifts = await unit.shifts.since(self._clock.now() - queue.ALIVE)
        return _Floor(everything, conversations, shifts)

    async def open(self, staff: StaffId, handover: int, *, supervisor: bool = False) -> Talk:
        """Open a conversation: the opening is recorded first, in the same transaction.

        NotYoursError unless this person holds it, or is a supervisor who was asked to read along.
        """
        now = self._clock.now()
        async with self._store.begin() as unit:
            found, conversation = await self._find(unit, staff, handover, supervisor=supervisor)
            subject = await unit.audit.alias_of(conversation.id)
            await unit.audit.record(Happening(staff, AuditEvent.CONVERSATION_OPENED, now, subject))
            if found.owner != staff:
                await unit.notes.add(self._read_along(conversation, staff, now))
        return await self.reread(staff, handover, supervisor=supervisor)

    async def reread(self, staff: StaffId, handover: int, *, supervisor: bool = False) -> Talk:
        """Read an opened conversation again, for what is new."""
        now = self._clock.now()
        async with self._store.begin() as unit:
            found, conversation = await self._find(unit, staff, handover, supervisor=supervisor)
            thread = await unit.messages.thread(conversation.id, found.readable_after, _THREAD)
            notes = await unit.notes.of(conversation.id)
            draft = Draft.read(await unit.notes.draft(conversation.id, staff))
            held = (await unit.messages.held([conversation.id])).get(conversation.id, 0)
        said = [one for message in thread if (one := self._said(message))]
        return Talk(
            now=now,
            card=card_of(found, conversation, now),
            said=said,
            notes=_readable(notes, found),
            draft=draft,
            held=held,
            asked_safe_at=_asked_safe_at(said, found),
            quiet_for=now - conversation.last_seen_at,
            here=found.present(conversation.last_seen_at, now),
        )

    async def may_read(self, staff: StaffId, handover: int, *, supervisor: bool = False) -> bool:
        """Tell whether open() would let this person in; nothing is read and nothing recorded.

        One change makes every open console ask at once: they share one look at the store.
        """
        found = await self._look(handover)
        now = self._clock.now()
        return found is not None and _may_read(found, staff, now, supervisor=supervisor)

    async def _look(self, handover: int) -> Handover | None:
        """Return what whoever looks already finds; with nobody looking, look.

        A look belongs to one of those who ask, never to a task of its own: that would go on when
        all of them have left and the store is closed. When the one who looks leaves, another does.
        """
        while other := self._looking.get(handover):
            await asyncio.wait([other])
            if not other.cancelled():
                return other.result()
        look = self._looking[handover] = asyncio.get_running_loop().create_future()
        try:
            async with self._store.begin() as unit:
                found = await unit.handovers.get(handover)
            look.set_result(found)
        except StoreUnavailableError as error:
            look.set_exception(error)
            look.exception()  # Read once: there may be nobody else to read it.
            raise
        finally:
            del self._looking[handover]
            look.cancel()
        return found

    async def _find(
        self, unit: UnitOfWork, staff: StaffId, handover: int, *, supervisor: bool
    ) -> tuple[Handover, Conversation]:
        found = await unit.handovers.get(handover)
        if found is None:
            raise ConversationGoneError("there is no such request (any more)")
        if not _may_read(found, staff, self._clock.now(), supervisor=supervisor):
            raise NotYoursError("this conversation is not yours (any more)")
        loaded = await unit.conversations.load([found.conversation])
        if found.conversation not in loaded:
            raise ConversationGoneError("the conversation was forgotten")
        return found, loaded[found.conversation]

    def _read_along(self, conversation: Conversation, staff: StaffId, now: datetime) -> Note:
        return Note(self._ids.next(now), conversation.id, staff, NoteKind.READ, now, "")

    def _said(self, message: Arrival | Outgoing) -> Said | None:
        """Return a message as staff see it; taps and deletions are none."""
        if isinstance(message, Arrival):
            event = message.incoming.event
            if not isinstance(event, Text):
                return None
            return Said(message.id, "visitor", message.at, event.text)
        if isinstance(message.body, Line):
            line = message.body
            return Said(
                message.id,
                "staff",
                message.at,
                line.text,
                line.locale,
                line.alias,
                message.state,
                original=line.original,
            )
        # Words to come back with are the visitor's alone.
        if not isinstance(message.body, Reply) or message.body.screen == RETURN_CODE:
            return None
        reply = message.body
        bubble = self._renderer.render(reply, message.channel)
        alias = said_by(reply)
        return Said(
            message.id,
            "staff" if alias else "program",
            message.at,
            bubble.text,
            reply.locale,
            alias,
            message.state,
            reply.screen,
            values=reply.values,
        )


def _may_read(handover: Handover, staff: StaffId, now: datetime, *, supervisor: bool) -> bool:
    asked = supervisor and handover.hand and handover.is_held(now)
    return asked or handover.is_held_by(staff, now)


def card_of(handover: Handover, conversation: Conversation, now: datetime) -> Card:
    """Return a request as the queue shows it."""
    # A clock that was set back makes nobody wait for less than no time.
    waited = max(timedelta(0), now - (handover.asked_at or handover.offered_at))
    return Card(
        handover,
        name_of(handover),
        conversation.channel,
        waited,
        queue.alarm(handover, now),
        conversation.memory.locale or "en",
        late=handover.level in queue.TARGETS and waited > queue.TARGETS[handover.level],
    )


async def _news(unit: UnitOfWork, handover: Handover) -> int:
    """Return how much a visitor wrote since a counsellor's last line."""
    count = 0
    thread = await unit.messages.thread(handover.conversation, handover.readable_after, _THREAD)
    for message in reversed(thread):
        if isinstance(message, Outgoing) and message.human:
            break
        count += isinstance(message, Arrival) and isinstance(message.incoming.event, Text)
    return count


def waits(handover: Handover, now: datetime) -> bool:
    """Tell whether somebody should take it now."""
    return handover.state is State.WAITING or handover.has_lapsed(now)


def _is_offered(handover: Handover, staff: StaffId, now: datetime) -> bool:
    transfer = handover.transfer
    return (
        transfer is not None
        and handover.owner != staff
        and handover.is_held(now)
        and now < transfer.until
        and transfer.to in (None, staff)
    )


def _asked_safe_at(said: Sequence[Said], handover: Handover) -> datetime | None:
    """Return when this counsellor last asked whether it is safe to write."""
    since = handover.claimed_at
    asked = [s.at for s in said if s.screen == _HELLO and (since is None or s.at >= since)]
    return asked[-1] if asked else None
