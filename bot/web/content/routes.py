"""Every route of the content desk."""

from bot.web.content.by_link import link_routes
from bot.web.content.exchange import exchange_routes
from bot.web.routes import Declared


def content_routes() -> list[Declared]:
    """Return the routes of the content desk."""
    return [*exchange_routes(), *link_routes()]
