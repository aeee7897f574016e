"""One change: what it changes, who wrote it, where it stands, and the step that comes next."""

import re
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.content_ports import LONGEST_REMARK
from bot.domain.content import OPEN, Change, ChangeId, ItemKind, State, fits
from bot.domain.errors import (
    ChangedError,
    ContentError,
    FourEyesError,
    NotNowError,
    NotYoursError,
    TranslatorUnavailableError,
)
from bot.domain.staff import Permission
from bot.i18n.texts import SOURCE
from bot.services.content import Judgement, NotGoodError, may_edit
from bot.services.content.calling import cooling
from bot.web.answers import fields, send_on
from bot.web.content.compared import compared, former
from bot.web.content.naming import named, people, say_of
from bot.web.content.parts import CONTENT, account_of, content_of, summary
from bot.web.content.published import check_of, live_by
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route
from bot.web.words import _

CHANGE = f"{CONTENT}/change"
_ID = re.compile(r"[0-9a-f]{16}")
_NO_FINDINGS = Judgement()

Do = Callable[[ChangeId, int], Awaitable[object]]


async def change_page(request: Request) -> Response:
    """Show a change."""
    return await _page(request)


async def submit(request: Request) -> Response:
    """Ask for review."""
    return await _step(request, partial(content_of(request).submit, by=session_of(request).staff))


async def give_up(request: Request) -> Response:
    """Give a change up."""
    return await _step(request, partial(content_of(request).drop, by=session_of(request).staff))


async def approve(request: Request) -> Response:
    """Let a change of somebody else go live."""
    by = await account_of(request)
    return await _step(request, partial(content_of(request).approve, by=by))


async def send_back(request: Request) -> Response:
    """Refuse a change in review, with a reason."""
    (why,) = await fields(request, "why")
    if not 0 < len(why.strip()) <= LONGEST_REMARK:
        return await _page(request, problem="why", typed=why)
    by = session_of(request).staff
    return await _step(request, partial(content_of(request).send_back, by=by, why=why), why)


async def stop(request: Request) -> Response:
    """Stop an approved change before it is live; whoever is in a hurry gives no reason."""
    (why,) = await fields(request, "why")
    if len(why) > LONGEST_REMARK:
        return await _page(request, problem="why", typed=why)
    given = why.strip() or say_of(request)(_("Stopped before it went live."))
    by = session_of(request).staff
    return await _step(request, partial(content_of(request).send_back, by=by, why=given), why)


async def remark(request: Request) -> Response:
    """Say something about what is changed."""
    (text,) = await fields(request, "text")
    change = await _read(request)
    try:
        await content_of(request).remark(change.item, session_of(request).staff.id, text)
    except ContentError:
        return await _page(request, problem="remark", typed=text)
    return send_on(request, f"{CHANGE}/{change.id}")


async def _step(request: Request, do: Do, typed: str = "") -> Response:
    """Do one step under the version that was read; a page with what is in the way otherwise."""
    change = await _read(request)
    (version,) = await fields(request, "version")
    if not version.isdecimal() or len(version) > 9:  # noqa: PLR2004 -- no version has ten digits
        raise HTTPException(400)
    try:
        await do(change.id, int(version))
    except NotYoursError:
        raise HTTPException(403) from None
    except FourEyesError as refused:
        return await _page(request, problem=str(refused), typed=typed)
    except (ChangedError, NotNowError):
        return await _page(request, problem="changed", typed=typed)
    except NotGoodError as refused:
        return await _page(request, problem="rules", typed=typed, judgement=refused.judgement)
    return send_on(request, f"{CHANGE}/{change.id}")


async def _read(request: Request) -> Change:
    """Return the change that the address names; 404 for none."""
    id_ = request.path_params["id"]
    if not _ID.fullmatch(id_):
        raise HTTPException(404)
    async with desk_of(request).store.begin() as unit:
        change = await unit.contents.get(ChangeId(id_))
    if change is None:
        raise HTTPException(404)
    return change


async def _page(
    request: Request,
    *,
    problem: str = "",
    typed: str = "",
    judgement: Judgement | None = None,
) -> Response:
    change, content, desk = await _read(request), content_of(request), desk_of(request)
    staff, now = session_of(request).staff, desk.clock.now()
    async with desk.store.begin() as unit:
        names = await people(unit, request)
        remarks = await unit.contents.remarks(change.item)
        old = await former(change, content, unit.contents)
        check = await check_of(unit, request)
    if judgement is None and change.state in OPEN and change.item.kind is not ItemKind.BUNDLE:
        judgement = await content.judge_now(change.item, change.value)
    found = judgement or _NO_FINDINGS
    live = content.library.served.value(change.item)
    return pages_of(request).show(
        request,
        "change.html",
        (409 if problem in ("own", "new", "changed", "rules") else 400) if problem else 200,
        change=change,
        named=named(change.item, request),
        compared=compared(change, old, content),
        fits=fits(change, live) or change.state not in OPEN or change.item.kind is ItemKind.BUNDLE,
        authors=names.all(change.authors),
        approved_by=names.one(change.approved_by),
        remarks=[(names.one(one.by), one) for one in remarks],
        errors=summary(found.errors),
        hints=summary(found.hints),
        guarded=change.guarded or found.guarded,
        cooling=bool(cooling([change], now)),
        live_by=live_by(change),
        mine=staff.id in change.authors,
        may_edit=may_edit(staff, change.item),
        may_publish=staff.may(Permission.PUBLISH),
        back=await _translated_back(request, change),
        can_translate=_can_translate(request, change),
        check=check,
        problem=problem,
        typed=typed,
        longest=LONGEST_REMARK,
        State=State,
    )


def _can_translate(request: Request, change: Change) -> bool:
    return change.item.kind is ItemKind.TEXT and desk_of(request).translator.ready


async def _translated_back(request: Request, change: Change) -> str | None:
    """Return a machine's English of a translation, "" where it has none now, None unasked."""
    if "back" not in request.query_params or not _can_translate(request, change):
        return None
    translator = desk_of(request).translator
    try:
        return await translator.translate(str(change.value["text"]), change.item.locale, SOURCE)
    except TranslatorUnavailableError:
        return ""


def change_routes() -> list[Declared]:
    """Return the routes of this module."""
    see, publish = Permission.SEE_CONTENT, Permission.PUBLISH
    path = f"{CHANGE}/{{id}}"
    return [
        route(path, change_page, permission=see),
        route(f"{path}/submit", submit, ["POST"], permission=see),
        route(f"{path}/give-up", give_up, ["POST"], permission=see),
        route(f"{path}/remark", remark, ["POST"], permission=see),
        route(f"{path}/approve", approve, ["POST"], permission=publish, fresh=True),
        route(f"{path}/send-back", send_back, ["POST"], permission=publish, fresh=True),
        route(f"{path}/stop", stop, ["POST"], permission=publish, fresh=True),
    ]
