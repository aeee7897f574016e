"""The console's words: extracted, translated, and chosen by person or browser."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.i18n import Texts
from bot.web.words import Words, moment

ROOT = Path(__file__).parents[3]
LOCALES = ROOT / "locales"


@pytest.fixture
def words() -> Words:
    return Words(Texts.load(LOCALES, allow_drafts=True, domain="console"))


def test_the_catalog_holds_what_the_templates_say(tmp_path: Path) -> None:
    made = tmp_path / "console.pot"
    command = f"-q extract -F locales/console.toml --omit-header --add-location=file -o {made} ."
    babel = [sys.executable, "-m", "babel.messages.frontend", *command.split()]
    subprocess.run(babel, cwd=ROOT, check=True, capture_output=True)
    assert made.read_text("utf-8") == (LOCALES / "console.pot").read_text("utf-8")


def test_danish_is_complete_and_keeps_the_placeholders() -> None:
    def sources(path: Path) -> dict[str, str]:
        with path.open("rb") as file:
            return {str(m.id): str(m.string) for m in read_po(file, locale="da") if m.id}

    danish = sources(LOCALES / "da" / "LC_MESSAGES" / "console.po")
    assert danish.keys() == sources(LOCALES / "console.pot").keys()
    for source, text in danish.items():
        assert text, source
        assert set(re.findall(r"{\w+}", source)) == set(re.findall(r"{\w+}", text)), source


@pytest.mark.parametrize(
    ("own", "accepted", "locale"),
    [
        ("", "", "en"),
        ("", "da-DK,da;q=0.9,en;q=0.8", "da"),
        ("", "nb", "da"),
        ("", "xx, th;q=0.1", "en"),
        ("en", "da", "en"),
        ("da", "en", "da"),
        ("xx", "da", "da"),
        ("", ";;,,=\x00", "en"),
    ],
)
def test_the_language(words: Words, own: str, accepted: str, locale: str) -> None:
    assert words.choose(own, accepted) == locale


def test_drafts_are_served_only_where_the_operator_allows_them() -> None:
    assert Words(Texts.load(LOCALES, allow_drafts=False, domain="console")).choose("da", "") == "en"


def test_values_are_filled_in_after_translating(words: Words) -> None:
    assert words.say("da")("Welcome, {alias}", alias="{x}") == "Velkommen, {x}"


def test_times_are_those_of_denmark() -> None:
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert moment(at, "en") == "2 Jul 2026, 00:30:00"
    assert moment(at, "da") == "2. jul. 2026 00.30.00"
