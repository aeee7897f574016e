"""The web chat through its front door, as a browser without script or the page's script uses it."""

import asyncio
import hashlib
import re
from dataclasses import replace

import httpx
import pytest

from bot.adapters.webchat.form import Submission
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Channel, Start, Tapped, Text
from tests.support.webchat_door import MemoryDoor, make_app, make_renderer
from tests.unit.adapters.webchat.conftest import SETTINGS, Visitor, make_client

BEFORE = "Before you start"
CLOSED = "This chat is closed."
MENU = "How can I help?"
SECRET_WORDS = "my boss has my passport"


def events(door: MemoryDoor) -> list[object]:
    return [incoming.event for incoming in door.seen]


async def test_first_page_asks_nothing_of_the_door(visitor: Visitor) -> None:
    response = await visitor.open()
    assert response.status_code == 200
    assert visitor.said[0].startswith(BEFORE)
    assert visitor.door.seen == []
    assert "set-cookie" not in response.headers


async def test_chat_works_without_script(visitor: Visitor) -> None:
    await visitor.begin()
    assert "computer program" in visitor.said[0]
    await visitor.send(tap="utter_main_menu")
    assert visitor.said[-1].startswith(MENU)
    await visitor.send(text="hello there")
    assert visitor.said[-2] == "hello there"
    assert events(visitor.door) == [
        Start(""),
        Tapped(visitor.door.seen[1].event.tap),  # type: ignore[union-attr]
        Text("hello there"),
    ]


async def test_page_without_script_repeats_the_thread(visitor: Visitor) -> None:
    await visitor.begin()
    await visitor.send(tap="utter_danger_now")
    await visitor.send(tap="utter_danger_where")
    assert [text[:15] for text in visitor.said][-2] == "If you can, cal"


async def test_screen_that_replaces_another_leaves_one(visitor: Visitor) -> None:
    await visitor.begin()
    await visitor.send(tap="utter_main_menu")
    await visitor.send(tap="utter_check_intro")
    await visitor.send(tap="utter_check_q1")
    assert len([t for t in visitor.said if "of 6" in t or t.startswith(MENU)]) == 1


async def test_fragment_holds_only_what_is_new(scripted: Visitor) -> None:
    await scripted.begin()
    response = await scripted.send(tap="utter_danger_now")
    assert len(scripted.said) == 1
    assert "<head>" not in response.text
    assert len(response.content) < 6000


async def test_same_form_twice_counts_once(visitor: Visitor) -> None:
    await visitor.begin()
    fields = dict(visitor.fields)
    first = await visitor.client.post("/", data={**fields, "text": "hello"})
    second = await visitor.client.post("/", data={**fields, "text": "hello"})
    assert events(visitor.door)[1:] == [Text("hello")]
    assert "I cannot read free text" in first.text
    assert "I cannot read free text" in second.text


async def test_two_starts_at_once_begin_one_chat(visitor: Visitor) -> None:
    await visitor.open()
    data = {**visitor.fields, "tap": "utter_safe_to_talk"}
    await asyncio.gather(*(visitor.client.post("/", data=data) for _ in range(5)))
    assert len(visitor.door.visitors) == 1
    assert len({incoming.external_id for incoming in visitor.door.seen}) == 1


async def test_another_button_of_an_old_page_counts(visitor: Visitor) -> None:
    await visitor.begin()
    fields = dict(visitor.fields)
    for tap in ("utter_main_menu", "utter_danger_now"):
        await visitor.client.post("/", data={**fields, "tap": tap})
    assert len(events(visitor.door)) == 3


async def test_external_id_is_a_hash_without_the_token(visitor: Visitor) -> None:
    await visitor.begin()
    incoming = visitor.door.seen[0]
    assert re.fullmatch(r"[0-9a-f]{64}", incoming.external_id)
    assert incoming.sender == visitor.fields["token"]
    assert incoming.external_id != hashlib.sha256(incoming.sender.encode()).hexdigest()
    assert incoming.channel is Channel.WEB


async def test_each_visit_gets_its_own_token(visitor: Visitor) -> None:
    await visitor.open()
    first = visitor.fields["token"]
    await visitor.open()
    assert visitor.fields["token"] != first
    assert len(first) == 43


