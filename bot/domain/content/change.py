"""One proposed value of an item, and the only way it can reach a visitor.

    draft --submit--> in_review --approve--> approved --(the signer)--> live
      ^                   |                     |
      +----- refuse ------+------- stop --------+        any editing: back to draft

Whoever wrote any part of it can never approve it, so no one person publishes anything new; to
bring back a whole bundle, which two people approved in their time, takes one. What people act on
in danger (``guarded``) then waits for 15 minutes, in which every publisher can stop it
(security-reliability.md 3.5).
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NewType

from bot.domain.content.items import Item, ItemKind, Value, digest
from bot.domain.errors import FourEyesError, NotNowError
from bot.domain.staff import StaffId

ChangeId = NewType("ChangeId", str)

COOL_OFF = timedelta(minutes=15)
# An account that was made or reset a moment ago may be a second face of who made it.
SETTLED = timedelta(hours=24)


class State(enum.StrEnum):
    """Where a change stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    LIVE = "live"
    DROPPED = "dropped"


OPEN = frozenset({State.DRAFT, State.IN_REVIEW, State.APPROVED})


@dataclass(frozen=True, slots=True)
class Change:
    """A proposed value.

    ``base`` is the digest of the value it was made from, ``authors`` are all who wrote in it.
    ``version`` counts its writes; who writes under an old one is told, and overwrites nothing.
    """

    id: ChangeId
    item: Item
    value: Value = field(repr=False)
    base: str
    authors: frozenset[StaffId]
    at: datetime
    state: State = State.DRAFT
    guarded: bool = False
    approved_by: StaffId | None = None
    approved_at: datetime | None = None
    version: int = 0

    @classmethod
    def going_back(cls, id_: ChangeId, to: int, by: StaffId, at: datetime) -> "Change":
        """Return the wish to bring back the content of an earlier bundle, which needs no second."""
        return cls(
            id_,
            Item(ItemKind.BUNDLE, str(to)),
            {},
            "",
            frozenset({by}),
            at,
            State.APPROVED,
            approved_by=by,
            approved_at=at,
        )

    # --- what people do ---

    def edit(self, value: Value, by: StaffId, at: datetime) -> "Change":
        """Write a new value: it begins anew as a draft. NotNowError once it is over."""
        self._needs(OPEN)
        return replace(
            self,
            value=value,
            authors=self.authors | {by},
            at=at,
            state=State.DRAFT,
            approved_by=None,
            approved_at=None,
        )

    def submit(self, at: datetime, *, guarded: bool) -> "Change":
        """Ask for review; NotNowError unless it is a draft."""
        self._needs({State.DRAFT})
        return replace(self, state=State.IN_REVIEW, at=at, guarded=guarded)

    def approve(self, by: StaffId, since: datetime, at: datetime) -> "Change":
        """Let it go live; ``since`` is when the approver's account was made or reset.

        FourEyesError for its own authors, and for accounts of the last day where it is guarded.
        """
        self._needs({State.IN_REVIEW})
        if by in self.authors:
            raise FourEyesError("own")
        if self.guarded and at - since < SETTLED:
            raise FourEyesError("new")
        return replace(self, state=State.APPROVED, approved_by=by, approved_at=at, at=at)

    def back(self, at: datetime) -> "Change":
        """Refuse it in review, or stop it before it is live: its authors may mend it."""
        self._needs({State.IN_REVIEW, State.APPROVED})
        return replace(self, state=State.DRAFT, at=at, approved_by=None, approved_at=None)

    def drop(self, at: datetime) -> "Change":
        """Give it up; it stays in the history."""
        self._needs(OPEN)
        return replace(self, state=State.DROPPED, at=at)

    def _needs(self, states: frozenset[State] | set[State]) -> None:
        if self.state not in states:
            raise NotNowError(self.state)

    # --- what the signer asks ---

    @property
    def live_from(self) -> datetime | None:
        """Return when it may go live; None before it is approved."""
        if self.approved_at is None:
            return None
        return self.approved_at + (COOL_OFF if self.guarded else timedelta())

    def is_due(self, now: datetime) -> bool:
        """Tell whether it may go live now; never under a clock that ran back."""
        from_ = self.live_from
        alone = self.approved_by is None or self.approved_by in self.authors
        return (
            self.state is State.APPROVED
            and from_ is not None
            and from_ <= now
            and (not alone or self.item.kind is ItemKind.BUNDLE)
        )

    def live(self, at: datetime) -> "Change":
        """Note that it was published."""
        self._needs({State.APPROVED})
        return replace(self, state=State.LIVE, at=at)

    # --- writing it down ---

    def written(self) -> Mapping[str, Any]:
        """Return it as plain JSON."""
        return {
            "id": self.id,
            "item": self.item.name,
            "value": self.value,
            "base": self.base,
            "authors": sorted(self.authors),
            "at": self.at.isoformat(),
            "state": self.state,
            "guarded": self.guarded,
            "approved_by": self.approved_by or "",
            "approved_at": self.approved_at.isoformat() if self.approved_at else "",
            "version": self.version,
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Change":
        """Read what ``written`` wrote; ValueError, KeyError, TypeError or ContentError if not."""
        approved_at = data["approved_at"]
        return cls(
            id=ChangeId(data["id"]),
            item=Item.parse(data["item"]),
            value=dict(data["value"]),
            base=str(data["base"]),
            authors=frozenset(map(StaffId, data["authors"])),
            at=datetime.fromisoformat(data["at"]),
            state=State(data["state"]),
            guarded=bool(data["guarded"]),
            approved_by=StaffId(data["approved_by"]) if data["approved_by"] else None,
            approved_at=datetime.fromisoformat(approved_at) if approved_at else None,
            version=int(data["version"]),
        )


def fits(change: Change, live: Value | None) -> bool:
    """Tell whether what is live is still what a change was made from."""
    return change.base == digest(live)
