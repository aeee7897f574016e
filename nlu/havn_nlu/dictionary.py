"""Words of one language by what they mean: forms of words and expressions, each with its concept.

A file is YAML: a line for each concept, the same in every language, and after its name the forms,
with a space between. `word*` is every word that begins so; `two_words` is an expression. Where
several forms fit, the longest wins, a whole word before a beginning. `_in_front` is no concept: it
lists what the language writes together with the word that follows, as Arabic does "and the".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from havn_nlu import text

_LONGEST = 3  # words of an expression
_SHORTEST = 2  # letters of a beginning
_IN_FRONT = "_in_front"
_LEFT = 3  # letters of a word without what stands in front; of fewer nobody can tell


class DictionaryError(ValueError):
    """A file of forms says something twice, or not in the form that the module describes."""


@dataclass(frozen=True)
class Dictionary:
    """The forms of one language in normal form, expressions with a space between their words.

    `typed` are spelled with their accents, `plain` in plain Latin letters: `bán` sells, `bạn` is
    you, and who types `ban` means what the file says of it. `beginnings` are plain. `openings` are
    the first words of expressions. `in_front` is plain, the longest first.
    """

    typed: Mapping[str, str] = field(default_factory=dict)
    plain: Mapping[str, str] = field(default_factory=dict)
    beginnings: Mapping[str, str] = field(default_factory=dict)
    openings: frozenset[str] = frozenset()
    longest_run: int = 0
    in_front: Sequence[str] = ()

    @classmethod
    def read(cls, file: Path) -> "Dictionary":
        """Read a file. Raises DictionaryError, OSError."""
        content = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
        if not isinstance(content, dict) or not all(
            isinstance(concept, str) and isinstance(forms, str) and forms.strip()
            for concept, forms in content.items()
        ):
            raise DictionaryError(f"{file}: expected lines of a concept, a colon and its forms")
        in_front = content.pop(_IN_FRONT, "").split()
        forms = [(form, c) for c, forms in content.items() for form in forms.split()]
        return cls.of(forms, in_front)

    @classmethod
    def of(cls, forms: Sequence[tuple[str, str]], in_front: Sequence[str] = ()) -> "Dictionary":
        """Make a dictionary of (form, concept). Raises DictionaryError."""
        typed: dict[str, str] = {}
        plain: dict[str, str] = {}
        beginnings: dict[str, str] = {}
        spelled: list[tuple[str, str]] = []
        for form, concept in forms:
            written = text.normalise(form.removesuffix("*").replace("_", " "))
            if form.endswith("*"):
                _enter(beginnings, _joined(text.fold(written)), concept)
                continue
            _enter(typed, _joined(written), concept)
            if text.fold(written) == written:
                _enter(plain, _joined(written), concept)
            else:
                spelled.append((_joined(text.fold(written)), concept))
        # What the file says of a plain spelling itself goes before what accents were taken from.
        for form, concept in spelled:
            plain.setdefault(form, concept)
        plainly = {text.fold(text.normalise(one)) for one in in_front}
        longest_first = sorted(sorted(plainly), key=len, reverse=True)
        return cls.indexed(typed, plain, beginnings, longest_first)

    @classmethod
    def indexed(
        cls,
        typed: Mapping[str, str],
        plain: Mapping[str, str],
        beginnings: Mapping[str, str],
        in_front: Sequence[str] = (),
    ) -> "Dictionary":
        """Make a dictionary of forms in normal form."""
        expressions = [form for forms in (typed, plain, beginnings) for form in forms]
        openings = {form.split(" ", 1)[0] for form in expressions if " " in form}
        runs = [len(form) for form in typed if text.is_spaceless(form)]
        longest = max(runs, default=0)
        return cls(typed, plain, beginnings, frozenset(openings), longest, tuple(in_front))

    def word(self, typed: str, plain: str) -> str | None:
        """Return the concept of a word or an expression, None where it has none."""
        found = self.typed.get(typed) or self._plain(plain)
        if found:
            return found
        rests = (plain[len(one) :] for one in self.in_front if plain.startswith(one))
        return next((c for rest in rests if len(rest) >= _LEFT and (c := self._plain(rest))), None)

    def _plain(self, plain: str) -> str | None:
        """Return the concept of a word or an expression in plain letters."""
        if found := self.plain.get(plain):
            return found
        last = plain.rfind(" ") + 1
        for end in range(len(plain), last + _SHORTEST - 1, -1):
            if concept := self.beginnings.get(plain[:end]):
                return concept
        return None

    def pieces(self, run: str) -> Iterator[str]:
        """Cut a run of a script without spaces at its longest forms; yield their concepts."""
        start = 0
        while start < len(run):
            longest = min(self.longest_run, len(run) - start)
            for size in range(longest, 0, -1):
                if concept := self.typed.get(run[start : start + size]):
                    yield concept
                    start += size
                    break
            else:
                start += 1


def concepts(normal: str, dictionaries: Sequence[Dictionary]) -> list[str]:
    """Return the concepts of a normalised text in their order; what has none is left out.

    The first dictionary that knows a word says what it means.
    """
    found: list[str] = []
    words: list[tuple[str, str]] = []  # as typed, plain
    for kind, _, run in text.runs(normal):
        if kind == "spaceless":
            found += _of_words(words, dictionaries)
            words = []
            first = next((one for one in dictionaries if one.longest_run), None)
            found += first.pieces(run) if first else ()
        else:
            words.append((run, text.fold(run)))
    return found + _of_words(words, dictionaries)


def _of_words(words: Sequence[tuple[str, str]], dictionaries: Sequence[Dictionary]) -> list[str]:
    found = []
    start = 0
    while start < len(words):
        concept, size = _longest(words, start, dictionaries)
        if concept:
            found.append(concept)
        start += size
    return found


def _longest(
    words: Sequence[tuple[str, str]], start: int, dictionaries: Sequence[Dictionary]
) -> tuple[str | None, int]:
    """Return the concept of the longest form that begins at a word, and how many words it has."""
    for one in dictionaries:
        typed, plain = words[start]
        if typed in one.openings or plain in one.openings:
            for size in range(min(_LONGEST, len(words) - start), 1, -1):
                some = words[start : start + size]
                expression = " ".join(w for w, _ in some), " ".join(p for _, p in some)
                if concept := one.word(*expression):
                    return concept, size
        if concept := one.word(typed, plain):
            return concept, 1
    return None, 1


def _joined(written: str) -> str:
    """Return the words of a form with one space between; a script without spaces keeps its run."""
    return " ".join(run for _, _, run in text.runs(written))


def _enter(forms: dict[str, str], form: str, concept: str) -> None:
    """Note a form. Raises DictionaryError if it stands under another concept."""
    if not form:
        raise DictionaryError(f"{concept}: a form without letters")
    if forms.setdefault(form, concept) != concept:
        raise DictionaryError(f"{form!r} stands under {forms[form]} and {concept}")
