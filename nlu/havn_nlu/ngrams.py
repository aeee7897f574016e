"""Rasa component: sparse sentence features from words and pieces of words."""

import json
from collections import Counter
from math import log
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.sparse_featurizer.sparse_featurizer import SparseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix

from havn_nlu import text


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class NgramFeaturizer(SparseFeaturizer, GraphComponent):
    """Counts n-grams, weighs rare ones higher, and gives each text one sparse row."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`words`: longest word sequence. `shortest`, `longest`: lengths of character pieces.

        `seen`: in how many examples an n-gram must stand to be learned.
        """
        return {
            **SparseFeaturizer.get_default_config(),
            "words": 2,
            "shortest": 1,
            "longest": 4,
            "seen": 2,
        }

    @classmethod
    def required_components(cls) -> list[type]:
        """Rasa's order check: a tokenizer comes first."""
        return [Tokenizer]

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Rasa checks the config with this; unknown keys are refused by `get_default_config`."""

    def __init__(
        self,
        config: dict[str, Any],
        name: str,
        model_storage: ModelStorage,
        resource: Resource,
        weights: dict[str, float] | None = None,
    ) -> None:
        super().__init__(name, config)
        self._storage = model_storage
        self._resource = resource
        self._learn(weights or {})

    def _learn(self, weights: dict[str, float]) -> None:
        self._columns = {ngram: column for column, ngram in enumerate(weights)}
        # The last weight is that of an unknown n-gram, column -1: as rare as the rarest known one.
        rarest = max(weights.values(), default=1.0)
        self._weights = np.array([*weights.values(), rarest])

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "NgramFeaturizer":
        """Make an untrained component."""
        return cls(config, execution_context.node_name, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **_: Any,
    ) -> "NgramFeaturizer":
        """Read the vocabulary back from the model."""
        with model_storage.read_from(resource) as directory:
            weights = json.loads((directory / "ngrams.json").read_text(encoding="utf-8"))
        return cls(config, execution_context.node_name, model_storage, resource, weights)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn which n-grams exist and how rare each is."""
        texts = [str(message.get(TEXT)) for message in training_data.training_examples]
        seen: Counter[str] = Counter()
        for one in texts:
            seen.update(set(self._ngrams(one)))
        total = len(texts) + 1
        learned = sorted(one for one, times in seen.items() if times >= self._config["seen"])
        weights = {ngram: log(total / (seen[ngram] + 1)) + 1 for ngram in learned}
        self._learn(weights)
        with self._storage.write_to(self._resource) as directory:
            (directory / "ngrams.json").write_text(
                json.dumps(weights, ensure_ascii=False), encoding="utf-8"
            )
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add features to every example."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add one sentence feature to each message that has a text."""
        for message in messages:
            if message.get(TEXT) is not None:
                row = self.row(str(message.get(TEXT)))
                self.add_features_to_message(None, row, TEXT, message)
        return messages

    def _ngrams(self, raw: str) -> list[str]:
        lengths = (self._config["shortest"], self._config["longest"])
        normal = text.normalise(raw)
        return list(text.ngrams(normal, words=self._config["words"], characters=lengths))

    def row(self, raw: str) -> csr_matrix:
        """Return the weighted, scaled features of one text; empty where nothing is known.

        Unknown n-grams count towards the length, so a text in a language the model never saw
        stays short and no intent can claim it on the strength of one familiar syllable. Words and
        pieces of words are scaled to length 1 apart from each other: there are far more pieces, and
        the words would drown.
        """
        counts = Counter(self._ngrams(raw))
        found, total = counts.keys(), len(counts)
        columns = np.fromiter((self._columns.get(one, -1) for one in found), np.int32, total)
        times = np.fromiter(counts.values(), np.float64, total)
        weighted = (1 + np.log(times)) * self._weights[columns]
        # Words come before their pieces: text.ngrams.
        words = sum(one[0] == "w" for one in found)
        weighted[:words] /= np.linalg.norm(weighted[:words]) or 1.0
        weighted[words:] /= np.linalg.norm(weighted[words:]) or 1.0
        known = columns >= 0
        values = weighted[known].astype(np.float32)
        shape = (1, len(self._columns))
        return csr_matrix((values, columns[known], [0, len(values)]), shape=shape)
