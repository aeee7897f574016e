"""Slips of the finger: known words that a typed word differs from by one of them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

# Shorter words have too many real neighbours.
_FEWEST_LETTERS = 6
_MOST_LETTERS = 24


class Slips:
    """Long words, found by the half that a slip leaves whole."""

    def __init__(self, words: Iterable[str]) -> None:
        self._forward: defaultdict[int, list[str]] = defaultdict(list)
        self._backward: defaultdict[int, list[str]] = defaultdict(list)
        for word in sorted(words):
            if _FEWEST_LETTERS <= len(word) <= _MOST_LETTERS and word.isalpha():
                self._forward[len(word)].append(word)
                self._backward[len(word)].append(word[::-1])
        for backward in self._backward.values():
            backward.sort()

    def near(self, word: str) -> list[str]:
        """Return the words that are one slip away; nobody mistypes the first letter."""
        size = len(word)
        if not _FEWEST_LETTERS - 1 <= size <= _MOST_LETTERS:
            return []
        found = {one for near in (size - 1, size, size + 1) for one in self._sharing(word, near)}
        # Two letters that changed places across the middle spoil both halves.
        found.update(_beginning(self._forward[size], _unswapped(word)))
        return sorted(one for one in found if one[0] == word[0] and is_one_slip(one, word))

    def _sharing(self, word: str, size: int) -> Iterator[str]:
        """Yield the words of a size that share their first or second half with a word."""
        middle = size // 2
        yield from _beginning(self._forward[size], word[:middle])
        for one in _beginning(self._backward[size], word[::-1][: size - middle]):
            yield one[::-1]


def _beginning(words: Sequence[str], start: str) -> Iterator[str]:
    """Yield the words of a sorted list that begin in some way."""
    for at in range(bisect_left(words, start), len(words)):
        if not words[at].startswith(start):
            return
        yield words[at]


def _unswapped(word: str) -> str:
    """Return the first half with its last letter taken from behind the middle."""
    middle = len(word) // 2
    return word[: middle - 1] + word[middle]


def is_one_slip(left: str, right: str) -> bool:
    """Tell whether one letter was added, left out, changed, or swapped with its neighbour."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    if start is None:
        return True
    a, b = left[start:], right[start:]
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
