"""A console and its collaborators, without network and without a database."""

import asyncio

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.services.reply import Renderer
from tests.support import deck


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
