"""Figures: counted right, and no count of a few people can be worked out from what is shown."""

import csv
import io
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.figures import (
    LEAST,
    Cell,
    Kind,
    Mark,
    Table,
    Wait,
    counted,
    finished_weeks,
    table,
    to_csv,
    week_of,
)
from bot.domain.handover import Close, Handover, Outcome, Referral, State, Topic
from bot.domain.messages import ConversationId
from bot.domain.triage import Level

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEKS = finished_weeks(NOW, 4)
MINUTE = timedelta(minutes=1)
ASKED = NOW - timedelta(hours=5)
CLOSED = Handover(
    ConversationId("0" * 32),
    State.CLOSED,
    Level.ORANGE,
    "ro",
    offered_at=ASKED,
    asked_at=ASKED,
    answered_at=ASKED + 4 * MINUTE,
    closed_at=NOW,
    close=Close(Outcome.REFERRED, Referral.UNION, Topic.WORK),
)
Rows = Sequence[Sequence[int]]


def names(count: int) -> list[str]:
    return [f"l{number}" for number in range(count)]


def shown(rows: Rows, weeks: Sequence[str] = WEEKS, now: datetime = NOW) -> Table:
    """Return the table of some weeks of numbers, with as many locales as each row has."""
    counters = {
        (week, "locale", f"l{column}"): number
        for week, row in zip(weeks, rows, strict=False)
        for column, number in enumerate(row)
        if number
    }
    locales = names(len(rows[0]))
    return table(Kind.LOCALE, counters, weeks[: len(rows)], now, locales=locales)


def week(*numbers: int) -> str:
    """Return what one week shows."""
    row = shown([numbers]).rows[0]
    return " ".join([*(cell.text for cell in row.cells), f"= {row.total.text}"])


# --- counting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 22, 22, 59, tzinfo=UTC), "2026-W47"),
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), "2026-W48"),
        (datetime(2026, 7, 5, 22, 0, tzinfo=UTC), "2026-W28"),
        (datetime(2027, 1, 3, 12, tzinfo=UTC), "2026-W53"),
        (datetime(2024, 12, 30, 12, tzinfo=UTC), "2025-W01"),
    ],
)
def test_a_week_begins_on_monday_in_copenhagen(moment: datetime, expected: str) -> None:
    assert week_of(moment) == expected


@given(st.integers(0, 10 * 365 * 24))
def test_the_last_weeks_are_over_and_leave_none_out(hours: int) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    weeks = finished_weeks(now, 60)
    assert weeks == tuple(sorted(set(weeks)))
    assert len(weeks) == 60
    assert weeks[-1] < week_of(now) == finished_weeks(now + timedelta(weeks=1), 1)[0]


def test_a_closed_handover_adds_one_to_a_value_of_each_kind() -> None:
    assert counted(CLOSED) == {
        "locale": "ro",
        "level": "orange",
        "outcome": "referred",
        "referral": "union",
        "topic": "pay_and_work",
        "wait_orange": "3_to_15",
    }
    every = [counted(replace(CLOSED, level=level)) for level in Level]
    assert {kind for one in every for kind in one} == set(Kind)
    assert all(len([kind for kind in one if kind.startswith("wait")]) < 2 for one in every)


def test_only_a_closed_handover_is_counted() -> None:
    with pytest.raises(ValueError, match="closed"):
        counted(replace(CLOSED, close=None))


@pytest.mark.parametrize(
    ("minutes", "bucket"),
    [
        (0, Wait.UNDER_3),
        (2.99, Wait.UNDER_3),
        (3, Wait.UNDER_15),
        (15, Wait.UNDER_60),
        (60, Wait.OVER_60),
        (9999, Wait.OVER_60),
    ],
)
def test_a_wait_is_from_asking_to_the_first_line(minutes: float, bucket: Wait) -> None:
    answered = replace(CLOSED, answered_at=ASKED + minutes * MINUTE)
    assert counted(answered)["wait_orange"] == bucket


