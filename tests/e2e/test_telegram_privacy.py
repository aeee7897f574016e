"""Nothing about a visitor reaches any log, at DEBUG, whatever goes wrong; nor does the token."""

import asyncio
import io
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import structlog
from starlette.applications import Starlette

from bot.adapters.backoff import Backoff
from bot.adapters.telegram import (
    Intake,
    Poller,
    TelegramChannel,
    open_client,
    quiet,
    webhook_route,
)
from bot.adapters.telegram import client as client_module
from bot.domain.messages import Bubble, Choice
from bot.logs import configure
from bot.ports import DeliveryError
from tests.support.recording_door import RecordingDoor
from tests.support.telegram_api import SECRET_HEADER, TelegramApi
from tests.support.telegram_payloads import MEDIA
from tests.support.telegram_rig import kill

WORDS = {
    *(
        "canary_typed",
        "canary_caption",
        "canary_start",
        "canary_tap",
        "canary_knife",
        "canary_deep",
    ),
    *("canary_shown", "canary_label", "canary_group", "canary_webhook", "canary_choke"),
    *("canary_broken", "canary_forwarded", "canary_edited", "canary_command", "canary_secret"),
}


class Everything(logging.Handler):
    """Keeps each record as the most talkative formatter would write it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        self.lines.append(f"{record.name} {record.getMessage()} {record.args!r} {trace}")


@pytest.fixture
async def api() -> AsyncIterator[TelegramApi]:
    async with await TelegramApi.start() as api:
        yield api


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """Lend what every logger said at DEBUG, and what Havn's own loggers printed."""
    printed = io.StringIO()
    monkeypatch.setattr("sys.stderr", printed)
    root, kept = logging.getLogger(), logging.getLogger().handlers[:]
    before = {name: _state(name) for name in (*quiet.LOUD, "asyncio")}
    configure("DEBUG")
    everything = Everything()
    root.handlers = [everything]
    root.setLevel(logging.DEBUG)
    for name in before:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield lambda: [*everything.lines, *printed.getvalue().splitlines()]
    root.handlers = kept
    root.setLevel(logging.WARNING)
    for name, (level, propagate, handlers) in before.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate, logger.handlers = propagate, handlers
    structlog.reset_defaults()


def _state(name: str) -> tuple[int, bool, list[logging.Handler]]:
    logger = logging.getLogger(name)
    return logger.level, logger.propagate, logger.handlers[:]


async def quick(_seconds: float) -> None:
    await asyncio.sleep(0.01)


async def everything_that_happens(api: TelegramApi) -> set[str]:
    """Go through every path of the adapter, good and bad; return what must not be found."""
    door = RecordingDoor()
    door.indigestible = "canary_choke"
    visitor = api.visitor(language_code="da")
    other = api.visitor()
    async with open_client(api.token, api.base_url.removesuffix("/bot")) as client:
        channel = TelegramChannel(client)
        intake = Intake(client.number, channel, door, lambda: ("en", "da"), patience=0)
        poller = Poller(client, intake, door, wait=1, outage=0.01, backoff=Backoff(quick))
        polling = asyncio.create_task(poller.run())
        await visitor.sends("/start canary_start")
        first = await visitor.sends("canary_typed")
        await visitor.sends("/menu canary_command")
        await visitor.sends("canary_forwarded", forwarded_from=other.person)
        await visitor.edits(first, "canary_edited")
        for kind in MEDIA:
            await visitor.sends(kind=kind, caption="canary_caption")
            await visitor.sends(kind=kind)
        group = await api.group(visitor, title="canary_group")
        await group.says(visitor, "canary_group")
        api.inject({"message": {"chat": visitor.payload, "text": ["canary_broken"]}})
        api.inject({"canary_broken": visitor.person.user()})
        api.inject("canary_broken")
        await door.until(5 + 2 * len(MEDIA))

        buttons = ((Choice("canary_label", "utter_x a=canary_tap"),),)
        bubble = Bubble("utter_x", "en", "canary_shown", buttons)
        address = str(visitor.id)
        await channel.show(address, bubble)
        await visitor.taps("canary_label")
        await door.until(6 + 2 * len(MEDIA))
        for code in (400, 403, 429, 500, 502):
            api.fail(code, method="sendMessage")
            await _refused(channel, address, bubble)
        for when in ("before", "after", "half"):
            api.drop(when, method="sendMessage")
            await _refused(channel, address, bubble)
        api.garble(method="sendMessage")
        await _refused(channel, address, bubble)
        api.garble(method="getUpdates")
        api.fail(409, method="getUpdates")
        api.fail(401, method="getUpdates")

        await visitor.sends("canary_choke")
        await api.drained(within=10)
        door.down = True
        await visitor.sends("canary_knife knife")
        await visitor.expect("112")
        door.down = False
        await api.drained(within=5)
        await kill(polling)
        await _webhook(api, intake)
        await intake.close()
    return WORDS | api.canaries() | {api.token, str(visitor.id), str(other.id)}


async def _refused(channel: TelegramChannel, address: str, bubble: Bubble) -> None:
    with pytest.raises(DeliveryError):
        await channel.show(address, bubble)


async def _webhook(api: TelegramApi, intake: Intake) -> None:
    app = Starlette(routes=[webhook_route("https://bot.example/hook", "canary_secret", intake)])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://bot.example") as web:
        right = {SECRET_HEADER: "canary_secret", "User-Agent": "canary_webhook"}
        for body in (b'{"update_id": 1, "canary_webhook": 2}', b'{"canary_webhook', b"[" * 99_999):
            assert (await web.post("/hook", content=body, headers=right)).status_code == 200
        wrong = {SECRET_HEADER: "canary_webhook"}
        answer = await web.post("/hook", content=b"canary_webhook", headers=wrong)
        assert answer.status_code == 403


async def test_no_log_holds_anything_of_a_visitor_or_the_token(
    api: TelegramApi, logged: Callable[[], list[str]]
) -> None:
    canaries = await everything_that_happens(api)
    lines = logged()
    assert [(c, line[:200]) for line in lines for c in canaries if c in line] == []
    said = "\n".join(lines)
    for event in ("refused", "unreachable", "accept_failed", "given_up", "store_away", "second"):
        assert f"_{event}" in said, "Havn itself must have logged on this path"


async def test_the_same_run_leaks_where_the_libraries_are_not_silenced(
    api: TelegramApi, logged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "silence", lambda: None)
    canaries = await everything_that_happens(api)
    whole = "\n".join(logged())
    found = {canary for canary in canaries if canary in whole}
    assert {api.token, "canary_typed", "canary_shown", "canary_caption"} <= found
    assert api.canaries() & found


def test_a_child_with_its_own_level_stays_silent(logged: Callable[[], list[str]]) -> None:
    quiet.silence()
    child = logging.getLogger("telegram.Bot")
    child.setLevel(logging.DEBUG)
    try:
        child.critical("canary_typed")
        logging.getLogger("httpx").critical("canary_typed")
    finally:
        child.setLevel(logging.NOTSET)
    logging.getLogger("other").debug("heard")
    assert not any("canary" in line for line in logged())
    assert any("heard" in line for line in logged())
