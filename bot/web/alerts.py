"""Rings this browser also while it is closed: turned on and off by its owner, and its worker.

Counsellors are rung for visitors who wait, publishers for what they can stop.
Nothing of it exists where alerts are off: no address, no script.
"""

from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.staff import Permission
from bot.web.answers import fields
from bot.web.desk import desk_of, floor_of, session_of
from bot.web.routes import Declared, route

# At the root: a worker is asked about the pages below its own address. It keeps its name, so that
# a browser finds the next one in its place.
WORKER = "/worker.js"
SCRIPT = "alerts.js"
_RING = Permission.BE_RUNG


async def alerts_on(request: Request) -> Response:
    """Ring this browser from now on, and no other of this person; 400 for no push service."""
    (endpoint,) = await fields(request, "endpoint")
    desk = desk_of(request)
    if not desk.alerts.takes(endpoint):
        raise HTTPException(400)
    async with desk.store.begin() as unit:
        await unit.subscriptions.set(session_of(request).staff.id, endpoint)
    return Response(status_code=204)


async def alerts_off(request: Request) -> Response:
    """Ring no browser of this person any more."""
    async with desk_of(request).store.begin() as unit:
        await unit.subscriptions.drop(session_of(request).staff.id)
    return Response(status_code=204)


async def worker(_request: Request) -> Response:
    """Return the script that a browser keeps; it is asked for anew before each use."""
    content = files("bot.web").joinpath("static", "worker.js").read_bytes()
    headers = {"cache-control": "no-cache"}
    return Response(content, headers=headers, media_type="text/javascript; charset=utf-8")


async def alerts_of(request: Request) -> tuple[str, bool]:
    """Return what a page needs to offer this: the key, "" for no offer; and whether it is on."""
    desk = desk_of(request)
    if not desk.alerts.key or floor_of(request).path:
        return "", False
    staff = session_of(request).staff.id
    async with desk.store.begin() as unit:
        return desk.alerts.key, staff in await unit.subscriptions.of([staff])


def alert_routes() -> list[Declared]:
    """Return the routes of this module."""
    return [
        route("/alerts/on", alerts_on, ["POST"], permission=_RING),
        route("/alerts/off", alerts_off, ["POST"], permission=_RING),
    ]


def worker_routes() -> list[Route]:
    """Return the route of the worker, which is the same for everybody."""
    return [Route(WORKER, worker, methods=["GET"])]
