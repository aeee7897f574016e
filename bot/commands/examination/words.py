"""Words, translations and facts: what nobody has approved or confirmed yet."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from bot.adapters import catalog
from bot.bootstrap import locales_folder
from bot.commands.examination.finding import Finding, Mark
from bot.domain.errors import HavnError
from bot.domain.facts import Registry
from bot.i18n import LOCALES
from bot.i18n.texts import SOURCE, is_draft, is_stale, read_catalog
from bot.settings import Settings

AREA = "Words and facts"


def examine(settings: Settings, today: date) -> Iterator[Finding]:
    """Look at everything a visitor may read."""
    try:
        folder = locales_folder(settings)
        shipped = catalog.read(folder)
        found = [*_facts(shipped.registry, today), *_locales(folder, settings)]
    except HavnError as error:
        yield Finding(AREA, "Deck", Mark.STOP, str(error), "havn check says more")
        return
    yield Finding(AREA, "Deck", Mark.FINE, f"{len(shipped.deck.screens)} screens")
    yield from found


def _facts(registry: Registry, today: date) -> Iterator[Finding]:
    facts = list(registry)
    unverified = sum(fact.verify_before_launch for fact in facts)
    if unverified:
        says = f"{unverified} of {len(facts)} confirmed by nobody"
        do = "confirm the list in docs/before-launch.md first, then the rest of locales/facts.yml"
        yield Finding(AREA, "Facts", Mark.LOOK, says, do)
    else:
        yield Finding(AREA, "Facts", Mark.FINE, f"{len(facts)}, all confirmed")
    overdue = [fact for fact in facts if fact.is_overdue(today)]
    if overdue:
        acted_on = sum(fact.safety for fact in overdue)
        says = f"{len(overdue)} past their review date, {acted_on} of them people act on"
        yield Finding(AREA, "Review dates", Mark.LOOK, says, "compare them with their sources")
    else:
        yield Finding(AREA, "Review dates", Mark.FINE, "none has passed")


def _locales(folder: Path, settings: Settings) -> Iterator[Finding]:
    missing: list[str] = []
    unheard: list[str] = []
    for locale, name in LOCALES.items():
        path = folder / locale / "LC_MESSAGES" / "deck.po"
        if path.exists():
            yield _locale(f"{name} ({locale})", path, locale)
            if not (folder / locale / "triage.yml").exists():
                unheard.append(locale)
        elif locale != SOURCE:
            missing.append(locale)
    if missing:
        do = "they are offered to nobody until somebody translates them"
        yield Finding(AREA, "Not translated", Mark.LOOK, ", ".join(missing), do)
    if unheard:
        do = "they are offered to nobody until locales/<language>/triage.yml is written"
        yield Finding(AREA, "No words of danger", Mark.LOOK, ", ".join(unheard), do)
    if settings.allow_drafts:
        do = "HAVN_ALLOW_DRAFTS=0 before real visitors write"
        yield Finding(AREA, "Drafts", Mark.LOOK, "served, with a notice", do)
    else:
        yield Finding(AREA, "Drafts", Mark.FINE, "not served")


def _locale(what: str, path: Path, locale: str) -> Finding:
    messages = [message for message in read_catalog(path, locale) if message.id]
    drafts = sum(is_draft(message) for message in messages)
    stale = sum(is_stale(message) for message in messages)
    empty = sum(not message.string for message in messages)
    found = f"{len(messages)} texts: {drafts} drafts, {stale} outdated, {empty} missing"
    if drafts or stale or empty:
        return Finding(AREA, what, Mark.LOOK, found, "have a native speaker review it")
    return Finding(AREA, what, Mark.FINE, found)
