"""What is exchanged: one English text with its translation."""

import enum
from dataclasses import dataclass, field

from bot.domain.errors import ContentError
from bot.i18n.locales import LOCALES
from bot.i18n.texts import SOURCE, Status

# In bytes. All texts of a language take about 700,000 as XLIFF.
LARGEST_FILE = 2 * 1024 * 1024
# All texts of a language are about 1,000.
MOST_UNITS = 5_000


class Form(enum.StrEnum):
    """The kinds of files there are."""

    PO = "po"
    XLIFF = "xlf"


@dataclass(frozen=True, slots=True)
class Unit:
    """An English text that stands in a context, with its translation, "" for none.

    ``confirmed`` is false for what the file itself calls unfinished (``fuzzy``, or a state of
    XLIFF that asks for work); ``longest`` is the limit in characters, 0 for none.
    """

    context: str
    source: str
    text: str = field(default="", repr=False)
    status: Status = Status.MISSING
    confirmed: bool = False
    note: str = ""
    longest: int = 0


def locale_named(tag: str) -> str:
    """Return the locale a file names, such as pt-BR; ContentError for one there is not."""
    locale = tag.strip().replace("-", "_")
    if locale not in LOCALES or locale == SOURCE:
        raise ContentError("the file does not say which of our languages it is in")
    return locale
