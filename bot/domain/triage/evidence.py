"""The level and the screen that words and meaning together call for (``docs/triage.md``).

Order of evidence (ux.md 2.1): explicit words, then words near danger with a meaning that confirms
them or, where nobody read it, what the words call for unread, then the meaning. The classifier
alone makes nothing red and lowers nothing that explicit words say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.triage.assessment import Assessment
from bot.domain.triage.levels import CARE, DANGER, Level

# What the meaning alone may offer (the levels are those of ux.md, table 2.2).
_INTENT_LEVELS: Final[Mapping[str, Level]] = {
    "danger_now": Level.ORANGE,
    "suicide": Level.ORANGE,
    "minor": Level.ORANGE,
    "threats_family": Level.ORANGE,
    "leaving_soon": Level.ORANGE,
    "documents_taken": Level.YELLOW,
    "unpaid_work": Level.YELLOW,
    "debt": Level.YELLOW,
    "forced_sex": Level.YELLOW,
    "talk_to_human": Level.YELLOW,
}
# Words near danger and a meaning at least this likely are red together. Measured: docs/nlu.md.
_LIKELY: Final = 0.12


@dataclass(frozen=True, slots=True)
class Understanding:
    """What triage and, where it was asked, the NLU unit made of a text.

    ``locale`` is the language it found, "" where it knows too few of the words. ``danger`` and
    ``self_harm`` are the chances that the text tells of a danger, or of an act of self-harm, that
    is now; ``danger_words`` tells whether the unit's dictionaries know a word of it for such.
    """

    assessment: Assessment
    intent: str = ""
    ranking: tuple[tuple[str, float], ...] = ()
    outcomes: tuple[str, ...] = ()
    locale: str = ""
    locale_confidence: float = 0.0
    danger: float = 0.0
    self_harm: float = 0.0
    danger_words: bool = False

    @property
    def near_danger(self) -> bool:
        """Tell whether the text holds words that people use when they tell of danger."""
        found = self.assessment
        return found.danger_words or found.self_harm_words or self.danger_words

    @property
    def is_read(self) -> bool:
        """Tell whether the unit read it."""
        return bool(self.intent)


def offered_level(understanding: Understanding) -> Level:
    """Return the level a text calls for; nothing lowers what explicit words say.

    Where nobody read the meaning, words near danger count as unread.
    """
    if confirmed_danger(understanding):
        return Level.RED
    found = understanding.assessment
    meaning = _INTENT_LEVELS.get(understanding.intent, Level.GREY)
    return max(found.level, meaning, Level.GREY if understanding.is_read else found.unread)


def confirmed_danger(understanding: Understanding) -> str | None:
    """Return the screen for danger that two evidences show: words, and what the text means."""
    danger, self_harm = understanding.danger, understanding.self_harm
    if understanding.near_danger and danger + self_harm >= _LIKELY:
        return CARE if self_harm > danger else DANGER
    return None


def first_screen(understanding: Understanding) -> str | None:
    """Return the screen that danger calls for before anything else; None where there is none.

    Explicit words come first, then words and meaning together, then, where nobody read the
    meaning, plain phrases of danger, and last mere words. The question about age stands behind all
    of these.
    """
    found = understanding.assessment
    if found.level is Level.RED:
        return found.screen
    if confirmed := confirmed_danger(understanding):
        return confirmed
    if understanding.is_read:
        return found.screen
    if found.unread is Level.RED or found.screen in (None, "utter_minor_check"):
        return found.unread_screen or found.screen
    return found.screen
