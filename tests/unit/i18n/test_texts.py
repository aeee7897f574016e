from pathlib import Path

import pytest

from bot.domain.errors import TranslationError
from bot.i18n import Texts
from bot.i18n.texts import is_draft, is_stale, read_catalog

APPROVED = """
msgctxt "word"
msgid "Menu"
msgstr "Menu!"
"""
DRAFT = """
#, fuzzy, python-brace-format
msgctxt "utter_thanks"
msgid "Thank you, {bot_name}."
msgstr "Tak, {bot_name}."
"""
STALE = """
#, fuzzy
#| msgid "Stay"
msgctxt "button"
msgid "Go"
msgstr "Bliv"
"""
# The same after Babel wrote the file again.
STALE_TWICE = STALE.replace("#| msgid", "# | msgid")
# The forms in which GNU gettext writes it: with the old context, and over several lines.
STALE_WITH_CONTEXT = STALE.replace("#| msgid", '#| msgctxt "button"\n#| msgid')
STALE_OVER_LINES = STALE.replace('#| msgid "Stay"', '#| msgid ""\n#| "Stay here "\n#| "now"')
MENDED = STALE.replace("#, fuzzy\n", "")
EMPTY = """
msgctxt "button"
msgid "Yes"
msgstr ""
"""


def texts(folder: Path, *entries: str, locale: str = "da", drafts: bool = True) -> Texts:
    path = folder / locale / "LC_MESSAGES" / "deck.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'
    path.write_text(header + "".join(entries), "utf-8")
    return Texts.load(folder, allow_drafts=drafts)


def test_an_approved_text_is_served_whether_drafts_are_allowed_or_not(tmp_path: Path) -> None:
    for drafts in (True, False):
        found = texts(tmp_path, APPROVED, drafts=drafts)
        assert found.get("word", "Menu", "da") == "Menu!"


def test_a_draft_is_served_only_where_drafts_are_allowed(tmp_path: Path) -> None:
    source = "Thank you, {bot_name}."

    assert texts(tmp_path, DRAFT).get("utter_thanks", source, "da") == "Tak, {bot_name}."
    assert texts(tmp_path, DRAFT, drafts=False).get("utter_thanks", source, "da") == source


@pytest.mark.parametrize(
    "entry",
    [STALE, STALE_TWICE, STALE_WITH_CONTEXT, STALE_OVER_LINES],
    ids=["once", "twice", "with context", "over lines"],
)
def test_a_stale_text_is_never_served(tmp_path: Path, entry: str) -> None:
    found = texts(tmp_path, entry)

    assert found.get("button", "Go", "da") == "Go"
    assert found.locales == ("en",)
    assert found.drafts == frozenset()


def test_a_text_without_the_mark_is_approved_even_if_the_old_english_still_stands_there(
    tmp_path: Path,
) -> None:
    assert texts(tmp_path, MENDED, drafts=False).get("button", "Go", "da") == "Bliv"


def test_the_context_decides(tmp_path: Path) -> None:
    found = texts(tmp_path, APPROVED)

    assert found.get("button", "Menu", "da") == "Menu"
    assert found.get("word", "menu", "da") == "menu"


def test_english_answers_for_what_is_missing(tmp_path: Path) -> None:
    found = texts(tmp_path, APPROVED, EMPTY)

    assert found.get("button", "Yes", "da") == "Yes"
    assert found.get("word", "Menu", "th") == "Menu"
    assert found.get("word", "Menu", "en") == "Menu"
    assert found.get("word", "", "da") == ""


def test_the_languages_are_those_that_can_be_served(tmp_path: Path) -> None:
    texts(tmp_path, DRAFT, locale="da")
    texts(tmp_path, APPROVED, locale="ro")
    texts(tmp_path, EMPTY, locale="th")

    assert Texts.load(tmp_path, allow_drafts=True).locales == ("en", "da", "ro")
    assert Texts.load(tmp_path, allow_drafts=False).locales == ("en", "ro")
    assert Texts.load(tmp_path, allow_drafts=True).drafts == {"da"}
    assert Texts.load(tmp_path, allow_drafts=False).drafts == frozenset()


def test_draft_and_stale_exclude_each_other(tmp_path: Path) -> None:
    texts(tmp_path, APPROVED, DRAFT, STALE)
    found = read_catalog(tmp_path / "da" / "LC_MESSAGES" / "deck.po", "da")

    states = {str(m.id): (is_draft(m), is_stale(m)) for m in found if m.id}
    assert states == {
        "Menu": (False, False),
        "Thank you, {bot_name}.": (True, False),
        "Go": (False, True),
    }


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "deck.po"
    path.write_text("msgid this is no .po file", "utf-8")

    with pytest.raises(TranslationError, match=r"deck\.po"):
        read_catalog(path, "da")
    with pytest.raises(TranslationError, match=r"nothing\.po"):
        read_catalog(tmp_path / "nothing.po", "da")
