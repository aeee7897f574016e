"""Polling against an emulated Bot API: nothing is confirmed before it is stored."""

import asyncio
import math
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.telegram.inbound import Why
from bot.adapters.telegram.intake import OFFSET, TRIES
from bot.domain.messages import Media, Start, Tapped, Text
from bot.domain.screens import Tap
from tests.support.recording_door import BROKEN, DANGER, RecordingDoor
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_payloads import MEDIA
from tests.support.telegram_rig import Rig, kill, open_rig

MENU = {"inline_keyboard": [[{"text": "Phone", "callback_data": "utter_phone_numbers"}]]}


@pytest.fixture
async def api() -> AsyncIterator[TelegramApi]:
    async with await TelegramApi.start() as api:
        yield api
        assert api.violations == []


@pytest.fixture
async def rig(api: TelegramApi) -> AsyncIterator[Rig]:
    async with open_rig(api) as rig:
        yield rig


def events(rig: Rig, name: str) -> list[dict[str, object]]:
    return [entry for entry in rig.logged if entry["event"] == name]


async def menu(rig: Rig, chat: int) -> None:
    await rig.client.do_api_request(
        "send_Message", {"chat_id": chat, "text": "Menu", "reply_markup": MENU}
    )


# The ordinary way


async def test_messages_are_stored_in_order_with_the_offset_and_confirmed(
    api: TelegramApi, rig: Rig
) -> None:
    visitor = api.visitor(language_code="ro")
    rig.poll()
    for text in ("/start ro-pro", "one", "/hide"):
        await visitor.sends(text)
    accepted = await rig.door.until(3)
    assert [i.event for i in accepted] == [
        Start("ro", "pro"),
        Text("one"),
        Tapped(Tap("action_hide")),
    ]
    assert {i.hint for i in accepted} == {"ro"}
    await api.drained()
    assert rig.door.marks == {OFFSET: api.next_update_id}


