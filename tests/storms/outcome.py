"""What a storm did, and what of its promise did not hold."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# More lines than these tell nobody anything.
_TOLD = 10


@dataclass(slots=True)
class Outcome:
    """Figures of a storm, and what missed the bar: nothing, if the promise holds."""

    figures: dict[str, float] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what does not hold."""
        if not holds and len(self.missed) < _TOLD:
            self.missed.append(otherwise)

    def count(self, name: str, by: float = 1) -> None:
        """Add to a figure."""
        self.figures[name] = self.figures.get(name, 0) + by


@dataclass(frozen=True, slots=True)
class Storm:
    """One promise and what is done to it.

    ``run`` is given how many times, an empty folder and a seed. ``small`` is the size for every
    change, ``full`` that of the promise.
    """

    name: str
    promises: str
    what: str
    small: int
    full: int
    run: Callable[[int, Path, int], Outcome]
