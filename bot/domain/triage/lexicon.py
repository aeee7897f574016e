"""The triage file of one locale, read and compiled (the notation: ``docs/triage.md``)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from sys import intern
from typing import Final

from bot.domain.errors import LexiconError
from bot.domain.triage.ages import AGE, NUMBER
from bot.domain.triage.levels import GROUPS, MERE, SIGNS
from bot.domain.triage.normalise import folded_notation, spellings, split, unrepeated, words_in
from bot.domain.triage.rules import Phrase, Role, Rule, Slot

_WIDEST_GAP = 9
_SHORTEST_STEM = 3
_DEEPEST = 3  # brackets in brackets in brackets


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The phrases of one locale, compiled. Compared by identity; make it once and keep it."""

    locale: str
    rules: tuple[Rule, ...]
    words: frozenset[str]  # of all phrases
    signs: frozenset[str]  # of the groups that are mere words
    everyday_words: frozenset[str]  # of these, the ones that prove nothing alone
    real_words: frozenset[str]
    numbers: Mapping[str, int]

    @classmethod
    def from_mapping(cls, locale: str, mapping: Mapping[str, object]) -> "Lexicon":
        """Compile the content of a ``triage.yml``; LexiconError tells an editor what to mend."""
        return _Compiler(locale, mapping).lexicon()


_SECTIONS: Final = {
    "not": Role.NOT,
    "past": Role.PAST,
    "still": Role.STILL,
    "elsewhere": Role.ELSEWHERE,
}
_PARTS: Final = {
    "say": (Role.SAY, False),
    "happened": (Role.SAY, True),
    "not": (Role.NOT, False),
}
# Mere words: no brackets, no stems, no letters with several spellings.
_WORDS: Final = re.compile(r"[\w ]+(?:\|[\w ]+)*")
_EMPTY: Final = re.compile(r"\|\s*\|")
_BRACKET: Final = re.compile(r"[][(){}]")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


def _bracketed(depth: int) -> str:
    """Return a pattern of text in brackets that holds brackets up to a depth."""
    inner = "[^][(){}]++" + (f"|{_bracketed(depth - 1)}" if depth else "")
    return "|".join(rf"\{left}(?:{inner})*+\{right}" for left, right in _CLOSING.items())


