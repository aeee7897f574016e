"""Translations as agencies and their tools take them: .po and XLIFF 1.2, out and in."""

from bot.domain.errors import ContentError
from bot.i18n.exchange.po import read_units, write_units
from bot.i18n.exchange.units import LARGEST_FILE, MOST_UNITS, Form, Unit
from bot.i18n.exchange.xliff import read_xliff, write_xliff


def write(form: Form, units: list[Unit], locale: str) -> bytes:
    """Return a file with some units."""
    return write_units(units, locale) if form is Form.PO else write_xliff(units, locale)


def read(content: bytes) -> tuple[str, list[Unit]]:
    """Return the locale and the units of a file; ContentError says what is wrong with it."""
    if len(content) > LARGEST_FILE:
        raise ContentError("the file is larger than 2 MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContentError("the file is not text in UTF-8: save it as a .po or .xlf file") from None
    if "\0" in text:
        raise ContentError("the file is not text: save it as a .po or .xlf file")
    if text.lstrip().startswith("<"):
        return _few(read_xliff(text))
    if "msgid" in text:
        return _few(read_units(text))
    raise ContentError("the file is neither .po nor XLIFF")


def _few(found: tuple[str, list[Unit]]) -> tuple[str, list[Unit]]:
    if len(found[1]) > MOST_UNITS:
        raise ContentError("the file holds more texts than there are")
    return found


__all__ = ["LARGEST_FILE", "Form", "Unit", "read", "write"]
