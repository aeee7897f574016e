"""Features: what is learned, how it is weighed, and that training and a visitor's turn agree."""

import json
from pathlib import Path

import pytest

ngrams = pytest.importorskip("havn_nlu.ngrams")
np = pytest.importorskip("numpy")

# isort: split
from rasa.shared.nlu.training_data.message import Message  # noqa: E402
from rasa.shared.nlu.training_data.training_data import TrainingData  # noqa: E402
from storage import Storage  # noqa: E402

from havn_nlu.beside import beside  # noqa: E402

TEXTS = ["he took my passport", "my passport is gone", "he is here", "far kom", "får kom", "he kom"]


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


def trained(storage: Storage) -> tuple[object, list[Message]]:
    featurizer = ngrams.NgramFeaturizer(
        ngrams.NgramFeaturizer.get_default_config(), "ngrams", storage, None
    )
    examples = TrainingData([Message({"text": text, "intent": text}) for text in TEXTS])
    featurizer.train(examples)
    return featurizer, featurizer.process_training_data(examples).training_examples


def row(featurizer: object, text: str) -> object:
    (message,) = featurizer.process([Message({"text": text})])
    return message.features[0].features


def test_an_example_and_the_same_words_of_a_visitor_have_the_same_row(storage: Storage) -> None:
    featurizer, examples = trained(storage)
    for example in examples:
        (learned,) = example.features
        difference = learned.features - row(featurizer, example.get("text"))
        assert abs(difference).max() < 1e-6
        assert learned.features.nnz


def test_a_component_that_is_loaded_again_gives_the_same_row(storage: Storage) -> None:
    featurizer, _ = trained(storage)
    again = ngrams.NgramFeaturizer.load(
        ngrams.NgramFeaturizer.get_default_config(), storage, None, type("", (), {"node_name": "n"})
    )
    for text in (*TEXTS, "he took my dog"):
        assert abs(row(featurizer, text) - row(again, text)).max() < 1e-6


def test_words_and_pieces_have_length_one_each_where_all_is_known(storage: Storage) -> None:
    featurizer, _ = trained(storage)
    # Each of its n-grams stands in two examples or more.
    assert np.sqrt((row(featurizer, "my passport").data ** 2).sum()) == pytest.approx(2**0.5)


def test_what_nobody_knows_keeps_a_text_short(storage: Storage) -> None:
    featurizer, _ = trained(storage)
    known, half = row(featurizer, "my passport"), row(featurizer, "my passport xylophone quiz")
    assert 0 < (half.data**2).sum() < (known.data**2).sum() / 1.5
    # Nothing but the border that every word has.
    assert row(featurizer, "ζζζ").nnz == 1
    assert row(featurizer, "").nnz == 0


def test_a_rare_word_weighs_more_than_a_frequent_one(storage: Storage) -> None:
    featurizer, _ = trained(storage)
    with storage.read_from(None) as folder:
        columns = list(json.loads((folder / "ngrams.json").read_text(encoding="utf-8")))
    found = row(featurizer, "he passport")
    weights = dict(zip([columns[one] for one in found.indices], found.data, strict=True))
    assert weights["wpassport"] > weights["whe"]


def test_what_stands_in_one_example_only_is_not_learned(storage: Storage) -> None:
    trained(storage)
    with storage.read_from(None) as folder:
        learned = (folder / "ngrams.json").read_text(encoding="utf-8")
    assert '"wpassport"' in learned
    assert '"where"' not in learned


def test_many_examples_are_counted_by_two_processes_as_by_one(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, alone = trained(storage)
    monkeypatch.setattr(ngrams, "_MANY", len(TEXTS))
    processes: list[object] = []
    monkeypatch.setattr(ngrams, "beside", lambda work: processes.append(work) or beside(work))
    both, shared = trained(storage)
    assert len(processes) == 1
    assert both._columns == one._columns
    for example, same in zip(alone, shared, strict=True):
        assert (example.features[0].features != same.features[0].features).nnz == 0


def test_work_beside_that_fails_is_told() -> None:
    def fail() -> None:
        raise SystemExit(1)

    with pytest.raises(EOFError):
        beside(fail)()
