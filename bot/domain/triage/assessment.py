"""What a message calls for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.triage.book import Book
from bot.domain.triage.levels import CARE, DANGER, GROUPS, MERE, PLAIN, SIGNS, Flag, Level
from bot.domain.triage.lexicon import Lexicon
from bot.domain.triage.matching import Message


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a message calls for; ``screen`` is None where the meaning is left to the NLU unit.

    ``danger_words`` and ``self_harm_words`` tell of words that people use when they speak of
    danger. They leave level and screen as they are; ``unread`` and ``unread_screen`` are what they
    call for where nobody reads the meaning. ``locales`` are those whose words led to the screen, or
    without one those whose words were found.
    """

    level: Level = Level.GREY
    flags: frozenset[Flag] = frozenset()
    screen: str | None = None
    age: int | None = None
    danger_words: bool = False
    self_harm_words: bool = False
    unread: Level = Level.GREY
    unread_screen: str | None = None
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
    near = {screen for kind in (PLAIN, MERE) for name, screen in kind.items() if name in found}
    unread, unread_screen = _unread(message, found)
    return Assessment(
        level=max((outcome.level for outcome in outcomes), default=Level.GREY),
        flags=frozenset(outcome.flag for outcome in outcomes),
        screen=GROUPS[shown].screen if shown else None,
        age=message.age_in(found["minor"]) if "minor" in found else None,
        danger_words=DANGER in near,
        self_harm_words=CARE in near,
        unread=unread,
        unread_screen=unread_screen,
        locales=frozenset().union(*(message.locales[name] for name in heard)),
    )


def _unread(message: Message, found: Mapping[str, int]) -> tuple[Level, str | None]:
    """Return what words near danger call for where nobody reads the meaning of the text."""
    plain = [screen for name, screen in PLAIN.items() if name in found]
    if plain:
        return Level.RED, plain[0]
    mere = [screen for name, screen in MERE.items() if name in found]
    words = 0
    for name in MERE:
        words |= found.get(name, 0)
    return (Level.ORANGE, mere[0]) if mere and message.tells_in(words) else (Level.GREY, None)
