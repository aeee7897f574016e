"""What is published, written for git and read back: nothing is lost, and nothing else changes."""

import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot import deck_extractor
from bot.adapters import catalog
from bot.adapters.sealing import EphemeralKeys, Stamp
from bot.adapters.shipped_files import write_published
from bot.adapters.storage import SqlStore
from bot.domain.content import NOTHING, Bundle, screen, translation, word
from bot.domain.errors import ConfigurationError
from bot.i18n import Texts, exchange
from bot.i18n.gettext_files import write_translations
from bot.i18n.texts import Status
from bot.services.content import Served, Shipped, sources
from bot.services.content.exchange import Exchange, Outcome
from bot.settings import Settings
from tests.support import deck
from tests.support.content import CMM, HOURS, SUNDAYS, Newsroom, with_value
from tests.support.stores import laid

THANKS = "utter_thanks"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Newsroom]:
    store = await SqlStore.open(laid(tmp_path / "var"), EphemeralKeys(), Stamp.fresh())
    room = Newsroom(store, tmp_path)
    await room.watcher.look()
    yield room
    await store.close()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(deck.ROOT / "locales", tmp_path / "locales"))


def contents(folder: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def export(folder: Path, bundle: Bundle) -> None:
    write_published(folder, bundle)
    write_translations(folder, bundle, deck_extractor.extract)


def fresh(folder: Path) -> Served:
    """Return what is served from a folder without any bundle."""
    read = catalog.read(folder)
    texts = Texts.load(folder, allow_drafts=True)
    return Shipped(read.deck, read.registry, texts, Settings().said()).under(NOTHING)


def text(room: Newsroom, locale: str, context: str, says: str) -> tuple[Any, dict[str, str]]:
    served = room.desk.library.served
    source = next(s for c, s in sources(served) if c == context)
    value = {"context": context, "source": source, "text": says}
    return translation(locale, context, source), value


async def publish_much(room: Newsroom) -> None:
    """Publish a fact of each sort, an old and a new screen, a word, and translations of both."""
    await room.published(HOURS, SUNDAYS(room.live(HOURS)))
    await room.published(CMM, with_value(room.live(CMM), "+4570999999"))
    await room.published(*text(room, "da", "utter_goodbye", "Farvel: «pas på» dig # selv."))
    await room.published(*text(room, "th", THANKS, 'ขอบคุณ "มาก" {cmm_phone}'))
    old = room.live(screen(THANKS))
    await room.published(screen(THANKS), {**old, "text": "You are welcome.\nCall {cmm_phone}."})
    await room.published(*text(room, "ar", THANKS, "أهلا بك.\nاتصل على {cmm_phone}."))
    new = {
        "audience": "all",
        "text": "This is new: really # new.",
        "topic": "New",
        "buttons": [{"label": "Phone, again", "to": "utter_phone_numbers"}],
    }
    await room.published(screen("utter_new_one"), new)
    await room.published(*text(room, "pt_BR", "utter_new_one", "Isto é novo."))
    await room.published(word("closed"), {"text": "shut"})


def test_without_anything_published_no_byte_changes(copy: Path) -> None:
    before = contents(copy)
    export(copy, NOTHING)
    assert contents(copy) == before


async def test_the_round_trip_loses_nothing(room: Newsroom, copy: Path) -> None:
    await publish_much(room)
    bundle, served = room.desk.library.bundle, room.desk.library.served
    assert len(bundle.values) == 9
    export(copy, bundle)
    again = fresh(copy)
    assert again.deck == served.deck
    assert again.registry == served.registry
    assert again.texts.locales == served.texts.locales
    for context, source in sources(served):
        for locale in served.texts.locales:
            key = context, source, locale
            assert again.texts.get(*key) == served.texts.get(*key), key
            assert again.texts.status(*key) == served.texts.status(*key), key
    written = contents(copy)
    export(copy, bundle)
    assert contents(copy) == written
    for before, after in (("deck.yml", 12), ("facts.yml", 8)):
        old = (deck.ROOT / "locales" / before).read_text().splitlines()
        new = (copy / before).read_text().splitlines()
        assert len(set(new) - set(old)) <= after, "only what was published differs"


async def test_an_untouched_export_proposes_nothing(room: Newsroom, copy: Path) -> None:
    await publish_much(room)
    export(copy, room.desk.library.bundle)
    files = (content for path, content in contents(copy).items() if path.name == "deck.po")
    for locale, units in map(exchange.read, files):
        rows = await Exchange(room.desk).take(locale, units, room.editor.staff)
        assert [row for row in rows if row.outcome is not Outcome.UNCHANGED] == [], locale
    assert await room.desk.waiting() == []


async def test_an_approved_translation_is_no_draft_in_the_file(room: Newsroom, copy: Path) -> None:
    await publish_much(room)
    export(copy, room.desk.library.bundle)
    served = fresh(copy)
    source = served.deck["utter_goodbye"].text
    assert served.texts.status("utter_goodbye", source, "da") is Status.LIVE
    assert served.texts.status("utter_goodbye", source, "th") is Status.DRAFT


def test_a_file_with_anchors_is_refused(copy: Path) -> None:
    path = copy / "facts.yml"
    path.write_text("a: &x {kind: name}\nb: *x\n")
    with pytest.raises(ConfigurationError, match="two places"):
        write_published(copy, NOTHING)
