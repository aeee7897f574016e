"""``havn check``: holds words, facts, translations and rules to what the design asks for."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import click
import yaml
from babel.messages.catalog import Catalog
from pyphen import Pyphen

from bot.adapters import catalog
from bot.bootstrap import locales_folder
from bot.domain import decoy, turn, wording
from bot.domain.errors import ConfigurationError, HavnError
from bot.domain.facts import PLACEHOLDER, Kind, Registry
from bot.domain.messages import Channel, Reply
from bot.domain.screens import Deck, Screen
from bot.domain.triage import DANGER
from bot.domain.wording import Finding, Limits
from bot.i18n import Texts
from bot.i18n.texts import is_draft, is_stale, read_catalog
from bot.i18n.values import Values
from bot.services.reply import Renderer
from bot.settings import Settings

PHONE = "utter_phone_numbers"
_PHONES = frozenset({"cmm_phone", "emergency_phone", "suicide_line_phone", "child_line_phone"})
# Runtime placeholders and a value of each, long enough to measure with.
RUNTIME: Mapping[str, str] = {
    "wait_estimate": "30-60",
    "next_open_time": "2026-12-28T08:30:00+01:00",
    "fact_reviewed_on": "2026-11-22",
    "staff_alias": "Anna",
    "return_code": "one two three four five six seven",
    "transfer_reason": "transfer_experience",
    "option_1": "utter_debt",
    "option_2": "utter_legal_help",
    "low": "30",
    "high": "60",
}
_STRICT_AUDIENCES = frozenset({"all", "person", "web", "staff_to_person"})
_MENU = turn.MENU


@dataclass(slots=True)
class Report:
    """Everything that was found: errors fail the check, the counts are for people."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)


def run(settings: Settings, *, as_json: bool) -> None:
    """Check everything and print what was found; exit status 1 when there are errors."""
    report = check(settings)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2, ensure_ascii=False, default=str))
    else:
        _print(report)
    if report.errors:
        sys.exit(1)


def check(settings: Settings, today: date | None = None) -> Report:
    """Return what is wrong with the words, facts, translations and rules of an installation."""
    folder = locales_folder(settings)
    report = Report()
    shipped = catalog.read(folder)
    limits = Limits.read(shipped.deck.meta["limits"])  # type: ignore[arg-type]
    glossary = _yaml(folder / "glossary.yml")
    texts = Texts.load(folder, allow_drafts=True)
    values = Values(shipped.deck, shipped.registry, texts, settings.said())
    renderer = Renderer(shipped.deck, texts, values)
    report.errors += _deck_words(shipped.deck, limits)
    report.errors += _grades(shipped.deck, limits)
    report.errors += _links(shipped.deck)
    report.errors += _numbers_near(shipped.deck, shipped.registry)
    report.errors += _fact_errors(shipped.registry)
    report.warnings += _fact_warnings(shipped.registry, today or date.today())  # noqa: DTZ011 -- review dates are days
    report.errors += _rendered(renderer, texts, limits)
    report.errors += _rules(settings.root, shipped.deck)
    report.counts |= {
        "screens": len(shipped.deck.screens),
        "facts": len(shipped.registry.facts),
        "facts_unverified": sum(f.verify_before_launch for f in shipped.registry),
    }
    for path in sorted(folder.glob("*/LC_MESSAGES/deck.po")):
        _translation(path, shipped.deck, shipped.registry, limits, glossary, report)
    return report


# --- English ----------------------------------------------------------------------------------


def _each_text(deck: Deck) -> Iterator[tuple[Screen, str]]:
    for screen in deck.screens.values():
        for text in screen.sources():
            yield screen, text


