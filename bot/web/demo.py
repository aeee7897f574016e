"""The one-time links of a demo. On any other console these addresses do not exist."""

from starlette.requests import Request
from starlette.responses import Response

from bot.domain.errors import InvitationError
from bot.services.staff.demo import DemoLinks
from bot.web.answers import send_on
from bot.web.desk import desk_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, Endpoint, Open, route


def demo_routes(links: DemoLinks) -> list[Declared]:
    """Return the page of a link and what its button does."""
    return [
        route("/demo/{token}", _page(links), permission=Open.EVERYBODY),
        route("/demo/{token}", _entrance(links), ["POST"], permission=Open.EVERYBODY),
    ]


def _page(links: DemoLinks) -> Endpoint:
    async def demo_page(request: Request) -> Response:
        """Show whom a link signs in; looking does not spend it."""
        try:
            account = links.look(request.path_params["token"])
        except InvitationError:
            return pages_of(request).show(request, "spent.html", 404)
        return pages_of(request).show(request, "demo.html", account=account)

    return demo_page


def _entrance(links: DemoLinks) -> Endpoint:
    async def demo(request: Request) -> Response:
        """Sign in with a link."""
        desk = desk_of(request)
        try:
            token = request.path_params["token"]
            new = await links.use(token, desk.store, desk.clock, desk.sessions)
        except InvitationError:
            return pages_of(request).show(request, "spent.html", 404)
        return send_on(request, "/", new)

    return demo
