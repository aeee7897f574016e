"""Makes what visitors wrote safe to look at: what cannot be seen becomes a mark that can.

Direction controls can turn a number or a sentence round, zero-width and tag characters can hide
words, and piles of accents can cover a page (security-reliability.md 3.3). Escaping for HTML is
the template's part; here it is decided which characters are shown as themselves.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# No channel takes a longer message (https://core.telegram.org/bots/api#sendmessage).
LONGEST = 4096
# Accents on one letter: Vietnamese and Thai need two or three.
_MOST_ACCENTS = 20
_JOINER = "\u200d"
# Controls, invisible format characters, lone surrogates, private use, separators of lines; and
# letters without a shape: Hangul fillers and the empty Braille cell.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_HIDDEN_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
_NONCHARACTERS = range(0xFDD0, 0xFDF0)
_LAST_TWO = 0xFFFE


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text: words to show as they are, or the ``mark`` of what cannot be seen."""

    text: str = ""
    mark: str = ""


def pieces(text: str) -> list[Piece]:
    """Cut a text into what can be seen and marks such as ``U+202E`` for what cannot."""
    cut = list(_pieces(text[:LONGEST]))
    if len(text) > LONGEST:
        cut.append(Piece(mark=f"+{len(text) - LONGEST}"))
    return cut


def _pieces(text: str) -> Iterator[Piece]:
    plain, accents = "", 0
    for place, letter in enumerate(text):
        is_accent = unicodedata.combining(letter) > 0 or unicodedata.category(letter) == "Me"
        accents = accents + 1 if is_accent else 0
        if accents > _MOST_ACCENTS:
            continue
        if not _is_hidden(text, place):
            plain += letter
            continue
        if plain:
            yield Piece(plain)
        plain = ""
        yield Piece(mark=f"U+{ord(letter):04X}")
    if plain:
        yield Piece(plain)


def _is_hidden(text: str, place: int) -> bool:
    letter = text[place]
    if letter in "\n\t" or (letter == _JOINER and _joins_pictures(text, place)):
        return False
    code = ord(letter)
    nothing = code in _NONCHARACTERS or code & _LAST_TWO == _LAST_TWO
    hidden = unicodedata.category(letter) in _HIDDEN_CATEGORIES or letter in _HIDDEN_LETTERS
    return nothing or hidden


def _joins_pictures(text: str, place: int) -> bool:
    """Tell whether a joiner stands between two pictures, as in the emoji of a family."""
    before, after = text[:place].rstrip("\ufe0f")[-1:], text[place + 1 : place + 2]
    return all(one and unicodedata.category(one) in ("So", "Sk") for one in (before, after))
