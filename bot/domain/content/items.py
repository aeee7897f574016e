"""What can be edited: facts, screens, interface words and translations, each under one name.

A value is a mapping of plain JSON, in the shape the shipped files have: an entry of ``facts.yml``
or ``deck.yml``, ``{"text": …}`` for an interface word, and ``{"context", "source", "text"}`` for a
translation.
"""

import enum
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ContentError

Value = Mapping[str, Any]

_NAME = re.compile(
    r"(?:fact|word)/[a-z0-9_]{1,64}|screen/utter_[a-z0-9_]{1,40}|bundle/[0-9]{1,9}"
    r"|text/[a-z]{2}(?:_[A-Z]{2})?/[a-z0-9_:]{1,80}\.[0-9a-f]{12}"
)
_SOURCE_DIGITS = 12


class ItemKind(enum.StrEnum):
    """What kind of thing is edited; a bundle is never edited, only brought back."""

    FACT = "fact"
    SCREEN = "screen"
    WORD = "word"
    TEXT = "text"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One thing that is edited, approved and published as a whole.

    ``locale`` is that of a translation, else "". The key of a translation is the context of its
    English text, a dot, and the beginning of that text's SHA-256: a changed English text is
    another item, so that nothing approved for the old one can pass for the new.
    """

    kind: ItemKind
    key: str
    locale: str = ""

    @property
    def name(self) -> str:
        """Return the one name of the item, which ``parse`` reads."""
        return "/".join(part for part in (self.kind, self.locale, self.key) if part)

    @property
    def context(self) -> str:
        """Return where a translation stands: a screen's id, ``button``, ``fact:…`` and so on."""
        return self.key.rpartition(".")[0]

    @classmethod
    def parse(cls, name: str) -> "Item":
        """Read a name; ContentError for anything else, without quoting it."""
        if not _NAME.fullmatch(name):
            raise ContentError("there is no such text or fact")
        kind, *rest = name.split("/")
        return cls(ItemKind(kind), rest[-1], rest[0] if len(rest) > 1 else "")


def fact(key: str) -> Item:
    """Return the item of a fact."""
    return Item(ItemKind.FACT, key)


def screen(id_: str) -> Item:
    """Return the item of a screen with its English texts and its buttons."""
    return Item(ItemKind.SCREEN, id_)


def word(key: str) -> Item:
    """Return the item of an interface word."""
    return Item(ItemKind.WORD, key)


def translation(locale: str, context: str, source: str) -> Item:
    """Return the item of the translation of an English text that stands in a context."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:_SOURCE_DIGITS]
    return Item(ItemKind.TEXT, f"{context}.{digest}", locale)


def canonical(data: object) -> bytes:
    """Write plain JSON in the one way that is hashed and signed."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def digest(value: Value | None) -> str:
    """Return what tells one value from another; "" for none."""
    return hashlib.sha256(canonical(value)).hexdigest() if value is not None else ""
