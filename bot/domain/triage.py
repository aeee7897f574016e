"""Triage of one message: explicit danger words, offline, before anything else looks at it.

``Lexicon.from_mapping`` compiles the phrases of one locale (``locales/<locale>/triage.yml``, in the
notation of ``docs/triage.md``). ``assess`` reads a message with all lexicons at once, because a
person may write another language than they chose.

How it works. Text and phrases go through the same normalisation and are cut into words. A phrase
is tried only if its rarest word is in the message, and then from all places at once (``_Message``).
So time grows with the length of the text and nothing else; no regular expression can backtrack.

Nothing of a message is kept between calls, logged, or put in an error.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum, auto
from functools import lru_cache
from itertools import chain, groupby, pairwise, product
from typing import Final

from bot.domain.errors import ConfigurationError

# Telegram allows 4,096 characters in a message and the web chat fewer; the rest of a longer text
# is not read, so that nobody can buy time with length.
TEXT_LIMIT: Final = 8_000
YOUNGEST, OLDEST_MINOR = 8, 17
AGE, NUMBER = "{age}", "{number}"

_TYPO_LETTERS = 6
_LONGEST_WORD = 24
_GLUED_LETTERS = range(7, 41)
_FEWEST_GLUED_WORDS = 3
_ONE_LETTER_WORDS = frozenset("ai")
_SPELLED_LETTERS = range(3, 13)
_MOST_GLUED_MESSAGE = 12
_WIDEST_GAP = 9
_SHORTEST_STEM = 3


class LexiconError(ConfigurationError):
    """A triage file cannot be used; the message names file part, line and what to change."""


class Level(IntEnum):
    """How urgent; higher is more urgent."""

    GREY = 0
    YELLOW = 1
    ORANGE = 2
    RED = 3


class Flag(StrEnum):
    """What the words are about."""

    VIOLENCE = "violence"
    SELF_HARM = "self_harm"
    SELF_HARM_NOW = "self_harm_now"
    MINOR = "minor"
    FAMILY = "threats_family"
    LEAVING = "leaving_soon"
    CONTROL = "control"
    HUMAN = "human"


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


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a group of phrases stands for."""

    level: Level
    flag: Flag
    screen: str | None


# A group of phrases in the file and what it means. The order decides which screen answers when
# several match: numbers first, so the question about age comes after every screen that helps.
_GROUPS: Final[Mapping[str, _Outcome]] = {
    "violence": _Outcome(Level.RED, Flag.VIOLENCE, "utter_danger_now"),
    "self_harm_now": _Outcome(Level.RED, Flag.SELF_HARM_NOW, "utter_suicide_care"),
    "self_harm": _Outcome(Level.ORANGE, Flag.SELF_HARM, "utter_suicide_care"),
    "cry_for_help": _Outcome(Level.ORANGE, Flag.HUMAN, "utter_danger_now"),
    "threats_family": _Outcome(Level.ORANGE, Flag.FAMILY, "utter_threats_family"),
    "leaving_soon": _Outcome(Level.ORANGE, Flag.LEAVING, "utter_leaving_soon"),
    "minor": _Outcome(Level.ORANGE, Flag.MINOR, "utter_minor_check"),
    "control": _Outcome(Level.YELLOW, Flag.CONTROL, None),
    "human": _Outcome(Level.YELLOW, Flag.HUMAN, None),
}


def assess(text: str, lexicons: Sequence["Lexicon"]) -> Assessment:
    """Read one message with every lexicon and return the most urgent reading of it.

    Pure and total: any text gives an answer, and no text is kept.
    """
    message = _Message(_Book.of(tuple(lexicons)), text)
    found = message.found()
    outcomes = [outcome for name, outcome in _GROUPS.items() if name in found]
    shown = next((name for name, outcome in _GROUPS.items() if name in found and outcome.screen), "")
    return Assessment(
        level=max((outcome.level for outcome in outcomes), default=Level.GREY),
        flags=frozenset(outcome.flag for outcome in outcomes),
        screen=_GROUPS[shown].screen if shown else None,
        age=message.age_in(found["minor"]) if "minor" in found else None,
        locales=frozenset(message.locales.get(shown, ())),
    )


