"""Triage of one message: explicit danger words, offline, before anything else looks at it.

``Lexicon.from_mapping`` compiles the phrases of one locale (``locales/<locale>/triage.yml``, in the
notation of ``docs/triage.md``). ``assess`` reads a message with all lexicons at once, because a
person may write another language than they chose. ``offered_level`` and ``first_screen`` join that
with what the NLU unit makes of the text.

How it works. Text and phrases go through the same normalisation and are cut into words. A phrase
is tried only if its rarest word is in the message, and then from all places at once (``Message``).
So time grows with the length of the text and nothing else; no regular expression can backtrack.

Nothing of a message is kept between calls, logged, or put in an error.
"""

from bot.domain.errors import LexiconError
from bot.domain.triage.ages import OLDEST_MINOR, YOUNGEST
from bot.domain.triage.assessment import Assessment, assess
from bot.domain.triage.evidence import (
    Understanding,
    confirmed_danger,
    first_screen,
    offered_level,
)
from bot.domain.triage.levels import CARE, DANGER, Flag, Level
from bot.domain.triage.lexicon import Lexicon
from bot.domain.triage.matching import TEXT_LIMIT

__all__ = [
    "CARE",
    "DANGER",
    "OLDEST_MINOR",
    "TEXT_LIMIT",
    "YOUNGEST",
    "Assessment",
    "Flag",
    "Level",
    "Lexicon",
    "LexiconError",
    "Understanding",
    "assess",
    "confirmed_danger",
    "first_screen",
    "offered_level",
]
