"""Rasa component: short texts that mean something else in another language."""

import json
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.shared.nlu.constants import INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from havn_nlu import text
from havn_nlu.classifiers import label_of, tell

# What an example says of its own words is not quite certain in another's mouth.
_SURE = 0.98
_FILE = "phrases.json"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class KnownPhrases(GraphComponent, IntentClassifier):
    """Takes a short text for what it means as an example of the conversation's own language.

    `tak` is a Polish yes and a Danish thank-you, `hindi` a Tagalog no and the name of a language:
    no classifier of all languages can tell. Longer texts show their language themselves.
    In config.yml it stands after the classifier, which it corrects.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`longest`: how many tokens a text may have."""
        return {"longest": 3}

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        phrases: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self._longest = config["longest"]
        self._storage = model_storage
        self._resource = resource
        self._phrases = phrases or {}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003 - Rasa's signature
    ) -> "KnownPhrases":
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
    ) -> "KnownPhrases":
        """Read the phrases back from the model."""
        with model_storage.read_from(resource) as directory:
            phrases = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        return cls(config, model_storage, resource, phrases)

    def train(self, training_data: TrainingData) -> Resource:
        """Remember the short examples of each language."""
        for message in training_data.intent_examples:
            beside = (message.get(METADATA) or {}).get(INTENT) or {}
            phrase = self._phrase(message)
            if phrase and (language := beside.get("lang")):
                label = label_of(message)
                self._phrases.setdefault(language, {})[phrase] = label
        with self._storage.write_to(self._resource) as directory:
            listed = json.dumps(self._phrases, ensure_ascii=False)
            (directory / _FILE).write_text(listed, encoding="utf-8")
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Correct intent, chances and language of a text that is an example of `locale`."""
        for message in messages:
            locale = str((message.get(METADATA) or {}).get("locale") or "")
            label = self._phrases.get(locale, {}).get(self._phrase(message))
            if label:
                before = {one["name"]: one["confidence"] for one in message.get("intent_ranking")}
                tell(message, {**_lowered(before), label: _SURE})
                language = {"name": locale, "confidence": _SURE}
                message.set("lang", language, add_to_output=True)
        return messages

    def _phrase(self, message: Message) -> str:
        """Return a short text in its one form; "" for a longer one."""
        found = message.get(TOKENS_NAMES[TEXT]) or []
        return text.fold(" ".join(one.text for one in found)) if len(found) <= self._longest else ""


def _lowered(chances: dict[str, float]) -> dict[str, float]:
    """Share what certainty is left among the meanings in other languages."""
    total = sum(chances.values()) or 1.0
    return {name: chance / total * (1 - _SURE) for name, chance in chances.items()}
