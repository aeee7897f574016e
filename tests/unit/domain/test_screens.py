import pytest
from bot.domain.errors import DeckError, InvalidTapError
from bot.domain.screens import TAP_BYTES, Tap
from hypothesis import given
from hypothesis import strategies as st
from tests.support.deck import deck

NAMES = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
VALUES = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)


@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_a_tap_survives_the_way_out_and_back(values: dict[str, str]) -> None:
    tap = Tap("utter_human_notify", values)
    assert Tap.decode(tap.encode()) == tap


@given(st.text())
def test_decode_refuses_or_reads_any_text(data: str) -> None:
    try:
        tap = Tap.decode(data)
    except InvalidTapError as error:
        assert data == "" or data not in str(error) or len(data) < 4
    else:
        assert tap.encode() == data


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


def test_the_fixed_row_leaves_out_what_the_screen_has() -> None:
    row = {b.tap.to for b in deck().row_under("utter_work_money")}
    own = {b.tap.to for b in deck()["utter_work_money"].buttons}
    assert row
    assert not row & own


def test_a_missing_screen_is_named() -> None:
    with pytest.raises(DeckError, match="utter_nowhere"):
        deck()["utter_nowhere"]
