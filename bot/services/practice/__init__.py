"""Practice mode: invented visitors in worlds of their own, apart from everything real."""

from bot.services.practice.rooms import Rooms
from bot.services.practice.world import World

__all__ = ["Rooms", "World"]
