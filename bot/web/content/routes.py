"""Every route of the content desk."""

from bot.web.content.reports import report_routes
from bot.web.content.screens import screen_routes
from bot.web.content.texts import text_routes
from bot.web.routes import Declared


def content_routes() -> list[Declared]:
    """Return the routes of the content desk."""
    return [*text_routes(), *screen_routes(), *report_routes()]
