"""A phrase, compiled: the places it is made of and what it is for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One place in a phrase: one of several wordings, up to ``gap`` words, or an edge."""

    wordings: Mapping[str, tuple[Phrase, ...]] = field(default_factory=dict)  # by first word
    firsts: frozenset[str] = frozenset()
    optional: bool = False
    gap: int = 0
    edge: str = ""

    @classmethod
    def of(cls, phrases: Iterable[Phrase]) -> "Slot":
        """Make a slot of wordings; an empty one makes it optional."""
        wordings: defaultdict[str, list[Phrase]] = defaultdict(list)
        for phrase in sorted(set(phrases)):
            if phrase:
                wordings[phrase[0]].append(phrase)
        return cls(
            {first: tuple(group) for first, group in wordings.items()},
            frozenset(wordings),
            optional=() in phrases,
        )

    @property
    def keys(self) -> frozenset[str]:
        """The words one of which must be there; none if the slot may stay empty."""
        return frozenset() if self.optional else self.firsts


class Role(Enum):
    """What a phrase is for."""

    SAY = auto()
    NOT = auto()  # cancels what it overlaps
    PAST = auto()  # cancels `happened` phrases in its sentence
    STILL = auto()  # lifts PAST in its sentence
    ELSEWHERE = auto()  # cancels everything in its sentence: films, games, songs


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One phrase, compiled."""

    role: Role
    group: str  # empty: for the whole lexicon
    dated: bool  # may speak of the past
    slots: tuple[Slot, ...]
    needed: tuple[frozenset[str], ...]  # for each slot that must be filled, rarest words first
