"""Opening hours: a week grid in one time zone, with its own line for public holidays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.errors import FactError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"
_GRID = (*DAYS, HOLIDAY)
# Nothing Havn knows is closed for longer than this; a grid that is never open must not loop.
_HORIZON_DAYS = 21

IsHoliday = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Span:
    """From opening to closing on one day; ``closes`` midnight means the end of the day."""

    opens: time
    closes: time

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Read ``08:30-16:00``; FactError otherwise."""
        try:
            opens, closes = (time.fromisoformat(part.strip()) for part in text.split("-"))
        except ValueError as error:
            raise FactError("hours are written like 08:30-16:00") from error
        if opens.tzinfo or closes.tzinfo:
            raise FactError("hours are those of the grid's own time zone")
        if closes != time(0) and opens >= closes:
            raise FactError("hours must open before they close")
        return cls(opens, closes)

    def written(self) -> str:
        """Return the form that ``parse`` reads."""
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"

    def contains(self, at: time) -> bool:
        """Tell whether a local time lies inside."""
        return self.opens <= at and (self.closes == time(0) or at < self.closes)


@dataclass(frozen=True, slots=True)
class WeekHours:
    """Spans for each day of the week and for public holidays; ``always`` means round the clock."""

    zone: ZoneInfo
    days: Mapping[str, tuple[Span, ...]]
    always: bool = False

    @classmethod
    def parse(cls, data: Mapping[str, object]) -> "WeekHours":
        """Read the shape of facts.yml; FactError names what is wrong."""
        if data.get("always") is True:
            return cls(ZoneInfo("Europe/Copenhagen"), {}, always=True)
        week = data.get("week")
        if not isinstance(week, Mapping) or set(week) - {*DAYS, HOLIDAY}:
            raise FactError("hours need a week with mon to sun and holiday")
        spans = {
            day: tuple(Span.parse(str(text)) for text in (week.get(day) or ()))
            for day in (*DAYS, HOLIDAY)
        }
        return cls(ZoneInfo(str(data.get("tz", "Europe/Copenhagen"))), spans)

    def written(self) -> dict[str, Any]:
        """Return the shape that ``parse`` reads, as plain JSON."""
        if self.always:
            return {"always": True}
        week = {day: [span.written() for span in self.days.get(day, ())] for day in _GRID}
        return {"tz": self.zone.key, "week": week}

    def spans_on(self, day: date, is_holiday: IsHoliday) -> Sequence[Span]:
        """Return the spans of one day, in order."""
        key = HOLIDAY if is_holiday(day) else DAYS[day.weekday()]
        return self.days.get(key, ())

    def is_open(self, now: datetime, is_holiday: IsHoliday) -> bool:
        """Tell whether it is open at an aware moment."""
        local = now.astimezone(self.zone)
        return self.always or any(
            span.contains(local.time()) for span in self.spans_on(local.date(), is_holiday)
        )

    def next_open(self, now: datetime, is_holiday: IsHoliday) -> datetime | None:
        """Return the next moment it opens after ``now``, local time; None if never."""
        local = now.astimezone(self.zone)
        for ahead in range(_HORIZON_DAYS):
            day = local.date() + timedelta(days=ahead)
            for span in self.spans_on(day, is_holiday):
                opens = datetime.combine(day, span.opens, self.zone)
                if opens > local:
                    return opens
        return None
