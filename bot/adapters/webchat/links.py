"""Phone numbers and addresses of our own facts become links; nothing else ever does."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.domain.facts import PLACEHOLDER, Kind, Registry
from bot.domain.screens import Deck
from bot.i18n.values import phone

Links = Callable[[str], Mapping[str, str]]
_DIALLED = re.compile(r"\+?[0-9]{2,15}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; ``href`` is "" where it is no link."""

    text: str
    href: str = ""

    @property
    def is_phone(self) -> bool:
        """Tell whether pressing it dials."""
        return self.href.startswith("tel:")


def screen_links(
    deck: Deck, registry: Registry, settings: Mapping[str, str], screen_id: str
) -> Mapping[str, str]:
    """Return what may be a link on a screen: the words shown, and where they lead.

    By screen, because a number is a phone number only where the screen says it as one: 112 people
    in a statistic must not dial 112.
    """
    if screen_id not in deck:
        return {}
    source = deck[screen_id].source("web")
    found: dict[str, str] = {}
    for key in registry.used_by(source):
        fact = registry[key]
        if fact.kind is Kind.PHONE and _DIALLED.fullmatch(str(fact.value)):
            found[phone(str(fact.value))] = f"tel:{fact.value}"
        if fact.kind is Kind.URL:
            found |= _address(str(fact.value))
    for key in PLACEHOLDER.findall(source):
        found |= _address(settings.get(key, ""))
    return found


def _address(value: str) -> Mapping[str, str]:
    return {value: value} if urlsplit(value).scheme == "https" else {}


def split(text: str, links: Mapping[str, str]) -> list[Piece]:
    """Cut a text into plain pieces and links; a number inside a longer one is no link."""
    if not links:
        return [Piece(text)]
    shown = sorted(links, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w+])({'|'.join(map(re.escape, shown))})(?![\w])")
    # Every second part is a match, because the pattern has one group.
    parts = enumerate(pattern.split(text))
    return [Piece(part, links[part] if i % 2 else "") for i, part in parts if part]
