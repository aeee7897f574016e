"""Hostile input and damaged surroundings against the real composition.

Each ends in a clear error or a kind answer; nothing is lost, nothing a visitor wrote is told, and
the next visitor is served.
"""

import asyncio
import json
import random
import shutil
import socket
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot import bootstrap
from bot.adapters.nlu import SocketDialogue
from bot.adapters.terminal import TerminalChat, as_number, read_script
from bot.bootstrap import App
from bot.commands import serve
from bot.domain import pace
from bot.domain.errors import ConfigurationError, DeckError, StoreUnavailableError
from bot.domain.messages import Channel, MessageId, Text
from bot.domain.triage import Level
from bot.i18n import Texts
from bot.services.deliver import Deliverer
from bot.settings import Settings
from tests.support.app import Visitor, running, screens
from tests.support.deck import ROOT, words
from tests.support.fakes import FakeClock, FakeDialogue, RecordingChannel, meaning
from tests.support.hostile import (
    CANARY,
    TAPS,
    TEXTS,
    Browser,
    HurryingClock,
    Liar,
    broken_unit,
    browsers,
    framed,
    nothing_told,
)
from tests.support.telegram_api import SECRET_HEADER, TelegramApi
from tests.support.telegram_rig import kill

HOOK = "https://bot.example/p/7f3a91"
SECRET = "the-secret_of-this-webhook"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running(tmp_path, clock=HurryingClock()) as app:
        yield app


def rows(app: App, table: str = "messages", where: str = "1") -> int:
    connection = sqlite3.connect(app.settings.data_dir / "havn.db")
    try:
        ((number,),) = connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchall()
        return int(number)
    finally:
        connection.close()


# --- words ------------------------------------------------------------------------------------


