"""What open consoles are told: that something has changed, never what (ids only)."""

from collections.abc import Awaitable, Callable

Publish = Callable[[str], Awaitable[None]]
QUEUE = "queue"


def about(handover: int | None) -> str:
    """Return the news that a request, or its conversation, has changed."""
    return f"handover {handover}"


async def quietly(_news: str) -> None:
    """Tell nobody: where no console is open."""
