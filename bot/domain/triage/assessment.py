"""What a message calls for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.triage.book import Book
from bot.domain.triage.levels import GROUPS, Flag, Level
from bot.domain.triage.lexicon import Lexicon
from bot.domain.triage.matching import Message


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a message calls for; ``screen`` is None where the meaning is left to the NLU unit.

    ``locales`` are those whose words led to the screen.
    """

    level: Level = Level.GREY
    flags: frozenset[Flag] = frozenset()
    screen: str | None = None
    age: int | None = None
    locales: frozenset[str] = field(default=frozenset(), compare=False)


def assess(text: str, lexicons: Sequence["Lexicon"]) -> Assessment:
    """Read one message with every lexicon and return the most urgent reading of it.

    Pure and total: any text gives an answer, and no text is kept.
    """
    message = Message(Book.of(tuple(lexicons)), text)
    found = message.found()
    outcomes = [outcome for name, outcome in GROUPS.items() if name in found]
    shown = next((name for name, outcome in GROUPS.items() if name in found and outcome.screen), "")
    return Assessment(
        level=max((outcome.level for outcome in outcomes), default=Level.GREY),
        flags=frozenset(outcome.flag for outcome in outcomes),
        screen=GROUPS[shown].screen if shown else None,
        age=message.age_in(found["minor"]) if "minor" in found else None,
        locales=frozenset(message.locales.get(shown, ())),
    )
