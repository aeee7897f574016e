"""The page about the security standard: whole, counted, and nothing named that is not there."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.support.named import ROOT, missing_tests, named_tests

PAGE = (ROOT / "docs/asvs.md").read_text("utf-8")
MET, NOT_MET, ABSENT = "met", "not met", "does not apply"
# Chapters about tokens, OAuth and calls: set apart in the figures, for nothing of them is here.
APART = {"9", "10", "17"}
# OWASP ASVS 5.0.0: the level of each item of a section, in order.
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3",
    "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333",
    "6.6": "2223", "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222",
    "10.6": "22", "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23",
    "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One item and what is said of it."""

    item: str
    level: str
    about: str
    state: str
    shown: str

    @property
    def apart(self) -> bool:
        return self.item[1:].partition(".")[0] in APART

    @property
    def tests(self) -> Sequence[tuple[str, str]]:
        return named_tests(self.shown)

    @property
    def contents(self) -> list[tuple[str, str]]:
        """Return files and what each is said to hold."""
        return re.findall(r"`([\w./@-]+)` has `([^`]+)`", self.shown)


def read(page: str) -> list[Row]:
    rows = []
    for line in page.splitlines():
        if re.match(r"\| V\d", line):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            rows.append(Row(*(cell.replace("\\|", "|") for cell in cells)))
    return rows


ROWS = read(PAGE)


def items() -> dict[str, str]:
    """Return every item of the standard's first two levels, with its level."""
    return {
        f"V{section}.{number}": level
        for section, levels in LEVELS.items()
        for number, level in enumerate(levels, 1)
        if level in "12"
    }


def problems(row: Row) -> list[str]:
    """Return what a row names that is not there."""
    found = [*missing_tests(row.shown)]
    for path, text in row.contents:
        if not (ROOT / path).is_file():
            found.append(f"no file {path}")
        elif text not in (ROOT / path).read_text("utf-8"):
            found.append(f"{path} does not hold {text}")
    return found


def test_the_standard_is_as_large_as_it_says() -> None:
    counted = Counter("".join(LEVELS.values()))
    assert counted == {"1": 70, "2": 183, "3": 92}
    assert counted.total() == 345


def test_every_item_stands_there_once_with_its_level() -> None:
    assert [item for item, times in Counter(row.item for row in ROWS).items() if times > 1] == []
    assert {row.item: row.level for row in ROWS} == items()


def test_items_stand_in_order_under_their_chapter() -> None:
    assert [row.item for row in ROWS] == list(items())
    for chapter, text in re.findall(
        r"^## (\d+)\. .*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    ):
        assert {row.item.partition(".")[0] for row in read(text)} == {f"V{chapter}"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.item)
def test_what_a_row_names_is_there(row: Row) -> None:
    assert problems(row) == []
    assert row.state in (MET, NOT_MET, ABSENT)
    assert row.about
    if row.state == NOT_MET:
        without = re.sub(r"`[^`]*`|[()]", "", row.shown)
        assert len(without) > 30, "what is not met has its reason in words"
    else:
        assert row.tests or row.contents, "nothing shows it"


@pytest.mark.parametrize(
    "shown",
    [
        "`tests/test_asvs.py::test_nothing_of_this_name`",
        "`tests/test_nowhere.py::test_read`",
        "`tests/test_asvs.py::problems`",
        "`README.md` has `words nobody would write there`",
        "`deploy/nowhere.conf` has `a`",
    ],
)
def test_what_is_not_there_is_noticed(shown: str) -> None:
    assert problems(Row("V1.1.1", "2", "about", MET, shown))


def test_the_figures_are_those_of_the_tables() -> None:
    told = {
        name: (int(every), int(core))
        for name, every, core in re.findall(
            r"^\| ([a-z][^|]*?) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE
        )
    }
    figures = {}
    for name, chosen in {
        "items": ROWS,
        "level 1": [row for row in ROWS if row.level == "1"],
        "level 2": [row for row in ROWS if row.level == "2"],
        "met": [row for row in ROWS if row.state == MET],
        "not met": [row for row in ROWS if row.state == NOT_MET],
        "does not apply": [row for row in ROWS if row.state == ABSENT],
        "met or does not apply, shown by a test": [
            row for row in ROWS if row.state != NOT_MET and row.tests
        ],
        "met or does not apply, shown by what a file holds": [
            row for row in ROWS if row.state != NOT_MET and not row.tests
        ],
    }.items():
        figures[name] = (len(chosen), sum(not row.apart for row in chosen))
    assert told == figures


def test_what_is_not_met_is_named_at_the_top() -> None:
    [named] = re.findall(r"^\*\*Not met\*\*: ([V\d., ]+)\. ", PAGE, re.MULTILINE)
    assert named.split(", ") == [row.item for row in ROWS if row.state == NOT_MET]
