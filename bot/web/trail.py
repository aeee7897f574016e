"""The audit trail on a page, day by day, and whether it is whole. For auditors."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from starlette.requests import Request
from starlette.responses import Response

from bot.domain.audit import AuditEvent, Happening, Report
from bot.domain.staff import Permission
from bot.web.answers import fields
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route
from bot.web.words import COPENHAGEN, _

AUDIT = "/audit"
_SHOWN = 500
EVENTS: Mapping[AuditEvent, str] = {
    AuditEvent.SIGNED_IN: _("Signed in"),
    AuditEvent.SIGNED_OUT: _("Signed out"),
    AuditEvent.PROVED_AGAIN: _("Proved again who it is"),
    AuditEvent.SESSIONS_ENDED: _("Ended sessions"),
    AuditEvent.STAFF_INVITED: _("Invited somebody"),
    AuditEvent.STAFF_ENROLLED: _("Enrolled"),
    AuditEvent.STAFF_RESET: _("Gave a new link"),
    AuditEvent.STAFF_DISABLED: _("Switched somebody off"),
    AuditEvent.PASSKEY_ADDED: _("Added a passkey"),
    AuditEvent.PASSKEY_REMOVED: _("Removed a passkey"),
    AuditEvent.AUDIT_READ: _("Read the audit trail"),
    AuditEvent.AUDIT_VERIFIED: _("Verified the audit trail"),
    AuditEvent.CONVERSATION_TAKEN: _("Took a conversation"),
    AuditEvent.CONVERSATION_OPENED: _("Opened a conversation"),
    AuditEvent.CONVERSATION_TAKEN_OVER: _("Took a conversation over"),
    AuditEvent.CONVERSATION_TRANSFERRED: _("Transferred a conversation"),
    AuditEvent.CONVERSATION_RELEASED: _("Gave a conversation back"),
    AuditEvent.CONVERSATION_CLOSED: _("Closed a conversation"),
    AuditEvent.LEVEL_CHANGED: _("Changed a level"),
    AuditEvent.WHISPERED: _("Whispered to a colleague"),
    AuditEvent.TEXT_EDITED: _("Edited a text"),
    AuditEvent.TEXT_SUBMITTED: _("Sent a text to review"),
    AuditEvent.TEXT_LINK_MADE: _("Made a link to a text"),
    AuditEvent.TEXT_APPROVED: _("Approved a text"),
    AuditEvent.TEXT_SENT_BACK: _("Sent a text back, or stopped it"),
    AuditEvent.TEXT_DROPPED: _("Gave up a change of a text"),
    AuditEvent.TEXT_ROLLED_BACK: _("Brought an earlier version of all texts back"),
    AuditEvent.UNREADABLE: _("Illegible"),
}
_DAY = timedelta(days=1)
_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


async def audit_page(request: Request) -> Response:
    """Show a day of the trail. That somebody read it is an entry itself."""
    return await _page(request, request.query_params.get("day", ""))


async def verify(request: Request) -> Response:
    """Verify the whole trail and show the result."""
    (day,) = await fields(request, "day")
    report = await desk_of(request).trail.verify_for(session_of(request).staff.id)
    return await _page(request, day, report)


async def _page(request: Request, wanted: str, report: Report | None = None) -> Response:
    desk, who = desk_of(request), session_of(request).staff.id
    day = _day(wanted) or desk.clock.now().astimezone(COPENHAGEN).date()
    since, until = (datetime.combine(d, time(), COPENHAGEN) for d in (day, day + _DAY))
    async with desk.store.begin() as unit:
        await unit.audit.record(Happening(who, AuditEvent.AUDIT_READ, desk.clock.now()))
        entries = await unit.audit.between(since, until, newest=_SHOWN)
        names = {a.staff.id: a.staff.alias for a in await unit.staff.all()}
    return pages_of(request).show(
        request,
        "audit.html",
        day=day,
        entries=entries,
        events=EVENTS,
        names=names,
        report=report,
        shown=_SHOWN,
    )


def _day(wanted: str) -> date | None:
    try:
        day = date.fromisoformat(wanted)
    except ValueError:
        return None
    return day if _FIRST <= day <= _LAST else None


def trail_routes() -> list[Declared]:
    """Return the routes of this module."""
    read = Permission.READ_AUDIT
    return [
        route(AUDIT, audit_page, permission=read),
        route("/audit/verify", verify, ["POST"], permission=read),
    ]
