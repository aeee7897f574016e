"""Facts: every number, address, hour, date and legal sentence Havn may say, with its source."""

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from bot.domain.errors import FactError
from bot.domain.hours import WeekHours

PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
# A fact may rest on another that rests on another; deeper than this is a loop.
MAX_DEPTH = 5


class Kind(enum.StrEnum):
    """What a fact's value is, and so how it is written in each locale."""

    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    HOURS = "hours"
    DATE = "date"
    NUMBER = "number"
    NAME = "name"
    SENTENCE = "sentence"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read; ``seen`` is the page's own date, if it shows one."""

    url: str
    says: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One value with everything an editor needs to trust or mend it.

    ``value`` is a string, a number, a date or WeekHours, by ``kind``; sentences are English source
    text that may name other facts in braces. ``safety`` facts are those people act on.
    """

    key: str
    kind: Kind
    value: str | int | float | date | WeekHours
    meaning: str
    sources: tuple[Source, ...]
    checked_on: date
    review_by: date
    owner: str
    safety: bool = False
    verify_before_launch: bool = True
    conflicts: str = ""

    @classmethod
    def read(cls, key: str, raw: Mapping[str, Any]) -> "Fact":
        """Read an entry of facts.yml; KeyError, TypeError, AttributeError or ValueError if not."""
        kind = Kind(raw["kind"])
        return cls(
            key=key,
            kind=kind,
            value=_value(kind, raw["value"]),
            meaning=str(raw["meaning"]),
            sources=tuple(
                Source(str(s["url"]), str(s["says"]), str(s.get("seen") or ""))
                for s in raw["sources"]
            ),
            checked_on=_day(raw["checked_on"]),
            review_by=_day(raw["review_by"]),
            owner=str(raw["owner"]),
            safety=bool(raw.get("safety", False)),
            verify_before_launch=bool(raw.get("verify_before_launch", True)),
            conflicts=str(raw.get("conflicts") or ""),
        )

    def written(self) -> dict[str, Any]:
        """Return the entry that ``read`` reads, as plain JSON."""
        value = self.value
        if isinstance(value, WeekHours):
            value = value.written()  # type: ignore[assignment]
        elif isinstance(value, date):
            value = value.isoformat()
        return {
            "kind": self.kind.value,
            "value": value,
            "meaning": self.meaning,
            "sources": [{"url": s.url, "says": s.says, "seen": s.seen} for s in self.sources],
            "checked_on": self.checked_on.isoformat(),
            "review_by": self.review_by.isoformat(),
            "owner": self.owner,
            "safety": self.safety,
            "verify_before_launch": self.verify_before_launch,
            "conflicts": self.conflicts,
        }

    def is_overdue(self, today: date) -> bool:
        """Tell whether the review date has passed."""
        return today > self.review_by

    def reminder_due(self, today: date) -> bool:
        """Tell whether the owner should hear of it today: 30 and 7 days before (ux.md bar 22)."""
        return self.review_by - today in (timedelta(days=30), timedelta(days=7))


@dataclass(frozen=True, slots=True)
class Registry:
    """All facts by key."""

    facts: Mapping[str, Fact]

    def __getitem__(self, key: str) -> Fact:
        """Return a fact; FactError names the key that is missing."""
        try:
            return self.facts[key]
        except KeyError:
            raise FactError(f"there is no fact {key}") from None

    def __contains__(self, key: object) -> bool:
        return key in self.facts

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts.values())

    def used_by(self, text: str, depth: int = 0) -> frozenset[str]:
        """Return the keys of the facts a text rests on, through sentences as well.

        FactError when facts name one another in a circle.
        """
        if depth > MAX_DEPTH:
            raise FactError("facts name one another in a circle")
        found: set[str] = set()
        for key in PLACEHOLDER.findall(text):
            fact = self.facts.get(key)
            if fact is None:
                continue
            found.add(key)
            if fact.kind is Kind.SENTENCE:
                found |= self.used_by(str(fact.value), depth + 1)
        return frozenset(found)

    def reviewed_on(self, text: str) -> date | None:
        """Return the day the oldest fact of a text was checked; None where it rests on no fact."""
        return min((self.facts[key].checked_on for key in self.used_by(text)), default=None)

    def overdue_since(self, text: str, today: date) -> date | None:
        """Return the day the oldest fact past its review date was checked; None where none is."""
        facts = (self.facts[key] for key in self.used_by(text))
        return min((fact.checked_on for fact in facts if fact.is_overdue(today)), default=None)


def _value(kind: Kind, raw: Any) -> str | int | float | date | WeekHours:
    if kind is Kind.HOURS:
        return WeekHours.parse(raw)
    if kind is Kind.DATE:
        return _day(raw)
    if kind is Kind.NUMBER:
        return raw if isinstance(raw, (int, float)) else float(raw)
    return str(raw).strip()


def _day(raw: Any) -> date:
    return raw if isinstance(raw, date) else date.fromisoformat(str(raw))
