"""The content desk: pages on which texts and facts are edited, approved and published."""

from bot.web.content.routes import content_routes

__all__ = ["content_routes"]
