import io
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

from bot.bootstrap import make_renderer
from bot.deck_extractor import Extracted, extract
from bot.domain.errors import ConfigurationError
from bot.domain.facts import PLACEHOLDER
from bot.domain.messages import Channel, Reply
from bot.domain.wording import RUNTIME
from bot.i18n import Texts
from bot.i18n.texts import SOURCE, is_draft, is_stale, read_catalog
from bot.services.content import rules
from bot.settings import Settings
from tests.support.deck import ROOT, deck

LOCALES = ROOT / "locales"
SHIPPED = sorted(path.parts[-3] for path in LOCALES.glob("*/LC_MESSAGES/deck.po"))
Key = tuple[str, str]

# As docs/translating.md tells translators to call it.
EXTRACT = "extract -F locales/babel.toml --omit-header --add-location=file -o locales/deck.pot ."
UPDATE = "update -i locales/deck.pot -d locales -D deck --previous --ignore-pot-creation-date"

DECK = """
meta:
  limits: {button_label_characters: 24}
  audiences: {all: everybody, person: someone who writes}
  fixed_row:
    - {label: Hide, to: action_hide}
screens:
  utter_one:
    audience: all
    text: "  Hello.  "
    web: "Hello, web."
    terminal: "Hello, terminal."
    topic: Greeting
    notes: Say it softly.
    buttons:
      - {label: "(languages)", to: action_set_language}
      - {label: Danish, to: action_set_language, set: locale=da}
      - {label: Next, to: utter_two}
      - {label: "{option_1}", to: action_option}
  utter_two:
    audience: person
    text: "{one_fact} {other_fact}"
    buttons:
      - {label: Next, to: utter_one}
      - {label: Hide, to: action_hide}
words:
  open_now: open now
"""
FACTS = """
a_phone: {kind: phone, value: "+4500000000", meaning: a number}
a_note: {kind: sentence, value: "Call {a_phone}.", meaning: whom to call}
"""


def extracted(text: str) -> list[Extracted]:
    return list(extract(io.BytesIO(text.encode()), [], []))


def shipped() -> Iterator[Extracted]:
    for name in ("deck.yml", "facts.yml"):
        with (LOCALES / name).open("rb") as file:
            yield from extract(file, [], [])


def babel(command: str) -> None:
    CommandLineInterface().run(["pybabel", "--quiet", *command.split()])


# --- a small deck -------------------------------------------------------------------------------


def test_a_screen_comes_with_its_variants_and_what_translators_should_know() -> None:
    found = [
        (text, notes) for _, _, (where, text), notes in extracted(DECK) if where == "utter_one"
    ]

    own = ["For: everybody.", "Say it softly."]
    assert found == [
        ("  Hello.  ", own),  # as it is looked up
        ("Hello, web.", ["Text of the web chat.", *own]),
        ("Hello, terminal.", ["Text of the terminal.", *own]),
    ]


def test_a_label_comes_once_with_every_place_it_leads_to() -> None:
    found = [
        (text, notes[0]) for _, _, (where, text), notes in extracted(DECK) if where == "button"
    ]

    assert found == [
        ("Danish", "Leads to action_set_language; at most 24 characters."),
        ("Next", "Leads to utter_two, utter_one; at most 24 characters."),
        ("Hide", "Leads to action_hide; at most 24 characters."),
    ]


def test_topics_words_and_sentences_come_with_their_contexts() -> None:
    found = [key for _, _, key, _ in extracted(DECK)] + [key for _, _, key, _ in extracted(FACTS)]

    assert ("topic", "Greeting") in found
    assert ("word", "open now") in found
    assert ("fact:a_note", "Call {a_phone}.") in found
    assert not [where for where, _ in found if where in {"fact:a_phone", "utter_two"}]


def test_the_line_is_that_of_the_text() -> None:
    lines = DECK.splitlines()

    for line, _, (_, text), _ in extracted(DECK):
        assert text in lines[line - 1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a list",
        "screens: [1",
        "screens: {}",
        DECK.replace("audience: person", "audience: nobody"),
        DECK.replace('text: "  Hello.  "', "text: [Hello]"),
        "a_note: {kind: sentence, meaning: no value}",
    ],
)
def test_a_file_that_is_neither_deck_nor_facts_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot extract texts"):
        extracted(text)


