"""Long texts are cut where a reader would pause, and nothing of them is lost."""

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.telegram.pieces import LONGEST, split


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_short_text_is_one_piece() -> None:
    assert split("Hello.") == ["Hello."]
    assert split("x" * LONGEST) == ["x" * LONGEST]


def test_paragraphs_then_sentences_then_words() -> None:
    assert split("aaaa bbbb.\n\ncccc dddd.", 14) == ["aaaa bbbb.", "cccc dddd."]
    assert split("aaaa bbbb. cccc dddd.", 14) == ["aaaa bbbb.", "cccc dddd."]
    assert split("aaaa bbbb cccc dddd", 12) == ["aaaa bbbb", "cccc dddd"]
    assert split("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]


def test_characters_outside_the_basic_plane_count_twice() -> None:
    assert split("\N{TELEPHONE RECEIVER}" * 6, 10) == [
        "\N{TELEPHONE RECEIVER}" * 5,
        "\N{TELEPHONE RECEIVER}",
    ]


@given(st.text(st.sampled_from("ab. \n\N{BELL}\u0627"), max_size=300), st.integers(2, 40))
def test_every_piece_fits_and_no_word_is_lost(text: str, longest: int) -> None:
    pieces = split(text, longest)
    assert all(units(piece) <= longest for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