# --- Normalisation: one form for many spellings ---------------------------------------------------

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")
_APOSTROPHES = re.compile("['\u2018\u2019\u201b`\u00b4\u02bc\u2032\uff07]")
# Accents of Latin and Cyrillic, Arabic vowel signs and tatweel, keycap frames. Thai vowel signs are
# combining marks too, but letters to a Thai reader: they stay.
_MARKS = re.compile("[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u20d0-\u20ff]")
_RUNS = re.compile(r"([^\W\d_])\1+")
_AT_IN_WORD = re.compile(r"(?<=[a-z])@(?=[a-z])")
_LETTERS = str.maketrans(
    {"æ": "ae", "ø": "o", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "\u0131": "i", "_": " "}
    # Arabic letters with two forms, and the Persian ones that many phones type
    | {"\u0649": "\u064a", "\u0629": "\u0647", "\u06cc": "\u064a", "\u06a9": "\u0643"}
)
_LEET = str.maketrans("0134578", "oieastb")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_TOKENS = re.compile(
    "[\\w\u0e00-\u0e7f]+|[.!?;\u061f\u3002\n]+|[\u2600-\u27bf\U0001f100-\U0001faff]"
)
_DIGITS = re.compile(r"\d+|\D+")


def _plain(text: str) -> str:
    """Fold case, width, accents, apostrophes, invisible characters and repeated letters."""
    text = _APOSTROPHES.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text))
    text = text.casefold()
    if not text.isascii():
        text = _MARKS.sub("", text)
    return _RUNS.sub(r"\1", _AT_IN_WORD.sub("a", text.translate(_LETTERS)))


def _words(text: str) -> list[str]:
    return [token for token in _TOKENS.findall(_plain(text)) if _is_word(token)]


def _is_word(token: str) -> bool:
    return token[0] not in ".!?;\u061f\u3002\n"


def _spellings(word: str) -> Iterator[str]:
    """Yield the ways Danish letters are typed on a keyboard without them (å and aa fold to a)."""
    yield word
    if "ø" in word or "æ" in word:
        yield word.replace("ø", "oe").replace("æ", "e")


# --- The notation of one phrase -------------------------------------------------------------------

_Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    """One place in a phrase: one of several wordings, up to ``gap`` words, or an edge."""

    wordings: Mapping[str, tuple[_Phrase, ...]] = field(default_factory=dict)  # by first word
    firsts: frozenset[str] = frozenset()
    optional: bool = False
    gap: int = 0
    edge: str = ""

    @classmethod
    def of(cls, phrases: Iterable[_Phrase]) -> "_Slot":
        """Make a slot of wordings; an empty one makes it optional."""
        wordings: defaultdict[str, list[_Phrase]] = defaultdict(list)
        for phrase in sorted(set(phrases)):
            if phrase:
                wordings[phrase[0]].append(phrase)
        return cls(
            {first: tuple(group) for first, group in wordings.items()},
            frozenset(wordings),
            optional=() in phrases,
        )

    @property
    def keys(self) -> frozenset[str]:
        """The words one of which must be there; none if the slot may stay empty."""
        return frozenset() if self.optional else self.firsts


class _Role(Enum):
    """What a phrase is for."""

    SAY = auto()
    NOT = auto()  # cancels what it overlaps
    PAST = auto()  # cancels `happened` phrases in its sentence
    STILL = auto()  # lifts PAST in its sentence
    ELSEWHERE = auto()  # cancels everything in its sentence: films, games, songs


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """One phrase, compiled."""

    role: _Role
    group: str  # empty: for the whole lexicon
    dated: bool  # may speak of the past
    slots: tuple[_Slot, ...]
    needed: tuple[frozenset[str], ...]  # for each slot that must be filled, rarest words first


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The phrases of one locale, compiled. Compared by identity; make it once and keep it."""

    locale: str
    rules: tuple[_Rule, ...]
    words: frozenset[str]
    real_words: frozenset[str]
    numbers: Mapping[str, int]

    @classmethod
    def from_mapping(cls, locale: str, mapping: Mapping[str, object]) -> "Lexicon":
        """Compile the content of a ``triage.yml``; LexiconError tells an editor what to mend."""
        return _Compiler(locale, mapping).lexicon()


_SECTIONS: Final = {
    "not": _Role.NOT,
    "past": _Role.PAST,
    "still": _Role.STILL,
    "elsewhere": _Role.ELSEWHERE,
}
_PARTS: Final = {
    "say": (_Role.SAY, False),
    "happened": (_Role.SAY, True),
    "not": (_Role.NOT, False),
}
_OTHER_SECTIONS = {"locale", "words", "numbers", "real_words", "examples"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One phrase as read; its rule needs the counts of all lines."""

    role: _Role
    group: str
    dated: bool
    slots: tuple[_Slot, ...]
    place: str


