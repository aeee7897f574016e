"""A visitor says that a text is wrong: editors learn which one, and nobody learns who said it."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.bootstrap import App
from bot.content_ports import VISITOR, Remark
from bot.domain.content import Item
from bot.domain.content import screen as screen_item
from bot.domain.errors import StoreUnavailableError
from bot.domain.handover import State
from bot.domain.messages import Channel, Media, MessageId, Tapped
from bot.domain.screens import Tap
from tests.support.app import COLLEAGUE, Visitor, running, screens
from tests.support.claims import rows
from tests.support.fakes import FakeClock, FakeDialogue, meaning

REPORT = "action_report_text"
DONE, NOTHING = ["utter_report_done"], ["utter_report_nothing"]
DEBT = "utter_debt"
CANARY = "zebracanary"


async def reports(app: App) -> Sequence[Remark]:
    async with app.store.begin() as unit:
        return await unit.contents.reports()


async def items(app: App) -> set[Item]:
    return {one.item for one in await reports(app)}


def alter(folder: Path, statement: str) -> None:
    database = sqlite3.connect(folder / "var" / "havn.db")
    database.execute(statement)
    database.commit()
    database.close()


async def settle(app: App) -> None:
    async with app.store.begin() as unit:
        for one in await unit.contents.reports():
            await unit.contents.settle(one.item)


def of(app: App, screen: str, locale: str, channel: Channel = Channel.WEB) -> Item:
    return app.renderer.item(screen, locale, channel)


async def reading(app: App, screen: str, locale: str = "en", **more: Any) -> Visitor:
    """Return a visitor who was shown a screen last."""
    visitor = Visitor(app, **more)
    await visitor.starts(locale)
    await visitor.taps(screen)
    return visitor


# --- which text --------------------------------------------------------------------------------


async def test_the_text_that_was_shown_in_the_language_and_on_the_channel_it_was_shown(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as app:
        for locale, channel in (("th", Channel.WEB), ("th", Channel.TELEGRAM), ("en", Channel.WEB)):
            visitor = await reading(app, "utter_privacy_short", locale, channel=channel)
            (answer,) = await visitor.taps(REPORT)
            assert (answer.bubble.screen, answer.bubble.locale) == (DONE[0], locale)
        web, telegram = (of(app, "utter_privacy_short", "th", c) for c in list(Channel)[1::-1])
        assert await items(app) == {web, telegram, screen_item("utter_privacy_short")}
        assert len({web, telegram}) == 2
        assert {one.locale for one in (web, telegram)} == {"th"}


async def test_a_text_that_was_shown_in_another_language_than_the_visitors(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await reading(app, "action_show_in_danish", "th")
        await visitor.taps(REPORT)
        assert await items(app) == {of(app, "utter_police_card", "da")}


async def test_what_stands_beside_an_answer_is_not_what_is_meant(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await reading(app, "utter_suicide_care")
        assert screens(await visitor.taps("utter_debt")) == [DEBT, "utter_suicide_again"]
        await visitor.taps(REPORT)
        assert await items(app) == {screen_item(DEBT)}


async def test_a_return_code_is_reported_although_it_is_deleted_with_the_answer(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, return_codes=True) as app:
        visitor = await waiting(app)
        await visitor.taps("action_return_code")
        assert screens(await visitor.taps(REPORT)) == DONE
        assert await items(app) == {screen_item("utter_return_code")}


async def test_after_a_pause_it_is_the_text_that_is_still_on_the_screen(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = await reading(app, DEBT, channel=Channel.TELEGRAM)
        clock.turn(minutes=31)
        assert screens(await visitor.taps(REPORT)) == DONE
        assert await items(app) == {screen_item(DEBT)}


async def test_where_there_is_no_text_it_says_so_and_tells_nobody(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        assert screens(await Visitor(app).taps(REPORT)) == NOTHING
        for channel in (Channel.WEB, Channel.TELEGRAM):
            visitor = await reading(app, DEBT, channel=channel)
            await visitor.taps("action_hide")
            assert screens(await visitor.taps(REPORT)) == NOTHING
            assert screens(await visitor.taps(REPORT)) == NOTHING
        assert not await items(app)


async def test_the_harmless_page_stays_harmless(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await reading(app, "utter_safe_word")
        await visitor.says("Lantern")
        await visitor.says("Lantern")
        (card,) = await visitor.taps(REPORT)
        assert card.bubble.screen.startswith("utter_decoy_")
        assert not await items(app)


async def test_typed_words_report_nothing_whatever_they_are_taken_for(tmp_path: Path) -> None:
    lies = FakeDialogue(hello=meaning("greet", REPORT))
    async with running(tmp_path, dialogue=lies) as app:
        visitor = await reading(app, DEBT)
        await visitor.says("hello")
        assert lies.asked
        assert not await items(app)


# --- nobody ------------------------------------------------------------------------------------


async def test_of_the_conversation_there_is_nothing_in_the_report(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = await reading(app, DEBT, "th")
        await visitor.says(CANARY)
        await visitor.taps(DEBT)
        await visitor.taps(REPORT)
        (row,) = rows(tmp_path, "content_remarks")
        item = of(app, DEBT, "th")
    day = datetime(clock.now().year, clock.now().month, clock.now().day, tzinfo=UTC)
    told = Remark.of_visitors(item, day)
    assert row == {
        "id": told.id,
        "item": item.name,
        "by": "visitor",
        "at": int(day.timestamp()) * 1000,
        "text": "",
        "report": 1,
        "settled": 0,
    }
    # The id follows from the item alone: at any other time, of anybody else, it is the same.
    assert told.id == Remark.of_visitors(item, clock.now().replace(year=2031)).id
    assert told.at.hour == told.at.minute == told.at.second == told.at.microsecond == 0


async def test_forgetting_leaves_the_report_and_nothing_that_leads_from_it(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await reading(app, DEBT)
        await visitor.taps(REPORT)
        before = rows(tmp_path, "content_remarks")
        await visitor.taps("action_forget")
        assert not rows(tmp_path, "conversations")
        assert rows(tmp_path, "content_remarks") == before


# --- once --------------------------------------------------------------------------------------


async def test_a_flood_of_reports_is_one_and_everybody_gets_the_same_answer(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        for _ in range(6):
            visitor = await reading(app, DEBT)
            for _ in range(3):
                assert screens(await visitor.taps(REPORT)) == DONE
        await (await reading(app, DEBT, "th")).taps(REPORT)
        assert [one.by for one in await reports(app)] == [VISITOR, VISITOR]
        assert len(rows(tmp_path, "content_remarks")) == 2


async def test_a_settled_report_opens_again_and_a_repeated_update_does_not_open_it(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as app:
        visitor = await reading(app, DEBT)
        update = visitor.incoming(Tapped(Tap(REPORT)))
        assert screens(await app.reception.converse(update)) == DONE
        await settle(app)
        assert screens(await app.reception.converse(update))[-1:] == DONE
        assert not await items(app)
        await visitor.taps("action_resend")
        await visitor.taps(REPORT)
        assert await items(app) == {screen_item(DEBT)}
        assert len(rows(tmp_path, "content_remarks")) == 1


async def test_an_answer_that_cannot_be_written_reports_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await reading(app, DEBT)
        alter(
            tmp_path,
            "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NOT NEW.incoming"
            " BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        with pytest.raises(StoreUnavailableError):
            await visitor.taps(REPORT)
        assert not await items(app)
        alter(tmp_path, "DROP TRIGGER refuse")
        await app.reception.resume()
        await app.reception.close()
        assert await items(app) == {screen_item(DEBT)}


# --- it disturbs nothing -----------------------------------------------------------------------


async def waiting(app: App) -> Visitor:
    visitor = Visitor(app)
    await visitor.starts()
    for tap in ("utter_human_notify consent=new", "utter_human_code_word", "action_queue_open"):
        await visitor.taps(tap)
    return visitor


@pytest.mark.parametrize("screen", ["utter_human_code_word", "utter_safe_word"])
async def test_a_secret_word_typed_after_it_is_still_a_secret(tmp_path: Path, screen: str) -> None:
    async with running(tmp_path) as app:
        visitor = await reading(app, "utter_human_notify consent=all")
        await visitor.taps(screen)
        assert screens(await visitor.taps(REPORT)) == DONE
        await visitor.says("Lantern")
        talk = [row for row in rows(tmp_path, "messages") if row["incoming"] and row["body"]]
        assert not talk
        handover = await visitor.handover()
        assert (handover is not None and bool(handover.code_word)) == (
            screen == "utter_human_code_word"
        )


async def test_a_yes_typed_after_it_answers_the_question_from_before(tmp_path: Path) -> None:
    yes = meaning("affirm", "action_check_next")
    async with running(tmp_path, dialogue=FakeDialogue(yes=yes)) as app:
        visitor = await reading(app, "utter_check_q1")
        await visitor.taps(REPORT)
        assert screens(await visitor.says("yes")) == ["utter_check_q2"]


async def test_a_talk_goes_on_and_a_persons_words_are_not_reported(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await waiting(app)
        handover = await visitor.handover()
        assert handover is not None
        await app.hotline.take(COLLEAGUE, "Ana", handover.id or 0)
        assert screens(await visitor.taps(REPORT)) == DONE
        assert await items(app) == {screen_item("utter_human_joined")}
        await app.hotline.say(COLLEAGUE, "Ana", handover.id or 0, CANARY, "1")
        held = await visitor.handover()
        assert held is not None
        assert held.state is State.ACTIVE
        assert screens(await visitor.taps(REPORT)) == NOTHING
        assert await visitor.handover() == held
        assert len(await items(app)) == 1


async def test_a_ready_sentence_of_a_counsellor_is_a_text_of_the_desk(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await waiting(app)
        handover = await visitor.handover()
        assert handover is not None
        await app.hotline.take(COLLEAGUE, "Ana", handover.id or 0)
        await app.hotline.say_canned(COLLEAGUE, "Ana", handover.id or 0, "utter_canned_need", "1")
        assert screens(await visitor.taps(REPORT)) == DONE
        assert await items(app) == {screen_item("utter_canned_need")}


async def test_reported_together_with_other_things_it_is_what_was_shown_before_them(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as app:
        visitor = await reading(app, DEBT)
        both = [visitor.incoming(Media()), visitor.incoming(Tapped(Tap(REPORT)))]
        await app.reception.accept(both)
        await app.reception.close()
        assert await items(app) == {screen_item(DEBT)}
        shown = await app.reception.shown(visitor.channel, visitor.sender, MessageId(0))
        assert screens(shown)[-2:] == ["utter_media_received", *DONE]


async def test_english_is_reported_where_english_stands_in_for_a_translation(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as app:
        deck = app.renderer.deck
        new = replace(deck[DEBT], text="Nobody has translated this yet.")
        changed = replace(deck, screens={**deck.screens, DEBT: new})
        served = app.renderer.deck, app.renderer.texts, app.renderer.values
        app.renderer.serve(changed, app.renderer.texts, app.renderer.values)
        try:
            await (await reading(app, DEBT, "th")).taps(REPORT)
        finally:
            app.renderer.serve(*served)
        assert await items(app) == {screen_item(DEBT)}
