"""The profile people see before they write: in each locale, written only where it differs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.backoff import Backoff
from bot.adapters.telegram import Profile
from bot.bootstrap import channels
from bot.domain.facts import Registry
from bot.domain.screens import Deck
from bot.i18n import Texts, Values
from tests.support.app import running
from tests.support.claims import phone
from tests.support.fakes import FakeClock
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_rig import Rig, open_rig

PRIVATE = '{"type": "all_private_chats"}'
DECK = Deck(
    screens={},
    words={"about": "Free information.", "short": "Information.", "menu": "Menu", "hide": "Hide"},
    fixed_row=(),
    fixed_row_except=frozenset(),
    meta={
        "channel_profile": {
            "name": "{bot_name}",
            "description": "about",
            "short_description": "short",
            "commands": [
                {"command": "menu", "description": "menu"},
                {"command": "hide", "description": "hide"},
            ],
        }
    },
)


class Danish(Texts):
    """Serves a word of its own in every locale but English."""

    def __init__(self) -> None:
        super().__init__({}, allow_drafts=False)

    def get(self, context: str, source: str, locale: str) -> str:
        return source if locale == "en" else f"{source} ({locale})"


def profile_of(rig: Rig, deck: Deck = DECK) -> Profile:
    values = Values(deck, Registry({}), Danish(), {"bot_name": "Havn"})
    return Profile(rig.client, deck, values, lambda: ("en", "da", "pt_BR"))


@pytest.fixture
async def api() -> AsyncIterator[TelegramApi]:
    async with await TelegramApi.start() as api:
        yield api
        assert api.violations == []


@pytest.fixture
async def rig(api: TelegramApi) -> AsyncIterator[Rig]:
    async with open_rig(api) as rig:
        yield rig


async def test_profile_is_set_in_each_locale_and_in_english_for_all_others(
    api: TelegramApi, rig: Rig
) -> None:
    assert await profile_of(rig).publish() == 1 + 4 * 3
    assert api.profile == {
        ("name", ""): "Havn",
        ("description", ""): "Free information.",
        ("short_description", ""): "Information.",
        ("description", "en"): "Free information.",
        ("short_description", "en"): "Information.",
        ("description", "da"): "Free information. (da)",
        ("short_description", "da"): "Information. (da)",
        ("description", "pt"): "Free information. (pt_BR)",
        ("short_description", "pt"): "Information. (pt_BR)",
    }
    assert set(api.commands) == {(PRIVATE, code) for code in ("", "en", "da", "pt")}
    assert api.commands[PRIVATE, "da"] == [
        {"command": "menu", "description": "Menu (da)"},
        {"command": "hide", "description": "Hide (da)"},
    ]


async def test_second_start_writes_nothing(api: TelegramApi, rig: Rig) -> None:
    await profile_of(rig).publish()
    before = len([call for call in api.calls if call.method.lower().startswith("set")])
    assert await profile_of(rig).publish() == 0
    after = len([call for call in api.calls if call.method.lower().startswith("set")])
    assert before == after == 13


async def test_only_what_differs_is_written(api: TelegramApi, rig: Rig) -> None:
    await profile_of(rig).publish()
    api.profile["description", "da"] = "Changed by hand"
    del api.commands[PRIVATE, "pt"]
    assert await profile_of(rig).publish() == 2


async def test_failures_are_logged_and_the_rest_goes_on(api: TelegramApi, rig: Rig) -> None:
    api.fail(400, method="setMyName")
    api.fail(502, method="setMyDescription")
    api.fail(429, retry_after=3, method="setMyCommands")
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    assert await profile_of(rig).publish(Backoff(sleep)) == 11
    assert slept == [3]
    assert [e["event"] for e in rig.logged].count("telegram_profile_failed") == 2


async def test_a_long_pause_is_left_to_the_next_start(api: TelegramApi, rig: Rig) -> None:
    api.fail(429, retry_after=80_000, method="setMyName")
    assert await profile_of(rig).publish() == 0
    assert api.profile == {}
    assert await profile_of(rig).publish() == 13


async def test_deck_without_profile_changes_only_the_commands(api: TelegramApi, rig: Rig) -> None:
    bare = Deck({}, {}, (), frozenset())
    assert await profile_of(rig, bare).publish() == 0
    assert api.profile == {}


async def test_a_choice_of_language_leaves_nothing_beside_the_messages(tmp_path: Path) -> None:
    """What is set for one chat stays when its messages are hidden, for whoever holds the phone."""
    async with phone(tmp_path, FakeClock()) as chat:
        await chat.sends("/start")
        await chat.taps("Language")
        await chat.taps("Dansk")
        assert "Jeg er et computerprogram" in chat.texts[-1]
        await chat.sends("/hide")
        called = {call.method.lower() for call in chat.api.calls}
    assert "sendmessage" in called
    assert not [method for method in called if method.startswith("set")]


async def test_the_profile_follows_what_is_published(
    api: TelegramApi, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_PROFILE_SECONDS", 0.05)
    monkeypatch.setattr(Texts, "locales", ("en",))  # three requests instead of 42

    async with running(tmp_path) as app:
        keeping = asyncio.create_task(channels._keep_profile(app, rig.client))
        async with asyncio.timeout(20):
            while not api.profile:  # noqa: ASYNC110 -- the emulator has no event for it
                await asyncio.sleep(0.05)
        bundle = replace(
            app.library.bundle,
            number=1,
            values={"word/channel_short_description": {"text": "Open all night."}},
        )
        app.library._serve(bundle)
        async with asyncio.timeout(20):
            while "Open all night." not in str(api.profile):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        keeping.cancel()
