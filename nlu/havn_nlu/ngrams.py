"""Rasa component: sparse sentence features from words and pieces of words."""

import json
from array import array
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise
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


@dataclass(frozen=True)
class _Sparse:
    """The columns of each text and a number for each, text after text.

    The text with the index i has those from ends[i] to ends[i + 1].
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
        self._weights = np.fromiter(weights.values(), np.float64, len(weights))
        self._words = np.fromiter(map(self._is_word, weights), np.bool_, len(weights))
        # An unknown n-gram weighs as much as the rarest known one.
        self._rarest = self._weights.max(initial=1.0)

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
        counts, found = self._counted(examples)
        seen = np.bincount(counts.columns, minlength=len(found))
        learned = seen >= self._config["seen"]
        rarity = np.log((len(examples) + 1) / (seen + 1)) + 1
        self._learn({found[one]: float(rarity[one]) for one in np.flatnonzero(learned)})
        moved = np.where(learned, learned.cumsum() - 1, learned.sum() + (~learned).cumsum() - 1)
        counts = replace(counts, columns=moved[counts.columns])
        unknown = [found[one] for one in np.flatnonzero(~learned)]
        self._add(examples, self._weighed(counts, unknown))
        with self._storage.write_to(self._resource) as directory:
            weights = dict(zip(self._columns, self._weights.tolist(), strict=True))
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
        self._add(texts, self._weighed(*self._counted(texts)))
        return messages

    def _counted(self, messages: list[Message]) -> tuple[_Sparse, list[str]]:
        """Count the n-grams of each message; name the unknown, whose columns follow the known.

        Of many messages a process of its own counts the second half.
        """
        if len(messages) < _MANY:
            return self._counts(messages)
        middle = len(messages) // 2
        second = beside(lambda: self._counts(messages[middle:]))
        return self._joined(self._counts(messages[:middle]), second())

    def _counts(self, messages: list[Message]) -> tuple[_Sparse, list[str]]:
        numbered = _Numbered(self._columns)
        columns, times, ends = array("i"), array("f"), [0]
        apart = self._apart()
        for message in messages:
            counts = Counter(map(numbered.__getitem__, apart(message)))
            columns.extend(counts)
            times.extend(counts.values())
            ends.append(len(columns))
        counted = np.frombuffer(columns, np.int32), np.frombuffer(times, np.float32)
        return _Sparse(*counted, np.asarray(ends)), numbered.unknown

    def _joined(
        self, first: tuple[_Sparse, list[str]], second: tuple[_Sparse, list[str]]
    ) -> tuple[_Sparse, list[str]]:
        """Return the counts of both, as if they had been counted one after another."""
        (one, unknown), (other, also_unknown) = first, second
        known = len(self._columns)
        numbers = {ngram: number for number, ngram in enumerate(unknown, known)}
        moved = [numbers.setdefault(ngram, known + len(numbers)) for ngram in also_unknown]
        columns = np.concatenate([np.arange(known), moved]).astype(np.int32)[other.columns]
        joined = _Sparse(
            np.concatenate([one.columns, columns]),
            np.concatenate([one.values, other.values]),
            np.concatenate([one.ends, other.ends[1:] + one.ends[-1]]),
        )
        return joined, list(numbers)

    def _apart(self) -> Callable[[Message], list[str]]:
        """Return what takes messages apart. What it remembers ends with it: a visitor's words."""
        lengths = {"shortest": self._config["shortest"], "longest": self._config["longest"]}
        pieces = cache(partial(text.pieces, **lengths))  # words recur in examples

        def ngrams(message: Message) -> list[str]:
            return text.ngrams(normal(message), words=self._config["words"], pieces=pieces)

        return ngrams

    @staticmethod
    def _is_word(ngram: str) -> bool:
        """Tell a sequence of words from a piece of one (text.ngrams): they are scaled apart."""
        return ngram[0] == "w"

    def _weighed(self, counts: _Sparse, unknown: list[str]) -> _Sparse:
        """Return the weighted, scaled features of each text; empty where nothing is known."""
        known = counts.columns < len(self._columns)
        weights = np.full(len(known), self._rarest)
        weights[known] = self._weights[counts.columns[known]]
        words = np.zeros(len(known), np.bool_)
        words[known] = self._words[counts.columns[known]]
        strangers = np.fromiter(map(self._is_word, unknown), np.bool_, len(unknown))
        words[~known] = strangers[counts.columns[~known] - len(self._columns)]
        values = (1 + np.log(counts.values)) * weights
        # Twice as many groups as texts: pieces and words of each.
        sizes = np.diff(counts.ends)
        groups = np.repeat(np.arange(len(sizes)) * 2, sizes) + words
        values /= np.sqrt(np.bincount(groups, values**2))[groups]
        ends = np.concatenate(([0], known.cumsum()))[counts.ends]
        return _Sparse(counts.columns[known], values[known].astype(np.float32), ends)

    def _add(self, messages: list[Message], rows: _Sparse) -> None:
        """Give each message its row."""
        empty = csr_matrix((1, len(self._columns)), dtype=np.float32)
        for message, (start, end) in zip(messages, pairwise(rows.ends), strict=True):
            row = copy(empty)  # scipy would look through what it is given, each time
            row.data, row.indices = rows.values[start:end], rows.columns[start:end]
            row.indptr = np.array([0, end - start], np.int32)
            self.add_features_to_message(None, row, TEXT, message)


class _Numbered(dict[str, int]):
    """The column of each n-gram; those that nobody knows are numbered after the known ones."""

    def __init__(self, known: dict[str, int]) -> None:
        super().__init__()
        self.unknown: list[str] = []
        self._known = known

    def __missing__(self, ngram: str) -> int:
        column = self._known.get(ngram)
        if column is None:
            column = len(self._known) + len(self.unknown)
            self.unknown.append(ngram)
        self[ngram] = column
        return column


def _with_text(messages: list[Message]) -> list[Message]:
    return [one for one in messages if one.get(TEXT) is not None]