def _deck_words(deck: Deck, limits: Limits) -> Iterator[Finding]:
    allowed = [re.compile(pattern) for pattern in _list(deck.meta, "digits_allowed")]
    banned = _list(deck.meta, "forbidden_words")
    for screen, text in _each_text(deck):
        yield from wording.too_long(screen.id, text, limits.template, "template length")
        yield from wording.long_sentences(screen.id, text, limits.sentence_words)
        yield from wording.typed_digits(screen.id, text, allowed)
        yield from wording.markup(screen.id, text)
        if screen.audience in _STRICT_AUDIENCES:
            yield from wording.forbidden(screen.id, text, banned)
    for screen in deck.screens.values():
        labels = [button.label for button in screen.buttons] + [screen.topic]
        for label in labels:
            yield from wording.too_long(screen.id, label, limits.label, "label length")
            yield from wording.typed_digits(screen.id, label, allowed)
            if screen.audience in _STRICT_AUDIENCES:
                yield from wording.forbidden(screen.id, label, banned)
    for key, text in deck.words.items():
        yield from wording.markup(f"words.{key}", text)
        yield from wording.typed_digits(f"words.{key}", text, allowed)


def _grades(deck: Deck, limits: Limits) -> Iterator[Finding]:
    hyphens = Pyphen(lang="en_US")
    grades = []
    for screen, text in _each_text(deck):
        own = wording.words(PLACEHOLDER.sub(" ", text))
        if len(own) < limits.grade_min_words:
            continue
        syllables = {w.casefold(): len(hyphens.positions(w.casefold())) + 1 for w in own}
        grade = wording.grade(text, syllables)
        grades.append(grade)
        if grade > limits.grade_each:
            says = f"reading grade {grade:.1f}; at most {limits.grade_each}"
            yield Finding(screen.id, "reading grade", says)
    mean = sum(grades) / max(1, len(grades))
    if mean > limits.grade_mean:
        says = f"mean reading grade {mean:.1f}; at most {limits.grade_mean}"
        yield Finding("deck.yml", "reading grade", says)


def _links(deck: Deck) -> Iterator[Finding]:
    """Find buttons that lead nowhere and screens no visitor can reach."""
    for screen in deck.screens.values():
        for button in (*screen.buttons, *deck.row_under(screen.id)):
            if button.tap.to not in deck and button.tap.to not in turn.ACTIONS:
                yield Finding(screen.id, "button", f"{button.tap.to} is no screen and no action")
    reached = _reach(deck, int(_limits(deck)["taps_from_menu"])) | {decoy.NUMBERS}
    shown_by_program = set(_list(deck.meta, "event_only"))
    for screen in deck.screens.values():
        staff = screen.audience == "staff_to_person"
        if screen.id not in reached and screen.id not in shown_by_program and not staff:
            yield Finding(screen.id, "reach", "no button leads here within the allowed taps")


def _reach(deck: Deck, taps: int) -> set[str]:
    reached = frontier = {_MENU}
    for _ in range(taps):
        frontier = {
            button.tap.to
            for screen in frontier
            for button in (*deck[screen].buttons, *deck.row_under(screen))
            if button.tap.to in deck
        } - reached
        reached = reached | frontier
    return reached


def _numbers_near(deck: Deck, registry: Registry) -> Iterator[Finding]:
    """Find screens from which no number is shown or one tap away (invariant 1)."""
    without = set(_list(deck.meta, "no_number_screens"))
    for screen in deck.screens.values():
        targets = {b.tap.to for b in (*screen.buttons, *deck.row_under(screen.id))}
        near = {DANGER, PHONE, _MENU, decoy.NUMBERS} & targets
        shown = all(registry.used_by(text) & _PHONES for text in screen.sources())
        staff = screen.audience == "staff_to_person"
        if not near and not shown and not staff and screen.id not in without:
            yield Finding(screen.id, "numbers", "no phone number within one tap")


# --- facts ------------------------------------------------------------------------------------


