"""The week grid of opening hours, as it stands in a form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from itertools import pairwise
from typing import Any

from starlette.datastructures import FormData

from bot.domain.hours import DAYS, HOLIDAY, Span, WeekHours
from bot.web.words import _

GRID = (*DAYS, HOLIDAY)
# A day may have a break.
_SPANS = 2
# More than anybody types; what is beyond is not a form of ours.
_MOST = 4
_TIME = re.compile(r"\d\d:\d\d", re.ASCII)
_ZONE = "Europe/Copenhagen"
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Week:
    """Opening and closing times by day, as typed; an empty pair is no span."""

    days: Mapping[str, Sequence[Pair]] = field(default_factory=dict)
    always: bool = False

    @classmethod
    def of(cls, value: object) -> "Week":
        """Return the grid of hours; an empty one for anything else."""
        if not isinstance(value, WeekHours):
            return cls()
        days = {
            day: [(f"{s.opens:%H:%M}", f"{s.closes:%H:%M}") for s in value.days.get(day, ())]
            for day in GRID
        }
        return cls(days, value.always)

    @classmethod
    def typed(cls, form: FormData) -> "Week":
        """Return what was typed."""
        return cls({day: _pairs(form, day) for day in GRID}, form.get("always") == "1")

    def rows(self, day: str) -> Sequence[Pair]:
        """Return the pairs that a form shows for a day."""
        pairs = list(self.days.get(day, ()))
        return pairs + [("", "")] * (_SPANS - len(pairs))

    @property
    def errors(self) -> Mapping[str, str]:
        """Return by day what is wrong with it."""
        if self.always:
            return {}
        found: dict[str, str] = {}
        for day in GRID:
            try:
                self._spans(day)
            except ValueError as error:
                found[day] = str(error)
        return found

    def written(self) -> Mapping[str, Any]:
        """Return the form of facts.yml; ValueError with words when no day is open."""
        if self.always:
            return {"always": True}
        if self.errors:
            raise ValueError(_("Correct the days that are marked."))
        week = {day: [span.written() for span in self._spans(day)] for day in GRID}
        if not any(week.values()):
            raise ValueError(_("Every day is closed. Give the hours of at least one day."))
        return {"tz": _ZONE, "week": week}

    def _spans(self, day: str) -> Sequence[Span]:
        pairs = [pair for pair in self.days.get(day, ()) if any(pair)]
        spans = sorted((_span(*pair) for pair in pairs), key=lambda span: span.opens)
        for first, second in pairwise(spans):
            if first.closes == time(0) or second.opens < first.closes:
                raise ValueError(_("The two times overlap."))
        return spans


def _span(opens: str, closes: str) -> Span:
    if not (opens and closes):
        raise ValueError(_("Give both times: when it opens and when it closes."))
    from_, to = _time(opens), _time("00:00" if closes == "24:00" else closes)
    if to != time(0) and from_ >= to:
        raise ValueError(_("It must open before it closes. Midnight is 00:00."))
    return Span(from_, to)


def _time(text: str) -> time:
    try:
        if _TIME.fullmatch(text):
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(_("Write times like 08:30."))


def _pairs(form: FormData, day: str) -> Sequence[Pair]:
    """Return the pairs of a day; a list that is shorter than its other half is filled up."""
    opens, closes = (_times(form, f"{day}_{end}") for end in ("opens", "closes"))
    return [
        (opens[i] if i < len(opens) else "", closes[i] if i < len(closes) else "")
        for i in range(min(_MOST, max(len(opens), len(closes))))
    ]


def _times(form: FormData, name: str) -> Sequence[str]:
    return [str(one).strip()[:8] for one in form.getlist(name)]
