"""Every route of both hosts, from their own tables: who may send forms, and what answers carry.

The console with its content desk, alerts and demo; the visitors' chat with its webhook and health.
A route that is new is asked by itself; one of the chat that takes a form must be named here.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response

from bot.adapters.push.vapid import Vapid
from bot.adapters.push.web import WebAlerts
from bot.adapters.sealing.own import new_alert_key
from bot.adapters.telegram.webhook import webhook_route
from bot.domain.errors import StoreUnavailableError
from bot.domain.staff import Role
from bot.ports import Store
from bot.services.staff.demo import DemoLinks
from bot.settings import Settings
from bot.web import create_console
from bot.web.demo import demo_routes
from bot.web.forgery import token_of
from bot.web.health import health_routes
from bot.web.routes import Declared
from bot.web.security import LARGEST_BODY
from tests.support.console import Browser, Rig, make_rig, signed_in
from tests.support.fakes import FakeDialogue
from tests.support.webchat_door import MemoryDoor, make_app, make_renderer

CHAT, HOOK = "https://chat.example", "/telegram/long-and-secret"
# Forms of the visitors' host. None acts on who sends it, for it sets no cookie: a form without the
# token that stands in the page begins and ends nothing.
FORMS_OF_CHAT = frozenset({"/", "/exit", HOOK})
# They end the session that asks, so they are asked last.
LAST = frozenset({"/sign-out", "/account/end-sessions"})
# The ten of security-reliability.md, B16.
ALWAYS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "cross-site": {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    "same-site": {"sec-fetch-site": "same-site", "origin": "https://www.staff.example"},
    "another origin": {"origin": "https://evil.example"},
    "nobody says": {},
}
_POLICY = (
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
)  # fmt: skip


@dataclass
class Host:
    """One host with its route table, and somebody who asks it."""

    app: Any
    routes: list[Route]
    address: str
    headers: dict[str, str]
    door: MemoryDoor | None = None

    async def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        headers = {**self.headers, **how.pop("headers", {})}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url=self.address) as client:
            return await client.request(method, path, headers=headers, **how)

    def asked(self) -> Iterator[tuple[Route, str]]:
        """Yield every route with an address that it answers."""
        for one in sorted(self.routes, key=lambda one: one.path in LAST):
            yield one, re.sub(r"\{[^}]+\}", "1", one.path)


def table_of(app: Any) -> list[Route]:
    """Return the routes behind what stands around an app."""
    while not hasattr(app, "routes"):
        app = app._app
    assert all(isinstance(one, Route) for one in app.routes)
    return list(app.routes)


class NoIntake:
    """Stands where updates are stored; nothing gets here without the secret."""

    async def take(self, _updates: Any) -> None:
        raise StoreUnavailableError("nothing is to be taken")


def chat(store: Store) -> Host:
    door = MemoryDoor(make_renderer())
    health = health_routes(store, FakeDialogue(), door.renderer)
    hook = webhook_route(f"{CHAT}{HOOK}", "secret", NoIntake())  # type: ignore[arg-type]
    settings = Settings(neutral_site="https://www.dmi.dk", web_chat_url=f"{CHAT}/")
    app = make_app(door, settings, routes=[*health, hook])
    return Host(app, table_of(app), CHAT, {"accept-language": "en"}, door)


async def console(rig: Rig) -> Host:
    """Return the console, asked by somebody who may do everything that one person may."""
    vapid = Vapid(new_alert_key(), "mailto:it@hotline.example")
    desk = replace(rig.desk, alerts=WebAlerts(httpx.AsyncClient(), vapid, rig.clock))
    health = health_routes(rig.store, FakeDialogue(), rig.desk.renderer)
    app = create_console(desk, health, demo_routes(DemoLinks()))
    roles = {Role.RESPONDER, Role.SUPERVISOR, Role.EDITOR, Role.PUBLISHER}
    async with Browser(app) as browser:
        new = await signed_in(rig, browser, "Ana", roles)
        cookie = f"{rig.desk.cookie.name}={new.token}"
    headers = {
        "cookie": cookie,
        "x-csrf-token": token_of(new.session),
        "sec-fetch-site": "same-origin",
        "sec-fetch-mode": "navigate",
    }
    return Host(app, table_of(app), "https://staff.example", headers)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = make_rig(tmp_path)
    yield rig
    await rig.desk.rooms.close()


@pytest.fixture
async def hosts(rig: Rig) -> list[Host]:
    return [await console(rig), chat(rig.store)]


# --- forms from elsewhere (B15) -----------------------------------------------------------------


async def test_every_form_of_the_console_refuses_what_comes_from_elsewhere(rig: Rig) -> None:
    """With the cookie and the right token, so that nothing but where it comes from is judged."""
    home = await console(rig)
    own = {name: home.headers[name] for name in ("cookie", "x-csrf-token")}
    refused: Counter[str] = Counter()
    for one, path in home.asked():
        for method in sorted((one.methods or set()) - {"GET", "HEAD"}):
            assert isinstance(one, Declared), f"{path} takes forms and is not declared"
            for kind, headers in ELSEWHERE.items():
                home.headers = {**own, **headers}
                response = await home.ask(method, path)
                assert response.status_code == 403, (kind, path)
                refused[kind] += 1
    assert set(refused.values()) == {sum("POST" in (one.methods or ()) for one in home.routes)}
    assert min(refused.values()) > 70


async def test_no_form_of_the_chat_acts_on_what_comes_from_elsewhere(rig: Rig) -> None:
    home = chat(rig.store)
    assert home.door
    unsafe = {one.path for one in home.routes if (one.methods or set()) - {"GET", "HEAD"}}
    assert unsafe == FORMS_OF_CHAT
    for path in sorted(unsafe):
        for kind, headers in ELSEWHERE.items():
            form = {"tap": "action_forget", "text": "hello", "begun": "1"}
            response = await home.ask("POST", path, headers=headers, data=form)
            harmless = path == "/exit" and kind == "nobody says"  # it leads away and ends nothing
            assert response.status_code in ({200} if harmless else {400, 403}), (kind, path)
            assert "set-cookie" not in response.headers
    assert home.door.seen == []
    assert home.door.left == []


# --- what every answer carries (B16) --------------------------------------------------------------


def check(response: httpx.Response) -> None:
    where = (response.request.method, response.request.url.path, response.status_code)
    headers = response.headers
    assert {name: headers.get(name) for name in ALWAYS} == ALWAYS, where
    policy = headers["content-security-policy"].split("; ")
    assert set(_POLICY) <= set(policy), where
    assert not re.search(r"unsafe|\*|https?:|data:|blob:", headers["content-security-policy"])
    assert "camera=()" in headers["permissions-policy"], where
    assert "noarchive" in headers["x-robots-tag"], where
    kept = headers["cache-control"]
    # What is the same for everybody may be kept: for ever, or until it is asked for anew.
    assert kept in ("no-store", "no-cache") or kept.endswith("immutable"), where
    assert kept != "no-cache" or response.request.url.path == "/worker.js"
    assert "server" not in headers, where
    if response.content:
        assert headers["content-type"], where


async def test_every_answer_of_every_route_carries_every_header(
    rig: Rig, hosts: list[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is, with a method it does not know, with a body that is too large, and in ruins."""
    for home in hosts:
        seen: Counter[int] = Counter()
        with monkeypatch.context() as patched:
            patched.setattr(rig.store, "check", away)
            response = await home.ask("GET", "/readyz")
        check(response)
        seen[response.status_code] += 1
        large = b"text=" + b"x" * (LARGEST_BODY + 1024 * 1024)
        form = {"content-type": "application/x-www-form-urlencoded"}
        for one, path in home.asked():
            if path.endswith("/events"):
                continue  # a stream ends by itself in tests/unit/web/test_live.py
            methods = sorted(one.methods or ())
            answers = [await home.ask(method, path) for method in (*methods, "PATCH", "TRACE")]
            if "POST" in methods:
                answers.append(await home.ask("POST", path, content=large, headers=form))
            await _in_ruins(home, one, path, answers)
            for response in answers:
                check(response)
                seen[response.status_code] += 1
                ended = "x-havn-refusal" in response.headers and path not in LAST
                assert not ended or response.headers["x-havn-refusal"] == "prove", path
        answers = [await home.ask(how, "/no/such/page") for how in ("GET", "POST", "DELETE")]
        for response in answers:
            check(response)
            seen[response.status_code] += 1
        assert {200, 404, 405, 413, 500, 503} <= seen.keys(), seen
        assert seen[500] + seen[503] >= 2 * (len(home.routes) - 2)


async def away() -> None:
    raise StoreUnavailableError("away")


async def _in_ruins(home: Host, one: Route, path: str, answers: list[httpx.Response]) -> None:
    """Ask a route that fails, and one whose store is away; then put it back."""
    method = "GET" if "GET" in (one.methods or ()) else "POST"

    for error in (RuntimeError("my boss has my passport"), StoreUnavailableError("row 4711")):

        async def broken(_request: Request, error: Exception = error) -> Response:
            raise error

        kept = one.app
        one.app = request_response(broken)
        answers.append(await home.ask(method, path))
        one.app = kept
        assert not re.search("passport|4711", answers[-1].text)
