"""The poster: nothing on it tells whom it is for, and its code leads to the chat."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import segno

from bot.commands import poster
from bot.domain.errors import ConfigurationError
from bot.settings import Settings
from tests.support.deck import ROOT, words

SETTINGS = Settings(root=ROOT, allow_drafts=True)


def draw(locale: str, address: str = "https://t.me/havn_bot?start=da-p07") -> str:
    renderer, _ = words()
    return poster.draw(renderer, locale, address)


@pytest.mark.parametrize("locale", words()[0].texts.locales)
def test_every_language_has_a_whole_page_without_a_label(locale: str) -> None:
    page = ET.fromstring(draw(locale))
    said = " ".join("".join(one.itertext()) for one in page.iter()).casefold()
    renderer, _ = words()
    assert renderer.values.word("channel_short_description", locale).casefold()[:8] in said
    assert "traffick" not in said
    assert "menneskehandel" not in said


def test_arabic_runs_from_right_to_left_and_the_address_does_not() -> None:
    renderer, _ = words()
    page = poster.draw(renderer, "ar", "https://t.me/havn_bot?start=ar-p01")
    assert 'direction="rtl"' in page
    assert 'direction="ltr">t.me/havn_bot?start=ar-p01' in page


def test_a_long_headline_is_broken_and_made_to_fit() -> None:
    assert poster._lines("Free information in many languages.") == [
        "Free information in",
        "many languages.",
    ]
    assert poster._lines("ข้อมูลฟรีหลายภาษา") == ["ข้อมูลฟรีหลายภาษา"]


def test_the_code_holds_language_and_batch_and_nothing_personal() -> None:
    assert poster.link(SETTINGS, "ro", "havn_bot", "p07") == "https://t.me/havn_bot?start=ro-p07"
    web = replace(SETTINGS, web_chat_url="https://chat.example.org/")
    assert poster.link(web, "ro", "", "p01") == "https://chat.example.org/"


def test_the_drawn_code_is_the_code_of_the_address() -> None:
    address = "https://t.me/havn_bot?start=en-p01"
    own = segno.make(address, error="q", micro=False).svg_inline(border=4, omitsize=True)
    assert own in draw("en", address)


@pytest.mark.parametrize(
    ("bot", "batch", "says"),
    [
        ("", "p01", "HAVN_WEB_CHAT_URL"),
        ("@havn_bot", "p01", "--bot"),
        ("havn_bot", "P 1", "--batch"),
    ],
)
def test_what_leads_nowhere_is_refused(bot: str, batch: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        poster.link(SETTINGS, "en", bot, batch)


def test_it_is_written_and_a_language_without_texts_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "poster.svg"
    poster.poster(SETTINGS, locale="da", bot="havn_bot", batch="p01", out=out)
    assert out.read_text(encoding="utf-8").startswith("<svg")
    with pytest.raises(ConfigurationError, match="no texts in xx"):
        poster.poster(SETTINGS, locale="xx", bot="havn_bot", batch="p01", out=out)
