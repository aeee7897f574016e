"""Counts of closed handovers by week, and what of them may be shown without telling on anybody.

At one contact a day nearly every count stands for a person somebody knows. So counters are kept by
week and one property at a time, never a row about anybody (security-reliability.md 2.4), and a
table shows a week only once it is over. What a week shows depends on that week alone, and totals of
columns are made from what is shown: no second export, of other weeks or another day, has anything
to subtract. The rule of one week, and why it holds, are in docs/decisions/0016-small-counts.md.
"""

import csv
import enum
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.handover import Handover, Outcome, Referral, Topic
from bot.domain.triage import Level

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
# Counts under it are small: the upper of the two minimums of Danish statistical practice, 3 and 5.
LEAST = 5
# A hidden count could be any of at least so many numbers.
_CHOICES = 3
# What a spreadsheet would take for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Counters = Mapping[tuple[str, str, str], int]


class Kind(enum.StrEnum):
    """What is counted: a closed handover adds one to a value of each kind, of waits to its level's.

    Waits are counted by level only: beside a count of all waits, what one level hides could be
    computed from the others.
    """

    LOCALE = "locale"
    LEVEL = "level"
    OUTCOME = "outcome"
    REFERRAL = "referral"
    TOPIC = "topic"
    WAIT_RED = "wait_red"
    WAIT_ORANGE = "wait_orange"
    WAIT_YELLOW = "wait_yellow"


class Wait(enum.StrEnum):
    """From asking for a person to the first line of one, in minutes; the lower end belongs to it.

    The ends are the targets of ux.md 2.1.
    """

    UNDER_3 = "under_3"
    UNDER_15 = "3_to_15"
    UNDER_60 = "15_to_60"
    OVER_60 = "over_60"
    NONE = "none"


_WAITS = (
    (timedelta(minutes=3), Wait.UNDER_3),
    (timedelta(minutes=15), Wait.UNDER_15),
    (timedelta(minutes=60), Wait.UNDER_60),
)
# Levels that wait for a person, within a time (ux.md 2.1).
WAIT_OF: Mapping[Level, Kind] = {
    Level.RED: Kind.WAIT_RED,
    Level.ORANGE: Kind.WAIT_ORANGE,
    Level.YELLOW: Kind.WAIT_YELLOW,
}
_LEVEL_OF = {kind: level for level, kind in WAIT_OF.items()}
_LEVELS = tuple(level.name.lower() for level in Level)
_VALUES: Mapping[Kind, tuple[str, ...]] = {
    Kind.LEVEL: _LEVELS,
    Kind.OUTCOME: tuple(Outcome),
    Kind.REFERRAL: tuple(Referral),
    Kind.TOPIC: tuple(Topic),
    **dict.fromkeys(WAIT_OF.values(), tuple(Wait)),
}


# --- counting ---------------------------------------------------------------------------------


def week_of(moment: datetime) -> str:
    """Return the ISO week of a moment in Copenhagen, such as ``2026-W47``."""
    year, week, _ = moment.astimezone(COPENHAGEN).isocalendar()
    return f"{year}-W{week:02}"


def finished_weeks(now: datetime, number: int) -> tuple[str, ...]:
    """Return the last weeks that are over, oldest first."""
    # Noon, so that neither end of summer time moves it into another day.
    noon = now.astimezone(COPENHAGEN).replace(hour=12, minute=0)
    return tuple(week_of(noon - timedelta(weeks=ago)) for ago in range(number, 0, -1))


def counted(handover: Handover) -> Mapping[str, str]:
    """Return what a closed handover adds one to, by kind; ValueError when it is not closed.

    It is counted once, in the week it was closed in, with the transaction that closes it.
    """
    if handover.close is None:
        raise ValueError("a handover is counted when it is closed")
    found: dict[str, str] = {
        Kind.LOCALE: handover.locale,
        Kind.LEVEL: handover.level.name.lower(),
        Kind.OUTCOME: handover.close.outcome,
        Kind.REFERRAL: handover.close.referral,
        Kind.TOPIC: handover.close.topic,
    }
    if handover.level in WAIT_OF:
        found[WAIT_OF[handover.level]] = _wait(handover.asked_at, handover.answered_at)
    return found


def _wait(asked_at: datetime | None, answered_at: datetime | None) -> Wait:
    if asked_at is None or answered_at is None:
        return Wait.NONE
    waited = answered_at - asked_at
    return next((wait for end, wait in _WAITS if waited < end), Wait.OVER_60)


# --- showing ----------------------------------------------------------------------------------


class Mark(enum.Enum):
    """How much of a count is shown."""

    SHOWN = "shown"
    SMALL = "small"  # under LEAST
    HIDDEN = "hidden"  # small, or hidden so that a small one cannot be computed
    RANGE = "range"  # a total with hidden counts in it


@dataclass(frozen=True, slots=True)
class Cell:
    """A count as far as it is shown: from ``low`` to ``high``, as anybody could work out."""

    low: int
    high: int
    mark: Mark = Mark.SHOWN

    @property
    def text(self) -> str:
        """Return it in digits and signs: ``7``, ``<5``, ``*`` or ``12 to 20``."""
        match self.mark:
            case Mark.SHOWN:
                return str(self.low)
            case Mark.SMALL:
                return f"<{LEAST}"
            case Mark.HIDDEN:
                return "*"
            case Mark.RANGE:
                return f"{self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Row:
    """One week: a cell for each value, and how many handovers were closed in it."""

    week: str
    cells: tuple[Cell, ...]
    total: Cell


