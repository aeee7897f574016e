"""The trained model and the NLU unit, for benchmarks that need them."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.bootstrap import nlu_unit
from bot.domain.errors import ConfigurationError
from bot.settings import Settings

_START_SECONDS = 120.0


async def copy_model(settings: Settings, folder: Path) -> None:
    """Copy the installation's model into a data folder; it is trained first if that is needed."""
    unit = nlu_unit(settings)
    await unit.prepare(lambda _progress: None)
    shutil.copytree(unit.model.parent, folder / "models")


@asynccontextmanager
async def running_unit(settings: Settings) -> AsyncIterator[None]:
    """Run the NLU unit of an installation that nobody else runs; ConfigurationError if it fails."""
    ready = asyncio.Event()
    task = asyncio.create_task(nlu_unit(settings).run(ready.set))
    try:
        try:
            await asyncio.wait_for(ready.wait(), _START_SECONDS)
        except TimeoutError:
            raise ConfigurationError("the NLU unit does not start; see havn doctor") from None
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