class _Compiler:
    """Turns one file into a Lexicon; remembers where it is, to say so when something is wrong."""

    def __init__(self, locale: str, mapping: Mapping[str, object]) -> None:
        self._locale = locale
        self._mapping = mapping
        self._place = "the file"
        self._lists: dict[str, list[_Phrase]] = {AGE: [(AGE,)], NUMBER: [(NUMBER,)]}
        self._read: list[_Line] = []
        self._slots: dict[str, _Slot] = {}

    def lexicon(self) -> Lexicon:
        unknown = set(self._mapping) - {*_GROUPS, *_SECTIONS, *_OTHER_SECTIONS}
        if unknown:
            raise self._error(f"has a part nobody knows: {', '.join(sorted(map(str, unknown)))}")
        numbers = dict(self._numbers())
        for name, entries in self._section("words").items():
            self._read_list(name, entries)
        for name, role in _SECTIONS.items():
            self._read_lines(name, self._mapping.get(name), role, "", dated=False)
        for group in _GROUPS:
            self._read_group(group)
        counts = Counter(key for line in self._read for slot in line.slots for key in slot.firsts)
        phrases = chain.from_iterable(
            chain.from_iterable(slot.wordings.values()) for slot in self._slots.values()
        )
        words = set(chain.from_iterable(phrases))
        return Lexicon(
            self._locale,
            tuple(self._rule(line, counts) for line in self._read),
            frozenset(words - {AGE, NUMBER}),
            frozenset(word for line in self._lines("real_words") for word in _words(line)),
            numbers,
        )

    def _error(self, problem: str) -> LexiconError:
        return LexiconError(f"triage words for {self._locale}, {self._place}: {problem}")

    def _section(self, name: str) -> dict[str, object]:
        self._place = name
        content = self._mapping.get(name) or {}
        if not isinstance(content, Mapping):
            raise self._error("needs names with something after each colon")
        return {str(key): value for key, value in content.items()}

    def _numbers(self) -> Iterator[tuple[str, int]]:
        for number, names in self._section("numbers").items():
            if not number.isdecimal() or not isinstance(names, str):
                raise self._error(f"write a number, a colon and its words, not {number!r}")
            for name in names.split(","):
                for spelling in _spellings(name.strip().lower()):
                    words = _words(spelling)
                    if len(words) != 1:
                        raise self._error(f"{name.strip()!r} must be one word")
                    yield words[0], int(number)

    def _read_list(self, name: str, entries: object) -> None:
        self._place = f"words, {name}"
        if not isinstance(entries, str) or not entries.strip():
            raise self._error("needs words with commas between them")
        lines = (line.split("#", 1)[0] for line in entries.splitlines())
        self._lists["{" + name + "}"] = [
            phrase for entry in self._split(" ".join(lines), ",") for phrase in self._options(entry)
        ]

    def _read_group(self, group: str) -> None:
        for part, lines in self._section(group).items():
            self._place = f"{group}, {part}"
            if part not in _PARTS:
                raise self._error(f"the parts of a group are {', '.join(_PARTS)}")
            role, dated = _PARTS[part]
            self._read_lines(f"{group}, {part}", lines, role, group, dated=dated)

    def _lines(self, name: str) -> Iterator[str]:
        content = self._mapping.get(name)
        if content is not None and not isinstance(content, str):
            raise self._error(f"{name} needs lines after a | sign")
        yield from (line.split("#", 1)[0] for line in (content or "").splitlines())

    def _read_lines(
        self, place: str, content: object, role: _Role, group: str, *, dated: bool
    ) -> None:
        self._place = place
        if content is None:
            return
        if not isinstance(content, str):
            raise self._error("write the phrases as lines after a | sign")
        for number, line in enumerate(content.splitlines(), start=1):
            phrase = line.split("#", 1)[0].strip()
            if phrase:
                self._place = f"{place}, line {number} ({phrase})"
                slots = tuple(self._slot(item) for item in self._split(phrase, " "))
                self._read.append(_Line(role, group, dated, slots, self._place))

    def _split(self, text: str, separator: str) -> list[str]:
        """Split outside brackets only; LexiconError if the brackets do not pair up."""
        parts, closing = [""], {"(": ")", "[": "]", "{": "}"}
        expected: list[str] = []
        for char in text:
            if char in closing:
                expected.append(closing[char])
            elif char in closing.values() and (not expected or expected.pop() != char):
                raise self._error(f"the bracket {char} has no partner")
            if char == separator and not expected:
                parts.append("")
            else:
                parts[-1] += char
        if expected:
            raise self._error(f"a bracket is not closed: {expected[-1]} is missing")
        return [part.strip() for part in parts if part.strip() or separator == "|"]

    def _slot(self, item: str) -> _Slot:
        """Compile one item, once: its places in a message are then looked up once too."""
        if item not in self._slots:
            self._slots[item] = self._new_slot(item)
        return self._slots[item]

    def _new_slot(self, item: str) -> _Slot:
        if item.startswith(".."):
            count = item[2:]
            if not count.isdecimal() or not 0 < int(count) <= _WIDEST_GAP:
                raise self._error(f"a gap is written ..1 to ..{_WIDEST_GAP}, not {item}")
            return _Slot(gap=int(count))
        if item in {"^", "$"}:
            return _Slot(edge=item)
        return _Slot.of(self._options(item))

    def _options(self, text: str) -> list[_Phrase]:
        """Spell out ``a|b c|d``: every alternative with its lists, endings and spellings."""
        return [phrase for option in self._split(text, "|") for phrase in self._phrases(option)]

    def _phrases(self, option: str) -> list[_Phrase]:
        spelled = [self._forms(word) for word in self._split(option, " ")]
        if not spelled:
            raise self._error("an alternative is empty; is there a | too many?")
        return [tuple(word for form in choice for word in form) for choice in product(*spelled)]

    def _forms(self, word: str) -> list[_Phrase]:
        if word[0] == "{":
            if word not in self._lists:
                raise self._error(f"there is no word list {word}")
            return self._lists[word]
        if word[0] in "([":
            if word[-1] not in ")]":
                raise self._error(f"a space is missing after the bracket in {word}")
            return self._options(word[1:-1]) + [()] * (word[0] == "[")
        stem, bracket, rest = word.partition("(")
        if bracket and not rest.endswith(")"):
            raise self._error(f"an ending is written like lock(ed), not {word}")
        endings = ["", *rest[:-1].split("|")] if bracket else [""]
        forms = [form for e in endings for form in _spellings((stem + e.strip()).lower())]
        return [self._form(form) for form in dict.fromkeys(forms)]

    def _form(self, text: str) -> _Phrase:
        words = _words(text)
        if not words:
            raise self._error(f"{text} holds no letters")
        if text.endswith("*"):
            if len(words[-1]) < _SHORTEST_STEM:
                raise self._error(f"at least {_SHORTEST_STEM} letters must stand before *")
            words[-1] += "*"
        elif "*" in text:
            raise self._error("* stands at the end of a word only")
        return tuple(words)

    def _rule(self, line: "_Line", counts: Counter[str]) -> _Rule:
        self._place = line.place
        if line.slots[0].gap or line.slots[-1].gap:
            raise self._error("a gap needs a word before and after it")
        needed = [slot.keys for slot in line.slots if slot.keys]
        if not needed:
            raise self._error("at least one word must not be optional")
        needed.sort(key=lambda keys: max(counts[key] for key in keys))
        return _Rule(line.role, line.group, line.dated, line.slots, tuple(needed))


