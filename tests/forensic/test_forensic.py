"""The forensic test in a size for every change; ``python -m tests.forensic`` is the full one."""

import base64
import gzip
import json
import sqlite3
import struct
import unicodedata
import zlib
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.forensic.canaries import Canary, Field, Kind, Songbook, Stay
from tests.forensic.encodings import Encoding
from tests.forensic.report import Control, as_text, failures
from tests.forensic.run import MOMENTS, Plan, carry_out
from tests.forensic.search import Search

DATABASES = [False, pytest.param(True, marks=pytest.mark.postgres)]
# Two of each fate, on every channel.
SMALL = 6
SONGS = Songbook("seed")
WORDS, ID, PLACE = (SONGS.of(0, f) for f in (Field.TEXT, Field.CHAT_ID, Field.LATITUDE))
OLD_ID = Canary(0, "old id", Kind.NUMBER, Stay.KEPT, 3_735_928_559)
LONG_ID = Canary(0, "id of more than 32 bits", Kind.NUMBER, Stay.KEPT, 7_735_928_559)


@pytest.mark.parametrize("postgres", DATABASES)
def test_nothing_is_found_and_nothing_opens(*, postgres: bool) -> None:
    outcome = carry_out(Plan(SMALL, "DEBUG", postgres=postgres, kills=1))
    assert list(failures(outcome)) == [], as_text(outcome)
    assert [moment.name for moment in outcome.moments] == list(MOMENTS)
    assert [moment.alive for moment in outcome.moments] == [6, 4, 2, 0]
    assert outcome.copied > 10 * SMALL
    assert outcome.logged > SMALL


@pytest.mark.parametrize("postgres", DATABASES)
def test_where_nothing_is_sealed_it_is_found(*, postgres: bool) -> None:
    outcome = carry_out(Plan(SMALL, "DEBUG", postgres=postgres, sealed=False, briefly=True))
    control = Control.of(outcome)
    assert control.holds, as_text(outcome)


def written(text: str) -> dict[Encoding, list[bytes]]:
    """Write a text by other means than those of the search."""
    raw = text.encode()
    return {
        Encoding.UTF_8: [raw],
        Encoding.UTF_16_LE: [text.encode("utf-16-le")],
        Encoding.UTF_16_BE: [text.encode("utf-16-be")],
        Encoding.JSON: [json.dumps({"a": text}).encode()],
        Encoding.URL: [f"q={quote(text)}&b=1".encode()],
        Encoding.HEX: [raw.hex().encode(), raw.hex(" ").upper().replace(" ", "").encode()],
        Encoding.BASE64: [base64.b64encode(b"x" * n + raw + b"yz") for n in range(4)],
        Encoding.NFC: [unicodedata.normalize("NFC", text).encode()],
        Encoding.NFD: [unicodedata.normalize("NFD", text).encode()],
        Encoding.INFLATED: [zlib.compress(raw, level) for level in (1, 6, 9)]
        + [gzip.compress(b"before " + raw), zlib.compress(raw * 99)[:60]],
    }


@pytest.mark.parametrize(("encoding", "forms"), written(str(WORDS)).items())
def test_text_is_found_however_it_is_written(encoding: Encoding, forms: list[bytes]) -> None:
    search = Search([WORDS])
    for form in forms:
        for around in (b"", b"\0" * 500, b"noise" * 300_000):
            assert search.hits(around + form + around), (encoding, form)
    assert not search.hits(forms[0][:7] + b"nothing of it" * 99)


@pytest.mark.parametrize(
    ("canary", "forms"),
    [
        (ID, [struct.pack("<Q", ID.value), struct.pack(">q", ID.value), str(ID).encode()]),
        (OLD_ID, [struct.pack(f"{order}I", OLD_ID.value) for order in "<>"]),
        (PLACE, [struct.pack("<d", PLACE.value), struct.pack(">d", PLACE.value)]),
        (PLACE, [str(PLACE).encode()]),
    ],
)
def test_numbers_are_found_in_every_width_and_order(canary: Canary, forms: list[bytes]) -> None:
    search = Search([canary])
    for form in forms:
        assert search.hits(b"\0" * 999 + form + b"\0" * 999), form
    assert not search.hits(b"\0" * 999)


@pytest.mark.parametrize("canary", [ID, OLD_ID, LONG_ID])
def test_numbers_are_found_in_a_column_of_sqlite(canary: Canary, tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE visitor (chat INTEGER)")
        database.execute("INSERT INTO visitor VALUES (?)", (canary.value,))
    assert Search([canary]).hits(path.read_bytes())


def test_no_two_canaries_are_alike() -> None:
    values = [str(SONGS.of(number, field)) for number in range(50) for field in Field]
    assert len({*values}) == len(values)
    assert str(Songbook("other").of(0, Field.TEXT)) not in values


def test_a_file_from_before_is_not_searched_and_a_later_one_is(tmp_path: Path) -> None:
    from tests.forensic.places import Ground  # noqa: PLC0415 -- only this test looks for files

    old = tmp_path / "var" / "keys" / "old"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    since = old.stat().st_ctime_ns + 1
    new = old.with_name("new")
    while not new.exists() or new.stat().st_ctime_ns < since:
        new.write_text("new")
    assert Ground(tmp_path, since).places()["keys"] == [new]
