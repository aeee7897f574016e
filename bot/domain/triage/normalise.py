"""One form for many spellings: both the message and the file are folded in the same way."""

import re
import unicodedata
from collections.abc import Iterator

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")
_APOSTROPHES = re.compile("['\u2018\u2019\u201b`\u00b4\u02bc\u2032\uff07]")
# Accents of Latin and Cyrillic, Arabic vowel signs and tatweel, keycap frames. Thai vowel signs are
# combining marks too, but letters to a Thai reader: they stay.
MARKS = re.compile("[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u20d0-\u20ff]")
# A Thai consonant that stands twice mostly ends one word and begins the next; three are a cry.
_RUNS = re.compile(
    "([^\\W\\d_\u0e01-\u0e2e]|[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])\\1+|([\u0e01-\u0e2e])\\2{2,}"
)
# Thai as phones write it: a tone mark before the vowel sign it stands on.
_TONE_FIRST = re.compile("([\u0e48-\u0e4b])([\u0e31\u0e34-\u0e3a\u0e4d])")
# The silent letter at the end of an Arabic plural verb, which many leave out. Words of three
# letters keep it: "air" is not "he".
_SILENT_ALIF = re.compile("(?<=[\u0621-\u064a]{2}\u0648)\u0627\\b")
_AT_IN_WORD = re.compile(r"(?<=[a-z])@(?=[a-z])")
_LETTERS = str.maketrans(
    {"æ": "ae", "ø": "o", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "\u0131": "i", "_": " "}
    # Arabic letters with two forms, and the Persian ones that many phones type
    | {"\u0649": "\u064a", "\u0629": "\u0647", "\u06cc": "\u064a", "\u06a9": "\u0643"}
)
# What a triage file holds that must outlast folding: letters with several spellings (å and aa fold
# to a anyway) and the names of its lists. The signs they become are of nobody's script.
_O, _AE, _LINE = "\ue000", "\ue001", "\ue002"
_HELD = str.maketrans({"ø": _O, "Ø": _O, "æ": _AE, "Æ": _AE, "_": _LINE})
LEET = str.maketrans("0134578", "oieastb")
UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
# Thai vowels and tone marks that no word begins with.
DEPENDENT = re.compile("[\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]")
TOKENS = re.compile(
    "[\\w\u0e00-\u0e7f]+|[.!?;\u061f\u3002\n]+|[\u2600-\u27bf\U0001f100-\U0001faff]"
)
DIGITS = re.compile(r"\d+|\D+")
# What Arabic writes onto the next word, in this order: "and", "so"; "with", "for", "like", "will"
# and the marks of the present and the future in its dialects; "the".
_ATTACHED = (
    ("\u0648", "\u0641"),
    ("\u0643\u0627", *"\u0628\u0644\u0641\u0643\u0633\u0647\u062d\u0639\u062f"),
    ("\u0627\u0644",),
)
_ARABIC = re.compile("[\u0621-\u064a]")
_FEWEST_BARE_LETTERS = 3


def plain(text: str) -> str:
    """Fold case, width, accents, apostrophes, invisible characters and repeated letters."""
    text = _APOSTROPHES.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text))
    text = text.casefold()
    if not text.isascii():
        text = _TONE_FIRST.sub(r"\2\1", MARKS.sub("", text))
        text = text.replace("\u0e40\u0e40", "\u0e41")  # the long vowel typed as two short ones
        text = _SILENT_ALIF.sub("", text)
    return unrepeated(_AT_IN_WORD.sub("a", text.translate(_LETTERS)))


def unrepeated(text: str) -> str:
    """Fold repeated letters into one."""
    return _RUNS.sub(r"\1\2", text)


def split(text: str) -> list[str]:
    """Cut a text into words in their one form."""
    return words_in(plain(text))


def words_in(folded: str) -> list[str]:
    """Cut a folded text into words."""
    return [token for token in TOKENS.findall(folded) if is_word(token)]


def is_word(token: str) -> bool:
    """Tell a word or sign from the end of a sentence."""
    return token[0] not in ".!?;\u061f\u3002\n"


def folded_notation(text: str) -> str:
    """Fold the text of a triage file at once; ``spellings`` spells out what has several."""
    return plain(text.translate(_HELD)).replace(_LINE, "_")


def spellings(word: str) -> Iterator[str]:
    """Yield the ways a word is typed on a keyboard with Danish letters, and without them."""
    if _O in word or _AE in word:
        yield unrepeated(word.replace(_O, "o").replace(_AE, "ae"))
        yield unrepeated(word.replace(_O, "oe").replace(_AE, "e"))
    else:
        yield word


def without_particles(word: str) -> list[str]:
    """Return an Arabic word without the particles at its beginning, in each way it can be cut."""
    if not _ARABIC.match(word):
        return []
    bare = [word]
    for particles in _ATTACHED:
        bare += [
            one[len(particle) :]
            for one in bare
            for particle in particles
            if one.startswith(particle)
        ]
    return [one for one in dict.fromkeys(bare[1:]) if len(one) >= _FEWEST_BARE_LETTERS]
