from pathlib import Path

import pytest

from bot.bootstrap import App
from bot.domain.messages import Channel
from bot.ports import DeliveryError, Refusal
from bot.services.deliver import Deliverer
from tests.support.app import Visitor, running
from tests.support.fakes import FakeClock, RecordingChannel


def deliverer(app: App) -> Deliverer:
    return app.deliverers[Channel.TELEGRAM]


async def drain(app: App, clock: FakeClock, seconds: int = 30) -> None:
    for _ in range(seconds):
        await deliverer(app).step()
        clock.turn(seconds=1)


async def test_messages_of_a_chat_go_out_in_order_and_paced(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    screens = ["utter_debt", "utter_shelter", "utter_health", "utter_work_money", "utter_witness"]
    async with running(tmp_path, clock=clock, channel=channel) as app:
        visitor = Visitor(app, Channel.TELEGRAM)
        for screen in screens:
            await visitor.taps(screen)
        for _ in range(4):
            await deliverer(app).step()
        assert len(channel.shown) == 3  # the burst of a chat; the rest waits a second each
        await drain(app, clock)
    assert [s for s in channel.screens if s != "utter_translation_unreviewed"][-5:] == screens


async def test_one_chat_asked_to_wait_does_not_stop_another(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    channel.refusals = [DeliveryError(Refusal.LATER, wait=600)]
    async with running(tmp_path, clock=clock, channel=channel) as app:
        slow, quick = Visitor(app, Channel.TELEGRAM), Visitor(app, Channel.TELEGRAM)
        await slow.taps("utter_debt")
        await deliverer(app).step()
        await quick.taps("utter_shelter")
        await drain(app, clock, 5)
        assert channel.screens == ["utter_shelter"]
        clock.turn(seconds=600)
        await drain(app, clock, 3)
    assert channel.screens == ["utter_shelter", "utter_debt"]


async def test_a_failure_that_may_pass_is_tried_for_an_hour_and_a_cry_for_a_day(
    tmp_path: Path,
) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        calm, danger = Visitor(app, Channel.TELEGRAM), Visitor(app, Channel.TELEGRAM)
        await calm.taps("utter_debt")
        await danger.taps("utter_danger_now")
        channel.refusals = [DeliveryError(Refusal.LATER)] * 1000
        for _ in range(40):
            await deliverer(app).step()
            clock.turn(minutes=3)
        channel.refusals = []
        await drain(app, clock, 70)
    assert channel.screens == ["utter_danger_now"]


async def test_who_blocked_the_bot_is_not_tried_again(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    channel.refusals = [DeliveryError(Refusal.UNREACHABLE)]
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await Visitor(app, Channel.TELEGRAM).taps("utter_debt")
        await drain(app, clock)
    assert channel.shown == []


async def test_a_process_that_died_while_sending_is_made_up_for(tmp_path: Path) -> None:
    clock = FakeClock()

    class KilledError(BaseException):
        pass

    class Dies(RecordingChannel):
        async def show(self, address: str, bubble: object) -> str:
            raise KilledError

    async with running(tmp_path, clock=clock, channel=Dies()) as app:
        await Visitor(app, Channel.TELEGRAM).taps("utter_debt")
        with pytest.raises(KilledError):
            await deliverer(app).step()
    clock.turn(seconds=61)
    channel = RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await drain(app, clock, 3)
    assert channel.screens == ["utter_debt"]


async def test_global_refusal_pauses_everything_for_its_time_only(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    channel.refusals = [DeliveryError(Refusal.LATER, wait=30, everywhere=True)]
    async with running(tmp_path, clock=clock, channel=channel) as app:
        await Visitor(app, Channel.TELEGRAM).taps("utter_debt")
        await deliverer(app).step()
        assert await deliverer(app).step() == 0
        clock.turn(seconds=70)
        await drain(app, clock, 3)
    assert channel.screens == ["utter_debt"]
