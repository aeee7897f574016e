"""Triage of one message: explicit danger words, offline, before anything else looks at it.

``Lexicon.from_mapping`` compiles the phrases of one locale (``locales/<locale>/triage.yml``, notation
in ``docs/triage.md``); ``assess`` reads a message with all lexicons at once, because a person may
write another language than they chose.

How it works. Text and phrases go through the same normalisation and are cut into words. Each phrase
is indexed by its rarest word, so a message that holds no such word costs one lookup per word. Where
the word occurs, the phrase is followed slot by slot over a bounded window. Time therefore grows with
the length of the text and nothing else, and no regular expression here can backtrack.

Nothing of a message is kept between calls, logged, or put in an error.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum, auto
from functools import lru_cache
from itertools import pairwise, product
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
    """What a message calls for; ``screen`` is None where the meaning is left to the NLU unit."""

    level: Level = Level.GREY
    flags: frozenset[Flag] = frozenset()
    screen: str | None = None
    age: int | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
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
    book = _Book.of(tuple(lexicons))
    message = _Message(book, text)
    found = [match for match in message.matches(book.says) if match.rule.group]
    if not found:
        return Assessment()
    checks = list(message.matches(book.checks))
    groups: set[str] = set()
    age: int | None = None
    for match in found:
        if not message.cancelled(match, checks):
            groups.add(match.rule.group)
            if match.rule.group == "minor":
                age = age or message.age_in(match)
    outcomes = [outcome for name, outcome in _GROUPS.items() if name in groups]
    return Assessment(
        level=max((outcome.level for outcome in outcomes), default=Level.GREY),
        flags=frozenset(outcome.flag for outcome in outcomes),
        screen=next((outcome.screen for outcome in outcomes if outcome.screen), None),
        age=age,
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
    {"æ": "ae", "ø": "o", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "_": " "}
    | {"ى": "ي", "ة": "ه", "ی": "ي", "ک": "ك"}
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
_Heard = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One place in a pattern: a word out of a set, a phrase, up to ``gap`` words, or an edge."""

    words: frozenset[str] = frozenset()
    phrases: tuple[_Phrase, ...] = ()
    optional: bool = False
    gap: int = 0
    edge: str = ""

    @property
    def least(self) -> int:
        return 0 if self.optional or self.gap or self.edge else self._sizes[0]

    @property
    def most(self) -> int:
        return 0 if self.edge else self.gap or self._sizes[-1]

    @property
    def keys(self) -> frozenset[str]:
        """The words one of which must be there for this slot to be filled; none if it may be empty."""
        if self.least == 0:
            return frozenset()
        return self.words | {phrase[0] for phrase in self.phrases}

    @property
    def _sizes(self) -> list[int]:
        return sorted({1} if self.words else set()) + sorted(len(one) for one in self.phrases)

    def advance(self, heard: _Heard, reached: Mapping[int, int]) -> dict[int, int]:
        """Map each position reachable after this slot to the latest start that leads there."""
        after: dict[int, int] = {}
        size = len(heard)
        for at, start in reached.items():
            for end in self._ends(heard, at, size):
                after[end] = max(start, after.get(end, start))
        return after

    def _ends(self, heard: _Heard, at: int, size: int) -> Iterable[int]:
        if self.gap:
            return range(at, min(at + self.gap, size) + 1)
        if self.edge:
            return (at,) if at == (0 if self.edge == "^" else size) else ()
        ends = [at] if self.optional else []
        if at < size and not self.words.isdisjoint(heard[at]):
            ends.append(at + 1)
        for phrase in self.phrases:
            if at + len(phrase) <= size and all(
                word in heard[at + step] for step, word in enumerate(phrase)
            ):
                ends.append(at + len(phrase))
        return ends


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A phrase as slots, with the slot it is looked up by and how far that one is from the start."""

    slots: tuple[_Slot, ...]
    keys: frozenset[str]
    nearest: int
    farthest: int

    def find(self, heard: _Heard, at: int) -> tuple[int, int] | None:
        """Return the shortest match whose key word is at ``at``, as start and end."""
        first = max(0, at - self.farthest)
        reached = {start: start for start in range(first, at - self.nearest + 1)}
        for slot in self.slots:
            reached = slot.advance(heard, reached)
            if not reached:
                return None
        return min(((start, end) for end, start in reached.items()), key=lambda m: m[1] - m[0])


class _Role(Enum):
    SAY = auto()
    NOT = auto()  # cancels what it overlaps
    PAST = auto()  # cancels `happened` phrases in its sentence
    STILL = auto()  # lifts PAST in its sentence
    ELSEWHERE = auto()  # cancels everything in its sentence: films, games, songs


@dataclass(frozen=True, slots=True)
class _Rule:
    role: _Role
    group: str  # empty: for the whole lexicon
    dated: bool  # may speak of the past
    pattern: _Pattern


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


class _Compiler:
    """Turns one file into a Lexicon; remembers where it is, to say so when something is wrong."""

    def __init__(self, locale: str, mapping: Mapping[str, object]) -> None:
        self._locale = locale
        self._mapping = mapping
        self._place = "the file"
        self._lists: dict[str, list[_Phrase]] = {AGE: [(AGE,)], NUMBER: [(NUMBER,)]}
        self._slots: list[tuple[_Role, str, bool, tuple[_Slot, ...], str]] = []

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
        counts = Counter(
            word
            for _, _, _, slots, _ in self._slots
            for slot in slots
            for word in {*slot.words, *(phrase[0] for phrase in slot.phrases)}
        )
        words = frozenset(counts).union(
            *(phrase for _, _, _, slots, _ in self._slots for s in slots for phrase in s.phrases)
        )
        return Lexicon(
            self._locale,
            tuple(
                _Rule(role, group, dated, self._pattern(slots, counts, place))
                for role, group, dated, slots, place in self._slots
            ),
            words - {AGE, NUMBER},
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
                self._slots.append((role, group, dated, slots, self._place))

    def _split(self, text: str, separator: str) -> list[str]:
        """Split outside brackets only; LexiconError if the brackets do not pair up."""
        parts, expected, closing = [""], list[str](), {"(": ")", "[": "]", "{": "}"}
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
        if item.startswith(".."):
            count = item[2:]
            if not count.isdecimal() or not 0 < int(count) <= _WIDEST_GAP:
                raise self._error(f"a gap is written ..1 to ..{_WIDEST_GAP}, not {item}")
            return _Slot(gap=int(count))
        if item in {"^", "$"}:
            return _Slot(edge=item)
        phrases = self._options(item)
        return _Slot(
            frozenset(phrase[0] for phrase in phrases if len(phrase) == 1),
            tuple(sorted({phrase for phrase in phrases if len(phrase) > 1})),
            optional=() in phrases,
        )

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

    def _pattern(self, slots: tuple[_Slot, ...], counts: Counter[str], place: str) -> _Pattern:
        self._place = place
        if slots[0].gap or slots[-1].gap:
            raise self._error("a gap needs a word before and after it")
        candidates = [n for n, slot in enumerate(slots) if slot.keys]
        if not candidates:
            raise self._error("at least one word must not be optional")
        chosen = min(candidates, key=lambda n: max(counts[word] for word in slots[n].keys))
        before = slots[:chosen]
        return _Pattern(
            slots,
            slots[chosen].keys,
            sum(slot.least for slot in before),
            sum(slot.most for slot in before),
        )


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
        self.says = self._index(wanted={_Role.SAY})
        self.checks = self._index(wanted=set(_Role) - {_Role.SAY})

    @staticmethod
    @lru_cache(maxsize=4)
    def of(lexicons: tuple[Lexicon, ...]) -> "_Book":
        """Merge lexicons; the same ones are merged once."""
        return _Book(lexicons)

    def _index(self, wanted: set[_Role]) -> _Index:
        index: defaultdict[str, list[_Rule]] = defaultdict(list)
        for rule in (rule for lexicon in self._lexicons for rule in lexicon.rules):
            if rule.role in wanted:
                for word in rule.pattern.keys:
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
            fits = head is not None and piece in known
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


@dataclass(frozen=True, slots=True)
class _Match:
    rule: _Rule
    start: int
    end: int


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
        self._heard = [ears[word] for word in self._words]

    def _cut(self, text: str) -> None:
        sentence = 0
        letters: list[int] = []
        for token in _TOKENS.findall(text):
            if not _is_word(token):
                sentence += 1
                continue
            for piece in self._book.pieces(token):
                self._words.append(piece)
                self._sentences.append(sentence)
            if len(token) == 1 and token.isalpha():
                letters.append(len(self._words) - 1)
        self._join_spelled(letters)

    def _join_spelled(self, letters: Sequence[int]) -> None:
        """Read s.o.s and h e l p as words: three or more single letters in a row."""
        groups: list[list[int]] = [[at] for at in letters[:1]]
        for before, at in pairwise(letters):
            if at == before + 1:
                groups[-1].append(at)
            else:
                groups.append([at])
        for group in reversed(groups):
            joined = _RUNS.sub(r"\1", "".join(self._words[at] for at in group))
            if len(group) > 2 and self._book.hear(joined):  # noqa: PLR2004 (see above)
                self._replace(group[0], group[-1] + 1, [joined])

    def _unglue(self, strange: set[str]) -> bool:
        """Cut words without spaces, in short messages only: in long ones it finds what is not there."""
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

    def matches(self, index: _Index) -> Iterator[_Match]:
        """Yield every match of the rules in an index."""
        for at, heard in enumerate(self._heard):
            for word in heard:
                for rule in index.get(word, ()):
                    span = rule.pattern.find(self._heard, at)
                    if span:
                        yield _Match(rule, *span)

    def cancelled(self, match: _Match, checks: Sequence[_Match]) -> bool:
        """Tell whether another phrase takes a match back (see ``_Role``).

        The language of the other phrase does not matter: short words of one language turn up in
        another, and then it is the language really written that knows better.
        """
        sentences = self._sentences_of(match)
        near = {check.rule.role for check in checks if sentences & self._sentences_of(check)}
        past = match.rule.dated and _Role.PAST in near and _Role.STILL not in near
        return (
            past
            or _Role.ELSEWHERE in near
            or any(
                check.rule.role is _Role.NOT
                and check.rule.group in {"", match.rule.group}
                and check.start < match.end
                and match.start < check.end
                for check in checks
            )
        )

    def _sentences_of(self, match: _Match) -> set[int]:
        return set(self._sentences[match.start : match.end])

    def age_in(self, match: _Match) -> int | None:
        """Return the age a match speaks of, if it names one."""
        for at in range(match.start, match.end):
            if AGE in self._heard[at]:
                return self._age(self._words[at])
        return None

    def _age(self, word: str) -> int | None:
        return self._book.number(word)
