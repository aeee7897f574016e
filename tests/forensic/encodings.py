"""How a canary may be written on a disk: twelve ways. Inflating is the search's own part."""

import base64
import enum
import json
import struct
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

from tests.forensic.canaries import Canary, Kind


class Encoding(enum.StrEnum):
    """The ways."""

    UTF_8 = "UTF-8"
    UTF_16_LE = "UTF-16 LE"
    UTF_16_BE = "UTF-16 BE"
    JSON = "JSON escapes"
    URL = "URL-encoding"
    HEX = "hexadecimal"
    BASE64 = "base64, three offsets"
    DECIMAL = "decimal id"
    INTEGER = "4-, 6- and 8-byte integer or double"
    NFC = "NFC"
    NFD = "NFD"
    INFLATED = "zlib or gzip, inflated"


Needle = tuple[Encoding, bytes]


def needles(canary: Canary) -> Iterator[Needle]:
    """Yield every form of a canary; a form may come twice."""
    if canary.kind is Kind.NUMBER:
        yield from _of_number(int(canary.value))
    elif canary.kind is Kind.PLACE:
        for order in "<>":
            yield Encoding.INTEGER, struct.pack(f"{order}d", canary.value)
    written = str(canary)
    first = Encoding.DECIMAL if canary.kind is Kind.NUMBER else Encoding.UTF_8
    yield from _of_text(written, first)
    if written.isascii():
        return
    # What comes before the accent betrays forms nobody thought of, and texts that were cut.
    core = written[: next(i for i, letter in enumerate(written) if not letter.isascii())]
    yield from _of_text(core, first)
    yield Encoding.NFC, unicodedata.normalize("NFC", written).encode()
    yield from _of_text(unicodedata.normalize("NFD", written), Encoding.NFD)


def _of_number(number: int) -> Iterator[Needle]:
    sizes = "IQ" if number < 1 << 32 else "Q"
    for size in sizes:
        for order in "<>":
            yield Encoding.INTEGER, struct.pack(order + size, number)
    # What 4 bytes do not hold SQLite writes in 6 (sqlite.org/fileformat2.html, Record Format).
    yield Encoding.INTEGER, number.to_bytes(6, "big")


def _of_text(text: str, first: Encoding) -> Iterator[Needle]:
    raw = text.encode()
    yield first, raw
    yield Encoding.UTF_16_LE, text.encode("utf-16-le")
    yield Encoding.UTF_16_BE, text.encode("utf-16-be")
    yield Encoding.JSON, json.dumps(text)[1:-1].encode()
    yield Encoding.JSON, "".join(f"\\u{ord(letter):04x}" for letter in text).encode()
    for quoted in (quote(text), "".join(f"%{byte:02X}" for byte in raw)):
        yield Encoding.URL, quoted.encode()
        yield Encoding.URL, quoted.lower().encode()
    yield Encoding.HEX, raw.hex().encode()
    yield Encoding.HEX, raw.hex().upper().encode()
    for offset in range(3):
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            yield Encoding.BASE64, _inner(alphabet(b"\0" * offset + raw), offset, len(raw))


def _inner(encoded: bytes, offset: int, length: int) -> bytes:
    """Cut the characters that depend on what stands before and after."""
    first = -(-offset * 8 // 6)
    last = (offset + length) * 8 // 6
    return encoded[first:last]
