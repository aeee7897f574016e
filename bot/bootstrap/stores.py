"""Database, keys and the bus that goes with them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.adapters.bus import MemoryBus
from bot.adapters.sealing import KeyRing, Stamp
from bot.adapters.storage import SqlStore
from bot.domain.errors import ConfigurationError
from bot.ports import Bus, Store
from bot.settings import Settings


def database_url(settings: Settings) -> str:
    """Return the address of the database: SQLite below the data folder unless set."""
    return settings.database_url or f"sqlite:///{settings.data_dir / 'havn.db'}"


@asynccontextmanager
async def open_bus(url: str) -> AsyncIterator[Bus]:
    """Open the bus that goes with a database: LISTEN and NOTIFY on PostgreSQL, else in memory.

    SQLite with several processes has no bus between them: what another process changed is seen
    when the console refreshes by itself, every few seconds. It does that with every database.
    """
    if url.startswith("postgresql"):
        # SQLite, the default, needs nothing of it.
        from bot.adapters.bus.postgres import open_postgres_bus  # noqa: PLC0415

        async with open_postgres_bus(url) as shared:
            yield shared
        return
    bus = MemoryBus()
    try:
        yield bus
    finally:
        bus.close()


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[tuple[Store, KeyRing]]:
    """Open store and keys and nothing else, for commands that need no words and no channel."""
    async with AsyncExitStack() as stack:
        _make_folder(settings.data_dir)
        sealer = KeyRing.open(settings.keys_folder)
        stack.callback(sealer.close)
        stamp = Stamp.open(settings.content_folder / "desk.key")
        store = await SqlStore.open(database_url(settings), sealer, stamp)
        stack.push_async_callback(store.close)
        yield store, sealer


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {folder} cannot be made: {error.strerror}; set HAVN_DATA_DIR"
        ) from error
