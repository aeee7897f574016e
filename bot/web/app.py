"""The console as an ASGI app. Until the handover is built it holds one page, health and figures."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot import metrics
from bot.web.security import Guarded

_FOREVER = "public, max-age=31536000, immutable"


def create_console(health: Sequence[BaseRoute] = (), *, https: bool) -> ASGIApp:
    """Return the console. ``health`` are its health routes; ``https`` adds HSTS.

    ``/metrics`` exists here and nowhere else: the console's host is for staff only.
    """
    style = files("bot.web").joinpath("static", "console.css").read_bytes()
    style_path = f"/a/{hashlib.sha256(style).hexdigest()[:16]}.css"
    templates = Environment(
        loader=PackageLoader("bot.web"), autoescape=True, undefined=StrictUndefined
    )

    def page(template: str, status: int = 200) -> Response:
        return HTMLResponse(templates.get_template(template).render(css=style_path), status)

    async def home(_request: Request) -> Response:
        return page("home.html")

    async def stylesheet(_request: Request) -> Response:
        headers = {"cache-control": _FOREVER}
        return Response(style, headers=headers, media_type="text/css; charset=utf-8")

    async def no_icon(_request: Request) -> Response:
        return Response(status_code=204, headers={"cache-control": _FOREVER})

    async def figures(_request: Request) -> Response:
        return Response(metrics.exposition(), headers={"content-type": metrics.CONTENT_TYPE})

    async def refused(_request: Request, error: Exception) -> Response:
        response = page("missing.html", cast("HTTPException", error).status_code)
        response.headers.update(cast("HTTPException", error).headers or {})
        return response

    # Made beforehand: when something is broken, it may be the templates.
    last_resort = bytes(page("broken.html").body)

    async def broken(_request: Request, _error: Exception) -> Response:
        return HTMLResponse(last_resort, 500)

    app = Starlette(
        routes=[
            Route("/", home, methods=["GET"]),
            Route(style_path, stylesheet, methods=["GET"]),
            # Browsers ask for it unasked; without an answer each visit would look like an error.
            Route("/favicon.ico", no_icon, methods=["GET"]),
            Route("/metrics", figures, methods=["GET"]),
            *health,
        ],
        exception_handlers={HTTPException: refused, Exception: broken},
    )
    return Guarded(app, https=https)