async def test_whatever_is_typed_is_answered_and_never_told(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with nothing_told(caplog):
        for name, text in TEXTS.items():
            visitor = Visitor(app)
            await visitor.starts()
            assert await visitor.says(text), name
            assert "utter_main_menu" in screens(await visitor.taps("utter_main_menu")), name


async def test_whatever_is_sent_to_the_web_page_is_answered(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with nothing_told(caplog):
        async with browsers(app) as client:
            for name, text in TEXTS.items():
                browser = Browser(client)
                await browser.begin()
                sent = text.encode("utf-8", "replace").decode()
                response = await browser.send(text=sent)
                assert response.status_code == (413 if name in _TOO_LARGE else 200), name
                assert 'id="log"' in response.text or response.status_code == 413, name
                assert "<script>alert" not in response.text


_TOO_LARGE = {"one hundred kB", "emoji", "marks upon marks"}


async def test_an_empty_message_is_no_reason_to_fall_silent(app: App) -> None:
    visitor = Visitor(app)
    await visitor.starts()
    for text in ("", "\u202e", "\0"):
        assert screens(await visitor.says(text)) == ["utter_nlu_off"]


async def test_an_address_is_not_repeated_and_not_told(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with nothing_told(caplog):
        async with browsers(app) as client:
            for path in (f"/?text={CANARY}", f"/{CANARY}", f"/exit?{CANARY}", f"/%00{CANARY}"):
                response = await client.get(path)
                assert response.status_code in (200, 303, 404)
                assert CANARY not in response.text
                assert CANARY not in str(response.headers)
            odd = {"accept-language": f"{CANARY};q=nan, xx;q=1e999,*;q=,,;", "cookie": CANARY}
            response = await client.get("/", headers=odd)
            assert response.status_code == 200
            assert CANARY not in response.text


# --- taps -------------------------------------------------------------------------------------


async def test_forged_taps_are_answered_and_the_chat_goes_on(app: App) -> None:
    async with browsers(app) as client:
        browser = Browser(client)
        await browser.begin()
        for tap in TAPS:
            response = await browser.send(tap=tap)
            assert response.status_code == 200, tap
        assert "Boss" not in browser.page
        assert (await browser.send(tap="utter_danger_now")).status_code == 200


async def test_any_screen_and_action_may_be_asked_for_in_any_order(app: App) -> None:
    """Also those that need values of the moment, and the fallback with its guesses."""
    chance = random.Random(7)
    targets = [*words()[0].deck.screens, *TAPS[8:]]
    targets += [f"action_set_language locale={code}" for code in ("en", "da")] * 5
    app.dialogue.meanings["lost"] = meaning("nlu_fallback", "utter_fallback_1")  # type: ignore[attr-defined]
    async with browsers(app) as client:
        for number in range(80):
            if number % 20 == 0:
                browser = Browser(client)
                await browser.begin()
            tap = chance.choice(targets)
            if tap.startswith(("utter_forget", "utter_hide")):
                continue
            sent = {"text": "lost"} if number % 9 == 0 else {"tap": tap}
            response = await browser.send(**sent)
            assert response.status_code == 200, sent


async def test_a_guess_survives_a_change_of_language(app: App) -> None:
    app.dialogue.meanings["lost"] = meaning("nlu_fallback", "utter_fallback_1")  # type: ignore[attr-defined]
    visitor = Visitor(app)
    await visitor.starts()
    assert screens(await visitor.says("lost"))[-1] == "utter_fallback_1"
    for tap in ("action_set_language locale=da", "action_resend"):
        (*_, last) = await visitor.taps(tap)
        assert "{" not in last.bubble.text


async def test_taps_alone_do_not_hand_over_without_consent(app: App) -> None:
    visitor = Visitor(app)
    await visitor.starts()
    for tap in ("action_queue_open", "utter_queue_kept", "action_option", "action_transfer_yes"):
        await visitor.taps(tap)
        assert await visitor.handover() is None


# --- an NLU unit that lies --------------------------------------------------------------------

DEEDS = (
    "action_hide",
    "action_forget",
    "action_queue_urgent",
    "action_queue_open",
    "action_leave_human",
    "action_autoclean_off",
    "utter_autoclean_on",
    "utter_human_notify",
    "utter_human_code_word",
    "utter_human_cancelled",
    "utter_queue_kept",
    "utter_danger_now",
)


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_lying_unit_does_nothing_by_itself(tmp_path: Path, deed: str) -> None:
    """From no screen that does not offer it, with any intent but the one that asks to hide."""
    async with running(tmp_path, clock=HurryingClock(), dialogue=Liar("greet", deed)) as app:
        visitor = Visitor(app)
        await visitor.starts()
        for screen in ("utter_main_menu", "utter_debt"):
            await visitor.taps(screen)
            before = rows(app)
            for _ in range(2):
                said = await visitor.says("tell me of the weather")
                assert said
                assert "utter_hide_done" not in screens(said)
            assert await visitor.handover() is None
            assert rows(app) == before + 2 + 2
            assert rows(app, "timers") == 0
        assert rows(app, "conversations", "forgetting_at IS NULL") == 1


@pytest.mark.parametrize("deed", ["utter_human_cancelled", "action_leave_human", "action_forget"])
async def test_a_lying_unit_takes_nobody_out_of_the_queue(tmp_path: Path, deed: str) -> None:
    async with running(tmp_path, clock=HurryingClock(), dialogue=Liar("greet", deed)) as app:
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_danger_now")
        await visitor.taps("action_queue_urgent")
        before = await visitor.handover()
        assert before
        await visitor.taps("utter_main_menu")
        await visitor.says("what about my papers")
        assert await visitor.handover() == before


async def test_a_lying_unit_never_raises_a_visitor_to_red(tmp_path: Path) -> None:
    async with running(
        tmp_path, clock=HurryingClock(), dialogue=Liar("danger_now", "utter_danger_now")
    ) as app:
        visitor = Visitor(app)
        await visitor.starts()
        assert screens(await visitor.says("nice weather"))[-1] == "utter_danger_now"
        assert await visitor.handover() is None
        await visitor.taps("utter_human_consent")
        await visitor.taps("utter_human_notify consent=new")
        await visitor.taps("action_queue_open notify=pull")
        handover = await visitor.handover()
        assert handover
        assert handover.level is Level.ORANGE


async def test_what_a_screen_offers_may_be_said_in_words(tmp_path: Path) -> None:
    """The protection does not take the words from the visitor."""
    async with running(
        tmp_path, clock=HurryingClock(), dialogue=Liar("affirm", "action_forget")
    ) as app:
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_forget_confirm")
        assert screens(await visitor.says("yes please")) == ["utter_forget_done"]
        assert rows(app, "conversations") == 0
    async with running(
        tmp_path, clock=HurryingClock(), dialogue=Liar("hide_chat", "action_hide")
    ) as app:
        visitor = Visitor(app)
        await visitor.starts()
        assert screens(await visitor.says("quick make this disappear")) == ["utter_hide_done"]


@pytest.mark.parametrize(
    "liar",
    [
        Liar("no_such_intent", "utter_no_such_screen"),
        Liar("", ""),
        Liar("nlu_fallback", "utter_fallback_1", ranking=[("no_such_intent", 1.0)] * 5),
        Liar("greet", "action_no_such_action"),
        Liar("greet", "utter_human_joined"),
        Liar("greet", "utter_forget_done"),
        Liar("greet", "utter_queue_wait"),
        Liar("greet", "action_set_language"),
        Liar("greet", "../../etc/passwd"),
    ],
    ids=lambda liar: f"{liar.said.intent}-{liar.said.outcomes[0]}",
)
async def test_nonsense_of_the_unit_is_answered_kindly(tmp_path: Path, liar: Liar) -> None:
    async with running(tmp_path, clock=HurryingClock(), dialogue=liar) as app:
        visitor = Visitor(app)
        await visitor.starts()
        for _ in range(3):
            said = screens(await visitor.says("something"))
            assert said
            assert not {"utter_human_joined", "utter_forget_done", "utter_queue_wait"} & {*said}
            assert "utter_error" not in said


TURN = {
    "intent": "debt",
    "confidence": 0.9,
    "ranking": [["debt", 0.9]],
    "outcomes": ["utter_debt"],
    "lang": "en",
    "lang_confidence": 1.0,
    "danger": 0.0,
    "self_harm": 0.0,
    "danger_words": False,
}
BAD_FRAMES = {
    "nothing": b"",
    "half a length": b"\0\0",
    "no content": framed(b""),
    "four gigabytes": b"\xff\xff\xff\xff{}",
    "cut": framed(TURN)[:-5],
    "not utf-8": framed(b'{"intent": "\xff"}'),
    "json bomb": framed(b"[" * 60_000),
    "long number": framed(b'{"intent": ' + b"9" * 5_000 + b"}"),
    "list": framed([TURN]),
    "null": framed(None),
    "error": framed({"error": "turn_failed"}),
    "no fields": framed({}),
    "intent of a wrong type": framed({**TURN, "intent": {"a": 1}}),
    "endless word": framed({**TURN, "outcomes": ["u" * 5_000]}),
    "outcomes of a wrong type": framed({**TURN, "outcomes": 5}),
    "ranking of a wrong type": framed({**TURN, "ranking": {"debt": 1}}),
    "too sure": framed({**TURN, "confidence": 1.5}),
    "not a number": framed({**TURN, "confidence": float("nan")}),
    "beyond all numbers": framed({**TURN, "confidence": 10**400}),
    "danger of a wrong type": framed({**TURN, "danger": "likely"}),
    "language of a wrong type": framed({**TURN, "lang": ["da"]}),
}


async def test_whatever_the_unit_s_socket_says_the_visitor_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dialogue = FakeDialogue()
    async with running(tmp_path, clock=HurryingClock(), dialogue=dialogue) as app:
        with nothing_told(caplog):
            for number, (name, frame) in enumerate(BAD_FRAMES.items()):
                path = tmp_path / f"{number}.sock"
                async with broken_unit(path, frame):
                    asked = SocketDialogue(path, deadline=0.5)
                    dialogue.interpret = asked.interpret  # type: ignore[method-assign]
                    visitor = Visitor(app)
                    await visitor.starts()
                    assert screens(await visitor.says(f"owe {CANARY}")) == ["utter_nlu_off"], name
                    await asked.close()


async def test_a_unit_that_hangs_costs_the_deadline_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "nlu.sock"
    dialogue = SocketDialogue(path, deadline=0.05)
    async with (
        broken_unit(path, b"", hang=True),
        running(tmp_path, clock=HurryingClock(), dialogue=dialogue) as app,
    ):
        visitor = Visitor(app)
        await visitor.starts()
        for _ in range(8):
            assert screens(await visitor.says("something")) == ["utter_nlu_off"]
        assert not dialogue.ready


# --- forms ------------------------------------------------------------------------------------


async def test_bodies_that_are_no_form_are_refused_and_the_next_one_is_read(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    bodies: list[tuple[dict[str, str], bytes]] = [
        (form, b""),
        (form, b"%00%ff&&&===&text=" + CANARY.encode()),
        (form, b"text=" + b"x" * 100_000),
        (form, b"&".join(b"a%d=1" % i for i in range(1_000))),
        ({"content-type": "application/json"}, b"[" * 10_000),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\n" * 50),
        ({"content-type": "multipart/form-data"}, CANARY.encode()),
        ({"content-type": CANARY}, b"a=b"),
        ({}, CANARY.encode()),
    ]
    with nothing_told(caplog):
        async with browsers(app) as client:
            for path in ("/", "/exit"):
                for headers, body in bodies:
                    response = await client.post(path, content=body, headers=headers)
                    assert response.status_code in (200, 400, 413)
                    assert CANARY not in response.text
            assert (await Browser(client).begin()).status_code == 200
    assert rows(app, "messages", "incoming") == 1


async def test_strange_fields_do_no_harm(app: App) -> None:
    async with browsers(app) as client:
        browser = Browser(client)
        await browser.begin()
        for change in (
            {"lang": "xx"},
            {"lang": "../da"},
            {"last": "9" * 19},
            {"last": "-1"},
            {"at": "9" * 19},
            {"at": "nan"},
            {"begun": "maybe"},
            {"watch": "maybe", "text": "x"},
        ):
            kept = dict(browser.fields)
            response = await browser.send(**{"tap": "utter_main_menu", **change})
            assert response.status_code == 200, change
            browser.fields = kept


async def test_the_same_form_counts_once_however_often_it_comes(app: App) -> None:
    async with browsers(app) as client:
        browser = Browser(client)
        await browser.begin()
        before = rows(app, "messages", "incoming")
        form = {**browser.fields, "text": "hello"}
        answers = await asyncio.gather(*(client.post("/", data=form) for _ in range(10)))
        again = await client.post("/", data=form)
        assert {a.status_code for a in (*answers, again)} == {200}
        assert rows(app, "messages", "incoming") == before + 1
        assert (await browser.send(tap="utter_debt")).status_code == 200


# --- Telegram ---------------------------------------------------------------------------------


def update(number: int, **message: Any) -> dict[str, Any]:
    chat = {"id": 77, "type": "private", "first_name": CANARY}
    return {
        "update_id": number,
        "message": {"message_id": number, "chat": chat, "from": {"id": 77}, **message},
    }


def bad_updates() -> list[Any]:
    """Return updates nobody should send, without ids; each carries the canary."""
    good = update(1, text=CANARY)["message"]
    return [
        {},
        {"message": None},
        {"message": CANARY},
        {"message": [CANARY]},
        {"message": {**good, "chat": None}},
        {"message": {**good, "chat": {"id": "77", "type": "private"}}},
        {"message": {**good, "chat": {"id": 2**70, "type": "private"}}},
        {"message": {**good, "chat": {"id": 1.5, "type": "private"}}},
        {"message": {**good, "message_id": None}},
        {"message": {**good, "text": {"a": CANARY}}},
        {"message": {**good, "text": [CANARY]}},
        {"message": {**good, "from": CANARY}},
        {"callback_query": {"id": 5, "data": CANARY}},
        {"callback_query": {"id": CANARY, "from": {"id": 77}, "message": good, "data": 5}},
        {"inline_query": {"id": "1", "query": CANARY}},
        {"poll_answer": {"option_ids": [CANARY]}},
        {"business_message": good},
        {"a_kind_of_next_year": {"text": CANARY}},
        {"edited_message": {**good, "text": None}},
        {"my_chat_member": {"chat": good["chat"]}},
        {"channel_post": {"chat": {"id": CANARY}}},
    ]


async def test_the_poller_passes_over_what_it_cannot_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with nothing_told(caplog):
        async with await TelegramApi.start() as api:
            settings = Settings(
                root=ROOT,
                data_dir=tmp_path,
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
                for raw in bad_updates():
                    api.inject(raw)
                anna = api.visitor(language_code="en")
                await anna.sends("/start")
                first = await anna.expect("computer program", within=10)
                for text in ("/inform{x", "\u202e\u2066", "/action_forget", "a" * 4096):
                    await anna.sends(text + CANARY[: 4096 - len(text)])
                    await anna.expect(within=10)
                for data in ("action_set_language locale=zz", "utter_" + "x" * 58, "x" * 64):
                    api.tap(anna, anna.person, first, data)
                    await anna.expect(within=10)
                for task in tasks:
                    await kill(task)
            assert api.violations == []


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[tuple[App, httpx.AsyncClient]]:
    """Serve the webhook of the real composition; Telegram itself is not there."""
    settings = Settings(
        root=ROOT,
        data_dir=tmp_path,
        telegram_token="7000000000:emulated",
        telegram_api_url="http://127.0.0.1:9",
        telegram_webhook_url=HOOK,
        telegram_webhook_secret=SECRET,
    )
    async with (
        bootstrap.channels_of(settings) as channels,
        bootstrap.open_app(settings, dialogue=FakeDialogue(), words=words()) as app,
        browsers(app, channels) as client,
    ):
        yield app, client


async def test_the_webhook_stores_what_is_good_and_nothing_else(
    hook: tuple[App, httpx.AsyncClient], caplog: pytest.LogCaptureFixture
) -> None:
    app, client = hook
    good = {SECRET_HEADER: SECRET}
    bodies = [json.dumps({"update_id": 100 + i, **raw}) for i, raw in enumerate(bad_updates())]
    bodies += ["", CANARY, "null", "[]", "5", "NaN", '"\\ud800"', "[" * 100_000, "9" * 9_000]
    bodies += [f'{{"update_id": {number}}}' for number in ("true", "-1", "1e400", "9" * 30)]
    with nothing_told(caplog):
        for wrong in ({}, {SECRET_HEADER: ""}, {SECRET_HEADER: f"{SECRET} "[:-2]}):
            body = json.dumps(update(5, text="hello"))
            refused = await client.post("/p/7f3a91", content=body, headers=wrong)
            assert refused.status_code == 403
        for body in bodies:
            response = await client.post("/p/7f3a91", content=body, headers=good)
            assert response.status_code == 200, body[:80]
            assert not response.content
        large = await client.post("/p/7f3a91", content=b" " * 1_100_000, headers=good)
        assert large.status_code == 413
        stored = rows(app, "messages", "incoming")
        for _ in range(3):
            fine = json.dumps(update(9_000, text=f"{CANARY}\ud800\0"))
            response = await client.post("/p/7f3a91", content=fine, headers=good)
            assert response.status_code == 200
    assert rows(app, "messages", "incoming") == stored + 1


# --- the terminal -----------------------------------------------------------------------------


async def test_the_terminal_takes_any_words(app: App) -> None:
    chat = TerminalChat(app.reception, locale="zz-ZZ")
    await chat.start()
    for name, text in TEXTS.items():
        assert await chat.type(text), name
    for number in ("0", "٩٩", "9" * 5_000, "²"):
        assert await chat.type(number)
    assert as_number("9" * 5_000) is None


@pytest.mark.parametrize("line", ["{", "[1]", '{"text": 5}', "[" * 100_000, "\ud800", "9" * 9_000])
async def test_a_damaged_script_is_named(app: App, tmp_path: Path, line: str) -> None:
    from bot.adapters.terminal import play  # noqa: PLC0415 -- used here only

    script = tmp_path / "script.jsonl"
    script.write_bytes(line.encode("utf-8", "surrogatepass"))

    async def run() -> None:
        async for _ in play(TerminalChat(app.reception), read_script(script)):
            pass

    with pytest.raises(ConfigurationError, match="script"):
        await run()


# --- settings and shipped files ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"\xff\xfe", "havn.toml"),
        (b"chat_port = ", "havn.toml"),
        (b"x = " + b"[" * 5_000, "havn.toml"),
        (b"chat_port = 80.5", "CHAT_PORT"),
        (b"chat_port = true", "CHAT_PORT"),
        (b"chat_port = 99999", "CHAT_PORT"),
        (b"chat_port = -1", "CHAT_PORT"),
        (b'operator_name = ["secret-value"]', "OPERATOR_NAME"),
        (b'data_dir = "a\\u0000secret-value"', "DATA_DIR"),
        (b"retention_cap_days = 99999999999", "RETENTION_CAP_DAYS"),
        (b"retention_idle_hours = 999999999", "RETENTION_IDLE_HOURS"),
        (b"nlu_deadline_ms = -5", "NLU_DEADLINE_MS"),
        (b'neutral_site = "https://[secret-value"', "NEUTRAL_SITE"),
        (b'neutral_site = "https:"', "NEUTRAL_SITE"),
        (b'telegram_webhook_url = "http://secret-value"\ntelegram_webhook_secret="x"', "WEBHOOK"),
    ],
)
def test_a_damaged_setting_is_named(tmp_path: Path, content: bytes, names: str) -> None:
    file = tmp_path / "havn.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=names) as caught:
        Settings.load({"HAVN_CONFIG": str(file)})
    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/x.db", "postgresql://[::1]:secret/x", "sqlite://"]
)
async def test_an_address_of_no_database_is_named(tmp_path: Path, url: str) -> None:
    settings = Settings(root=ROOT, data_dir=tmp_path, database_url=url)
    with pytest.raises(ConfigurationError, match="HAVN_DATABASE_URL") as caught:
        async with bootstrap.open_app(settings, words=words(), dialogue=FakeDialogue()):
            pass
    assert "secret" not in str(caught.value)


def test_a_port_in_use_is_named_with_what_to_set() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = serve.Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match="HAVN_CHAT_PORT"):
            serve.listen(address, "HAVN_CHAT_PORT")


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    """Return a copy of the shipped words without those of danger, which take long to compile."""
    folder = tmp_path / "locales"
    (folder / "da" / "LC_MESSAGES").mkdir(parents=True)
    # Without words of danger a language is not offered; these are soon compiled.
    (folder / "da" / "triage.yml").write_text("{locale: da, cry_for_help: {say: hjælp}}", "utf-8")
    for name in ("deck.yml", "facts.yml", "da/LC_MESSAGES/deck.po"):
        shutil.copy(ROOT / "locales" / name, folder / name)
    return folder


def load(folder: Path) -> Texts:
    return bootstrap.make_renderer(Settings(root=folder.parent, allow_drafts=True))[0].texts


@pytest.mark.parametrize("name", ["deck.yml", "facts.yml", "da/LC_MESSAGES/deck.po"])
@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\xff\xff", b"a: [", b"- 1", b"5", b"x: !!python/y"]
)
def test_a_damaged_file_is_named(locales: Path, name: str, content: bytes) -> None:
    (locales / name).write_bytes(content)
    if name.endswith(".po") and content in (b"", b"\0"):
        return  # an empty translation is none: English is served
    with pytest.raises(ConfigurationError, match=Path(name).name):
        load(locales)


def test_a_language_without_its_words_of_danger_is_not_offered(locales: Path) -> None:
    assert load(locales).locales == ("en", "da")
    (locales / "da" / "triage.yml").unlink()
    assert load(locales).locales == ("en",)


def test_missing_words_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="HAVN_ROOT"):
        load(tmp_path / "locales")


