"""Changes single values of a YAML file and leaves every other byte as it is.

Comments, order, quotes and line breaks that people chose stay, so that the difference in git shows
what was published and nothing else. A library that loads and dumps the file would rewrite more.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from bot.domain.errors import ConfigurationError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STEP = 2
# Names of screens and actions; no word that YAML takes for something else has this form.
_NAME = re.compile(r"[a-z]+(_[a-z0-9]+)+")
_WIDE = 10**6


@dataclass(frozen=True, slots=True)
class _Edit:
    """Replaces the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


class YamlFile:
    """A file of names and values that is edited in place."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)
        self._text = text
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        try:
            if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _LOADER)):
                raise ConfigurationError("a value stands in two places (* and &): write it out")
            self._root = yaml.compose(text, Loader=_LOADER)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"the file is not YAML: {error}") from error
        self._edits: list[_Edit] = []
        self._added: list[_Edit] = []

    def change(self, path: Sequence[str], old: Any, new: Any) -> None:
        """Make the value at a path the new one where it differs from the old one.

        ``old`` is what the file says, in the form of ``new``; what neither of them names stays.
        """
        self._edits += self._changed(self._at(path), old, new)

    def add(self, path: Sequence[str], key: str, value: Any) -> None:
        """Add a name with its value at the end of the names at a path."""
        at = self._at(path)
        indent = " " * at.start_mark.column
        dumped = yaml.safe_dump(
            {key: value}, allow_unicode=True, sort_keys=False, width=_WIDE, default_flow_style=None
        )
        block = "".join(f"{indent}{line}" for line in dumped.splitlines(keepends=True))
        self._added.append(self._inserted_after(at, block))

    def plain(self, path: Sequence[str]) -> Any:
        """Return the value at a path as it is loaded."""
        loader = yaml.SafeLoader("")
        return loader.construct_object(self._at(path), deep=True)

    def holds(self, path: Sequence[str], key: str) -> bool:
        """Tell whether a name is there."""
        return any(name.value == key for name, _ in self._at(path).value)

    def text(self) -> str:
        """Return the file with its edits."""
        text = self._text
        # What is added comes after what was changed just above it.
        edits = sorted([*self._edits, *self._added], key=lambda one: one.start)
        for edit in reversed(edits):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    # --- where things stand ---

    def _at(self, path: Sequence[str]) -> Any:
        node = self._root
        for name in path:
            node = _values(node)[name]
        return node

    def _start(self, node: Any) -> int:
        return int(self._starts[node.start_mark.line] + node.start_mark.column)

    def _end(self, node: Any) -> int:
        """Return where a node ends; blank lines and comments after it are no part of it."""
        if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
            return self._end(node.value[-1][1])
        if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
            return self._end(node.value[-1])
        end = int(self._starts[node.end_mark.line] + node.end_mark.column)
        return self._start(node) + len(self._text[self._start(node) : end].rstrip())

    def _inserted_after(self, node: Any, block: str) -> _Edit:
        """Return the edit that puts whole lines under the last line of a node."""
        end = self._end(node)
        line_end = self._text.find("\n", end)
        if line_end < 0:
            return _Edit(len(self._text), len(self._text), "\n" + block)
        return _Edit(line_end + 1, line_end + 1, block)

    # --- what changes ---

    def _changed(
        self, node: Any, old: Any, new: Any, *, indent: int = 0, flow: bool = False
    ) -> Iterator[_Edit]:
        """Yield what makes a value the new one; ``indent`` is the column of its name."""
        flow = flow or bool(getattr(node, "flow_style", False))
        if old == new:
            return
        if isinstance(node, yaml.MappingNode) and isinstance(new, Mapping) and not flow:
            yield from self._names(node, old, new)
        elif isinstance(node, yaml.MappingNode) and _holds_all(node, old, new):
            for key, value in new.items():
                yield from self._changed(_values(node)[key], old[key], value, flow=True)
        elif isinstance(node, yaml.SequenceNode) and len(node.value) == len(new) == len(old):
            inner = node.start_mark.column
            for part, before, after in zip(node.value, old, new, strict=True):
                yield from self._changed(part, before, after, indent=inner, flow=flow)
        elif isinstance(node, yaml.SequenceNode) and isinstance(new, list) and new and not flow:
            yield _Edit(self._start(node), self._end(node), self._list(node, old, new))
        else:
            written = _written(new, node, indent=indent, flow=flow)
            yield _Edit(self._start(node), self._end(node), written)

    def _list(self, node: Any, old: Any, new: Sequence[Any]) -> str:
        """Write a list of another length; parts that were there stay as they were written."""
        kept = [self._text[self._start(part) : self._end(part)] for part in node.value]
        parts = (kept[old.index(part)] if part in old else _line(part) for part in new)
        return ("\n" + " " * int(node.start_mark.column)).join(f"- {part}" for part in parts)

    def _names(self, node: Any, old: Any, new: Mapping[str, Any]) -> Iterator[_Edit]:
        there, column = _values(node), node.start_mark.column
        for key, value in new.items():
            if key in there:
                yield from self._changed(there[key], old.get(key), value, indent=column)
            elif old.get(key) != value:
                written = _written(value, None, indent=column, flow=False)
                yield self._inserted_after(node, f"{' ' * column}{key}: {written}\n")
        for name, value in node.value:
            if name.value in old and name.value not in new:
                after = self._text.find("\n", self._end(value)) + 1
                yield _Edit(self._starts[name.start_mark.line], after or len(self._text), "")


def _values(node: Any) -> dict[str, Any]:
    return {name.value: value for name, value in node.value}


def _holds_all(node: Any, old: Any, new: Any) -> bool:
    """Tell whether a mapping in one line has the names of its new value, and no other known one."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return False
    return old.keys() == new.keys() <= _values(node).keys()


def _written(value: Any, node: Any, *, indent: int, flow: bool) -> str:
    """Write a value as it stands after its name, in the way of what stood there."""
    if isinstance(value, str):
        return _text(value, node, indent=indent, flow=flow)
    return _line(value)


def _text(value: str, node: Any, *, indent: int, flow: bool) -> str:
    style = node.style if isinstance(node, yaml.ScalarNode) else '"'
    if not flow and _can_be_block(value):
        lines = (f"{' ' * (indent + _STEP)}{line}" if line else "" for line in value.split("\n"))
        return "|-\n" + "\n".join(lines)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if not style and _is_plain(value, flow=flow):
        return value
    return _quoted(value)


def _can_be_block(value: str) -> bool:
    lines = value.split("\n")
    plain = all(line.isprintable() and line == line.strip() for line in lines)
    return len(lines) > 1 and plain and bool(lines[0]) and bool(lines[-1])


def _is_plain(value: str, *, flow: bool) -> bool:
    """Tell whether a text means itself without quotes; a day is read as one."""
    try:
        read = yaml.load(f"[{value}]" if flow else f"- {value}", Loader=_LOADER)  # noqa: S506 -- safe
    except yaml.YAMLError:
        return False
    return value.isprintable() and read in ([value], [_day(value)])


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _line(value: Any) -> str:
    """Write a value in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_line(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_line, value)) + "]"
    if isinstance(value, str):
        return value if _NAME.fullmatch(value) else _quoted(value)
    return json.dumps(value)


def _quoted(value: str) -> str:
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character == "\n":
        return "\\n"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
