"""The English walks in every other language: labels from the catalogue, typed words from a file.

``tests/walks/phrases/<locale>.yml`` says what a visitor of a language types where an English one
types something; screens are compared word for word in that language.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from bot.i18n import LOCALES, own_name
from bot.services.reply import Renderer, fold
from tests.support.walks import ACTS, FOLDER, Step, Walk, read

PHRASES = FOLDER / "phrases"
# These are about two languages, and written out for both.
_WRITTEN_OUT = frozenset({"en", "da"})
# The label by which somebody comes back to the language of a walk.
_ENGLISH = "English"
_LETTERS = re.compile(r"[^\W\d_]")


def locales() -> list[str]:
    """Return the locales that have no walks of their own."""
    return [locale for locale in LOCALES if locale not in _WRITTEN_OUT]


def translated(locale: str, renderer: Renderer) -> Iterator[tuple[Path, Walk]]:
    """Yield the English walks as somebody of another language walks them."""
    words = _Words(locale, renderer, _phrases(locale))
    for path in sorted(FOLDER.glob("*.en.jsonl")):
        if not path.name.startswith("language."):
            for walk in read(path):
                yield path, words.walk(walk)


@cache
def _phrases(locale: str) -> Mapping[str, str]:
    return dict(yaml.safe_load((PHRASES / f"{locale}.yml").read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class _Words:
    locale: str
    renderer: Renderer
    phrases: Mapping[str, str]

    def walk(self, walk: Walk) -> Walk:
        """Return a walk in this language."""
        before = (walk.head, *walk.steps)
        steps = tuple(self._step(step, last) for last, step in pairwise(before))
        head = self._step(walk.head, walk.head)
        return replace(walk, locale=self.locale, head=head, steps=steps, translated=True)

    def _step(self, step: Step, last: Step) -> Step:
        """Return a step in this language; what was shown in another is said as it stands."""
        said = dict(step.says)
        for name, what in said.items():
            display = last if name in ACTS else step
            if "in" not in display.says or what == _ENGLISH:
                said[name] = self._said(name, what)
        return Step(step.where, said)

    def _said(self, name: str, what: Any) -> Any:
        match name:
            case "tap" | "text":
                return self._own(what)
            case "offers" | "withholds":
                return [self._label(label) for label in what]
            case "has" | "lacks" | "seen":
                # Other words than these are those of an English screen.
                return [one for one in what if not _LETTERS.search(one) or one in self.phrases]
            case "queue" if isinstance(what, dict) and "locale" in what:
                return {**what, "locale": self.locale}
            case "link" | "start":
                return re.sub("^en-", f"{self.locale}-", what)
        return what

    def _label(self, label: str) -> str:
        if label == _ENGLISH:
            return own_name(self.locale)
        return self.renderer.texts.get("button", label, self.locale)

    def _own(self, text: str) -> str:
        """Return the phrase for an English text, or the label that it is."""
        if text in self.phrases:
            return self.phrases[text]
        labels = (
            button.label
            for screen in self.renderer.deck.screens.values()
            for button in (*screen.buttons, *self.renderer.deck.fixed_row)
        )
        meant = next((label for label in labels if fold(label) == fold(text)), "")
        return self._label(meant or text)
