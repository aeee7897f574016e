"""How urgent a message is, and what a group of phrases stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Level(IntEnum):
    """How urgent; higher is more urgent."""

    GREY = 0
    YELLOW = 1
    ORANGE = 2
    RED = 3


class Flag(StrEnum):
    """What the words are about."""

    VIOLENCE = "violence"
    SELF_HARM = "self_harm"
    SELF_HARM_NOW = "self_harm_now"
    MINOR = "minor"
    FAMILY = "threats_family"
    LEAVING = "leaving_soon"
    CONTROL = "control"
    HUMAN = "human"


# The two screens that answer danger.
DANGER: Final = "utter_danger_now"
CARE: Final = "utter_suicide_care"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a group of phrases stands for."""

    level: Level
    flag: Flag
    screen: str | None


# A group of phrases in the file and what it means. The order decides which screen answers when
# several match: numbers first, so the question about age comes after every screen that helps.
GROUPS: Final[Mapping[str, Outcome]] = {
    "violence": Outcome(Level.RED, Flag.VIOLENCE, DANGER),
    "self_harm_now": Outcome(Level.RED, Flag.SELF_HARM_NOW, CARE),
    "self_harm": Outcome(Level.ORANGE, Flag.SELF_HARM, CARE),
    "cry_for_help": Outcome(Level.ORANGE, Flag.HUMAN, DANGER),
    "threats_family": Outcome(Level.ORANGE, Flag.FAMILY, "utter_threats_family"),
    "leaving_soon": Outcome(Level.ORANGE, Flag.LEAVING, "utter_leaving_soon"),
    "minor": Outcome(Level.ORANGE, Flag.MINOR, "utter_minor_check"),
    "control": Outcome(Level.YELLOW, Flag.CONTROL, None),
    "human": Outcome(Level.YELLOW, Flag.HUMAN, None),
}
# Groups of words near danger: evidence only together with the meaning of the whole text. Where
# nobody reads that, the plain ones are red and the mere words may show the numbers.
PLAIN: Final[Mapping[str, str]] = {"violence_unread": DANGER, "self_harm_unread": CARE}
MERE: Final[Mapping[str, str]] = {"danger_words": DANGER, "self_harm_words": CARE}
# What takes back a phrase of the groups on the right takes back the words near danger too.
SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "violence_unread": ("violence",),
    "self_harm_unread": ("self_harm_now", "self_harm"),
    "danger_words": ("violence",),
    "self_harm_words": ("self_harm_now", "self_harm"),
}
