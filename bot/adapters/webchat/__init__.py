"""The visitors' web chat: one page that works without script and goes away at once."""

from bot.adapters.webchat.app import create_app
from bot.adapters.webchat.facts import FactBook
from bot.adapters.webchat.links import screen_links

__all__ = ["FactBook", "create_app", "screen_links"]
