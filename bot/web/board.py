"""The supervisor's board: who waits, who works, who asks for help; reading along and taking over.

A supervisor reads a talk only while its counsellor holds up a hand. That is recorded before a word
is shown, and the counsellor sees it.
"""

from datetime import datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain import queue
from bot.domain.errors import AlreadyTakenError, ConversationGoneError, NotYoursError
from bot.domain.handover import TakeOverReason
from bot.domain.staff import Permission, StaffId
from bot.ports import Note, NoteKind
from bot.services.hotline import Talk, oversee
from bot.web.answers import fields, send_on
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

BOARD = "/board"
# What the board says after something that was no longer possible.
_LOWERED, _TAKEN = "lowered", "taken"
_NOTICES = (_LOWERED, _TAKEN)
_HOUR = 3600
# No database counts further (SQLite: 2**63 - 1).
_DIGITS = 18
# Within this time a page that is read anew belongs to the opening that was recorded.
_ONE_LOOK = timedelta(minutes=10)


async def board_page(request: Request) -> Response:
    """Show the board."""
    desk = desk_of(request)
    notice = request.query_params.get("notice", "")
    return pages_of(request).show(
        request,
        "board.html",
        overview=await oversee(desk.store, desk.clock),
        clock=clock,
        notice=notice if notice in _NOTICES else "",
        reasons=list(TakeOverReason),
        cap=queue.CAP,
    )


async def board_again(request: Request) -> Response:
    """Show the board to a page that asks by itself, every few seconds."""
    return await board_page(request)


async def along_page(request: Request) -> Response:
    """Show a talk to a supervisor whose help was asked for. That is recorded first."""
    try:
        talk = await _along(request)
    except (NotYoursError, ConversationGoneError):
        return send_on(request, f"{BOARD}?notice={_LOWERED}")
    desk = desk_of(request)
    async with desk.store.begin() as unit:
        names = {a.staff.id: a.staff.alias for a in await unit.staff.all()}
    return pages_of(request).show(
        request, "along.html", talk=talk, clock=clock, names=names, reasons=list(TakeOverReason)
    )


async def along_again(request: Request) -> Response:
    """Show a talk to a page that asks by itself, every few seconds."""
    return await along_page(request)


async def whisper(request: Request) -> Response:
    """Write to the counsellor; the visitor never sees it."""
    number, (text,) = _number(request), await fields(request, "text")
    supervisor = session_of(request).staff.id
    desk = desk_of(request)
    try:
        # Whoever may not read along may not whisper either.
        await desk.reader.reread(supervisor, number, supervisor=True)
        await desk.hotline.note(supervisor, number, text, whisper=True)
    except (NotYoursError, ConversationGoneError):
        return send_on(request, f"{BOARD}?notice={_LOWERED}")
    return send_on(request, f"{BOARD}/{number}")


async def take_over(request: Request) -> Response:
    """Take a talk from its counsellor; without a reason from the list nothing happens (400)."""
    number, (given,) = _number(request), await fields(request, "reason")
    try:
        reason = TakeOverReason(given)
    except ValueError:
        raise HTTPException(400) from None
    staff, desk = session_of(request).staff, desk_of(request)
    try:
        await desk.hotline.take_over(staff.id, staff.alias, number, reason)
    except (AlreadyTakenError, ConversationGoneError):
        return send_on(request, f"{BOARD}?notice={_TAKEN}")
    return send_on(request, f"/talk/{number}")


def clock(span: timedelta) -> str:
    """Return a span of time as a stop-watch shows it: 0:42, or 2:05:00 from an hour on."""
    seconds = max(0, int(span.total_seconds()))
    minutes, rest = seconds // 60, seconds % 60
    if seconds < _HOUR:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


async def _along(request: Request) -> Talk:
    """Read a talk; as an opening unless this supervisor opened it a moment ago."""
    desk, supervisor, number = desk_of(request), session_of(request).staff.id, _number(request)
    talk = await desk.reader.reread(supervisor, number, supervisor=True)
    if any(_is_fresh(note, supervisor, talk.now) for note in talk.notes):
        return talk
    return await desk.reader.open(supervisor, number, supervisor=True)


def _is_fresh(note: Note, supervisor: StaffId, now: datetime) -> bool:
    return note.kind is NoteKind.READ and note.author == supervisor and now - note.at < _ONE_LOOK


def _number(request: Request) -> int:
    """Return which request the address names; 404 for none."""
    written = request.path_params["number"]
    if not (written.isascii() and written.isdecimal() and len(written) <= _DIGITS):
        raise HTTPException(404)
    return int(written)


def board_routes() -> list[Declared]:
    """Return the routes of this module."""
    supervise = Permission.SUPERVISE
    return [
        route(BOARD, board_page, permission=supervise),
        route("/board/now", board_again, permission=supervise, quiet=True),
        route("/board/{number}", along_page, permission=supervise),
        route("/board/{number}/now", along_again, permission=supervise, quiet=True),
        route("/board/{number}/whisper", whisper, ["POST"], permission=supervise),
        route("/board/{number}/take-over", take_over, ["POST"], permission=supervise),
    ]
