"""``havn check``: holds words, facts, translations and rules to what the design asks for."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import click
import yaml

from bot.adapters import catalog
from bot.bootstrap import locales_folder
from bot.domain import turn
from bot.domain.errors import ConfigurationError
from bot.domain.facts import Registry
from bot.domain.screens import Deck
from bot.domain.wording import Finding, Limits
from bot.i18n import Texts
from bot.i18n.texts import is_draft, is_stale, read_catalog
from bot.i18n.values import Values
from bot.services.content import Served, has_words, rules, sources
from bot.settings import Settings


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
    renderer = rules.undated(shipped.deck, texts, values)
    served = Served(shipped.deck, shipped.registry, texts, values)
    report.errors += _deck(shipped.deck, shipped.registry, limits)
    for fact in shipped.registry:
        report.errors += rules.fact_errors(fact, shipped.registry)
    report.warnings += _overdue(shipped.registry, today or date.today())  # noqa: DTZ011 -- review dates are days
    report.errors += rules.rendered(renderer, list(shipped.deck.screens), texts.locales, limits)
    report.errors += _rules(settings.root, shipped.deck)
    report.counts |= {
        "screens": len(shipped.deck.screens),
        "facts": len(shipped.registry.facts),
        "facts_unverified": sum(f.verify_before_launch for f in shipped.registry),
    }
    for path in sorted(folder.glob("*/LC_MESSAGES/deck.po")):
        _translation(path, served, limits, glossary, report)
    return report


# --- words and facts --------------------------------------------------------------------------


def _deck(deck: Deck, registry: Registry, limits: Limits) -> Iterator[Finding]:
    for screen in deck.screens.values():
        yield from rules.screen_words(screen, deck, limits)
        yield from rules.dead_ends(screen, deck)
        yield from rules.number_near(screen, deck, registry)
    for key, text in deck.words.items():
        yield from rules.interface_word(key, text, deck)
    yield from rules.mean_grade(deck, limits)
    yield from rules.unreachable(deck)


def _overdue(registry: Registry, today: date) -> Iterator[Finding]:
    for fact in registry:
        if fact.is_overdue(today):
            says = f"should have been reviewed by {fact.review_by}"
            yield Finding(f"facts.{fact.key}", "review", says)


# --- translations -----------------------------------------------------------------------------


def _translation(
    path: Path,
    served: Served,
    limits: Limits,
    glossary: Mapping[str, Any],
    report: Report,
) -> None:
    locale = path.parts[-3]
    found = read_catalog(path, locale)
    for message in found:
        if message.id and message.string:
            context, source, text = message.context or "", str(message.id), str(message.string)
            where = f"{locale}: {context}: {source[:30]}"
            report.errors += rules.translated(
                where, context, source, text, served.deck, limits, glossary.get(locale, {})
            )
    wanted = dict.fromkeys(filter(has_words, sources(served)))
    kept = {(m.context or "", str(m.id)) for m in found if m.id and m.string and not is_stale(m)}
    missing = [key for key in wanted if key not in kept]
    report.errors += [Finding(f"{locale}: {c}", "missing", "no translation") for c, _ in missing]
    report.counts[locale] = {
        "texts": len(wanted),
        "missing": len(missing),
        "drafts": sum(is_draft(m) for m in found if m.id),
        "stale": sum(is_stale(m) for m in found if m.id),
    }


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


def _print(report: Report) -> None:
    for title, findings in (("error", report.errors), ("warning", report.warnings)):
        for finding in findings:
            click.echo(f"{title}: {finding.where}: {finding.rule}: {finding.says}")
    click.echo(json.dumps(report.counts, ensure_ascii=False))
    click.echo(f"{len(report.errors)} errors, {len(report.warnings)} warnings")