# --- All lexicons together ------------------------------------------------------------------------

_Index = Mapping[str, Sequence[_Rule]]


class _Book:
    """What all lexicons know, merged for one pass over a text."""

    def __init__(self, lexicons: tuple[Lexicon, ...]) -> None:
        self._lexicons = lexicons
        self._words = frozenset().union(*(one.words for one in lexicons))
        self._real = frozenset().union(*(one.real_words for one in lexicons))
        self._numbers = {word: n for one in lexicons for word, n in one.numbers.items()}
        self._stems = frozenset(word[:-1] for word in self._words if word.endswith("*"))
        self._stem_sizes = sorted({len(stem) for stem in self._stems})
        self._known = self._words | self._real | set(self._numbers)
        self._slips = _slips(word for word in {*self._words, *self._numbers})
        self._unspaced = _by_two_letters(self._words)
        self._beginnings = {word[:2] for word in self._known}
        self._endings = {word[-2:] for word in self._known}
        self._homes = {id(rule): one.locale for one in lexicons for rule in one.rules}
        self.says = self._index(wanted={_Role.SAY})
        self.checks = self._index(wanted=set(_Role) - {_Role.SAY})

    @staticmethod
    @lru_cache(maxsize=4)
    def of(lexicons: tuple[Lexicon, ...]) -> "_Book":
        """Merge lexicons; the same ones are merged once."""
        return _Book(lexicons)

    def locale_of(self, rule: _Rule) -> str:
        """Return the locale whose lexicon holds a rule."""
        return self._homes[id(rule)]

    def _index(self, wanted: set[_Role]) -> _Index:
        index: defaultdict[str, list[_Rule]] = defaultdict(list)
        for rule in (rule for lexicon in self._lexicons for rule in lexicon.rules):
            if rule.role in wanted:
                for word in rule.needed[0]:
                    index[word].append(rule)
        return dict(index)

    def number(self, word: str) -> int | None:
        """Read a number in digits of any script or in words."""
        if word.isdecimal():
            return int(word) if len(word) < 6 else None  # noqa: PLR2004 (no age has six digits)
        return self._numbers.get(word)

    def hear(self, word: str) -> tuple[str, ...]:
        """Return the words of the lexicons that this word stands for; mostly none or one."""
        heard = [word] if word in self._words else []
        heard += [word[:size] + "*" for size in self._stem_sizes if word[:size] in self._stems]
        if word.isdecimal() or word in self._numbers:
            age = self.number(word)
            heard += [NUMBER, AGE] if age and YOUNGEST <= age <= OLDEST_MINOR else [NUMBER]
        return tuple(heard) or self._mistyped(word)

    def _mistyped(self, word: str) -> tuple[str, ...]:
        """Return the long words that are one slip of the finger away; real words are no slips."""
        size = len(word)
        if not _TYPO_LETTERS - 1 <= size <= _LONGEST_WORD or word in self._real:
            return ()
        near = {meant for shape in _shapes(word) for meant in self._slips.get(shape, ())}
        meant = [one for one in near if one[0] == word[0] and _one_slip(one, word)]
        return tuple(heard for one in meant for heard in self.hear(one))

    def pieces(self, token: str) -> list[str]:
        """Take a token apart that hides words: k1ll, im16, helpme, or Thai without spaces."""
        if token in self._known or token.isdecimal():
            return [token]
        if not token.isalpha() and any(char.isdecimal() for char in token):
            return self._without_digits(token)
        if _UNSPACED.search(token):
            return self._cut_unspaced(token)
        return [token]

    def _without_digits(self, token: str) -> list[str]:
        disguised = _RUNS.sub(r"\1", token.translate(_LEET))
        if disguised in self._words and token[0].isalpha() and not token[-2:].isdecimal():
            return [disguised]
        return [piece for part in _DIGITS.findall(token) for piece in self.pieces(part)]

    def _cut_unspaced(self, token: str) -> list[str]:
        """Cut a script without spaces at the words we know, longest first; the rest stays whole."""
        pieces: list[str] = []
        at = unknown = 0
        while at < len(token):
            word = next(
                (w for w in self._unspaced.get(token[at : at + 2], ()) if token.startswith(w, at)),
                "",
            )
            if word:
                pieces += [token[unknown:at]] * (unknown < at) + [word]
                unknown = at = at + len(word)
            else:
                at += 1
        return pieces + [token[unknown:]] * (unknown < at)

    def may_be_glued(self, word: str) -> bool:
        """Tell cheaply whether a word could be several words without spaces."""
        return (
            len(word) in _GLUED_LETTERS
            and word not in self._known
            and word[:2] in self._beginnings
            and word[-2:] in self._endings
        )

    def unglue(self, word: str) -> list[str]:
        """Cut a word into words of one lexicon, as few as possible; empty if that fails.

        Two words are not enough: ordinary compounds ("afslag", a refusal) would turn into danger.
        """
        cuts = [cut for one in self._lexicons if (cut := _cut_glued(word, one.words))]
        best = min(cuts, key=len, default=[])
        return best if len(best) >= _FEWEST_GLUED_WORDS else []


