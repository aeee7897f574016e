"""The grid of screens and languages: what is live, and what misses before a language starts."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from bot.domain.staff import Permission
from bot.i18n import LOCALES
from bot.i18n.texts import SOURCE, Status
from bot.services.content.coverage import FIXED_ROW, REST, WORDS, Grid, Row, grid
from bot.web.content.parts import CONTENT, content_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

COVERAGE = f"{CONTENT}/coverage"


async def coverage_page(request: Request) -> Response:
    """Show how far the translations have come, of one language or state if asked."""
    served = content_of(request).library.served
    every = [locale for locale in LOCALES if locale != SOURCE]
    wanted = request.query_params.get("locale", "")
    chosen = [wanted] if wanted in every else every
    state = request.query_params.get("state", "")
    found = grid(served, every)
    return pages_of(request).show(
        request,
        "coverage.html",
        totals=found.totals,
        rest=REST,
        served=served.texts.locales,
        every=every,
        chosen=chosen,
        wanted=wanted if wanted in every else "",
        states=list(Status),
        state=state if state in set(Status) else "",
        rows=_matching(found, chosen, state),
        fixed_row=FIXED_ROW,
        words=WORDS,
    )


def _matching(found: Grid, locales: Sequence[str], state: str) -> Sequence[Row]:
    """Return the rows in which some cell is in a state; all of them for none."""
    if state not in set(Status):
        return found.rows
    return [row for row in found.rows if any(row.cells[one].status == state for one in locales)]


def coverage_routes() -> list[Declared]:
    """Return the routes of this module."""
    return [route(COVERAGE, coverage_page, permission=Permission.SEE_CONTENT)]
