"""The content desk: what is edited, by whom it is approved, and what was published."""

from bot.domain.content.bundle import NOTHING, Bundle
from bot.domain.content.change import COOL_OFF, OPEN, Change, ChangeId, State, fits
from bot.domain.content.items import (
    Item,
    ItemKind,
    Value,
    canonical,
    digest,
    fact,
    screen,
    translation,
    word,
)

__all__ = [
    "COOL_OFF",
    "NOTHING",
    "OPEN",
    "Bundle",
    "Change",
    "ChangeId",
    "Item",
    "ItemKind",
    "State",
    "Value",
    "canonical",
    "digest",
    "fact",
    "fits",
    "screen",
    "translation",
    "word",
]
