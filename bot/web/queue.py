"""The queue: who waits, how long, and the buttons that take somebody. Never a word of a talk."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain import queue
from bot.domain.errors import (
    AlreadyTakenError,
    ConversationGoneError,
    FullError,
    NothingToTransferError,
    NotOnShiftError,
)
from bot.domain.factors import Session
from bot.domain.staff import Permission, StaffId
from bot.domain.triage import Level
from bot.i18n import LOCALES
from bot.ports import Shift
from bot.services.hotline import Board
from bot.web.alerts import alerts_of
from bot.web.answers import fields, send_on
from bot.web.desk import Desk, floor_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

QUEUE = "/queue"
_TAKE = Permission.TAKE_CONVERSATIONS
# PostgreSQL's largest integer; a larger number in an address names nothing.
_LARGEST = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody else on shift, and how much they hold."""

    shift: Shift
    alias: str
    load: int


async def queue_page(request: Request) -> Response:
    """Show the queue. Whoever loads it is there: without a script nothing else would say so."""
    await floor_of(request).hotline.beat(session_of(request).staff.id)
    return await show_queue(request)


async def queue_now(request: Request) -> Response:
    """Show the queue to a page that refreshes itself."""
    return await show_queue(request)


async def take(request: Request) -> Response:
    """Take one conversation; when a colleague was faster, say who, with the queue as it is now."""
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "waiting")
    try:
        await floor.hotline.take(staff.id, staff.alias, number)
    except AlreadyTakenError:
        if await floor.reader.may_read(staff.id, number):
            return send_on(request, talk_path(floor, number))  # the second press of two
        return await show_queue(request, 409, notice="taken", about=number)
    except ConversationGoneError:
        return await show_queue(request, 409, notice="gone")
    except NotOnShiftError:
        return await show_queue(request, 409, notice="off_shift")
    return send_on(request, talk_path(floor, number))


async def take_next(request: Request) -> Response:
    """Take whoever is next; the second press of two leads into the talk of the first."""
    (once,) = await fields(request, "once")
    floor, staff = floor_of(request), session_of(request).staff
    try:
        taken = await floor.hotline.take_next(staff.id, staff.alias, once)
    except AlreadyTakenError:
        return send_on(request, floor.path + QUEUE)
    except FullError:
        return await show_queue(request, 409, notice="full")
    except NotOnShiftError:
        return await show_queue(request, 409, notice="off_shift")
    if taken is None or taken.id is None:
        return await show_queue(request, notice="nobody")
    return send_on(request, talk_path(floor, taken.id))


async def accept(request: Request) -> Response:
    """Take over what a colleague passes on."""
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "offered")
    try:
        await floor.hotline.accept_transfer(staff.id, staff.alias, number)
    except (NothingToTransferError, ConversationGoneError):
        return await show_queue(request, 409, notice="offer_over")
    except NotOnShiftError:
        return await show_queue(request, 409, notice="off_shift")
    return send_on(request, talk_path(floor, number))


async def decline(request: Request) -> Response:
    """Say "not now" to a colleague; the talk stays theirs."""
    floor = floor_of(request)
    try:
        await floor.hotline.drop_transfer(
            session_of(request).staff.id, number_in(request, "offered")
        )
    except (NothingToTransferError, ConversationGoneError):
        return await show_queue(request, 409, notice="offer_over")
    return send_on(request, floor.path + QUEUE)


async def show_queue(
    request: Request, status: int = 200, *, notice: str = "", about: int = 0
) -> Response:
    """Show the queue as this person sees it now, with a notice about handover ``about``."""
    floor, staff = floor_of(request), session_of(request).staff
    board = await floor.reader.board(staff.id)
    names = await aliases(floor)
    alert_key, alerted = await alerts_of(request)
    owner = next((c.handover.owner for c in board.others if c.handover.id == about), None)
    return pages_of(request).show(
        request,
        "queue.html",
        status,
        at=floor.path,
        board=board,
        names=names,
        colleagues=colleagues(board, names, staff.id),
        notice=notice,
        once=secrets.token_urlsafe(12),
        faster=names.get(owner, "") if owner else "",
        pause="pause" in request.query_params,
        is_full=board.load >= queue.CAP,
        languages=LOCALES,
        mine=own_languages(board, pages_of(request).locale(request)),
        alert_key=alert_key,
        alerted=alerted,
        levels=[level for level in reversed(Level) if level in queue.TARGETS],
    )


def own_languages(board: Board, locale: str) -> frozenset[str]:
    """Return the languages of the last shift; before the first, those everybody here writes."""
    return frozenset({"en", locale}) if board.languages is None else board.languages


def colleagues(board: Board, names: Mapping[StaffId, str], staff: StaffId) -> list[Colleague]:
    """Return who else is on shift, and how much each holds."""
    held = [card.handover for card in board.others]
    return [
        Colleague(shift, names[shift.staff], queue.load(held, shift.staff, board.now))
        for shift in board.shifts
        if shift.staff != staff and shift.staff in names
    ]


async def aliases(floor: Desk) -> Mapping[StaffId, str]:
    """Return everybody's alias."""
    return {one.account.staff.id: one.account.staff.alias for one in await floor.accounts.listed()}


def talk_path(floor: Desk, number: int) -> str:
    """Return the address of a talk."""
    return f"{floor.path}/talk/{number}"


def number_in(request: Request, name: str) -> int:
    """Return the number of a handover in an address; 404 for anything else."""
    written = request.path_params[name]
    is_number = written.isascii() and written.isdecimal() and len(written) <= len(str(_LARGEST))
    if not (is_number and 0 < int(written) <= _LARGEST):
        raise HTTPException(404)
    return int(written)


async def is_offered(request: Request, session: Session) -> bool:
    """Tell whether a colleague offers this conversation to this person."""
    board = await floor_of(request).reader.board(session.staff.id)
    number = number_in(request, "offered")
    return any(card.handover.id == number for card in board.offered)


def queue_routes(at: str = "") -> list[Declared]:
    """Return the routes of this module, below an address."""
    return [
        route(f"{at}{QUEUE}", queue_page, permission=_TAKE),
        route(f"{at}/queue/now", queue_now, permission=_TAKE, quiet=True),
        route(f"{at}/queue/next", take_next, ["POST"], permission=_TAKE),
        route(f"{at}/queue/{{waiting}}/take", take, ["POST"], permission=_TAKE),
        route(
            f"{at}/queue/{{offered}}/accept", accept, ["POST"], permission=_TAKE, owns=is_offered
        ),
        route(
            f"{at}/queue/{{offered}}/decline", decline, ["POST"], permission=_TAKE, owns=is_offered
        ),
    ]
