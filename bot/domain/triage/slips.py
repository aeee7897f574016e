"""Slips of the finger: known words that a typed word differs from by one of them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

# Shorter words have too many real neighbours.
_FEWEST_LETTERS = 6
_MOST_LETTERS = 24
_LAST = "\U0010ffff"


class Slips:
    """Long words, found by the half that a slip leaves whole; the first letter always is."""

    def __init__(self, words: Iterable[str]) -> None:
        forward: defaultdict[int, list[str]] = defaultdict(list)
        backward: defaultdict[int, list[str]] = defaultdict(list)
        for word in words:
            if _FEWEST_LETTERS <= len(word) <= _MOST_LETTERS and word.isalpha():
                forward[len(word)].append(word)
                backward[len(word)].append(word[0] + word[:0:-1])
        self._forward = {size: sorted(found) for size, found in forward.items()}
        self._backward = {size: sorted(found) for size, found in backward.items()}

    def near(self, word: str) -> list[str]:
        """Return the words that are one slip away; nobody mistypes the first letter."""
        size = len(word)
        if not _FEWEST_LETTERS - 1 <= size <= _MOST_LETTERS:
            return []
        # Two letters that changed places across the middle spoil both halves.
        found = _beginning(self._forward.get(size, ()), _unswapped(word))
        for near in (size - 1, size, size + 1):
            middle = near // 2
            found += _beginning(self._forward.get(near, ()), word[:middle])
            back = word[0] + word[:0:-1][: near - middle]
            reverse = _beginning(self._backward.get(near, ()), back)
            found += [one[0] + one[:0:-1] for one in reverse]
        return sorted({one for one in found if is_one_slip(one, word)})


def _beginning(words: Sequence[str], start: str) -> list[str]:
    """Return the words of a sorted list that begin in some way."""
    return list(words[bisect_left(words, start) : bisect_left(words, start + _LAST)])


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
