"""Screens: what a visitor can be shown, and the taps that lead from one to the next."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from bot.domain.errors import DeckError, InvalidTapError

# Telegram's limit for the data of an inline button, in bytes of UTF-8.
# https://core.telegram.org/bots/api#inlinekeyboardbutton
TAP_BYTES = 64
_TAP = re.compile(r"(?:utter|action)_[a-z0-9_]+(?: [a-z_]+=[A-Za-z0-9_-]+){0,4}")

# Screens the program itself leads to, whatever the buttons of the deck say.
MENU = "utter_main_menu"
SAFE = "utter_safe_to_talk"
LANGUAGES = "utter_choose_language"
NOT_SPOKEN = "utter_language_missing"
DANGER = "utter_danger_now"
CARE = "utter_suicide_care"
OFFER_PERSON = "utter_danger_offer_person"
OFFER_YOUNG = "utter_danger_offer_young"
CONSENT = "utter_human_consent"
CODE_WORD = "utter_human_code_word"
OFF_HOURS = "utter_queue_offhours"
SAFE_WORD = "utter_safe_word"
SAFE_WORD_AGAIN = "utter_safe_word_again"
JOINED = "utter_human_joined"
# A place that is kept: what is typed there means the same when a counsellor had to stop.
KEPT = "utter_queue_kept"
KEPT_IN_HOURS = "utter_queue_kept_in_hours"
PARKED = "utter_human_parked"
RETURN_CODE = "utter_return_code"
RETURN_CODE_ASK = "utter_return_code_ask"
RETURN_CODE_WRONG = "utter_return_code_wrong"
PING = "utter_push_ping"
# In return for a report that a text is wrong.
REPORT_DONE = "utter_report_done"
REPORT_NOTHING = "utter_report_nothing"
FALLBACK = "utter_fallback_1"
GIVE_UP = "utter_fallback_2"

# What may say the same otherwise, and on which channel.
VARIANTS = ("web", "terminal")
NO_VALUES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Tap:
    """Where a tapped button leads, and the values it carries."""

    to: str
    values: Mapping[str, str] = field(default_factory=lambda: NO_VALUES)

    @classmethod
    def decode(cls, data: str) -> Self:
        """Read ``to name=value ...``; InvalidTapError for anything else, without quoting it."""
        if len(data.encode(errors="replace")) > TAP_BYTES or not _TAP.fullmatch(data):
            raise InvalidTapError("not the data of a button")
        to, *pairs = data.split(" ")
        return cls(to, dict(pair.split("=", 1) for pair in pairs))

    def encode(self) -> str:
        """Write the form that decode() reads; at most 64 bytes."""
        return " ".join([self.to, *(f"{name}={value}" for name, value in self.values.items())])


@dataclass(frozen=True, slots=True)
class Button:
    """A label (English source, may hold placeholders) and its tap."""

    label: str
    tap: Tap

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Read a button of deck.yml; KeyError, ValueError or InvalidTapError if it is none."""
        pairs = dict(pair.split("=", 1) for pair in str(raw.get("set", "")).split())
        return cls(str(raw["label"]), Tap.decode(Tap(str(raw["to"]), pairs).encode()))

    def written(self) -> dict[str, str]:
        """Return what ``read`` reads."""
        pairs = " ".join(f"{name}={value}" for name, value in self.tap.values.items())
        return {"label": self.label, "to": self.tap.to} | ({"set": pairs} if pairs else {})


@dataclass(frozen=True, slots=True)
class Screen:
    """One approved message with its buttons.

    ``variants`` replaces the text on a channel; ``topic`` labels the screen when it is offered as a
    guess; ``intent`` is the intent it answers by default; ``in_place`` screens replace the message
    whose button was tapped.
    """

    id: str
    audience: str
    text: str
    buttons: tuple[Button, ...] = ()
    variants: Mapping[str, str] = field(default_factory=lambda: NO_VALUES)
    topic: str = ""
    intent: str = ""
    in_place: bool = False
    notes: str = ""
    journeys: tuple[str, ...] = ()

    @classmethod
    def read(cls, key: str, raw: Mapping[str, Any]) -> Self:
        """Read a screen of deck.yml; KeyError, TypeError, AttributeError or ValueError if not."""
        return cls(
            id=key,
            audience=str(raw["audience"]),
            text=str(raw["text"]),
            buttons=tuple(Button.read(button) for button in raw.get("buttons") or ()),
            variants={name: str(raw[name]) for name in VARIANTS if name in raw},
            topic=str(raw.get("topic", "")),
            intent=str(raw.get("intent", "")),
            in_place=bool(raw.get("in_place", False)),
            notes=str(raw.get("notes", "")),
            journeys=tuple(raw.get("journeys", ())),
        )

    def written(self) -> dict[str, Any]:
        """Return what ``read`` reads, as plain JSON; what is empty is left out."""
        parts = {
            "audience": self.audience,
            "text": self.text,
            **self.variants,
            "topic": self.topic,
            "intent": self.intent,
            "in_place": self.in_place,
            "notes": self.notes,
            "journeys": list(self.journeys),
            "buttons": [button.written() for button in self.buttons],
        }
        return {name: part for name, part in parts.items() if part or name == "text"}

    def source(self, channel: str) -> str:
        """Return the English source text for a channel.

        What is said to visitors of the web chat is nearer to the terminal than Telegram's wording.
        """
        nearest = ("terminal", "web") if channel == "terminal" else (channel,)
        return next((self.variants[one] for one in nearest if one in self.variants), self.text)

    def sources(self) -> tuple[str, ...]:
        """Return every English text of the screen: the general one, then the variants."""
        return (self.text, *self.variants.values())


@dataclass(frozen=True, slots=True)
class Deck:
    """All screens, the interface words, and the row of buttons under almost every screen.

    ``tappable`` is everything some button leads to; a tap to anything else was not made by Havn.
    """

    screens: Mapping[str, Screen]
    words: Mapping[str, str]
    fixed_row: tuple[Button, ...]
    fixed_row_except: frozenset[str]
    meta: Mapping[str, object] = field(default_factory=dict)
    tappable: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        buttons = [*self.fixed_row, *(b for s in self.screens.values() for b in s.buttons)]
        object.__setattr__(self, "tappable", frozenset(button.tap.to for button in buttons))

    def __getitem__(self, screen_id: str) -> Screen:
        """Return a screen; DeckError names the id that is missing."""
        try:
            return self.screens[screen_id]
        except KeyError:
            raise DeckError(f"there is no screen {screen_id}") from None

    def __contains__(self, screen_id: object) -> bool:
        return screen_id in self.screens

    def for_intent(self, intent: str) -> Screen | None:
        """Return the screen that answers an intent by default, if one does."""
        return next((s for s in self.screens.values() if s.intent == intent and s.topic), None)

    def row_under(self, screen_id: str) -> tuple[Button, ...]:
        """Return the fixed row of a screen: always the same, so that hands find it in the dark."""
        return () if screen_id in self.fixed_row_except else self.fixed_row
