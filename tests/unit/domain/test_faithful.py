import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.faithful import Fault, fault, numbers


@pytest.mark.parametrize(
    ("original", "translated"),
    [
        ("Call 70 20 25 50 now", "Sună acum la 70 20 25 50"),
        ("Call +45 70 20 25 50.", "+45 70 20 25 50 aranır."),
        ("Come at 8:30, room 4", "Kom kl. 8:30, lokale 4"),
        ("8:30 or 8:30", "8:30 sau 8:30"),
        ("no number here", "intet tal her"),
        ("a < b & c", "a < b & c"),
        ("<b>as typed</b>", "<b>som skrevet</b>"),
        ("two of us", "doi dintre noi"),
    ],
)
def test_nothing_is_known_against_a_faithful_translation(original: str, translated: str) -> None:
    assert fault(original, translated) is None


@pytest.mark.parametrize(
    "translated",
    [
        "Sună la 70 20 25 05",
        "Sună la 20 70 25 50",
        "Sună la 70202550",
        "Sună la 70 20 25",
        "Sună la 70 20 25 50 sau 112",
        "Sună la 70 20 25 50 70 20 25 50",
        "Sună la +70 20 25 50",
        "Sună la 70-20-25-50",
        "اتصل على ٧٠ ٢٠ ٢٥ ٥٠",
        "Sună la șaptezeci",
        "Sună la 70 20 25 50²",
        "Sună la ⅓ 70 20 25 50",
    ],
)
def test_a_changed_number_is_found(translated: str) -> None:
    assert fault("Call 70 20 25 50", translated) is Fault.NUMBERS


@pytest.mark.parametrize(
    ("original", "translated"),
    [
        ("Call 112, not 114", "Call 114, not 112"),
        ("Call 112, not 114, 112", "Sună la 112, 112, nu 114"),
        ("Room 4 at 8:30", "8:30 în camera 4"),
    ],
)
def test_numbers_that_changed_places_are_found(original: str, translated: str) -> None:
    assert fault(original, translated) is Fault.NUMBERS


@pytest.mark.parametrize(
    "translated",
    [
        "<p>Sună</p>",
        "Sună<br>",
        "<!-- x -->Sună",
        "Sun&atilde;",
        "Sun&amp;",
        "\u202esună",
        "\u2066sună\u2069",
    ],
)
def test_markup_and_signs_that_turn_the_order_are_found(translated: str) -> None:
    assert fault("Call", translated) is Fault.MARKUP


@pytest.mark.parametrize("translated", ["", "  \n\t", "\u2003"])
def test_nothing_is_no_translation(translated: str) -> None:
    assert fault("Call", translated) is Fault.EMPTY


def test_signs_between_and_a_plus_before_belong_to_a_number() -> None:
    assert numbers("+45 70 20, 8.30; 8.30 a4b") == ["+45 70 20", "8.30", "8.30", "4"]


@given(st.text(alphabet="0123456789 .-+ab\u0661", max_size=30), st.data())
def test_no_digit_can_be_changed_unseen(text: str, data: st.DataObject) -> None:
    places = [at for at, sign in enumerate(text) if sign.isdecimal()]
    if not places:
        return
    at = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != text[at]]))
    changed = f"{text[:at]}{other}{text[at + 1 :]}"
    assert numbers(text) != numbers(changed)