@pytest.mark.parametrize("screen", ["utter_danger_now", "utter_error", "utter_hide_done"])
def test_a_deck_without_a_screen_the_program_needs_is_refused(locales: Path, screen: str) -> None:
    deck = yaml.load((locales / "deck.yml").read_bytes(), Loader=yaml.CSafeLoader)
    del deck["screens"][screen]
    (locales / "deck.yml").write_text(yaml.safe_dump(deck))
    with pytest.raises(DeckError, match=screen):
        load(locales)


@pytest.mark.parametrize("fact", ["cmm_phone", "chat_hours"])
def test_a_fact_that_is_gone_is_noticed_at_the_start(locales: Path, fact: str) -> None:
    facts = yaml.load((locales / "facts.yml").read_bytes(), Loader=yaml.CSafeLoader)
    assert facts.pop(fact, None), fact
    (locales / "facts.yml").write_text(yaml.safe_dump(facts))
    with pytest.raises(ConfigurationError, match=fact):
        load(locales)


@pytest.mark.parametrize("value", [5, [], None, {"week": {"mon": 5}}, {"week": {"mon": ["25:00"]}}])
def test_hours_of_a_wrong_shape_are_named(locales: Path, value: Any) -> None:
    facts = yaml.load((locales / "facts.yml").read_bytes(), Loader=yaml.CSafeLoader)
    facts["chat_hours"]["value"] = value
    (locales / "facts.yml").write_text(yaml.safe_dump(facts))
    with pytest.raises(ConfigurationError, match="chat_hours"):
        load(locales)


