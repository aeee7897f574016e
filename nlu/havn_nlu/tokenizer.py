"""Rasa component: tokens for every script."""

from typing import Any

from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from havn_nlu import text

_NORMAL = "normal"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class ScriptTokenizer(Tokenizer):
    """Words where the script writes spaces, written characters where it does not.

    Tokens are normalised (see `havn_nlu.text.normalise`); their offsets count in the normalised
    text, which nothing in this pipeline maps back, because it extracts no entities.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Intents are single names here, so Rasa must not split them into tokens."""
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "prefix_separator_symbol": None,
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,  # noqa: ARG003 - Rasa's signature
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> "ScriptTokenizer":
        """Make the component as Rasa asks for it."""
        return cls(config)

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Return the tokens of one attribute, in order."""
        written = normal(message) if attribute == TEXT else text.normalise(message.get(attribute))
        return [Token(token, start) for token, start in text.tokens(written)]


def normal(message: Message) -> str:
    """Return the text of a message in normal form; worked out once for all components."""
    if (written := message.get(_NORMAL)) is None:
        written = text.normalise(str(message.get(TEXT)))
        message.set(_NORMAL, written)
    return str(written)
