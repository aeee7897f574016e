"""The visitors' side of a pushed channel: what reached it stays there, whoever dies."""

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.domain.messages import Bubble, Channel
from bot.ports import DeliveryError, Refusal
from tests.faults.ledger import Ledger


class Network:
    """A ChannelPort that writes what arrives into the ledger."""

    name = Channel.TELEGRAM

    def __init__(self, ledger: Ledger, life: str, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._life = life
        self._now = now
        self._count = 0
        self.down = False

    async def show(self, address: str, bubble: Bubble) -> str:
        self._refuse()
        self._count += 1
        reference = f"{self._life}{self._count}"
        key = bubble.screen if bubble.screen != "line" else bubble.text.split(": ")[-1]
        self._ledger.tell("shown", chat=address, key=key, reference=reference)
        return reference

    async def delete(self, address: str, references: Sequence[str]) -> None:
        self._refuse()
        self._ledger.tell("deleted", chat=address, references=list(references))

    def _refuse(self) -> None:
        if self.down:
            raise DeliveryError(Refusal.LATER)