async def test_language_of_the_browser_is_a_hint_only(door: MemoryDoor) -> None:
    door.renderer = make_renderer(arabic=True)
    async with make_client(make_app(door, SETTINGS)) as client:
        visitor = Visitor(client, door)
        page = await visitor.open(**{"accept-language": "xx;q=0.9,ar-SY;q=0.8,en;q=0.1"})
        assert 'lang="ar" dir="rtl"' in page.text
        await visitor.send(headers={"accept-language": "ar"}, tap="utter_safe_to_talk")
    assert door.seen[0].event == Start("")
    assert door.seen[0].hint == "ar"
    assert visitor.said[0].lstrip("\u200f").startswith("أنا برنامج")


async def test_chosen_language_is_a_choice(door: MemoryDoor) -> None:
    door.renderer = make_renderer(arabic=True)
    async with make_client(make_app(door, SETTINGS)) as client:
        visitor = Visitor(client, door)
        await visitor.open()
        page = await visitor.send(pick="ar")
        assert '<html lang="ar" dir="rtl"' in page.text
        assert door.seen == []
        await visitor.send(tap="utter_safe_to_talk")
    assert door.seen[0].event == Start("ar")


async def test_phone_before_the_chat_begins_none(visitor: Visitor) -> None:
    await visitor.open()
    response = await visitor.send(tap="utter_phone_numbers")
    assert 'href="tel:+4570202550"' in response.text
    assert visitor.door.seen == []
    await visitor.send(tap="utter_main_menu")
    assert events(visitor.door) == [Start("")]


