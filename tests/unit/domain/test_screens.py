import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import DeckError, InvalidTapError
from bot.domain.messages import Channel
from bot.domain.screens import TAP_BYTES, Screen, Tap
from tests.support.deck import deck

NAMES = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
VALUES = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)


@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_a_tap_survives_the_way_out_and_back(values: dict[str, str]) -> None:
    tap = Tap("utter_human_notify", values)
    assert Tap.decode(tap.encode()) == tap


@given(st.text())
def test_decode_refuses_or_reads_any_text(data: str) -> None:
    with contextlib.suppress(InvalidTapError):
        assert Tap.decode(data).encode() == data


def test_a_refusal_does_not_quote_what_was_sent() -> None:
    with pytest.raises(InvalidTapError) as caught:
        Tap.decode("my boss took my passport")
    assert "passport" not in repr(caught.value)


@pytest.mark.parametrize(
    "data",
    ["", "menu", "utter_x y", "utter_x\n", "action_hide; drop", "utter_" + "x" * 70, "/restart"],
)
def test_decode_refuses_what_havn_did_not_make(data: str) -> None:
    with pytest.raises(InvalidTapError):
        Tap.decode(data)


def test_every_button_of_the_deck_fits_telegram() -> None:
    buttons = [b for s in deck().screens.values() for b in s.buttons]
    assert max(len(b.tap.encode().encode()) for b in buttons) <= TAP_BYTES


def test_the_fixed_row_is_the_same_everywhere_but_on_the_neutral_screens() -> None:
    excepted = deck().fixed_row_except
    assert excepted
    for screen in deck().screens:
        assert deck().row_under(screen) == (() if screen in excepted else deck().fixed_row)


def test_a_missing_screen_is_named() -> None:
    with pytest.raises(DeckError, match="utter_nowhere"):
        deck()["utter_nowhere"]


def test_the_terminal_says_what_the_web_says_unless_that_is_not_true_there() -> None:
    screen = Screen("utter_x", "all", "Telegram's")
    assert screen.source("terminal") == "Telegram's"
    screen = replace(screen, variants={"web": "the page's"})
    assert [screen.source(c) for c in Channel] == ["Telegram's", "the page's", "the page's"]
    screen = replace(screen, variants={"web": "the page's", "terminal": "the window's"})
    assert [screen.source(c) for c in Channel] == ["Telegram's", "the page's", "the window's"]
