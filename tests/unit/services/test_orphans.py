from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.storage.messages import SqlMessages
from bot.bootstrap import App
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import ConversationId
from bot.services.keep import ROTATE_EVERY
from tests.support.app import Visitor, running
from tests.support.fakes import FakeClock

HOUR = timedelta(hours=1).total_seconds()


async def undone(app: App, monkeypatch: pytest.MonkeyPatch) -> Collection[ConversationId]:
    """Let a first message fail after its key was stored; return who has a key without a row."""

    async def refuse(*_: object) -> None:
        raise StoreUnavailableError("the disk is full")

    before = set(await app.sealer.holders())
    with monkeypatch.context() as patch:
        patch.setattr(SqlMessages, "accept", refuse)
        with pytest.raises(StoreUnavailableError):
            await Visitor(app).starts()
    return set(await app.sealer.holders()) - before


def at(app: App, seconds: float) -> None:
    app.keeper._orphans._monotonic = lambda: seconds


async def test_a_key_whose_first_message_was_undone_ends_after_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        (kept,) = await app.sealer.holders()
        (orphan,) = await undone(app, monkeypatch)
        orphans = app.keeper._orphans
        for seconds, destroyed in ((0, 0), (HOUR - 1, 0), (HOUR, 1), (2 * HOUR, 0)):
            at(app, seconds)
            assert await orphans.destroy() == destroyed
            assert (orphan in await app.sealer.holders()) is (seconds < HOUR)
        assert set(await app.sealer.holders()) == {kept}
        assert await visitor.says("still here")


async def test_the_hour_begins_anew_for_a_key_that_was_gone(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        key = ConversationId("a" * 32)
        async with app.store.begin():
            await app.sealer.create_keys([key])
        at(app, 0)
        await app.keeper._orphans.destroy()
        await app.sealer.destroy_keys([key])  # forgotten meanwhile
        at(app, HOUR)
        assert await app.keeper._orphans.destroy() == 0
        await app.sealer.create_keys([key])
        assert await app.keeper._orphans.destroy() == 0
        assert list(await app.sealer.holders()) == [key]


async def test_housekeeping_does_it_before_each_hourly_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        await undone(app, monkeypatch)
        for hours in range(3):
            assert len(await app.sealer.holders()) == (hours < 2)
            at(app, hours * HOUR)
            clock.turn(seconds=ROTATE_EVERY.total_seconds())
            await app.keeper.round()
        assert [p.name for p in app.settings.keys_folder.glob("kek.*")] == ["kek.3"]
