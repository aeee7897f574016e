"""The classifiers: which examples they learn from, and how sure they are of danger."""

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


@pytest.mark.parametrize(
    ("chances", "danger", "self_harm"),
    [
        # Nine to one become three to one.
        ({"greet": 0.9, "danger_now/now": 0.1}, 1 / 4, 0),
        ({"greet": 0.64, "suicide/now": 0.04, "suspect_someone/now": 0.16}, 0.4 / 1.4, 0.2 / 1.4),
        ({"danger_now": 0.5, "suicide": 0.5}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_danger_is_told_with_half_the_certainty(
    chances: dict[str, float], danger: float, self_harm: float
) -> None:
    message = Message({"text": ""})
    classifiers.tell(message, chances)
    now = {"danger": pytest.approx(danger), "self_harm": pytest.approx(self_harm)}
    assert message.get("now") == now
    assert message.get("intent")["confidence"] == max(chances.values(), default=0)


def test_the_classes_of_danger_now_are_learned_as_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, together = classifiers.linear.fit, set[str]()

    def watched(*given: object, **named: object) -> object:
        together.update(named["together"])  # type: ignore[call-overload]
        return fit(*given, **named)

    monkeypatch.setattr(classifiers.linear, "fit", watched)
    examples = [_example(number) for number in range(EXAMPLES)]
    for number, message in enumerate(examples):
        message.set("intent", ("danger_now", "suicide", "greet")[number % 3])
        beside = {"intent": {"lang": "en", **({"now": True} if number % 2 else {})}}
        message.set("metadata", beside if number % 3 < 2 else {})
    config = classifiers.LinearIntentClassifier.get_default_config()
    component = classifiers.LinearIntentClassifier(config, Storage(tmp_path), None)
    component.train(TrainingData(examples))
    assert together == {"danger_now/now", "suicide/now"}


def _example(number: int) -> Message:
    beside = {"intent": {"lang": f"l{number}"}}
    message = Message({"text": f"text {number}", "intent": "greet", "metadata": beside})
    row = csr_matrix(np.eye(1, EXAMPLES, number))
    message.add_features(Features(row, "sentence", "text", "ngrams"))
    return message
