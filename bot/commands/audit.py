"""``havn audit``: hand over the key of the audit trail, and verify the trail."""

import binascii
import json
import sys
from base64 import b32decode, b32encode
from collections.abc import Mapping
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bot.adapters.clock import SystemClock
from bot.bootstrap import anchor_file, open_store
from bot.domain.audit import KEY_BYTES, Finding, Flaw, Report
from bot.domain.errors import ConfigurationError
from bot.services.staff import Trail
from bot.settings import Settings

_GROUP = 4
_WORDS: Mapping[Flaw, str] = {
    Flaw.CHANGED: "Entry {number} was changed.",
    Flaw.REMOVED: "Entries are missing from number {number} on.",
    Flaw.CUT: "The end was cut off: entries from number {number} on are gone.",
    Flaw.REWRITTEN: "Entry {number} differs from what was anchored.",
    Flaw.WRONG_KEY: (
        "The key does not fit entry {number}: the trail was written anew, or the key is another."
    ),
}


async def start(settings: Settings) -> None:
    """Print the key the trail begins with and erase it here; ConfigurationError the second time."""
    async with open_store(settings) as (store, sealer):
        key = await Trail(store, SystemClock(), sealer, anchor_file(settings)).hand_over_key()
    if key is None:
        raise ConfigurationError(
            "the key was handed over before: ask the auditor who keeps it; nobody can make it again"
        )
    click.echo(_written(key))
    click.echo(
        "Keep it where nobody who runs this machine can read it: on paper, or in a safe. "
        "havn audit verify asks for it.",
        err=True,
    )


async def verify(settings: Settings, key: str, *, as_json: bool, console: Console) -> None:
    """Check the whole trail; exit status 1 when something is wrong with it."""
    first = _read(key) if key.strip() else None
    async with open_store(settings) as (store, sealer):
        trail = Trail(store, SystemClock(), sealer, anchor_file(settings))
        columns = (TextColumn("Verifying the audit trail"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=await trail.length())
            report = await trail.verify(first, lambda done: bar.update(task, completed=done))
    if as_json:
        click.echo(json.dumps({"sound": report.sound, **asdict(report)}))
    else:
        _print(report)
    if not report.sound:
        sys.exit(1)


def _print(report: Report) -> None:
    for finding in report.findings:
        click.echo(_said(finding))
    if report.sound:
        compared = f"{report.entries} entries, {report.anchors} anchors compared"
        click.echo(f"The audit trail is whole: {compared}.")
    else:
        click.echo(
            "The audit trail is NOT whole. Keep this machine as it is; see docs/operator.md."
        )
    if not report.with_key:
        click.echo(
            "Only digests and anchors were compared: with --key-file the auditor's key proves it."
        )


def _said(finding: Finding) -> str:
    return _WORDS[finding.flaw].format(number=finding.number)


def _written(key: bytes) -> str:
    """Return a key as people can copy it by hand."""
    plain = b32encode(key).decode().rstrip("=")
    return " ".join(plain[i : i + _GROUP] for i in range(0, len(plain), _GROUP))


def _read(written: str) -> bytes:
    """Read a key that was copied; ConfigurationError when a letter is missing or wrong."""
    plain = "".join(written.split()).upper()
    try:
        key = b32decode(plain + "=" * (-len(plain) % 8))
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError("this is not a key: it has 52 letters and digits from A to 7")
    return key
