"""Texts in a language that Havn does not speak."""

import re
import unicodedata
from typing import Final

from bot.domain.triage import Understanding

# The scripts of the fourteen languages, as Unicode names letters.
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "ARABIC", "THAI")
_WORD: Final = re.compile(r"[^\W\d_]+")
# Fewer words that nobody knows may be names, a cry, slips of the keys, or rare ones of ours.
_WORDS: Final = 4


def is_foreign(text: str, understanding: Understanding) -> bool:
    """Tell whether a text is in no language of ours.

    Letters that none of them has show it, read or not. Elsewhere the NLU unit does, which names no
    locale where it knows less than half of the words.
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", text))
    letters = "".join(words)
    strange = sum(not unicodedata.name(one, "").startswith(_SCRIPTS) for one in letters)
    if strange * 2 > len(letters):
        return True
    return understanding.is_read and not understanding.locale and len(words) >= _WORDS
