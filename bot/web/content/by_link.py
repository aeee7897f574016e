"""One text for somebody without an account: whoever holds the link may translate it, once."""

import hashlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.content import Item
from bot.domain.errors import ChangedError, ContentError, InvitationError, NotYoursError
from bot.domain.staff import Permission
from bot.services.content import NotGoodError
from bot.services.content.exchange import note_of
from bot.web.answers import fields
from bot.web.content.parts import content_of, summary
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, Open, route

# No text is longer; the rules say the rest.
_LONGEST = 4_000


async def make(request: Request) -> Response:
    """Make a link to one text and show it, once."""
    (name,) = await fields(request, "item")
    try:
        token = await desk_of(request).links.make(Item.parse(name), session_of(request).staff)
    except NotYoursError:
        raise HTTPException(403) from None
    except ContentError:
        raise HTTPException(404) from None
    link = desk_of(request).link(f"/t/{token}")
    return pages_of(request).show(request, "text_link.html", link=link)


async def text_page(request: Request) -> Response:
    """Show the text a link is for; looking does not spend it."""
    return await _page(request)


async def send(request: Request) -> Response:
    """Take the translation and spend the link."""
    desk, token = desk_of(request), str(request.path_params["token"])
    (text,) = await fields(request, "text")
    name, now = hashlib.sha256(token.encode(errors="replace")).hexdigest(), desk.clock.now()
    if desk.tries.wait(name, now):
        return await _page(request, 429, text, why="wait")
    try:
        await desk.links.send(token, text[:_LONGEST])
    except InvitationError:
        return _spent(request)
    except NotGoodError as error:
        desk.tries.failed(name, now)
        return await _page(request, 400, text, errors=summary(error.judgement.errors))
    except ChangedError:
        return await _page(request, 409, text, why="taken")
    except ContentError:
        return _spent(request)
    return pages_of(request).show(request, "text_by_link.html", done=True)


async def _page(
    request: Request,
    status: int = 200,
    typed: str | None = None,
    errors: object = (),
    why: str = "",
) -> Response:
    served = content_of(request).library.served
    try:
        item = (await desk_of(request).links.open(str(request.path_params["token"]))).item
    except InvitationError:
        return _spent(request)
    source = served.source(item)
    if source is None:
        return _spent(request)
    old = served.texts.approved(item.context, source, item.locale)
    text = old or served.texts.draft(item.context, source, item.locale)
    return pages_of(request).show(
        request,
        "text_by_link.html",
        status,
        done=False,
        source=source,
        note=note_of(item.context, served),
        language=item.locale,
        terms=_terms(request, item, source),
        text=text if typed is None else typed[:_LONGEST],
        errors=errors,
        why=why,
    )


def _terms(request: Request, item: Item, source: str) -> list[tuple[str, str]]:
    """Return the words of the glossary that stand in the English text."""
    terms = content_of(request).judge.glossary(item.locale).get("terms", ())
    pairs = ((str(term["en"]), str(term.get(item.locale, ""))) for term in terms)
    return [(en, own) for en, own in pairs if own and en.casefold() in source.casefold()]


def _spent(request: Request) -> Response:
    return pages_of(request).show(request, "spent.html", 404)


def link_routes() -> list[Declared]:
    """Return the routes of this module. The link is the right: it is 256 random bits, sealed."""
    everybody = Open.EVERYBODY
    return [
        route("/content/link", make, ["POST"], permission=Permission.SEE_CONTENT),
        route("/t/{token}", text_page, permission=everybody),
        route("/t/{token}", send, ["POST"], permission=everybody),
    ]
