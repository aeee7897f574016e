"""Practice mode: the pages of the queue and the talk over a world with invented visitors.

They are the same pages at other addresses, below /practice, so that no form of one can reach the
other. A practice belongs to one session and ends with it; without one, every address leads to where
it begins.
"""

from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.factors import Session
from bot.domain.staff import Permission
from bot.services.practice import World
from bot.services.staff import Accounts
from bot.web.answers import fields, send_on
from bot.web.desk import Desk, desk_of, session_of
from bot.web.live import live_routes
from bot.web.pages import pages_of
from bot.web.queue import QUEUE, queue_routes
from bot.web.routes import Declared, route
from bot.web.shift import shift_routes
from bot.web.steps import step_routes
from bot.web.talk import talk_routes

PRACTICE = "/practice"
# The languages that invented visitors write: those of the console.
LANGUAGES = ("en", "da")


async def practice_page(request: Request) -> Response:
    """Show what practice is, and the way in or back."""
    locale = pages_of(request).locale(request)
    world = desk_of(request).rooms.find(session_of(request).id)
    return pages_of(request).show(
        request,
        "practice.html",
        languages=LANGUAGES,
        chosen=locale if locale in LANGUAGES else LANGUAGES[0],
        world=world,
    )


async def begin(request: Request) -> Response:
    """Begin a practice, in place of one that this session has."""
    (language,) = await fields(request, "language")
    if language not in LANGUAGES:
        raise HTTPException(400)
    session = session_of(request)
    await desk_of(request).rooms.begin(session.id, session.staff, language)
    return send_on(request, PRACTICE + QUEUE)


async def end(request: Request) -> Response:
    """End the practice; nothing of it is left."""
    await desk_of(request).rooms.end(session_of(request).id)
    return send_on(request, PRACTICE)


def practice_routes() -> list[Declared]:
    """Return the routes of this module, and those of a queue and its talks in a practice."""
    take = Permission.TAKE_CONVERSATIONS
    parts = (queue_routes, shift_routes, talk_routes, step_routes, live_routes)
    return [
        route(PRACTICE, practice_page, permission=take),
        route("/practice/begin", begin, ["POST"], permission=take),
        route("/practice/end", end, ["POST"], permission=take),
        *(_inside(one) for part in parts for one in part(PRACTICE)),
    ]


def _inside(one: Declared) -> Declared:
    """Declare a page anew so that it shows the practice of the session; no other way leads there.

    Whose a talk is must be asked of the practice too: there the floor is laid before.
    """
    asked = one.owns

    async def answer(request: Request) -> Response:
        _enter(request)
        return await one.answer(request)

    async def owns(request: Request, session: Session) -> bool:
        _enter(request)
        return asked is None or await asked(request, session)

    return route(
        one.path,
        answer,
        sorted((one.methods or set()) - {"HEAD"}),
        permission=one.permission,
        owns=owns if asked else None,
        fresh=one.fresh,
        quiet=one.quiet,
    )


def _enter(request: Request) -> None:
    """Lay the floor of this session's practice; without one, lead to where it begins."""
    desk = desk_of(request)
    world = desk.rooms.find(session_of(request).id)
    if world is None:
        raise HTTPException(303, headers={"location": PRACTICE})
    request.state.floor = _floor(desk, world)


def _floor(desk: Desk, world: World) -> Desk:
    """Return the desk of a practice: what is real in it are sessions, words and the clock."""
    return replace(
        desk,
        store=world.store,
        accounts=Accounts(world.store, desk.clock),
        hotline=world.hotline,
        reader=world.reader,
        bus=world.bus,
        path=PRACTICE,
    )
