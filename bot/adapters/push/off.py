"""No alerts while a browser is closed: the default."""

from bot.domain.errors import AlertError


class NoAlerts:
    """The Alerts of an installation without them."""

    key = ""

    def takes(self, endpoint: str) -> bool:  # noqa: ARG002 -- the port's shape
        """Take no address."""
        return False

    async def ring(self, endpoint: str) -> bool:  # noqa: ARG002 -- the port's shape
        """Refuse, always."""
        raise AlertError("alerts are switched off")
