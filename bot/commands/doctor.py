"""``havn doctor``: what is set, what is missing, and what to do about it. It changes nothing."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from itertools import groupby

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.commands.examination import (
    Finding,
    Mark,
    channels,
    content,
    machine,
    nlu,
    staff,
    storage,
    translator,
    words,
)
from bot.settings import PREFIX, Settings

_SIGNS: Mapping[Mark, tuple[str, str]] = {
    Mark.FINE: ("✓", "green"),
    Mark.LOOK: ("!", "yellow"),
    Mark.UNKNOWN: ("?", "yellow"),
    Mark.STOP: ("✗", "bold red"),
}
_SET, _NOT_SET = "set", "not set"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it stands; of a secret only whether it is set."""

    name: str
    value: str
    changed: bool


async def doctor(settings: Settings, *, as_json: bool, console: Console | None = None) -> None:
    """Look at everything and print it; exit status 1 when something keeps Havn from running."""
    findings = await examine(settings)
    listed = list_settings(settings)
    runs = all(finding.mark is not Mark.STOP for finding in findings)
    if as_json:
        report = {
            "runs": runs,
            "findings": [asdict(finding) for finding in findings],
            "settings": [asdict(setting) for setting in listed],
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _show(console or Console(), findings, listed)
    if not runs:
        sys.exit(1)


async def examine(settings: Settings, today: date | None = None) -> Sequence[Finding]:
    """Return everything that was found, part by part."""
    today = today or date.today()  # noqa: DTZ011 -- review dates are days
    findings = list(machine.examine(settings))
    findings += [finding async for finding in storage.examine(settings)]
    findings += [finding async for finding in staff.examine(settings)]
    findings += [finding async for finding in channels.examine(settings)]
    findings += words.examine(settings, today)
    findings += content.examine(settings)
    findings += [finding async for finding in nlu.examine(settings)]
    findings += [finding async for finding in translator.examine(settings)]
    return findings


def list_settings(settings: Settings) -> Sequence[Setting]:
    """Return every setting by its name in the environment; what the repr hides is a secret."""
    listed = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        shown = str(value) if value not in ("", None) else _NOT_SET
        if not field.repr:
            shown = _SET if value else _NOT_SET
        name = f"{PREFIX}{field.name.upper()}"
        listed.append(Setting(name, shown, changed=value != field.default))
    return listed


# --- on the terminal --------------------------------------------------------------------------


def _show(console: Console, findings: Sequence[Finding], listed: Sequence[Setting]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 1))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column()
    for area, members in groupby(findings, key=lambda finding: finding.area):
        table.add_row("", Text(area, "bold"), "")
        for finding in members:
            sign, style = _SIGNS[finding.mark]
            table.add_row(Text(sign, style), finding.what, _words(finding))
        table.add_row()
    console.print(table)
    console.print(_settings_table(listed))
    console.print(_verdict(findings))


def _words(finding: Finding) -> Text:
    """Return what was found and, on a line of its own, what to do."""
    shown = Text(finding.found)
    if finding.do:
        shown.append(f"\n→ {finding.do}", "dim")
    return shown


def _settings_table(listed: Sequence[Setting]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 1))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row("", Text("Settings", "bold"), Text("• differs from the default", "dim"))
    for setting in listed:
        mark = Text("•", "cyan") if setting.changed else Text("")
        table.add_row(mark, setting.name, Text(setting.value))
    return table


def _verdict(findings: Sequence[Finding]) -> Text:
    stops = sum(finding.mark is Mark.STOP for finding in findings)
    looks = sum(finding.mark in (Mark.LOOK, Mark.UNKNOWN) for finding in findings)
    if stops:
        return Text(f"\nHavn cannot run here yet: {stops} to mend (✗).", "bold red")
    if looks:
        says = f"\nHavn runs here. {looks} to settle before real visitors write (! and ?)."
        return Text(says, "bold")
    return Text("\nHavn runs here, and nothing is left to settle.", "bold green")
