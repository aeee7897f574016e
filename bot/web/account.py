"""What somebody sees of their own account."""

from starlette.requests import Request
from starlette.responses import Response

from bot.domain.errors import ProofError, StaffError
from bot.web.answers import ask, decode, fields, go_on, read_answer, refusal, send_on
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.refusals import FORGET, SIGN_IN
from bot.web.routes import Declared, Open, route

ACCOUNT = "/account"


async def account_page(request: Request) -> Response:
    """Show a person's own account."""
    return await _page(request)


async def choose_language(request: Request) -> Response:
    """Remember a language."""
    (locale,) = await fields(request, "locale")
    desk = desk_of(request)
    if locale in desk.words.locales:
        await desk.accounts.choose_locale(session_of(request).staff.id, locale)
    return send_on(request, ACCOUNT)


async def further_options(request: Request) -> Response:
    """Ask the browser to make one more passkey."""
    try:
        return ask(*await desk_of(request).enrolment.further_passkey_options(session_of(request)))
    except ProofError:
        return refusal("refused")


async def add_passkey(request: Request) -> Response:
    """Take one more passkey."""
    answer = await read_answer(request)
    enrolment = desk_of(request).enrolment
    try:
        await enrolment.add_passkey(
            session_of(request), answer.challenge, answer.credential, "passkey"
        )
    except ProofError:
        return refusal("refused")
    return go_on(request, ACCOUNT)


async def remove_passkey(request: Request) -> Response:
    """Remove a passkey, unless it is the only way in."""
    (passkey,) = await fields(request, "passkey")
    accounts = desk_of(request).accounts
    try:
        await accounts.remove_passkey(session_of(request).staff.id, decode(passkey))
    except StaffError:
        return await _page(request, error="only_way")
    return send_on(request, ACCOUNT)


async def end_own_sessions(request: Request) -> Response:
    """End every session of this person, this one too."""
    desk, who = desk_of(request), session_of(request).staff.id
    await desk.sessions.end_all(who, who)
    response = send_on(request, SIGN_IN)
    desk.cookie.take(response)
    response.headers["clear-site-data"] = FORGET
    return response


async def _page(request: Request, error: str = "") -> Response:
    desk, session = desk_of(request), session_of(request)
    return pages_of(request).show(
        request,
        "account.html",
        400 if error else 200,
        account=await desk.accounts.get(session.staff.id),
        session=session,
        fresh=session.is_fresh(desk.clock.now()),
        error=error,
    )


def account_routes() -> list[Declared]:
    """Return the routes of this module."""
    staff = Open.STAFF
    return [
        route(ACCOUNT, account_page, permission=staff),
        route("/account/language", choose_language, ["POST"], permission=staff),
        route("/account/passkey/options", further_options, ["POST"], permission=staff, fresh=True),
        route("/account/passkey", add_passkey, ["POST"], permission=staff, fresh=True),
        route("/account/passkey/remove", remove_passkey, ["POST"], permission=staff, fresh=True),
        route("/account/end-sessions", end_own_sessions, ["POST"], permission=staff),
    ]
