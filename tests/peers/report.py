"""What was measured, as one table with a column for each program, and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.commands.bench.report import percentile
from tests.peers.measure import Size, Speed
from tests.peers.mishaps import Outcome, Trials
from tests.peers.turns import Turns

# Of the issue this was built for: a turn of Havn's unit against one of stock Rasa's server.
TIMES_STOCK = 8.0
_NOTHING = "–"
Row = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Told:
    """What one program did, in numbers."""

    name: str
    speed: Speed
    outcome: Outcome


@dataclass(slots=True)
class Side:
    """The whole run. Without stock Rasa there are no ``turns``."""

    size: Size
    trials: Trials
    machine: Mapping[str, Any]
    told: list[Told] = field(default_factory=list)
    turns: Turns | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Tell whether Havn's turn is as many times faster than stock Rasa's as was promised."""
        return self.turns is None or _times(self.turns.rest, self.turns.own) >= TIMES_STOCK

    def as_json(self) -> dict[str, Any]:
        """Return all figures; seconds unless the name says otherwise."""
        return {
            "held": self.held,
            "programs": {one.name: _speed(one.speed) | _outcome(one.outcome) for one in self.told},
            "turns": _turns(self.turns) if self.turns else None,
            "notes": self.notes,
            "machine": dict(self.machine),
        }

    def show(self) -> None:
        """Print the tables."""
        console = Console()
        table = Table("", *(one.name for one in self.told), title="Side by side, on Telegram")
        for label, cells in rows(self):
            table.add_row(label, *cells)
        console.print(table)
        if self.turns:
            turns = Table("", "p50", "p95", "p99", "times the first", title="One turn, alone (ms)")
            for label, waits in lanes(self.turns).items():
                cells = [f"{percentile(waits, part) * 1000:.2f}" for part in (0.5, 0.95, 0.99)]
                turns.add_row(label, *cells, f"{_times(waits, self.turns.own):.1f}")
            console.print(turns)
        for note in self.notes:
            console.print(f"- {note}")
        for name, value in self.machine.items():
            console.print(f"[dim]{name}: {value}[/]")


def rows(side: Side) -> list[Row]:
    """Return a line for each figure."""
    trials = side.trials
    speeds, outcomes = [one.speed for one in side.told], [one.outcome for one in side.told]
    return [
        ("start to first answer, s", [f"{s.start:.1f}" for s in speeds]),
        (
            "start to free text, s",
            [_NOTHING if s.understands is None else f"{s.understands:.1f}" for s in speeds],
        ),
        (
            f"update to reply at {side.size.rate:g} a second, p50 / p95 / p99 ms",
            [_three(s.waits) for s in speeds],
        ),
        ("not answered then", [f"{s.unanswered} of {side.size.visitors}" for s in speeds]),
        ("processor time for each, ms", [f"{s.processor * 1000:.0f}" for s in speeds]),
        (f"answers a second, {side.size.visitors} at once", [f"{s.crowd:.0f}" for s in speeds]),
        ("not answered then", [f"{s.crowd_unanswered} of {side.size.visitors}" for s in speeds]),
        ("most messages sent in a second (Telegram: 30)", [f"{s.busiest}" for s in speeds]),
        ("memory of all processes, MiB", [f"{s.memory_mib:.0f}" for s in speeds]),
        (
            "the same update again: answered again",
            [f"{o.repeats_answered_twice} of {trials.repeats}" for o in outcomes],
        ),
        (
            "reply refused for a second (429): never came",
            [f"{o.refused_lost} of {trials.refusals}" for o in outcomes],
        ),
        (
            "killed at the first of many answers: never answered",
            [f"{o.lost} of {trials.kills}" for o in outcomes],
        ),
        ("- of these, message stored nowhere", [f"{o.unstored}" for o in outcomes]),
        ("- answered twice", [f"{o.doubled} of {trials.kills}" for o in outcomes]),
        (
            "two of the staff at once: both got the visitor",
            [
                _NOTHING
                if o.contests_with_two is None
                else f"{o.contests_with_two} of {trials.contests}"
                for o in outcomes
            ],
        ),
        ("stands in its files in plain", [_places(o.found) for o in outcomes]),
    ]


def lanes(turns: Turns) -> dict[str, Sequence[float]]:
    """Return who took part in the comparison of turns; the first is what others are held to."""
    named = {
        "Havn's unit, same share": turns.own,
        "Havn's unit, all languages": turns.whole,
        "stock Rasa, REST": turns.rest,
        "stock Rasa, parse_message in process": turns.parse,
    }
    return {name: waits for name, waits in named.items() if waits}


def _three(waits: Sequence[float]) -> str:
    if not waits:
        return _NOTHING
    return " / ".join(f"{percentile(waits, part) * 1000:.0f}" for part in (0.5, 0.95, 0.99))


def _places(found: Mapping[str, Sequence[str]]) -> str:
    return "\n".join(f"{label}: {', '.join(files)}" for label, files in found.items()) or "nothing"


def _times(waits: Sequence[float], own: Sequence[float]) -> float:
    return median(waits) / median(own)


def _parts(waits: Sequence[float]) -> dict[str, float]:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99} if waits else {}
    return {name: round(percentile(waits, part) * 1000, 3) for name, part in shares.items()}


def _speed(speed: Speed) -> dict[str, Any]:
    return {
        "start": round(speed.start, 2),
        "understands": speed.understands and round(speed.understands, 2),
        "reply_ms": _parts(speed.waits),
        "unanswered": speed.unanswered,
        "processor_ms": round(speed.processor * 1000, 1),
        "crowd_per_second": round(speed.crowd, 1),
        "crowd_unanswered": speed.crowd_unanswered,
        "busiest_second": speed.busiest,
        "memory_mib": round(speed.memory_mib),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "repeats_answered_twice": outcome.repeats_answered_twice,
        "refused_lost": outcome.refused_lost,
        "contests_with_two": outcome.contests_with_two,
        "killed_lost": outcome.lost,
        "killed_unstored": outcome.unstored,
        "killed_doubled": outcome.doubled,
        "found": {label: list(files) for label, files in outcome.found.items()},
    }


def _turns(turns: Turns) -> dict[str, Any]:
    return {
        name: _parts(waits) | {"times_own": round(_times(waits, turns.own), 2)}
        for name, waits in lanes(turns).items()
    }
