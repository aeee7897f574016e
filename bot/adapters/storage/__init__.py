"""The store: SQLite by default, PostgreSQL where set, and one in memory for trying things out."""

from bot.adapters.storage.memory import MemoryStore
from bot.adapters.storage.unit_of_work import SqlStore

__all__ = ["MemoryStore", "SqlStore"]
