"""Cyrillic and Arabic letters as people type them with Latin ones.

Many visitors write their language on a keyboard that lacks its letters. Where both spellings fold
to nearly the same, what is learned from one serves the other. No standard is followed: the letter
is the one most often typed, and digits stand for Arabic sounds as in Arabizi. Measured:
docs/nlu.md.
"""

import re

_CYRILLIC = {
    **dict(zip("абвгґдеэзиіїйклмнопрстуфх", "abvggdeeziiiiklmnoprstufh", strict=True)),
    "є": "ie",
    "ж": "zh",
    "ё": "e",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "sht",
    "ъ": "a",
    "ы": "i",
    "ь": "",
    "ю": "iu",
    "я": "ia",
}
_ARABIC = {
    **dict(zip("ابتجحدذرزسصضطظعفقكلمنهوي", "abtj7ddrzssdtz3f9klmnhoi", strict=True)),
    "ث": "th",
    "خ": "kh",
    "ش": "sh",
    "غ": "gh",
    "ء": "",
    "ـ": "",
    # Forms of one letter, and the Persian ones that many phones type.
    **dict(zip("أإآٱةىئؤگکی", "aaaahiiokki", strict=True)),
}
_LETTERS = str.maketrans({**_CYRILLIC, **_ARABIC})
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670]")


def latin(text: str) -> str:
    """Return a text of small letters with its Cyrillic and Arabic ones in Latin."""
    return _ARABIC_MARKS.sub("", text).translate(_LETTERS)
