"""Bar charts of figures, drawn as inline SVG by templates/_chart.html: no script, no inline style.

A chart repeats what the table next to it says; whoever cannot see it reads the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.figures import Cell, Mark

# In units of the drawing, which is as wide as its column: on a phone one is about a pixel.
WIDTH = 360
LINE = 48
_BAR = 280


@dataclass(frozen=True, slots=True)
class Bar:
    """One count. ``sure`` is as long as it is for certain, ``open`` as much longer as it may be."""

    label: str
    text: str
    top: int
    sure: float
    open: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its name and what it shows in words; ``id`` is unique on its page."""

    id: str
    title: str
    description: str
    width: int
    height: int
    bars: tuple[Bar, ...]


def bar_chart(id_: str, title: str, description: str, counts: Sequence[tuple[str, Cell]]) -> Chart:
    """Lay out a bar for each labelled count; the longest reaches the edge.

    A hidden count has no bar of any length: one as long as it may be would be read as a count.
    """
    longest = max((cell.high for _, cell in counts if _has_length(cell)), default=0)
    scale = _BAR / longest if longest else 0.0
    bars = tuple(
        _bar(label, cell, top=line * LINE, scale=scale if _has_length(cell) else 0.0)
        for line, (label, cell) in enumerate(counts)
    )
    return Chart(id_, title, description, WIDTH, len(counts) * LINE, bars)


def _bar(label: str, cell: Cell, *, top: int, scale: float) -> Bar:
    sure, whole = round(cell.low * scale, 1), round(cell.high * scale, 1)
    return Bar(label, cell.text, top, sure, round(whole - sure, 1))


def _has_length(cell: Cell) -> bool:
    return cell.mark in (Mark.SHOWN, Mark.RANGE)
