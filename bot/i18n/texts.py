"""Translations, read from the .po files that translators edit; English is the source."""

import enum
import hashlib
import re
from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Self

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, denormalize, read_po

from bot.domain.errors import TranslationError
from bot.domain.facts import PLACEHOLDER

SOURCE = "en"
# How Babel reads the "#| msgid" line that an update leaves where the English changed.
_PREVIOUS = "| msgid"
_AT_HYPHEN = re.compile(r"(?<=\w)-\n(?=\w)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
# The comment of a stale text that is served all the same: the one before was, and it stays.
KEPT = "kept until translated:"


def is_stale(message: Message) -> bool:
    """Tell whether the English changed since this was translated: never served, even as a draft."""
    return message.fuzzy and any(c.startswith(_PREVIOUS) for c in message.user_comments)


def is_draft(message: Message) -> bool:
    """Tell whether no person has approved this translation yet."""
    return message.fuzzy and not is_stale(message)


def take_previous(message: Message) -> str:
    """Return the older English a stale message is of, "" for none, and take it off its comments.

    Babel breaks it like any comment: at spaces, and after hyphens inside words.
    """
    lines = [c[2:] for c in message.user_comments if c.startswith("| ")]
    message.user_comments = [c for c in message.user_comments if not c.startswith("| ")]
    first = takewhile(lambda line: not line.startswith("msgid"), lines[1:])
    joined = _AT_HYPHEN.sub("-", "\n".join([*lines[:1], *first])).replace("\n", " ")
    return "".join(denormalize(f'"{part}"') for part in _QUOTED.findall(joined))


def kept_mark(older: str, text: str, *, approved: bool) -> str:
    """Return the comment under which the text of an older English is still served.

    It holds a digest, so that a text that somebody edits is a stale one like any other.
    """
    digest = hashlib.sha256(f"{older}\0{text}".encode()).hexdigest()[:16]
    return f"{KEPT} {'approved' if approved else 'draft'} {digest}"


def kept(message: Message) -> tuple[str, bool] | None:
    """Return the older English whose text a stale message keeps, and whether it was approved."""
    if not is_stale(message):
        return None
    older, text = take_previous(message.clone()), str(message.string)
    for approved in (True, False):
        if kept_mark(older, text, approved=approved) in message.user_comments:
            return older, approved
    return None


def read_catalog(path: Path, locale: str) -> Catalog:
    """Read one .po file; TranslationError names the file."""
    try:
        with path.open("rb") as file:
            return read_po(file, locale=locale, abort_invalid=True)
    except (OSError, PoFileError, ValueError) as error:
        raise TranslationError(f"cannot read {path}: {error}") from error


class Status(enum.StrEnum):
    """How far a translation has come."""

    LIVE = "live"  # approved, for the English text in force
    DRAFT = "draft"  # nobody approved it
    STALE = "stale"  # of an older English text
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class _Words:
    """What is served in one locale."""

    approved: Mapping[tuple[str, str], str]
    drafts: Mapping[tuple[str, str], str]
    before: Mapping[tuple[str, str], str] = field(default_factory=dict)


_NO_WORDS = _Words({}, {})


class Texts:
    """Looks up approved text; drafts are served only where the operator allows it."""

    def __init__(
        self,
        words: Mapping[str, _Words],
        *,
        allow_drafts: bool,
        before: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._words = words
        self.before = before or {}
        self._allow_drafts = allow_drafts

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        allow_drafts: bool,
        domain: str = "deck",
        among: Collection[str] | None = None,
    ) -> Self:
        """Read ``<locale>/LC_MESSAGES/<domain>.po`` of every locale below a folder, or of some."""
        words = {
            path.parts[-3]: _sort(read_catalog(path, path.parts[-3]))
            for path in sorted(folder.glob(f"*/LC_MESSAGES/{domain}.po"))
            if among is None or path.parts[-3] in among
        }
        before = {key: old for one in words.values() for key, old in one.before.items()}
        return cls(words, allow_drafts=allow_drafts, before=before)

    def over(
        self,
        published: Mapping[str, Mapping[tuple[str, str], str]],
        before: Mapping[tuple[str, str], str],
    ) -> "Texts":
        """Return texts with what was published, by locale, on top: each of it was approved.

        ``before`` leads from an English text to the one it replaced: where the new one has no
        translation, that of the old one stays. No language is added: a language needs words of
        danger before it is offered.
        """
        words = dict(self._words)
        for locale in published.keys() & words.keys():
            shipped, texts = words[locale], published[locale]
            words[locale] = replace(shipped, approved=ChainMap(dict(texts), dict(shipped.approved)))
        return Texts(words, allow_drafts=self._allow_drafts, before={**self.before, **before})

    def approved(self, context: str, source: str, locale: str) -> str:
        """Return the approved translation of an English text, "" where there is none."""
        return self._words.get(locale, _NO_WORDS).approved.get((context, source), "")

    def draft(self, context: str, source: str, locale: str) -> str:
        """Return the shipped draft of a translation, "" where there is none."""
        return self._words.get(locale, _NO_WORDS).drafts.get((context, source), "")

    def older(self, context: str, source: str, locale: str) -> tuple[str, str]:
        """Return the newest older English text that has a translation, and it; "" twice if none."""
        words = self._words.get(locale, _NO_WORDS)
        for key in self._older(context, source):
            if text := words.approved.get(key) or words.drafts.get(key):
                return key[1], text
        return "", ""

    def status(self, context: str, source: str, locale: str) -> Status:
        """Tell how far the translation of an English text has come."""
        words = self._words.get(locale, _NO_WORDS)
        if (context, source) in words.approved:
            return Status.LIVE
        if (context, source) in words.drafts:
            return Status.DRAFT
        _, older = self.older(context, source, locale)
        return Status.STALE if older else Status.MISSING

    @property
    def locales(self) -> tuple[str, ...]:
        """Return the locales that can be served, English first."""
        served = [
            locale
            for locale, words in self._words.items()
            if words.approved or (self._allow_drafts and words.drafts)
        ]
        return (SOURCE, *served)

    @property
    def drafts(self) -> frozenset[str]:
        """Return the locales in which some served text was approved by nobody."""
        if not self._allow_drafts:
            return frozenset()
        return frozenset(locale for locale, words in self._words.items() if words.drafts)

    def get(self, context: str, source: str, locale: str) -> str:
        """Return the text in a locale, or the English source where there is none to serve."""
        words = self._words.get(locale)
        if words is None or not source:
            return source
        text = self._text(words, (context, source))
        if text is None and self.before:
            older = (self._text(words, key) for key in self._older(context, source))
            text = next(filter(None, older), None)
        return text or source

    def _text(self, words: _Words, key: tuple[str, str]) -> str | None:
        text = words.approved.get(key)
        return words.drafts.get(key) if text is None and self._allow_drafts else text

    def _older(self, context: str, source: str) -> Iterator[tuple[str, str]]:
        """Yield what an English text replaced, newest first; a circle would end here too."""
        seen = {source}
        while (older := self.before.get((context, source))) is not None and older not in seen:
            seen.add(older)
            yield context, older
            source = older


def _sort(catalog: Catalog) -> _Words:
    approved: dict[tuple[str, str], str] = {}
    drafts: dict[tuple[str, str], str] = {}
    before: dict[tuple[str, str], str] = {}
    for message in catalog:
        older = kept(message)
        if not message.id or not message.string or (is_stale(message) and older is None):
            continue
        source, text = str(message.id), str(message.string)
        is_approved = not message.fuzzy
        if older is not None:
            before[message.context or "", source] = older[0]
            source, is_approved = older
        if {*PLACEHOLDER.findall(text)} - {*PLACEHOLDER.findall(source)}:
            continue  # nothing may stand behind it, and a screen that cannot be shown helps nobody
        target = approved if is_approved else drafts
        target[(message.context or "", source)] = text
    return _Words(approved, drafts, before)
