"""The console as an ASGI app: its pages, each declared with its rights, and what surrounds them."""

from collections.abc import Sequence
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot import metrics
from bot.domain.errors import StoreUnavailableError
from bot.logs import logger
from bot.web.account import account_routes
from bot.web.alerts import SCRIPT, alert_routes, worker_routes
from bot.web.board import board_routes
from bot.web.content import content_routes
from bot.web.desk import Desk
from bot.web.enrolling import enrolling_routes
from bot.web.figures import figure_routes
from bot.web.live import live_routes
from bot.web.pages import Asset, Pages, assets, pages_of
from bot.web.practice import practice_routes
from bot.web.queue import queue_routes
from bot.web.routes import Declared, Endpoint
from bot.web.security import Guarded
from bot.web.shift import shift_routes
from bot.web.signing import signing_routes
from bot.web.staff import staff_routes
from bot.web.steps import step_routes
from bot.web.talk import talk_routes
from bot.web.trail import trail_routes

log = logger(__name__)

_FOREVER = "public, max-age=31536000, immutable"
_FORBIDDEN = 403
_AWAY_SECONDS = 5


def create_console(
    desk: Desk, health: Sequence[BaseRoute] = (), more: Sequence[Declared] = ()
) -> ASGIApp:
    """Return the console. ``health`` are its health routes, ``more`` further pages.

    ``/metrics`` exists here and nowhere else: the console's host is for staff only.
    """
    return Guarded(
        make_app(desk, health, more),
        https=desk.address.startswith("https:"),
        worker=bool(desk.alerts.key),
    )


def make_app(
    desk: Desk, health: Sequence[BaseRoute] = (), more: Sequence[Declared] = ()
) -> Starlette:
    """Return the console without its headers, so that its routes can be looked at."""
    shipped = [one for one in assets() if desk.alerts.key or one.name != SCRIPT]
    pages = Pages(desk, shipped)
    # Made beforehand: when something is broken, it may be the templates.
    last_resort = pages.render("broken.html", "en", None, {"path": "", "stoppable": 0}).encode()

    async def broken(_request: Request, _error: Exception) -> Response:
        return HTMLResponse(last_resort, 500)

    async def away(_request: Request, _error: Exception) -> Response:
        log.warning("console_store_away")
        return HTMLResponse(last_resort, 503, {"Retry-After": str(_AWAY_SECONDS)})

    app = Starlette(
        routes=[
            *signing_routes(),
            *enrolling_routes(),
            *account_routes(),
            *board_routes(),
            *figure_routes(),
            *content_routes(),
            *staff_routes(),
            *trail_routes(),
            *queue_routes(),
            *shift_routes(),
            *talk_routes(),
            *step_routes(),
            *live_routes(),
            *practice_routes(),
            *(alert_routes() if desk.alerts.key else ()),
            *more,
            *public_routes(shipped),
            *(worker_routes() if desk.alerts.key else ()),
            *health,
        ],
        exception_handlers={
            HTTPException: _refused,
            StoreUnavailableError: away,
            Exception: broken,
        },
    )
    app.state.desk = desk
    app.state.pages = pages
    return app


def public_routes(shipped: Sequence[Asset]) -> list[Route]:
    """Return what is there for everybody and says nothing about anybody."""
    return [
        *(Route(asset.path, _asset(asset), methods=["GET"], name=asset.name) for asset in shipped),
        # Browsers ask for it unasked; without an answer each visit would look like an error.
        Route("/favicon.ico", no_icon, methods=["GET"]),
        Route("/metrics", figures, methods=["GET"]),
    ]


async def no_icon(_request: Request) -> Response:
    """Answer what browsers ask for unasked."""
    return Response(status_code=204, headers={"cache-control": _FOREVER})


async def figures(_request: Request) -> Response:
    """Return the figures about the program."""
    return Response(metrics.exposition(), headers={"content-type": metrics.CONTENT_TYPE})


def _asset(asset: Asset) -> Endpoint:
    async def send(_request: Request) -> Response:
        return asset.response()

    return send


async def _refused(request: Request, error: Exception) -> Response:
    refusal = cast("HTTPException", error)
    if refusal.status_code == _FORBIDDEN:
        log.warning("console_request_forbidden")
    template = "forbidden.html" if refusal.status_code == _FORBIDDEN else "missing.html"
    response = pages_of(request).show(request, template, refusal.status_code)
    response.headers.update(refusal.headers or {})
    return response
