"""The page where translations leave as a file for an agency, and come back to review."""

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.content import Item, ItemKind
from bot.domain.errors import ContentError, NotYoursError
from bot.domain.staff import Permission, Staff
from bot.i18n import LOCALES, exchange
from bot.i18n.exchange import Form
from bot.i18n.texts import SOURCE
from bot.services.content import may_edit
from bot.services.content.exchange import Exchange
from bot.web.content.parts import content_of, summary
from bot.web.desk import session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route
from bot.web.security import UPLOAD

_KINDS = {Form.PO: "text/x-gettext-translation", Form.XLIFF: "application/xliff+xml"}


async def exchange_page(request: Request) -> Response:
    """Show what can be taken along and brought back."""
    return _page(request)


async def download(request: Request) -> Response:
    """Send the texts of one language as a file."""
    locale, form, which = (request.query_params.get(n, "") for n in ("locale", "form", "which"))
    if locale not in _own(session_of(request).staff):
        raise HTTPException(403 if locale in LOCALES else 404)
    if form not in set(Form):
        raise HTTPException(404)
    units = await Exchange(content_of(request)).units(locale, only_open=which == "open")
    content = exchange.write(Form(form), units, locale)
    headers = {"content-disposition": f'attachment; filename="havn-{locale}.{form}"'}
    return Response(content, headers=headers, media_type=_KINDS[Form(form)])


async def upload(request: Request) -> Response:
    """Propose what a file changed, and show what became of each text."""
    file = (await request.form(max_files=1)).get("file")
    if not isinstance(file, UploadFile) or not file.size:
        return _page(request, wrong="choose a file first")
    try:
        locale, units = exchange.read(await file.read())
        rows = await Exchange(content_of(request)).take(locale, units, session_of(request).staff)
    except NotYoursError:
        raise HTTPException(403) from None
    except ContentError as error:
        return _page(request, wrong=str(error))
    return pages_of(request).show(
        request, "exchanged.html", rows=rows, language=locale, summary=summary
    )


def _page(request: Request, wrong: str = "") -> Response:
    own = _own(session_of(request).staff)
    status = 400 if wrong else 200
    return pages_of(request).show(request, "exchange.html", status, own=own, wrong=wrong)


def _own(staff: Staff) -> list[str]:
    """Return the languages somebody may write in."""
    targets = (locale for locale in LOCALES if locale != SOURCE)
    return [one for one in targets if may_edit(staff, Item(ItemKind.TEXT, "", one))]


def exchange_routes() -> list[Declared]:
    """Return the routes of this module; whose languages they are is asked in each."""
    see = Permission.SEE_CONTENT
    return [
        route(UPLOAD, exchange_page, permission=see),
        route("/content/exchange/file", download, permission=see),
        route(UPLOAD, upload, ["POST"], permission=see, upload=True),
    ]
