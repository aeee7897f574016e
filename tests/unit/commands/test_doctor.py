"""The doctor: finds what is missing, changes nothing, and keeps every secret."""

import asyncio
import json
import os
import shutil
import sqlite3
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.adapters.ballast import SIZE
from bot.adapters.sealing import EphemeralKeys, KeyRing
from bot.adapters.storage import SqlStore
from bot.commands import doctor as command
from bot.commands.examination import (
    Finding,
    Mark,
    channels,
    machine,
    nlu,
    storage,
    translator,
    words,
)
from bot.commands.examination.storage import AREA as STORAGE
from bot.settings import Settings
from tests.support import translation_server
from tests.support.telegram_api import TelegramApi
from tests.support.translation_server import http

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 22)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def settings(data: Path, keys: Path) -> Settings:
    return Settings(root=ROOT, data_dir=data, key_dir=keys, nlu="off")


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramApi]:
    async with await TelegramApi.start() as api:
        yield api


def changed(settings: Settings, **changes: Any) -> Settings:
    kept = {name: getattr(settings, name) for name in ("root", "data_dir", "key_dir", "nlu")}
    return Settings(**{**kept, **changes})


async def found(settings: Settings, what: str) -> Finding:
    """Return the one finding of a name; words and free text have tests of their own."""
    findings = list(machine.examine(settings))
    findings += [f async for f in storage.examine(settings)]
    findings += [f async for f in channels.examine(settings)]
    (finding,) = [f for f in findings if f.what == what]
    return finding


async def printed(settings: Settings, capsys: pytest.CaptureFixture[str]) -> str:
    """Return all that is printed, on the terminal and as JSON."""
    out = StringIO()
    for as_json in (False, True):
        with suppress(SystemExit):
            await command.doctor(settings, as_json=as_json, console=Console(file=out, width=200))
    return out.getvalue() + capsys.readouterr().out


# --- the whole --------------------------------------------------------------------------------


async def test_a_new_installation_runs_and_nothing_was_made(settings: Settings) -> None:
    findings = await command.examine(settings, TODAY)
    assert [f for f in findings if f.mark is Mark.STOP] == []
    assert list(settings.data_dir.iterdir()) == []
    assert not settings.keys_folder.exists()


async def test_every_finding_that_is_not_fine_says_what_to_do(settings: Settings) -> None:
    findings = await command.examine(changed(settings, nlu="auto", allow_drafts=True), TODAY)
    assert [f for f in findings if f.mark is not Mark.FINE and not f.do] == []
    assert [f for f in findings if "\n" in f.do] == []


