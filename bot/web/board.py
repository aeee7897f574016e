"""The supervisor's board: who waits, who works, who asks for help; reading along and taking over.

A supervisor reads a talk only while its counsellor holds up a hand. That is recorded before a word
is shown, and the counsellor sees it.
"""

from datetime import datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain import queue
from bot.domain.errors import (
    AlreadyTakenError,
    ConversationGoneError,
    NotOnShiftError,
    NotYoursError,
)
from bot.domain.handover import TakeOverReason
from bot.domain.staff import Permission, StaffId
from bot.ports import Note, NoteKind
from bot.services.hotline import Talk, oversee
from bot.services.hotline.speaking import LONGEST_LINE
from bot.web.answers import fields, send_on
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.queue import aliases, number_in, show_queue, talk_path
from bot.web.routes import Declared, route
from bot.web.talk import beside
from bot.web.translation import show_translation, translates

BOARD = "/board"
# What the board says after something that was no longer possible.
_LOWERED, _TAKEN = "lowered", "taken"
_NOTICES = (_LOWERED, _TAKEN)
# Within this time a page that is read anew belongs to the opening that was recorded.
_ONE_LOOK = timedelta(minutes=10)
_REFUSED = (NotYoursError, ConversationGoneError)


async def board_page(request: Request) -> Response:
    """Show the board."""
    desk = desk_of(request)
    notice = request.query_params.get("notice", "")
    return pages_of(request).show(
        request,
        "board.html",
        board=await desk.reader.board(session_of(request).staff.id),
        overview=await oversee(desk.store, desk.clock),
        notice=notice if notice in _NOTICES else "",
        cap=queue.CAP,
    )


async def board_now(request: Request) -> Response:
    """Show the board to a page that refreshes itself."""
    return await board_page(request)


async def along_page(request: Request) -> Response:
    """Show a talk to a supervisor whose help was asked for."""
    try:
        return await _along(request)
    except _REFUSED:
        return send_on(request, f"{BOARD}?notice={_LOWERED}")


async def along_now(request: Request) -> Response:
    """Show a talk to a page that refreshes itself; it is not there (404) once the hand is down."""
    try:
        return await _along(request)
    except _REFUSED:
        raise HTTPException(404) from None


async def along_translation(request: Request) -> Response:
    """Show a line translated by machine; to read it is to read along, and recorded as that."""
    try:
        return await show_translation(request, await _read(request), f"{BOARD}/{_number(request)}")
    except _REFUSED:
        raise HTTPException(404) from None


async def whisper(request: Request) -> Response:
    """Write to the counsellor; the visitor never sees it."""
    number, (text,) = _number(request), await fields(request, "text")
    desk, supervisor = desk_of(request), session_of(request).staff.id
    try:
        # Whoever may not read along may not whisper either.
        await desk.reader.reread(supervisor, number, supervisor=True)
        await desk.hotline.note(supervisor, number, text, whisper=True)
    except _REFUSED:
        return send_on(request, f"{BOARD}?notice={_LOWERED}")
    return send_on(request, f"{BOARD}/{number}")


async def take_over_page(request: Request) -> Response:
    """Ask why, and show nothing of the talk."""
    desk, number = desk_of(request), _number(request)
    overview = await oversee(desk.store, desk.clock)
    found = next((one for one in overview.underway if one.card.handover.id == number), None)
    if found is None:
        return send_on(request, f"{BOARD}?notice={_TAKEN}")
    return pages_of(request).show(
        request,
        "take_over.html",
        number=number,
        name=found.card.name,
        owner=found.alias,
        reasons=list(TakeOverReason),
    )


async def take_over(request: Request) -> Response:
    """Take a talk from its counsellor; without a reason from the list nothing happens (400)."""
    number, (given,) = _number(request), await fields(request, "reason")
    if given not in set(TakeOverReason):
        raise HTTPException(400)
    staff, desk = session_of(request).staff, desk_of(request)
    try:
        await desk.hotline.take_over(staff.id, staff.alias, number, TakeOverReason(given))
    except (AlreadyTakenError, ConversationGoneError):
        return send_on(request, f"{BOARD}?notice={_TAKEN}")
    except NotOnShiftError:
        return await show_queue(request, 409, notice="off_shift")
    return send_on(request, talk_path(desk, number))


async def _along(request: Request) -> Response:
    desk, talk = desk_of(request), await _read(request)
    locale = pages_of(request).locale(request)
    return pages_of(request).show(
        request,
        "along.html",
        talk=talk,
        board=await desk.reader.board(session_of(request).staff.id),
        names=await aliases(desk),
        beside=beside(desk, talk, locale),
        translator=desk.translator.ready,
        translates=translates(desk, talk, locale),
        limit=LONGEST_LINE,
    )


async def _read(request: Request) -> Talk:
    """Read a talk; as an opening unless this supervisor opened it a moment ago."""
    desk, supervisor, number = desk_of(request), session_of(request).staff.id, _number(request)
    talk = await desk.reader.reread(supervisor, number, supervisor=True)
    if any(_is_fresh(note, supervisor, talk.now) for note in talk.notes):
        return talk
    return await desk.reader.open(supervisor, number, supervisor=True)


def _is_fresh(note: Note, supervisor: StaffId, now: datetime) -> bool:
    return note.kind is NoteKind.READ and note.author == supervisor and now - note.at < _ONE_LOOK


def _number(request: Request) -> int:
    return number_in(request, "number")


def board_routes() -> list[Declared]:
    """Return the routes of this module."""
    supervise = Permission.SUPERVISE
    return [
        route(BOARD, board_page, permission=supervise),
        route("/board/now", board_now, permission=supervise, quiet=True),
        route("/board/{number}", along_page, permission=supervise),
        route("/board/{number}/now", along_now, permission=supervise, quiet=True),
        route(
            "/board/{number}/translation/{message}",
            along_translation,
            permission=supervise,
            quiet=True,
        ),
        route("/board/{number}/whisper", whisper, ["POST"], permission=supervise),
        route("/board/{number}/take-over", take_over_page, permission=supervise),
        route("/board/{number}/take-over", take_over, ["POST"], permission=supervise),
    ]