@pytest.mark.parametrize("missing", [{"answered_at": None}, {"asked_at": None}])
def test_who_was_never_answered_did_not_wait_a_time(missing: dict[str, None]) -> None:
    assert counted(replace(CLOSED, **missing))["wait_orange"] == Wait.NONE


# --- one week ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((6, 5, 9, 20), "6 5 9 20 = 40"),
        ((0, 0, 1, 3), "<5 <5 <5 <5 = <5"),
        ((2, 1, 9, 20), "<5 <5 9 20 = 32"),
        ((5, 0, 0, 0), "* * * * = 5"),
        ((2, 2, 1, 0), "* * * * = 5"),
        # One small count alone is the total less the rest: the next one is hidden with it.
        ((3, 9, 20, 30), "* * 20 30 = 62"),
        # Two whose sum says what they are.
        ((0, 0, 9, 20), "* * * 20 = 29"),
        ((0, 1, 9, 20), "* * * 20 = 30"),
        ((4, 4, 9, 20), "* * * 20 = 37"),
        # Hidden with the next one only, the 9 would be known to be no more than 10.
        ((3, 9, 10, 30), "* * * 30 = 52"),
        ((0, 7, 0, 0), "* * * * = 7"),
        ((0, 20, 20, 20), "* * * * = 60"),
    ],
)
def test_a_week_hides_small_counts_and_what_would_give_them_away(
    numbers: tuple[int, ...], expected: str
) -> None:
    assert week(*numbers) == expected


@pytest.mark.parametrize(("columns", "most"), [(2, 40), (3, 30), (4, 18), (5, 8)])
def test_who_knows_the_rule_cannot_tell_any_hidden_count(columns: int, most: int) -> None:
    """Every possible week of a size: those that look alike differ in each hidden count."""
    alike: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for numbers in itertools.product(range(most + 1), repeat=columns):
        if sum(numbers) <= most:
            alike[week(*numbers)].append(numbers)
    for look, weeks in alike.items():
        for column, text in enumerate(look.split(" ")[:columns]):
            possible = {numbers[column] for numbers in weeks}
            assert possible == {int(text)} if text.isdigit() else len(possible) >= 3, look


# --- whole tables -----------------------------------------------------------------------------

numbers = st.one_of(st.integers(0, 6), st.integers(0, 60))
tables = st.integers(2, 10).flatmap(
    lambda width: st.lists(
        st.lists(numbers, min_size=width, max_size=width), min_size=1, max_size=4
    )
)


@given(tables)
@settings(max_examples=300, deadline=None)
def test_what_is_shown_is_true_and_what_is_small_is_hidden(rows: Rows) -> None:
    made = shown(rows)
    for row, true in zip(made.rows, rows, strict=True):
        for cell, number in zip((*row.cells, row.total), (*true, sum(true)), strict=True):
            assert cell.low <= number <= cell.high
            assert (cell.mark is Mark.SHOWN) == (cell.low == cell.high)
            assert number >= LEAST or cell.mark is not Mark.SHOWN
            assert cell.mark is not Mark.SMALL or number < LEAST
    for column, cell in enumerate(made.totals):
        assert cell.low <= sum(row[column] for row in rows) <= cell.high


@given(tables)
@settings(max_examples=300, deadline=None)
def test_nothing_is_hidden_alone_in_a_week(rows: Rows) -> None:
    for row in shown(rows).rows:
        assert sum(cell.mark is not Mark.SHOWN for cell in row.cells) != 1


@given(tables)
@settings(max_examples=200, deadline=None)
def test_sums_and_differences_of_all_exports_leave_every_hidden_count_open(rows: Rows) -> None:
    """Ranges, week totals and totals of columns of every span of weeks, as far as they lead."""
    for found in narrowed(rows).values():
        assert found[1] - found[0] >= 2


