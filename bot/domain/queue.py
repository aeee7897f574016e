"""Who is next, how long it may take, and what happens when nobody comes. Pure.

Levels, targets and the ladder: ux.md 2.1.
"""

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.handover import Handover, State
from bot.domain.staff import StaffId
from bot.domain.triage import Level

# Open conversations a counsellor may hold; one in danger counts as two. One more is taken only by
# choosing it, never by "take next".
CAP = 2
# Nobody counts as on shift whose console gave no sign of life for so long.
ALIVE = timedelta(minutes=2)
_WEIGHT = {Level.RED: 2}


class Alarm(enum.IntEnum):
    """How loudly staff are told that somebody waits; higher is louder."""

    NEW = 0
    AGAIN = 1
    SUPERVISOR = 2


# After how long of waiting an alarm grows: a second sound for all, then the supervisor.
_LADDER = {
    Level.RED: ((timedelta(seconds=60), Alarm.AGAIN), (timedelta(minutes=2), Alarm.SUPERVISOR)),
    Level.ORANGE: ((timedelta(minutes=10), Alarm.SUPERVISOR),),
    Level.YELLOW: ((timedelta(minutes=60), Alarm.SUPERVISOR),),
}
# After how long the visitor is told honestly that nobody has come yet.
_HONEST = {
    Level.RED: timedelta(minutes=5),
    Level.ORANGE: timedelta(minutes=10),
    Level.YELLOW: timedelta(minutes=60),
}
# Within which time a first line should stand (ux.md 2.1, human target).
TARGETS = {
    Level.RED: timedelta(minutes=3),
    Level.ORANGE: timedelta(minutes=15),
    Level.YELLOW: timedelta(minutes=60),
}


def place(handover: Handover) -> tuple[int, datetime]:
    """Return what decides who comes first, least first: a higher level, then an older request."""
    return -handover.level, handover.asked_at or handover.offered_at


def in_order(handovers: Iterable[Handover]) -> Sequence[Handover]:
    """Return handovers by level, then by age."""
    return sorted(handovers, key=lambda h: (-int(h.level), h.asked_at or h.offered_at))


def next_for(
    handovers: Iterable[Handover], languages: frozenset[str], now: datetime
) -> Handover | None:
    """Return whom to take next: the highest level, and within it one whose language one writes.

    Languages are a hint and no wall: danger in another language still comes first.
    """
    waiting = [h for h in in_order(handovers) if h.state is State.WAITING or h.has_lapsed(now)]
    if not waiting:
        return None
    highest = [h for h in waiting if h.level == waiting[0].level]
    return next((h for h in highest if h.locale in languages), highest[0])


def load(handovers: Iterable[Handover], staff: StaffId, now: datetime) -> int:
    """Return how much a counsellor holds: one for each conversation, two for one in danger."""
    return sum(_WEIGHT.get(h.level, 1) for h in handovers if h.is_held_by(staff, now))


def is_full(handovers: Iterable[Handover], staff: StaffId, now: datetime) -> bool:
    """Tell whether "take next" should wait."""
    return load(handovers, staff, now) >= CAP


def alarm(handover: Handover, now: datetime) -> Alarm:
    """Return how loud it is by now for somebody who waits."""
    waited = now - (handover.asked_at or handover.offered_at)
    steps = _LADDER.get(handover.level, ())
    return max((step for after, step in steps if waited >= after), default=Alarm.NEW)


def next_alarm(handover: Handover, now: datetime) -> tuple[Alarm, timedelta] | None:
    """Return how loud it gets next for somebody who waits, and in how long; None at the top."""
    waited = now - (handover.asked_at or handover.offered_at)
    steps = _LADDER.get(handover.level, ())
    return next(((step, after - waited) for after, step in steps if waited < after), None)


def honest_after(level: Level) -> timedelta:
    """Return how long somebody waits before they are told that nobody is free yet."""
    return _HONEST.get(level, _HONEST[Level.YELLOW])


def estimate(ahead: int, counsellors: int = 1) -> tuple[int, int]:
    """Return a rounded waiting time in minutes, low and high, never a single exact number.

    A talk takes 45 to 60 minutes and a counsellor holds two (ux.md section 0, chat studies), but a
    first line takes far less: ten to twenty minutes for each visitor ahead of one counsellor.
    """
    turn = ahead // max(1, counsellors) + 1
    return 10 * turn, 20 * turn
