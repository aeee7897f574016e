"""What all lexicons know, merged for one pass over a text."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from bot.domain.triage.ages import AGE, NUMBER, OLDEST_MINOR, YOUNGEST
from bot.domain.triage.lexicon import Lexicon
from bot.domain.triage.normalise import (
    DEPENDENT,
    DIGITS,
    LEET,
    UNSPACED,
    unrepeated,
    without_particles,
)
from bot.domain.triage.rules import Role, Rule
from bot.domain.triage.slips import Slips

_DIGIT = re.compile(r"\d")
_LONGEST_WORD = 24
_GLUED_LETTERS = range(7, 41)
_FEWEST_GLUED_WORDS = 3
_ONE_LETTER_WORDS = frozenset("ai")

Index = Mapping[str, Sequence[Rule]]


class Book:
    """What all lexicons know, merged for one pass over a text."""

    def __init__(self, lexicons: tuple[Lexicon, ...]) -> None:
        self._lexicons = lexicons
        self._phrased = frozenset().union(*(one.words for one in lexicons))
        self._words = self._phrased.union(*(one.signs for one in lexicons))
        self.everyday = frozenset().union(*(one.everyday_words for one in lexicons))
        self._real = frozenset().union(*(one.real_words for one in lexicons))
        self._numbers = {word: n for one in lexicons for word, n in one.numbers.items()}
        self._stems = frozenset(word[:-1] for word in self._words if word.endswith("*"))
        self._mixed_stems = tuple(filter(_DIGIT.search, self._stems))
        self._stem_sizes = sorted({len(stem) for stem in self._stems})
        self._known = self._words | self._real | set(self._numbers)
        self._slips = Slips({*self._words, *self._numbers})
        self._unspaced = _by_two_letters(self._known)
        self._beginnings = {word[:2] for word in self._known}
        self._endings = {word[-2:] for word in self._known}
        self._homes = {id(rule): one.locale for one in lexicons for rule in one.rules}
        self.says = self._index(wanted={Role.SAY})
        self.checks = self._index(wanted=set(Role) - {Role.SAY})

    @staticmethod
    @lru_cache(maxsize=4)
    def of(lexicons: tuple[Lexicon, ...]) -> "Book":
        """Merge lexicons; the same ones are merged once."""
        return Book(lexicons)

    def locale_of(self, rule: Rule) -> str:
        """Return the locale whose lexicon holds a rule."""
        return self._homes[id(rule)]

    def _index(self, wanted: set[Role]) -> Index:
        index: defaultdict[str, list[Rule]] = defaultdict(list)
        for rule in (rule for lexicon in self._lexicons for rule in lexicon.rules):
            if rule.role in wanted:
                for word in set(rule.needed[0].firsts()):
                    index[word].append(rule)
        return dict(index)

    def number(self, word: str) -> int | None:
        """Read a number in digits of any script or in words."""
        if word.isdecimal():
            return int(word) if len(word) < 6 else None  # noqa: PLR2004 (no age has six digits)
        return self._numbers.get(word)

    def hear(self, word: str) -> tuple[str, ...]:
        """Return the words of the lexicons that this word stands for; mostly none or one.

        A word that is in no phrase may also be a mistyped one: mere words hide no phrase.
        """
        heard = self._exactly(word) + self._behind_particles(word)
        if self._phrased.isdisjoint(heard) and NUMBER not in heard:
            heard += [meant for meant in self._mistyped(word) if meant not in heard]
        return tuple(heard)

    def _exactly(self, word: str) -> list[str]:
        heard = [word] if word in self._words else []
        heard += [word[:size] + "*" for size in self._stem_sizes if word[:size] in self._stems]
        if word.isdecimal() or word in self._numbers:
            age = self.number(word)
            heard += [NUMBER, AGE] if age and YOUNGEST <= age <= OLDEST_MINOR else [NUMBER]
        return heard

    def _behind_particles(self, word: str) -> list[str]:
        """Return what an Arabic word holds behind its particles; real words hold nothing."""
        if word in self._real:
            return []
        return [heard for one in without_particles(word) for heard in self._exactly(one)]

    def _mistyped(self, word: str) -> list[str]:
        """Return the long words that are one slip of the finger away; real words are no slips."""
        if word in self._real:
            return []
        return [heard for one in self._slips.near(word) for heard in self._exactly(one)]

    def pieces(self, token: str) -> list[str]:
        """Take a token apart that hides words: k1ll, im16, helpme, or Thai without spaces."""
        if token in self._known or token.isdecimal() or token.startswith(self._mixed_stems):
            return [token]
        if not token.isalpha() and any(char.isdecimal() for char in token):
            return self._without_digits(token)
        if UNSPACED.search(token):
            return self._cut_unspaced(token)
        return [token]

    def _without_digits(self, token: str) -> list[str]:
        disguised = unrepeated(token.translate(LEET))
        if disguised in self._words and token[0].isalpha() and not token[-2:].isdecimal():
            return [disguised]
        return [piece for part in DIGITS.findall(token) for piece in self.pieces(part)]

    def _cut_unspaced(self, token: str) -> list[str]:
        """Cut a script without spaces at the words we know, longest first; the rest stays whole.

        A word that leaves a vowel or tone mark behind is taken only where no other fits.
        """
        pieces: list[str] = []
        at = unknown = 0
        while at < len(token):
            near = self._unspaced.get(token[at : at + 2], ())
            fitting = [word for word in near if token.startswith(word, at)]
            whole = (word for word in fitting if not DEPENDENT.match(token, at + len(word)))
            word = next(whole, next(iter(fitting), ""))
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
        if UNSPACED.match(word):
            starts[word[:2]].append(word)
    return dict(starts)
