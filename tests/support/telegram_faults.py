"""Faults that tests inject into the emulated Bot API."""

import asyncio
import math
from dataclasses import dataclass
from typing import Any, Literal

from .telegram_chats import BLOCKED
from .telegram_methods import CHAT_NOT_FOUND, ApiError
from .telegram_payloads import Json

CONFLICT = "Conflict: terminated by {}"
TWO_POLLERS = "other getUpdates request; make sure that only one bot instance is running"
FAULT_WORDS = {
    400: CHAT_NOT_FOUND,
    401: "Unauthorized",
    403: BLOCKED,
    404: "Not Found",
    409: CONFLICT.format(TWO_POLLERS),
    500: "Internal Server Error",
}


class DroppedError(Exception):
    """The connection is to be cut."""


@dataclass
class Call:
    """One request of the bot. `status` is 0 if the bot was left without a whole answer."""

    method: str
    params: Json
    at: float
    status: int = 0


@dataclass
class Fault:
    """Something that goes wrong with the next `times` calls that match."""

    method: str | None
    chat: int | None
    times: float
    error: ApiError | None = None
    drop: Literal["before", "after", "half"] | None = None
    garbled: bool = False
    wait: float = 0
    gate: asyncio.Event | None = None

    def hits(self, call: Call) -> bool:
        """Tell whether it concerns this call; getUpdates is spared unless it is named."""
        method = call.method.lower()
        named = method == self.method.lower() if self.method else method != "getupdates"
        return self.times > 0 and named and self.chat in (None, call.params.get("chat_id"))

    async def strike(self) -> None:
        """Do what happens before the call; DroppedError if the call is not to happen."""
        self.times -= 1
        if self.gate:
            await self.gate.wait()
        await asyncio.sleep(self.wait)
        if self.drop == "before":
            raise DroppedError


class Faults:
    """What goes wrong next; the oldest fault that matches a call strikes.

    Each way to fail takes `method`, `chat` and `times`, by default any, any and once. getUpdates is
    spared unless it is named.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def fail(self, code: int, *, retry_after: int | None = None, **where: Any) -> None:
        """Answer with an error; above 500 it is the HTML page of a proxy."""
        words = FAULT_WORDS.get(code, "Bad Gateway")
        if code == 429:
            retry_after = retry_after or 1
            words = f"Too Many Requests: retry after {retry_after}"
        self._arm(error=ApiError(code, words, retry_after), **where)

    def drop(self, when: Literal["before", "after", "half"], **where: Any) -> None:
        """Cut the connection before the call is done, after it, or within the answer."""
        self._arm(drop=when, **where)

    def garble(self, **where: Any) -> None:
        """Do what was asked, but answer with broken JSON."""
        self._arm(garbled=True, **where)

    def slow(self, seconds: float, **where: Any) -> None:
        """Wait before doing what was asked."""
        self._arm(wait=seconds, **where)

    def hold(self, **where: Any) -> asyncio.Event:
        """Keep calls waiting until the returned event is set."""
        gate = asyncio.Event()
        self._arm(gate=gate, **where)
        return gate

    def heal(self) -> None:
        """End all faults."""
        self._faults.clear()

    def cut_off(self) -> None:
        """Be out of reach for every new call, getUpdates too, until `heal`."""
        for method in (None, "getUpdates"):
            self.drop("before", method=method, times=math.inf)

    def fault_for(self, call: Call) -> Fault | None:
        """Return the fault that strikes this call."""
        return next((fault for fault in self._faults if fault.hits(call)), None)

    def _arm(
        self,
        *,
        method: str | None = None,
        chat: int | None = None,
        times: float = 1,
        **effect: Any,
    ) -> None:
        self._faults.append(Fault(method, chat, times, **effect))
