"""What a message calls for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.triage.book import Book
from bot.domain.triage.levels import DANGER_WORDS, GROUPS, SELF_HARM_WORDS, SIGNS, Flag, Level
from bot.domain.triage.lexicon import Lexicon
from bot.domain.triage.matching import Message


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a message calls for; ``screen`` is None where the meaning is left to the NLU unit.

    ``danger_words`` and ``self_harm_words`` tell of words that people use when they speak of
    danger. Alone they leave level and screen as they are. ``locales`` are those whose words led
    to the screen, or without one those whose words were found.
    """

    level: Level = Level.GREY
    flags: frozenset[Flag] = frozenset()
    screen: str | None = None
    age: int | None = None
    danger_words: bool = False
    self_harm_words: bool = False
    locales: frozenset[str] = field(default=frozenset(), compare=False)


def assess(text: str, lexicons: Sequence["Lexicon"]) -> Assessment:
    """Read one message with every lexicon and return the most urgent reading of it.

    Pure and total: any text gives an answer, and no text is kept.
    """
    message = Message(Book.of(tuple(lexicons)), text)
    found = message.found()
    outcomes = [outcome for name, outcome in GROUPS.items() if name in found]
    shown = next((name for name, outcome in GROUPS.items() if name in found and outcome.screen), "")
    heard = [shown] if shown else [name for name in SIGNS if name in found]
    return Assessment(
        level=max((outcome.level for outcome in outcomes), default=Level.GREY),
        flags=frozenset(outcome.flag for outcome in outcomes),
        screen=GROUPS[shown].screen if shown else None,
        age=message.age_in(found["minor"]) if "minor" in found else None,
        danger_words=DANGER_WORDS in found,
        self_harm_words=SELF_HARM_WORDS in found,
        locales=frozenset().union(*(message.locales[name] for name in heard)),
    )
