"""Shifts: going on and off, and the signs of life between."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.domain.errors import StillOpenError
from bot.domain.staff import Permission
from bot.i18n import LOCALES
from bot.services.staff.sessions import seconds_left
from bot.web.answers import send_on
from bot.web.desk import floor_of, session_of
from bot.web.queue import QUEUE, show_queue
from bot.web.routes import Declared, route


async def start_shift(request: Request) -> Response:
    """Go on shift with the languages that were ticked."""
    form = await request.form(max_files=0)
    chosen = frozenset(map(str, form.getlist("language"))) & LOCALES.keys()
    floor = floor_of(request)
    await floor.hotline.start_shift(session_of(request).staff.id, chosen)
    return send_on(request, floor.path + QUEUE)


async def end_shift(request: Request) -> Response:
    """Go off shift, unless a talk is open: the page then shows which."""
    floor = floor_of(request)
    try:
        await floor.hotline.end_shift(session_of(request).staff.id)
    except StillOpenError:
        return await show_queue(request, 409, notice="still_open")
    return send_on(request, floor.path + QUEUE)


async def beat(request: Request) -> Response:
    """Take a sign of life of an open page, and tell it how long its session lasts."""
    floor, session = floor_of(request), session_of(request)
    on_shift = await floor.hotline.beat(session.staff.id)
    left = seconds_left(session, floor.clock.now())
    return JSONResponse({"on_shift": on_shift, "seconds_left": left})


async def here(request: Request) -> Response:
    """Take a sign of life of the person before the page: their session counts as used."""
    return await beat(request)


def shift_routes(at: str = "") -> list[Declared]:
    """Return the routes of this module, below an address."""
    take = Permission.TAKE_CONVERSATIONS
    return [
        route(f"{at}/shift/start", start_shift, ["POST"], permission=take),
        route(f"{at}/shift/end", end_shift, ["POST"], permission=take),
        route(f"{at}/shift/beat", beat, ["POST"], permission=take, quiet=True),
        route(f"{at}/shift/here", here, ["POST"], permission=take),
    ]
