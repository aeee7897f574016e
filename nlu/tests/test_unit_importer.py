"""Reading the training examples: the same as Rasa's own reader finds, and nothing in silence."""

from pathlib import Path

import pytest

importer = pytest.importorskip("havn_nlu.importer")

# isort: split
from rasa.shared.importers.rasa import RasaFileImporter  # noqa: E402

DATA = Path(__file__).parents[1] / "data"
BLOCK = """
- intent: greet
  metadata: {lang: en}
  examples: |
    - hello
    - good morning
"""
HEAD = 'version: "3.1"\nnlu:'


def test_it_finds_what_rasa_s_own_reader_finds() -> None:
    files = [str(path) for path in sorted(DATA.glob("*/smalltalk.yml"))]
    ours, theirs = (
        {
            (one.get("text"), one.get("intent"), str(one.get("metadata")))
            for one in kind(training_data_paths=files).get_nlu_data().training_examples
        }
        for kind in (importer.ExamplesImporter, RasaFileImporter)
    )
    assert ours == theirs
    assert len(ours) > 1000


def test_a_block_is_intent_what_stands_beside_it_and_examples(tmp_path: Path) -> None:
    file = tmp_path / "greet.yml"
    file.write_text(HEAD + BLOCK, encoding="utf-8")
    assert importer.blocks(file) == [("greet", {"lang": "en"}, ["hello", "good morning"])]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nlu: []",
        HEAD + BLOCK.replace("examples", "exampels"),
        HEAD + BLOCK.replace("lang: en", "now: true"),
        HEAD + BLOCK.replace("- good", "good"),
        HEAD + BLOCK.replace("- good morning", "-"),
        HEAD + BLOCK.replace("    - hello\n    - good morning\n", ""),
        HEAD + BLOCK + "- lookup: cities\n  examples: |\n    - Aarhus\n",
    ],
)
def test_another_form_is_refused_with_the_name_of_the_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "greet.yml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(importer.ExamplesError, match=r"greet\.yml"):
        importer.blocks(file)


def test_no_cry_of_danger_now_is_taken_for_a_report() -> None:
    unmarked = [
        (file.parent.name, file.name)
        for file in DATA.glob("*/*.yml")
        for intent, beside, _ in importer.blocks(file)
        if intent == "danger_now" and not beside.get("now")
    ]
    assert unmarked == []
