"""Writes what was published back into ``facts.yml`` and ``deck.yml``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.adapters.yaml_edits import YamlFile
from bot.domain.content import Bundle, Item, ItemKind, Value
from bot.domain.errors import ConfigurationError
from bot.domain.facts import Fact
from bot.domain.screens import Screen


def write_published(folder: Path, bundle: Bundle) -> None:
    """Bring the two files of a folder to what a bundle says; ConfigurationError if they cannot be.

    Files that say it already are not touched.
    """
    items = [(Item.parse(name), value) for name, value in bundle.values.items()]
    facts = [(item.key, value) for item, value in items if item.kind is ItemKind.FACT]
    _write(folder / "facts.yml", [(ItemKind.FACT, key, value) for key, value in facts])
    deck = [
        (item.kind, item.key, value)
        for item, value in items
        if item.kind in (ItemKind.SCREEN, ItemKind.WORD)
    ]
    _write(folder / "deck.yml", deck)


def _write(path: Path, entries: Sequence[tuple[ItemKind, str, Value]]) -> None:
    try:
        text = path.read_text(encoding="utf-8")
        file = YamlFile(text)
        for kind, key, value in entries:
            _enter(file, kind, key, value)
        new = file.text()
        if new != text:
            path.write_text(new, encoding="utf-8")
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"cannot write {path}: {error}") from error


def _enter(file: YamlFile, kind: ItemKind, key: str, value: Value) -> None:
    match kind:
        case ItemKind.FACT:
            _entry(file, (), key, Fact, value)
        case ItemKind.SCREEN:
            _entry(file, ("screens",), key, Screen, value)
        case _:
            file.change(("words", key), file.plain(("words", key)), str(value["text"]))


def _entry(
    file: YamlFile, path: tuple[str, ...], key: str, form: type[Fact] | type[Screen], value: Value
) -> None:
    """Compare in the one written form, so that only what differs is written."""
    new: dict[str, Any] = form.read(key, value).written()
    if file.holds(path, key):
        old = form.read(key, file.plain((*path, key))).written()
        file.change((*path, key), old, new)
    else:
        file.add(path, key, new)