def test_a_translation_with_a_placeholder_of_its_own_is_not_served(locales: Path) -> None:
    """It would be filled with nothing and leave the visitor without an answer."""
    file = locales / "da" / "LC_MESSAGES" / "deck.po"
    source = words()[0].deck["utter_danger_now"].text
    file.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        f'msgctxt "utter_danger_now"\nmsgid {json.dumps(source)}\n'
        'msgstr "Ring {nummeret}"\n'
    )
    assert load(locales).get("utter_danger_now", source, "da") == source


# --- keys and database ------------------------------------------------------------------------


async def begun(folder: Path) -> Path:
    """Leave behind what a run with one visitor leaves."""
    async with running(folder) as app:
        await Visitor(app, sender="anna").starts()
        await app.sealer.rotate()
    return folder / "var"


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("kek.1", None),
        ("kek.1", b""),
        ("kek.1", b"x" * 16),
        ("kek.1", b"x" * 32),
        ("pepper", None),
        ("pepper", b""),
        ("keys.db", None),
        ("keys.db", b""),
        ("keys.db", b"x" * 5_000),
    ],
)
async def test_a_damaged_key_folder_is_refused_and_left_alone(
    tmp_path: Path, name: str, damage: bytes | None
) -> None:
    """A start with new keys would silently lose everybody; so restoring the file must help."""
    file = await begun(tmp_path) / "keys" / name
    saved = file.read_bytes()
    file.unlink() if damage is None else file.write_bytes(damage)

    with pytest.raises(ConfigurationError, match="key folder"):
        async with running(tmp_path):
            pass

    file.write_bytes(saved)
    async with running(tmp_path) as app:
        sent = await app.reception.shown(Channel.WEB, "anna", MessageId(0))
        assert screens(sent) == ["utter_safe_to_talk"]


