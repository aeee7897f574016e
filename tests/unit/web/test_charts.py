"""Charts and tables of figures: well-formed, readable without eyes, and nothing more than shown."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.domain.figures import Cell, Kind, Mark, Row, Table
from bot.web.charts import LINE, WIDTH, Bar, bar_chart

SMALL = Cell(0, 4, Mark.SMALL)
COUNTS = [
    ("Danish", Cell(20, 20)),
    ("Thai", SMALL),
    ("Romanian", Cell(10, 40, Mark.RANGE)),
    ("Polish", Cell(0, 90, Mark.HIDDEN)),
]


def drawn(macro: str, *values: Any) -> ET.Element:
    """Return what a macro writes, as a browser under a strict policy would have to take it."""
    templates = Environment(
        loader=PackageLoader("bot.web"), autoescape=True, undefined=StrictUndefined
    )
    module: Any = templates.get_template("_chart.html").module
    return ET.fromstring(str(getattr(module, macro)(*values)))


def test_a_bar_is_as_long_as_its_count_beside_the_longest() -> None:
    chart = bar_chart("c", "Languages", "Talks by language", COUNTS)
    assert chart.height == 4 * LINE
    assert chart.bars == (
        Bar("Danish", "20", 0, 140.0, 0.0),
        Bar("Thai", "<5", LINE, 0.0, 0.0),
        Bar("Romanian", "10 to 40", 2 * LINE, 70.0, 210.0),
        Bar("Polish", "*", 3 * LINE, 0.0, 0.0),
    )


@pytest.mark.parametrize("counts", [[], [("Thai", SMALL)], [("Thai", Cell(0, 0))]])
def test_without_any_count_there_is_no_bar(counts: list[tuple[str, Cell]]) -> None:
    assert all(bar.sure == bar.open == 0 for bar in bar_chart("c", "", "", counts).bars)


def test_a_chart_has_a_name_and_a_description_and_stays_in_its_frame() -> None:
    svg = drawn("drawn", bar_chart("c", "Languages", "Talks by language", COUNTS))
    assert svg.get("role") == "img"
    names = {e.get("id"): e.text for e in svg if e.tag in ("title", "desc")}
    told = [names[id_] for id_ in (svg.get("aria-labelledby") or "").split()]
    assert told == ["Languages", "Talks by language"]
    assert [e.text for e in svg.iter("text")] == [
        *("Danish", "20", "Thai", "<5", "Romanian", "10 to 40", "Polish", "*")
    ]
    for bar in svg.iter("rect"):
        assert float(bar.get("x") or "") + float(bar.get("width") or "") < WIDTH
    assert (svg.get("viewBox") or "").split()[2] == str(WIDTH)


def test_no_style_and_no_script_stand_in_the_page() -> None:
    svg = drawn("drawn", bar_chart("c", "Languages", "Talks by language", COUNTS))
    attributes = {name for element in svg.iter() for name in element.attrib}
    assert not {name for name in attributes if name == "style" or name.startswith("on")}
    assert not {element.tag for element in svg.iter()} & {"script", "style", "foreignObject"}


def test_words_in_a_chart_or_a_table_are_words() -> None:
    evil = '</title><script>alert("1")</script>&'
    chart = bar_chart("c", evil, evil, [(evil, Cell(7, 7))])
    svg = drawn("drawn", chart)
    assert {"title", "desc", "g", "text", "rect", "svg"} == {e.tag for e in svg.iter()}
    assert [e.text for e in svg.iter("title")] == [evil]
    table = Table(Kind.LOCALE, (evil,), (), (SMALL,), SMALL)
    assert evil in [e.text for e in drawn("listed", table, evil, {evil: evil}, evil, evil).iter()]


def test_a_table_names_its_rows_and_columns() -> None:
    row = Row("2026-W46", (SMALL, Cell(9, 9)), Cell(12, 12))
    totals = (Cell(0, 4, Mark.RANGE), Cell(9, 9))
    table = Table(Kind.LOCALE, ("th", "da"), (row,), totals, Cell(12, 12))
    page = drawn("listed", table, "By language", {"th": "Thai", "da": "Danish"}, "Week", "All")
    assert page.get("tabindex") == "0", "a wide table must scroll by keyboard"
    assert [e.text for e in page.iter("caption")] == ["By language"]
    heads = [(e.text, e.get("scope")) for e in page.iter("th")]
    columns = [(name, "col") for name in ("Week", "Thai", "Danish", "All")]
    assert heads == [*columns, ("2026-W46", "row"), ("All", "row")]
    assert [e.text for e in page.iter("td")] == ["<5", "9", "12", "0 to 4", "9", "12"]
