"""Finds for Babel every English text of deck.yml and facts.yml that can be translated.

``pybabel extract`` calls extract() through the entry point ``deck``. The contexts are those by
which bot.i18n looks texts up: the id of a screen, ``button``, ``topic``, ``word`` or
``fact:<key>``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

import yaml

from bot.domain.errors import ConfigurationError
from bot.domain.facts import PLACEHOLDER, Kind

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A keyword that Babel knows by default: the first argument is the context, the second the text.
_CALL = "pgettext"
_VARIANTS: Mapping[str, str] = {
    "web": "Text of the web chat.",
    "terminal": "Text of the terminal.",
}
_LANGUAGE = "action_set_language"
_LETTER = re.compile(r"[^\W\d_]")

# What Babel takes: line, keyword, (context, text), comments.
Extracted = tuple[int, str, tuple[str, str], list[str]]
Fields = Mapping[str, yaml.Node]


def extract(
    file: IO[bytes], _keywords: Iterable[str], _comment_tags: Iterable[str], **_options: object
) -> Iterator[Extracted]:
    """Yield each text of one file with its line, context and what translators should know.

    Texts without a word of their own (only placeholders) are left out: they need no translation.
    ConfigurationError for a file that is not YAML or not built like a deck or a fact registry.
    """
    try:
        root = _fields(yaml.compose(file, Loader=_LOADER))
        found = list(_deck(root) if "screens" in root else _facts(root))
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigurationError(f"cannot extract texts: {error}") from error
    yield from (entry for entry in found if _has_words(entry))


@dataclass(slots=True)
class _Label:
    """A button's label, which is translated once however many screens have it."""

    line: int
    targets: dict[str, None] = field(default_factory=dict)  # a set that keeps the order


def _deck(root: Fields) -> Iterator[Extracted]:
    meta = _fields(root["meta"])
    audiences = {key: _text(node) for key, node in _fields(meta["audiences"]).items()}
    limit = _text(_fields(meta["limits"])["button_label_characters"])
    screens = {key: _fields(node) for key, node in _fields(root["screens"]).items()}
    for key, screen in screens.items():
        yield from _screen(key, screen, audiences)
    yield from _buttons([_buttons_of(screens), _items(meta["fixed_row"])], limit)
    for key, screen in screens.items():
        if "topic" in screen:
            comment = f"Names {key} where it is a guess; at most {limit} characters."
            yield _entry(screen["topic"], "topic", comment)
    for key, node in _fields(root["words"]).items():
        yield _entry(node, "word", f"Word: {key}.")


def _screen(key: str, screen: Fields, audiences: Mapping[str, str]) -> Iterator[Extracted]:
    notes = [f"For: {audiences[_text(screen['audience'])]}."]
    if "notes" in screen:
        notes.append(_text(screen["notes"]))
    yield _entry(screen["text"], key, *notes)
    for name, comment in _VARIANTS.items():
        if name in screen:
            yield _entry(screen[name], key, comment, *notes)


def _buttons_of(screens: Mapping[str, Fields]) -> list[Fields]:
    return [
        button
        for screen in screens.values()
        if "buttons" in screen
        for button in _items(screen["buttons"])
    ]


def _buttons(groups: Iterable[list[Fields]], limit: str) -> Iterator[Extracted]:
    labels: dict[str, _Label] = {}
    for button in (button for group in groups for button in group):
        target = _text(button["to"])
        # This one stands for the list of languages, each of which is shown by its own name.
        if target == _LANGUAGE and "set" not in button:
            continue
        label = labels.setdefault(_text(button["label"]), _Label(_line(button["label"])))
        label.targets[target] = None
    for text, label in labels.items():
        comment = f"Leads to {', '.join(label.targets)}; at most {limit} characters."
        yield label.line, _CALL, ("button", text), [comment]


def _facts(root: Fields) -> Iterator[Extracted]:
    for key, node in root.items():
        fact = _fields(node)
        if _text(fact["kind"]) == Kind.SENTENCE:
            yield _entry(fact["value"], f"fact:{key}", _text(fact["meaning"]))


def _entry(node: yaml.Node, context: str, *comments: str) -> Extracted:
    return _line(node), _CALL, (context, _text(node)), list(comments)


def _has_words(entry: Extracted) -> bool:
    text = entry[2][1]
    return bool(_LETTER.search(PLACEHOLDER.sub("", text)))


def _fields(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise TypeError(f"{_where(node)}: names and values are needed here")
    return {_text(key): value for key, value in node.value}


def _items(node: yaml.Node) -> list[Fields]:
    if not isinstance(node, yaml.SequenceNode):
        raise TypeError(f"{_where(node)}: a list is needed here")
    return [_fields(item) for item in node.value]


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise TypeError(f"{_where(node)}: a text is needed here")
    return str(node.value)


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _where(node: yaml.Node | None) -> str:
    return f"line {_line(node)}" if node else "empty file"
