"""Alerts while a browser is closed: from a visitor who asks to the call at the push service."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from bot.adapters.push.vapid import Vapid
from bot.adapters.push.web import SERVICES, WebAlerts
from bot.bootstrap import desk
from bot.domain.audit import OPERATOR
from bot.domain.handover import State
from bot.domain.staff import Role
from bot.settings import Settings
from bot.web import create_console
from tests.support.app import Visitor, running
from tests.support.desk import Counsellor, House, asks, is_in_danger, request_of
from tests.support.fakes import FakeClock
from tests.support.push_service import SERVICE, Call, PushService
from tests.support.push_service import running as push_service

SUBJECT = "mailto:it@hotline.example"


@dataclass
class Scene:
    """A Havn whose alerts go to a push service on this machine."""

    house: House
    service: PushService

    async def away(self, alias: str = "Ana", **seconds: float) -> Counsellor:
        """Return a counsellor on shift who turned alerts on and whose page is closed."""
        person = await self.turned_on(alias)
        self.house.clock.turn(**seconds or {"seconds": 60})
        return person

    async def turned_on(self, alias: str = "Ana") -> Counsellor:
        person = await self.house.counsellor(alias)
        answer = await person.sends("/alerts/on", endpoint=self.service.endpoint())
        assert answer.status_code == 204
        return person

    async def round(self) -> int:
        return await self.house.app.ringer.round()

    async def subscribed(self, person: Counsellor) -> str:
        async with self.house.app.store.begin() as unit:
            return (await unit.subscriptions.of([person.staff.id])).get(person.staff.id, "")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = FakeClock()
    async with push_service() as service, running(tmp_path, clock=clock, staffed=False) as app:
        vapid = Vapid(await app.sealer.alert_key(), SUBJECT)
        async with service.client() as client:
            app.alerts = WebAlerts(client, vapid, clock)
            own = desk(app)
            house = House(app, own, clock, create_console(own))
            yield Scene(house, service)
            await house.close()


def plain(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def proved(call: Call) -> dict[str, object]:
    """Check the signature with the key that was sent, as a push service does; return the claims."""
    scheme, _, rest = call.headers["authorization"].partition(" ")
    assert scheme == "vapid"
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signature = given["t"].split(".")
    raw = plain(signature)
    assert len(raw) == 64
    numbers = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), plain(given["k"]))
    signed = f"{head}.{claims}".encode()
    key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(encode_dss_signature(*numbers), signed + b" ", ec.ECDSA(SHA256()))
    assert json.loads(plain(head)) == {"typ": "JWT", "alg": "ES256"}
    return dict(json.loads(plain(claims)))


async def test_a_closed_browser_is_rung_and_told_nothing(scene: Scene) -> None:
    ana = await scene.away()
    colleague = await scene.house.counsellor("Bo")
    await asks(Visitor(scene.house.app))
    assert await scene.round() == 1
    (call,) = scene.service.calls
    assert f"{SERVICE}{call.path}" == await scene.subscribed(ana)
    assert call.body == b""
    assert call.headers["content-length"] == "0"
    said = {"ttl", "urgency", "topic", "authorization", "content-length", "host"}
    usual = {"accept", "accept-encoding", "connection", "user-agent"}
    assert set(call.headers) <= said | usual
    now = scene.house.clock.now().timestamp()
    claims = proved(call)
    assert claims.keys() == {"aud", "exp", "sub"}
    assert claims["aud"] == SERVICE
    assert claims["sub"] == SUBJECT
    assert now < int(str(claims["exp"])) <= now + 24 * 3600
    assert colleague.staff.id != ana.staff.id


async def test_it_rings_once_and_again_when_it_gets_louder(scene: Scene) -> None:
    await scene.away()
    await scene.house.counsellor("Bo")  # somebody is here, so that visitors wait
    await is_in_danger(Visitor(scene.house.app))
    rung = []
    for _ in range(30):
        rung.append(await scene.round())
        scene.house.clock.turn(seconds=5)
    assert sum(rung) == 3
    assert [at * 5 for at, one in enumerate(rung) if one] == [0, 60, 120]


async def test_who_looks_or_has_gone_home_is_not_rung(scene: Scene) -> None:
    ana = await scene.turned_on("Ana")
    bo = await scene.turned_on("Bo")
    cy = await scene.turned_on("Cy")
    await bo.sends("/shift/end")
    await scene.house.counsellor("Dan")
    scene.house.clock.turn(hours=11)
    await ana.sends("/sign-in")  # nobody's page lives any more
    await scene.house.app.hotline.start_shift(cy.staff.id, frozenset({"en"}))
    await asks(Visitor(scene.house.app))
    assert await scene.round() == 0
    scene.house.clock.turn(minutes=1)
    assert await scene.round() == 1
    assert f"{SERVICE}{scene.service.calls[0].path}" == await scene.subscribed(cy)


async def test_it_rings_for_a_place_kept_because_every_page_is_closed(scene: Scene) -> None:
    await scene.away(minutes=5)
    visitor = Visitor(scene.house.app)
    await asks(visitor)
    await visitor.taps("utter_queue_kept")
    assert (await request_of(visitor)).state is State.LEFT_MESSAGE
    assert [await scene.round(), await scene.round()] == [1, 0]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_dead_subscription_is_dropped(scene: Scene, status: int) -> None:
    ana = await scene.away()
    await asks(Visitor(scene.house.app))
    scene.service.status = status
    assert await scene.round() == 0
    assert await scene.subscribed(ana) == ""


@pytest.mark.parametrize("status", [307, 400, 429, 500])
async def test_a_push_service_in_trouble_costs_no_subscription(scene: Scene, status: int) -> None:
    ana = await scene.away()
    await asks(Visitor(scene.house.app))
    scene.service.status = status
    assert await scene.round() == 0
    assert len(scene.service.calls) == 1
    assert await scene.subscribed(ana)


async def test_it_ends_with_the_session_and_the_account(scene: Scene) -> None:
    ana, bo, cy = [await scene.turned_on(alias) for alias in ("Ana", "Bo", "Cy")]
    dan = await scene.turned_on("Dan")
    eve = await scene.turned_on("Eve")
    await ana.sends("/sign-out")
    await scene.house.desk.accounts.disable(bo.staff.id, OPERATOR)
    await scene.house.desk.sessions.end_all(OPERATOR, cy.staff.id)
    await dan.sends("/alerts/off")
    gone = [await scene.subscribed(one) for one in (ana, bo, cy, dan)]
    assert gone == [""] * 4
    assert await scene.subscribed(eve)
    await scene.house.desk.sessions.end_all(OPERATOR)
    assert await scene.subscribed(eve) == ""


async def test_the_newest_browser_of_a_person_is_the_one_that_rings(scene: Scene) -> None:
    ana = await scene.turned_on()
    newer = scene.service.endpoint()
    await ana.sends("/alerts/on", endpoint=newer)
    assert await scene.subscribed(ana) == newer


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_the_address_is_sealed_at_rest(scene: Scene, tmp_path: Path) -> None:
    ana = await scene.turned_on()
    endpoint = await scene.subscribed(ana)
    found = everything_in(tmp_path)
    assert urlsplit(endpoint).path.rpartition("/")[2].encode() not in found
    assert urlsplit(endpoint).hostname.encode() not in found  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://updates.push.services.mozilla.com/wpush/v2/a",
        "https://updates.push.services.mozilla.com:8443/a",
        "https://updates.push.services.mozilla.com@127.0.0.1/a",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/a",
        "https://evilfcm.googleapis.com/a",
        "https://fcm.googleapis.com.evil.example/a",
        "https://fcm.googleapis.com\\@127.0.0.1/a",
        "https://example.org/#fcm.googleapis.com",
        "https://[fcm.googleapis.com/a",
        "https://fcm.googleapis.com:port/a",
        "https://fcm.googleapis.com/a\r\nhost: inside",
        "https://fcm.googleapis.com/" + "a" * 1024,
        "https://xn--a.push.apple.com/a",
        "https://a..push.apple.com/a",
        "file:///etc/passwd",
    ],
)
async def test_other_addresses_are_refused_and_never_called(scene: Scene, endpoint: str) -> None:
    ana = await scene.house.counsellor("Ana")
    assert (await ana.sends("/alerts/on", endpoint=endpoint)).status_code == 400
    assert await scene.subscribed(ana) == ""
    assert not await scene.house.app.alerts.ring(endpoint)
    assert scene.service.calls == []


async def test_the_known_services_are_taken_and_those_of_the_operator(scene: Scene) -> None:
    alerts = scene.house.app.alerts
    assert all(alerts.takes(f"https://{host}/a/b?c=d") for host in SERVICES)
    assert alerts.takes("https://web.push.apple.com/a")
    own = Settings(push_subject=SUBJECT, push_services="Push.hotline.example, push.other.example")
    async with scene.service.client() as client:
        vapid = Vapid(await scene.house.app.sealer.alert_key(), SUBJECT)
        more = WebAlerts(client, vapid, scene.house.clock, more=own.push_hosts)
    assert more.takes("https://push.hotline.example/a")
    assert not alerts.takes("https://push.hotline.example/a")


async def test_the_key_outlives_a_restart_and_a_rotation(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        async with running(tmp_path, staffed=False) as app:
            keys.append(await app.sealer.alert_key())
            await app.sealer.rotate()
            keys.append(await app.sealer.alert_key())
            kept = (tmp_path / "var" / "havn.db").read_bytes()
    assert len(set(keys)) == 1
    assert keys[0] not in kept


async def test_off_there_is_no_address_no_script_and_nothing_on_the_page(tmp_path: Path) -> None:
    async with running(tmp_path, staffed=False) as app:
        own = desk(app)
        house = House(app, own, FakeClock(), create_console(own))
        ana = await house.counsellor("Ana", Role.RESPONDER)
        page = await ana.browser.get("/queue")
        assert "alerts" not in page.text
        assert "trusted-types 'none'" in page.headers["content-security-policy"]
        assert "worker" not in page.headers["content-security-policy"]
        assert (await ana.browser.get("/worker.js")).status_code == 404
        assert (await ana.sends("/alerts/on", endpoint="https://fcm.googleapis.com/a")).is_error
        await app.ringer.run()  # returns at once
        await house.close()


async def test_on_the_page_offers_it_and_the_worker_may_run(scene: Scene) -> None:
    ana = await scene.house.counsellor("Ana")
    page = await ana.browser.get("/queue")
    assert f'data-key="{scene.house.app.alerts.key}"' in page.text
    assert "Ring this browser" in page.text
    assert "trusted-types worker; worker-src 'self'" in page.headers["content-security-policy"]
    worker = await ana.browser.get("/worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
    await ana.browser.post("/practice/begin", data={})
    await ana.sends("/practice/begin", language="en")
    assert "Ring this browser" not in await ana.sees("/practice/queue")