async def test_tap_is_acknowledged_after_it_was_stored(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    await menu(rig, visitor.id)
    shown = await visitor.expect("Menu")
    rig.door.gate = asyncio.Event()
    rig.poll()
    query = await visitor.taps("Phone")
    await rig.door.called(1)
    assert api.answered == set()
    rig.door.gate.set()
    (tap,) = await rig.door.until(1)
    assert (tap.event, tap.on) == (Tapped(Tap("utter_phone_numbers")), str(shown.id))
    await api.wait_for(lambda: query in api.answered or None, 2)


async def test_acknowledging_too_late_is_no_matter(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    await menu(rig, visitor.id)
    await visitor.taps("Phone")
    api.advance(seconds=100)
    rig.poll()
    await rig.door.until(1)
    await api.wait_for(lambda: api.calls_of("answerCallbackQuery") or None, 2)
    await visitor.sends("and on")
    assert len(await rig.door.until(2)) == 2
    assert api.answered == set()


async def test_edited_message_comes_in_again(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    rig.poll()
    message = await visitor.sends("first")
    await visitor.edits(message, "second")
    first, second = await rig.door.until(2)
    assert rig.door.texts == ["first", "second"]
    assert first.reference == second.reference
    assert first.external_id != second.external_id


async def test_every_kind_of_media_comes_in_and_no_file_is_fetched(
    api: TelegramApi, rig: Rig
) -> None:
    visitor = api.visitor()
    rig.poll()
    for kind in MEDIA:
        await visitor.sends(kind=kind)
    assert [i.event for i in await rig.door.until(len(MEDIA))] == [Media()] * len(MEDIA)


async def test_groups_are_left_and_nothing_of_them_is_stored(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    rig.poll()
    rooms = [await api.group(visitor, kind=k) for k in ("group", "supergroup", "channel")]
    for room in rooms:
        await room.says(visitor, "hello bot")
    await api.wait_for(lambda: all(room.closed for room in rooms) or None, 2)
    await visitor.sends("private")
    assert [i.event for i in await rig.door.until(1)] == [Text("private")]
    await api.drained()
    assert {why for why, _kind in rig.intake.refused} == {Why.NOT_PRIVATE}


async def test_blocking_is_counted_only(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    rig.poll()
    await visitor.blocks()
    await api.drained()
    assert rig.intake.refused == {(Why.MEMBERSHIP, "my_chat_member"): 1}
    assert rig.door.accepted == []


# Kills, repeats, jumps


async def test_killed_before_the_store_took_it_it_is_brought_again(api: TelegramApi) -> None:
    door = RecordingDoor()
    door.gate = asyncio.Event()
    await api.visitor().sends("hold on to this")
    async with open_rig(api, door) as rig:
        polling = rig.poll()
        await door.called(1)
        await kill(polling)
    assert (door.accepted, door.marks) == ([], {})
    door.gate = None
    async with open_rig(api, door) as rig:
        rig.poll()
        await door.until(1)
        await api.drained()
    assert door.texts == ["hold on to this"]


async def test_killed_after_storing_the_repeat_has_no_effect(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    await visitor.sends("once")
    await rig.intake.take(await rig.client.raw_updates(None, wait=0))
    assert rig.door.texts == ["once"]
    rig.poll()
    await visitor.sends("twice")
    await rig.door.until(2)
    await api.drained()
    assert rig.door.texts == ["once", "twice"]


CHILD = """
import asyncio, os, sys
from bot.adapters.telegram import Intake, Poller, TelegramChannel, open_client
from bot.domain.messages import Text

class Door:
    async def accept(self, incoming, *, mark=None):
        if sys.argv[3] == "dies":
            os.kill(os.getpid(), 9)
        with open(sys.argv[4], "a") as file:
            for item in incoming:
                if isinstance(item.event, Text):
                    print(item.external_id, item.event.text, file=file, flush=True)

    async def mark(self, name):
        return None

async def main():
    async with open_client(sys.argv[1], sys.argv[2]) as client:
        door = Door()
        intake = Intake(client.number, TelegramChannel(client), door, lambda: ("en",))
        await Poller(client, intake, door, wait=1).run()

asyncio.run(main())
"""


async def test_process_killed_in_the_middle_of_storing_loses_nothing(
    api: TelegramApi, tmp_path: Path
) -> None:
    script, kept = tmp_path / "child.py", tmp_path / "kept.txt"
    script.write_text(CHILD)
    kept.touch()
    url = api.base_url.removesuffix("/bot")

    async def child(how: str) -> asyncio.subprocess.Process:
        program = [sys.executable, str(script), api.token, url, how, str(kept)]
        return await asyncio.create_subprocess_exec(
            *program, cwd=Path(__file__).parents[2], env={"PYTHONPATH": "."}
        )

    await api.visitor().sends("hold on to this")
    dying = await child("dies")
    assert await asyncio.wait_for(dying.wait(), 20) == -9
    assert kept.read_text() == ""
    living = await child("lives")
    try:
        await api.drained(within=20)
    finally:
        living.terminate()
        await living.wait()
    assert [line.split(" ", 1)[1] for line in kept.read_text().splitlines()] == ["hold on to this"]


async def test_ids_that_jump_down_or_up_lose_and_repeat_nothing(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    rig.poll()
    for number, start in enumerate((None, 2_000_100, 900_000_000, 3_000_000), 1):
        if start:
            api.jump(start)
        await visitor.sends(f"week {number}")
        await rig.door.until(number)
        await api.drained()
    assert rig.door.texts == ["week 1", "week 2", "week 3", "week 4"]


async def test_backlog_of_several_batches_arrives_in_order(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    for number in range(250):
        await visitor.sends(str(number))
    rig.poll()
    await rig.door.until(250)
    assert rig.door.texts == [str(number) for number in range(250)]


# Bad items


async def test_bad_items_are_recorded_and_stop_nobody(api: TelegramApi, rig: Rig) -> None:
    deep: object = "x"
    for _ in range(300):
        deep = [deep]
    malformed: tuple[object, ...] = (
        "text",
        None,
        ["list"],
        {"update_id": "seven"},
        {"message": {"chat": {"id": {}}}},
        {"message": {"chat": {"type": "private", "id": 1}, "message_id": 1, "text": deep}},
        {"hologram": {}},
        {"poll": {}},
        {},
    )
    for bad in malformed:
        api.inject(bad)
    await api.visitor().sends("good")
    rig.poll()
    await rig.door.until(1)
    await api.drained()
    assert rig.door.texts == ["good"]
    assert rig.intake.refused == {
        (Why.UNREADABLE, "other"): 4,
        (Why.UNREADABLE, "message"): 2,
        (Why.UNKNOWN_KIND, "other"): 2,
        (Why.UNKNOWN_KIND, "poll"): 1,
    }
    recorded = events(rig, "telegram_update_refused")
    assert {"KeyError", "TypeError"} <= {str(entry["error"]) for entry in recorded}


async def test_batch_of_nothing_but_items_without_id_does_not_spin(
    api: TelegramApi, rig: Rig
) -> None:
    api.inject("no id")
    rig.poll()
    await api.wait_for(lambda: len(rig.pauses) >= 5 or None, 5)
    assert rig.pauses[:5] == [1, 1, 1, 1, 1]
    await api.visitor().sends("good")
    await rig.door.until(1)
    await api.drained()


async def test_message_the_store_chokes_on_is_given_up_at_last_and_the_visitor_told(
    api: TelegramApi, rig: Rig
) -> None:
    rig.door.indigestible = "strange"
    choking, other = api.visitor(), api.visitor()
    await choking.sends("strange")
    await other.sends("a knife, but stored")
    rig.poll(outage=0)
    await rig.door.until(1)
    assert rig.door.texts == ["a knife, but stored"]
    await api.drained(within=10)
    await choking.expect(BROKEN.text)
    await other.hears_nothing()
    assert [entry["error"] for entry in events(rig, "telegram_update_given_up")] == [
        "ZeroDivisionError"
    ]
    assert len(events(rig, "telegram_accept_failed")) == TRIES


# The store is down


async def test_danger_is_answered_once_while_the_store_is_down_and_stays_unconfirmed(
    api: TelegramApi, rig: Rig
) -> None:
    visitor, other = api.visitor(), api.visitor()
    rig.poll()
    await api.wait_for(lambda: api.calls_of("getUpdates") or None, 2)
    rig.door.down = True
    await visitor.sends("he has a knife")
    await other.sends("what is this")
    await visitor.expect(DANGER.text, within=1)
    await rig.door.called(5)
    await visitor.hears_nothing()
    await other.hears_nothing()
    assert len(api.pending) == 2
    await visitor.sends("a knife again")
    await visitor.expect(DANGER.text, within=1)
    rig.door.down = False
    await rig.door.until(3)
    await api.drained()
    assert rig.door.texts == ["he has a knife", "what is this", "a knife again"]


async def test_down_from_the_very_start_danger_is_still_heard(api: TelegramApi) -> None:
    visitor = api.visitor()
    await visitor.sends("he has a knife")
    door = RecordingDoor()
    door.down = True
    async with open_rig(api, door) as rig:
        rig.poll()
        await visitor.expect(DANGER.text, within=1)
        door.down = False
        await door.until(1)


async def test_slow_store_does_not_delay_danger_nor_what_follows(api: TelegramApi) -> None:
    visitor = api.visitor()
    door = RecordingDoor()
    door.gate = asyncio.Event()
    async with open_rig(api, door, grace=0.05) as rig:
        rig.poll(outage=0.05)
        await visitor.sends("a knife")
        await visitor.expect(DANGER.text, within=1)
        assert door.accepted == []
        await visitor.sends("the knife is here")
        await visitor.expect(DANGER.text, within=1)
        door.gate.set()
        await door.until(2)
        await visitor.hears_nothing()


async def test_long_outage_is_told_once_to_each_chat(api: TelegramApi) -> None:
    visitor = api.visitor()
    door = RecordingDoor()
    async with open_rig(api, door, patience=0) as rig:
        rig.poll()
        await api.wait_for(lambda: api.calls_of("getUpdates") or None, 2)
        door.down = True
        await visitor.sends("hello?")
        await visitor.sends("anybody?")
        await visitor.expect(BROKEN.text)
        await door.called(5)
        await visitor.hears_nothing()


async def test_hide_works_while_the_store_is_down(api: TelegramApi) -> None:
    visitor = api.visitor()
    door = RecordingDoor()
    door.down = True
    async with open_rig(api, door) as rig:
        await menu(rig, visitor.id)
        await visitor.sends("a word")
        await visitor.sends("/hide")
        rig.poll()
        await visitor.until(lambda chat: not chat)
        door.down = False
        await door.until(2)
        assert door.taps == ["action_hide"]


# The network and the server


async def test_outage_of_telegram_pauses_with_growing_ceiling(api: TelegramApi, rig: Rig) -> None:
    api.cut_off()
    rig.poll()
    await api.wait_for(lambda: len(rig.pauses) >= 8 or None, 5)
    assert rig.pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    api.heal()
    await api.visitor().sends("back")
    await rig.door.until(1)
    assert rig.door.texts == ["back"]


@pytest.mark.parametrize("when", ["before", "after", "half"])
async def test_cut_connection_loses_nothing(api: TelegramApi, rig: Rig, when: str) -> None:
    api.drop(when, method="getUpdates", times=2)  # type: ignore[arg-type]
    rig.poll()
    await api.visitor().sends("kept")
    await rig.door.until(1)
    await api.drained()
    assert rig.door.texts == ["kept"]


async def test_garbled_answer_and_proxy_pages_are_tried_again(api: TelegramApi, rig: Rig) -> None:
    await api.visitor().sends("kept")
    api.garble(method="getUpdates", times=2)
    api.fail(502, method="getUpdates")
    api.fail(500, method="getUpdates")
    rig.poll()
    await rig.door.until(1)
    assert rig.door.texts == ["kept"]
    assert len(events(rig, "telegram_unreachable")) == 4


async def test_polling_waits_as_long_as_telegram_asks(api: TelegramApi, rig: Rig) -> None:
    api.fail(429, retry_after=17, method="getUpdates")
    rig.poll()
    await api.visitor().sends("kept")
    await rig.door.until(1)
    assert rig.pauses == [18]


async def test_second_poller_is_reported_and_nothing_is_lost(api: TelegramApi, rig: Rig) -> None:
    api.fail(409, method="getUpdates", times=3)
    rig.poll()
    await api.visitor().sends("kept")
    await rig.door.until(1)
    assert len(events(rig, "telegram_second_receiver")) == 3
    assert rig.pauses == [1, 2, 4]


async def test_two_real_pollers_lose_and_repeat_nothing(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    async with open_rig(api, rig.door) as second:
        rig.poll()
        second.poll()
        for number in range(20):
            await visitor.sends(str(number))
        await rig.door.until(20)
        await api.drained(within=5)
    assert sorted(rig.door.texts, key=int) == [str(number) for number in range(20)]


async def test_refused_token_is_reported_and_tried_again(api: TelegramApi, rig: Rig) -> None:
    api.fail(401, method="getUpdates")
    rig.poll()
    await api.visitor().sends("kept")
    await rig.door.until(1)
    assert len(events(rig, "telegram_token_refused")) == 1


async def test_a_webhook_from_before_is_removed_and_waiting_updates_kept(
    api: TelegramApi, rig: Rig
) -> None:
    await rig.client.set_webhook("https://127.0.0.1:9/old", drop_pending_updates=False)
    await api.visitor().sends("kept")
    api.fail(500, method="deleteWebhook")
    rig.poll()
    await rig.door.until(1)
    assert api.webhook_info()["url"] == ""


async def test_stopping_ends_at_once(api: TelegramApi, rig: Rig) -> None:
    polling = rig.poll()
    await api.wait_for(lambda: api.calls_of("getUpdates") or None, 2)
    await asyncio.wait_for(kill(polling), 0.5)
    assert polling.cancelled()


async def test_nothing_is_asked_that_telegram_need_not_send(api: TelegramApi, rig: Rig) -> None:
    rig.poll()
    (call, *_) = await api.wait_for(lambda: api.calls_of("getUpdates") or None, 2)
    assert call.params["allowed_updates"] == [
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
        "channel_post",
    ]
    assert math.isfinite(call.params["timeout"])
