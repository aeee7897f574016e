"""Signing in and out, and proving again that it is still the same person."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.domain.errors import ClockError, ProofError, TooManyTriesError
from bot.services.staff.sessions import seconds_left
from bot.web.answers import ask, fields, go_on, read_answer, refusal, send_on
from bot.web.desk import desk_of, session_of
from bot.web.forgery import token_of
from bot.web.pages import pages_of, places_of
from bot.web.refusals import FORGET, SIGN_IN, local
from bot.web.routes import Declared, Open, route


async def home(request: Request) -> Response:
    """Send somebody where they work."""
    places = places_of(session_of(request))
    return send_on(request, places[0].path if places else "/account")


async def sign_in_page(request: Request) -> Response:
    """Show the ways to sign in."""
    return _sign_in_page(request, request.query_params.get("next", "/"))


async def sign_in(request: Request) -> Response:
    """Sign in with password and code."""
    alias, password, code, to = await fields(request, "alias", "password", "code", "next")
    try:
        new = await desk_of(request).sign_in.by_password(alias, password, code)
    except (ProofError, TooManyTriesError) as error:
        return _sign_in_page(request, to, error, alias)
    return send_on(request, local(to), new)


async def sign_in_options(request: Request) -> Response:
    """Ask the browser for a passkey."""
    return ask(*desk_of(request).sign_in.passkey_options())


async def sign_in_passkey(request: Request) -> Response:
    """Sign in with a passkey."""
    answer = await read_answer(request)
    try:
        new = await desk_of(request).sign_in.by_passkey(answer.challenge, answer.credential)
    except ProofError:
        return refusal("refused")
    return go_on(request, local(request.query_params.get("next", "/")), new)


async def sign_out(request: Request) -> Response:
    """End the session and have the browser forget everything."""
    desk = desk_of(request)
    await desk.sessions.sign_out(session_of(request))
    response = send_on(request, SIGN_IN)
    desk.cookie.take(response)
    response.headers["clear-site-data"] = FORGET
    return response


async def prove_page(request: Request) -> Response:
    """Show the ways to prove that it is still the same person."""
    return await _prove_page(request, request.query_params.get("next", "/"))


async def prove(request: Request) -> Response:
    """Take a code as a fresh proof."""
    code, to = await fields(request, "code", "next")
    try:
        new = await desk_of(request).sign_in.prove_by_code(session_of(request), code)
    except (ProofError, TooManyTriesError) as error:
        return await _prove_page(request, to, error)
    return send_on(request, local(to), new)


async def prove_options(request: Request) -> Response:
    """Ask the browser for a passkey of this person."""
    return ask(*await desk_of(request).sign_in.proof_options(session_of(request)))


async def prove_passkey(request: Request) -> Response:
    """Take a passkey as a fresh proof."""
    answer = await read_answer(request)
    signing = desk_of(request).sign_in
    try:
        new = await signing.prove_by_passkey(
            session_of(request), answer.challenge, answer.credential
        )
    except ProofError:
        return refusal("refused")
    return go_on(request, local(request.query_params.get("next", "/")), new)


async def session_state(request: Request) -> Response:
    """Tell an open page how long the session lasts, and what its forms must carry now."""
    session, now = session_of(request), desk_of(request).clock.now()
    return JSONResponse(
        {
            "session": session.id,
            "seconds_left": seconds_left(session, now),
            "fresh": session.is_fresh(now),
            "csrf": token_of(session),
        }
    )


def _sign_in_page(
    request: Request,
    to: str,
    error: ProofError | TooManyTriesError | None = None,
    alias: str = "",
) -> Response:
    status = _status(error)
    values = {"next": local(to), "alias": alias[:64], "error": _why(error)}
    return pages_of(request).show(request, "sign_in.html", status, **values)


async def _prove_page(
    request: Request, to: str, error: ProofError | TooManyTriesError | None = None
) -> Response:
    account = await desk_of(request).accounts.get(session_of(request).staff.id)
    values = {"next": local(to), "account": account, "error": _why(error)}
    return pages_of(request).show(request, "prove.html", _status(error), **values)


def _status(error: ProofError | TooManyTriesError | None) -> int:
    if error is None:
        return 200
    return 429 if isinstance(error, TooManyTriesError) else 400


def _why(error: ProofError | TooManyTriesError | None) -> dict[str, object] | None:
    """Return what the page words: which kind of refusal, and its number if it has one."""
    match error:
        case None:
            return None
        case TooManyTriesError(seconds=seconds):
            return {"kind": "wait", "number": seconds}
        case ClockError(minutes=minutes):
            return {"kind": "clock", "number": minutes}
        case _:
            return {"kind": "wrong", "number": 0}


def signing_routes() -> list[Declared]:
    """Return the routes of this module."""
    everybody, staff = Open.EVERYBODY, Open.STAFF
    return [
        route("/", home, permission=staff),
        route(SIGN_IN, sign_in_page, permission=everybody),
        route(SIGN_IN, sign_in, ["POST"], permission=everybody),
        route("/sign-in/passkey/options", sign_in_options, ["POST"], permission=everybody),
        route("/sign-in/passkey", sign_in_passkey, ["POST"], permission=everybody),
        route("/sign-out", sign_out, ["POST"], permission=staff),
        route("/prove", prove_page, permission=staff),
        route("/prove", prove, ["POST"], permission=staff),
        route("/prove/passkey/options", prove_options, ["POST"], permission=staff),
        route("/prove/passkey", prove_passkey, ["POST"], permission=staff),
        route("/session", session_state, permission=staff, quiet=True),
    ]
