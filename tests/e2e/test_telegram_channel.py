"""What visitors see: silent plain messages, buttons, edits in place, and nothing after hiding."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.messages import Bubble, Choice
from bot.ports import DeliveryError, Refusal
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_rig import Rig, open_rig

PHONE = Choice("Phone", "utter_phone_numbers")
HIDE = Choice("Hide", "action_hide")
COPY = Choice("Copy", "action_copy_number", copy="+4570202550")
BUBBLE = Bubble("utter_main_menu", "en", "How can I help?", ((PHONE, HIDE), (COPY,)))


@pytest.fixture
async def api() -> AsyncIterator[TelegramApi]:
    async with await TelegramApi.start() as api:
        yield api
        assert api.violations == []


@pytest.fixture
async def rig(api: TelegramApi) -> AsyncIterator[Rig]:
    async with open_rig(api) as rig:
        yield rig


async def refused(rig: Rig, address: str, bubble: Bubble = BUBBLE) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await rig.channel.show(address, bubble)
    return caught.value


async def test_message_is_silent_plain_and_free_to_copy(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    reference = await rig.channel.show(str(visitor.id), BUBBLE)
    shown = await visitor.expect("How can I help?")
    assert reference == str(shown.id)
    assert shown.silent
    assert shown.preview_off
    assert not shown.protected
    assert shown.labels == ["Phone", "Hide", "Copy"]
    (call,) = api.calls_of("sendMessage")
    assert "parse_mode" not in call.params
    assert call.params["reply_markup"]["inline_keyboard"] == [
        [
            {"text": "Phone", "callback_data": "utter_phone_numbers"},
            {"text": "Hide", "callback_data": "action_hide"},
        ],
        [{"text": "Copy", "copy_text": {"text": "+4570202550"}}],
    ]


async def test_bubble_without_buttons(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    await rig.channel.show(str(visitor.id), Bubble("utter_hide_done", "en", "Hello.", ()))
    assert (await visitor.expect("Hello.")).labels == []


async def test_bubble_on_a_message_replaces_it(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    first = await rig.channel.show(str(visitor.id), BUBBLE)
    second = Bubble("utter_check_q1", "en", "1 of 6", ((HIDE,),), on=first)
    assert await rig.channel.show(str(visitor.id), second) == first
    assert [(m.text, m.labels, m.preview_off) for m in visitor.chat] == [("1 of 6", ["Hide"], True)]
    assert await rig.channel.show(str(visitor.id), second) == first, "unchanged is no failure"
    assert len(visitor.chat) == 1


@pytest.mark.parametrize("on", ["999999", "not-a-number", "1,2"])
async def test_message_that_cannot_be_replaced_is_sent_anew(
    api: TelegramApi, rig: Rig, on: str
) -> None:
    visitor = api.visitor()
    bubble = Bubble("utter_check_q1", "en", "1 of 6", (), on=on)
    reference = await rig.channel.show(str(visitor.id), bubble)
    assert [str(message.id) for message in visitor.chat] == [reference]


async def test_long_text_comes_in_pieces_with_buttons_under_the_last(
    api: TelegramApi, rig: Rig
) -> None:
    visitor = api.visitor()
    text = "\n\n".join(["word " * 500] * 4).strip()
    reference = await rig.channel.show(
        str(visitor.id), Bubble("reply", "en", text, ((HIDE,),), on="5")
    )
    assert [message.labels for message in visitor.chat] == [[], [], [], ["Hide"]]
    assert " ".join(" ".join(m.text for m in visitor.chat).split()) == " ".join(text.split())
    await rig.channel.delete(str(visitor.id), [reference])
    assert visitor.chat == [], "one reference is enough to delete all pieces"


async def test_pieces_already_shown_go_when_the_rest_is_refused(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    api.slow(0, method="sendMessage")  # the first call passes
    api.fail(429, retry_after=9, method="sendMessage")
    error = await refused(rig, str(visitor.id), Bubble("reply", "en", "word " * 1500, ()))
    assert (error.refusal, error.wait) == (Refusal.LATER, 9)
    assert visitor.chat == []
    assert len(visitor.heard) == 1


async def test_asked_to_wait_concerns_this_chat_only(api: TelegramApi, rig: Rig) -> None:
    slow, other = api.visitor(), api.visitor()
    api.fail(429, retry_after=600, chat=slow.id)
    error = await refused(rig, str(slow.id))
    assert (error.refusal, error.wait, error.everywhere) == (Refusal.LATER, 600, False)
    assert await rig.channel.show(str(other.id), BUBBLE)


async def test_blocked_and_unknown_chats_are_unreachable(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    await visitor.blocks()
    assert (await refused(rig, str(visitor.id))).refusal is Refusal.UNREACHABLE
    assert (await refused(rig, "12345")).refusal is Refusal.UNREACHABLE


async def test_what_telegram_will_never_take_is_rejected(api: TelegramApi, rig: Rig) -> None:
    bubble = Bubble("reply", "en", "text", ((Choice("x", "y" * 65),),))
    assert (await refused(rig, str(api.visitor().id), bubble)).refusal is Refusal.REJECTED


@pytest.mark.parametrize("code", [500, 502, 503, 504])
async def test_trouble_of_the_server_is_for_later(api: TelegramApi, rig: Rig, code: int) -> None:
    api.fail(code)
    error = await refused(rig, str(api.visitor().id))
    assert (error.refusal, error.everywhere) == (Refusal.LATER, False)


@pytest.mark.parametrize("when", ["before", "after", "half"])
async def test_cut_connection_is_for_later(api: TelegramApi, rig: Rig, when: str) -> None:
    api.drop(when)  # type: ignore[arg-type]
    assert (await refused(rig, str(api.visitor().id))).refusal is Refusal.LATER


async def test_garbled_answer_is_for_later(api: TelegramApi, rig: Rig) -> None:
    api.garble()
    assert (await refused(rig, str(api.visitor().id))).refusal is Refusal.LATER


async def test_refused_token_and_no_connection_concern_everybody(api: TelegramApi) -> None:
    async with open_rig(api) as rig:
        api.fail(401)
        error = await refused(rig, "1")
        assert (error.refusal, error.wait, error.everywhere) == (Refusal.LATER, 60, True)
        await api.stop()
        error = await refused(rig, "1")
        assert (error.refusal, error.everywhere) == (Refusal.LATER, True)


async def test_errors_quote_neither_words_nor_address(api: TelegramApi, rig: Rig) -> None:
    api.fail(400)
    error = await refused(rig, "7000000999", Bubble("reply", "en", "secret words", ()))
    assert error.__suppress_context__
    assert error.__cause__ is None
    assert str(error) == "unreachable"


# Hiding


async def test_hide_removes_both_sides_in_batches(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    references = []
    for _ in range(120):
        references.append(str((await visitor.sends("mine")).id))
        references.append(await rig.channel.show(str(visitor.id), BUBBLE))
    await rig.channel.delete(str(visitor.id), [*references, "", "nonsense", "99999999"])
    assert visitor.chat == []
    sizes = [len(call.params["message_ids"]) for call in api.calls_of("deleteMessages")]
    assert sizes == [100, 100, 41]


async def test_newest_messages_go_first(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    references = [str((await visitor.sends("mine")).id) for _ in range(101)]
    api.fail(429, retry_after=3, method="deleteMessages")
    with pytest.raises(DeliveryError) as caught:
        await rig.channel.delete(str(visitor.id), references)
    assert (caught.value.refusal, caught.value.wait) == (Refusal.LATER, 3)
    await rig.channel.delete(str(visitor.id), references)
    batches = [call.params["message_ids"] for call in api.calls_of("deleteMessages")]
    assert int(references[-1]) in batches[0]
    assert batches[-1] == [int(references[0])]


async def test_messages_too_old_to_delete_do_not_protect_the_others(
    api: TelegramApi, rig: Rig
) -> None:
    visitor = api.visitor()
    old = [str((await visitor.sends("old")).id) for _ in range(30)]
    api.advance(hours=49)
    new = [str((await visitor.sends("new")).id) for _ in range(30)]
    await rig.channel.delete(str(visitor.id), [*old, *new])
    assert {message.text for message in visitor.chat} == {"old"}


async def test_deleting_where_nobody_is_ends_early(api: TelegramApi, rig: Rig) -> None:
    with pytest.raises(DeliveryError) as caught:
        await rig.channel.delete("12345", [str(i) for i in range(1, 101)])
    assert caught.value.refusal is Refusal.UNREACHABLE
    assert len(api.calls_of("deleteMessages")) == 1


async def test_nothing_to_delete_asks_nobody(api: TelegramApi, rig: Rig) -> None:
    await rig.channel.delete("12345", [])
    assert api.calls == []