@pytest.mark.parametrize("name", ["pepper", "keys.db"])
async def test_keys_that_go_away_lose_no_message(app: App, name: str) -> None:
    """The visitor gets the numbers; the same form counts once the keys are back."""
    file = app.settings.keys_folder / name
    async with browsers(app) as client:
        browser = Browser(client)
        await browser.begin()
        form = {**browser.fields, "text": "hello"}
        before = rows(app, "messages", "incoming")
        hidden = file.rename(file.with_name("hidden"))
        if name == "pepper":
            answer = await client.post("/", data=form)
            assert answer.status_code == 503
            assert "112" in answer.text
            with pytest.raises(StoreUnavailableError):
                await Visitor(app).says("hello")
            assert rows(app, "messages", "incoming") == before
        hidden.rename(file)
        assert (await client.post("/", data=form)).status_code == 200
        assert rows(app, "messages", "incoming") == before + 1


@pytest.mark.parametrize("damage", [b"not a database" * 500, None])
async def test_a_damaged_database_is_refused_and_named(
    tmp_path: Path, damage: bytes | None
) -> None:
    database = await begun(tmp_path) / "havn.db"
    if damage:
        database.write_bytes(damage)
    else:
        database.unlink()
        database.mkdir()
    with pytest.raises(ConfigurationError, match="database"):
        async with running(tmp_path):
            pass


