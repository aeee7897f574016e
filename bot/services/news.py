"""What open consoles are told: that something has changed, never what (ids only)."""

from collections.abc import Callable

Publish = Callable[[str], None]


def quietly(_topic: str) -> None:
    """Tell nobody: where no console is open."""
