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
        (MINOR, True),
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
    ("screen", "told", "locale"),
    [
        ("utter_danger_now", {"da"}, "da"),
        ("utter_danger_now", {"en"}, ""),  # the present one
        ("utter_danger_now", {"da", "en"}, ""),
        (None, {"da"}, "da"),
        (None, {"da", "fr"}, ""),  # single words belong to many languages
        (None, set(), ""),
    ],
)
def test_a_cry_is_answered_in_its_language(screen: str | None, told: set[str], locale: str) -> None:
    spoken = decide._spoken(Assessment(screen=screen, locales=frozenset(told)), "en")
    assert spoken.locale == locale
