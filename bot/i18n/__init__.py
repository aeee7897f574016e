"""Words in the visitor's locale: translations, values, direction and the choice of a locale."""

from bot.i18n.direction import direction, isolate, mark_start
from bot.i18n.locales import LOCALES, negotiate, own_name
from bot.i18n.texts import Texts
from bot.i18n.values import Values

__all__ = [
    "LOCALES",
    "Texts",
    "Values",
    "direction",
    "isolate",
    "mark_start",
    "negotiate",
    "own_name",
]
