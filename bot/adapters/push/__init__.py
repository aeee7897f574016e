"""Alerts through the push services of browsers (Web Push: RFC 8030, RFC 8292)."""

from bot.adapters.push.off import NoAlerts

__all__ = ["NoAlerts"]
