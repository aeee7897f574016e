"""The emulated Bot API, seen through the real python-telegram-bot."""

import asyncio
import json
import unicodedata
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import telegram
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from tests.support.telegram_api import SECRET_HEADER, TelegramApi
from tests.support.telegram_payloads import MEDIA, Person

MENU = telegram.InlineKeyboardMarkup(
    [[telegram.InlineKeyboardButton("Phone", callback_data="s:phone")]]
)
LINK = telegram.InlineKeyboardMarkup(
    [[telegram.InlineKeyboardButton("Site", url="https://example.org/")]]
)
WEBHOOK = "https://bot.example/hook"


@pytest.fixture
async def api() -> AsyncIterator[TelegramApi]:
    async with await TelegramApi.start(now=lambda: 1_800_000_000.0) as api:
        yield api


@pytest.fixture
async def bot(api: TelegramApi) -> AsyncIterator[telegram.Bot]:
    async with telegram.Bot(api.token, base_url=api.base_url) as bot:
        yield bot


async def texts(
    bot: telegram.Bot, offset: int | None = None, *, limit: int = 100, wait: int = 0
) -> list[str | None]:
    updates = await bot.get_updates(offset=offset, limit=limit, timeout=wait)
    return [update.message.text for update in updates if update.message]


# Updates by polling


