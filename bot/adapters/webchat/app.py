"""The web chat as an ASGI app of its own: routes, and what stands around every one of them."""

import time
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.adapters.webchat.chat import Chat
from bot.adapters.webchat.crowd import Crowd
from bot.adapters.webchat.facts import Facts
from bot.adapters.webchat.headers import Headers
from bot.adapters.webchat.language import negotiated
from bot.adapters.webchat.links import Links
from bot.adapters.webchat.pages import Asset, Pages, Word
from bot.adapters.webchat.session import NewSecret, new_secret
from bot.adapters.webchat.view import NOT_SENT
from bot.domain.messages import Channel
from bot.logs import error_class, logger
from bot.ports import Door
from bot.settings import Settings

Privacy = Callable[[str], Sequence[str]]
_log = logger(__name__)
_GZIP_FROM_BYTES = 400


def create_app(
    door: Door,
    *,
    word: Word,
    locales: Callable[[], Sequence[str]],
    links: Links,
    privacy: Privacy,
    facts: Facts,
    settings: Settings,
    routes: Sequence[BaseRoute] = (),
    secret: NewSecret = new_secret,
    crowd: Crowd | None = None,
    now: Callable[[], float] = time.time,
) -> ASGIApp:
    """Return the web chat.

    ``word`` gives an interface word by key and locale; ``locales`` those served now; ``links`` what
    may be a link on a screen (see screen_links); ``privacy`` the title and then the paragraphs of
    the privacy page; ``facts`` those of the public page (see FactBook); ``routes`` are added to
    the app's own. Run it without a server header and, behind a proxy, with proxy headers from that
    proxy only.
    """
    pages = Pages(
        word,
        links,
        lambda locale: door.greet(Channel.WEB, NOT_SENT, locale),
        neutral_site=settings.neutral_site,
        idle_minutes=settings.web_idle_minutes,
    )
    chat = Chat(
        door,
        pages,
        word,
        locales,
        neutral_site=settings.neutral_site,
        idle_minutes=settings.web_idle_minutes,
        crowd=crowd or Crowd(),
        secret=secret,
        now=now,
    )

    async def show_privacy(request: Request) -> Response:
        locale = negotiated(request.headers, locales()) or "en"
        title, *paragraphs = privacy(locale)
        return pages.privacy(locale, title, paragraphs)

    async def show_facts(request: Request) -> Response:
        locale = negotiated(request.headers, locales()) or "en"
        return pages.facts(locale, facts(locale))

    last_resort = bytes(pages.page(chat.out_of_order(), 500).body)

    async def out_of_order(_request: Request, _error: Exception) -> Response:
        return Response(last_resort, 500, media_type="text/html")

    icon = pages.assets["icon.svg"]
    app = Starlette(
        routes=[
            Route("/", chat.opening, methods=["GET"]),
            Route("/", chat.submit, methods=["POST"]),
            Route("/exit", chat.follow_exit, methods=["GET"]),
            Route("/exit", chat.leave, methods=["POST"]),
            Route("/closed", chat.closed, methods=["GET"]),
            Route("/privacy", show_privacy, methods=["GET"]),
            Route("/facts", show_facts, methods=["GET"]),
            _asset("/icon.svg", icon),
            _asset("/favicon.ico", icon),
            *(_asset(asset.path, asset) for asset in pages.assets.values()),
            *routes,
        ],
        # No session, cookie or header of the visitor reaches a page, so compressing it beside the
        # token gives no foreign site anything to measure.
        middleware=[Middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES)],
        exception_handlers={404: chat.not_found, 405: chat.not_found, Exception: out_of_order},
    )
    return Headers(_Quiet(app), https=settings.chat_address.startswith("https:"))


def _asset(path: str, asset: Asset) -> Route:
    async def serve(_request: Request) -> Response:
        return asset.response()

    return Route(path, serve, methods=["GET"])


class _Quiet:
    """Keeps errors from the server, which would print them. The visitor has an answer by then."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            _log.error("web_request_failed", error=error_class(error))