@given(tables, st.data())
@settings(max_examples=200, deadline=None)
def test_other_numbers_could_stand_behind_the_same_exports(rows: Rows, data: st.DataObject) -> None:
    """Other weeks that look the same in every export, byte by byte, for any hidden count."""
    made = shown(rows)
    hidden = [
        (line, column)
        for line, row in enumerate(made.rows)
        for column, cell in enumerate(row.cells)
        if cell.mark is not Mark.SHOWN
    ]
    if not hidden:
        return
    line, column = data.draw(st.sampled_from(hidden))
    possible = set()
    for other in look_alikes(rows[line], made.rows[line].cells, column):
        swapped = [*rows[:line], other, *rows[line + 1 :]]
        if exports(swapped) == exports(rows):
            possible.add(other[column])
    assert len(possible) >= 3


def test_a_second_export_of_more_weeks_changes_no_week_and_is_no_help() -> None:
    rows = [(3, 9, 20, 30), (2, 1, 9, 20), (0, 0, 9, 20), (5, 8, 13, 21)]
    first, second = shown(rows[:3]), shown(rows)
    assert second.rows[:3] == first.rows
    less = [
        (b.low - a.low, b.high - a.high) for a, b in zip(first.totals, second.totals, strict=True)
    ]
    assert less == [(5, 5), (8, 8), (13, 13), (21, 21)]


def test_a_week_is_shown_once_it_is_over_so_that_no_two_days_can_be_compared() -> None:
    weeks = [*finished_weeks(NOW, 1), week_of(NOW)]
    rows = [(6, 6), (7, 8)]
    assert [row.week for row in shown(rows, weeks).rows] == weeks[:1]
    assert [row.week for row in shown(rows, weeks, NOW + timedelta(days=1)).rows] == weeks


def test_what_was_counted_has_a_column() -> None:
    counters = {(WEEKS[0], "locale", "xx"): 7}
    with pytest.raises(ValueError, match="no value of locale"):
        table(Kind.LOCALE, counters, WEEKS, NOW, locales=["da", "en"])
    with pytest.raises(ValueError, match="two values"):
        table(Kind.LOCALE, {}, WEEKS, NOW, locales=["da"])


def test_every_kind_has_columns_for_whatever_is_counted() -> None:
    every = [counted(replace(CLOSED, level=level)) for level in Level]
    counters = {(WEEKS[0], kind, value): 9 for one in every for kind, value in one.items()}
    for kind in Kind:
        made = table(kind, counters, WEEKS[:1], NOW, locales=["da", "ro"])
        assert made.rows[0].total == (Cell(36, 36) if kind is Kind.LEVEL else Cell(9, 9))


# --- files ------------------------------------------------------------------------------------


