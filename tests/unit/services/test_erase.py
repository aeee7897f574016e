import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.errors import StoreAwayError, StoreUnavailableError
from bot.domain.messages import Channel, Start
from bot.ports import DeliveryError, Refusal
from tests.support.app import Visitor, running, screens
from tests.support.fakes import RecordingChannel


async def count(app: object) -> int:
    async with app.store.begin() as unit:  # type: ignore[attr-defined]
        return await unit.conversations.count()


async def test_on_a_full_disk_the_reserve_is_given_up_and_forgetting_works(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        real, full = app.store.begin, True

        @asynccontextmanager
        async def on_a_full_disk():
            if full:
                raise StoreUnavailableError("database or disk is full")
            async with real() as unit:
                yield unit

        def make_room() -> bool:
            nonlocal full
            was, full = full, False
            return was

        lookups = app.sealer.lookups(visitor.channel, visitor.sender)
        async with real() as unit:
            ids = set((await unit.conversations.find(lookups)).values())
        app.store.begin = on_a_full_disk  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailableError):
            await app.eraser.forget(ids)
        app.eraser._make_room = make_room
        await app.eraser.forget(ids)
        assert await count(app) == 0


# The transactions of a wish that write: it is stored, decided, begun, and carried out.
@pytest.mark.parametrize("nth", [1, 3, 4, 5])
async def test_on_a_full_disk_a_wish_to_be_forgotten_is_granted_wherever_it_meets_it(
    tmp_path: Path, nth: int
) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        real, begun, full = app.store.begin, 0, True

        @asynccontextmanager
        async def on_a_full_disk():
            nonlocal begun
            begun += 1
            if full and begun >= nth:
                raise StoreUnavailableError("database or disk is full")
            async with real() as unit:
                yield unit

        def make_room() -> bool:
            nonlocal full
            was, full = full, False
            return was

        app.store.begin = on_a_full_disk  # type: ignore[method-assign]
        for part in (app.reception, app.answers, app.eraser):
            part._make_room = make_room  # type: ignore[attr-defined]
        assert screens(await visitor.taps("action_forget")) == ["utter_forget_done"]
        assert not full
        assert await count(app) == 0


@pytest.mark.parametrize(
    ("trouble", "tap"),
    [
        (StoreUnavailableError("database or disk is full"), "utter_debt"),
        (StoreAwayError("locked by others"), "action_forget"),
    ],
)
async def test_nothing_else_takes_the_reserve(
    tmp_path: Path, trouble: StoreUnavailableError, tap: str
) -> None:
    async with running(tmp_path) as app:

        @asynccontextmanager
        async def in_trouble():
            raise trouble
            yield

        app.store.begin = in_trouble  # type: ignore[method-assign]
        app.ballast._path.write_text("reserve")
        with pytest.raises(StoreUnavailableError):
            await Visitor(app).taps(tap)
        with pytest.raises(StoreUnavailableError):
            await app.reception.leave(Channel.WEB, "somebody")
        assert app.ballast._path.exists()


async def test_forgetting_does_not_wait_for_a_channel_that_refuses(tmp_path: Path) -> None:
    channel = RecordingChannel()
    async with running(tmp_path, channel=channel) as app:
        visitor = Visitor(app, Channel.TELEGRAM)
        await visitor.taps("utter_debt")
        await app.deliverers[Channel.TELEGRAM].step()
        channel.refusals = [DeliveryError(Refusal.LATER)] * 10
        await visitor.taps("action_forget")
        assert await count(app) == 0
    assert not channel.deleted


async def test_forgetting_cleans_both_sides_and_says_so_last(tmp_path: Path) -> None:
    channel = RecordingChannel()
    async with running(tmp_path, channel=channel) as app:
        visitor = Visitor(app, Channel.TELEGRAM)
        await app.reception.accept([visitor.incoming(Start("en"), reference="7")])
        await app.reception.close()
        await app.deliverers[Channel.TELEGRAM].step()
        await visitor.taps("action_forget")
        for _ in range(20):
            if "utter_forget_done" in channel.screens:
                break
            await asyncio.sleep(0.01)
    assert channel.deleted[0] == (f"address-of-{visitor.sender}", ("7", "1001"))
    assert channel.screens == ["utter_safe_to_talk", "utter_forget_done"]
