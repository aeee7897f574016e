"""F4: updates nobody should send, by webhook and by polling; and forms for the web page.

Each holds a canary wherever it holds words. None may end anything, none may be told to a log, and
the next good message is answered.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bot import bootstrap
from bot.adapters.telegram.webhook import LARGEST_BODY
from bot.bootstrap import App
from bot.domain.messages import Channel, MessageId
from bot.settings import Settings
from tests.storms.listening import listening
from tests.storms.outcome import Outcome
from tests.support.deck import ROOT, words
from tests.support.fakes import FakeDialogue
from tests.support.hostile import CANARY, browsers
from tests.support.stores import laid
from tests.support.telegram_api import SECRET_HEADER, TelegramApi
from tests.support.telegram_payloads import MEDIA, Person, media, membership
from tests.support.telegram_rig import kill

PATH = "/p/7f3a91"
SECRET = "the-secret_of-this-webhook"
TOKEN = "7000000000:emulated"
# The id of a visitor's chat is nothing to log either.
CHAT = 7_123_456_789_012
# What is between two good messages.
AT_ONCE = 50
# What Havn logs where it met an error of its own.
TROUBLE = (
    *("answer_failed", "telegram_accept_failed", "telegram_update_given_up"),
    *("telegram_emergency_broken", "turn_broken", "delivery_broken"),
)

_TELEGRAM, _NOTHING = Channel.TELEGRAM, MessageId(0)

# --- what is sent -----------------------------------------------------------------------------

PERSON = Person.invented(CHAT, first_name=CANARY, last_name=CANARY, username=CANARY)
_MESSAGE = {"message_id": 4711, "date": 1_795_000_000, "chat": PERSON.chat(), "from": PERSON.user()}
_BOT = {"id": 7, "is_bot": True, "first_name": "b"}
_GROUP = {"id": -100_777, "type": "supergroup", "title": CANARY}
GOOD: list[dict[str, Any]] = [
    {"message": {**_MESSAGE, "text": f"{CANARY} hello"}},
    {"message": {**_MESSAGE, "text": "/start ro-pro"}},
    {"message": {**_MESSAGE, "text": f"/hide {CANARY}"}},
    {"edited_message": {**_MESSAGE, "text": CANARY, "edit_date": 1_795_000_001}},
    {"message": {**_MESSAGE, "chat": _GROUP, "text": CANARY}},
    {"channel_post": {**_MESSAGE, "chat": {**_GROUP, "type": "channel"}, "text": CANARY}},
    {"my_chat_member": membership(PERSON.chat(), PERSON, _BOT, 1, ("member", "kicked"))},
    {
        "callback_query": {
            "id": "4",
            "from": PERSON.user(),
            "message": _MESSAGE,
            "chat_instance": "5",
            "data": "utter_main_menu",
        }
    },
    *({"message": {**_MESSAGE, "caption": CANARY, **media(kind, PERSON)}} for kind in MEDIA),
]
_NEW_KINDS = ("message_of_2030", "business_message", "poll_answer", "purchased_paid_media", "")

strange_words = st.sampled_from(
    [
        *(f"{CANARY}\0", f"\ud800{CANARY}", f"{CANARY}\udfff\udc00", f"\u202e{CANARY}", "/", "/@"),
        *(f"/start {CANARY}", "utter_main_menu\0", "action_forget", "9" * 400, f"{CANARY} " * 900),
    ]
) | st.text(st.characters(codec=None, exclude_categories=()), max_size=30).map(CANARY.__add__)
strange_numbers = (
    st.sampled_from([*(0, -1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**400, 0.5, 1e308), True])
    | st.floats()
)
strange = st.recursive(
    st.none() | st.booleans() | strange_words | strange_numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strange_words, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Return a good update with up to four places that hold something else, or nothing."""
    update: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    for _ in range(draw(st.integers(1, 4))):
        place: Any = update
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if isinstance(inner, (dict, list)) and inner and draw(st.integers(0, 3)):
                place = inner
                continue
            if draw(st.booleans()):
                place[key] = draw(strange)
            elif isinstance(place, dict):
                renamed = draw(strange_words)
                place[renamed] = place.pop(key)
            else:
                del place[key]
            break
    return update


future = st.builds(lambda kind, what: {kind: what}, st.sampled_from(_NEW_KINDS), strange)
objects = mutated() | future | st.dictionaries(strange_words, strange, max_size=3)


