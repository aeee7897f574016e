"""The webhook in process: 200 only for what is stored, and for what must not come again."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from bot.adapters.backoff import Backoff
from bot.adapters.telegram import register_webhook, webhook_route
from bot.domain.errors import ConfigurationError
from tests.support.recording_door import DANGER, RecordingDoor
from tests.support.telegram_api import SECRET_HEADER, TelegramApi
from tests.support.telegram_rig import Rig, open_rig

URL = "https://bot.example/p/7f3a91"
SECRET = "the-secret_of-this-webhook"


class Hook:
    """A web server in process that can be out of order before the first rig is there."""

    def __init__(self) -> None:
        self.app = Starlette()

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        await self.app(scope, receive, send)  # type: ignore[arg-type]


@pytest.fixture
async def hook() -> Hook:
    return Hook()


@pytest.fixture
async def api(hook: Hook) -> AsyncIterator[TelegramApi]:
    transport = httpx.ASGITransport(app=hook)
    async with await TelegramApi.start(webhook_transport=transport) as api:
        yield api
        assert api.violations == []


@pytest.fixture
async def rig(api: TelegramApi, hook: Hook) -> AsyncIterator[Rig]:
    async with open_rig(api, grace=0.05) as rig:
        hook.app = Starlette(routes=[webhook_route(URL, SECRET, rig.intake)])
        await register_webhook(rig.client, URL, SECRET)
        yield rig


def update(number: int = 5, text: str = "hello") -> dict[str, object]:
    chat = {"id": 7, "type": "private", "first_name": "Firstname7"}
    return {"update_id": number, "message": {"message_id": 1, "chat": chat, "text": text}}


async def test_messages_and_taps_come_in(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    await visitor.sends("hello")
    await rig.door.until(1)
    await api.drained()
    assert rig.door.texts == ["hello"]
    assert rig.door.marks == {}
    assert {delivery.status for delivery in api.deliveries} == {200}


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "\xff\xfe"])
async def test_without_the_secret_nothing_is_read_or_written(
    api: TelegramApi, rig: Rig, secret: str | None
) -> None:
    headers = {} if secret is None else {SECRET_HEADER: secret.encode("latin-1")}
    answer = await api.post(update(), headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.content) == (403, b"")
    assert rig.door.calls == 0


async def test_other_paths_and_methods_are_not_there(
    api: TelegramApi, rig: Rig, hook: Hook
) -> None:
    transport = httpx.ASGITransport(app=hook)
    async with httpx.AsyncClient(transport=transport, base_url="https://bot.example") as client:
        assert (await client.get("/p/7f3a91")).status_code == 405
        assert (await client.post("/p/other", json=update())).status_code == 404
    assert rig.door.calls == 0


async def test_too_large_bodies_are_refused_whatever_their_length_says(
    api: TelegramApi, rig: Rig
) -> None:
    headers = {SECRET_HEADER: SECRET}
    fits = json.dumps(update() | {"padding": "x" * 1_000_000}).encode()
    large = b"[" * (1024 * 1024 + 1)
    assert (await api.post(fits, headers)).status_code == 200
    assert (await api.post(large, headers)).status_code == 413
    assert rig.door.texts == ["hello"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"7",
        b'"text"',
        b"[]",
        b"{}",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b'{"update_id": 1, "message": {"text": "\\ud800"}}',
        b'{"update_id": 1, "hologram": {}}',
    ],
)
async def test_poison_is_answered_200_so_that_it_blocks_nobody(
    api: TelegramApi, rig: Rig, body: bytes
) -> None:
    assert (await api.post(body, {SECRET_HEADER: SECRET})).status_code == 200
    assert rig.door.accepted == []
    assert rig.logged
    await api.visitor().sends("good")
    await rig.door.until(1)


async def test_replays_are_harmless(api: TelegramApi, rig: Rig) -> None:
    answers = await asyncio.gather(*(api.post(update()) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert rig.door.texts == ["hello"]


async def test_store_down_asks_to_come_again_and_danger_is_answered_once(
    api: TelegramApi, rig: Rig
) -> None:
    visitor = api.visitor()
    rig.door.down = True
    await visitor.sends("he has a knife")
    await visitor.expect(DANGER.text, within=1)
    await rig.door.called(4)
    await visitor.hears_nothing()
    assert {delivery.status for delivery in api.deliveries} == {503}
    assert (await api.post(update())).headers["Retry-After"] == "5"
    rig.door.down = False
    await rig.door.until(1)
    await api.drained()
    assert rig.door.texts == ["he has a knife"]
    await visitor.hears_nothing()


async def test_slow_store_does_not_delay_danger(api: TelegramApi, rig: Rig) -> None:
    visitor = api.visitor()
    rig.door.gate = asyncio.Event()
    await visitor.sends("he has a knife")
    await visitor.expect(DANGER.text, within=1)
    assert api.deliveries == []
    rig.door.gate.set()
    await rig.door.until(1)
    await api.drained()


async def test_killed_while_storing_it_is_brought_again(api: TelegramApi, hook: Hook) -> None:
    door = RecordingDoor()
    door.gate = asyncio.Event()
    async with open_rig(api, door) as rig:
        hook.app = Starlette(routes=[webhook_route(URL, SECRET, rig.intake)])
        await register_webhook(rig.client, URL, SECRET)
        forged = asyncio.create_task(api.post(update()))
        await api.visitor().sends("kept")
        await asyncio.sleep(0.05)
        assert door.calls == 2
        door.down = True
        door.gate.set()
        assert (await forged).status_code == 503
        assert door.accepted == []
        door.down = False
        await door.until(1)
    assert door.texts == ["kept"]


async def test_setting_the_webhook_is_tried_until_it_works(api: TelegramApi) -> None:
    api.fail(502, times=3)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with open_rig(api) as rig:
        backoff = Backoff(sleep, lambda _low, high: high)
        await register_webhook(rig.client, URL, SECRET, backoff)
    assert slept == [1, 2, 4]
    (*_, call) = api.calls_of("setWebhook")
    assert call.params["secret_token"] == SECRET
    assert "drop_pending_updates" not in call.params
    assert api.webhook_info()["url"] == URL


@pytest.mark.parametrize("url", ["https://bot.example", "https://bot.example/"])
async def test_address_without_a_path_is_refused(api: TelegramApi, url: str) -> None:
    async with open_rig(api) as rig:
        with pytest.raises(ConfigurationError):
            webhook_route(url, SECRET, rig.intake)
