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

# Every second one is Polish or Thai.
SPOKEN = ("da", "pl", "en", "th") * 4


@pytest.mark.parametrize(("every", "learned"), [(1, {"da", "en", "pl", "th"}), (2, {"da", "en"})])
def test_it_learns_from_every_so_manieth_example(
    tmp_path: Path, every: int, learned: set[str]
) -> None:
    examples = [_example(number, language) for number, language in enumerate(SPOKEN)]
    config = {**classifiers.LanguageIdentifier.get_default_config(), "every": every}
    identifier = classifiers.LanguageIdentifier(config, Storage(tmp_path), None)
    identifier.train(TrainingData(examples))
    assert set(identifier.chances(examples[0])) == learned


def _example(number: int, language: str) -> Message:
    message = Message(
        {"text": f"text {number}", "intent": "greet", "metadata": {"intent": {"lang": language}}}
    )
    row = csr_matrix(np.eye(1, len(SPOKEN), number))
    message.add_features(Features(row, "sentence", "text", "ngrams"))
    return message
