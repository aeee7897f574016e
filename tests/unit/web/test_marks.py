"""What cannot be seen becomes a mark; what can be seen stays as it was written."""

import pytest

from bot.web.marks import LONGEST, Piece, pieces
from tests.support.hostile import TEXTS


@pytest.mark.parametrize(
    "text",
    [
        "hello\nthere\tyou",
        "สวัสดี ฉันต้องการความช่วยเหลือ",
        "Tôi cần giúp đỡ",
        "مرحبا كيف حالك",
        "👩‍👩‍👧‍👦 ❤️ 👍🏽",
        "",
    ],
)
def test_words_of_any_language_stay_whole(text: str) -> None:
    assert "".join(piece.text for piece in pieces(text)) == text
    assert not any(piece.mark for piece in pieces(text))


@pytest.mark.parametrize(
    "letter",
    [
        *("\u202e", "\u2066", "\u200b", "\u200e", "\ufeff", "\u00ad", "\U000e0041", "\0", "\x9b"),
        *("\u2028", "\ud800", "\uffff", "\ufdd0", "\u3164", "\u200d"),
    ],
)
def test_what_cannot_be_seen_is_marked(letter: str) -> None:
    assert pieces(f"a{letter}b") == [
        Piece("a"),
        Piece(mark=f"U+{ord(letter):04X}"),
        Piece("b"),
    ]


def test_accents_are_cut_at_twenty() -> None:
    (piece,) = pieces("a" + "\u0301" * 400 + "b")
    assert piece.text == "a" + "\u0301" * 20 + "b"


def test_the_end_of_what_is_too_long_is_counted() -> None:
    *_, last = pieces("x" * (LONGEST + 7))
    assert last == Piece(mark="+7")


@pytest.mark.parametrize("name", TEXTS)
def test_every_piece_can_be_sent_to_a_browser(name: str) -> None:
    for piece in pieces(TEXTS[name]):
        (piece.text + piece.mark).encode()
