"""What the content desk needs from the outside, as protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol

from bot.domain.content import Change, ChangeId, Item
from bot.domain.staff import StaffId

# Who reports a text that is not one of staff.
VISITOR = StaffId("visitor")
# In characters; a remark is no essay.
LONGEST_REMARK = 500
_ID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Signed:
    """The body of a bundle with its signature."""

    number: int
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody of staff says about an item, or that a visitor finds it wrong.

    A ``report`` asks for something to be done and is open until somebody settles it. A visitor's
    holds no words: nothing they write reaches the desk.
    """

    id: str
    item: Item
    by: StaffId
    at: datetime
    text: str = ""
    report: bool = False
    settled: bool = False

    @classmethod
    def of_visitors(cls, item: Item, at: datetime) -> "Remark":
        """Return the report of visitors about an item: there is one, however many find it wrong.

        Its id follows from the item and its time is a day (UTC): neither leads to a conversation.
        """
        id_ = sha256(f"{VISITOR}/{item.name}".encode()).hexdigest()[:_ID_DIGITS]
        day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(id_, item, VISITOR, day, report=True)


@dataclass(frozen=True, slots=True)
class Serving:
    """What one process serves: the bundle in force there, and what it found when it asked itself.

    ``asked`` counts screens by channel and locale, ``wrong`` those that did not say what was
    published; ``refused`` is the number of a newer bundle this process would not take, or 0.
    """

    process: str
    number: int
    at: datetime
    asked: Mapping[tuple[str, str], int] = field(default_factory=dict)
    wrong: Mapping[tuple[str, str], int] = field(default_factory=dict)
    refused: int = 0


class Contents(Protocol):
    """Changes, what was published, and what is said about it.

    A change whose row was written by anybody but Havn is not there: ``damaged`` counts them.
    """

    async def add(self, change: Change) -> Change:
        """Store a new change; ChangedError while another one of its item is open."""

    async def get(self, id_: ChangeId, *, lock: bool = False) -> Change | None:
        """Read a change; with ``lock`` nobody else writes it until the transaction ends."""

    async def save(self, change: Change) -> Change:
        """Write a change under the version it was read with; ChangedError when it has changed."""

    async def open_for(self, item: Item) -> Change | None:
        """Return the open change of an item."""

    async def every_open(self) -> Sequence[Change]:
        """Return all open changes, oldest first."""

    async def history(self, item: Item, limit: int = 50) -> Sequence[Change]:
        """Return the changes of an item, newest first."""

    async def damaged(self) -> int:
        """Count the changes that were written by something else than Havn."""

    async def publish(self, bundle: Signed, *, instead: bool = False) -> None:
        """Store a bundle; ChangedError when there is one of its number, unless ``instead`` of it.

        What was not signed may stand under any number: whoever verified that replaces it.
        """

    async def latest(self) -> int:
        """Return the number of the newest bundle, 0 for none."""

    async def bundle(self, number: int) -> Signed | None:
        """Return a bundle as it is stored; whoever reads it verifies it."""

    async def bundles(self, limit: int = 50) -> Sequence[Signed]:
        """Return bundles, newest first."""

    async def after(self, number: int, limit: int = 50) -> Sequence[Signed]:
        """Return the bundles above a number, lowest first."""

    async def remark(self, remark: Remark) -> None:
        """Store a remark."""

    async def report_once(self, report: Remark) -> None:
        """Store a report; one of its id that was settled is open again, an open one stays."""

    async def remarks(self, item: Item) -> Sequence[Remark]:
        """Return what was said about an item, oldest first."""

    async def reports(self) -> Sequence[Remark]:
        """Return the reports nobody has settled, oldest first."""

    async def settle(self, item: Item) -> None:
        """Settle every report about an item."""

    async def serving(self, serving: Serving) -> None:
        """Write what a process serves over what it served before."""

    async def servings(self, since: datetime) -> Sequence[Serving]:
        """Return what each process served that was heard of since a moment."""

    async def forget_servings(self, before: datetime) -> None:
        """Delete what processes served that were not heard of since a moment."""


class Stamps(Protocol):
    """Marks what Havn wrote, with a key that the database does not hold."""

    def stamp(self, place: str, data: bytes) -> bytes:
        """Return a keyed hash of data in its place."""


class BundleSigner(Protocol):
    """Signs bundles. Only the signer's process has it."""

    def sign(self, body: bytes) -> bytes:
        """Return the signature of a body."""


class BundleVerifier(Protocol):
    """Verifies bundles with the signer's public key."""

    def verify(self, signed: Signed) -> None:
        """BundleError unless the signer signed this body."""


class LastGood(Protocol):
    """Keeps the last bundle that was taken, outside the database."""

    def read(self) -> Signed | None:
        """Return it, None where there is none that can be read."""

    def write(self, bundle: Signed) -> None:
        """Keep this one from now on."""
