"""What the content desk runs beside an App, and without one."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bot.adapters.clock import SystemClock
from bot.adapters.sealing import EphemeralKeys, Stamp
from bot.adapters.signing import Signer
from bot.adapters.storage import SqlStore
from bot.bootstrap.app import App
from bot.bootstrap.stores import database_url, open_store
from bot.bootstrap.words import locales_folder, make_judge, make_renderer, open_library, renderer_of
from bot.domain.messages import Channel
from bot.services.content import ContentDesk, Publisher, Watcher
from bot.settings import Settings


@asynccontextmanager
async def open_publisher(settings: Settings) -> AsyncIterator[Publisher]:
    """Open what the signer's process runs: the private key, and no key of a conversation."""
    # The words of danger themselves are nothing to the signer, and take the longest to read.
    heard = {path.parent.name for path in locales_folder(settings).glob("*/triage.yml")}
    clock = SystemClock()
    renderer = renderer_of(settings, heard, clock)
    signer = Signer.open(settings.signing_key_file, settings.content_folder / "signer.pub")
    library = open_library(settings, renderer, kept="last-signed.json")
    stamp = Stamp.open(settings.content_folder / "desk.key")
    store = await SqlStore.open(database_url(settings), EphemeralKeys(), stamp)
    try:
        yield Publisher(store, clock, library, make_judge(settings, library), signer)
    finally:
        await store.close()


@asynccontextmanager
async def open_content(settings: Settings) -> AsyncIterator[ContentDesk]:
    """Open the content desk at what was published last, for commands.

    BundleError when the database holds something newer that the signer did not sign.
    """
    renderer, _ = make_renderer(settings)
    library = open_library(settings, renderer, kept="last-exported.json")
    async with open_store(settings) as (store, _):
        async with store.begin() as unit:
            newest = await unit.contents.bundle(await unit.contents.latest())
        if newest is not None and newest.number > library.bundle.number:
            library.take(newest)
        yield ContentDesk(store, SystemClock(), library, make_judge(settings, library))


def watcher(app: App, role: str, channels: Sequence[Channel]) -> Watcher:
    """Return what keeps this process at the newest published words."""
    return Watcher(
        process=f"{role}-{secrets.token_hex(4)}",
        channels=channels,
        store=app.store,
        clock=app.clock,
        library=app.library,
        say=app.reception.greet,
    )