async def test_json_holds_findings_and_settings(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await command.doctor(settings, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["runs"] is True
    names = {finding["what"] for finding in report["findings"]}
    assert {"Python", "Disk", "Database", "Facts"} <= names
    listed = {setting["name"]: setting for setting in report["settings"]}
    assert listed["HAVN_CHAT_PORT"] == {"name": "HAVN_CHAT_PORT", "value": "8080", "changed": False}
    assert listed["HAVN_NLU"]["changed"] is True


async def test_something_that_stops_havn_gives_exit_status_1(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        await command.doctor(changed(settings, root=settings.data_dir), as_json=True)
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out)["runs"] is False


async def test_no_secret_is_ever_printed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = ("7000000001:AAEh-secretsecret", "hunter2", "unguessable-path", "header-secret")
    shown = await printed(
        changed(
            settings,
            telegram_token=secrets[0],
            telegram_api_url="http://127.0.0.1:9",
            database_url=f"postgresql://havn:{secrets[1]}@127.0.0.1:9/havn",
            telegram_webhook_url=f"https://chat.example/{secrets[2]}",
            telegram_webhook_secret=secrets[3],
        ),
        capsys,
    )
    for name in ("TELEGRAM_TOKEN", "DATABASE_URL", "TELEGRAM_WEBHOOK_URL"):
        assert f"HAVN_{name}" in shown
    assert [secret for secret in secrets if secret in shown] == []
    assert [setting.value for setting in command.list_settings(changed(settings))][2] == "not set"


def test_every_setting_is_listed() -> None:
    listed = {setting.name for setting in command.list_settings(Settings())}
    assert listed == {f"HAVN_{name.upper()}" for name in Settings.__dataclass_fields__}


# --- machine ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "mark"), [(50, Mark.FINE), (80, Mark.LOOK), (90, Mark.LOOK), (99, Mark.LOOK)]
)
async def test_disk(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, used: int, mark: Mark
) -> None:
    usage = shutil._ntuple_diskusage(100 << 30, used << 30, (100 - used) << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    finding = await found(settings, "Disk")
    assert finding.mark is mark
    assert finding.found.startswith(f"{used} %")


async def test_reserve(settings: Settings) -> None:
    assert (await found(settings, "Reserve")).mark is Mark.LOOK
    with (settings.data_dir / "ballast").open("wb") as file:
        file.truncate(SIZE)
    assert (await found(settings, "Reserve")).mark is Mark.FINE


@pytest.mark.parametrize(
    ("content", "mark"),
    [
        ("Filename Type Size Used Priority\n", Mark.FINE),
        ("Filename Type Size Used Priority\n/swap file 2 0 -2\n", Mark.LOOK),
        (None, Mark.UNKNOWN),
    ],
)
def test_swap(tmp_path: Path, content: str | None, mark: Mark) -> None:
    path = tmp_path / "swaps"
    if content is not None:
        path.write_text(content)
    assert machine._swap(path).mark is mark


# --- storage ----------------------------------------------------------------------------------


async def test_folders_open_to_others_are_told(settings: Settings) -> None:
    assert (await found(settings, "Data folder")).mark is Mark.FINE
    settings.data_dir.chmod(0o750)
    finding = await found(settings, "Data folder")
    assert finding.mark is Mark.LOOK
    assert finding.do == f"chmod 700 {settings.data_dir}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_stops(settings: Settings) -> None:
    settings.data_dir.chmod(0o500)
    assert (await found(settings, "Data folder")).mark is Mark.STOP


async def test_keys_inside_the_data_folder_are_told(settings: Settings) -> None:
    assert (await found(settings, "Keys apart")).mark is Mark.FINE
    inside = changed(settings, key_dir=None)
    assert (await found(inside, "Keys apart")).mark is Mark.LOOK


async def test_key_files(settings: Settings, keys: Path) -> None:
    KeyRing.open(keys).close()
    assert (await found(settings, "Key files")).mark is Mark.FINE
    (keys / "pepper").chmod(0o644)
    assert (await found(settings, "Key files")).mark is Mark.LOOK
    (keys / "pepper").chmod(0o600)
    (keys / "kek.0").unlink()
    finding = await found(settings, "Key files")
    assert finding.mark is Mark.STOP
    assert "missing: kek.0" in finding.found


@pytest.mark.parametrize("content", [b"x" * 32, b"x", b""])
async def test_a_key_of_another_moment(settings: Settings, keys: Path, content: bytes) -> None:
    KeyRing.open(keys).close()
    (keys / "kek.0").write_bytes(content)
    finding = await found(settings, "Key files")
    assert finding.mark is Mark.STOP
    assert "kek.0 is not the key" in finding.found


async def test_key_files_of_an_earlier_version(settings: Settings, keys: Path) -> None:
    KeyRing.open(keys).close()
    with sqlite3.connect(keys / "keys.db") as database:
        database.execute("DROP TABLE proof")
    database.close()
    assert (await found(settings, "Key files")).mark is Mark.FINE


async def test_a_migrated_database_is_fine(settings: Settings) -> None:
    store = await SqlStore.open(f"sqlite:///{settings.data_dir / 'havn.db'}", EphemeralKeys())
    await store.close()
    finding = await found(settings, "Database")
    assert finding.mark is Mark.FINE
    assert "secure delete" in finding.found


async def test_an_empty_and_a_newer_database(settings: Settings) -> None:
    path = settings.data_dir / "havn.db"
    path.touch(0o600)
    assert (await found(settings, "Database")).mark is Mark.LOOK
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999_from_the_future')")
    database.close()
    finding = await found(settings, "Database")
    assert finding.mark is Mark.STOP
    assert "newer version" in finding.found


async def test_a_file_that_is_no_database_stops(settings: Settings) -> None:
    (settings.data_dir / "havn.db").write_bytes(b"not a database" * 100)
    assert (await found(settings, "Database")).mark is Mark.STOP


async def test_a_server_that_is_away_stops_and_is_not_named(settings: Settings) -> None:
    away = changed(settings, database_url="postgresql://somebody@127.0.0.1:9/secret-name")
    findings = [f async for f in storage.examine(away)]
    (finding,) = [f for f in findings if f.what == "Database"]
    assert finding.area == STORAGE
    assert finding.mark is Mark.STOP
    assert "secret-name" not in f"{finding}"
    assert "somebody" not in f"{finding}"


# --- channels ---------------------------------------------------------------------------------


def on_telegram(settings: Settings, api: TelegramApi, **changes: Any) -> Settings:
    url = api.base_url.removesuffix("/bot")
    return changed(settings, **{"telegram_token": api.token, "telegram_api_url": url, **changes})


async def test_telegram_is_asked_who_the_bot_is(settings: Settings, telegram: TelegramApi) -> None:
    finding = await found(on_telegram(settings, telegram), "Token")
    assert finding.mark is Mark.FINE
    assert finding.found == f"the bot is @{telegram.bot_user['username']}"


async def test_a_bot_that_groups_can_invite_is_told(
    settings: Settings, telegram: TelegramApi
) -> None:
    telegram.bot["can_join_groups"] = True
    assert (await found(on_telegram(settings, telegram), "Groups")).mark is Mark.LOOK
    telegram.bot["can_join_groups"] = False
    telegram.bot["supports_inline_queries"] = False
    assert (await found(on_telegram(settings, telegram), "Groups")).mark is Mark.FINE


async def test_a_token_telegram_refuses_stops(settings: Settings, telegram: TelegramApi) -> None:
    wrong = on_telegram(settings, telegram, telegram_token="7000000000:AAwrong")
    finding = await found(wrong, "Token")
    assert finding.mark is Mark.STOP
    assert "AAwrong" not in f"{finding}"


async def test_a_token_of_another_form_stops(settings: Settings) -> None:
    assert (await found(changed(settings, telegram_token="token"), "Token")).mark is Mark.STOP


async def test_telegram_out_of_reach_stops_nothing(settings: Settings) -> None:
    away = changed(settings, telegram_token="1:A", telegram_api_url="http://127.0.0.1:9")
    assert (await found(away, "Token")).mark is Mark.LOOK


async def test_polling_and_webhook_are_told_apart(
    settings: Settings, telegram: TelegramApi
) -> None:
    polling = await found(on_telegram(settings, telegram), "Receiving")
    assert polling.found == "long polling: one process only"
    url = "https://chat.example/path"
    hooked = on_telegram(
        settings, telegram, telegram_webhook_url=url, telegram_webhook_secret="secret"
    )
    assert "not registered yet" in (await found(hooked, "Receiving")).found


async def test_public_address_and_ports(settings: Settings) -> None:
    assert (await found(settings, "Public address")).mark is Mark.LOOK
    public = changed(settings, web_chat_url="https://chat.example/", console_host="0.0.0.0")
    assert (await found(public, "Public address")).mark is Mark.FINE
    assert (await found(public, "Chat port")).mark is Mark.FINE
    assert (await found(public, "Console port")).mark is Mark.LOOK


async def test_the_operator_is_named(settings: Settings) -> None:
    assert (await found(settings, "operator_name")).mark is Mark.LOOK
    named = changed(settings, operator_name="A hotline", operator_contact="post@hotline.example")
    assert (await found(named, "operator_name")).mark is Mark.FINE
    assert (await found(named, "operator_contact")).mark is Mark.FINE


# --- words ------------------------------------------------------------------------------------


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    """Lend a folder of words of our own, to change."""
    folder = tmp_path / "root" / "locales"
    folder.mkdir(parents=True)
    for path in (ROOT / "locales").glob("*.yml"):
        shutil.copy(path, folder)
    return folder


def test_unverified_and_overdue_facts_are_counted(settings: Settings) -> None:
    by_name = {f.what: f for f in words.examine(settings, TODAY)}
    assert by_name["Facts"].mark is Mark.LOOK
    assert by_name["Review dates"].mark is Mark.FINE
    later = {f.what: f for f in words.examine(settings, date(2036, 1, 1))}
    assert later["Review dates"].mark is Mark.LOOK


def test_drafts_outdated_and_missing_translations_are_counted(
    settings: Settings, locales: Path
) -> None:
    folder = locales / "da" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "deck.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        '#, fuzzy\nmsgctxt "button"\nmsgid "Yes"\nmsgstr "Ja"\n\n'
        '#, fuzzy\n#| msgid "Nope"\nmsgctxt "button"\nmsgid "No"\nmsgstr "Nej"\n\n'
        'msgctxt "button"\nmsgid "Menu"\nmsgstr ""\n\n'
        'msgctxt "button"\nmsgid "Phone"\nmsgstr "Telefon"\n',
        "utf-8",
    )
    own = changed(settings, root=locales.parent)
    by_name = {f.what: f for f in words.examine(own, TODAY)}
    assert by_name["Dansk (da)"].found == "4 texts: 1 drafts, 1 outdated, 1 missing"
    assert by_name["Not translated"].found.startswith("th, ro")
    assert "da" not in by_name["Not translated"].found.split(", ")
    assert by_name["No words of danger"].found == "da"
    (locales / "da" / "triage.yml").touch()
    assert "No words of danger" not in {f.what for f in words.examine(own, TODAY)}


def test_words_that_cannot_be_read_stop(settings: Settings, locales: Path) -> None:
    (locales / "facts.yml").write_text("cmm_phone: {kind: rumour}\n")
    findings = list(words.examine(changed(settings, root=locales.parent), TODAY))
    assert [f.mark for f in findings] == [Mark.STOP]


# --- free text --------------------------------------------------------------------------------


async def test_switched_off_is_fine(settings: Settings) -> None:
    (finding,) = [f async for f in nlu.examine(settings)]
    assert finding.mark is Mark.FINE


async def test_model_fresh_stale_and_missing(settings: Settings) -> None:
    own = changed(settings, nlu="auto")
    assert nlu._model(own).mark is Mark.LOOK
    rule = nlu._rule(own)
    folder = settings.data_dir / "models"
    folder.mkdir()
    model = folder / rule.MODEL_NAME
    model.write_bytes(b"a model")
    rule.Manifest(rule.sha256(model), rule.Inputs(ROOT).fingerprint(), 1.0).write(folder)
    assert nlu._model(own).mark is Mark.FINE
    model.write_bytes(b"another model")
    assert nlu._model(own).mark is Mark.LOOK


async def test_a_socket_nobody_answers_on(settings: Settings) -> None:
    own = changed(settings, nlu="auto")
    assert (await nlu._alive(own)).mark is Mark.FINE
    own.socket.touch()
    assert (await nlu._alive(own)).mark is Mark.LOOK


async def test_a_unit_that_answers_is_asked_for_its_model(settings: Settings) -> None:
    own = changed(settings, nlu="auto")
    present = nlu._rule(own).Inputs(ROOT).fingerprint()
    for fingerprint, mark in ((present, Mark.FINE), ("of yesterday", Mark.LOOK)):
        async with unit(own.socket, fingerprint):
            assert (await nlu._alive(own)).mark is mark


@asynccontextmanager
async def unit(path: Path, fingerprint: str) -> AsyncIterator[None]:
    """Run something that answers as the NLU unit does when asked for its health."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack(">I", await reader.readexactly(4))
        await reader.readexactly(length)
        content = json.dumps({"ok": True, "model": fingerprint}).encode()
        writer.write(struct.pack(">I", len(content)) + content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


# --- machine translation ----------------------------------------------------------------------


async def translating(settings: Settings) -> Finding:
    (finding,) = [finding async for finding in translator.examine(settings)]
    return finding


async def test_without_a_translation_server_nothing_is_asked(settings: Settings) -> None:
    finding = await translating(settings)
    assert (finding.mark, finding.found) == (Mark.FINE, "off: nothing is sent to be translated")


async def test_a_translation_server_is_tried_with_words_of_nobody(settings: Settings) -> None:
    async with translation_server.running() as server:
        chosen = changed(settings, translator_url=server.address, translator_key="secret-key")
        assert (await translating(chosen)).mark is Mark.FINE
        assert [question["q"] for question in server.asked] == ["Welcome"]
        server.answer = lambda _question: http(b"{}", 400)
        finding = await translating(chosen)
    assert finding.mark is Mark.LOOK
    assert finding.found == "does not translate English to Danish (status 400)"
    assert finding.do
    assert "secret-key" not in repr(finding)
    gone = await translating(chosen)
    assert gone.mark is Mark.LOOK


async def test_the_doctor_names_the_translation_server(settings: Settings) -> None:
    areas = [finding.area for finding in await command.examine(settings, TODAY)]
    assert translator.AREA in areas
