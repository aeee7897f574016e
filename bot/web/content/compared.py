"""A change as its reader sees it: what stood there before beside what would stand there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.content_ports import Contents
from bot.domain.content import Change, Item, ItemKind, Value, digest
from bot.domain.errors import HavnError
from bot.i18n.texts import SOURCE
from bot.services.content import ContentDesk, Served
from bot.web.content.parts import differences
from bot.web.words import _

# English and two that read otherwise: from right to left, and in a script of its own.
_SHOWN = (SOURCE, "ar", "th")
_FACT_PARTS: Mapping[str, str] = {
    "meaning": _("What it is"),
    "owner": _("Who looks after it"),
    "review_by": _("Review by"),
    "safety": _("People act on it in danger"),
    "verify_before_launch": _("Not yet confirmed by a person"),
    "conflicts": _("Contradictions"),
}
_SCREEN_PARTS: Mapping[str, str] = {
    "text": _("Text"),
    "web": _("Text in the web chat"),
    "terminal": _("Text in the terminal"),
    "topic": _("Topic"),
    "audience": _("Who it is for"),
    "notes": _("Note for translators"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a value before and after; a text is read in a locale, other parts in "" ."""

    label: str
    old: str
    new: str
    locale: str = SOURCE

    @property
    def pieces(self) -> Sequence[tuple[str, str]]:
        """Return both as one text with what is gone and what is new."""
        return differences(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Compared:
    """All that a change changes.

    ``seen`` is a fact as visitors read it; ``source`` the English text of a translation; ``rows``
    the buttons of a screen before and after. ``known`` tells whether what it was made from is.
    """

    parts: Sequence[Part]
    seen: Sequence[Part] = ()
    source: str = ""
    rows: tuple[Sequence[str], Sequence[str]] = ((), ())
    known: bool = True


async def former(change: Change, content: ContentDesk, contents: Contents) -> Value | None:
    """Return the value that a change was made from, found by its digest; None for none."""
    if not change.base:
        return None
    shelf = content.library
    found = [shelf.served.value(change.item), shelf.shipped_value(change.item)]
    found += [one.value for one in await contents.history(change.item)]
    return next((value for value in found if digest(value) == change.base), None)


def compared(change: Change, old: Value | None, content: ContentDesk) -> Compared:
    """Return what a change changes."""
    new, known = change.value, old is not None or not change.base
    before = old or {}
    match change.item.kind:
        case ItemKind.FACT:
            seen = list(_read(change.item, old, new, content))
            return Compared(_parts(_FACT_PARTS, before, new), seen, known=known)
        case ItemKind.SCREEN:
            rows = (_buttons(before), _buttons(new))
            return Compared(_parts(_SCREEN_PARTS, before, new), rows=rows, known=known)
        case ItemKind.BUNDLE:
            return Compared(())
        case _:
            locale = change.item.locale or SOURCE
            text = Part(_("Text"), str(before.get("text", "")), str(new["text"]), locale)
            return Compared([text], source=str(new.get("source", "")), known=known)


def _parts(labels: Mapping[str, str], old: Value, new: Value) -> Sequence[Part]:
    """Return the parts that differ, and the main text always."""
    found = [Part(label, _word(old.get(k)), _word(new.get(k))) for k, label in labels.items()]
    return [part for part in found if part.old != part.new]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "✓" if value else "–"
    return "" if value is None else str(value)


def _buttons(value: Value) -> Sequence[str]:
    """Return each button with where it leads."""
    return [
        f"{button['label']} → {button['to']} {button.get('set', '')}".rstrip()
        for button in value.get("buttons", ())
    ]


def _read(item: Item, old: Value | None, new: Value, content: ContentDesk) -> Iterator[Part]:
    """Yield a fact as visitors read it, in three languages."""
    served = content.library.served
    shown = [one for one in _SHOWN if one in served.texts.locales]
    others = [one for one in served.texts.locales if one not in shown]
    for locale in [*shown, *others][: len(_SHOWN)]:
        before = _said(item, old, locale, content) if old is not None else ""
        yield Part("", before, _said(item, new, locale, content), locale)


def _said(item: Item, value: Value, locale: str, content: ContentDesk) -> str:
    served: Served = content.library.served
    try:
        after = content.judge.with_value(item, value, served)
        return after.values.fill(f"{{{item.key}}}", locale, {})
    except HavnError:
        return str(value.get("value", ""))
