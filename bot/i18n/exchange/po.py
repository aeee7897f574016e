"""Units as a .po file, for Poedit, Weblate and every other tool that knows gettext."""

import io
import re

from babel.core import UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po, write_po

from bot.domain.errors import ContentError
from bot.i18n.exchange.units import Unit, locale_named
from bot.i18n.texts import Status, is_stale

_PROJECT = "Havn"
# What a rule for plurals may be made of; no text here has one, and nothing is ever computed.
_PLURALS = re.compile(r"nplurals=\d;\s*plural=[n\d\s()!=<>%&|?:+*-]{1,200};?")
_HEADERS = re.compile(r'^"?([A-Za-z-]+): *(.*?)(?:\\n)?"?$', re.MULTILINE)


def write_units(units: list[Unit], locale: str) -> bytes:
    """Return the units as a .po file; what is not live is marked fuzzy."""
    catalog = Catalog(locale=locale, project=_PROJECT, version="1", fuzzy=False)
    for unit in units:
        limit = [f"At most {unit.longest} characters."] if unit.longest else []
        catalog.add(
            unit.source,
            unit.text,
            flags=("fuzzy",) if unit.text and unit.status is not Status.LIVE else (),
            auto_comments=[*filter(None, [unit.note]), *limit],
            context=unit.context,
        )
    file = io.BytesIO()
    write_po(file, catalog, width=0)
    return file.getvalue()


def read_units(text: str) -> tuple[str, list[Unit]]:
    """Return the locale and the units of a .po file; ContentError says what is wrong with it."""
    _check_headers(text)
    try:
        catalog = read_po(io.StringIO(text), abort_invalid=True)
    except (PoFileError, UnknownLocaleError, ValueError, LookupError, AttributeError):
        raise ContentError("the file cannot be read as a .po file") from None
    locale = locale_named(str(catalog.locale_identifier or ""))
    units = []
    for message in catalog:
        if not message.id:
            continue
        if not isinstance(message.id, str) or not isinstance(message.string, str):
            raise ContentError("the file has texts with plural forms, which Havn has not")
        # A stale text is one of an older English: nobody translated the new one yet.
        text = "" if is_stale(message) else message.string
        unit = Unit(message.context or "", message.id, text, confirmed=not message.fuzzy)
        units.append(unit)
    return locale, units


def _check_headers(text: str) -> None:
    """Refuse headers that no honest tool writes."""
    head = text.partition("\n\n")[0]
    for name, value in _HEADERS.findall(head):
        if name.lower() == "plural-forms" and not _PLURALS.fullmatch(value):
            raise ContentError("the header of the file holds what does not belong there")
        if name.lower() == "content-type" and "utf-8" not in value.lower():
            raise ContentError("the file says that it is not in UTF-8")
