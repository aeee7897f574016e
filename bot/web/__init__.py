"""The staff's side on the web: an ASGI app of its own, on its own host and port."""

from bot.web.app import create_console, make_app
from bot.web.desk import Desk
from bot.web.health import health_routes
from bot.web.words import Words

__all__ = ["Desk", "Words", "create_console", "health_routes", "make_app"]
