"""Sealing: AES-256-GCM for every field, keys in a folder of their own or in memory only."""

from bot.adapters.sealing.cipher import EphemeralKeys
from bot.adapters.sealing.proof import is_other_key
from bot.adapters.sealing.ring import KeyRing
from bot.adapters.sealing.stamp import Stamp

__all__ = ["EphemeralKeys", "KeyRing", "Stamp", "is_other_key"]
