"""Publishers whose browser is closed are rung while a number that can be stopped waits."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from bot.adapters.push.vapid import Vapid
from bot.adapters.push.web import WebAlerts
from bot.adapters.sealing import EphemeralKeys, Stamp
from bot.adapters.sealing.own import new_alert_key
from bot.adapters.storage import SqlStore
from bot.domain.staff import Role, StaffId
from bot.i18n.values import COPENHAGEN
from bot.services.hotline import Ringer
from tests.support.content import CMM, HOURS, SUNDAYS, Newsroom, person, with_value
from tests.support.push_service import PushService
from tests.support.push_service import running as push_service
from tests.support.stores import laid

OTHER = "+4570999999"
SECOND = StaffId("second")


@dataclass
class Scene:
    """A newsroom with a second publisher, an editor and a counsellor; all turned alerts on."""

    room: Newsroom
    ringer: Ringer
    service: PushService


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    store = await SqlStore.open(laid(tmp_path / "var"), EphemeralKeys(), Stamp.fresh())
    room = Newsroom(store, tmp_path)
    now = room.clock.now()
    second = person(SECOND, Role.PUBLISHER, now=now)
    counsellor = person("counsellor", Role.RESPONDER, now=now)
    async with push_service() as service, service.client() as client:
        async with store.begin() as unit:
            for one in (room.publisher_account, room.editor, second, counsellor):
                await unit.staff.add(one)
                await unit.subscriptions.set(one.staff.id, service.endpoint())
        vapid = Vapid(new_alert_key(), "mailto:it@hotline.example")
        alerts = WebAlerts(client, vapid, room.clock)
        facts = lambda: room.desk.library.served.registry  # noqa: E731
        ringer = Ringer(store=store, clock=room.clock, alerts=alerts, facts=facts)
        yield Scene(room, ringer, service)
    await store.close()


async def test_the_other_publisher_is_rung_once_and_told_nothing(scene: Scene) -> None:
    room = scene.room
    assert await scene.ringer.round() == 0
    await room.approved(CMM, with_value(room.live(CMM), OTHER))
    assert [await scene.ringer.round() for _ in range(3)] == [1, 0, 0]
    (call,) = scene.service.calls
    assert call.body == b""
    async with room.store.begin() as unit:
        endpoint = (await unit.subscriptions.of([SECOND]))[SECOND]
    assert endpoint.endswith(call.path)


async def test_what_needs_no_waiting_rings_nobody(scene: Scene) -> None:
    room = scene.room
    await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    assert await scene.ringer.round() == 0


async def test_what_was_stopped_and_approved_anew_rings_anew(scene: Scene) -> None:
    room = scene.room
    change = await room.approved(CMM, with_value(room.live(CMM), OTHER))
    assert await scene.ringer.round() == 1
    await room.desk.send_back(change.id, change.version, room.both.staff, "who checked this?")
    assert await scene.ringer.round() == 0
    await room.approved(CMM, with_value(room.live(CMM), OTHER))
    assert await scene.ringer.round() == 1


async def test_after_its_15_minutes_nobody_is_rung(scene: Scene) -> None:
    room = scene.room
    await room.approved(CMM, with_value(room.live(CMM), OTHER))
    room.wait(minutes=15)
    assert await scene.ringer.round() == 0


async def test_editors_are_reminded_of_a_fact_once_a_day_and_not_at_night(scene: Scene) -> None:
    room = scene.room
    late = max(fact.review_by for fact in room.desk.library.served.registry if fact.safety)
    morning = datetime.combine(late + timedelta(days=1), time(8), COPENHAGEN)
    rung = []
    for hours in (0, 1, 4, 8, 24, 26):
        room.clock.at = morning + timedelta(hours=hours)
        rung.append(await scene.ringer.round())
    assert rung == [0, 1, 0, 0, 0, 1]
    async with room.store.begin() as unit:
        endpoint = (await unit.subscriptions.of([room.editor.staff.id]))[room.editor.staff.id]
    assert all(endpoint.endswith(call.path) and not call.body for call in scene.service.calls)


async def test_nobody_is_reminded_while_every_fact_is_fresh(scene: Scene) -> None:
    room = scene.room
    room.clock.at = datetime(2026, 11, 24, 10, tzinfo=COPENHAGEN)
    assert await scene.ringer.round() == 0
