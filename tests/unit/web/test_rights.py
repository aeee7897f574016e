"""Every route, every role, own and foreign: the rights are those of the one table, nowhere else.

The matrix is made from the routes themselves. One that is not declared fails, so does one whose
path names something this file cannot make for a person and for somebody else.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot.adapters.push.vapid import Vapid
from bot.adapters.push.web import WebAlerts
from bot.adapters.sealing.own import new_alert_key
from bot.domain.factors import Session
from bot.domain.staff import Permission, Role, can
from bot.ports import Store
from bot.services.staff.demo import DemoLinks
from bot.web import make_app
from bot.web.demo import demo_routes
from bot.web.forgery import token_of
from bot.web.pages import assets
from bot.web.routes import Declared, Open, declared, route
from bot.web.security import Guarded
from tests.support.console import Browser, Rig, signed_in
from tests.support.console import rig as lay

# Public by name: nothing on them is about a person.
PUBLIC = frozenset(
    {
        *("/favicon.ico", "/metrics", "/healthz", "/readyz", "/worker.js"),
        *(asset.path for asset in assets()),
    }
)
SIGNING = frozenset({"/sign-in", "/sign-in/passkey/options", "/sign-in/passkey"})
# Whoever holds the link has the right; it is 256 random bits.
BY_LINK = re.compile(r"/(enrol|demo|t)/\{token\}(/.*)?")


async def own_thing(request: Request) -> Response:
    return PlainTextResponse("mine")


async def is_own(request: Request, session: Session) -> bool:
    return request.path_params["staff_id"] == session.staff.id


def routes(rig: Rig) -> list[BaseRoute]:
    """Return every route there is, and one whose things belong to people."""
    more = [
        *demo_routes(DemoLinks()),
        route(
            "/things/{staff_id}",
            own_thing,
            ["GET", "POST"],
            permission=Permission.READ_OWN_CONVERSATION,
            owns=is_own,
        ),
    ]
    return make_app(replace(rig.desk, alerts=alerts(rig)), more=more).routes


def alerts(rig: Rig) -> WebAlerts:
    """Return alerts that are on; here nobody is rung."""
    vapid = Vapid(new_alert_key(), "mailto:it@hotline.example")
    return WebAlerts(httpx.AsyncClient(), vapid, rig.clock)


async def values(
    rig: Rig, session: Session | None, *, own: bool, store: Store | None = None
) -> Mapping[str, str]:
    """Return what the paths may name: of this person, or of somebody else."""
    bo = await rig.desk.accounts.find("Bo")
    owner = session.staff if session and own else bo
    other = await rig.desk.accounts.find("Cy")
    return {
        "id": owner.id,
        "staff_id": owner.id,
        "token": "unknown",
        "number": "1",
        "message": "1",
        "kind": "level",
        "key": "chat_hours",
        "item": "text/th/button.0123456789ab",
        "waiting": "1",
        "held": str(await rig.talk(owner.id, store=store)),
        "offered": str(await rig.talk(other.id, offered_to=owner.id, store=store)),
    }


async def test_every_route_is_declared_or_public_by_name(rig: Rig) -> None:
    undeclared = {
        one.path for one in routes(rig) if isinstance(one, Route) and not isinstance(one, Declared)
    }
    assert undeclared <= PUBLIC
    assert all(isinstance(one, Route) for one in routes(rig))


async def test_what_changes_a_way_in_asks_for_a_fresh_proof(rig: Rig) -> None:
    ways = re.compile(r"/account/passkey(/.*)?|/staff/(invite|end-sessions|\{id\}/.*)")
    found = {one.path: one.fresh for one in declared(routes(rig)) if ways.fullmatch(one.path)}
    assert len(found) >= 8
    assert all(found.values()), found


async def test_only_the_door_is_open_to_everybody(rig: Rig) -> None:
    opened = {one.path for one in declared(routes(rig)) if one.permission is Open.EVERYBODY}
    assert opened >= SIGNING
    assert all(path in SIGNING or BY_LINK.fullmatch(path) for path in opened)


@pytest.mark.parametrize("role", [*Role, None])
async def test_the_matrix(tmp_path: Path, role: Role | None) -> None:
    """Behind each guard stands a mark instead of the page: who gets it was let in."""
    async with lay(tmp_path) as rig:
        await rig.invited("Bo")
        await rig.invited("Cy")
        app = make_app(rig.desk)
        app.router.routes[:] = routes(rig)
        session = None
        async with Browser(Guarded(app, https=True)) as browser:
            if role is not None:
                session = (await signed_in(rig, browser, "Ana", {role})).session
            headers = {"x-csrf-token": token_of(session)} if session else {}
            named = {own: await values(rig, session, own=own) for own in (True, False)}
            practised = named
            if session is not None:
                world = await rig.desk.rooms.begin(session.id, session.staff, "en")
                practised = {
                    own: await values(rig, session, own=own, store=world.store)
                    for own in (True, False)
                }
            seen = set()
            for one in declared(app.routes):
                one.answer = let_in
                for own in (True, False):
                    inside = one.path.startswith("/practice/")
                    path = one.path.replace(":path", "").format(
                        **(practised if inside else named)[own]
                    )
                    for method in sorted((one.methods or set()) - {"HEAD"}):
                        files = {"file": ("x", b"x")} if one.upload and method == "POST" else None
                        response = await browser.request(method, path, headers=headers, files=files)
                        got = outcome(response)
                        assert got == allowed(one, session, own=own), (method, path)
                        seen.add(got)
        await rig.desk.rooms.close()
    assert seen > {"let in"}


async def let_in(_request: Request) -> Response:
    return PlainTextResponse("let in")


def allowed(one: Declared, session: Session | None, *, own: bool) -> str:
    """Return what the table says about a person and a route."""
    if one.permission is Open.EVERYBODY:
        return "let in"
    if session is None:
        return "sign in"
    if isinstance(one.permission, Permission) and not can(session.staff.roles, one.permission):
        return "forbidden"
    if one.owns is not None and not own:
        return "not there"
    return "let in"


def outcome(response: httpx.Response) -> str:
    if response.headers.get("x-havn-refusal") == "sign_in":
        assert response.status_code in (303, 401)
        return "sign in"
    return {403: "forbidden", 404: "not there"}.get(response.status_code, response.text)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
@pytest.mark.parametrize("other", list(Role))
def test_admins_and_auditors_read_no_conversation_whatever_else_they_are(
    role: Role, other: Role
) -> None:
    for permission in (Permission.READ_OWN_CONVERSATION, Permission.TAKE_CONVERSATIONS):
        assert not can({role, other}, permission)
