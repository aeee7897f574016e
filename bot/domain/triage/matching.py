"""One message: what it holds of the phrases of all lexicons."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

from bot.domain.triage.ages import AGE
from bot.domain.triage.book import Book, Index
from bot.domain.triage.levels import SIGNS
from bot.domain.triage.normalise import TOKENS, is_word, plain, unrepeated
from bot.domain.triage.rules import Role, Rule, Slot

# Telegram allows 4,096 characters in a message and the web chat fewer; the rest of a longer text
# is not read, so that nobody can buy time with length.
TEXT_LIMIT: Final = 8_000
_SPELLED_LETTERS = range(3, 13)
_MOST_GLUED_MESSAGE = 12
# A single word is too often something else in another language.
_FEWEST_FOREIGN_WORDS = 2


class Message:
    """One text as words, the sentence of each, and what the book hears in them."""

    def __init__(self, book: Book, text: str) -> None:
        self._book = book
        self._words: list[str] = []
        self._sentences: list[int] = []
        self._cut(plain(text[:TEXT_LIMIT]))
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
        self._filled: dict[Slot, list[tuple[int, int]]] = {}

    def _cut(self, text: str) -> None:
        tokens = TOKENS.findall(text)
        pieces = {token: self._book.pieces(token) for token in set(tokens) if is_word(token)}
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
                joined = unrepeated("".join(self._words[at] for at in group))
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
        checks = self._checks()
        for rule in hits:
            locale, said = self._book.locale_of(rule), self._words_of(rule)
            closed = checks.closed_to(rule, locale, said.bit_count())
            if words := self._words_of(rule, self._everywhere & ~closed):
                found[rule.group] = found.get(rule.group, 0) | words
                self.locales.setdefault(rule.group, set()).add(locale)
        return found

    def tells_in(self, words: int) -> bool:
        """Tell whether some words of the message are more than one everyday word."""
        different = {self._words[at] for at in range(self._size) if words >> at & 1}
        return len(different) > 1 or not different <= self._book.everyday

    def age_in(self, words: int) -> int | None:
        """Return the first age named among some words of the message."""
        ages = words & self._places.get(AGE, 0)
        return self._book.number(self._words[_lowest(ages)]) if ages else None

    def _candidates(self, index: Index) -> Iterable[Rule]:
        """Return the rules for which every needed slot has a word in this message."""
        rarest = dict.fromkeys(rule for word in self._terms for rule in index.get(word, ()))
        return [
            rule
            for rule in rarest
            if all(slot.may_stand_in(self._terms) for slot in rule.needed[1:])
        ]

    def _checks(self) -> "_Checks":
        """Return what takes phrases back."""
        checks = _Checks(self._sentences_of)
        for rule in self._candidates(self._book.checks):
            if words := self._words_of(rule):
                checks.note(rule, self._book.locale_of(rule), words)
        return checks

    def _sentences_of(self, words: int) -> int:
        """Return all words of the sentences that hold some words."""
        return sum(sentence for sentence in self._sentence_words() if sentence & words)

    def _sentence_words(self) -> Iterator[int]:
        """Yield the words of each sentence."""
        start = 0
        for _, sentence in groupby(self._sentences):
            end = start + len(list(sentence))
            yield (1 << end) - (1 << start)
            start = end

    def _fill(self, slot: Slot) -> list[tuple[int, int]]:
        """Return the places where a slot's wordings stand, by length in words."""
        if slot not in self._filled:
            by_length: defaultdict[int, int] = defaultdict(int)
            for word in slot.words & self._terms:
                by_length[1] |= self._places[word]
            for first in slot.wordings.keys() & self._terms:
                for phrase in slot.wordings[first]:
                    places = self._places[first]
                    for step, word in enumerate(phrase[1:], start=1):
                        places &= self._places.get(word, 0) >> step
                    by_length[len(phrase)] |= places
            self._filled[slot] = [(size, places) for size, places in by_length.items() if places]
        return self._filled[slot]

    def _follow(self, rule: Rule, within: int | None = None) -> list[int]:
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

    def _words_of(self, rule: Rule, within: int | None = None) -> int:
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


class _Checks:
    """The words of a message at which phrases do not count, and who says so.

    Many words of one language are something else in the next: "16t" is an age in Vietnamese and
    hours in Danish. So another language takes a phrase back only if it reads as many words of it.
    """

    def __init__(self, sentences_of: Callable[[int], int]) -> None:
        self._sentences_of = sentences_of
        self._not: list[tuple[str, str, int]] = []
        self._roles: defaultdict[Role, list[tuple[str, int]]] = defaultdict(list)

    def note(self, rule: Rule, locale: str, words: int) -> None:
        """Note where a rule of a language matches."""
        if rule.role is Role.NOT:
            self._not.append((rule.group, locale, words))
        else:
            self._roles[rule.role].append((locale, words))

    def closed_to(self, rule: Rule, locale: str, size: int) -> int:
        """Return the words of which a rule that read so many words can have none."""

        def counts(other: str, words: int) -> bool:
            return other == locale or words.bit_count() >= max(size, _FEWEST_FOREIGN_WORDS)

        groups = {"", rule.group, *SIGNS.get(rule.group, ())}
        closed = self._of(Role.ELSEWHERE, counts)
        if rule.dated:
            closed |= self._of(Role.PAST, counts) & ~self._of(Role.STILL, lambda *_: True)
        for group, other, words in self._not:
            if group in groups and counts(other, words):
                closed |= words
        return closed

    def _of(self, role: Role, counts: Callable[[str, int], bool]) -> int:
        """Return the sentences in which a role counts."""
        words = 0
        for locale, found in self._roles[role]:
            if counts(locale, found):
                words |= found
        return self._sentences_of(words) if words else 0


def _runs(places: int, size: int) -> int:
    """Return the places from which ``size`` places in a row belong to a set."""
    for _ in range(size - 1):
        places &= places >> 1
    return places


def _lowest(places: int) -> int:
    return (places & -places).bit_length() - 1
