"""A console and its collaborators, without network and without a database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.services.reply import Renderer
from bot.web import create_console
from tests.support import deck
from tests.support.console import Browser, Rig
from tests.support.console import rig as lay


class CheckedStore:
    """A store of which only check() is asked; it fails or hangs as the real one does."""

    def __init__(self) -> None:
        self.broken = False
        self.hangs = False
        self.checks = 0

    async def check(self) -> None:
        self.checks += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.broken:
            raise StoreUnavailableError("disk I/O error in row 4711")


class SwitchableDialogue:
    """An NLU unit that is there or not."""

    ready = False


@pytest.fixture
def store() -> CheckedStore:
    return CheckedStore()


@pytest.fixture
def dialogue() -> SwitchableDialogue:
    return SwitchableDialogue()


@pytest.fixture
def renderer() -> Renderer:
    return deck.renderer()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with lay(tmp_path) as rig:
        yield rig


@pytest.fixture
async def browser(rig: Rig) -> AsyncIterator[Browser]:
    async with Browser(create_console(rig.desk)) as browser:
        yield browser
