"""A visitor in the web chat while a counsellor writes: what comes by itself, and what waits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.adapters.webchat.chat import FRAGMENT
from bot.bootstrap import App
from bot.domain.handover import Close, Outcome
from bot.domain.staff import StaffId
from tests.support.app import on_shift
from tests.support.claims import Browser, browser, havn, rows
from tests.support.fakes import FakeClock

ANA = StaffId("a1")
CRY = "he has a knife and locked me in"


@asynccontextmanager
async def waiting(
    folder: Path, *, notify: str = "pull", danger: bool = False
) -> AsyncIterator[tuple[App, FakeClock, Browser, int]]:
    """Lend a page on which a visitor waits, and the number of their request."""
    clock = FakeClock()
    async with havn(folder, clock, web_idle_minutes=60) as app, browser(app) as page:
        await on_shift(app, ANA)
        await page.begins()
        if danger:
            await page.send(text=CRY)
            await page.send(tap="action_queue_urgent")
        else:
            await page.send(tap="utter_human_notify consent=new")
            await page.send(tap=f"utter_human_code_word notify={notify}")
            await page.send(tap="action_queue_open")
        (row,) = rows(folder, "handovers")
        yield app, clock, page, row["id"]


async def watch(page: Browser) -> httpx.Response:
    """Do what the script of the page does by itself."""
    headers = {**page.headers, "accept": FRAGMENT}
    return await page.client.post("/", data={**page.fields, "watch": "1"}, headers=headers)


async def seen_at(folder: Path) -> Any:
    return rows(folder, "conversations")[0]["last_seen_at"]


async def test_a_line_comes_by_itself_under_the_name_of_who_wrote_it(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (app, clock, page, number):
        assert (await watch(page)).status_code == 204
        await app.hotline.take(ANA, "Ana", number)
        clock.turn(seconds=30)
        await app.hotline.say(ANA, "Ana", number, "I am here <now>", "1")
        answer = await watch(page)
        assert answer.status_code == 200
        assert "<bdi>Ana</bdi>" in answer.text
        assert "I am here &lt;now&gt;" in answer.text
        assert " data-live" in answer.text
        assert answer.headers["cache-control"] == "no-store"
        page._read(answer)
        assert (await watch(page)).status_code == 204
        # Nothing else of the page has changed: what is sent next is not sent twice.
        before = page.fields["nonce"]
        assert before in answer.text


@pytest.mark.parametrize(("danger", "minutes"), [(False, 3), (True, 10)])
async def test_nothing_comes_by_itself_to_who_is_away_however_often_the_page_asks(
    tmp_path: Path, minutes: int, *, danger: bool
) -> None:
    async with waiting(tmp_path, danger=danger) as (app, clock, page, number):
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.say(ANA, "Ana", number, "hello", "0")
        page._read(await watch(page))
        seen = await seen_at(tmp_path)
        for _ in range(minutes * 6 - 1):
            clock.turn(seconds=10)
            assert (await watch(page)).status_code == 204
            await app.hotline.beat(ANA)
        await app.hotline.say(ANA, "Ana", number, "just in time", "1")
        clock.turn(seconds=10)
        await app.hotline.say(ANA, "Ana", number, "too late", "2")
        # Not even what was said in time and not fetched; and the page need not ask again.
        assert (await watch(page)).status_code == 410
        assert await seen_at(tmp_path) == seen
        await page.send(tap="action_pull")
        assert page.page.index("just in time") < page.page.index("too late")


async def test_where_it_was_agreed_to_a_hello_comes_and_never_the_line(tmp_path: Path) -> None:
    async with waiting(tmp_path, notify="push") as (app, clock, page, number):
        clock.turn(minutes=4)
        assert (await watch(page)).status_code == 204
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.say(ANA, "Ana", number, "the lawyer said yes", "1")
        answer = await watch(page)
        assert "Look here when you are alone." in answer.text
        assert "lawyer" not in answer.text
        assert "Ana" not in answer.text
        assert " data-live" not in answer.text  # nothing else will come by itself
        page._read(answer)
        await page.send(tap="action_pull")
        assert "lawyer" in page.page


async def test_the_end_of_a_talk_is_told_and_the_page_asks_no_more(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (app, _clock, page, number):
        await app.hotline.take(ANA, "Ana", number)
        page._read(await watch(page))
        await app.hotline.close(ANA, number, Close(Outcome.INFORMED))
        answer = await watch(page)
        assert "The talk with the person is finished." in answer.text
        page._read(answer)
        assert (await watch(page)).status_code == 410


async def test_only_who_waits_or_talks_is_told_anything(tmp_path: Path) -> None:
    async with havn(tmp_path, FakeClock()) as app, browser(app) as page:
        await page.get()
        assert (await watch(page)).status_code == 410
        await page.begins()
        assert (await watch(page)).status_code == 410


async def test_the_button_of_a_page_without_script_shows_what_was_held(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (app, clock, page, number):
        clock.turn(minutes=4)
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.say(ANA, "Ana", number, "good morning", "1")
        await page.send()  # a reload shows nothing that is held
        assert "good morning" not in page.page
        assert 'value="action_pull"' in page.page
        await page.send(tap="action_pull")
        assert "good morning" in page.page
        clock.turn(minutes=2)  # to look is a sign of life
        await app.hotline.say(ANA, "Ana", number, "and now", "2")
        assert "and now" in (await watch(page)).text


async def test_the_safe_word_leaves_nothing_on_the_page(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (app, _clock, page, number):
        await page.send(tap="utter_safe_word")
        await page.send(text="lantern")
        assert "lantern" not in page.page
        assert "A safe word hides this chat" not in page.page
        await app.hotline.take(ANA, "Ana", number)
        await app.hotline.say(ANA, "Ana", number, "the shelter has a bed", "1")
        page._read(await watch(page))
        page.headers["accept"] = FRAGMENT
        await page.send(text="Lantern")
        assert " data-clear" in page.page  # the script empties the log, too
        assert " data-echo" not in page.page
        del page.headers["accept"]
        await app.hotline.say(ANA, "Ana", number, "are you there", "2")
        assert (await watch(page)).status_code == 410
        for typed in (
            {"text": "what is this"},
            {"tap": "action_pull"},
            {"tap": "action_decoy_next"},
        ):
            await page.send(**typed)
            assert page.page.split("<template")[0].count('class="said') == 1
            assert "Danish word of the day" in page.page
            for trace in ("Person", "Ana", "shelter", "are you", "what is", "Look for", "/privacy"):
                assert trace not in page.page, trace
        await page.send(tap="utter_decoy_numbers")
        assert "Useful numbers" in page.page
        await page.send(text="lantern")
        assert "Hello. How can I help?" in page.page
        assert "lantern" not in page.page
        await page.send(tap="action_pull")
        assert "are you there" in page.page


async def test_who_hid_the_chat_can_still_forget_it(tmp_path: Path) -> None:
    async with havn(tmp_path, FakeClock()) as app, browser(app) as page:
        await page.begins()
        await page.send(text="my boss keeps my passport")
        await page.send(tap="action_hide")
        assert page.fields["begun"] == "0"
        assert "passport" not in page.page
        await page.send(text="hello again")
        await page.send(tap="utter_forget_confirm")
        assert "action_forget" in page.page
        await page.send(tap="action_forget")
        assert not rows(tmp_path, "conversations")
        assert not rows(tmp_path, "messages")
