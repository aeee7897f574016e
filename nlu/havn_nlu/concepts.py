"""Rasa component: features of what words mean, the same in every language."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.sparse_featurizer.sparse_featurizer import SparseFeaturizer
from rasa.shared.nlu.constants import INTENT, METADATA
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from havn_nlu.dictionary import Dictionary, concepts
from havn_nlu.inputs import CONCEPTS
from havn_nlu.ngrams import NgramFeaturizer
from havn_nlu.tokenizer import normal

_FILE = "concepts.json"
_CONCEPTS = "concepts"
# The fields of meaning that people name when they tell of danger. A word of one proves nothing.
_OF_DANGER = frozenset(
    {
        "hit_beat",
        "kick",
        "push_pull",
        "throw",
        "choke",
        "stab_cut",
        "shoot",
        "kill",
        "die_dead",
        "burn_fire",
        "drown",
        "hurt_pain",
        "wound",
        "bleed_blood",
        "break_smash",
        "fight",
        "attack",
        "rape_abuse",
        "torture",
        "threaten",
        "scream_shout",
        "force",
        "grab_hold",
        "tie_chain",
        "lock_locked",
        "escape_run",
        "hide_oneself",
        "follow_chase",
        "captive",
        "kidnap",
        "cage_cell",
        "knife",
        "gun",
        "weapon_other",
        "bomb_explode",
        "poison",
        "drugged",
        "pills_medicine",
        "gas_petrol",
        "bridge_roof_height",
        "jump",
        "train_rails",
        "hang_noose",
        "overdose_swallow",
        "suicide_word",
        "want_die_tired",
        "scar_wrist",
        "danger_emergency",
        "ambulance_112",
        "quiet_whisper",
        "steps_coming",
        "breathe",
        "unconscious",
        "hear_sound",
        "please",
        # The body, vehicles, rooms, and what else is at hand.
        "head_face",
        "hand_arm",
        "leg_foot",
        "eye",
        "back_neck_throat",
        "body_skin",
        "stomach_chest_heart",
        "swollen_vomit",
        "car_van",
        "driver",
        "road_drive",
        "ship_boat",
        "window",
        "door",
        "room_bed",
        "bathroom_toilet",
        "clothes_shoes",
        "light_dark_power",
        "under_behind",
        "water_sea",
        # What a body needs or falls ill of, and an animal that is set on somebody.
        "hungry_food_denied",
        "thirst",
        "eat_drink",
        "food_dish",
        "cold_freeze",
        "storm_snow_ice",
        "naked_undress",
        "sleep_tired",
        "sick_ill",
        "pregnant_birth",
        "fall",
        "animal_dog",
        # Dealing in people: who is given, sold, married or sent away, and for what.
        "sell_person_buy",
        "give",
        "money_hand_over",
        "debt",
        "client",
        "obey_order",
        "wedding_marry",
        "send",
        "move_house_place",
        "border",
        "bus_train_plane",
        "take_away_confiscate",
        "free_freedom",
    }
)
# Concepts. Farther ones stand together by accident (docs/nlu.md).
_FARTHEST = 8
_BEGINNING, _END = "^", "$"
# What people mix in, whatever they write.
_MIXED_IN = ("en", "da")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class ConceptFeaturizer(NgramFeaturizer):
    """Looks words up in the dictionary of their language and counts what they mean.

    What one language's examples teach of "locked" and "door" serves the thirteen others, and a
    word that stands in no example is understood if the dictionary has it. In config.yml it stands
    after LanguageIdentifier, which says where to look.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`seen`: in how many examples a sequence must stand to be learned."""
        return {**SparseFeaturizer.get_default_config(), "alias": "concepts", "seen": 3}

    def __init__(
        self,
        config: dict[str, Any],
        name: str,
        model_storage: ModelStorage,
        resource: Resource,
        weights: dict[str, float] | None = None,
        dictionaries: Mapping[str, Dictionary] | None = None,
    ) -> None:
        super().__init__(config, name, model_storage, resource, weights)
        self._dictionaries = dictionaries or {}

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **_: Any,
    ) -> "ConceptFeaturizer":
        """Read vocabulary and dictionaries back from the model."""
        with model_storage.read_from(resource) as directory:
            kept = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        dictionaries = {name: Dictionary.indexed(*forms) for name, forms in kept.items()}
        weights = cls.learned(model_storage, resource)
        node = execution_context.node_name
        return cls(config, node, model_storage, resource, weights, dictionaries)

    def train(self, training_data: TrainingData) -> Resource:
        """Read the dictionaries, learn the sequences, and keep both in the model."""
        self._dictionaries = {
            file.stem: Dictionary.read(file) for file in sorted(CONCEPTS.glob("*.yml"))
        }
        resource = super().train(training_data)
        with self._storage.write_to(self._resource) as directory:
            kept = {
                name: (one.typed, one.plain, one.beginnings, one.in_front)
                for name, one in self._dictionaries.items()
            }
            (directory / _FILE).write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        return resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Add features, and set `danger_words`: whether a word is one that tells of danger."""
        for message in messages:
            of_danger = not _OF_DANGER.isdisjoint(self._concepts(message))
            message.set("danger_words", of_danger, add_to_output=True)
        return super().process(messages)

    def _apart(self) -> Callable[[Message], Sequence[list[str]]]:
        """Return what takes messages apart; all sequences are scaled together."""
        return lambda message: [_sequences(self._concepts(message))]

    def _concepts(self, message: Message) -> list[str]:
        """Return what the words of a message mean; worked out once."""
        found: list[str] | None = message.get(_CONCEPTS)
        if found is None:
            languages = dict.fromkeys((_language(message), *_MIXED_IN))
            known = [self._dictionaries[one] for one in languages if one in self._dictionaries]
            found = concepts(normal(message), known)
            message.set(_CONCEPTS, found)
        return found


def _language(message: Message) -> str | None:
    """Return the language of an example, or the likeliest one of a visitor's text."""
    beside = (message.get(METADATA) or {}).get(INTENT) or {}
    language: str | None = beside.get("lang") or message.get("likeliest_lang")
    return language


def _sequences(found: Sequence[str]) -> list[str]:
    """Return each concept, two and three in a row, two with one between, and pairs farther apart.

    The last in no order: of "not", "locked" and "door" it matters that they stand together.
    Beginning and end count as concepts in the pairs: "... it was the cat" ends a fright.
    """
    if not found:
        return []
    bounded = [_BEGINNING, *found, _END]
    return [
        *found,
        *(f"{one} {after}" for one, after in pairwise(bounded)),
        *(" ".join(three) for three in zip(bounded, bounded[1:], bounded[2:], strict=False)),
        *(f"{one} _ {after}" for one, after in zip(bounded, bounded[2:], strict=False)),
        *(
            f"{one} & {after}" if one < after else f"{after} & {one}"
            for apart in range(3, _FARTHEST + 1)
            for one, after in zip(bounded, bounded[apart:], strict=False)
        ),
    ]
