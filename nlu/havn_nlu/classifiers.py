"""Rasa components that read the n-gram features: what is meant, and in which language."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, hstack

from havn_nlu import linear

_RANKED = 10
_NOW = "/now"  # no intent has a slash in its name
_SELF_HARM = "suicide"
_DOUBT = 0.5  # the exponent of a chance


class _LinearComponent(GraphComponent):
    """What both classifiers share: train on labelled rows, persist, load."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`features`: the aliases of the featurizers to read.

        `penalty`: how far to trust single examples, the C of a linear SVM.

        `sharpness`: what turns margins into probabilities; None to measure it, which takes as long
        as the training itself.

        `every`: 2 learns from one example of two, drawn by its text.
        """
        return {"features": ["ngrams"], "penalty": 1.0, "sharpness": None, "every": 1}

    @classmethod
    def required_components(cls) -> list[type]:
        """Rasa's order check: features come first."""
        return [Featurizer]

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: linear.LinearModel | None = None,
    ) -> None:
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003 - Rasa's signature
    ) -> "_LinearComponent":
        """Make an untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **_: Any,
    ) -> "_LinearComponent":
        """Read the model back; a component that had nothing to learn stays silent."""
        with model_storage.read_from(resource) as directory:
            trained = (directory / "labels.json").exists()
            model = linear.LinearModel.load(directory) if trained else None
        return cls(config, model_storage, resource, model)

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on the labelled examples and keep the model in Rasa's storage."""
        labelled = [
            (message, label)
            for message in training_data.intent_examples
            if self._learns(message) and self.rows(message) and (label := self.label(message))
        ]
        labels = [label for _, label in labelled]
        with self._storage.write_to(self._resource) as directory:
            if len(set(labels)) > 1:
                rows = self._together([message for message, _ in labelled])
                given = {name: self._config[name] for name in ("penalty", "sharpness")}
                now = {label for label in labels if label.endswith(_NOW)}
                self._model = linear.fit(rows, labels, **given, together=now)
                self._model.save(directory)
            else:
                (directory / "untrained").touch()
        return self._resource

    def _learns(self, message: Message) -> bool:
        """Draw lots: neighbouring lines come from one author, in turns of one kind and another."""
        return crc32(str(message.get(TEXT)).encode()) % int(self._config["every"]) == 0

    def label(self, message: Message) -> str | None:
        """Name the class of a training example, None to leave it out."""
        raise NotImplementedError

    def rows(self, message: Message) -> Sequence[csr_matrix]:
        """Return the rows of a message that the classifier reads, each featurizer's; () without.

        Rasa's own way copies each.
        """
        found = {one.origin: one.features for one in message.features if one.attribute == TEXT}
        names = self._config["features"]
        return [found[name] for name in names] if all(name in found for name in names) else ()

    def _together(self, messages: Sequence[Message]) -> csr_matrix:
        """Return the rows of all messages, in the numbers that the solver reads: no second copy."""
        columns = zip(*map(self.rows, messages), strict=True)
        return hstack([_stacked(column) for column in columns], format="csr", dtype=np.float64)

    def chances(self, message: Message) -> dict[str, float]:
        """Return the probability of each label; {} if nothing is known."""
        rows = self.rows(message)
        if not rows or self._model is None:
            return {}
        chances = self._model.probabilities(*_side_by_side(rows)).tolist()
        return dict(zip(self._model.labels, chances, strict=True))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(_LinearComponent, IntentClassifier):
    """Says what is meant, and how likely it tells of danger that is now.

    Examples with `metadata: {now: true}` are a class of their own beside the others of their
    intent: a wish to die is no act, and a report is no cry for help. The intent's chance is the sum
    of both. A detector of danger alone does worse (docs/nlu.md): what a text may mean instead is
    the best evidence against danger. It serves beside them: these classes are also learned as one.
    """

    def label(self, message: Message) -> str | None:
        """Return the intent of an example, marked if it tells of danger now."""
        return label_of(message)

    def process(self, messages: list[Message]) -> list[Message]:
        """Set `intent`, `intent_ranking` and `now`, also for a text without any known n-gram.

        `now` = {self_harm, danger}: the chances that a text tells of an act of self-harm begun or
        ready, and of any other danger that is now.
        """
        for message in messages:
            tell(message, self.chances(message))
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LanguageIdentifier(_LinearComponent, IntentClassifier):
    """Says in which of the trained languages a text is written, or that it is none of them.

    It learns from `metadata: {lang: …}` beside the intents. A linear model must choose a language,
    also for one it never saw, and its probability does not show the difference; whether the words
    are known does. Held out, 95 in 100 texts of a trained language have two thirds of their words
    known; sentences in other languages have at most a third.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`known_words`: the share of a text's words that must be known to name a language."""
        return {**_LinearComponent.get_default_config(), "known_words": 0.5}

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: linear.LinearModel | None = None,
    ) -> None:
        super().__init__(config, model_storage, resource, model)
        self._words = self._read_words() if model else frozenset()

    def _read_words(self) -> frozenset[str]:
        with self._storage.read_from(self._resource) as directory:
            return frozenset(json.loads((directory / "words.json").read_text(encoding="utf-8")))

    def train(self, training_data: TrainingData) -> Resource:
        """Fit, and remember which words exist."""
        resource = super().train(training_data)
        words = {word for message in training_data.intent_examples for word in _words(message)}
        self._words = frozenset(words)
        with self._storage.write_to(self._resource) as directory:
            listed = json.dumps(sorted(words), ensure_ascii=False)
            (directory / "words.json").write_text(listed, encoding="utf-8")
        return resource

    def label(self, message: Message) -> str | None:
        """Return the language of an example's intent block."""
        language: str | None = _metadata(message).get("lang")
        return language

    def process(self, messages: list[Message]) -> list[Message]:
        """Set `lang` = {name, confidence}; name is None where the words are foreign.

        `likeliest_lang` is the name also there, None where nothing is known.
        """
        for message in messages:
            likeliest = _best(_ranked(self.chances(message)))
            message.set("likeliest_lang", likeliest["name"])
            known = likeliest if self._familiar(message) else _best([])
            message.set("lang", known, add_to_output=True)
        return messages

    def _familiar(self, message: Message) -> bool:
        words = _words(message)
        known = sum(word in self._words for word in words)
        return bool(words) and known >= self._config["known_words"] * len(words)


