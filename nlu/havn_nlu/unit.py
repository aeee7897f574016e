"""One turn: text and screen in, meaning out. Keeps nothing between turns and logs nothing."""

import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import havn_nlu.quiet  # noqa: F401 - silence comes before Rasa

# isort: split
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from havn_nlu.inputs import MODEL_NAME, Manifest, sha256
from havn_nlu.pipeline import Pipeline
from havn_nlu.text import clean

FALLBACK_INTENT = "nlu_fallback"
_RANKED = 5
_OUTCOMES = 5
_REMEMBERED = 16384  # more than intents times screens times ages
_SENDER = "visitor"  # Rasa wants a name; it is the same for everybody


class ModelRefusedError(ValueError):
    """The model file is not the one its manifest or the operator's pin describes."""


@dataclass(frozen=True)
class Turn:
    """What a text means on a screen.

    `intent` is `nlu_fallback` where the likeliest intent is not likely enough, or two are close.
    `ranking` holds up to five (intent, probability), best first and without the fallback, and
    `confidence` is the first of these probabilities.
    `danger` and `self_harm` are the chances that it tells of violence or another danger that is
    now, and of an act of self-harm begun or ready, told with less certainty than the intents.
    `danger_words` tells whether it holds a word of the dictionaries that people use when they tell
    of danger.
    `outcomes` are `utter_*` and `action_*` ids in the order in which they answer.
    `lang` is None where no n-gram of the text is known.
    """

    intent: str
    confidence: float
    ranking: list[tuple[str, float]]
    danger: float
    self_harm: float
    danger_words: bool
    outcomes: list[str]
    lang: str | None
    lang_confidence: float

    def as_dict(self) -> dict[str, object]:
        """Return the JSON form that crosses the socket."""
        return asdict(self)


class Unit:
    """A loaded model."""

    def __init__(self, processor: MessageProcessor, model: str, loaded_s: float) -> None:
        self._processor = processor
        self._pipeline = Pipeline(processor)
        self._screens = frozenset(_slot_values(processor, "screen"))
        # What follows depends on three closed lists and never on the text, so it is asked once.
        self._follows = lru_cache(maxsize=_REMEMBERED)(self._predict)
        self.model = model  # fingerprint of the training files
        self.loaded_s = loaded_s

    @classmethod
    def load(cls, path: Path, *, pinned: str | None = None) -> "Unit":
        """Load a model file, or the `model.tar.gz` of a directory.

        A model names the code to import, so its SHA-256 is checked first: against `pinned` if
        given, else against the manifest beside it. Raises ModelRefusedError on a mismatch or
        when there is nothing to check against, OSError when the file cannot be read.
        """
        began = time.monotonic()
        file = path / MODEL_NAME if path.is_dir() else path
        manifest = Manifest.read(file.parent)
        expected = pinned or (manifest.sha256 if manifest else None)
        if expected is None:
            raise ModelRefusedError("no manifest beside the model and no pinned hash")
        if sha256(file) != expected:
            raise ModelRefusedError("the model is not the one that was trained")
        processor = Agent.load(str(file)).processor
        if processor is None:
            raise ModelRefusedError("Rasa could not read the model")
        name = manifest.fingerprint if manifest else expected
        return cls(processor, name, round(time.monotonic() - began, 2))

    async def turn(
        self, text: str, screen: str | None, *, minor: bool | None = None, locale: str = ""
    ) -> Turn:
        """Say what a text means. Pure: the same arguments give the same answer.

        `locale` is the language of the conversation so far; "" where nobody chose one.
        """
        beside = {"locale": locale}
        read = self._pipeline.read(
            UserMessage(clean(text), sender_id=_SENDER, message_id=_SENDER, metadata=beside)
        )
        intent = str(read.get("intent")["name"] or FALLBACK_INTENT)
        ranking = [
            (str(entry["name"]), round(float(entry["confidence"]), 4))
            for entry in read.get("intent_ranking")
            if entry["name"] != FALLBACK_INTENT
        ]
        language, now = read.get("lang"), read.get("now")
        return Turn(
            intent=intent,
            confidence=ranking[0][1] if ranking else 0.0,
            ranking=ranking[:_RANKED],
            danger=round(float(now["danger"]), 4),
            self_harm=round(float(now["self_harm"]), 4),
            danger_words=bool(read.get("danger_words")),
            outcomes=self._outcomes(intent, screen, minor=minor),
            lang=language["name"],
            lang_confidence=round(float(language["confidence"]), 4),
        )

    def _outcomes(self, intent: str, screen: str | None, *, minor: bool | None) -> list[str]:
        """Return what the policies answer to an intent on a screen."""
        listed = screen if screen in self._screens else None
        return list(self._follows(intent, listed, minor))

    def _predict(self, intent: str, screen: str | None, minor: bool | None) -> tuple[str, ...]:
        """Ask the policies, on a conversation that exists for this question only.

        They never see the text: rules and stories speak of intents.
        """
        known: list[Event] = [ActionExecuted(ACTION_LISTEN_NAME)]
        if screen is not None:
            known.append(SlotSet("screen", screen))
        if minor is not None:
            known.append(SlotSet("minor", minor))
        known.append(UserUttered("", intent={"name": intent, "confidence": 1.0}))
        domain = self._processor.domain
        tracker = DialogueStateTracker.from_events(_SENDER, known, slots=domain.slots)
        outcomes: list[str] = []
        while len(outcomes) < _OUTCOMES:
            action, prediction = self._processor.predict_next_with_tracker_if_should(tracker)
            name = action.name()
            if name == ACTION_LISTEN_NAME or name in outcomes:
                break
            outcomes.append(name)
            tracker.update_with_events(prediction.events, domain)
            tracker.update(ActionExecuted(name), domain)
        return tuple(outcomes)


def _slot_values(processor: MessageProcessor, name: str) -> list[str]:
    slot = next(slot for slot in processor.domain.slots if slot.name == name)
    return [str(value) for value in slot.values]
