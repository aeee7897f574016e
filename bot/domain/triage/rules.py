"""A phrase, compiled: the places it is made of and what it is for."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum, auto

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One place in a phrase: one of several wordings, up to ``gap`` words, or an edge."""

    words: frozenset[str] = frozenset()  # wordings of one word
    wordings: Mapping[str, tuple[Phrase, ...]] = field(
        default_factory=dict
    )  # longer, by first word
    optional: bool = False
    gap: int = 0
    edge: str = ""

    @classmethod
    def of(cls, phrases: Iterable[Phrase]) -> "Slot":
        """Make a slot of wordings; an empty one makes it optional."""
        different = set(phrases)
        words = frozenset([phrase[0] for phrase in different if len(phrase) == 1])
        longer: dict[str, tuple[Phrase, ...]] = {}
        for phrase in [phrase for phrase in different if len(phrase) > 1]:
            longer[phrase[0]] = (*longer.get(phrase[0], ()), phrase)
        return cls(words, longer, optional=() in different)

    @property
    def is_needed(self) -> bool:
        """Tell whether one of its words must be there."""
        return not self.optional and bool(self.words or self.wordings)

    def firsts(self) -> Iterator[str]:
        """Yield what its wordings begin with; a word that also begins a longer one comes twice."""
        yield from self.words
        yield from self.wordings

    def may_stand_in(self, terms: AbstractSet[str]) -> bool:
        """Tell whether one of its wordings begins with one of some words."""
        return not (self.words.isdisjoint(terms) and self.wordings.keys().isdisjoint(terms))


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
    needed: tuple[Slot, ...]  # the slots that must be filled, rarest words first