def _cut_glued(word: str, known: frozenset[str]) -> list[str] | None:
    """Cover a word with known words, as few as possible; None if that fails."""
    best: list[list[str] | None] = [[], *([None] * len(word))]
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _LONGEST_WORD), end):
            piece, head = word[start:end], best[start]
            fits = piece in known and (len(piece) > 1 or piece in _ONE_LETTER_WORDS)
            if head is not None and fits and len(head) + 1 < len(best[end] or word):
                best[end] = [*head, piece]
    return best[-1]


def _by_two_letters(words: Iterable[str]) -> dict[str, list[str]]:
    starts: defaultdict[str, list[str]] = defaultdict(list)
    for word in sorted(words, key=len, reverse=True):
        if _UNSPACED.match(word):
            starts[word[:2]].append(word)
    return dict(starts)


def _shapes(word: str) -> Iterator[str]:
    """Yield the word and every shape of it with one letter left out."""
    yield word
    yield from (word[:n] + word[n + 1 :] for n in range(len(word)))


def _slips(words: Iterable[str]) -> dict[str, list[str]]:
    slips: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        if _TYPO_LETTERS <= len(word) <= _LONGEST_WORD and word.isalpha():
            for shape in set(_shapes(word)):
                slips[shape].append(word)
    return dict(slips)


