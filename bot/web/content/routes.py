"""Every route of the content desk."""

from bot.web.content.fact_edit import fact_edit_routes
from bot.web.content.facts import fact_routes
from bot.web.routes import Declared


def content_routes() -> list[Declared]:
    """Return the routes of the content desk."""
    return [*fact_routes(), *fact_edit_routes()]