async def test_unconfirmed_updates_are_delivered_again(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    for text in ("one", "two", "three"):
        await visitor.sends(text)
    first = (await bot.get_updates(timeout=0))[0].update_id
    assert await texts(bot) == ["one", "two", "three"]
    assert await texts(bot, first + 1) == ["two", "three"]
    assert await texts(bot, limit=1) == ["two"]
    assert await texts(bot, -1) == ["three"]
    assert await texts(bot, first + 3) == []
    await api.drained()


async def test_long_poll_answers_when_something_arrives(
    api: TelegramApi, bot: telegram.Bot
) -> None:
    poll = asyncio.create_task(texts(bot, wait=5))
    await api.wait_for(lambda: api.calls_of("getUpdates") or None, 1)
    assert not poll.done()
    await api.visitor().sends("hello")
    assert await asyncio.wait_for(poll, 1) == ["hello"]


async def test_second_poller_ends_the_first(api: TelegramApi, bot: telegram.Bot) -> None:
    async with telegram.Bot(api.token, base_url=api.base_url) as other:
        first = asyncio.create_task(texts(bot, wait=5))
        await api.wait_for(lambda: api.calls_of("getUpdates") or None, 1)
        second = asyncio.create_task(texts(other, wait=5))
        with pytest.raises(Conflict, match="only one bot instance"):
            await asyncio.wait_for(first, 1)
        await api.visitor().sends("hello")
        assert await asyncio.wait_for(second, 1) == ["hello"]


async def test_unwanted_kinds_are_never_queued(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    await bot.get_updates(timeout=0, allowed_updates=["message"])
    message = await visitor.sends("first")
    await visitor.edits(message, "second")
    assert [u.edited_message for u in await bot.get_updates(timeout=0)] == [None]
    await bot.get_updates(timeout=0, allowed_updates=[])
    await visitor.edits(message, "third")
    sent, changed = await bot.get_updates(timeout=0)
    assert sent.message is not None
    assert changed.edited_message is not None
    assert (sent.message.text, changed.edited_message.text) == ("first", "third")


async def test_offset_from_before_a_jump_back_confirms_nothing(
    api: TelegramApi, bot: telegram.Bot
) -> None:
    visitor = api.visitor()
    await visitor.sends("before")
    stale = (await bot.get_updates(timeout=0))[0].update_id + 1
    with pytest.raises(RuntimeError):
        api.jump(5_000_000)
    await bot.get_updates(offset=stale, timeout=0)
    assert api.jump(5_000_000) == 5_000_000
    await visitor.sends("after")
    assert await texts(bot, stale) == ["after"]
    assert await texts(bot, 5_000_001) == []


async def test_updates_expire(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    await bot.send_message(visitor.id, "Menu", reply_markup=MENU)
    await visitor.sends("hello")
    await visitor.taps("Phone")
    api.advance(seconds=150)
    assert len(await bot.get_updates(timeout=0)) == 2
    api.advance(seconds=1)
    left = await bot.get_updates(timeout=0)
    assert [update.message is not None for update in left] == [True]
    api.advance(hours=24)
    assert await bot.get_updates(timeout=0) == ()


async def test_malformed_and_unknown_updates_pass_as_they_are(api: TelegramApi) -> None:
    api.inject({"message": {"message_id": "seven", "chat": None}})
    api.inject({"brand_new_kind": {"a": [1]}})
    api.inject({"update_id": "x"})
    api.inject([None])
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{api.base_url}{api.token}/getUpdates?limit=3")
    first, second, third = answer.json()["result"]
    assert first["message"] == {"message_id": "seven", "chat": None}
    assert second == {"update_id": first["update_id"] + 1, "brand_new_kind": {"a": [1]}}
    assert third == {"update_id": "x"}


# Updates by webhook


class Hook:
    """A webhook that answers with the given statuses first, then always with 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx.Request] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await self.gate.wait()
        return httpx.Response(self.statuses.pop(0) if self.statuses else 200)

    @property
    def texts(self) -> list[str]:
        bodies = [json.loads(request.content) for request in self.requests]
        return [body["message"]["text"] if "message" in body else "tap" for body in bodies]


async def hooked(hook: Hook) -> TelegramApi:
    return await TelegramApi.start(webhook_transport=httpx.MockTransport(hook))


async def test_webhook_gets_the_secret_and_repeats_until_accepted() -> None:
    hook = Hook(503, 500)
    async with (
        await hooked(hook) as api,
        telegram.Bot(api.token, base_url=api.base_url) as bot,
    ):
        visitor = api.visitor()
        await visitor.sends("one")
        await bot.set_webhook(WEBHOOK, secret_token="s3cret")
        await visitor.sends("two")
        await api.drained()
        assert hook.texts == ["one", "one", "one", "two"]
        assert {request.headers[SECRET_HEADER] for request in hook.requests} == {"s3cret"}
        assert [delivery.status for delivery in api.deliveries] == [503, 500, 200, 200]
        info = await bot.get_webhook_info()
        assert (info.url, info.pending_update_count) == (WEBHOOK, 0)
        assert info.last_error_message == "Wrong response from the webhook: 500"
        with pytest.raises(Conflict, match="webhook is active"):
            await bot.get_updates(timeout=0)
        await bot.delete_webhook()
        assert await bot.get_updates(timeout=0) == ()


async def test_webhook_waits_for_one_chat_but_not_for_another() -> None:
    hook = Hook()
    async with (
        await hooked(hook) as api,
        telegram.Bot(api.token, base_url=api.base_url) as bot,
    ):
        await bot.set_webhook(WEBHOOK)
        ana, ben = api.visitor(), api.visitor()
        await bot.send_message(ana.id, "Menu", reply_markup=MENU)
        hook.gate.clear()
        await ana.sends("ana 1")
        await ana.sends("ana 2")
        await ben.sends("ben 1")
        await ana.taps("Phone")
        await asyncio.sleep(0.02)
        assert sorted(hook.texts) == ["ana 1", "ben 1", "tap"]
        hook.gate.set()
        await api.drained()
        assert hook.texts[3:] == ["ana 2"]


async def test_forged_webhook_posts_carry_what_the_test_says() -> None:
    hook = Hook(401)
    async with (
        await hooked(hook) as api,
        telegram.Bot(api.token, base_url=api.base_url) as bot,
    ):
        await bot.set_webhook(WEBHOOK, secret_token="right")
        answer = await api.post(b"{broken", headers={SECRET_HEADER: "wrong"})
        assert answer.status_code == 401
        assert hook.requests[0].content == b"{broken"
        assert hook.requests[0].headers[SECRET_HEADER] == "wrong"
        with pytest.raises(BadRequest, match="unallowed characters"):
            await bot.set_webhook(WEBHOOK, secret_token="not allowed")


# Messages


async def test_sent_message_is_seen_with_its_settings(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    sent = await bot.send_message(
        visitor.id,
        "1234",
        reply_markup=MENU,
        disable_notification=True,
        protect_content=True,
        link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
    )
    seen = await visitor.expect("1234")
    assert (seen.id, seen.text, seen.labels) == (sent.message_id, "1234", ["Phone"])
    assert (seen.silent, seen.protected, seen.preview_off, seen.edited) == (True, True, True, False)
    assert sent.reply_markup == MENU
    assert sent.chat.username == visitor.person.username
    plain = await bot.send_message(visitor.id, "plain")
    assert plain.message_id > sent.message_id
    seen = await visitor.expect()
    assert (seen.silent, seen.protected, seen.preview_off, seen.labels) == (False, False, False, [])


async def test_reply_keyboards_are_seen_but_not_repeated(
    api: TelegramApi, bot: telegram.Bot
) -> None:
    visitor = api.visitor()
    keyboard = telegram.ReplyKeyboardMarkup([["Phone"]])
    sent = await bot.send_message(visitor.id, "Menu", reply_markup=keyboard)
    assert sent.reply_markup is None
    assert "keyboard" in (await visitor.expect()).markup


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "text must be non-empty"),
        (" \n ", "text must be non-empty"),
        ("x" * 4097, "message is too long"),
    ],
)
async def test_text_limits(api: TelegramApi, bot: telegram.Bot, text: str, error: str) -> None:
    with pytest.raises(BadRequest, match=f"(?i){error}"):
        await bot.send_message(api.visitor().id, text)
    await bot.send_message(api.visitor().id, "ø" * 4096)


async def test_text_is_cleaned_as_telegram_does(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    isolated = "\N{FIRST STRONG ISOLATE}+45\N{POP DIRECTIONAL ISOLATE}"
    override = "\N{RIGHT-TO-LEFT OVERRIDE}a\tb\N{POP DIRECTIONAL FORMATTING}"
    split = unicodedata.normalize("NFD", "å")
    sent = await bot.send_message(visitor.id, f" {isolated}\n{override}{split} ")
    assert sent.text == f"{isolated}\na ba"


async def test_callback_data_is_limited_to_64_bytes(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    for data, allowed in (("ø" * 32, True), ("ø" * 32 + "x", False)):
        button = telegram.InlineKeyboardButton("Phone", callback_data=data)
        sending = bot.send_message(
            visitor.id, "Menu", reply_markup=telegram.InlineKeyboardMarkup([[button]])
        )
        if allowed:
            await sending
        else:
            with pytest.raises(BadRequest, match=r"(?i)button_data_invalid"):
                await sending


async def test_edits_replace_text_and_buttons(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    sent = await bot.send_message(visitor.id, "Menu", reply_markup=MENU)
    await bot.edit_message_text("Numbers", visitor.id, sent.message_id, reply_markup=LINK)
    assert [(m.text, m.labels, m.edited) for m in visitor.chat] == [("Numbers", ["Site"], True)]
    await bot.edit_message_reply_markup(visitor.id, sent.message_id)
    assert [(m.text, m.labels) for m in visitor.chat] == [("Numbers", [])]
    heard = [(m.text, m.labels) for m in api.sent_to(visitor.id)]
    assert heard == [("Menu", ["Phone"]), ("Numbers", ["Site"]), ("Numbers", [])]


async def test_refused_edits(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    own = await visitor.sends("mine")
    sent = await bot.send_message(visitor.id, "Menu", reply_markup=MENU)
    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await bot.edit_message_text("Menu", visitor.id, sent.message_id, reply_markup=MENU)
    with pytest.raises(BadRequest, match=r"(?i)message can't be edited"):
        await bot.edit_message_text("Menu", visitor.id, own.id)
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_text("Menu", visitor.id, 1)


async def test_deletion_takes_both_sides(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    own = await visitor.sends("mine")
    sent = await bot.send_message(visitor.id, "yours")
    assert await bot.delete_messages(visitor.id, [own.id, sent.message_id, 1])
    assert visitor.chat == []
    with pytest.raises(BadRequest, match=r"(?i)message to delete not found"):
        await bot.delete_message(visitor.id, own.id)
    with pytest.raises(BadRequest, match=r"(?i)too many message identifiers"):
        await bot.delete_messages(visitor.id, list(range(1, 102)))


async def test_one_old_message_spoils_the_whole_deletion(
    api: TelegramApi, bot: telegram.Bot
) -> None:
    visitor = api.visitor()
    old = await visitor.sends("old")
    api.advance(hours=48)
    new = await visitor.sends("new")
    assert await bot.delete_message(visitor.id, (await visitor.sends("newest")).id)
    api.advance(seconds=1)
    with pytest.raises(BadRequest, match=r"(?i)can't be deleted for everyone"):
        await bot.delete_messages(visitor.id, [new.id, old.id])
    assert [message.text for message in visitor.chat] == ["old", "new"]
    assert await bot.delete_messages(visitor.id, [new.id])
    assert [message.text for message in visitor.chat] == ["old"]


async def test_message_of_exactly_48_hours_can_go(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    message = await visitor.sends("old")
    api.advance(hours=48)
    assert await bot.delete_message(visitor.id, message.id)
    assert visitor.chat == []


# Taps


async def test_tap_reaches_the_bot_and_is_answered(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    sent = await bot.send_message(visitor.id, "Menu", reply_markup=MENU)
    await bot.send_message(visitor.id, "Other", reply_markup=LINK)
    callback_id = await visitor.taps("Phone")
    query = (await bot.get_updates(timeout=0))[-1].callback_query
    assert query is not None
    assert (query.id, query.data) == (callback_id, "s:phone")
    assert query.message is not None
    assert query.message.message_id == sent.message_id
    assert await query.answer("Done")
    assert visitor.alerts == ["Done"]
    assert api.answered == {callback_id}
    with pytest.raises(LookupError):
        await visitor.taps("Site")


async def test_late_answers_to_taps_are_refused(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    await bot.send_message(visitor.id, "Menu", reply_markup=MENU)
    callback_id = await visitor.taps("s:phone")
    api.advance(seconds=api.callback_limit + 1)
    for wrong in (callback_id, "1"):
        with pytest.raises(BadRequest, match=r"(?i)query is too old"):
            await bot.answer_callback_query(wrong)
    assert api.answered == set()


async def test_tap_on_a_deleted_message_shows_no_content(
    api: TelegramApi, bot: telegram.Bot
) -> None:
    visitor = api.visitor()
    await bot.send_message(visitor.id, "Menu", reply_markup=MENU)
    menu = await visitor.expect("Menu")
    await bot.delete_message(visitor.id, menu.id)
    await visitor.taps("Phone", menu)
    query = (await bot.get_updates(timeout=0))[-1].callback_query
    assert query is not None
    assert isinstance(query.message, telegram.Message)
    assert (query.message.message_id, query.message.text) == (menu.id, None)
    assert query.message.date.timestamp() == 0


# People, media and groups


async def test_every_kind_of_message_is_one_the_library_knows(
    api: TelegramApi, bot: telegram.Bot
) -> None:
    visitor, friend = api.visitor(), Person.invented(99)
    for kind in MEDIA:
        await visitor.sends(kind=kind, caption="see" if kind == "photo" else None)
    await visitor.sends("/start da-p07")
    await visitor.sends("look", forwarded_from=friend)
    messages = [update.message for update in await bot.get_updates(timeout=0)]
    for kind, message in zip(MEDIA, messages, strict=False):
        assert message is not None
        assert message.effective_attachment or kind == "dice", kind
        assert getattr(message, kind), kind
    started, forwarded = messages[-2:]
    assert started is not None
    assert started.entities[0].type == "bot_command"
    assert forwarded is not None
    assert isinstance(forwarded.forward_origin, telegram.MessageOriginUser)
    assert forwarded.forward_origin.sender_user.first_name == friend.first_name


async def test_updates_carry_every_canary(api: TelegramApi) -> None:
    visitor = api.visitor(language_code="da", first_name="Mara", username=None)
    for kind in MEDIA:
        await visitor.sends(kind=kind)
    seen = json.dumps([item.update for item in api.pending])
    assert {"Mara", visitor.person.phone} < api.canaries()
    assert [canary for canary in api.canaries() if canary not in seen] == []
    assert '"language_code": "da"' in seen
    assert '"username": "username' not in seen


async def test_canaries_belong_to_one_person() -> None:
    one, other = Person.invented(7_000_000_001), Person.invented(7_000_000_002)
    assert len(one.canaries()) == 7
    assert not one.canaries() & other.canaries()


async def test_blocking_is_told_and_answered_with_403(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    await visitor.blocks()
    change = (await bot.get_updates(timeout=0))[-1].my_chat_member
    assert change is not None
    assert (change.old_chat_member.status, change.new_chat_member.status) == ("member", "kicked")
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(visitor.id, "hello")
    await visitor.unblocks()
    await bot.send_message(visitor.id, "hello")
    assert [message.text for message in visitor.chat] == ["hello"]


@pytest.mark.parametrize("kind", ["group", "supergroup"])
async def test_group_is_joined_and_left(api: TelegramApi, bot: telegram.Bot, kind: str) -> None:
    visitor = api.visitor()
    group = await api.group(visitor, kind=kind)  # type: ignore[arg-type]
    await group.says(visitor, "hello all")
    joined, added, said = await bot.get_updates(timeout=0)
    assert joined.my_chat_member is not None
    assert joined.my_chat_member.new_chat_member.status == "member"
    assert added.message is not None
    assert added.message.new_chat_members[0].id == bot.id
    assert said.effective_chat is not None
    assert (said.effective_chat.id, said.effective_chat.type) == (group.id, kind)
    assert await bot.leave_chat(group.id)
    with pytest.raises(Forbidden, match="bot is not a member"):
        await bot.send_message(group.id, "hello")


async def test_channel_posts_have_no_author(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    channel = await api.group(visitor, kind="channel")
    await channel.says(visitor, "news")
    post = (await bot.get_updates(timeout=0))[-1].channel_post
    assert post is not None
    assert (post.text, post.from_user) == ("news", None)


# Settings of the bot


async def test_commands_and_profile_are_kept_by_language(
    api: TelegramApi, bot: telegram.Bot
) -> None:
    scope = telegram.BotCommandScopeChat(api.visitor().id)
    await bot.set_my_commands([("menu", "Menu")], scope=scope, language_code="da")
    kept = await bot.get_my_commands(scope=scope, language_code="da")
    assert [(command.command, command.description) for command in kept] == [("menu", "Menu")]
    assert await bot.get_my_commands() == ()
    await bot.delete_my_commands(scope=scope, language_code="da")
    assert await bot.get_my_commands(scope=scope, language_code="da") == ()
    with pytest.raises(BadRequest, match=r"(?i)bot_command_invalid"):
        await bot.set_my_commands([("Menu!", "Menu")])
    await bot.set_my_name("Info", language_code="ro")
    await bot.set_my_description("Help")
    await bot.set_my_short_description("Help")
    await bot.set_chat_menu_button(menu_button=telegram.MenuButtonCommands())
    assert api.profile["name", "ro"] == "Info"
    assert api.profile["description", ""] == api.profile["short_description", ""] == "Help"
    assert api.menu_buttons == {None: {"type": "commands"}}
    with pytest.raises(BadRequest):
        await bot.set_my_name("x" * 65)


async def test_what_havn_must_not_do_is_noted(api: TelegramApi, bot: telegram.Bot) -> None:
    with pytest.raises(BadRequest):
        await bot.get_file("photo-1")
    with pytest.raises(telegram.error.EndPointNotFound):
        await bot.do_api_request("getSomethingNew", api_kwargs={"user_id": 1})
    await bot.delete_webhook(drop_pending_updates=True)
    async with httpx.AsyncClient() as client:
        await client.get(f"{api.base_url.removesuffix('bot')}file/bot{api.token}/voice.ogg")
    assert [line.split(":")[0] for line in api.violations] == [
        "getFile",
        "getSomethingNew",
        "drop_pending_updates",
        "download",
    ]


async def test_wrong_token_is_refused(api: TelegramApi) -> None:
    stranger = telegram.Bot(f"{api.token}x", base_url=api.base_url)
    with pytest.raises(InvalidToken):
        await stranger.initialize()
    await stranger.shutdown()
    assert [call.status for call in api.calls] == [401]


# Faults


async def test_429_pauses_one_chat_only(
    api: TelegramApi, bot: telegram.Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # else the library warns before it raises
    busy, calm = api.visitor(), api.visitor()
    api.fail(429, retry_after=600, chat=busy.id, times=2)
    for _ in range(2):
        with pytest.raises(RetryAfter) as caught:
            await bot.send_message(busy.id, "hello")
        assert caught.value.retry_after == timedelta(seconds=600)
        await bot.send_message(calm.id, "hello")
    await bot.send_message(busy.id, "hello")
    assert [len(room.chat) for room in (busy, calm)] == [1, 2]


async def test_faults_spare_polling_unless_named(api: TelegramApi, bot: telegram.Bot) -> None:
    api.fail(500, times=1)
    assert await bot.get_updates(timeout=0) == ()
    with pytest.raises(NetworkError, match="Internal Server Error"):
        await bot.send_chat_action(api.visitor().id, "typing")
    api.fail(409, method="getUpdates")
    with pytest.raises(Conflict):
        await bot.get_updates(timeout=0)
    api.fail(403, times=1)
    api.heal()
    await bot.send_chat_action(api.visitor().id, "typing")


async def test_cut_off_api_keeps_what_people_sent(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    api.cut_off()
    await visitor.sends("hello")
    for calling in (bot.get_updates(timeout=0), bot.send_message(visitor.id, "hello")):
        with pytest.raises(NetworkError):
            await calling
    api.heal()
    assert await texts(bot) == ["hello"]


async def test_bad_gateway_is_a_page_and_not_json(api: TelegramApi, bot: telegram.Bot) -> None:
    api.fail(502)
    with pytest.raises(NetworkError, match=r"Bad Gateway \(502\)"):
        await bot.send_message(api.visitor().id, "hello")


async def test_unknown_chat_is_not_found(api: TelegramApi, bot: telegram.Bot) -> None:
    with pytest.raises(BadRequest, match=r"(?i)chat not found"):
        await bot.send_message(123, "hello")
    assert api.calls[-1].params == {"chat_id": 123, "text": "hello"}


@pytest.mark.parametrize(("when", "arrived"), [("before", 0), ("after", 1), ("half", 1)])
async def test_cut_connections_leave_the_outcome_open(
    api: TelegramApi, bot: telegram.Bot, when: str, arrived: int
) -> None:
    visitor = api.visitor()
    api.drop(when)  # type: ignore[arg-type]
    with pytest.raises(NetworkError):
        await bot.send_message(visitor.id, "hello")
    assert len(visitor.chat) == arrived
    assert api.calls[-1].status == 0
    await bot.send_message(visitor.id, "hello")
    assert len(visitor.chat) == arrived + 1


async def test_broken_json_comes_after_the_effect(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    api.garble(method="sendMessage")
    with pytest.raises(telegram.error.TelegramError, match="Invalid server response"):
        await bot.send_message(visitor.id, "hello")
    assert len(visitor.chat) == 1


async def test_calls_can_be_held_and_slowed(api: TelegramApi, bot: telegram.Bot) -> None:
    visitor = api.visitor()
    gate = api.hold(chat=visitor.id)
    sending = asyncio.create_task(bot.send_message(visitor.id, "held"))
    await api.wait_for(lambda: api.calls_of("sendMessage") or None, 1)
    assert (visitor.chat, sending.done()) == ([], False)
    gate.set()
    await sending
    api.slow(0.2)
    with pytest.raises(telegram.error.TimedOut):
        await bot.send_message(visitor.id, "slow", read_timeout=0.05)
    await visitor.until(lambda chat: [message.text for message in chat] == ["held", "slow"])


# What tests ask


async def test_expect_moves_on_and_says_what_came_instead(
    api: TelegramApi, bot: telegram.Bot
) -> None:
    visitor = api.visitor()
    for text in ("one", "two", "three"):
        await bot.send_message(visitor.id, text)
    assert (await visitor.expect(lambda message: "w" in message.text)).text == "two"
    with pytest.raises(AssertionError, match=r"no message like 'one', only \['three'\]"):
        await visitor.expect("one", within=0.01)
    with pytest.raises(AssertionError):
        await visitor.hears_nothing(during=0.01)
    await visitor.expect("three")
    await visitor.hears_nothing(during=0.01)
    with pytest.raises(TimeoutError):
        await visitor.until(lambda chat: not chat, within=0.01)
