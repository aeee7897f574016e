"""Ways to tell open consoles that something changed."""

from bot.adapters.bus.memory import MemoryBus

__all__ = ["MemoryBus"]
