"""Slips of the finger: each of them is found, and nothing further away."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.triage.slips import Slips

_WORDS = ["locked", "knife", "hammer", "strangle", "замкнули", "handschellen"]
_SLIPS = Slips(_WORDS)
_LONG = [word for word in _WORDS if len(word) >= 6]  # a knife has too many real neighbours


def _slips(word: str, at: int, letter: str) -> set[str]:
    left_out = word[:at] + word[at + 1 :]
    added = word[:at] + letter + word[at:]
    changed = word[:at] + letter + word[at + 1 :]
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    return {left_out, added, changed, swapped, word}


@given(st.sampled_from(_LONG), st.data(), st.sampled_from("aeksжи"))
def test_every_single_slip_is_found(word: str, data: st.DataObject, letter: str) -> None:
    at = data.draw(st.integers(1, len(word) - 1))
    for slip in _slips(word, at, letter):
        assert word in _SLIPS.near(slip)


@given(st.sampled_from(_LONG), st.data())
def test_two_slips_are_too_many(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(word) - 3))
    assert _SLIPS.near(word[:at] + "#" + word[at + 1] + "#" + word[at + 3 :]) == []


def test_first_letter_is_never_mistyped() -> None:
    assert _SLIPS.near("mocked") == []


def test_short_words_have_no_slips() -> None:
    assert _SLIPS.near("knive") == []
    assert _SLIPS.near("") == []
