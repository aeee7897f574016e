"""What a supervisor sees of the whole hotline: who waits, who works, who opened what.

Not a word that was written is in it, and nothing that says who wrote it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain import queue
from bot.domain.audit import AuditEvent, Entry
from bot.domain.handover import Handover, State
from bot.domain.queue import Alarm
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from bot.ports import Clock, Shift, Store
from bot.services.hotline.views import Card, card_of, waits

# How far back "who opened what" reaches, and how much of it is shown.
_RECENT = timedelta(hours=24)
_OPENINGS = 30
# Of this many entries of the trail the openings are picked; the trail holds far more than those.
_LOOKED_THROUGH = 500
_ALWAYS = (Level.RED, Level.ORANGE, Level.YELLOW)
_OPENING = frozenset(
    {
        AuditEvent.CONVERSATION_OPENED,
        AuditEvent.CONVERSATION_TAKEN,
        AuditEvent.CONVERSATION_TAKEN_OVER,
        AuditEvent.CONVERSATION_TRANSFERRED,
        AuditEvent.WHISPERED,
    }
)


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Somebody who waits, and how loud it gets next and in how long; None at the top."""

    card: Card
    next_alarm: tuple[Alarm, timedelta] | None


@dataclass(frozen=True, slots=True)
class Line:
    """Those who wait on one level, longest first."""

    level: Level
    waiting: Sequence[Unclaimed]

    @property
    def oldest(self) -> timedelta:
        """Return the longest wait, zero when nobody waits."""
        return max((one.card.waited for one in self.waiting), default=timedelta(0))

    @property
    def late(self) -> bool:
        """Tell whether somebody waits for longer than the target of this level."""
        return any(one.card.late for one in self.waiting)


@dataclass(frozen=True, slots=True)
class AtWork:
    """A counsellor on shift; ``load`` counts danger twice and ``talks`` does not."""

    shift: Shift
    alias: str
    load: int
    talks: int


@dataclass(frozen=True, slots=True)
class Underway:
    """A talk that a counsellor holds; ``talked`` is since they took it."""

    card: Card
    alias: str
    talked: timedelta
    answered: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The supervisor's board."""

    now: datetime
    lines: Sequence[Line]
    signals: Sequence[Card]
    kept: Sequence[Card]
    at_work: Sequence[AtWork]
    underway: Sequence[Underway]
    openings: Sequence[Entry]
    names: Mapping[str, str]

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return sum(len(line.waiting) for line in self.lines)


async def oversee(store: Store, clock: Clock) -> Overview:
    """Return the board as it is now."""
    now = clock.now()
    async with store.begin() as unit:
        everything = queue.in_order(await unit.handovers.every_open())
        conversations = await unit.conversations.load([h.conversation for h in everything])
        shifts = await unit.shifts.since(now - queue.ALIVE)
        names: dict[str, str] = {a.staff.id: a.staff.alias for a in await unit.staff.all()}
        # What happened at this very moment belongs to it.
        until = now + timedelta(seconds=1)
        trail = await unit.audit.between(now - _RECENT, until, newest=_LOOKED_THROUGH)
    cards = [
        card_of(handover, conversations[handover.conversation], now)
        for handover in everything
        if handover.conversation in conversations
    ]
    held = [card for card in cards if card.handover.is_held(now)]
    return Overview(
        now=now,
        lines=_lines([card for card in cards if waits(card.handover, now)], now),
        signals=[card for card in cards if card.handover.is_signal(now)],
        kept=[card for card in cards if card.handover.state is State.LEFT_MESSAGE],
        at_work=[_at_work(shift, names, everything, now) for shift in shifts],
        # Raised hands first; the order by level and age stays within.
        underway=sorted(
            (_underway(card, names, now) for card in held), key=lambda one: not _hand(one)
        ),
        openings=[entry for entry in trail if entry.happening.event in _OPENING][:_OPENINGS],
        names=names,
    )


def _lines(waiting: Sequence[Card], now: datetime) -> Sequence[Line]:
    levels = {*_ALWAYS, *(card.handover.level for card in waiting)}
    return [
        Line(
            level,
            [
                Unclaimed(card, queue.next_alarm(card.handover, now))
                for card in waiting
                if card.handover.level == level
            ],
        )
        for level in sorted(levels, reverse=True)
    ]


def _at_work(
    shift: Shift, names: Mapping[str, str], everything: Collection[Handover], now: datetime
) -> AtWork:
    talks = sum(handover.is_held_by(shift.staff, now) for handover in everything)
    return AtWork(
        shift, _alias(names, shift.staff), queue.load(everything, shift.staff, now), talks
    )


def _underway(card: Card, names: Mapping[str, str], now: datetime) -> Underway:
    handover = card.handover
    return Underway(
        card,
        _alias(names, handover.owner or StaffId("")),
        now - (handover.claimed_at or now),
        answered=handover.answered_at is not None,
    )


def _hand(one: Underway) -> bool:
    return one.card.handover.hand


def _alias(names: Mapping[str, str], staff: StaffId) -> str:
    return names.get(staff, staff)