@dataclass(frozen=True, slots=True)
class Table:
    """Weeks by the values of one kind; two dimensions, and there is no way to ask for a third."""

    kind: Kind
    values: tuple[str, ...]
    rows: tuple[Row, ...]
    totals: tuple[Cell, ...]
    total: Cell

    @property
    def hides(self) -> bool:
        """Tell whether a count of any week is not shown."""
        cells = (cell for row in self.rows for cell in (*row.cells, row.total))
        return any(cell.mark is not Mark.SHOWN for cell in cells)


def table(
    kind: Kind, counters: Counters, weeks: Collection[str], now: datetime, *, locales: Sequence[str]
) -> Table:
    """Return what may be shown of these weeks; those that are not over by ``now`` are left out.

    ``locales`` are all that visitors could have written in: one that could not occur counts as
    nobody with certainty, and hides nothing. ValueError for fewer than two of them, and when
    something was counted that has no column, for then a total would tell it.
    """
    values = tuple(locales) if kind is Kind.LOCALE else _VALUES[kind]
    if len(values) < 2:  # noqa: PLR2004 -- a total would be the count of the only value
        raise ValueError("a table needs at least two values")
    if not {value for _, of, value in counters if of == kind} <= set(values):
        raise ValueError(f"something was counted that is no value of {kind}")
    finished = sorted(week for week in set(weeks) if week < week_of(now))
    rows = tuple(_week(week, kind, counters, values) for week in finished)
    totals = tuple(_sum(row.cells[column] for row in rows) for column in range(len(values)))
    return Table(kind, values, rows, totals, _sum(row.total for row in rows))


def to_csv(table: Table) -> str:
    """Return a table as a CSV file (RFC 4180) in which no spreadsheet finds a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(map(_inert, ("week", *table.values, "total")))
    for row in table.rows:
        writer.writerow(map(_inert, (row.week, *_texts(row.cells), row.total.text)))
    writer.writerow(map(_inert, ("total", *_texts(table.totals), table.total.text)))
    return file.getvalue()


def _week(week: str, kind: Kind, counters: Counters, values: Sequence[str]) -> Row:
    numbers = [counters.get((week, kind, value), 0) for value in values]
    if kind not in _LEVEL_OF:
        return _row(week, numbers)
    levels = _row(week, [counters.get((week, Kind.LEVEL, level), 0) for level in _LEVELS])
    return _within(week, levels.cells[_LEVEL_OF[kind]], numbers)


def _within(week: str, whole: Cell, numbers: Sequence[int]) -> Row:
    """Return the parts of a count that another table shows, and nothing of one that it hides."""
    if whole.mark is Mark.SHOWN:
        return Row(week, tuple(_cells(numbers, whole.low)), whole)
    return Row(week, (Cell(0, whole.high, whole.mark),) * len(numbers), whole)


def _row(week: str, numbers: Sequence[int]) -> Row:
    total = sum(numbers)
    if total < LEAST:
        small = Cell(0, LEAST - 1, Mark.SMALL)
        return Row(week, (small,) * len(numbers), small)
    return Row(week, tuple(_cells(numbers, total)), Cell(total, total))


def _cells(numbers: Sequence[int], total: int) -> Iterable[Cell]:
    """Return the cells of a week whose total is known, hiding what that total would give away."""
    small = [number for number in numbers if number < LEAST]
    if not small:
        return _hiding(numbers, None, LEAST)
    if total > LEAST and (cell := _small(small)):
        return _hiding(numbers, cell, LEAST)
    hidden = _together(numbers, len(small))
    return _hiding(numbers, Cell(0, sum(hidden), Mark.HIDDEN), hidden[-1] + 1)


def _hiding(numbers: Sequence[int], cell: Cell | None, below: int) -> Iterable[Cell]:
    for number in numbers:
        yield cell if cell and number < below else Cell(number, number)


def _small(numbers: Sequence[int]) -> Cell | None:
    """Return what is known of each small count, or None when their known sum tells too much."""
    known, most = sum(numbers), LEAST - 1
    low = max(0, known - most * (len(numbers) - 1))
    high = min(most, known)
    return Cell(low, high, Mark.SMALL) if high - low >= _CHOICES - 1 else None


def _together(numbers: Sequence[int], small: int) -> Sequence[int]:
    """Return the counts to hide under one mark, in order: the small ones and the next larger.

    As many until all of them together are less than any that is shown, so that each of them could
    be nothing or everything; or all of the week.
    """
    ordered = sorted(numbers)
    for size in range(small + 1, len(ordered)):
        if LEAST < sum(ordered[:size]) < ordered[size]:
            return ordered[:size]
    return ordered


def _sum(cells: Iterable[Cell]) -> Cell:
    """Return a total of what is shown and of nothing else."""
    low, high = 0, 0
    for cell in cells:
        low, high = low + cell.low, high + cell.high
    return Cell(low, high, Mark.SHOWN if low == high else Mark.RANGE)


def _texts(cells: Iterable[Cell]) -> Iterable[str]:
    return (cell.text for cell in cells)


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
