"""Telegram: updates in, bubbles out.

python-telegram-bot is the typed client of the Bot API and nothing more: it never queues, because
its own loop confirms updates before anybody has stored them.
"""

from bot.adapters.telegram.channel import TelegramChannel
from bot.adapters.telegram.client import Client, open_client
from bot.adapters.telegram.intake import Intake
from bot.adapters.telegram.poller import Poller
from bot.adapters.telegram.profile import Profile
from bot.adapters.telegram.quiet import silence
from bot.adapters.telegram.webhook import register_webhook, webhook_route

__all__ = [
    "Client",
    "Intake",
    "Poller",
    "Profile",
    "TelegramChannel",
    "open_client",
    "register_webhook",
    "silence",
    "webhook_route",
]
