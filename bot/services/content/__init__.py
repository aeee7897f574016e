"""The content desk: what is edited, checked, approved, published and served."""

from bot.services.content import rules
from bot.services.content.assembly import Served, Shipped, has_words, replaced, sources
from bot.services.content.desk import ContentDesk, NotGoodError, Seen, may_edit
from bot.services.content.judging import Judge, Judgement, screens_of
from bot.services.content.library import Library
from bot.services.content.publishing import Publisher
from bot.services.content.units import (
    Unit,
    is_of,
    leading_to,
    made_stale,
    newer,
    so_far,
    source_of,
    units,
)
from bot.services.content.watching import SILENT, Watcher

__all__ = [
    "SILENT",
    "ContentDesk",
    "Judge",
    "Judgement",
    "Library",
    "NotGoodError",
    "Publisher",
    "Seen",
    "Served",
    "Shipped",
    "Unit",
    "Watcher",
    "has_words",
    "is_of",
    "leading_to",
    "made_stale",
    "may_edit",
    "newer",
    "replaced",
    "rules",
    "screens_of",
    "so_far",
    "source_of",
    "sources",
    "units",
]