async def test_words_on_a_fresh_page_begin_a_chat_with_them(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.send(text="help")
    assert events(visitor.door) == [Text("help")]


async def test_words_of_a_dead_session_begin_nothing(visitor: Visitor) -> None:
    await visitor.begin()
    visitor.door.visitors.clear()
    response = await visitor.send(text=SECRET_WORDS)
    assert response.status_code == 410
    assert visitor.said == [f"{CLOSED} You can start a new chat."]
    assert SECRET_WORDS not in response.text
    assert len(visitor.door.seen) == 1


async def test_closed_screen_begins_anew_with_another_token(visitor: Visitor) -> None:
    await visitor.begin()
    old = visitor.fields["token"]
    visitor.door.visitors.clear()
    await visitor.send(tap="utter_main_menu")
    await visitor.send(tap="utter_safe_to_talk")
    assert "computer program" in visitor.said[0]
    assert visitor.door.seen[-1].sender != old


async def test_idle_chat_closes_and_leaves_erasing_to_the_keeper(visitor: Visitor) -> None:
    await visitor.begin()
    fields = dict(visitor.fields)
    visitor.door.clock.turn(minutes=21)
    response = await visitor.send(tap="utter_main_menu")
    assert response.status_code == 410
    assert CLOSED in visitor.said[0]
    assert visitor.door.left == []
    visitor.door.clock.turn(minutes=-21)  # it had jumped
    visitor.fields = fields
    assert (await visitor.send(tap="utter_main_menu")).status_code == 200
    assert visitor.said[-1].startswith(MENU)


async def test_a_look_at_a_chat_that_is_over_can_be_read_by_the_browser(visitor: Visitor) -> None:
    """What has no type is read as XML; the page of its error breaks the policy of ours."""
    await visitor.begin()
    await visitor.send(tap="utter_human_consent")
    await visitor.send(tap="utter_human_notify consent=new")
    await visitor.send(tap="action_queue_open notify=pull")
    looks = [await visitor.client.post("/", data={**visitor.fields, "watch": "1"})]
    visitor.door.visitors.clear()
    looks.append(await visitor.client.post("/", data={**visitor.fields, "watch": "1"}))
    assert [one.status_code for one in looks] == [204, 410]
    assert {one.headers["content-type"] for one in looks} == {"text/html; charset=utf-8"}


async def test_who_waits_for_a_person_is_never_idle(visitor: Visitor) -> None:
    await visitor.begin()
    await visitor.send(tap="utter_human_consent")
    await visitor.send(tap="utter_human_notify consent=new")
    await visitor.send(tap="action_queue_open notify=pull")
    visitor.door.clock.turn(minutes=50)
    assert (await visitor.send(tap="action_pull")).status_code == 200
    visitor.door.clock.turn(minutes=50)
    assert (await visitor.send(tap="utter_human_cancelled")).status_code == 200
    visitor.door.clock.turn(minutes=50)
    assert (await visitor.send(tap="action_pull")).status_code == 410


async def test_chat_stays_open_within_the_time(visitor: Visitor) -> None:
    await visitor.begin()
    for _ in range(3):
        visitor.door.clock.turn(minutes=19)
        assert (await visitor.send(tap="utter_main_menu")).status_code == 200


async def test_talk_without_answers_does_not_count_as_idle(visitor: Visitor) -> None:
    await visitor.begin()
    visitor.door.silent = True
    for words in ("one", "two", "three"):
        visitor.door.clock.turn(minutes=15)
        response = await visitor.send(text=words)
        assert response.status_code == 200
    assert visitor.said[-1] == "three"
    assert 'value="action_pull"' in response.text


async def test_looking_shows_what_a_person_wrote(scripted: Visitor) -> None:
    await scripted.begin()
    scripted.door.write_as_person(scripted.fields["token"], "Ana", "Is it <b>safe</b>? 112")
    response = await scripted.send()
    assert scripted.said == ["Is it &lt;b&gt;safe&lt;/b&gt;? 112"]
    assert "<bdi>Ana</bdi>" in response.text
    assert "tel:" not in response.text.split("<p>")[1].split("</p>")[0]
    await scripted.send()
    assert 'data-status="No new answer yet."' in scripted.page


@pytest.mark.parametrize("fragments", [False, True])
async def test_long_thread_is_not_read_again_each_time(visitor: Visitor, fragments: bool) -> None:
    await visitor.begin()
    for number in range(200):
        visitor.door.write_as_person(visitor.fields["token"], "Ana", f"line {number}")
    visitor.fragments = fragments
    await visitor.send()
    assert visitor.said[-200:] == [f"line {number}" for number in range(200)]
    visitor.door.read = 0
    await visitor.send()
    await visitor.send(tap="utter_main_menu")
    assert visitor.said[-1].startswith(MENU)
    assert visitor.door.read <= 2 * (1 if fragments else 20)
    assert len(visitor.said) == (1 if fragments else 6)


async def test_what_a_person_wrote_meanwhile_comes_with_the_answer(scripted: Visitor) -> None:
    await scripted.begin()
    scripted.door.write_as_person(scripted.fields["token"], "Ana", "Is it safe?")
    await scripted.send(tap="utter_main_menu")
    assert scripted.said[0] == "Is it safe?"
    assert scripted.said[1].startswith(MENU)
    await scripted.send()
    assert 'data-status="No new answer yet."' in scripted.page


async def test_a_code_word_is_not_repeated_where_a_person_wrote_meanwhile(
    visitor: Visitor,
) -> None:
    await visitor.begin()
    await visitor.send(tap="utter_human_consent")
    await visitor.send(tap="utter_human_notify consent=new")
    await visitor.send(tap="utter_human_code_word notify=pull")
    visitor.door.write_as_person(visitor.fields["token"], "Ana", "Hello")
    assert "pineapple" not in (await visitor.send(text="pineapple")).text


async def test_hide_leaves_one_word(scripted: Visitor) -> None:
    await scripted.begin()
    await scripted.send(tap="utter_main_menu")
    response = await scripted.send(tap="action_hide")
    assert scripted.said == ["Hello."]
    assert "data-clear" in response.text
    assert 'id="row"></div>' in response.text


async def test_hide_leaves_one_word_without_script(visitor: Visitor) -> None:
    await visitor.begin()
    await visitor.send(text=SECRET_WORDS)
    await visitor.send(tap="action_hide")
    assert visitor.said == ["Hello."]
    await visitor.send(text="me again")
    assert SECRET_WORDS not in visitor.page
    assert events(visitor.door)[-1] == Text("me again")


async def test_forget_leaves_nothing_and_a_new_token(scripted: Visitor) -> None:
    await scripted.begin()
    old = scripted.fields["token"]
    response = await scripted.send(tap="action_forget")
    assert scripted.said == ["Done. Next time I will not know you.", "Hello."]
    assert "data-clear" in response.text
    assert scripted.fields["token"] != old
    assert scripted.fields["begun"] == "0"


async def test_code_word_is_not_repeated(visitor: Visitor) -> None:
    await visitor.begin()
    await visitor.send(tap="utter_human_consent")
    await visitor.send(tap="utter_human_notify consent=new")
    await visitor.send(tap="utter_human_code_word notify=pull")
    assert any("easy word" in text for text in visitor.said)
    fields = dict(visitor.fields)
    page = await visitor.send(text="pineapple")
    again = await visitor.client.post("/", data={**fields, "text": "pineapple"})
    for answer in (page, again):
        assert "pineapple" not in answer.text
        assert "easy word" not in answer.text


@pytest.mark.parametrize("error", [StoreUnavailableError("down"), RuntimeError(SECRET_WORDS)])
async def test_broken_store_shows_the_numbers_and_keeps_the_words(
    visitor: Visitor, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    await visitor.begin()
    nonce = visitor.fields["nonce"]
    visitor.door.broken = error
    response = await visitor.send(text="do you <hear> me")
    assert response.status_code == 503
    assert 'href="tel:112"' in response.text
    assert 'href="tel:+4570202550"' in response.text
    assert ">do you &lt;hear&gt; me</textarea>" in response.text
    assert visitor.fields["nonce"] == nonce
    visitor.door.broken = None
    assert (await visitor.send(text="do you <hear> me")).status_code == 200
    out = capsys.readouterr()
    assert "hear" not in out.out + out.err
    assert SECRET_WORDS not in out.out + out.err


async def test_exit_ends_the_chat_and_empties_the_page(visitor: Visitor) -> None:
    await visitor.begin()
    token = visitor.fields["token"]
    response = await visitor.client.post("/exit", data={"token": token})
    assert visitor.door.left == [token]
    assert response.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=https://www.dmi.dk">' in response.text
    assert response.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert token not in response.text
    assert (await visitor.send(text="hello")).status_code == 410


async def test_exit_link_leaves_without_a_token(client: httpx.AsyncClient) -> None:
    response = await client.get("/exit")
    assert response.status_code == 303
    assert response.headers["location"] == "https://www.dmi.dk"
    assert response.headers["clear-site-data"] == '"cache", "cookies", "storage"'


async def test_exit_works_while_the_store_is_down(visitor: Visitor) -> None:
    await visitor.begin()
    visitor.door.broken = StoreUnavailableError("down")
    response = await visitor.client.post("/exit", data={"token": visitor.fields["token"]})
    assert "https://www.dmi.dk" in response.text
    visitor.door.broken = None
    assert (await visitor.send(text="hello")).status_code == 410


async def test_answer_under_way_does_not_bring_back_who_left(visitor: Visitor) -> None:
    await visitor.begin()
    token = visitor.fields["token"]
    visitor.door.hold = asyncio.Event()
    visitor.door.held = asyncio.Event()
    sending = asyncio.create_task(visitor.send(text=SECRET_WORDS))
    await visitor.door.held.wait()
    await visitor.client.post("/exit", data={"token": token})
    visitor.door.hold.set()
    response = await sending
    assert response.status_code == 410
    assert token not in visitor.door.visitors
    assert visitor.door.left == [token, token]


async def test_unreadable_button_leads_to_the_menu(visitor: Visitor) -> None:
    await visitor.begin()
    await visitor.send(tap="utter_x'; drop table--")
    assert visitor.said[-1].startswith(MENU)


async def test_phone_numbers_are_links_only_where_they_are_numbers(visitor: Visitor) -> None:
    await visitor.begin()
    page = await visitor.send(text="call me on +4570202550 or 112, see https://evil.example")
    own = page.text.split('class="said own"')[1].split("</div>")[0]
    assert "<a" not in own
    assert "+4570202550" in own
    await visitor.send(tap="utter_danger_now")
    assert 'href="tel:112"' in visitor.page


async def test_privacy_page_says_what_the_deck_says(client: httpx.AsyncClient) -> None:
    response = await client.get("/privacy")
    assert "<h1>What we keep and who can read it</h1>" in response.text
    assert "set-cookie" not in response.headers


async def test_words_never_reach_an_address(visitor: Visitor) -> None:
    await visitor.begin()
    response = await visitor.send(text=SECRET_WORDS)
    assert str(response.url) == "https://chat.example/"
    assert not re.search(r'(?:href|action|src)="[^"]*(?:\?|passport)', response.text)
    assert visitor.fields["token"] not in "".join(
        re.findall(r'(?:href|src)="([^"]*)"', response.text)
    )


async def test_page_hides_topic_in_title_and_addresses(visitor: Visitor) -> None:
    response = await visitor.open()
    assert "<title>Chat</title>" in response.text
    addresses = re.findall(r'(?:href|src|action)="([^"]*)"', response.text)
    assert {a for a in addresses if not a.startswith(("/a/", "#", "tel:"))} == {
        "/", "/exit", "/privacy", "/icon.svg"
    }  # fmt: skip


def test_incoming_never_shows_words_in_its_repr_of_submission() -> None:
    shown = repr(replace(Submission(), text=SECRET_WORDS, token="t" * 43))
    assert "passport" not in shown
    assert "ttt" not in shown
