"""The page of proofs: every promise has a row, and nothing is named that is not there."""

import re
from dataclasses import dataclass

import click
import pytest

from bot.cli import main
from tests.support.named import ROOT, missing_tests, named_tests

PAGE = (ROOT / "docs/proof.md").read_text("utf-8")
HELD, SMALLER, MISSED, OPEN = "held", "smaller", "**missed**", "not measured"
# The invariants of design section 1, the bars and faults of security-reliability 9 and 4.2, and
# the speeds that were asked for besides.
PROMISES = (
    *(f"I{number}" for number in range(1, 11)),
    *(f"B{number}" for number in range(1, 27)),
    *(f"F{number}" for number in range(1, 25)),
    *(f"S{number}" for number in range(1, 4)),
)
_PROGRAM = re.compile(r"`python -m (tests\.\w+)")
_BENCH = re.compile(r"`havn (\w+)(?: (\w+))?")


@dataclass(frozen=True)
class Row:
    """One promise and how it is shown."""

    promise: str
    shown: str
    figure: str
    state: str
    command: str

    @property
    def names(self) -> list[str]:
        return re.findall(r"\b[IBFS]\d+\b", self.promise.partition(":")[0])


def read() -> list[Row]:
    lines = (line for line in PAGE.splitlines() if re.match(r"\| [IBFS]\d", line))
    return [Row(*(cell.strip() for cell in line.split("|")[1:-1])) for line in lines]


ROWS = read()


def _is_program(name: str) -> bool:
    return (ROOT / name.replace(".", "/") / "__main__.py").is_file()


def problems(row: Row) -> list[str]:
    """Return what a row names that is not there."""
    found = [
        *missing_tests(row.shown),
        *(f"no program {one}" for one in _PROGRAM.findall(row.command) if not _is_program(one)),
    ]
    for command, name in _BENCH.findall(row.command):
        known = main.commands.get(command)
        if known is None or (isinstance(known, click.Group) and name not in known.commands):
            found.append(f"no command havn {command} {name}")
    return found


def test_every_promise_has_its_rows() -> None:
    assert {name for row in ROWS for name in row.names} == set(PROMISES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.promise.partition(":")[0])
def test_what_a_row_names_is_there(row: Row) -> None:
    assert problems(row) == []
    assert row.state in (HELD, SMALLER, MISSED, OPEN)
    if row.state == OPEN:
        assert len(row.figure) > 20, "what was not measured has its reason in words"
    else:
        assert row.command.startswith("`")
        assert row.figure
        assert named_tests(row.shown) or _PROGRAM.search(row.command) or "havn" in row.command


@pytest.mark.parametrize(
    ("shown", "command"),
    [
        ("`tests/test_proof.py::test_nothing_of_this_name`", ""),
        ("", "`python -m tests.nowhere`"),
        ("", "`havn bench nowhere`"),
        ("", "`havn nowhere`"),
    ],
)
def test_what_is_not_there_is_noticed(shown: str, command: str) -> None:
    assert problems(Row("B1: x", shown, "1", HELD, command))


def test_what_falls_short_is_named_at_the_top() -> None:
    [named] = re.findall(r"^\*\*Falls short\*\*: ([IBFS\d, ]+)\.", PAGE, re.MULTILINE)
    short = [name for row in ROWS if row.state != HELD for name in row.names]
    assert named.split(", ") == list(dict.fromkeys(short))
