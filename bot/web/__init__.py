"""The staff's side on the web: an ASGI app of its own, on its own host and port."""

from bot.web.app import create_console
from bot.web.health import health_routes

__all__ = ["create_console", "health_routes"]
