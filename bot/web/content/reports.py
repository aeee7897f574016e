"""Counsellors say that a ready sentence is wrong; the desk hears of it, the visitor does not."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.content import screen
from bot.domain.errors import ContentError
from bot.domain.staff import Permission
from bot.services.reply import CANNED
from bot.web.content.drafting import typed
from bot.web.content.parts import CONTENT, content_of
from bot.web.desk import session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

REPORT = f"{CONTENT}/report"


async def report_page(request: Request) -> Response:
    """Show the form on which a ready sentence is reported."""
    return _show(request)


async def report(request: Request) -> Response:
    """Report a sentence with a short note."""
    form = await request.form(max_files=0)
    name, note = typed(form, "item"), typed(form, "note")
    item = next((screen(id_) for id_ in _ready(request) if screen(id_).name == name), None)
    if item is None:
        raise HTTPException(404)
    try:
        await content_of(request).remark(item, session_of(request).staff.id, note, report=True)
    except ContentError:
        return _show(request, name, note=note, wrong=True)
    return _show(request, done=True)


def _ready(request: Request) -> Mapping[str, str]:
    """Return the English words of every ready sentence."""
    screens = content_of(request).library.served.deck.screens
    return {id_: one.text for id_, one in screens.items() if id_.startswith(CANNED)}


def _show(
    request: Request, chosen: str = "", *, note: str = "", wrong: bool = False, done: bool = False
) -> Response:
    return pages_of(request).show(
        request,
        "report.html",
        400 if wrong else 200,
        ready={screen(id_).name: says for id_, says in _ready(request).items()},
        chosen=chosen,
        note=note,
        wrong=wrong,
        done=done,
    )


def report_routes() -> list[Declared]:
    """Return the routes of this module."""
    take = Permission.TAKE_CONVERSATIONS
    return [
        route(REPORT, report_page, permission=take),
        route(REPORT, report, ["POST"], permission=take),
    ]
