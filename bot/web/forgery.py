"""Refuses what another site makes a browser send in the name of somebody signed in."""

import hmac

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
        _, _, origin = request.headers.get("origin", "").partition("://")
        from_here = bool(origin) and origin == request.headers.get("host")
    if not from_here:
        raise HTTPException(403)


def check_kind(request: Request) -> None:
    """Refuse a body in parts (415): no form here carries files.

    Each part could name an encoding of its own, and some of those make text that cannot be stored.
    """
    if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise HTTPException(415)


def check_upload(request: Request) -> None:
    """Refuse a body that is no form with a file (415), or whose parts name an encoding."""
    kind = request.headers.get("content-type", "").strip().lower()
    if not kind.startswith("multipart/form-data;") or "charset" in kind:
        raise HTTPException(415)


def check_reader(request: Request) -> None:
    """Refuse what a page of another site loads unseen (403); a link that is followed may pass.

    The cookie goes along from sites of the same domain, such as the visitors' chat: their pages
    could otherwise use up the streams of a session, or keep a shift alive that nobody keeps.
    """
    if request.headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return
    how = request.headers.get("sec-fetch-mode"), request.headers.get("sec-fetch-dest", "document")
    if how != ("navigate", "document"):
        raise HTTPException(403)


async def check_token(request: Request, session: Session, files: int = 0) -> None:
    """Refuse a form that was not made for this session (403)."""
    given = request.headers.get(HEADER)
    if given is None:
        given = str((await request.form(max_files=files)).get(FIELD, ""))
    if not hmac.compare_digest(given.encode(errors="replace"), token_of(session).encode()):
        raise HTTPException(403)