def label_of(message: Message) -> str | None:
    """Return the intent of an example, marked if it tells of danger now."""
    intent: str | None = message.get(INTENT)
    return f"{intent}{_NOW}" if intent and _metadata(message).get("now") else intent


def tell(message: Message, chances: Mapping[str, float]) -> None:
    """Set `intent`, `intent_ranking` and `now` of a message from the chance of each label."""
    intents: defaultdict[str, float] = defaultdict(float)
    for label, chance in chances.items():
        intents[label.removesuffix(_NOW)] += chance
    ranking = _ranked(intents)
    message.set(INTENT, _best(ranking), add_to_output=True)
    message.set("intent_ranking", ranking, add_to_output=True)
    message.set("now", _now(chances), add_to_output=True)


def _now(chances: Mapping[str, float]) -> dict[str, float]:
    """Return the chances of danger and of self-harm now, with half the model's certainty.

    Strangers write about danger less like the examples than the examples' authors like one another,
    and a model that is less certain misses fewer at the same false alarms: docs/nlu.md.
    """
    doubted = {label: chance**_DOUBT for label, chance in chances.items()}
    total = sum(doubted.values())
    now = {"danger": 0.0, "self_harm": 0.0}
    for label, chance in doubted.items():
        if label.endswith(_NOW):
            now["self_harm" if label == _SELF_HARM + _NOW else "danger"] += chance / total
    return now


def _metadata(message: Message) -> dict[str, Any]:
    """Return what stands beside the intent of an example's block."""
    metadata = message.get(METADATA) or {}
    return metadata.get(INTENT) or {}


def _ranked(chances: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the likeliest names as {name, confidence}, best first."""
    best = sorted(chances, key=chances.__getitem__, reverse=True)[:_RANKED]
    return [{"name": name, "confidence": chances[name]} for name in best]


def _best(ranking: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first of a ranking; without one, no name."""
    return ranking[0] if ranking else {"name": None, "confidence": 0.0}


def _words(message: Message) -> list[str]:
    """Return the tokens that are words: digits and signs belong to every language."""
    tokens = message.get(TOKENS_NAMES[TEXT]) or []
    return [token.text for token in tokens if token.text[0].isalpha()]


def _side_by_side(rows: Sequence[csr_matrix]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return columns and values of a text's rows, each right of the one before."""
    starts = accumulate((row.shape[1] for row in rows), initial=0)
    columns = [row.indices + start for row, start in zip(rows, starts, strict=False)]
    return np.concatenate(columns), np.concatenate([row.data for row in rows])


def _stacked(rows: Sequence[csr_matrix]) -> csr_matrix:
    """Put single rows under one another; scipy's own way checks each of them."""
    ends = np.cumsum([0, *(row.nnz for row in rows)])
    inside = (
        np.concatenate([row.data for row in rows]),
        np.concatenate([row.indices for row in rows]),
        ends,
    )
    return csr_matrix(inside, (len(rows), rows[0].shape[1]))
