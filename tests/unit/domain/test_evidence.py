"""Words near danger and the meaning of a text: what they call for, together and alone."""

from dataclasses import replace

import pytest

from bot.domain.triage import (
    CARE,
    DANGER,
    Assessment,
    Flag,
    Level,
    Understanding,
    confirmed_danger,
    first_screen,
    offered_level,
)

WORDS = Assessment(danger_words=True, unread=Level.ORANGE, unread_screen=DANGER)
MEANS = Assessment(self_harm_words=True, unread=Level.ORANGE, unread_screen=CARE)
EVERYDAY = Assessment(danger_words=True)
PLAIN = Assessment(danger_words=True, unread=Level.RED, unread_screen=DANGER)
PLAIN_MEANS = Assessment(self_harm_words=True, unread=Level.RED, unread_screen=CARE)
EXPLICIT = Assessment(Level.RED, frozenset({Flag.VIOLENCE}), DANGER)


@pytest.mark.parametrize("words", [WORDS, MEANS, EVERYDAY, PLAIN, PLAIN_MEANS])
@pytest.mark.parametrize(
    ("danger", "self_harm", "screen"), [(0.3, 0.1, DANGER), (0.1, 0.3, CARE), (0.07, 0.06, DANGER)]
)
def test_words_near_danger_and_a_likely_danger_are_red(
    words: Assessment, danger: float, self_harm: float, screen: str
) -> None:
    read = Understanding(words, "debt", locale="en", danger=danger, self_harm=self_harm)
    assert confirmed_danger(read) == screen
    assert first_screen(read) == screen
    assert offered_level(read) is Level.RED


@pytest.mark.parametrize("words", [WORDS, MEANS, EVERYDAY, PLAIN, PLAIN_MEANS])
def test_an_unlikely_danger_confirms_nothing(words: Assessment) -> None:
    read = Understanding(words, "debt", locale="en", danger=0.05, self_harm=0.04)
    assert confirmed_danger(read) is None
    assert first_screen(read) is None
    assert offered_level(read) is Level.YELLOW


@pytest.mark.parametrize(("danger", "level"), [(0.5, Level.RED), (0.09, Level.YELLOW)])
def test_a_word_of_the_dictionaries_is_near_danger(danger: float, level: Level) -> None:
    read = Understanding(Assessment(), "debt", locale="en", danger=danger, danger_words=True)
    assert offered_level(read) is level
    assert (first_screen(read) == DANGER) is (level is Level.RED)


@pytest.mark.parametrize("intent", ["danger_now", "suicide"])
def test_the_meaning_alone_is_orange(intent: str) -> None:
    read = Understanding(Assessment(), intent, locale="en", danger=1.0, self_harm=1.0)
    assert confirmed_danger(read) is None
    assert offered_level(read) is Level.ORANGE


def test_a_calm_meaning_lowers_no_explicit_words() -> None:
    read = Understanding(EXPLICIT, "greet", locale="en")
    assert (first_screen(read), offered_level(read)) == (DANGER, Level.RED)


@pytest.mark.parametrize(("words", "screen"), [(WORDS, DANGER), (MEANS, CARE)])
def test_words_whose_meaning_nobody_read_show_the_numbers(words: Assessment, screen: str) -> None:
    unread = Understanding(words)
    assert (first_screen(unread), offered_level(unread)) == (screen, Level.ORANGE)


@pytest.mark.parametrize(("words", "screen"), [(PLAIN, DANGER), (PLAIN_MEANS, CARE)])
def test_plain_phrases_whose_meaning_nobody_read_are_red(words: Assessment, screen: str) -> None:
    unread = Understanding(words)
    assert (first_screen(unread), offered_level(unread)) == (screen, Level.RED)


def test_an_everyday_word_whose_meaning_nobody_read_is_nothing() -> None:
    unread = Understanding(EVERYDAY)
    assert (first_screen(unread), offered_level(unread)) == (None, Level.GREY)


@pytest.mark.parametrize(
    ("words", "screen", "level"),
    [
        (WORDS, "utter_leaving_soon", Level.ORANGE),
        (EVERYDAY, "utter_leaving_soon", Level.ORANGE),
        (PLAIN, DANGER, Level.RED),
    ],
)
def test_unread_only_plain_phrases_come_before_another_screen_with_a_number(
    words: Assessment, screen: str, level: Level
) -> None:
    unread = Understanding(replace(words, level=Level.ORANGE, screen="utter_leaving_soon"))
    assert (first_screen(unread), offered_level(unread)) == (screen, level)


@pytest.mark.parametrize(
    ("words", "screen"), [(WORDS, DANGER), (EVERYDAY, "utter_minor_check"), (PLAIN, DANGER)]
)
def test_unread_numbers_come_before_the_question_about_age(words: Assessment, screen: str) -> None:
    child = Understanding(replace(words, level=Level.ORANGE, screen="utter_minor_check"))
    assert first_screen(child) == screen