# --- the shipped files --------------------------------------------------------------------------


class Asked(Texts):
    """Notes every text that is looked up."""

    def __init__(self) -> None:
        super().__init__({}, allow_drafts=True)
        self.keys: set[Key] = set()

    def get(self, context: str, source: str, locale: str) -> str:
        self.keys.add((context, source))
        return super().get(context, source, locale)


@cache
def looked_up() -> frozenset[Key]:
    """Render everything a visitor can be shown and return what was asked for on the way."""
    texts = Asked()
    renderer, _ = make_renderer(Settings(root=ROOT, allow_drafts=True))
    renderer.values._texts = texts
    renderer = rules.undated(renderer.deck, texts, renderer.values)
    for screen in deck().screens.values():
        values = dict(RUNTIME) | ({"option_1": screen.id} if screen.topic else {})
        for channel in Channel:
            renderer.render(Reply(screen.id, "da", values=values), channel)
        if screen.topic:
            renderer.render(Reply("utter_fallback_1", "da", values=values), Channel.WEB)
    for key in deck().words:
        renderer.values.word(key, "da", **RUNTIME)
    return frozenset(texts.keys)


def has_words(text: str) -> bool:
    return re.search(r"[^\W\d_]", PLACEHOLDER.sub("", text)) is not None


def test_every_text_that_is_looked_up_is_extracted() -> None:
    found = {key for _, _, key, _ in shipped()}
    asked = {(context, text) for context, text in looked_up() if has_words(text)}

    assert len(asked) > 600
    assert asked - found == set()


def test_what_is_extracted_is_looked_up_or_a_fact_in_reserve() -> None:
    asked = looked_up()

    unused = {key for _, _, key, _ in shipped() if key not in asked}
    assert {context.partition(":")[0] for context, _ in unused} <= {"fact"}


def test_a_label_is_extracted_once_and_the_list_of_languages_never() -> None:
    found = [key for _, _, key, _ in shipped()]

    labels = [text for context, text in found if context == "button"]
    assert len(labels) == len(set(labels))
    assert not [text for _, text in found if text.startswith("(languages")]


def test_every_text_says_whom_it_is_for() -> None:
    for line, _, (context, text), notes in shipped():
        assert line > 0
        assert all(note.strip() for note in notes), text
        assert notes, text
        if context in deck():
            assert any(note.startswith("For: ") for note in notes), text


def test_the_template_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when an English text changed: run the two commands of docs/translating.md."""
    monkeypatch.chdir(ROOT)
    made = tmp_path / "deck.pot"

    babel(EXTRACT.replace("locales/deck.pot", str(made)))

    assert made.read_text("utf-8") == (LOCALES / "deck.pot").read_text("utf-8")


def test_the_guide_names_the_commands_that_are_tested_here() -> None:
    guide = (ROOT / "docs" / "translating.md").read_text("utf-8")

    assert f"uv run pybabel {EXTRACT}" in guide
    assert f"uv run pybabel {UPDATE}" in guide


# --- what happens when the English changes ------------------------------------------------------


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what translators work on; the folder is the current one."""
    folder = tmp_path / "locales"
    folder.mkdir()
    for name in ("babel.toml", "deck.yml", "facts.yml", "deck.pot"):
        shutil.copy(LOCALES / name, folder)
    shutil.copytree(LOCALES / "da" / "LC_MESSAGES", folder / "da" / "LC_MESSAGES")
    monkeypatch.chdir(tmp_path)
    return folder


def catalog_path(words: Path, locale: str = "da") -> Path:
    return words / locale / "LC_MESSAGES" / "deck.po"


def change(words: Path, old: str, new: str) -> None:
    """Change an English text and bring the translations up to date."""
    path = words / "deck.yml"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    update()


def update() -> None:
    babel(EXTRACT)
    babel(UPDATE)