def test_a_file_holds_the_table_as_it_is_shown() -> None:
    lines = list(csv.reader(io.StringIO(to_csv(shown([(3, 9, 20, 30), (2, 1, 9, 20)])))))
    assert lines == [
        ["week", "l0", "l1", "l2", "l3", "total"],
        [WEEKS[0], "*", "*", "20", "30", "62"],
        [WEEKS[1], "<5", "<5", "9", "20", "32"],
        ["total", "0 to 15", "0 to 15", "29", "50", "94"],
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_spreadsheet_finds_a_formula(name: str) -> None:
    made = table(Kind.LOCALE, {}, WEEKS[:1], NOW, locales=["da", name])
    header = next(csv.reader(io.StringIO(to_csv(made), newline="")))
    assert header == ["week", "da", f"'{name}", "total"]


# --- the adversary ----------------------------------------------------------------------------


def exports(rows: Rows) -> list[str]:
    """Return every file that can be had: each span of weeks."""
    spans = itertools.combinations(range(len(rows) + 1), 2)
    return [to_csv(shown(rows[first:last], WEEKS[first:])) for first, last in spans]


def look_alikes(true: Sequence[int], cells: Sequence[Cell], column: int) -> list[tuple[int, ...]]:
    """Return weeks in which the hidden counts share their sum in another way."""
    places = [place for place, cell in enumerate(cells) if cell.mark is not Mark.SHOWN]
    together = sum(true[place] for place in places)
    sums = [together] if sum(true) >= LEAST else range(LEAST)
    others = [place for place in places if place != column]
    found = []
    for total in sums:
        for number in range(total + 1):
            for spread in (1, 2, 4, total):
                other, left = dict(enumerate(true)), total - number
                for place in others:
                    other[place] = min(left, spread)
                    left -= other[place]
                other[others[0]] += left
                other[column] = number
                found.append(tuple(other[place] for place in range(len(true))))
    return found


def narrowed(rows: Rows) -> Mapping[tuple[int, int], tuple[int, int]]:
    """Return what each hidden count can be after every sum that holds has been used up."""
    made = shown(rows)
    known = {
        (line, column): (cell.low, cell.high)
        for line, row in enumerate(made.rows)
        for column, cell in enumerate(row.cells)
    }
    sums: list[tuple[list[tuple[int, int]], tuple[int, int]]] = []
    for line, row in enumerate(made.rows):
        places = [(line, column) for column in range(len(row.cells))]
        sums.append((places, (row.total.low, row.total.high)))
    for first, last in itertools.combinations(range(len(rows) + 1), 2):
        for column, cell in enumerate(shown(rows[first:last], WEEKS[first:]).totals):
            places = [(line, column) for line in range(first, last)]
            sums.append((places, (cell.low, cell.high)))
    before = None
    while before != known:
        before = dict(known)
        for places, (low, high) in sums:
            lows, highs = (sum(known[place][end] for place in places) for end in (0, 1))
            for place in places:
                mine = known[place]
                known[place] = (
                    max(mine[0], low - (highs - mine[1])),
                    min(mine[1], high - (lows - mine[0])),
                )
                lows += known[place][0] - mine[0]
                highs += known[place][1] - mine[1]
    return {
        (line, column): known[line, column]
        for line, row in enumerate(made.rows)
        for column, cell in enumerate(row.cells)
        if cell.mark is not Mark.SHOWN
    }


# --- waits by level ---------------------------------------------------------------------------


def waits(levels: Sequence[int], kind: Kind, numbers: Sequence[int]) -> str:
    """Return what one week shows of the waits of a level; levels from grey to red."""
    names = [level.name.lower() for level in Level]
    counters = {
        **{(WEEKS[0], "level", name): n for name, n in zip(names, levels, strict=True)},
        **{(WEEKS[0], str(kind), wait): n for wait, n in zip(Wait, numbers, strict=True)},
    }
    row = table(kind, counters, WEEKS[:1], NOW, locales=names).rows[0]
    return " ".join([*(cell.text for cell in row.cells), f"= {row.total.text}"])


@pytest.mark.parametrize(
    ("levels", "kind", "numbers", "expected"),
    [
        ((6, 50, 9, 40), Kind.WAIT_RED, (20, 20, 0, 0, 0), "* * * * * = 40"),
        ((6, 90, 9, 40), Kind.WAIT_YELLOW, (50, 30, 6, 3, 1), "50 30 6 <5 <5 = 90"),
        # The table of levels hides this count, so its waits are hidden with it, large or not.
        ((2, 50, 9, 1), Kind.WAIT_RED, (1, 0, 0, 0, 0), "<5 <5 <5 <5 <5 = <5"),
        ((20, 6, 30, 3), Kind.WAIT_YELLOW, (6, 0, 0, 0, 0), "* * * * * = *"),
    ],
)
def test_waits_are_shown_below_a_level_that_is_shown(
    levels: Sequence[int], kind: Kind, numbers: Sequence[int], expected: str
) -> None:
    assert waits(levels, kind, numbers) == expected
