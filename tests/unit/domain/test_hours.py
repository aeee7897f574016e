from datetime import UTC, date, datetime

import pytest

from bot.domain.errors import FactError
from bot.domain.hours import WeekHours

WEEK = {
    "tz": "Europe/Copenhagen",
    "week": {day: ["08:30-16:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    | {"sat": ["09:00-15:00"], "sun": [], "holiday": ["09:00-15:00"]},
}
HOURS = WeekHours.parse(WEEK)
CHRISTMAS_EVE = date(2026, 12, 24)


def is_holiday(day: date) -> bool:
    return day == CHRISTMAS_EVE


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(24, 7, 29), False),  # Tuesday 08:29 in Copenhagen
        (at(24, 7, 30), True),
        (at(24, 14, 59), True),
        (at(24, 15, 0), False),
        (at(28, 13, 59), True),  # Saturday
        (at(29, 12, 0), False),  # Sunday
        (at(24, 8, 29, month=12), True),  # a holiday keeps its own hours: 09:29
        (at(24, 14, 30, month=12), False),  # 15:30, open on another Thursday
        (at(7, 6, 30, month=7), True),  # summer time: 08:30
    ],
)
def test_is_open_counts_in_copenhagen_time(moment: datetime, expected: bool) -> None:
    assert HOURS.is_open(moment, is_holiday) is expected


def test_next_open_is_the_next_opening_even_over_a_closed_day() -> None:
    opens = HOURS.next_open(at(28, 15), is_holiday)
    assert opens is not None
    assert opens.isoformat() == "2026-11-30T08:30:00+01:00"


def test_always_is_open_at_night() -> None:
    assert WeekHours.parse({"always": True}).is_open(at(29, 3), is_holiday)


def test_a_grid_that_never_opens_has_no_next_opening() -> None:
    never = WeekHours.parse({"week": {day: [] for day in WEEK["week"]}})
    assert never.next_open(at(24, 10), is_holiday) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"week": {"mon": ["16:00-08:30"]}},
        {"week": {"mon": ["8-16"]}},
        {"week": {"monday": []}},
        {"week": "always"},
        {},
    ],
)
def test_broken_hours_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(FactError):
        WeekHours.parse(broken)
