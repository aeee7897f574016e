"""``havn nlu evaluate``: what one example is predicted to be."""

from dataclasses import replace

import pytest

from bot.commands import nlu
from bot.domain.triage import Level
from tests.support.fakes import FakeDialogue, meaning

TEXT = "xyzzy plugh"  # nothing that the words of danger know


@pytest.mark.parametrize(
    ("danger", "words", "level"),
    [(0.9, True, Level.RED), (0.9, False, Level.YELLOW), (0.0, True, Level.YELLOW)],
)
async def test_red_takes_a_word_of_the_unit_s_dictionaries_and_the_meaning(
    danger: float, level: Level, *, words: bool
) -> None:
    read = replace(meaning("debt", "utter_debt"), danger=danger, danger_words=words)
    example = nlu.Example("en", "debt", Level.YELLOW, TEXT, false_friend=False)
    assert (await nlu._predict(FakeDialogue(**{TEXT: read}), (), example)).level is level