def _fact_errors(registry: Registry) -> Iterator[Finding]:
    for fact in registry:
        where = f"facts.{fact.key}"
        if not fact.sources and fact.value != "":
            yield Finding(where, "source", "a fact needs a source")
        if fact.review_by < fact.checked_on:
            yield Finding(where, "review", "the review date lies before the day it was checked")
        if fact.kind is Kind.PHONE and not re.fullmatch(r"\+\d{8,15}|1\d{2,5}", str(fact.value)):
            yield Finding(where, "phone", "write +45… without spaces, or a short number")
        if fact.kind is Kind.URL and not str(fact.value).startswith("https://"):
            yield Finding(where, "url", "an address begins with https://")
        if fact.kind is Kind.SENTENCE:
            yield from wording.typed_digits(where, str(fact.value), [])
            yield from wording.markup(where, str(fact.value))
            yield from _unknown_placeholders(where, str(fact.value), registry)


def _unknown_placeholders(where: str, text: str, registry: Registry) -> Iterator[Finding]:
    for key in PLACEHOLDER.findall(text):
        if key not in registry and key not in RUNTIME:
            yield Finding(where, "placeholder", f"there is no fact {key}")


def _fact_warnings(registry: Registry, today: date) -> Iterator[Finding]:
    for fact in registry:
        if fact.is_overdue(today):
            says = f"should have been reviewed by {fact.review_by}"
            yield Finding(f"facts.{fact.key}", "review", says)


# --- what is shown ----------------------------------------------------------------------------


def _rendered(renderer: Renderer, texts: Texts, limits: Limits) -> Iterator[Finding]:
    """Render every screen in every locale on every channel, as a visitor would see it."""
    for locale in texts.locales:
        for screen in renderer.deck.screens.values():
            for channel in Channel:
                where = f"{screen.id} ({locale}, {channel})"
                try:
                    bubble = renderer.render(Reply(screen.id, locale, values=RUNTIME), channel)
                except HavnError as error:
                    yield Finding(where, "placeholder", str(error))
                    continue
                yield from wording.too_long(where, bubble.text, limits.rendered, "rendered length")
                if PLACEHOLDER.search(bubble.text):
                    yield Finding(where, "placeholder", "a placeholder was left unfilled")


# --- translations -----------------------------------------------------------------------------


def _translation(
    path: Path,
    deck: Deck,
    registry: Registry,
    limits: Limits,
    glossary: Mapping[str, Any],
    report: Report,
) -> None:
    locale = path.parts[-3]
    found = read_catalog(path, locale)
    report.errors += _translated(found, locale, deck, limits, glossary)
    wanted = dict.fromkeys(_wanted(deck, registry))
    served = {(m.context or "", str(m.id)) for m in found if m.id and m.string and not is_stale(m)}
    missing = [key for key in wanted if key not in served]
    report.errors += [Finding(f"{locale}: {c}", "missing", "no translation") for c, _ in missing]
    report.counts[locale] = {
        "texts": len(wanted),
        "missing": len(missing),
        "drafts": sum(is_draft(m) for m in found if m.id),
        "stale": sum(is_stale(m) for m in found if m.id),
    }


def _wanted(deck: Deck, registry: Registry) -> Iterator[tuple[str, str]]:
    """Yield every context and source text that is looked up and has words of its own."""
    for key, source in _looked_up(deck, registry):
        if re.search(r"[^\W\d_]", PLACEHOLDER.sub("", source)) and not source.startswith("(lang"):
            yield key, source


def _looked_up(deck: Deck, registry: Registry) -> Iterator[tuple[str, str]]:
    for screen, text in _each_text(deck):
        yield screen.id, text
        for button in screen.buttons:
            yield "button", button.label
        if screen.topic:
            yield "topic", screen.topic
    for button in deck.fixed_row:
        yield "button", button.label
    for text in deck.words.values():
        yield "word", text
    for fact in registry:
        if fact.kind is Kind.SENTENCE:
            yield f"fact:{fact.key}", str(fact.value)


