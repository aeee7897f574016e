"""The signer as operators run it: a process of its own, and visitors who see what it publishes."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.bootstrap import App, watcher
from bot.domain.content import digest, fact
from bot.domain.messages import Channel
from bot.domain.screens import Tap
from bot.domain.staff import Role
from bot.services.content import Seen
from tests.support.app import Visitor, running
from tests.support.content import SUNDAYS, person
from tests.support.deck import ROOT
from tests.support.fakes import FakeClock, RecordingChannel

# To start, read every language, and look at the database twice.
PATIENCE = 60.0
HOURS = fact("cmm_hours")


def environment(folder: Path) -> Mapping[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("HAVN_")}
    return {
        **own,
        "HAVN_DATA_DIR": str(folder / "var"),
        "HAVN_ROOT": str(ROOT),
        "HAVN_ALLOW_DRAFTS": "true",
    }


def machine() -> FakeClock:
    """Return the signer's own time: what was approved ahead of it would not be published."""
    return FakeClock(datetime.now(UTC))


async def there(path: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        while not os.path.exists(path):  # noqa: ASYNC110, ASYNC240, PTH110 -- another process makes it
            await asyncio.sleep(0.1)


@asynccontextmanager
async def signing(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "sign", "--until-stdin-closes"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(folder),
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def approve_hours(app: App) -> None:
    now = app.clock.now()
    value = SUNDAYS(dict(app.library.served.value(HOURS) or {}), day=f"{now:%Y-%m-%d}")
    base = digest(app.library.served.value(HOURS))
    editor = person("editor", Role.EDITOR, now=now)
    change = await app.content.edit(HOURS, value, Seen(None, 0, base), editor.staff)
    change = await app.content.submit(change.id, change.version, editor.staff)
    publisher = person("publisher", Role.PUBLISHER, now=now)
    await app.content.approve(change.id, change.version, publisher)


async def taken(app: App, process: asyncio.subprocess.Process) -> None:
    """Let the app look until it has a bundle."""
    watching = watcher(app, "all", tuple(Channel))
    async with asyncio.timeout(PATIENCE):
        while app.library.bundle.number == 0:
            assert process.returncode is None
            await watching.look()
            await asyncio.sleep(0.2)


async def test_a_web_and_a_telegram_visitor_see_new_hours_without_a_restart(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, clock=machine(), channel=RecordingChannel()) as app:
        web, telegram = Visitor(app), Visitor(app, Channel.TELEGRAM, hint="ar")
        screen = next(
            s.id
            for s in app.renderer.deck.screens.values()
            if "{cmm_hours}" in s.source("web") and s.id in app.renderer.deck.tappable
        )
        for visitor, locale in ((web, "en"), (telegram, "ar")):
            await visitor.starts(locale)
            await visitor.taps("utter_main_menu")
        before = (await web.taps(Tap(screen).encode()))[-1].bubble.text
        assert "09:15" not in before
        async with signing(tmp_path) as process:
            await approve_hours(app)
            await taken(app, process)
        assert "09:15" in (await web.taps(Tap(screen).encode()))[-1].bubble.text
        said = (await telegram.taps(Tap(screen).encode()))[-1].bubble.text
        assert "09:15" in said
        assert "17:45" in said


async def test_the_signer_ends_with_whoever_started_it(tmp_path: Path) -> None:
    async with signing(tmp_path) as process:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0


async def test_a_killed_signer_is_started_again_and_the_key_stays(tmp_path: Path) -> None:
    async with running(tmp_path, clock=machine()) as app:
        async with signing(tmp_path) as process:
            key = tmp_path / "var" / "signing" / "key"
            await there(key)
            made = key.read_bytes()
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await approve_hours(app)
        async with signing(tmp_path) as process:
            await taken(app, process)
        assert key.read_bytes() == made
        assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("gone", ["key", "pub"])
async def test_half_a_pair_of_keys_is_refused(tmp_path: Path, gone: str) -> None:
    async with signing(tmp_path) as process:
        key, public = tmp_path / "var/signing/key", tmp_path / "var/content/signer.pub"
        await there(public)
        process.kill()
        await process.wait()
    (key if gone == "key" else public).unlink()
    async with signing(tmp_path) as process, asyncio.timeout(PATIENCE):
        if gone == "key":
            assert await process.wait() == 1
            assert not key.exists()
        else:
            await there(public)
