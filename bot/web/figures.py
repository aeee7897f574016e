"""Figures: weekly counts of what was closed, as bars, as tables and as files for a spreadsheet.

What may be shown of small counts is decided in bot/domain/figures.py and nowhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.figures import WAIT_OF, Kind, Table, finished_weeks, table, to_csv
from bot.domain.staff import Permission
from bot.i18n import LOCALES, own_name
from bot.web.charts import Chart, bar_chart
from bot.web.desk import Desk, desk_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route
from bot.web.words import Say, _

FIGURES = "/figures"
# How many weeks back a page may reach.
SPANS = (4, 13, 26, 52)
_USUAL = 13
_CSV = "text/csv; charset=utf-8"
_DESCRIBED = _("{title}, all weeks together. The table below has the numbers.")

_TITLES: Mapping[Kind, str] = {
    Kind.LEVEL: _("Level when it ended"),
    Kind.WAIT_RED: _("RED: wait for the first line"),
    Kind.WAIT_ORANGE: _("ORANGE: wait for the first line"),
    Kind.WAIT_YELLOW: _("YELLOW: wait for the first line"),
    Kind.OUTCOME: _("How it ended"),
    Kind.REFERRAL: _("Pointed to"),
    Kind.TOPIC: _("Topic"),
    Kind.LOCALE: _("Language"),
}
_WAITS: Mapping[str, str] = {
    "under_3": _("under 3 minutes"),
    "3_to_15": _("3 to 15 minutes"),
    "15_to_60": _("15 to 60 minutes"),
    "over_60": _("60 minutes and more"),
    "none": _("no line before it ended"),
}
_NAMES: Mapping[Kind, Mapping[str, str]] = {
    Kind.LEVEL: {
        "red": _("RED"),
        "orange": _("ORANGE"),
        "yellow": _("YELLOW"),
        "grey": _("GREY"),
    },
    **dict.fromkeys(WAIT_OF.values(), _WAITS),
    Kind.OUTCOME: {
        "informed": _("Informed"),
        "referred": _("Referred"),
        "meeting": _("Meeting agreed"),
        "emergency": _("Emergency services"),
        "quiet": _("Went quiet"),
        "other_person": _("Somebody else wrote"),
        "misuse": _("Misuse"),
        "left": _("The visitor left"),
        "forgotten": _("The visitor deleted it"),
    },
    Kind.REFERRAL: {
        "none": _("Nobody"),
        "cmm_region": _("CMM in the region"),
        "police": _("Police"),
        "immigration_service": _("Immigration Service"),
        "tax_agency": _("Tax Agency"),
        "working_environment_authority": _("Working Environment Authority"),
        "union": _("A union"),
        "ngo": _("An organisation"),
        "municipality": _("The municipality"),
        "health": _("Health services"),
    },
    Kind.TOPIC: {
        "danger": _("Danger"),
        "going_home": _("Going home"),
        "papers_and_stay": _("Papers and staying"),
        "pay_and_work": _("Pay and work"),
        "police_and_law": _("Police and law"),
        "health": _("Health"),
        "shelter": _("A place to stay"),
        "under_18": _("Under 18"),
        "worry_about_others": _("Worry about others"),
        "other": _("Something else"),
    },
}


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of count on the page."""

    kind: Kind
    title: str
    table: Table
    chart: Chart
    names: Mapping[str, str]


async def figures_page(request: Request) -> Response:
    """Show every kind of count over some weeks that are over."""
    span, desk, pages = _span(request), desk_of(request), pages_of(request)
    say = desk.words.say(pages.locale(request))
    tables = await _tables(desk, span, list(_TITLES))
    return pages.show(
        request,
        "figures.html",
        parts=[_part(one, say) for one in tables],
        span=span,
        spans=SPANS,
        weeks=finished_weeks(desk.clock.now(), span),
    )


async def figures_file(request: Request) -> Response:
    """Return one kind of count as a CSV file; 404 for what is not counted."""
    try:
        kind = Kind(request.path_params["kind"])
    except ValueError:
        raise HTTPException(404) from None
    (one,) = await _tables(desk_of(request), _span(request), [kind])
    name = f'attachment; filename="havn-{kind}.csv"'
    return Response(to_csv(one), media_type=_CSV, headers={"content-disposition": name})


async def _tables(desk: Desk, span: int, kinds: Sequence[Kind]) -> Sequence[Table]:
    now = desk.clock.now()
    weeks = finished_weeks(now, span)
    async with desk.store.begin() as unit:
        counters = await unit.figures.between(weeks[0], weeks[-1])
    counted = {value for _week, kind, value in counters if kind == Kind.LOCALE}
    served = tuple(desk.renderer.texts.locales)
    # With one language there is nothing to tell apart, and one may have been switched off since.
    locales = served if len(served) > 1 and counted <= set(served) else tuple(LOCALES)
    return [table(kind, counters, weeks, now, locales=locales) for kind in kinds]


def _part(one: Table, say: Say) -> Part:
    words = _NAMES.get(one.kind, {})
    names = {value: say(words[value]) if words else own_name(value) for value in one.values}
    title = say(_TITLES[one.kind])
    counts = [(names[value], cell) for value, cell in zip(one.values, one.totals, strict=True)]
    described = say(_DESCRIBED, title=title)
    return Part(one.kind, title, one, bar_chart(one.kind, title, described, counts), names)


def _span(request: Request) -> int:
    """Return how many weeks are asked for; the usual number for anything else."""
    asked = request.query_params.get("weeks", "")
    return next((span for span in SPANS if asked == str(span)), _USUAL)


def figure_routes() -> list[Declared]:
    """Return the routes of this module."""
    see = Permission.SEE_FIGURES
    return [
        route(FIGURES, figures_page, permission=see),
        route("/figures/{kind}", figures_file, permission=see),
    ]