def approve(words: Path, context: str) -> None:
    """Take the fuzzy mark away, as an editor of .po files does."""
    path = catalog_path(words)
    entries = path.read_text("utf-8").split("\n\n")
    for number, entry in enumerate(entries):
        if f'msgctxt "{context}"' in entry:
            entries[number] = re.sub(r"(?m)^#, fuzzy$\n|(?<=^#, )fuzzy, ", "", entry)
    path.write_text("\n\n".join(entries), "utf-8")


def served(words: Path, context: str, source: str, *, drafts: bool) -> str:
    return Texts.load(words, allow_drafts=drafts).get(context, source, "da")


OLD = "What shall I delete?"
NEW = "What shall I delete now?"
MENU = "utter_hide_menu"


@pytest.mark.parametrize("locale", SHIPPED)
def test_an_update_without_a_change_leaves_the_file_as_it_is(words: Path, locale: str) -> None:
    if locale != "da":
        shutil.copytree(LOCALES / locale / "LC_MESSAGES", words / locale / "LC_MESSAGES")
    before = catalog_path(words, locale).read_text("utf-8")

    update()

    assert catalog_path(words, locale).read_text("utf-8") == before


def test_a_draft_stays_a_draft_when_other_texts_change(words: Path) -> None:
    before = {m.context: m for m in read_catalog(catalog_path(words), "da") if is_draft(m)}

    change(words, OLD, NEW)

    after = {m.context: m for m in read_catalog(catalog_path(words), "da") if is_draft(m)}
    assert before.keys() - after.keys() == {MENU}
    assert after["utter_thanks"].string == before["utter_thanks"].string


@pytest.mark.parametrize("updates", [1, 2, 3])
@pytest.mark.parametrize("approved", [True, False])
def test_a_text_whose_english_changed_is_never_served(
    words: Path, approved: bool, updates: int
) -> None:
    if approved:
        approve(words, MENU)
    assert served(words, MENU, OLD, drafts=True) != OLD

    change(words, OLD, NEW)
    for _ in range(updates - 1):
        update()

    [entry] = [m for m in read_catalog(catalog_path(words), "da") if m.context == MENU]
    assert entry.string  # the old words stay in the file, for the translator
    assert is_stale(entry)
    assert served(words, MENU, NEW, drafts=True) == NEW
    assert served(words, MENU, NEW, drafts=False) == NEW


def test_a_long_text_whose_english_changed_is_never_served(words: Path) -> None:
    """Babel wraps the old English over several lines, and again at the next update."""
    change(words, "If you can, call {emergency_phone} now.", "Please call {emergency_phone} now.")
    update()

    [entry] = [
        m for m in read_catalog(catalog_path(words), "da") if m.context == "utter_danger_now"
    ]
    assert is_stale(entry)
    assert served(words, entry.context or "", str(entry.id), drafts=True) == entry.id


def test_a_mended_text_is_served_again(words: Path) -> None:
    change(words, OLD, NEW)
    approve(words, MENU)

    assert served(words, MENU, NEW, drafts=False) not in {OLD, NEW}


def test_only_approved_texts_are_served_where_drafts_are_not(words: Path) -> None:
    assert Texts.load(words, allow_drafts=False).locales == (SOURCE,)

    approve(words, MENU)

    assert Texts.load(words, allow_drafts=False).locales == (SOURCE, "da")
    assert served(words, MENU, OLD, drafts=False) != OLD
    thanks = deck()["utter_thanks"].text
    assert served(words, "utter_thanks", thanks, drafts=False) == thanks
    assert served(words, "utter_thanks", thanks, drafts=True) != thanks


def test_a_new_language_begins_empty_and_is_not_served(words: Path) -> None:
    babel("init -i locales/deck.pot -d locales -D deck -l ro")

    with catalog_path(words, "ro").open("rb") as file:
        found = [message for message in read_po(file) if message.id]
    assert {(m.context, m.id) for m in found} == {key for _, _, key, _ in shipped()}
    assert not any(m.string for m in found)
    assert Texts.load(words, allow_drafts=True).locales == (SOURCE, "da")