def _one_slip(left: str, right: str) -> bool:
    """Tell whether one letter was added, left out, changed, or swapped with its neighbour."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    if start is None:
        return True
    a, b = left[start:], right[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]


# --- One message ----------------------------------------------------------------------------------


class _Message:
    """One text as words, the sentence of each, and what the book hears in them."""

    def __init__(self, book: _Book, text: str) -> None:
        self._book = book
        self._words: list[str] = []
        self._sentences: list[int] = []
        self._cut(_plain(text[:TEXT_LIMIT]))
        ears = {word: book.hear(word) for word in set(self._words)}
        if self._unglue({word for word, heard in ears.items() if not heard}):
            ears = {word: book.hear(word) for word in set(self._words)}
        self._size = len(self._words)
        self._everywhere = (1 << self._size) - 1
        self._places: dict[str, int] = {}
        for at, word in enumerate(self._words):
            for term in ears[word]:
                self._places[term] = self._places.get(term, 0) | 1 << at
        self._terms = set(self._places)
        self.locales: dict[str, set[str]] = {}  # by group, of the rules that matched
        self._filled: dict[_Slot, list[tuple[int, int]]] = {}

    def _cut(self, text: str) -> None:
        tokens = _TOKENS.findall(text)
        pieces = {token: self._book.pieces(token) for token in set(tokens) if _is_word(token)}
        sentence = 0
        for token in tokens:
            if token in pieces:
                self._words += pieces[token]
                self._sentences += [sentence] * len(pieces[token])
            else:
                sentence += 1
        self._join_spelled()

    def _join_spelled(self) -> None:
        """Read s.o.s and h e l p as words: three or more single letters in a row."""
        letters = [at for at, word in enumerate(self._words) if len(word) == 1 and word.isalpha()]
        groups = [letters[:1]] if letters else []
        for before, at in pairwise(letters):
            if at == before + 1:
                groups[-1].append(at)
            else:
                groups.append([at])
        for group in reversed(groups):
            if len(group) in _SPELLED_LETTERS:
                joined = _RUNS.sub(r"\1", "".join(self._words[at] for at in group))
                if self._book.hear(joined):
                    self._replace(group[0], group[-1] + 1, [joined])

    def _unglue(self, strange: set[str]) -> bool:
        """Cut words without spaces; in short messages only, where it finds little by accident."""
        if len(self._words) > _MOST_GLUED_MESSAGE:
            return False
        candidates = filter(self._book.may_be_glued, strange)
        cuts = {word: cut for word in candidates if (cut := self._book.unglue(word))}
        if cuts:
            for at in range(len(self._words) - 1, -1, -1):
                if self._words[at] in cuts:
                    self._replace(at, at + 1, cuts[self._words[at]])
        return bool(cuts)

    def _replace(self, start: int, end: int, words: Sequence[str]) -> None:
        sentence = self._sentences[start]
        self._words[start:end] = words
        self._sentences[start:end] = [sentence] * len(words)

    # A set of places in the message is a whole number: bit n stands for word n, or for the boundary
    # before it. A phrase is followed from all places at once, one slot after the other, by shifting
    # such numbers. That is what keeps the work linear, whatever the text.

    def found(self) -> dict[str, int]:
        """Return the groups that match, each with the words that matched."""
        found: dict[str, int] = {}
        hits = [rule for rule in self._candidates(self._book.says) if self._follow(rule)]
        if not hits:
            return found
        taken_back = self._taken_back()
        past = self._sentences_with(_Role.PAST) & ~self._sentences_with(_Role.STILL)
        elsewhere = self._sentences_with(_Role.ELSEWHERE) | taken_back.get("", 0)
        for rule in hits:
            closed = elsewhere | taken_back.get(rule.group, 0) | (past if rule.dated else 0)
            if words := self._words_of(rule, self._everywhere & ~closed):
                found[rule.group] = found.get(rule.group, 0) | words
                self.locales.setdefault(rule.group, set()).add(self._book.locale_of(rule))
        return found

    def age_in(self, words: int) -> int | None:
        """Return the first age named among some words of the message."""
        ages = words & self._places.get(AGE, 0)
        return self._book.number(self._words[_lowest(ages)]) if ages else None

    def _candidates(self, index: _Index) -> Iterable[_Rule]:
        """Return the rules for which every needed slot has a word in this message."""
        rarest = dict.fromkeys(rule for word in self._terms for rule in index.get(word, ()))
        return [
            rule
            for rule in rarest
            if not any(self._terms.isdisjoint(keys) for keys in rule.needed[1:])
        ]

    def _taken_back(self) -> dict[str, int]:
        """Return the words covered by ``not`` phrases, by group."""
        words: dict[str, int] = {}
        for rule in self._candidates(self._book.checks):
            if rule.role is _Role.NOT:
                words[rule.group] = words.get(rule.group, 0) | self._words_of(rule)
        return words

    def _sentences_with(self, role: _Role) -> int:
        """Return all words of the sentences in which a rule of this role matches."""
        words = 0
        for rule in self._candidates(self._book.checks):
            if rule.role is role:
                words |= self._words_of(rule)
        if not words:
            return 0
        return sum(sentence for sentence in self._sentence_words() if sentence & words)

    def _sentence_words(self) -> Iterator[int]:
        """Yield the words of each sentence."""
        start = 0
        for _, sentence in groupby(self._sentences):
            end = start + len(list(sentence))
            yield (1 << end) - (1 << start)
            start = end

    def _fill(self, slot: _Slot) -> list[tuple[int, int]]:
        """Return the places where a slot's wordings stand, by length in words."""
        if slot not in self._filled:
            by_length: defaultdict[int, int] = defaultdict(int)
            for first in slot.firsts & self._terms:
                for phrase in slot.wordings[first]:
                    places = self._places[first]
                    for step, word in enumerate(phrase[1:], start=1):
                        places &= self._places.get(word, 0) >> step
                    by_length[len(phrase)] |= places
            self._filled[slot] = [(size, places) for size, places in by_length.items() if places]
        return self._filled[slot]

    def _follow(self, rule: _Rule, within: int | None = None) -> list[int]:
        """Return the boundaries reached before each slot and after the last; empty: no match."""
        within = self._everywhere if within is None else within
        reached = [(1 << self._size + 1) - 1]
        for slot in rule.slots:
            here = reached[-1]
            if slot.edge:
                after = here & (1 if slot.edge == "^" else 1 << self._size)
            else:
                after = here if slot.optional or slot.gap else 0
            for _ in range(slot.gap):
                here = (here & within) << 1
                after |= here
            for size, places in self._fill(slot):
                after |= (here & places & _runs(within, size)) << size
            if not after:
                return []
            reached.append(after)
        return reached

    def _words_of(self, rule: _Rule, within: int | None = None) -> int:
        """Return every word that takes part in a match of a rule, gaps included."""
        within = self._everywhere if within is None else within
        reached = self._follow(rule, within)
        if not reached:
            return 0
        words, after = 0, reached[-1]
        for slot, here in zip(reversed(rule.slots), reversed(reached[:-1]), strict=True):
            before = here & after if slot.optional or slot.gap or slot.edge else 0
            sizes = [(size, places & _runs(within, size)) for size, places in self._fill(slot)]
            sizes += [(size, _runs(within, size)) for size in range(1, slot.gap + 1)]
            for size, places in sizes:
                starts = here & places & after >> size
                before |= starts
                for step in range(size):
                    words |= starts << step
            after = before
        return words


def _runs(places: int, size: int) -> int:
    """Return the places from which ``size`` places in a row belong to a set."""
    for _ in range(size - 1):
        places &= places >> 1
    return places


def _lowest(places: int) -> int:
    return (places & -places).bit_length() - 1
