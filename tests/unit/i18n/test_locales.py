import pytest

from bot.i18n import LOCALES, negotiate, own_name

ALL = tuple(LOCALES)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("da", "da"),
        ("da-DK", "da"),
        ("DA_dk", "da"),
        (" en-GB ", "en"),
        ("pt", "pt_BR"),
        ("pt-PT", "pt_BR"),
        ("pt-br", "pt_BR"),
        ("fil-PH", "tl"),
        ("nb-NO", "da"),
        ("no", "da"),
        ("mo", "ro"),
        ("be-BY", "ru"),
        ("ar-SY", "ar"),
        ("zh-Hans", ""),
        ("", ""),
        ("-", ""),
        ("*", ""),
    ],
)
def test_a_tag_leads_to_the_nearest_language(tag: str, expected: str) -> None:
    assert negotiate(tag, ALL) == expected


def test_only_supported_languages_are_chosen() -> None:
    assert negotiate("da", ["en"]) == ""
    assert negotiate("nb", ["en", "th"]) == ""
    assert negotiate("pt-PT", ["en", "pt_BR"]) == "pt_BR"


def test_there_are_fourteen_languages_and_english_is_first() -> None:
    assert len(LOCALES) == 14
    assert ALL[0] == "en"
    assert len(set(LOCALES.values())) == 14


def test_a_language_is_called_by_its_own_name() -> None:
    assert own_name("th") == "ไทย"
    assert own_name("xx") == "xx"
