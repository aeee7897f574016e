"""Refuses what another site makes a browser send in the name of somebody signed in."""

import hmac
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from bot.domain.factors import Session

SAFE_METHODS = frozenset({"GET", "HEAD"})
FIELD = "csrf"
HEADER = "x-csrf-token"


def token_of(session: Session) -> str:
    """Return what the forms of a session carry."""
    return hmac.digest(session.secret, b"form", "sha256").hex()


def check_origin(request: Request) -> None:
    """Refuse what did not come from a page of this console (403).

    Browsers say so themselves (Fetch Metadata); older ones name at least the origin.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        from_here = site == "same-origin"
    else:
        origin = urlsplit(request.headers.get("origin", ""))
        from_here = bool(origin.netloc) and origin.netloc == request.headers.get("host")
    if not from_here:
        raise HTTPException(403)


async def check_token(request: Request, session: Session) -> None:
    """Refuse a form that was not made for this session (403)."""
    given = request.headers.get(HEADER)
    if given is None:
        given = str((await request.form(max_files=0)).get(FIELD, ""))
    if not hmac.compare_digest(given.encode(), token_of(session).encode()):
        raise HTTPException(403)
