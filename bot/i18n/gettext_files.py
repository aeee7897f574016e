"""Brings the .po files of a folder to what was published, as ``pybabel`` would leave them.

The two commands of docs/translating.md are run here by Babel's own parts: extract, then update with
``--previous``, so that a text whose English changed is stale in the files too.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from bot.domain.content import Bundle, Item, ItemKind
from bot.domain.errors import TranslationError
from bot.i18n.texts import KEPT, is_stale, kept, kept_mark, read_catalog, take_previous

_SOURCES = ("deck.yml", "facts.yml")

# What an extractor yields for a file: line, keyword, (context, text), comments.
Extract = Callable[..., Iterable[tuple[int, str, tuple[str, str], list[str]]]]


def write_translations(folder: Path, bundle: Bundle, extract: Extract) -> None:
    """Write ``deck.pot`` and every ``deck.po`` below a folder; TranslationError if one cannot be.

    What two people approved loses ``fuzzy``; a translation of an English text that is gone stays
    out, as it is nobody's any more.
    """
    texts = _template(folder, extract)
    _write(folder / "deck.pot", _written(texts, omit_header=True, include_lineno=False))
    template = (folder / "deck.pot").read_bytes()
    for path in sorted(folder.glob("*/LC_MESSAGES/deck.po")):
        locale = path.parts[-3]
        catalog = read_catalog(path, locale)
        published = _published(bundle, locale)
        old = {(m.context or "", str(m.id)): m.clone() for m in catalog if m.id}
        # Read anew for each: what an update adds is the template's own message.
        catalog.update(read_po(io.BytesIO(template)), update_creation_date=False)
        for message in catalog:
            key = message.context or "", str(message.id)
            if key in published:
                _approve(message, published[key])
            elif key in bundle.before and key not in old:
                _keep(message, bundle.before, published, old)
            elif previous := take_previous(message):
                message.previous_id = [previous]
        _write(path, _written(catalog, include_previous=True))


def _template(folder: Path, extract: Extract) -> Catalog:
    catalog = Catalog()
    for name in _SOURCES:
        with (folder / name).open("rb") as file:
            for line, _call, (context, source), comments in extract(file, (), ()):
                place = [(f"locales/{name}", line)]
                catalog.add(source, None, place, auto_comments=comments, context=context)
    return catalog


def _published(bundle: Bundle, locale: str) -> Mapping[tuple[str, str], str]:
    items = ((Item.parse(name), value) for name, value in bundle.values.items())
    return {
        (str(value["context"]), str(value["source"])): str(value["text"])
        for item, value in items
        if item.kind is ItemKind.TEXT and item.locale == locale
    }


def _approve(message: Message, text: str) -> None:
    message.string = text
    message.flags.discard("fuzzy")
    message.previous_id = []
    take_previous(message)
    message.user_comments = [c for c in message.user_comments if not c.startswith(KEPT)]


def _keep(
    message: Message,
    before: Mapping[tuple[str, str], str],
    published: Mapping[tuple[str, str], str],
    old: Mapping[tuple[str, str], Message],
) -> None:
    """Give a changed English text the translation of the one before, which is served till then."""
    context, first = message.context or "", before[message.context or "", str(message.id)]
    step: str | None = first
    seen = {str(message.id)}
    while step is not None and step not in seen:
        found = _served(published.get((context, step), ""), old.get((context, step)))
        if found:
            text, approved = found
            message.string, message.previous_id = text, [first]
            message.flags.add("fuzzy")
            message.user_comments = [kept_mark(first, text, approved=approved)]
            return
        seen.add(step)
        step = before.get((context, step))


def _served(published: str, old: Message | None) -> tuple[str, bool] | None:
    """Return a text that is served, and whether it was approved."""
    if published:
        return published, True
    if old is None or not old.string:
        return None
    if is_stale(old):
        stays = kept(old)
        return (str(old.string), stays[1]) if stays else None
    return str(old.string), not old.fuzzy


def _written(catalog: Catalog, **options: bool) -> bytes:
    file = io.BytesIO()
    write_po(file, catalog, **options)
    return file.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Write a file unless it says this already."""
    try:
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    except OSError as error:
        raise TranslationError(f"cannot write {path}: {error.strerror}") from error
