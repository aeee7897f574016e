"""The form of a fact: what was typed, and the entry or the errors that it makes.

What a fact is (its kind, its meaning, whether people act on it) is not taken from the form.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from starlette.datastructures import FormData

from bot.domain import wording
from bot.domain.content import Value
from bot.domain.facts import Fact, Kind
from bot.domain.wording import Finding
from bot.services.content.facts import review_by
from bot.web.content.week import Week
from bot.web.words import _

# In characters, by field; the longest that is shipped takes a third of it.
LONGEST: Mapping[str, int] = {
    "value": 1_000,
    "source_url": 500,
    "source_says": 300,
    "conflicts": 1_000,
    "owner": 80,
    "checked_on": 10,
    "review_by": 10,
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,4})?", re.ASCII)
# Beside which field a broken rule is shown.
_FIELD: Mapping[str, str] = {
    "source": "source_url",
    "checked on": "checked_on",
    "review": "review_by",
}
_AT_VALUE = frozenset(
    {"phone", "email", "url", "digits", "markup", "placeholder", "rendered length"}
)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form; ``keeps`` are the addresses of the earlier sources that stay."""

    texts: Mapping[str, str] = field(repr=False)
    week: Week = field(repr=False)
    keeps: frozenset[str] = field(repr=False)
    confirmed: bool = False

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")


@dataclass(frozen=True, slots=True)
class Reading:
    """The entry a form makes, or by field what is wrong with it."""

    entry: Mapping[str, Any] = field(default_factory=dict, repr=False)
    errors: Mapping[str, str] = field(default_factory=dict)


def filled(fact: Fact, today: date, *, draft: bool) -> Typed:
    """Return the form of a fact: a draft as it stands, else ready for what is read today."""
    texts = {
        "value": "" if fact.kind is Kind.HOURS else str(fact.value),
        "conflicts": fact.conflicts,
        "owner": fact.owner,
        "checked_on": (fact.checked_on if draft else today).isoformat(),
        "review_by": fact.review_by.isoformat() if draft else "",
    }
    keeps = frozenset(source.url for source in fact.sources)
    confirmed = draft and not fact.verify_before_launch
    return Typed(texts, Week.of(fact.value), keeps, confirmed)


def typed(form: FormData) -> Typed:
    """Return what was typed, cut where it is far too long."""
    texts = {name: _text(form.get(name), longest) for name, longest in LONGEST.items()}
    keeps = frozenset(one for one in form.getlist("keep") if isinstance(one, str))
    return Typed(texts, Week.typed(form), keeps, form.get("confirmed") == "1")


def merged(given: Typed, theirs: Value) -> Typed:
    """Return what was typed, with every source that somebody else has named meanwhile."""
    return replace(given, keeps=given.keeps | {one["url"] for one in theirs["sources"]})


def read(given: Typed, base: Value, live: Value, today: date) -> Reading:
    """Make an entry; ``base`` has what the form does not, ``live`` is what visitors read now."""
    errors = dict(_lengths(given))
    if given.week.errors and base["kind"] == Kind.HOURS:
        errors |= given.week.errors
    value = _part("value", errors, lambda: _value(Kind(base["kind"]), given))
    checked = _part("checked_on", errors, lambda: _day(given["checked_on"] or today.isoformat()))
    sources = _sources(given, base)
    entry = {
        **base,
        "value": value,
        "sources": sources,
        "checked_on": checked,
        "owner": given["owner"] or base["owner"],
        "verify_before_launch": not given.confirmed,
        "conflicts": given["conflicts"],
    }
    if not errors:
        entry["review_by"] = _part("review_by", errors, lambda: _review_by(given, base, checked))
    if not sources:
        errors.setdefault("source_url", _("A fact needs a source."))
    elif not errors and value != live["value"] and not _is_new(sources, live):
        errors["source_url"] = _("Say where you read the new value.")
    return Reading(errors=errors) if errors else Reading(entry)


def beside(findings: Sequence[Finding]) -> Mapping[str, str]:
    """Return the fields that broken rules are about, each with words."""
    fields: dict[str, str] = {}
    for one in findings:
        where = "value" if one.rule in _AT_VALUE else _FIELD.get(one.rule)
        if where:
            fields.setdefault(where, one.says)
    return fields


def _text(value: object, longest: int) -> str:
    """Return a typed text; one character too many is kept, so that it is seen to be too long."""
    text = value if isinstance(value, str) else ""
    return text.replace("\r\n", "\n").strip()[: longest + 1]


def _lengths(given: Typed) -> Mapping[str, str]:
    errors: dict[str, str] = {}
    for name, longest in LONGEST.items():
        if len(given[name]) > longest:
            errors[name] = _("This is too long. Shorten it.")
        elif any(wording.invisible(name, given[name])):
            errors[name] = _("There is an invisible character. Delete the text and type it again.")
    return errors


def _part(name: str, errors: dict[str, str], read_it: Callable[[], Any]) -> Any:
    """Return one part of the entry, or note what is wrong with it."""
    try:
        return read_it()
    except ValueError as error:
        errors.setdefault(name, str(error))
        return None


def _value(kind: Kind, given: Typed) -> Any:
    text = given["value"]
    if kind is Kind.HOURS:
        return given.week.written()
    if not text:
        raise ValueError(_("There is nothing here yet."))
    if kind is Kind.PHONE:
        return "".join(text.split())
    if kind is Kind.DATE:
        return _day(text)
    if kind is not Kind.NUMBER:
        return text
    if not _NUMBER.fullmatch(text):
        raise ValueError(_("Write one number, such as 30 or 118.2."))
    number = float(text.replace(",", "."))
    return int(number) if number.is_integer() else number


def _day(text: str) -> str:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise ValueError(_("Give a day, such as 2026-11-30."))


def _review_by(given: Typed, base: Value, checked: str) -> str:
    if given["review_by"]:
        return _day(given["review_by"])
    try:
        due = review_by(
            date.fromisoformat(checked), safety=bool(base["safety"]), confirmed=given.confirmed
        )
    except OverflowError:
        raise ValueError(_("Give a day, such as 2026-11-30.")) from None
    return due.isoformat()


def _sources(given: Typed, base: Value) -> list[Mapping[str, str]]:
    """Return the source that was typed, and the earlier ones that stay."""
    kept = [one for one in base["sources"] if one["url"] in given.keeps]
    if not given["source_url"]:
        return kept
    new = {"url": given["source_url"], "says": given["source_says"], "seen": ""}
    return [new, *(one for one in kept if one != new)]


def _is_new(sources: Sequence[Mapping[str, str]], live: Value) -> bool:
    return any(one not in live["sources"] for one in sources)
