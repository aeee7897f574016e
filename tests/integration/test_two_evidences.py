"""Words and meaning together: what the dictionaries of the NLU unit know counts as words."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.app import Visitor, running, screens
from tests.support.fakes import FakeDialogue, meaning

TEXT = "xyzzy plugh"  # nothing that the words of danger know


@pytest.mark.parametrize(
    ("danger", "danger_words", "screen"),
    [
        (0.9, True, "utter_danger_now"),
        (0.9, False, "utter_debt"),  # the meaning alone alarms nobody
        (0.05, True, "utter_debt"),
    ],
)
async def test_a_word_of_the_dictionaries_and_a_likely_danger_bring_the_numbers(
    tmp_path: Path, danger: float, screen: str, *, danger_words: bool
) -> None:
    read = replace(meaning("debt", "utter_debt"), danger=danger, danger_words=danger_words)
    async with running(tmp_path, dialogue=FakeDialogue(**{TEXT: read})) as app:
        visitor = Visitor(app)
        await visitor.starts()
        assert screen in screens(await visitor.says(TEXT))