def _number(update: Any, number: int) -> Any:
    return {"update_id": number, **update} if isinstance(update, dict) else update


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Return what may arrive at the webhook: mostly JSON, seldom whole."""
    update = _number(draw(objects), draw(st.integers(1, 2**40)))
    body = json.dumps(update).encode()
    match draw(st.integers(0, 11)):
        case 0:
            return body[: draw(st.integers(0, len(body)))]
        case 1:
            flipped = bytearray(body)
            for _ in range(draw(st.integers(1, 5))):
                flipped[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
            return bytes(flipped)
        case 2:
            return draw(st.binary(max_size=200) | strange.map(json.dumps).map(str.encode))
        case 3:
            depth = draw(st.sampled_from([10, 900, 5_000, 100_000]))
            opening, closing = draw(st.sampled_from([(b"[", b"]"), (b'{"message":', b"}")]))
            return b'{"update_id":9,"message":' + opening * depth + b"0" + closing * depth + b"}"
        case 4:
            return json.dumps(update, ensure_ascii=False).encode("utf-16", "surrogatepass")
        case _:
            return body


@st.composite
def forms(draw: st.DrawFn) -> tuple[bytes, str]:
    """Return a body for the web page and what it says it is."""
    names = st.sampled_from(["text", "tap", "session", "after", "once", "locale", CANARY, ""])
    safe = strange_words.map(lambda text: text.encode("utf-8", "replace"))
    fields = draw(st.lists(st.tuples(names, safe), max_size=6))
    body = urlencode([(name, value) for name, value in fields]).encode()
    body = draw(st.sampled_from([body, body, body[: len(body) // 2], b"%00" + body, b"&=" * 900]))
    kind = st.sampled_from(
        [
            *["application/x-www-form-urlencoded"] * 3,
            *("multipart/form-data; boundary=x", "multipart/form-data", "text/plain", ""),
            "application/x-www-form-urlencoded; charset=utf-7",
        ]
    )
    return draw(st.just(body) | st.binary(max_size=120)), draw(kind)


# --- who receives it --------------------------------------------------------------------------


@asynccontextmanager
async def behind_a_webhook(folder: Path) -> AsyncIterator[tuple[App, httpx.AsyncClient]]:
    """Serve the real composition; Telegram itself is not there, so nothing is sent."""
    laid(folder)
    settings = Settings(
        root=ROOT,
        data_dir=folder,
        telegram_token=TOKEN,
        telegram_api_url="http://127.0.0.1:9",
        telegram_webhook_url=f"https://bot.example{PATH}",
        telegram_webhook_secret=SECRET,
    )
    async with (
        bootstrap.channels_of(settings) as channels,
        bootstrap.open_app(settings, dialogue=FakeDialogue(), words=words()) as app,
        browsers(app, channels) as client,
    ):
        yield app, client


@asynccontextmanager
async def behind_polling(folder: Path) -> AsyncIterator[TelegramApi]:
    """Let the real composition poll an emulated Telegram."""
    laid(folder)
    async with await TelegramApi.start() as api:
        settings = Settings(
            root=ROOT,
            data_dir=folder,
            allow_drafts=True,
            telegram_token=api.token,
            telegram_api_url=api.base_url.removesuffix("/bot"),
        )
        async with (
            bootstrap.channels_of(settings) as channels,
            bootstrap.open_app(
                settings, channels=channels.ports, dialogue=FakeDialogue(), words=words()
            ) as app,
        ):
            jobs = [*channels.listening(app), *(d.run() for d in app.deliverers.values())]
            tasks = [asyncio.create_task(job) for job in jobs]
            try:
                yield api
            finally:
                for task in tasks:
                    await kill(task)


def update(number: int, chat: int, **message: Any) -> dict[str, Any]:
    """Return a good update."""
    here = {"id": chat, "type": "private"}
    return {"update_id": number, "message": {"message_id": number, "chat": here, **message}}


# --- the storms -------------------------------------------------------------------------------


def examples(of: st.SearchStrategy[Any], times: int, number: int) -> list[Any]:
    """Draw from a strategy, the same for the same number."""
    drawn: list[Any] = []

    @seed(number)
    @settings(
        max_examples=times,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(of)
    def draw(example: Any) -> None:
        drawn.append(example)

    while len(drawn) < times:
        draw()
        number += 1
    return drawn[:times]


def by_webhook(times: int, folder: Path, number: int) -> Outcome:
    """Post bodies; each is answered 200, and after some a good one is stored and answered."""
    outcome = Outcome()

    async def storm() -> None:
        async with behind_a_webhook(folder) as (app, client):
            for start in range(0, times, AT_ONCE):
                some = examples(bodies(), min(AT_ONCE, times - start), number + start)
                if start % (20 * AT_ONCE) == 0:
                    some.append(b'{"update_id":1,"message":"' + b"x" * 10_000_000 + b'"}')
                answers = await asyncio.gather(*(_post(client, body) for body in some))
                for body, answer in zip(some, answers, strict=True):
                    wanted = 413 if len(body) > LARGEST_BODY else 200
                    outcome.expect(answer == wanted, f"{answer} for {len(body)} bytes")
                    outcome.count("updates")
                await _good_one(app, client, start + 1, outcome)

    _watched(storm, outcome)
    return outcome


async def _post(client: httpx.AsyncClient, body: bytes) -> int:
    try:
        response = await client.post(PATH, content=body, headers={SECRET_HEADER: SECRET})
    except Exception as error:  # noqa: BLE001 -- whatever the app lets out is what is looked for
        return -len(type(error).__name__)
    return response.status_code


async def _good_one(app: App, client: httpx.AsyncClient, number: int, outcome: Outcome) -> None:
    """Have somebody new say hello, and look for the answer."""
    chat = 5_000_000 + number
    good = json.dumps(update(2**50 + number, chat, text="/start en")).encode()
    outcome.expect(await _post(client, good) == 200, "a good update was refused")
    await app.reception.close()
    async with app.store.begin() as unit:
        known = await unit.conversations.find(app.sealer.lookups(_TELEGRAM, str(chat)))
        await app.sealer.load_keys(known.values())
        said = [await unit.messages.replies_after(id_, _NOTHING) for id_ in known.values()]
        left = await unit.messages.with_unanswered(app.clock.now(), 10)
    outcome.expect(any(said), "a good update was not answered")
    outcome.expect(not left, f"{len(left)} conversations were left without an answer")
    outcome.count("good ones between")


def by_polling(times: int, folder: Path, number: int) -> Outcome:
    """Queue updates; all are confirmed, and after some a good one is answered."""
    outcome = Outcome()

    async def storm() -> None:
        async with behind_polling(folder) as api:
            for start in range(0, times, AT_ONCE):
                for one in examples(objects | strange, min(AT_ONCE, times - start), number + start):
                    api.inject(_encodable(one))
                    outcome.count("updates")
                anna = api.visitor(language_code="en")
                await anna.sends("/start")
                try:
                    await anna.expect("computer program", within=60)
                    await api.drained(within=60)
                except (AssertionError, TimeoutError) as error:
                    outcome.expect(False, f"a good update was not answered: {type(error).__name__}")
                outcome.count("good ones between")
            outcome.expect(not api.violations, f"{api.violations}")

    _watched(storm, outcome)
    return outcome


def by_form(times: int, folder: Path, number: int) -> Outcome:
    """Send forms to the web page; none ends in an error, and after some somebody is answered."""
    outcome = Outcome()

    async def storm() -> None:
        async with behind_a_webhook(folder) as (_, client):
            for start in range(0, times, AT_ONCE):
                some = examples(forms(), min(AT_ONCE, times - start), number + start)
                answers = await asyncio.gather(*(_send(client, *form) for form in some))
                for status, form in zip(answers, some, strict=True):
                    fine = status in (200, 303, 400, 403, 413, 415, 422)
                    outcome.expect(fine, f"{status} for {form[1]!r}, {len(form[0])} bytes")
                    outcome.count("forms")
                page = await client.get("/")
                outcome.expect(page.status_code == 200, "the page is gone")

    _watched(storm, outcome)
    return outcome


async def _send(client: httpx.AsyncClient, body: bytes, kind: str) -> int:
    try:
        response = await client.post("/", content=body, headers={"content-type": kind})
    except Exception as error:  # noqa: BLE001 -- whatever the app lets out is what is looked for
        return -len(type(error).__name__)
    return response.status_code


def _watched(storm: Callable[[], Awaitable[None]], outcome: Outcome) -> None:
    """Run a storm; nothing of what was sent may be in the log, nor trouble of Havn's own."""
    with listening() as log:
        asyncio.run(storm())  # type: ignore[arg-type]
    written = log.getvalue()
    outcome.figures["log lines"] = written.count("\n")
    outcome.expect(CANARY not in written, "words of an update are in the log")
    outcome.expect(str(CHAT) not in written, "the id of a chat is in the log")
    for event in TROUBLE:
        outcome.expect(event not in written, f"{event}: {_around(written, event)}")
    outcome.expect("Traceback" not in written, "a traceback is in the log")


def _around(written: str, event: str) -> str:
    return next((line for line in written.splitlines() if event in line), "")


def _encodable(value: Any) -> Any:
    """Leave out what JSON has no word for, so that Telegram could send it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _encodable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_encodable(inner) for inner in value]
    return value
