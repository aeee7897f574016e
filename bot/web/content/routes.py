"""Every route of the content desk."""

from bot.web.routes import Declared


def content_routes() -> list[Declared]:
    """Return the routes of the content desk."""
    return []
