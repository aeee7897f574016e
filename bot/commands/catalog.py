"""``havn catalog``: what was published, written for git; translations from outside, proposed."""

from collections.abc import Sequence
from pathlib import Path

import click

from bot import deck_extractor
from bot.adapters.shipped_files import write_published
from bot.bootstrap import locales_folder, open_content
from bot.domain.errors import ConfigurationError
from bot.domain.staff import Staff
from bot.i18n import exchange
from bot.i18n.gettext_files import write_translations
from bot.ports import Store
from bot.services.content.exchange import Exchange, Outcome, Row
from bot.settings import Settings

_PER_LOCALE = "*/LC_MESSAGES/deck.po"


async def export(settings: Settings, out: Path | None) -> None:
    """Bring the files of a folder to what was published last."""
    folder = out or locales_folder(settings)
    if not (folder / "deck.yml").is_file():
        raise ConfigurationError(f"{folder} holds no deck.yml: name the folder locales of a clone")
    async with open_content(settings) as content:
        bundle = content.library.bundle
    write_published(folder, bundle)
    write_translations(folder, bundle, deck_extractor.extract)
    click.echo(f"{folder} says what was published last (number {bundle.number}).", err=True)


async def take(settings: Settings, files: Sequence[Path], alias: str) -> None:
    """Propose every changed translation of some files, or of every locale of a folder."""
    named = [path for file in files for path in (_files(file) if file.is_dir() else [file])]
    async with open_content(settings) as content:
        by = await _person(content.store, alias)
        for path in named:
            locale, units = exchange.read(_content(path))
            _report(path, await Exchange(content).take(locale, units, by))


def _report(path: Path, rows: Sequence[Row]) -> None:
    counts = (f"{sum(row.outcome is one for row in rows)} {one}" for one in Outcome)
    click.echo(f"{path}: {', '.join(counts)}")
    for row in rows:
        for why in row.why:
            click.echo(f"  {row.context}: {why.says}", err=True)


def _files(folder: Path) -> Sequence[Path]:
    return sorted(folder.glob(_PER_LOCALE))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error


async def _person(store: Store, alias: str) -> Staff:
    async with store.begin() as unit:
        account = await unit.staff.find(alias)
    if account is None or account.staff.disabled:
        raise ConfigurationError("nobody has this alias; havn staff list shows everybody")
    return account.staff
