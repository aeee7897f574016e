"""What words alone decide about a text, before the NLU unit is asked."""

import pytest

from bot.domain.triage import Assessment, Level
from bot.services import decide

RED = Assessment(Level.RED, screen="utter_danger_now", danger_words=True)
MINOR = Assessment(Level.ORANGE, screen="utter_minor_check")
MINOR_NEAR_DANGER = Assessment(Level.ORANGE, screen="utter_minor_check", danger_words=True)
WISH_WITH_MEANS = Assessment(Level.ORANGE, screen="utter_suicide_care", self_harm_words=True)


@pytest.mark.parametrize(
    ("assessment", "settled"),
    [
        (RED, True),
        (MINOR, False),  # the unit's dictionaries know words of danger that triage does not
        (MINOR_NEAR_DANGER, False),
        (WISH_WITH_MEANS, False),
        (Assessment(danger_words=True), False),
        (Assessment(), False),
    ],
)
def test_the_unit_is_asked_where_meaning_could_make_it_more_urgent(
    assessment: Assessment, settled: bool
) -> None:
    assert decide._settled(assessment) is settled


@pytest.mark.parametrize(
    ("screen", "unread", "told", "locale"),
    [
        ("utter_danger_now", Level.GREY, {"da"}, "da"),
        ("utter_danger_now", Level.GREY, {"en"}, ""),  # the present one
        ("utter_danger_now", Level.GREY, {"da", "en"}, ""),
        (None, Level.RED, {"da"}, "da"),
        # Single words belong to many languages, or look like a word of another.
        (None, Level.ORANGE, {"da"}, ""),
        (None, Level.GREY, {"da", "fr"}, ""),
        (None, Level.GREY, set(), ""),
    ],
)
def test_a_cry_is_answered_in_its_language(
    screen: str | None, unread: Level, told: set[str], locale: str
) -> None:
    assessment = Assessment(screen=screen, unread=unread, locales=frozenset(told))
    assert decide._spoken(assessment, "en").locale == locale