@pytest.mark.parametrize("trouble", ["query_only = 1", "max_page_count = 1"])
async def test_a_database_that_takes_no_writes_acknowledges_nothing(
    app: App, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Read-only or full: numbers from memory, then the same form again, once there is room."""
    name = trouble.split(" ", maxsplit=1)[0]
    with nothing_told(caplog):
        async with browsers(app) as client:
            browser = Browser(client)
            await browser.begin()
            await pragma(app, trouble)
            before = rows(app)
            form = {**browser.fields, "text": f"{CANARY} " * 800}
            answer = await client.post("/", data=form)
            assert answer.status_code == 503
            assert "112" in answer.text
            danger = await client.post("/", data={**browser.fields, "tap": "utter_danger_now"})
            assert danger.status_code in (200, 503)
            assert "112" in danger.text
            await pragma(app, {"query_only": "query_only = 0"}.get(name, f"{name} = 999999999"))
            assert rows(app) >= before
            other = Browser(client)
            assert (await other.begin()).status_code == 200


async def pragma(app: App, setting: str) -> None:
    """Set something on SQLite's one connection."""
    async with app.store._engine.connect() as connection:  # type: ignore[attr-defined]
        raw = (await connection.get_raw_connection()).driver_connection
        raw.execute(f"PRAGMA {setting}")


# --- time -------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [{"days": 30}, {"days": 3_650}, {"hours": -1}, {"days": -400}])
async def test_a_clock_that_jumps_erases_nothing(tmp_path: Path, jump: dict[str, float]) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_debt")
        kept = rows(app)
        clock.turn(**jump)
        await app.keeper.round()
        assert rows(app) == kept
        assert await visitor.taps("utter_main_menu")


async def test_a_clock_set_back_holds_no_answer(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = Visitor(app)
        for _ in range(15):
            await visitor.says("hello")
        clock.turn(hours=-1)
        async with asyncio.timeout(2):
            assert await visitor.says("hello")
    paced = pace.Pace()
    for _ in range(30):
        paced.hear(clock.now())
        paced.answer(clock.now(), urgent=False)
    clock.turn(hours=-1)
    assert paced.wait(clock.now(), urgent=False) <= pace.JOINED


async def test_a_clock_set_back_holds_no_delivery(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        deliverer: Deliverer = app.deliverers[Channel.TELEGRAM]
        await Visitor(app, Channel.TELEGRAM, sender="1").starts()
        await deliverer.step()
        clock.turn(hours=-1)
        await Visitor(app, Channel.TELEGRAM, sender="2").starts()
        await deliverer.step()
        assert len(channel.shown) >= 2


# --- a flood ----------------------------------------------------------------------------------


async def test_a_flood_of_one_keeps_nobody_else_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5,000 messages of one sender with five genuine visitors inside; all are stored."""
    monkeypatch.setattr(pace, "QUIET", timedelta(milliseconds=200))
    monkeypatch.setattr(pace, "JOINED", timedelta(milliseconds=100))
    async with running(tmp_path) as app:
        flooder = Visitor(app, sender="flooder")
        genuine = [Visitor(app) for _ in range(5)]
        waits: list[float] = []
        loop = asyncio.get_running_loop()

        async def arrive(visitor: Visitor, after: float) -> None:
            await asyncio.sleep(after)
            began = loop.time()
            said = await visitor.says("help me he has a knife")
            waits.append(loop.time() - began)
            assert "utter_danger_now" in screens(said)

        async def flood() -> None:
            for start in range(0, 5_000, 100):
                batch = [
                    flooder.incoming(Text(f"noise {n} " * 20)) for n in range(start, start + 100)
                ]
                await app.reception.accept(batch)

        await asyncio.gather(flood(), *(arrive(v, 0.2 * n) for n, v in enumerate(genuine)))
        assert len(waits) == 5
        assert rows(app, "messages", "incoming") == 5_005
        async with asyncio.timeout(20):
            while rows(app, "messages", "incoming AND state NOT IN ('done')"):
                await app.reception.resume()
                await asyncio.sleep(0.2)
        assert await flooder.taps("utter_main_menu")
