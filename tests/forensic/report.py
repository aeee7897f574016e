"""What is held against the bars, and how it is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from tests.forensic.canaries import Canary, Songbook, Stay
from tests.forensic.house import channel_of
from tests.forensic.run import MOMENTS, Outcome, Plan
from tests.forensic.search import labels

# The share of what is stored that the search must find where nothing is sealed.
SENSITIVE = 0.99


@dataclass(frozen=True, slots=True)
class Control:
    """What the search finds where nothing is sealed. Below the bar, the whole test is void."""

    stored: int
    found: int
    never: int
    missed: tuple[str, ...]

    @classmethod
    def of(cls, outcome: Outcome) -> "Control":
        """Count at T1, when everything that is kept is there; ``never`` over all moments."""
        stored = _expected(outcome.plan, Stay.KEPT)
        found = outcome.moments[0].canaries & stored
        ever = set[Canary]().union(*(moment.canaries for moment in outcome.moments))
        missed = {canary.label for canary in stored - found}
        unwanted = ever & _expected(outcome.plan, Stay.NEVER)
        return cls(len(stored), len(found), len(unwanted), tuple(sorted(missed)))

    @property
    def share(self) -> float:
        """Return the share of what is stored that was found."""
        return self.found / self.stored

    @property
    def holds(self) -> bool:
        """Tell whether the search is sensitive, and what must not be written was not."""
        return self.share >= SENSITIVE and not self.never


def failures(outcome: Outcome) -> Iterator[str]:
    """Yield what misses a bar in a sealed run."""
    for moment in outcome.moments:
        name = MOMENTS[moment.name]
        if moment.canaries:
            yield f"{name}: {len(moment.canaries)} canaries are readable"
        if moment.opened:
            yield f"{name}: {moment.opened} records of who is gone open with the keys there are"
        if moment.readable != moment.alive:
            found = f"{moment.readable} of {moment.alive}"
            yield f"{name}: the keys open {found} live conversations, so the trial proves nothing"
        if moment.old_keys:
            yield f"{name}: {moment.old_keys} copies of old key-encryption keys are left"


def as_text(outcome: Outcome) -> str:
    """Return a run in words."""
    plan = outcome.plan
    head = ", ".join(
        (
            "PostgreSQL" if plan.postgres else "SQLite",
            plan.level,
            "sealed" if plan.sealed else "CONTROL with nothing sealed",
            f"{plan.conversations} conversations",
            f"{outcome.canaries} canaries",
            f"{outcome.places} places",
            f"{outcome.logged} log lines",
            f"{plan.kills} kills",
            f"NLU unit {'running' if plan.nlu else 'absent'}",
        )
    )
    lines = [head]
    for moment in outcome.moments:
        line = (
            f"  {MOMENTS[moment.name]}: {len(moment.canaries)} found in {moment.megabytes:.1f} MB"
        )
        if plan.sealed:
            line += (
                f"; {moment.opened} opened of who is gone, {moment.readable}/{moment.alive} live"
            )
        lines.append(f"{line} ({moment.seconds:.1f} s)")
        if plan.sealed or moment.name == "live":
            lines += _where(moment)
    if plan.sealed:
        lines.append(f"  {outcome.copied} sealed values tried")
    else:
        control = Control.of(outcome)
        lines.append(f"  control: {control.found} of {control.stored} stored = {control.share:.1%}")
        lines.append(f"  missed: {', '.join(control.missed) or 'nothing'}")
        lines.append(f"  found of what must never be written: {control.never}")
    return "\n".join(lines)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return a run as data, without a canary."""
    return {
        "database": "postgresql" if outcome.plan.postgres else "sqlite",
        "level": outcome.plan.level,
        "sealed": outcome.plan.sealed,
        "nlu": outcome.plan.nlu,
        "conversations": outcome.plan.conversations,
        "canaries": outcome.canaries,
        "copied": outcome.copied,
        "moments": [
            {
                "name": moment.name,
                "found": len(moment.canaries),
                "megabytes": round(moment.megabytes, 1),
                "opened": moment.opened,
                "live": moment.alive,
                "live_opened": moment.readable,
                "old_keys": moment.old_keys,
                "places": {place: labels(hits) for place, hits in moment.hits.items() if hits},
            }
            for moment in outcome.moments
        ],
    }


def _where(moment: Any) -> Iterator[str]:
    for place, hits in moment.hits.items():
        for label, number in labels(hits).items():
            yield f"    {place}: {label}: {number}"


def _expected(plan: Plan, stay: Stay) -> set[Canary]:
    """Return the canaries of one kind of stay."""
    songs = Songbook(plan.seed)
    sung = (songs.all_of(number, channel_of(number)) for number in range(plan.conversations))
    return {canary for canary in chain.from_iterable(sung) if canary.stay is stay}