def _splitter(separator: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns of one part between separators, and of a text whose brackets pair up."""
    part = rf"(?:[^][(){{}}{separator}]++|{_bracketed(_DEEPEST)})++"
    return re.compile(part), re.compile(rf"(?:{part}|[{separator}]++)*+")


_SPLITTERS: Final = {separator: _splitter(separator) for separator in " |,"}
_OTHER_SECTIONS = {"locale", "words", "numbers", "everyday_words", "real_words", "examples"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One phrase as read; its rule needs the counts of all lines."""

    role: Role
    group: str
    dated: bool
    slots: tuple[Slot, ...]
    place: str


def _words_of(lines: Iterable[_Line]) -> frozenset[str]:
    """Return every word and stem that lines are made of."""
    slots = {slot for line in lines for slot in line.slots}
    words = frozenset().union(*(slot.words for slot in slots))
    longer = chain.from_iterable(group for slot in slots for group in slot.wordings.values())
    return words.union(*longer) - {AGE, NUMBER}


def _unmarked(text: str) -> list[Phrase]:
    """Read alternatives of mere words in one go; empty if they hold anything else."""
    if not _WORDS.fullmatch(text):
        return []
    phrases = [tuple(map(intern, option.split())) for option in text.split("|")]
    return phrases if all(phrases) else []


def _joined(stem: str, ending: str) -> str:
    return unrepeated(stem + ending) if stem[-1:] == ending[:1] else stem + ending


def _what_is_unpaired(text: str) -> str:
    """Say which bracket of a text stands alone."""
    expected: list[str] = []
    for bracket in _BRACKET.findall(text):
        if bracket in _CLOSING:
            expected.append(_CLOSING[bracket])
        elif not expected or expected.pop() != bracket:
            return f"the bracket {bracket} has no partner"
    if expected:
        return f"a bracket is not closed: {expected[-1]} is missing"
    return f"brackets in brackets, more than {_DEEPEST} deep"


class _Compiler:
    """Turns one file into a Lexicon; remembers where it is, to say so when something is wrong."""

    def __init__(self, locale: str, mapping: Mapping[str, object]) -> None:
        self._locale = locale
        self._mapping = mapping
        self._place = "the file"
        self._lists: dict[str, list[Phrase]] = {AGE: [(AGE,)], NUMBER: [(NUMBER,)]}
        self._read: list[_Line] = []
        self._slots: dict[str, Slot] = {}
        self._phrased: dict[str, list[Phrase]] = {}

    def lexicon(self) -> Lexicon:
        unknown = set(self._mapping) - {*GROUPS, *SIGNS, *_SECTIONS, *_OTHER_SECTIONS}
        if unknown:
            raise self._error(f"has a part nobody knows: {', '.join(sorted(map(str, unknown)))}")
        numbers = dict(self._numbers())
        for name, entries in self._section("words").items():
            self._read_list(name, entries)
        for name, role in _SECTIONS.items():
            self._read_lines(name, self._mapping.get(name), role, "", dated=False)
        for group in (*GROUPS, *SIGNS):
            self._read_group(group)
        counts = Counter[str]()
        for slot in chain.from_iterable(line.slots for line in self._read):
            counts.update(slot.words)
            counts.update(slot.wordings.keys())
        return Lexicon(
            self._locale,
            tuple(self._rule(line, counts) for line in self._read),
            _words_of(line for line in self._read if line.group not in MERE),
            _words_of(line for line in self._read if line.group in MERE),
            self._plain_words("everyday_words"),
            self._plain_words("real_words"),
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
            for name in folded_notation(names).split(","):
                for spelling in spellings(name.strip()):
                    words = split(spelling)
                    if len(words) != 1:
                        raise self._error(f"{name.strip()!r} must be one word")
                    yield words[0], int(number)

    def _read_list(self, name: str, entries: object) -> None:
        self._place = f"words, {name}"
        if not isinstance(entries, str) or not entries.strip():
            raise self._error("needs words with commas between them")
        lines = (line.split("#", 1)[0] for line in folded_notation(entries).splitlines())
        self._lists["{" + folded_notation(name) + "}"] = [
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

    def _plain_words(self, name: str) -> frozenset[str]:
        return frozenset(word for line in self._lines(name) for word in split(line))

    def _read_lines(
        self, place: str, content: object, role: Role, group: str, *, dated: bool
    ) -> None:
        self._place = place
        if content is None:
            return
        if not isinstance(content, str):
            raise self._error("write the phrases as lines after a | sign")
        lines = zip(content.splitlines(), folded_notation(content).splitlines(), strict=True)
        for number, (written, line) in enumerate(lines, start=1):
            if phrase := line.split("#", 1)[0].strip():
                self._place = f"{place}, line {number} ({written.split('#', 1)[0].strip()})"
                slots = tuple(self._slot(item) for item in self._split(phrase, " "))
                self._read.append(_Line(role, group, dated, slots, self._place))

    def _split(self, text: str, separator: str) -> list[str]:
        """Split outside brackets only; LexiconError if the brackets do not pair up."""
        part, whole = _SPLITTERS[separator]
        if not whole.fullmatch(text):
            raise self._error(_what_is_unpaired(text))
        return [one for found in part.findall(text) if (one := found.strip())]

    def _slot(self, item: str) -> Slot:
        """Compile one item, once: its places in a message are then looked up once too."""
        if item not in self._slots:
            self._slots[item] = self._new_slot(item)
        return self._slots[item]

    def _new_slot(self, item: str) -> Slot:
        if item.startswith(".."):
            count = item[2:]
            if not count.isdecimal() or not 0 < int(count) <= _WIDEST_GAP:
                raise self._error(f"a gap is written ..1 to ..{_WIDEST_GAP}, not {item}")
            return Slot(gap=int(count))
        if item in {"^", "$"}:
            return Slot(edge=item)
        return Slot.of(self._options(item))

    def _options(self, text: str) -> list[Phrase]:
        """Spell out ``a|b c|d``: every alternative with its lists, endings and spellings."""
        if phrases := _unmarked(text):
            return phrases
        if _EMPTY.search(f"|{text}|"):
            raise self._error("an alternative is empty; is there a | too many?")
        return [phrase for option in self._split(text, "|") for phrase in self._phrases(option)]

    def _phrases(self, option: str) -> list[Phrase]:
        """Spell out one alternative, once: a file holds most of them many times."""
        if option not in self._phrased:
            self._phrased[option] = _unmarked(option) or self._new_phrases(option)
        return self._phrased[option]

    def _new_phrases(self, option: str) -> list[Phrase]:
        spelled = [self._forms(word) for word in self._split(option, " ")]
        return [tuple(chain.from_iterable(choice)) for choice in product(*spelled)]

    def _forms(self, word: str) -> list[Phrase]:
        if word[0] == "{":
            if word not in self._lists:
                raise self._error(f"there is no word list {word}")
            return self._lists[word]
        if word[0] in "([":
            if word[-1] not in ")]":
                raise self._error(f"a space is missing after the bracket in {word}")
            return self._options(word[1:-1]) + [()] * (word[0] == "[")
        if word.isalpha():
            return [(intern(word),)]
        stem, bracket, rest = word.partition("(")
        if bracket and not rest.endswith(")"):
            raise self._error(f"an ending is written like lock(ed), not {word}")
        endings = ["", *rest[:-1].split("|")] if bracket else [""]
        forms = [form for end in endings for form in spellings(_joined(stem, end.strip()))]
        return [self._form(form) for form in dict.fromkeys(forms)]

    def _form(self, text: str) -> Phrase:
        words = words_in(text)
        if not words:
            raise self._error(f"{text} holds no letters")
        if text.endswith("*"):
            if len(words[-1]) < _SHORTEST_STEM:
                raise self._error(f"at least {_SHORTEST_STEM} letters must stand before *")
            words[-1] += "*"
        elif "*" in text:
            raise self._error("* stands at the end of a word only")
        return tuple(map(intern, words))

    def _rule(self, line: "_Line", counts: Counter[str]) -> Rule:
        self._place = line.place
        if line.slots[0].gap or line.slots[-1].gap:
            raise self._error("a gap needs a word before and after it")
        needed = [slot for slot in line.slots if slot.is_needed]
        if not needed:
            raise self._error("at least one word must not be optional")
        needed.sort(key=lambda slot: max(map(counts.__getitem__, slot.firsts())))
        return Rule(line.role, line.group, line.dated, line.slots, tuple(needed))
