"""The page behind an invitation: choose a passkey, or a password with codes from an app."""

from starlette.requests import Request
from starlette.responses import Response

from bot.domain import totp
from bot.domain.errors import ClockError, InvitationError, PasswordError, ProofError
from bot.domain.factors import SHORTEST_PASSWORD, Account
from bot.domain.staff import needs_passkey
from bot.web.answers import ask, decode, encode, fields, go_on, read_answer, refusal, send_on
from bot.web.desk import desk_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, Open, route

_ISSUER = "Havn"
# What a passkey is called until its owner has more than one; they are told apart by their date.
_NAME = "passkey"


async def enrol_page(request: Request) -> Response:
    """Show the ways to enrol; looking does not spend the link."""
    try:
        account = await desk_of(request).enrolment.invited(_token(request))
    except InvitationError:
        return pages_of(request).show(request, "spent.html", 404)
    return _page(request, account)


async def enrol_options(request: Request) -> Response:
    """Ask the browser to make a passkey."""
    try:
        return ask(*await desk_of(request).enrolment.passkey_options(_token(request)))
    except InvitationError:
        return refusal("spent", 404)


async def enrol_passkey(request: Request) -> Response:
    """Take a passkey and sign its owner in."""
    answer = await read_answer(request)
    enrolment = desk_of(request).enrolment
    try:
        new = await enrolment.enrol_passkey(
            _token(request), answer.challenge, answer.credential, _NAME
        )
    except InvitationError:
        return refusal("spent", 404)
    except ProofError:
        return refusal("refused")
    return go_on(request, "/", new)


async def enrol_password(request: Request) -> Response:
    """Take a password and a code and sign their owner in."""
    enrolment = desk_of(request).enrolment
    password, sealed, code = await fields(request, "password", "secret", "code")
    try:
        account = await enrolment.invited(_token(request))
        new = await enrolment.enrol_password(_token(request), password, decode(sealed), code)
    except InvitationError:
        return pages_of(request).show(request, "spent.html", 404)
    except PasswordError as error:
        return _again(request, account, sealed, {"field": "password", "kind": str(error)})
    except ClockError as error:
        wrong = {"field": "code", "kind": "clock", "number": error.minutes}
        return _again(request, account, sealed, wrong)
    except ProofError:
        return _again(request, account, sealed, {"field": "code", "kind": "wrong"})
    return send_on(request, "/", new)


def _again(request: Request, account: Account, sealed: str, error: dict[str, object]) -> Response:
    """Show the page once more with the same secret: the app has it already."""
    try:
        secret = desk_of(request).enrolment.secret_of(account, decode(sealed))
    except ProofError:
        return _page(request, account)
    return _page(request, account, (secret, sealed), error)


def _page(
    request: Request,
    account: Account,
    held: tuple[bytes, str] | None = None,
    error: dict[str, object] | None = None,
) -> Response:
    if held is None:
        secret, sealed = desk_of(request).enrolment.new_secret(account)
        held = secret, encode(sealed)
    return pages_of(request).show(
        request,
        "enrol.html",
        400 if error else 200,
        staff=account.staff,
        passkey_only=needs_passkey(account.staff.roles),
        readable=totp.readable(held[0]),
        picture=_picture(totp.address(held[0], account.staff.alias, _ISSUER)),
        secret=held[1],
        shortest=SHORTEST_PASSWORD,
        error=error,
    )


def _picture(text: str) -> dict[str, object]:
    """Return a QR code as the width of a square and the path of its dark parts."""
    import segno  # noqa: PLC0415 -- 80 ms of a start that only enrolling needs

    code = segno.make_qr(text, error="m")
    dark = ((x, y) for y, row in enumerate(code.matrix) for x, on in enumerate(row) if on)
    return {"size": len(code.matrix), "path": "".join(f"M{x} {y}h1v1h-1z" for x, y in dark)}


def _token(request: Request) -> str:
    return str(request.path_params["token"])


def enrolling_routes() -> list[Declared]:
    """Return the routes of this module. The link is the right: whoever holds it may enrol."""
    everybody = Open.EVERYBODY
    return [
        route("/enrol/{token}", enrol_page, permission=everybody),
        route("/enrol/{token}/passkey/options", enrol_options, ["POST"], permission=everybody),
        route("/enrol/{token}/passkey", enrol_passkey, ["POST"], permission=everybody),
        route("/enrol/{token}/password", enrol_password, ["POST"], permission=everybody),
    ]