def _translated(
    found: Catalog,
    locale: str,
    deck: Deck,
    limits: Limits,
    glossary: Mapping[str, Any],
) -> Iterator[Finding]:
    allowed = [re.compile(p) for p in _list(glossary.get(locale, {}), "digits_allowed")]
    banned = _list(glossary.get(locale, {}), "forbidden_words")
    for message in found:
        if not message.id or not message.string:
            continue
        context, source, text = message.context or "", str(message.id), str(message.string)
        where = f"{locale}: {context}: {source[:30]}"
        yield from wording.placeholders_differ(where, source, text)
        yield from wording.typed_digits(where, text, allowed)
        yield from wording.markup(where, text)
        if context in ("button", "topic"):
            yield from wording.too_long(where, text, limits.label, "label length")
        if context in deck:
            yield from wording.too_long(where, text, limits.template, "template length")
            yield from wording.long_sentences(where, text, limits.sentence_words)
            if deck[context].audience in _STRICT_AUDIENCES:
                yield from wording.forbidden(where, text, banned)


# --- rules and domain -------------------------------------------------------------------------


def _rules(root: Path, deck: Deck) -> Iterator[Finding]:
    """Hold Rasa's files to the deck: outcomes exist, intents have an answer and examples."""
    intents = set(_merged(root / "stories" / "domain", "intents"))
    actions = set(_merged(root / "stories" / "domain", "actions"))
    for action in sorted(actions):
        if action not in deck and action not in turn.ACTIONS:
            yield Finding(f"stories: {action}", "outcome", "no screen and no action has this name")
    rules = _merged(root / "stories" / "rules", "rules")
    used = {step["intent"] for rule in rules for step in rule["steps"] if "intent" in step}
    for intent in sorted(intents - used):
        yield Finding(f"stories: {intent}", "rule", "no rule answers this intent")
    defaults = dict(_defaults(rules))
    for screen in deck.screens.values():
        if screen.intent and defaults.get(screen.intent) not in (screen.id, None, "action_hide"):
            says = f"the rule for {screen.intent} leads to {defaults[screen.intent]}"
            yield Finding(screen.id, "intent", says)
        if screen.intent and screen.intent not in intents:
            yield Finding(screen.id, "intent", f"there is no intent {screen.intent}")
    for folder in sorted((root / "nlu" / "data").iterdir()):
        examples = {entry["intent"] for entry in _merged(folder, "nlu") if "intent" in entry}
        for intent in sorted(intents - examples):
            yield Finding(f"nlu/data/{folder.name}", "examples", f"none for {intent}")


def _defaults(rules: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield intent and outcome of the rules that hold on every screen."""
    for rule in rules:
        steps = [step for step in rule["steps"] if "intent" in step or "action" in step]
        if len(rule["steps"]) == len(steps) == 2 and "condition" not in rule:  # noqa: PLR2004 -- intent, action
            yield steps[0]["intent"], steps[1]["action"]


def _merged(folder: Path, key: str) -> list[Any]:
    found: list[Any] = []
    for path in sorted(folder.rglob("*.yml")):
        found += _yaml(path).get(key) or []
    return found


# --- small parts ------------------------------------------------------------------------------


def _yaml(path: Path) -> Mapping[str, Any]:
    try:
        return catalog.load_yaml(path.read_bytes()) or {}
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error


def _list(data: Any, key: str) -> list[str]:
    return [str(one) for one in (data or {}).get(key, [])]


def _limits(deck: Deck) -> Mapping[str, Any]:
    limits: Any = deck.meta["limits"]
    return limits  # type: ignore[no-any-return]


def _print(report: Report) -> None:
    for title, findings in (("error", report.errors), ("warning", report.warnings)):
        for finding in findings:
            click.echo(f"{title}: {finding.where}: {finding.rule}: {finding.says}")
    click.echo(json.dumps(report.counts, ensure_ascii=False))
    click.echo(f"{len(report.errors)} errors, {len(report.warnings)} warnings")
