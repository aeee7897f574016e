"""What a text looks like to the classifiers: normal form, tokens, n-grams.

Pure functions, standard library only. They serve every script: words where a script writes spaces,
single written characters where it does not (Thai, Khmer, Lao, Burmese, Chinese, Japanese).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from havn_nlu.latin import latin

MAX_CHARACTERS = 1000

# Letters that keep their meaning for a reader but do not decompose into letter + mark.
_FOLDED_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "\u0131": "i", "þ": "th"}
)
_SPACELESS = (
    r"\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u0f00-\u0fff"
    r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f"
)
# Marks written over, under or around a base character in the spaceless scripts above.
_SPACELESS_MARKS = (
    r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"
    r"\u102b-\u103e\u1056-\u1059\u17b4-\u17d3\u0f71-\u0f84"
)
_RUN = re.compile(
    rf"(?P<spaceless>[{_SPACELESS}]+)"
    # [^\W_] leaves out the marks of Arabic, Hebrew and the Indic scripts, which belong to words.
    rf"|(?P<word>[^\W_{_SPACELESS}]+"
    rf"(?:[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff][^\W_{_SPACELESS}]*)*)"
    # Signs people answer with: a question mark in any script, emoji and pictographs.
    r"|(?P<sign>[?\u2600-\u27bf\U0001f000-\U0001faff])"
)
_WRITTEN_CHARACTER = re.compile(rf"[{_SPACELESS}][{_SPACELESS_MARKS}]*")
_APOSTROPHES = re.compile(r"(?<=\w)['`\u00b4\u02bc\u2019](?=\w)")
_LETTER_BY_LETTER = re.compile(r"(?<!\w)[^\W\d_](?: [^\W\d_]){3,}(?!\w)")
_VOWELS = re.compile("[aeiouy0-9]")
_THREE_OR_MORE = re.compile(r"([^\W\d_])\1{2,}")


def clean(raw: str) -> str:
    """Make a visitor's text safe to hand to Rasa: no controls, no command slash, limited length.

    Rasa takes a text that begins with a slash for an intent typed by a developer.
    """
    visible = "".join(
        " " if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} else character
        for character in raw[:MAX_CHARACTERS]
    )
    return visible.lstrip("/ \t\u00a0\u3000\ufeff\u200b").strip()


def normalise(text: str) -> str:
    """Bring a text to one written form: width, case, digits, invisible characters, long vowels.

    A word typed letter by letter is joined.
    """
    composed = unicodedata.normalize("NFKC", text).casefold()
    joined = _APOSTROPHES.sub("", composed.translate(_PLAINLY))
    joined = _LETTER_BY_LETTER.sub(lambda spelt: spelt.group().replace(" ", ""), joined)
    return _THREE_OR_MORE.sub(r"\1\1", joined)


class _Plainly(dict[int, str]):
    """What is written for each character, worked out once: plain digits, nothing invisible."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            self[code] = str(unicodedata.decimal(character))
        elif character == "؟":
            self[code] = "?"
        elif character == "\u200b":  # zero-width space: where Thai and Khmer may break a line
            self[code] = " "
        else:
            self[code] = "" if category == "Cf" else character
        return self[code]


_PLAINLY = _Plainly()


def fold(text: str) -> str:
    """Bring a normalised text to plain Latin letters, as many people type it; Thai stays."""
    if text.isascii():
        return text
    kept = [
        character
        for character in unicodedata.normalize("NFD", text)
        if not "\u0300" <= character <= "\u036f"
    ]
    return latin(unicodedata.normalize("NFC", "".join(kept)).translate(_FOLDED_LETTERS))


def runs(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield (kind, start, run) for a normalised text; kind is spaceless, word or sign."""
    for match in _RUN.finditer(text):
        yield str(match.lastgroup), match.start(), match.group()


def is_spaceless(text: str) -> bool:
    """Tell whether a text begins in a script without spaces."""
    match = _RUN.match(text)
    return bool(match) and match.lastgroup == "spaceless"


def tokens(text: str) -> list[tuple[str, int]]:
    """Split a normalised text into (token, start): words, signs, written characters."""
    return _tokens(runs(text))


def _tokens(found_runs: Iterable[tuple[str, int, str]]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for kind, start, run in found_runs:
        if kind == "spaceless":
            found.extend(
                (match.group(), start + match.start()) for match in _WRITTEN_CHARACTER.finditer(run)
            )
        else:
            found.append((run, start))
    return found


def ngrams(
    text: str, *, words: int, pieces: Callable[[str], list[str]]
) -> tuple[list[str], list[str]]:
    """Return the features of a normalised text: those of whole words, and those of their parts.

    `w…` are sequences of up to `words` tokens, as typed and in plain Latin letters; `pieces` takes
    a plain word apart; `c##…` are two words in a row without their vowels,
    whatever sign stands between.
    """
    plain = fold(text)
    plain_runs = list(runs(plain))
    folded = [token for token, _ in _tokens(plain_runs)]
    typed = folded if plain == text else [token for token, _ in tokens(text)]
    found = _sequences(typed, words)
    if folded != typed:
        found += _sequences(folded, words)
    plain_words = [run for kind, _, run in plain_runs if kind != "sign"]
    parts = [piece for word in plain_words for piece in pieces(word)]
    consonants = [_VOWELS.sub("", word) for word in plain_words]
    parts += [f"c##{one} {after}" for one, after in pairwise(consonants) if one or after]
    return found, parts


def pieces(run: str, *, shortest: int, longest: int) -> list[str]:
    """Return what a plain word is made of.

    `c…` are character sequences of the given lengths inside the word and its borders; `c#…` is what
    is left of it without vowels and digits, which people spell as they like.
    """
    bordered = f" {run} "
    found = [
        "c" + bordered[start : start + length]
        for length in range(shortest, longest + 1)
        for start in range(len(bordered) - length + 1)
    ]
    consonants = _VOWELS.sub("", run)
    if len(consonants) > 1:
        found.append("c#" + consonants)
    return found


def _sequences(found: list[str], longest: int) -> list[str]:
    """Return all sequences of up to so many tokens."""
    return [
        "w" + " ".join(found[start : start + length])
        for length in range(1, longest + 1)
        for start in range(len(found) - length + 1)
    ]
