"""The Dialogue port over a Unix socket, and the care of the process behind it."""

from bot.adapters.nlu.client import NoDialogue, SocketDialogue
from bot.adapters.nlu.unit import NluUnit, Progress

__all__ = ["NluUnit", "NoDialogue", "Progress", "SocketDialogue"]
