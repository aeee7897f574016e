"""The visitors' web chat: one page that works without script and goes away at once."""

from bot.adapters.webchat.app import create_app
from bot.adapters.webchat.links import screen_links

__all__ = ["create_app", "screen_links"]
