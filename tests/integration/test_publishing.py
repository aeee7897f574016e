"""From an editor's form to what every channel says, with two people and a signer between."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from bot.adapters.sealing import EphemeralKeys, Stamp
from bot.adapters.storage import SqlStore
from bot.domain.content import Change, ChangeId, State, fact, screen, translation, word
from bot.domain.errors import ChangedError, ContentError, FourEyesError, NotYoursError
from bot.domain.messages import Channel
from bot.domain.staff import Role
from bot.i18n.values import phone
from bot.services.content import NotGoodError, Seen
from tests.support import deck
from tests.support.content import CMM, HOURS, SUNDAYS, Newsroom, library, person, with_value
from tests.support.stores import laid
from tests.support.webchat_door import MemoryDoor, make_app

OTHER = "+4570999999"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Newsroom]:
    store = await SqlStore.open(laid(tmp_path / "var"), EphemeralKeys(), Stamp.fresh())
    room = Newsroom(store, tmp_path)
    await room.watcher.look()
    yield room
    await store.close()


async def test_new_hours_are_live_in_every_locale_within_a_round(room: Newsroom) -> None:
    screens = [s for s in deck.deck().screens if "{chat_hours}" in deck.deck()[s].text]
    assert screens
    await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    assert await room.publisher.publish_due() == 1
    assert await room.watcher.look()
    for locale in room.renderer.texts.locales:
        for channel in Channel:
            if "{chat_hours}" in deck.deck()[screens[0]].source(channel):
                assert "09:15" in room.says(screens[0], locale, channel).replace("٠٩:١٥", "09:15")
    async with room.store.begin() as unit:
        (serving,) = await unit.contents.servings(room.clock.now() - timedelta(minutes=1))
    assert (serving.number, dict(serving.wrong)) == (1, {})
    assert {locale for _, locale in serving.asked} == set(room.renderer.texts.locales)


async def test_a_phone_number_waits_by_both_clocks(room: Newsroom) -> None:
    await room.approved(CMM, with_value(room.live(CMM), OTHER))
    assert await room.publisher.publish_due() == 0
    room.clock.turn(hours=3)  # somebody set the clock
    assert await room.publisher.publish_due() == 0
    room.ticks += 14 * 60
    assert await room.publisher.publish_due() == 0
    room.ticks += 60
    assert await room.publisher.publish_due() == 1
    await room.watcher.look()
    assert "70\u00a099\u00a099\u00a099" in room.says("utter_phone_numbers", "th")


async def test_a_clock_that_ran_back_publishes_nothing(room: Newsroom) -> None:
    await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    room.clock.turn(days=-1)
    assert await room.publisher.publish_due() == 0


async def test_any_publisher_can_stop_it_while_it_waits(room: Newsroom) -> None:
    change = await room.approved(CMM, with_value(room.live(CMM), OTHER))
    await room.desk.send_back(change.id, change.version, room.both.staff, "who checked this?")
    room.wait(hours=1)
    assert await room.publisher.publish_due() == 0
    async with room.store.begin() as unit:
        (remark,) = await unit.contents.remarks(CMM)
    assert (remark.by, remark.text) == ("both", "who checked this?")


# --- nobody alone -----------------------------------------------------------------------------


async def test_nobody_approves_their_own_words(room: Newsroom) -> None:
    change = await room.submitted(CMM, with_value(room.live(CMM), OTHER), room.both)
    with pytest.raises(FourEyesError, match="own"):
        await room.desk.approve(change.id, change.version, room.both)


async def test_nobody_approves_what_they_wrote_a_part_of(room: Newsroom) -> None:
    await room.edit(CMM, with_value(room.live(CMM), OTHER), room.both)
    change = await room.submitted(CMM, with_value(room.live(CMM), "+4570888888"), room.editor)
    with pytest.raises(FourEyesError):
        await room.desk.approve(change.id, change.version, room.both)


async def test_an_account_of_today_approves_no_number(room: Newsroom) -> None:
    change = await room.submitted(CMM, with_value(room.live(CMM), OTHER))
    now = room.clock.now()
    fresh = person("second-face", Role.PUBLISHER, now=now + timedelta(days=399, hours=23))
    with pytest.raises(FourEyesError, match="new"):
        await room.desk.approve(change.id, change.version, fresh)
    # Neither does an old account that was reset today: whoever holds the link is its owner.
    old = room.publisher_account
    key = replace(old.factors.passkeys[0], added_at=now - timedelta(hours=1))
    reset = replace(old, factors=replace(old.factors, passkeys=(key,)))
    with pytest.raises(FourEyesError, match="new"):
        await room.desk.approve(change.id, change.version, reset)


async def test_only_roles_that_may(room: Newsroom) -> None:
    change = await room.submitted(CMM, with_value(room.live(CMM), OTHER))
    for nobody in (room.editor, room.translator, person("r", Role.RESPONDER, now=room.clock.now())):
        with pytest.raises(NotYoursError):
            await room.desk.approve(change.id, change.version, nobody)
    with pytest.raises(NotYoursError):
        await room.desk.go_back(0, room.editor.staff)
    with pytest.raises(NotYoursError):
        await room.edit(HOURS, SUNDAYS(room.live(HOURS)), room.publisher_account)


async def test_a_translator_writes_their_own_language_only(room: Newsroom) -> None:
    source = deck.deck()["utter_main_menu"].text
    for locale, refused in (("th", False), ("ro", True)):
        item = translation(locale, "utter_main_menu", source)
        text = room.renderer.texts.draft("utter_main_menu", source, locale)
        value = {"context": "utter_main_menu", "source": source, "text": text}
        if refused:
            with pytest.raises(NotYoursError):
                await room.edit(item, value, room.translator)
        else:
            assert (await room.edit(item, value, room.translator)).state is State.DRAFT


async def test_a_row_that_somebody_wrote_into_the_database_is_not_there(room: Newsroom) -> None:
    change = await room.submitted(CMM, with_value(room.live(CMM), OTHER))
    forged = replace(
        change,
        state=State.APPROVED,
        approved_by=room.publisher_account.staff.id,
        approved_at=room.clock.now() - timedelta(days=1),
    )
    honest = room.store._stamps  # type: ignore[attr-defined]
    room.store._stamps = Stamp.fresh()  # type: ignore[attr-defined]
    async with room.store.begin() as unit:
        await unit.contents.save(forged)
    room.store._stamps = honest  # type: ignore[attr-defined]
    room.wait(hours=1)
    assert await room.publisher.publish_due() == 0
    async with room.store.begin() as unit:
        assert await unit.contents.get(change.id) is None
        assert await unit.contents.damaged() == 1


# --- nothing is overwritten -------------------------------------------------------------------


async def test_two_editors_at_once(room: Newsroom) -> None:
    seen = await room.seen(HOURS)
    value = SUNDAYS(room.live(HOURS))
    await room.desk.edit(HOURS, value, seen, room.editor.staff)
    with pytest.raises(ChangedError):
        await room.desk.edit(HOURS, value, seen, room.both.staff)


async def test_a_form_from_before_the_last_publication(room: Newsroom) -> None:
    seen = await room.seen(HOURS)
    await room.published(HOURS, SUNDAYS(room.live(HOURS)))
    with pytest.raises(ChangedError):
        await room.desk.edit(HOURS, SUNDAYS(room.live(HOURS)), seen, room.both.staff)


async def test_an_approval_of_something_else_than_was_read(room: Newsroom) -> None:
    change = await room.submitted(CMM, with_value(room.live(CMM), OTHER))
    await room.desk.edit(
        CMM,
        with_value(room.live(CMM), "+4570777777"),
        Seen(change.id, change.version, ""),
        room.editor.staff,
    )
    with pytest.raises(ChangedError):
        await room.desk.approve(change.id, change.version, room.publisher_account)


# --- what stays live --------------------------------------------------------------------------


async def _approved_thai(room: Newsroom, id_: str) -> str:
    source = room.desk.library.served.deck[id_].text
    text = room.renderer.texts.draft(id_, source, "th")
    item = translation("th", id_, source)
    await room.published(item, {"context": id_, "source": source, "text": text})
    return text


async def test_the_old_translation_stays_until_the_new_english_is_translated(
    room: Newsroom,
) -> None:
    id_ = "utter_thanks"
    text = await _approved_thai(room, id_)
    before = room.says(id_, "th")
    value = room.live(screen(id_))
    await room.published(screen(id_), {**value, "text": "You are welcome. Write again."})
    assert room.says(id_, "en").endswith("Write again.")
    assert room.says(id_, "th") == before
    assert text
    stale = room.renderer.texts.status(id_, "You are welcome. Write again.", "th")
    assert stale == "stale"


async def test_going_back_takes_one_person_and_forward_two(room: Newsroom) -> None:
    was = room.says("utter_phone_numbers")
    await room.published(CMM, with_value(room.live(CMM), OTHER))
    assert room.says("utter_phone_numbers") != was
    await room.desk.go_back(0, room.publisher_account.staff)
    assert await room.publisher.publish_due() == 2
    await room.watcher.look()
    assert room.says("utter_phone_numbers") == was
    with pytest.raises(ContentError):
        await room.desk.go_back(9, room.publisher_account.staff)


async def test_what_was_taken_back_is_not_brought_again_by_one_person(room: Newsroom) -> None:
    await room.published(CMM, with_value(room.live(CMM), OTHER))
    await room.desk.go_back(0, room.publisher_account.staff)
    await room.publisher.publish_due()
    await room.watcher.look()
    await room.published(HOURS, SUNDAYS(room.live(HOURS)))
    assert room.desk.library.bundle.number == 3
    with pytest.raises(ContentError):
        await room.desk.go_back(1, room.publisher_account.staff)
    # The signer asks for itself: a wish that came another way is not granted either.
    wish = Change.going_back(ChangeId("f0"), 1, room.publisher_account.staff.id, room.clock.now())
    async with room.store.begin() as unit:
        await unit.contents.add(wish)
    assert await room.publisher.publish_due() == 0
    assert await room.bundle(3)


async def test_a_restart_serves_the_last_good_words_without_a_database(room: Newsroom) -> None:
    await room.published(CMM, with_value(room.live(CMM), OTHER))
    renderer = deck.renderer()
    again = library(renderer, room.folder)
    again.open()
    assert again.bundle.number == 1
    assert str(renderer.registry["cmm_phone"].value) == OTHER


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("70 99 99 99", "phone"),
        ("+45709999", "form"),
        ("<b>+4570999999</b>", "phone"),
        ("+4570999999\u202e", "invisible"),
        ("1" * 10_000, "length"),
    ],
)
async def test_a_wrong_number_is_refused_with_words(room: Newsroom, value: str, rule: str) -> None:
    if rule == "form":
        entry = {**with_value(room.live(CMM), value), "checked_on": "yesterday"}
    else:
        entry = with_value(room.live(CMM), value)
    with pytest.raises(NotGoodError) as refused:
        await room.edit(CMM, entry)
    assert rule in {finding.rule for finding in refused.value.judgement.errors}


async def test_what_was_checked_tomorrow_is_refused(room: Newsroom) -> None:
    with pytest.raises(NotGoodError, match="lies ahead"):
        await room.edit(CMM, with_value(room.live(CMM), OTHER, day="2026-11-30"))


async def test_an_unlisted_site_is_refused(room: Newsroom) -> None:
    key = next(f.key for f in room.renderer.registry if f.kind == "url")
    entry = with_value(room.live(fact(key)), "https://cmm-dk.example/help")
    with pytest.raises(NotGoodError, match="allowed sites"):
        await room.edit(fact(key), entry)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Call 70 20 25 50 now.", "digits"),
        ("See <a href=x>here</a>.", "markup"),
        ("Call {no_such_fact}.", "placeholder"),
        ("Call {cmm_phone now.", "placeholder"),
        ("We rescue you.", "forbidden word"),
        ("Hello \u202eolleh", "invisible"),
    ],
)
async def test_a_wrong_screen_is_refused(room: Newsroom, text: str, rule: str) -> None:
    item = screen("utter_thanks")
    with pytest.raises(NotGoodError) as refused:
        await room.edit(item, {**room.live(item), "text": text})
    assert rule in {finding.rule for finding in refused.value.judgement.errors}


async def test_a_button_to_nowhere_is_refused(room: Newsroom) -> None:
    item = screen("utter_thanks")
    live = room.live(item)
    button = {"label": "Elsewhere", "to": "utter_no_such_screen"}
    with pytest.raises(NotGoodError, match="no screen and no action"):
        await room.edit(item, {**live, "buttons": [*live.get("buttons", []), button]})


async def test_a_new_screen_and_a_button_to_it_need_no_code(room: Newsroom) -> None:
    new, menu = screen("utter_winter_shelter"), screen("utter_main_menu")
    value = {
        "audience": "person",
        "text": "In winter more beds are open. You can ask us where.",
        "buttons": [{"label": "Menu", "to": "utter_main_menu"}],
    }
    await room.published(new, value)
    live = room.live(menu)
    button = {"label": "Winter beds", "to": "utter_winter_shelter"}
    await room.published(menu, {**live, "buttons": [*live["buttons"], button]})
    assert "utter_winter_shelter" in room.renderer.deck.tappable
    assert room.says("utter_winter_shelter").startswith("In winter")


async def test_a_translation_of_yesterdays_english_is_refused(room: Newsroom) -> None:
    id_, old = "utter_thanks", deck.deck()["utter_thanks"].text
    item = translation("th", id_, old)
    value = {"context": id_, "source": old, "text": "ขอบคุณ {cmm_phone}"}
    change = await room.submitted(item, value)
    await room.published(screen(id_), {**room.live(screen(id_)), "text": "You are welcome."})
    with pytest.raises((NotGoodError, ChangedError)):
        await room.desk.approve(change.id, change.version, room.publisher_account)


async def test_a_word_of_the_interface(room: Newsroom) -> None:
    item = word("closed")
    await room.published(item, {"text": "shut"})
    assert room.renderer.word("closed", "en") == "shut"


async def test_what_is_published_stands_on_the_page_of_facts_without_a_restart(
    room: Newsroom,
) -> None:
    chat = httpx.ASGITransport(make_app(MemoryDoor(room.renderer)))
    async with httpx.AsyncClient(transport=chat, base_url="http://chat.example") as client:
        before = (await client.get("/facts")).text
        await room.published(HOURS, SUNDAYS(room.live(HOURS)))
        await room.published(CMM, with_value(room.live(CMM), OTHER))
        after = unescape((await client.get("/facts")).text)
    hours = room.renderer.values.fill("{chat_hours}", "en", {})
    assert "10:30\u201312:00" in hours
    assert hours not in before
    assert phone(OTHER) not in before
    assert hours in after
    assert phone(OTHER) in after
    assert "Checked on 23 November 2026." in after
    assert "www.cmm.dk/kontakt" in after
