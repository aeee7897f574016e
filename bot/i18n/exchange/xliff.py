"""Units as XLIFF 1.2 (OASIS, 2008), which the tools of translation agencies take.

A placeholder is a ``<ph>``, so that these tools protect it.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import (
    Element,
    ParseError,
    SubElement,
    fromstring,
    indent,
    tostring,
)
from xml.parsers import expat

from bot.domain.content import translation
from bot.domain.errors import ContentError
from bot.domain.facts import PLACEHOLDER
from bot.i18n.exchange.units import Unit, locale_named
from bot.i18n.texts import SOURCE, Status

_SPACE = "urn:oasis:names:tc:xliff:document:1.2"
_STATES = {
    Status.LIVE: "final",
    Status.DRAFT: "needs-review-translation",
    Status.STALE: "needs-adaptation",
    Status.MISSING: "needs-translation",
}
_PRESERVE = "{http://www.w3.org/XML/1998/namespace}space"
# Deeper than any tool nests what it adds to a text, and than any file is.
_DEEPEST = 5
_DEEPEST_FILE = 20


def write_xliff(units: list[Unit], locale: str) -> bytes:
    """Return the units as an XLIFF file."""
    root = Element("xliff", {"version": "1.2", "xmlns": _SPACE})
    names = {"source-language": SOURCE, "target-language": locale.replace("_", "-")}
    file = SubElement(root, "file", {"original": "havn", "datatype": "plaintext", **names})
    body = SubElement(file, "body")
    indent(root)
    for unit in units:
        _write_unit(body, unit, locale)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'.encode()
    )


def _write_unit(body: Element, unit: Unit, locale: str) -> None:
    limit = {"maxwidth": str(unit.longest), "size-unit": "char"} if unit.longest else {}
    approved = {"approved": "yes"} if unit.status is Status.LIVE else {}
    names = {"id": translation(locale, unit.context, unit.source).key, "resname": unit.context}
    one = SubElement(body, "trans-unit", {**names, _PRESERVE: "preserve", **limit, **approved})
    _write_text(SubElement(one, "source"), unit.source)
    _write_text(SubElement(one, "target", {"state": _STATES[unit.status]}), unit.text)
    if unit.note:
        SubElement(one, "note").text = unit.note
    one.tail = "\n"


def _write_text(parent: Element, text: str) -> None:
    """Write a text with its placeholders as elements."""
    # Every second part is the name of a placeholder, because the pattern has one group.
    parent.text, *rest = PLACEHOLDER.split(text)
    for name, after in zip(rest[::2], rest[1::2], strict=True):
        mark = SubElement(parent, "ph", {"id": name})
        mark.text, mark.tail = f"{{{name}}}", after


def read_xliff(text: str) -> tuple[str, list[Unit]]:
    """Return the locale and the units of an XLIFF file; ContentError says what is wrong."""
    root = _parsed(text)
    if root.tag != f"{{{_SPACE}}}xliff" or root.get("version") != "1.2":
        raise ContentError("the file is XML, but not XLIFF 1.2")
    files = root.findall(f"{{{_SPACE}}}file")
    locales = {locale_named(file.get("target-language", "")) for file in files}
    if len(locales) != 1:
        raise ContentError("the file does not say which of our languages it is in")
    found = root.iter(f"{{{_SPACE}}}trans-unit")
    return locales.pop(), [_read_unit(one) for one in found]


def _parsed(text: str) -> Element:
    """Parse a file; ContentError for a DTD, without which nothing can be expanded or fetched."""
    # An encoding that the file names has no say: it is text already.
    plain = _without_declaration(text)
    try:
        _refuse_tricks(plain)
        return fromstring(plain)  # noqa: S314 -- it has no DTD, so no entity of its own
    except ContentError:
        raise
    except (ParseError, expat.ExpatError, ValueError):
        raise ContentError("the file cannot be read as XML") from None


def _refuse_tricks(text: str) -> None:
    depth = 0

    def dtd(*_: object) -> None:
        raise ContentError("the file holds a DTD, which no XLIFF file needs")

    def down(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST_FILE:
            raise ContentError("the elements of the file are nested too deep")

    def up(*_: object) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = dtd
    parser.StartElementHandler = down
    parser.EndElementHandler = up
    parser.Parse(text.encode(), True)


def _without_declaration(text: str) -> str:
    text = text.lstrip()
    return text.partition("?>")[2] if text.startswith("<?xml") else text


def _read_unit(one: Element) -> Unit:
    source, target = one.find(f"{{{_SPACE}}}source"), one.find(f"{{{_SPACE}}}target")
    if source is None:
        raise ContentError("a text of the file has no English")
    state = "" if target is None else target.get("state", "translated")
    return Unit(
        context=one.get("id", "").rpartition(".")[0],
        source=_plain(source),
        text="" if target is None else _plain(target),
        confirmed=not state.startswith(("needs-", "new")),
    )


def _plain(parent: Element) -> str:
    return "".join(_pieces(parent))


def _pieces(parent: Element, depth: int = 0) -> Iterator[str]:
    """Yield a text with its placeholders; any other element as markup, which a rule refuses."""
    if depth > _DEEPEST:
        raise ContentError("a text of the file holds too many elements")
    yield parent.text or ""
    for child in parent:
        name = str(child.tag).removeprefix(f"{{{_SPACE}}}")
        if name in ("ph", "x"):
            yield f"{{{child.get('id', '')}}}"
        elif name == "mrk":  # what tools put around sentences
            yield from _pieces(child, depth + 1)
        else:
            yield "<b>"
            yield from _pieces(child, depth + 1)
        yield child.tail or ""
