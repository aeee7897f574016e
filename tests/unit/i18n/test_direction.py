import pytest

from bot.i18n import direction, isolate, mark_start

PHONE = "+45 70 20 25 50"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("ar", "rtl"),
        ("ar_EG", "rtl"),
        ("fa", "rtl"),
        ("en", "ltr"),
        ("da", "ltr"),
        ("pt_BR", "ltr"),
    ],
)
def test_the_direction_is_that_of_the_language(locale: str, expected: str) -> None:
    assert direction(locale) == expected


def test_text_from_left_to_right_gets_no_marks() -> None:
    assert isolate(PHONE, "da", number=True) == PHONE
    assert isolate("CMM", "th") == "CMM"
    assert mark_start("Hej", "da") == "Hej"


def test_a_number_in_arabic_stays_left_to_right() -> None:
    assert isolate(PHONE, "ar", number=True) == f"\u2066{PHONE}\u2069"


def test_a_name_in_arabic_keeps_its_own_direction() -> None:
    assert isolate("CMM", "ar") == "\u2068CMM\u2069"


def test_an_arabic_text_that_opens_with_a_number_begins_at_the_right() -> None:
    assert mark_start("\u2066112\u2069", "ar").startswith("\u200f")
