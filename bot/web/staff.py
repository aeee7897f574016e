"""The list of staff: invite, switch off, give a new way in, end sessions. For admins."""

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.errors import (
    AliasError,
    InvitationError,
    LanguagesError,
    RolesConflictError,
    StaffError,
)
from bot.domain.staff import Permission, Role, StaffId
from bot.i18n import LOCALES
from bot.i18n.texts import SOURCE
from bot.web.answers import fields, send_on
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

STAFF = "/staff"
_ID = re.compile(r"[a-z0-9-]{1,32}")


async def staff_page(request: Request) -> Response:
    """Show everybody."""
    return await _page(request)


async def invite(request: Request) -> Response:
    """Make an account and show the link to it, once."""
    form = await request.form(max_files=0)
    roles = [str(role) for role in form.getlist("role")]
    languages = [str(language) for language in form.getlist("language")]
    (alias,) = await fields(request, "alias")
    desk, by = desk_of(request), session_of(request).staff.id
    try:
        chosen = [Role(role) for role in roles if role in set(Role)]
        token = await desk.accounts.invite(alias, chosen, by, languages)
    except AliasError:
        return await _page(request, error="alias", typed=(alias, roles, languages))
    except RolesConflictError:
        return await _page(request, error="roles", typed=(alias, roles, languages))
    except LanguagesError:
        return await _page(request, error="languages", typed=(alias, roles, languages))
    return await _page(request, link=desk.link(f"/enrol/{token}"))


async def reset(request: Request) -> Response:
    """Void somebody's factors and show a link to enrol anew, once."""
    desk = desk_of(request)
    token = await desk.accounts.reset(await _named(request), session_of(request).staff.id)
    return await _page(request, link=desk.link(f"/enrol/{token}"))


async def disable(request: Request) -> Response:
    """Switch somebody off."""
    named = await _named(request)
    try:
        await desk_of(request).accounts.disable(named, session_of(request).staff.id)
    except StaffError:
        return await _page(request, error="self")
    return send_on(request, STAFF)


async def end_sessions(request: Request) -> Response:
    """End the sessions of one person."""
    named = await _named(request)
    await desk_of(request).sessions.end_all(session_of(request).staff.id, named)
    return send_on(request, STAFF)


async def end_every_session(request: Request) -> Response:
    """End everybody's session, this one too."""
    await desk_of(request).sessions.end_all(session_of(request).staff.id)
    return send_on(request, STAFF)


async def _page(
    request: Request,
    *,
    error: str = "",
    link: str = "",
    typed: tuple[str, list[str], list[str]] = ("", [], []),
) -> Response:
    listed = await desk_of(request).accounts.listed()
    alias, roles, languages = typed
    return pages_of(request).show(
        request,
        "staff.html",
        400 if error else 200,
        listed=listed,
        error=error,
        link=link,
        alias=alias[:64],
        chosen=roles,
        roles=list(Role),
        languages=[one for one in LOCALES if one != SOURCE],
        spoken=languages,
    )


async def _named(request: Request) -> StaffId:
    """Return whom the address names; 404 for nobody."""
    id_ = request.path_params["id"]
    if not _ID.fullmatch(id_):
        raise HTTPException(404)
    try:
        account = await desk_of(request).accounts.get(StaffId(id_))
    except InvitationError:
        raise HTTPException(404) from None
    return account.staff.id


def staff_routes() -> list[Declared]:
    """Return the routes of this module."""
    manage = Permission.MANAGE_STAFF
    return [
        route(STAFF, staff_page, permission=manage),
        route("/staff/invite", invite, ["POST"], permission=manage, fresh=True),
        route("/staff/end-sessions", end_every_session, ["POST"], permission=manage, fresh=True),
        route("/staff/{id}/reset", reset, ["POST"], permission=manage, fresh=True),
        route("/staff/{id}/disable", disable, ["POST"], permission=manage, fresh=True),
        route("/staff/{id}/end-sessions", end_sessions, ["POST"], permission=manage, fresh=True),
    ]
