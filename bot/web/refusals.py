"""What somebody gets who must sign in, or prove again that it is them, before going on.

A page that was left open learns it from the status and keeps what was typed: 401 (sign in) and 403
with ``x-havn-refusal: prove`` come as JSON to whoever accepts it, as a fragment to other scripts.
"""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.web.forgery import SAFE_METHODS
from bot.web.pages import pages_of

SIGN_IN = "/sign-in"
PROVE = "/prove"
REFUSAL = "x-havn-refusal"
# What a browser drops when a session ends by its owner's wish.
FORGET = '"cache", "cookies", "storage"'


def sign_in_first(request: Request) -> Response:
    """Refuse for want of a session."""
    return _refuse(request, SIGN_IN, "sign_in", 401)


def prove_first(request: Request) -> Response:
    """Refuse for want of a fresh proof."""
    return _refuse(request, PROVE, "prove", 403)


def local(path: str) -> str:
    """Return a path of this console that somebody may be sent on to; "/" for anything else."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if inside and path.isprintable() else "/"


def _refuse(request: Request, to: str, why: str, status: int) -> Response:
    headers = {REFUSAL: why}
    page = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"refusal": why, "to": to}, status, headers=headers)
    if page and request.method in SAFE_METHODS:
        return RedirectResponse(f"{to}?next={quote(request.url.path)}", 303, headers=headers)
    template = "refused.html" if page else "_refused.html"
    response = pages_of(request).show(request, template, status, why=why, to=to)
    response.headers.update(headers)
    return response
