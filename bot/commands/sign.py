"""``havn sign``: the process that signs what was approved, and the one that starts it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping

from bot.bootstrap import database_url, open_publisher
from bot.logs import logger
from bot.settings import Settings

_RESTART_AFTER = (1.0, 60.0)
# The first page comes first: nothing is waiting to be published when a server starts.
_START_AFTER = 3.0
# What the signer has no use for.
_WITHHELD = ("HAVN_TELEGRAM_", "HAVN_TRANSLATOR_", "HAVN_PUSH_", "HAVN_KEY_DIR")

log = logger(__name__)


async def sign(settings: Settings, *, until_stdin_closes: bool) -> None:
    """Publish what was approved until stopped, or until whoever started this has gone."""
    async with open_publisher(settings) as publisher:
        running = asyncio.create_task(publisher.run())
        if until_stdin_closes:
            await asyncio.to_thread(sys.stdin.buffer.read)
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def keep_signing(settings: Settings) -> None:
    """Run the signer in a process of its own and start it again whenever it ends."""
    await asyncio.sleep(_START_AFTER)
    low, high = _RESTART_AFTER
    pause = low
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.cli",
            "sign",
            "--until-stdin-closes",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env=_environment(settings, os.environ),
        )
        began = asyncio.get_running_loop().time()
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        log.warning("signer_ended", code=process.returncode)
        lasted = asyncio.get_running_loop().time() - began
        pause = low if lasted > high else min(high, pause * 2)
        await asyncio.sleep(pause)


def _environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith(_WITHHELD)}
    return {
        **kept,
        "HAVN_DATA_DIR": str(settings.data_dir.resolve()),
        "HAVN_DATABASE_URL": database_url(settings),
        "HAVN_ROOT": str(settings.root.resolve()),
        "HAVN_ALLOW_DRAFTS": str(settings.allow_drafts).lower(),
        "HAVN_SIGNING_KEY": str(settings.signing_key_file.resolve()),
    }
