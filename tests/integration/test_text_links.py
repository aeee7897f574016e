"""A link to one text: it works once, for its text only, and its maker cannot approve what comes."""

from pathlib import Path

import pytest

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import MemoryStore
from bot.domain.audit import AuditEvent
from bot.domain.content import State, fact, translation
from bot.domain.errors import (
    ChangedError,
    ContentError,
    FourEyesError,
    InvitationError,
    NotYoursError,
)
from bot.domain.staff import Role
from bot.services.content import NotGoodError
from bot.services.content.links import TextLinks
from tests.support import deck
from tests.support.content import Newsroom, person

SOURCE = deck.deck()["utter_goodbye"].text
ITEM = translation("da", "utter_goodbye", SOURCE)
WORDS = "Farvel. Pas på dig selv."


@pytest.fixture
async def room(tmp_path: Path) -> Newsroom:
    room = Newsroom(MemoryStore(EphemeralKeys()), tmp_path)
    async with room.store.begin() as unit:
        for account in (room.both, room.editor, room.translator):
            await unit.staff.add(account)
    return room


@pytest.fixture
def links(room: Newsroom) -> TextLinks:
    return TextLinks(EphemeralKeys(), room.desk)


async def test_it_works_once_and_its_maker_approves_nothing(
    room: Newsroom, links: TextLinks
) -> None:
    token = await links.make(ITEM, room.both.staff)
    assert (await links.open(token)).item == ITEM
    change = await links.send(token, WORDS)
    assert change.state is State.IN_REVIEW
    assert change.authors == {"both", "link-both"}
    with pytest.raises(FourEyesError, match="own"):
        await room.desk.approve(change.id, change.version, room.both)
    await room.desk.drop(change.id, change.version, room.both.staff)
    with pytest.raises(InvitationError, match="used"):
        await links.send(token, WORDS)


async def test_the_trail_tells_who_made_which_link_and_who_sent_by_it(
    room: Newsroom, links: TextLinks
) -> None:
    for _ in range(2):
        token = await links.make(ITEM, room.editor.staff)
    await links.send(token, WORDS)
    async with room.store.begin() as unit:
        found = [entry.happening for entry in await unit.audit.after(-1, 100)]
    made = [one for one in found if one.event is AuditEvent.TEXT_LINK_MADE]
    assert {one.actor for one in made} == {room.editor.staff.id}
    assert len({one.subject for one in made}) == 2
    assert [one.event for one in found][-3:] == [
        AuditEvent.TEXT_LINK_MADE,
        AuditEvent.TEXT_LINK_MADE,
        AuditEvent.TEXT_SUBMITTED,
    ]


async def test_a_text_that_breaks_a_rule_spends_nothing(room: Newsroom, links: TextLinks) -> None:
    token = await links.make(ITEM, room.editor.staff)
    for bad in ("", "{cmm_phone}", "<b>Farvel</b>", "x" * 10_000, "Farvel\u202e", "Ring 70202550"):
        with pytest.raises(NotGoodError):
            await links.send(token, bad)
    assert await links.send(token, WORDS)


async def test_nothing_is_overwritten_and_the_link_is_kept(
    room: Newsroom, links: TextLinks
) -> None:
    token = await links.make(ITEM, room.editor.staff)
    value = {"context": "utter_goodbye", "source": SOURCE, "text": "Hej hej."}
    change = await room.edit(ITEM, value)
    with pytest.raises(ChangedError):
        await links.send(token, WORDS)
    await room.desk.drop(change.id, change.version, room.editor.staff)
    assert await links.send(token, WORDS)


async def test_what_is_no_link(room: Newsroom, links: TextLinks) -> None:
    token = await links.make(ITEM, room.editor.staff)
    other = await TextLinks(EphemeralKeys(), room.desk).make(ITEM, room.editor.staff)
    for bad in ("", "x", token[:-4], "é", other, "A" * 5_000):
        with pytest.raises(InvitationError):
            await links.open(bad)
    room.wait(days=7, minutes=1)
    with pytest.raises(InvitationError):
        await links.send(token, WORDS)


async def test_who_may_make_one(room: Newsroom, links: TextLinks) -> None:
    with pytest.raises(NotYoursError):
        await links.make(ITEM, room.translator.staff)
    for item in (fact("cmm_phone"), translation("da", "utter_goodbye", "Never said")):
        with pytest.raises(ContentError):
            await links.make(item, room.editor.staff)
    stranger = person("gone", Role.EDITOR, now=room.clock.now())
    with pytest.raises(InvitationError):
        await links.open(await links.make(ITEM, stranger.staff))
