"""Rasa component: sparse sentence features from words and pieces of words."""

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
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
from havn_nlu.beside import beside
from havn_nlu.tokenizer import normal

_FILE = "ngrams.json"
_MANY = 10_000  # messages: fewer are counted before a process has started
_UNKNOWN = -1  # the column of what was not learned


@dataclass(frozen=True)
class _Sparse:
    """The columns of each group of n-grams and a number for each, group after group.

    The group with the index i has those from ends[i] to ends[i + 1]; texts have equally many.
    """

    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    ends: NDArray[np.intp]


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
            "alias": "ngrams",
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
        # An unknown n-gram weighs as much as the rarest known one.
        self._weights = np.array([*weights.values(), max(weights.values(), default=1.0)])
        self._empty = csr_matrix((1, len(weights)), dtype=np.float32)

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
        weights = cls.learned(model_storage, resource)
        return cls(config, execution_context.node_name, model_storage, resource, weights)

    @staticmethod
    def learned(model_storage: ModelStorage, resource: Resource) -> dict[str, float]:
        """Return the n-grams of a trained component in the order of their columns, each weighed."""
        with model_storage.read_from(resource) as directory:
            weights: dict[str, float] = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        return weights

    def train(self, training_data: TrainingData) -> Resource:
        """Learn which n-grams exist and how rare each is, and add features to every example.

        Taking the examples apart is most of the work; `process_training_data` need not repeat it.
        """
        examples = _with_text(training_data.training_examples)
        counts, found = self._numbered(examples)
        seen = np.bincount(counts.columns, minlength=len(found))
        learned = seen >= self._config["seen"]
        rarity = np.log((len(examples) + 1) / (seen + 1)) + 1
        weights = {found[one]: float(rarity[one]) for one in np.flatnonzero(learned)}
        self._learn(weights)
        columns = np.where(learned, learned.cumsum() - 1, _UNKNOWN).astype(np.int32)
        self._add(examples, self._weighed(replace(counts, columns=columns[counts.columns])))
        with self._storage.write_to(self._resource) as directory:
            (directory / _FILE).write_text(
                json.dumps(weights, ensure_ascii=False), encoding="utf-8"
            )
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add features to the examples that have none of these."""
        self.process([one for one in training_data.training_examples if not self._has(one)])
        return training_data

    def _has(self, message: Message) -> bool:
        return any(one.origin == self._identifier for one in message.features)

    def process(self, messages: list[Message]) -> list[Message]:
        """Add one sentence feature to each message that has a text.

        Unknown n-grams count towards the length, so a text in a language the model never saw
        stays short and no intent can claim it on the strength of one familiar syllable. Words and
        pieces of words are scaled to length 1 apart from each other: there are far more pieces, and
        the words would drown.
        """
        texts = _with_text(messages)
        counts = self._counts(texts, lambda found: map(self._columns.get, found, repeat(_UNKNOWN)))
        self._add(texts, self._weighed(counts))
        return messages

    def _numbered(self, messages: list[Message]) -> tuple[_Sparse, list[str]]:
        """Count the n-grams of each message; return them too, in the order of their columns.

        Of many messages a process of its own counts the second half.
        """
        if len(messages) < _MANY:
            numbers = _Numbers()
            counts = self._counts(messages, lambda found: map(numbers.__getitem__, found))
            return counts, list(numbers)
        middle = len(messages) // 2
        second = beside(lambda: self._numbered(messages[middle:]))
        return _joined(self._numbered(messages[:middle]), second())

    def _counts(
        self, messages: list[Message], columns_of: Callable[[Iterable[str]], Iterable[int]]
    ) -> _Sparse:
        """Count the n-grams of each message."""
        columns, times, ends = array("i"), array("f"), [0]
        apart = self._apart()
        for message in messages:
            for group in apart(message):
                counts = Counter(group)
                columns.extend(columns_of(counts))
                times.extend(counts.values())
                ends.append(len(columns))
        counted = np.frombuffer(columns, np.int32), np.frombuffer(times, np.float32)
        return _Sparse(*counted, np.asarray(ends))

    def _apart(self) -> Callable[[Message], Sequence[list[str]]]:
        """Return what takes messages apart, into groups that are scaled apart from each other.

        What it remembers ends with it: a visitor's words.
        """
        lengths = {"shortest": self._config["shortest"], "longest": self._config["longest"]}
        pieces = cache(partial(text.pieces, **lengths))  # words recur in examples

        def ngrams(message: Message) -> Sequence[list[str]]:
            return text.ngrams(normal(message), words=self._config["words"], pieces=pieces)

        return ngrams

    def _weighed(self, counts: _Sparse) -> _Sparse:
        """Return the weighted, scaled features of each group; empty where nothing is known."""
        values = (1 + np.log(counts.values)) * self._weights[counts.columns]
        sizes = np.diff(counts.ends)
        groups = np.repeat(np.arange(len(sizes)), sizes)
        values /= np.sqrt(np.bincount(groups, values**2))[groups]
        known = counts.columns != _UNKNOWN
        ends = np.concatenate(([0], known.cumsum()))[counts.ends]
        return _Sparse(counts.columns[known], values[known].astype(np.float32), ends)

    def _add(self, messages: list[Message], rows: _Sparse) -> None:
        """Give each message its row."""
        groups = (len(rows.ends) - 1) // len(messages) if messages else 1
        ends = pairwise(rows.ends[::groups])
        for message, (start, end) in zip(messages, ends, strict=True):
            row = copy(self._empty)  # scipy would look through what it is given, each time
            row.data, row.indices = rows.values[start:end], rows.columns[start:end]
            row.indptr = np.array([0, end - start], np.int32)
            self.add_features_to_message(None, row, TEXT, message)


class _Numbers(dict[str, int]):
    """A number for each n-gram, in the order in which they are met."""

    def __missing__(self, ngram: str) -> int:
        self[ngram] = number = len(self)
        return number


def _joined(
    first: tuple[_Sparse, list[str]], second: tuple[_Sparse, list[str]]
) -> tuple[_Sparse, list[str]]:
    """Return the counts of both, as if they had been counted one after another."""
    (one, found), (other, also_found) = first, second
    numbers = _Numbers(zip(found, range(len(found)), strict=True))
    moved = np.fromiter(map(numbers.__getitem__, also_found), np.int32, len(also_found))
    joined = _Sparse(
        np.concatenate([one.columns, moved[other.columns]]),
        np.concatenate([one.values, other.values]),
        np.concatenate([one.ends, other.ends[1:] + one.ends[-1]]),
    )
    return joined, list(numbers)


def _with_text(messages: list[Message]) -> list[Message]:
    return [one for one in messages if one.get(TEXT) is not None]
