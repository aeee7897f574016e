"""B23: random months of talks; what the exports of two months show tells on nobody.

The adversary has every file there is of both months, of all kinds and of two days of export, and
adds and subtracts for as long as it leads anywhere.
"""

import csv
import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from pathlib import Path

from bot.domain.figures import (
    LEAST,
    WAIT_OF,
    Counters,
    Kind,
    counted,
    finished_weeks,
    table,
    to_csv,
)
from bot.domain.handover import Close, Handover, Referral, State, Topic
from bot.domain.handover import Outcome as Ending
from bot.domain.messages import ConversationId
from bot.domain.triage import Level
from tests.storms.outcome import Outcome

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEKS = finished_weeks(NOW, 9)
# Two months that share a week, as calendar months do; and all of it.
SPANS = (WEEKS[:5], WEEKS[4:], WEEKS)
LOCALES = ("en", "da", "ro", "th", "vi", "uk")
# A hidden count could be any of at least so many numbers.
CHOICES = 3
# Files that contradict one another would lead on for ever.
MOST_ROUNDS = 50
Place = tuple[str, str, str]
Range = tuple[float, float]


def talks(chance: random.Random) -> dict[str, list[Handover]]:
    """Invent the talks of nine weeks: a few or many, alike or mixed."""
    many = chance.choice([0, 2, 5, 8, 20, 60])
    weights = {
        kind: [chance.choice([0, 1, 1, 5, 40]) + 0.01 for _ in kind]
        for kind in (LOCALES, tuple(Level), tuple(Ending), tuple(Referral), tuple(Topic))
    }

    def draw(kind: Sequence[object]) -> object:
        return chance.choices(kind, weights[tuple(kind)])[0]  # type: ignore[index]

    def talk() -> Handover:
        asked = NOW - timedelta(days=1)
        answered = asked + timedelta(minutes=chance.choice([1, 5, 30, 90]))
        return Handover(
            ConversationId("0" * 32),
            State.CLOSED,
            draw(tuple(Level)),  # type: ignore[arg-type]
            draw(LOCALES),  # type: ignore[arg-type]
            offered_at=asked,
            asked_at=asked,
            answered_at=chance.choice([answered, answered, None]),
            close=Close(draw(tuple(Ending)), draw(tuple(Referral)), draw(tuple(Topic))),  # type: ignore[arg-type]
        )

    return {week: [talk() for _ in range(chance.randint(0, many))] for week in WEEKS}


def count(every: Mapping[str, Sequence[Handover]]) -> Counters:
    """Count them as the store does."""
    counters: Counter[Place] = Counter()
    for week, some in every.items():
        for one in some:
            counters.update((week, kind, value) for kind, value in counted(one).items())
    return counters


class Adversary:
    """Reads files and narrows down what each hidden count can be."""

    def __init__(self) -> None:
        self.known: dict[Place, Range] = {}
        self.hidden: set[Place] = set()
        self._sums: list[tuple[list[Place], Range]] = []

    def read(self, kind: Kind, file: str) -> None:
        """Take a file in."""
        header, *lines, last = csv.reader(io.StringIO(file))
        values = header[1:-1]
        for week, *cells, total in lines:
            places = [(week, str(kind), value) for value in values]
            for place, text in zip(places, cells, strict=True):
                self._learn(place, text)
            whole = (week, str(kind), "total")
            self._learn(whole, total)
            self._equal(places, whole)
        weeks = [line[0] for line in lines]
        for value, text in zip(values, last[1:-1], strict=True):
            self._sums.append(([(week, str(kind), value) for week in weeks], _range(text)))

    def _learn(self, place: Place, text: str) -> None:
        low, high = self.known.get(place, (0, inf))
        found = _range(text)
        self.known[place] = max(low, found[0]), min(high, found[1])
        if not text.isdecimal():
            self.hidden.add(place)

    def _equal(self, parts: Sequence[Place], whole: Place) -> None:
        self._sums.append(([*parts, _minus(whole)], (0, 0)))

    def think(self) -> None:
        """Use that all kinds count the same talks, then every sum until nothing new comes out."""
        weeks = {week for week, _, _ in self.known}
        for week in weeks:
            kinds = [kind for kind in Kind if kind not in WAIT_OF.values()]
            for one, two in pairwise(kinds):
                self._equal([(week, one, "total")], (week, two, "total"))
            for level, kind in WAIT_OF.items():
                self._equal([(week, Kind.LEVEL, level.name.lower())], (week, kind, "total"))
        before: dict[Place, Range] = {}
        for _ in range(MOST_ROUNDS):
            if before == self.known:
                return
            before = dict(self.known)
            for places, (low, high) in self._sums:
                self._narrow(places, low, high)

    def _narrow(self, places: Sequence[Place], low: float, high: float) -> None:
        ranges = [self._of(place) for place in places]
        lows, highs = sum(r[0] for r in ranges), sum(r[1] for r in ranges)
        for place, (mine_low, mine_high) in zip(places, ranges, strict=True):
            others_low, others_high = lows - mine_low, highs - mine_high
            if highs == inf and mine_high == inf:
                others_high = sum(r[1] for p, r in zip(places, ranges, strict=True) if p != place)
            if lows == -inf and mine_low == -inf:
                others_low = sum(r[0] for p, r in zip(places, ranges, strict=True) if p != place)
            found = max(mine_low, low - others_high), min(mine_high, high - others_low)
            self._set(place, found)

    def _of(self, place: Place) -> Range:
        if not place[2].startswith("-"):
            return self.known[place]
        low, high = self.known[place[0], place[1], place[2][1:]]
        return -high, -low

    def _set(self, place: Place, found: Range) -> None:
        if place[2].startswith("-"):
            place, found = (place[0], place[1], place[2][1:]), (-found[1], -found[0])
        self.known[place] = found


def _minus(place: Place) -> Place:
    return place[0], place[1], f"-{place[2]}"


def _range(text: str) -> Range:
    if text == f"<{LEAST}":
        return 0, LEAST - 1
    if text == "*":
        return 0, inf
    low, _, high = text.partition(" to ")
    return int(low), int(high or low)


def run(times: int, _folder: Path, number: int) -> Outcome:
    """Invent data sets and let the adversary at their exports."""
    outcome, chance = Outcome(), random.Random(number)
    for _ in range(times):
        counters = count(talks(chance))
        adversary = Adversary()
        for kind, file in _files(counters):
            adversary.read(kind, file)
        _judge(counters, adversary, outcome)
        outcome.count("data sets")
    return outcome


def _files(counters: Counters) -> Iterator[tuple[Kind, str]]:
    """Return every file of both months, of today and of a week before."""
    for kind in Kind:
        for weeks in SPANS:
            for now in (NOW, NOW - timedelta(weeks=1)):
                yield kind, to_csv(table(kind, counters, weeks, now, locales=LOCALES))


def _judge(counters: Counters, adversary: Adversary, outcome: Outcome) -> None:
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for (week, kind, _), number in counters.items():
        totals[week, kind] += number
    open_before = dict(adversary.known)
    for place, found in open_before.items():
        week, kind, value = place
        true = totals[week, kind] if value == "total" else counters.get(place, 0)
        outcome.count("cells")
        outcome.count("small cells", true < LEAST)
        outcome.expect(found[0] <= true <= found[1], f"{place} shows what is not true")
        outcome.expect(true >= LEAST or place in adversary.hidden, f"{place} shows a small count")
    adversary.think()
    for place in adversary.hidden:
        low, high = adversary.known[place]
        outcome.expect(high - low >= CHOICES - 1, f"{place} can only be {low} to {high}")
