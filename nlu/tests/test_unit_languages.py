"""The classifiers: which examples they learn from."""

from pathlib import Path

import pytest

classifiers = pytest.importorskip("havn_nlu.classifiers")

# isort: split
import numpy as np  # noqa: E402
from rasa.shared.nlu.training_data.features import Features  # noqa: E402
from rasa.shared.nlu.training_data.message import Message  # noqa: E402
from rasa.shared.nlu.training_data.training_data import TrainingData  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402
from storage import Storage  # noqa: E402

EXAMPLES = 40


@pytest.mark.parametrize(("every", "least", "most"), [(1, EXAMPLES, EXAMPLES), (2, 10, 30)])
def test_it_learns_from_one_example_of_so_many(
    tmp_path: Path, every: int, least: int, most: int
) -> None:
    """Each example is a language of its own here, so what was learned can be counted."""
    examples = [_example(number) for number in range(EXAMPLES)]
    config = {**classifiers.LanguageIdentifier.get_default_config(), "every": every}
    identifier = classifiers.LanguageIdentifier(config, Storage(tmp_path), None)
    identifier.train(TrainingData(examples))
    learned = set(identifier.chances(examples[0]))
    assert least <= len(learned) <= most
    assert every == 1 or learned not in (
        {f"l{number}" for number in range(0, EXAMPLES, 2)},
        {f"l{number}" for number in range(1, EXAMPLES, 2)},
    )


def _example(number: int) -> Message:
    beside = {"intent": {"lang": f"l{number}"}}
    message = Message({"text": f"text {number}", "intent": "greet", "metadata": beside})
    row = csr_matrix(np.eye(1, EXAMPLES, number))
    message.add_features(Features(row, "sentence", "text", "ngrams"))
    return message
