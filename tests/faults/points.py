"""Where the program can be killed: before and after calls of its ports, and before and after each
kind of commit. The program itself knows nothing of it: the child that dies wraps its own ports.
"""

import functools
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from bot.adapters.bus import MemoryBus
from bot.adapters.sealing import KeyRing, ring
from bot.adapters.storage import SqlStore
from bot.adapters.storage.audit import SqlAudit
from bot.adapters.storage.conversations import SqlConversations
from bot.adapters.storage.handovers import SqlHandovers
from bot.adapters.storage.messages import SqlMessages
from bot.adapters.storage.notes import SqlNotes
from bot.adapters.storage.shifts import SqlFigures
from bot.adapters.storage.timers import SqlTimers
from bot.ports import Delivery
from bot.services.receive import Reception
from tests.faults.network import Network
from tests.support.fakes import FakeDialogue

# What stands behind each port, and the calls that are points.
PORTS: dict[str, tuple[Any, Sequence[str]]] = {
    "Door": (Reception, ("accept", "converse")),
    "Sealer": (KeyRing, ("create_keys", "seal", "destroy_keys", "rotate", "advance_chain")),
    "secret file": (ring, ("write_secret", "shred")),
    "Messages": (SqlMessages, ("accept", "settle", "post", "due", "mark", "drop", "once")),
    "Conversations": (SqlConversations, ("add", "save", "begin_forgetting", "erase")),
    "Handovers": (SqlHandovers, ("save",)),
    "Notes": (SqlNotes, ("add",)),
    "Timers": (SqlTimers, ("set", "take")),
    "Figures": (SqlFigures, ("count",)),
    "AuditTrail": (SqlAudit, ("record",)),
    "Store": (SqlStore, ("scrub",)),
    "Channel": (Network, ("show", "delete")),
    "Dialogue": (FakeDialogue, ("interpret",)),
    "Bus": (MemoryBus, ("publish",)),
}
# What a transaction is for, told by what was called in it: the first that fits.
_COMMITS: dict[str, set[str]] = {
    "forgetting": {"Conversations.begin_forgetting"},
    "storing": {"Messages.accept"},
    "erasing": {"Conversations.erase"},
    "answering": {"Messages.settle"},
    "taking to send": {"Messages.due", "Messages.mark"},
    "marking as sent": {"Messages.mark"},
    "timer": {"Timers.take"},
    "closing": {"Handovers.save", "AuditTrail.record", "Figures.count"},
    "claiming": {"Handovers.save", "AuditTrail.record"},
    "speaking": {"Handovers.save", "Messages.once"},
    "noting": {"Notes.add"},
}
# Each side of each: 60 points. What is never after one thing and before another is named once.
POINTS: tuple[str, ...] = tuple(
    f"{side} {place}"
    for place in (
        *("Door.accept", "Door.converse", "Sealer.create_keys", "Sealer.seal"),
        *("Messages.accept", "commit of storing", "acknowledgement"),
        *("Dialogue.interpret", "Messages.settle", "Messages.post", "commit of answering"),
        *("Messages.due", "commit of taking to send", "Channel.show", "commit of marking as sent"),
        *("commit of forgetting", "Channel.delete", "Sealer.destroy_keys", "Sealer.rotate"),
        *("secret file.write_secret", "secret file.shred", "commit of erasing", "Store.scrub"),
        *("commit of claiming", "commit of speaking", "commit of noting", "commit of closing"),
        *("Sealer.advance_chain", "commit of timer", "Bus.publish"),
    )
    for side in ("before", "after")
)

_work: ContextVar[set[str] | None] = ContextVar("work", default=None)
_sent: ContextVar[list[str] | None] = ContextVar("sent", default=None)


class Failpoints:
    """Counts how often each point is passed; calls ``strike`` at the one it was set to.

    ``watched`` tells that the ports of this process were wrapped.
    """

    def __init__(self, strike: Callable[[str], None]) -> None:
        self._strike = strike
        self._at, self._left = "", 0
        self.watched = False
        self.passed: Counter[str] = Counter()

    def set(self, point: str, nth: int) -> None:
        """Strike when a point is passed for the n-th time from now on."""
        self._at, self._left = point, nth

    def reach(self, point: str) -> None:
        """Pass a point."""
        self.passed[point] += 1
        if point == self._at:
            self._left -= 1
            if self._left == 0:
                self._strike(point)


def install(points: Failpoints, marked: Callable[[list[str]], None]) -> None:
    """Wrap the ports of this process for good; ``marked`` is told what a commit marked as sent."""
    points.watched = True
    for name, (owner, methods) in PORTS.items():
        for method in methods:
            setattr(owner, method, _watched(getattr(owner, method), f"{name}.{method}", points))
    SqlMessages.mark = _noting_sent(SqlMessages.mark)  # type: ignore[method-assign]
    SqlStore.begin = _committing(SqlStore.begin, points, marked)  # type: ignore[method-assign]


def _watched(call: Any, name: str, points: Failpoints) -> Any:
    def begin() -> None:
        work = _work.get()
        if work is not None:
            work.add(name)
        points.reach(f"before {name}")

    if inspect.iscoroutinefunction(call):

        @functools.wraps(call)
        async def slowly(*args: Any, **kwargs: Any) -> Any:
            begin()
            result = await call(*args, **kwargs)
            points.reach(f"after {name}")
            return result

        return slowly

    @functools.wraps(call)
    def watched(*args: Any, **kwargs: Any) -> Any:
        begin()
        result = call(*args, **kwargs)
        points.reach(f"after {name}")
        return result

    return watched


def _noting_sent(mark: Any) -> Any:
    @functools.wraps(mark)
    async def noting(self: Any, outgoing: Any) -> Any:
        gone = await mark(self, outgoing)
        sent = _sent.get()
        if sent is not None:
            stands = (one for one in outgoing if one.id not in gone)
            sent += [one.reference for one in stands if one.state is Delivery.SENT]
        return gone

    return noting


def _committing(begin: Any, points: Failpoints, marked: Callable[[list[str]], None]) -> Any:
    @asynccontextmanager
    async def beginning(self: Any) -> AsyncIterator[Any]:
        work: set[str] = set()
        sent: list[str] = []
        tokens = _work.set(work), _sent.set(sent)
        try:
            async with begin(self) as unit:
                yield unit
                kind = next((k for k, calls in _COMMITS.items() if calls <= work), "other")
                points.reach(f"before commit of {kind}")
        finally:
            _work.reset(tokens[0])
            _sent.reset(tokens[1])
        if sent:
            marked(sent)
        points.reach(f"after commit of {kind}")

    return beginning
