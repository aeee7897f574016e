"""Texts as a visitor would see them, with the facts of today."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.content import Item, Value
from bot.domain.errors import HavnError
from bot.domain.facts import PLACEHOLDER
from bot.domain.messages import Bubble, Channel, Reply
from bot.domain.wording import RUNTIME
from bot.i18n.values import COPENHAGEN
from bot.services.content import ContentDesk, Served, screens_of
from bot.services.reply import Renderer

_CHANNELS = (Channel.TELEGRAM, Channel.WEB)
# A button stands on many screens; two are enough to see it.
_MOST = 2


@dataclass(frozen=True, slots=True)
class Chip:
    """A placeholder, how often it stands in the English text, and what it says today."""

    name: str
    times: int
    today: str


def bubbles(
    content: ContentDesk, item: Item, value: Value, locale: str
) -> Sequence[tuple[Channel, Bubble]]:
    """Return an item's screens on each channel with a value that passed; nothing if it cannot."""
    try:
        after = content.judge.with_value(item, value, content.library.served)
        renderer = Renderer(
            after.deck,
            after.texts,
            after.values,
            lambda: content.clock.now().astimezone(COPENHAGEN).date(),
        )
        return [
            (channel, renderer.render(Reply(id_, locale, values=RUNTIME), channel))
            for id_ in sorted(screens_of(item, after))[:_MOST]
            for channel in _CHANNELS
        ]
    except HavnError:
        return []


def chips(served: Served, source: str, locale: str) -> Sequence[Chip]:
    """Return the placeholders of an English text, each once, in order."""
    names = PLACEHOLDER.findall(source)
    return [
        Chip(name, names.count(name), today(served, name, locale)) for name in dict.fromkeys(names)
    ]


def today(served: Served, name: str, locale: str) -> str:
    """Return what a placeholder says today, "" where only the moment can tell."""
    try:
        return served.values.fill(f"{{{name}}}", locale, RUNTIME).strip()
    except HavnError:
        return ""
