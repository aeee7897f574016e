"""A message that comes again is shown what was said, and waits where nothing was said yet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.messages import Tapped, Text
from bot.domain.screens import Tap
from bot.ports import Meaning, UnitOfWork
from tests.support.app import Visitor, running, screens
from tests.support.fakes import FakeDialogue


class SlowDialogue(FakeDialogue):
    """One that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        self.begun.set()
        await self.go_on.wait()
        return await super().interpret(text, screen, locale)


async def test_a_tap_that_comes_again_takes_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of its own for each repeat held up everybody: a third of all taps a second."""
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        tap = visitor.incoming(Tapped(Tap("utter_shelter")))
        said = await app.reception.converse(tap)
        begun, begin = [], app.store.begin

        @asynccontextmanager
        async def counted() -> AsyncIterator[UnitOfWork]:
            begun.append(True)
            async with begin() as unit:
                yield unit

        monkeypatch.setattr(app.store, "begin", counted)
        again = await app.reception.converse(tap)
    assert screens(said) == screens(again) == ["utter_shelter"]
    assert [one.id for one in said] == [one.id for one in again]
    assert len(begun) == 1


async def test_a_tap_and_its_repeat_in_one_batch_hear_the_same(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        tap = visitor.incoming(Tapped(Tap("utter_shelter")))
        heard = await asyncio.gather(*(app.reception.converse(tap) for _ in range(5)))
    assert {one.id for said in heard for one in said} == {one.id for one in heard[0]}
    assert all(screens(said) == ["utter_shelter"] for said in heard)


async def test_typed_words_that_come_again_wait_for_their_answer(tmp_path: Path) -> None:
    """What was shown before them is no answer to them."""
    dialogue = SlowDialogue()
    async with running(tmp_path, dialogue=dialogue) as app:
        visitor = Visitor(app)
        await visitor.taps("utter_shelter")
        typed = visitor.incoming(Text("is there a doctor"))
        first = asyncio.create_task(app.reception.converse(typed))
        await dialogue.begun.wait()
        again = asyncio.create_task(app.reception.converse(typed))
        done, _ = await asyncio.wait({again}, timeout=0.2)
        dialogue.go_on.set()
        said = await first
        assert not done
        assert [one.id for one in said] == [one.id for one in await again][-len(said) :]
