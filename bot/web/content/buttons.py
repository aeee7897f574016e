"""The rows of buttons of a screen's form: read, moved, and the places they may lead to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData

from bot.domain.content import Value
from bot.services.content import Served

_MOVE = re.compile(r"(?P<way>up|down|remove)-(?P<row>[0-9]{1,2})")
_FIRST_WORDS = 48
# More than any screen has; what is sent beyond it was not typed into a form.
_MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Target:
    """Where a button may lead: ``to`` is what its tap says, ``words`` what is found there."""

    to: str
    words: str


def targets(served: Served) -> tuple[Sequence[Target], Sequence[Target]]:
    """Return all screens, and all else that some button does: actions, and values it carries."""
    deck = served.deck
    screens = [Target(one.id, one.text[:_FIRST_WORDS]) for one in deck.screens.values()]
    every = [*deck.fixed_row, *(b for one in deck.screens.values() for b in one.buttons)]
    more: dict[str, str] = {}
    for button in every:
        if button.tap.values or button.tap.to not in deck:
            more.setdefault(button.tap.encode(), button.label)
    return screens, [Target(to, label) for to, label in sorted(more.items())]


def read_rows(form: FormData) -> list[tuple[str, str]]:
    """Return label and tap of each row of a form; rows that were left empty are gone."""
    labels, taps = (list(map(str, form.getlist(name))) for name in ("label", "to"))
    rows = [
        (label.strip(), to.strip()) for label, to in zip(labels, taps, strict=False) if label or to
    ]
    return rows[:_MOST_ROWS]


def moved(rows: list[tuple[str, str]], step: str) -> list[tuple[str, str]]:
    """Do what a button beside a row says: ``up-2``, ``down-2``, ``remove-2``; rows count from 0."""
    found = _MOVE.fullmatch(step)
    if found is None or int(found["row"]) >= len(rows):
        return rows
    at, rows = int(found["row"]), list(rows)
    if found["way"] == "remove":
        del rows[at]
        return rows
    to = at - 1 if found["way"] == "up" else at + 1
    if 0 <= to < len(rows):
        rows[at], rows[to] = rows[to], rows[at]
    return rows


def written(rows: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Return rows as the buttons of a screen's value."""
    return [_button(label, *to.split(" ", 1)) for label, to in rows]


def _button(label: str, to: str, pairs: str = "") -> dict[str, str]:
    return {"label": label, "to": to} | ({"set": pairs} if pairs else {})


def rows_of(value: Value) -> list[tuple[str, str]]:
    """Return the rows of a screen's value."""
    return [(str(one["label"]), _tap(one)) for one in value.get("buttons", ())]


def _tap(one: Mapping[str, Any]) -> str:
    return f"{one['to']} {one.get('set', '')}".strip()
