"""Which facts somebody should look at today: 30 and 7 days before review (ux.md bar 22).

Facts that people act on are named every day once their review date has passed (design.md 7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.domain.facts import Registry


@dataclass(frozen=True, slots=True)
class Reminder:
    """A fact to look at; ``days`` are those left until its review date, below 0 when it is over."""

    key: str
    review_by: date
    days: int
    safety: bool


def due(registry: Registry, today: date) -> Sequence[Reminder]:
    """Return the reminders of a day, the longest overdue first."""
    found = [
        Reminder(fact.key, fact.review_by, (fact.review_by - today).days, fact.safety)
        for fact in registry
        if fact.reminder_due(today) or (fact.safety and fact.is_overdue(today))
    ]
    return sorted(found, key=lambda one: (one.days, one.key))
