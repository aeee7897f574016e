"""Links to one text for somebody without an account, such as a translator of an agency.

A link is sealed: it costs no row, nobody can make one up, and it holds what it is good for. It
spends itself with the first translation that is sent.
"""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.audit import AuditEvent, Happening
from bot.domain.content import Change, ChangeId, Item, ItemKind, Value, digest
from bot.domain.errors import (
    ChangedError,
    ContentError,
    InvitationError,
    KeyUnavailableError,
    NotYoursError,
)
from bot.domain.staff import Permission, Staff, StaffId
from bot.services.content.desk import ContentDesk, NotGoodError
from bot.staff_ports import Vault

VALID = timedelta(days=7)
_PLACE = "text-link"
_RANDOM_BYTES = 32
# Hex digits by which the trail tells links apart.
_MARK = 16
_LONGEST_TOKEN = 1_000


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is good for: one text, until a moment, in the name of who made it."""

    item: Item
    maker: StaffId
    until: datetime
    mark: bytes

    @property
    def authors(self) -> frozenset[StaffId]:
        """Return who wrote what comes by it: its maker too, who so can never approve it."""
        return frozenset({self.maker, StaffId(f"link-{self.maker}")})


@dataclass(frozen=True, slots=True)
class TextLinks:
    """Makes links and takes what comes by them."""

    vault: Vault
    desk: ContentDesk

    async def make(self, item: Item, by: Staff) -> str:
        """Return the token of a new link; NotYoursError or ContentError when it cannot be.

        It is recorded before anybody holds it.
        """
        if not may_give(by):
            raise NotYoursError("this person may not give texts to others")
        if item.kind is not ItemKind.TEXT or self.desk.library.served.source(item) is None:
            raise ContentError("there is no such text")
        now = self.desk.clock.now()
        until = int((now + VALID).timestamp())
        plain = json.dumps([item.name, by.id, until, secrets.token_hex(_RANDOM_BYTES)])
        sealed = self.vault.seal_own(_PLACE, plain.encode())
        mark = hashlib.sha256(sealed).hexdigest()[:_MARK]
        async with self.desk.store.begin() as unit:
            await unit.audit.record(
                Happening(by.id, AuditEvent.TEXT_LINK_MADE, now, mark, item.kind)
            )
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    async def open(self, token: str) -> Link:
        """Return what a link is good for; InvitationError when it is none, too old or void."""
        link = self._read(token)
        async with self.desk.store.begin() as unit:
            maker = await unit.staff.get(link.maker)
        allowed = maker and (
            maker.staff.may(Permission.EDIT_CONTENT) or maker.staff.may(Permission.PUBLISH)
        )
        if not allowed or link.until < self.desk.clock.now():
            raise InvitationError("this link is too old")
        return link

    async def send(self, token: str, text: str) -> Change:
        """Send a translation to review and spend the link, both or neither.

        InvitationError for a spent link, NotGoodError for a text that breaks a rule, ContentError
        when the English has changed, ChangedError while somebody else changes the text.
        """
        link = await self.open(token)
        source = self.desk.library.served.source(link.item)
        if source is None:
            raise ContentError("the English text has changed: ask for a new link")
        value: Value = {"context": link.item.context, "source": source, "text": text.strip()}
        judgement = await self.desk.judge_now(link.item, value)
        if not judgement.passes:
            raise NotGoodError(judgement)
        now = self.desk.clock.now()
        base = digest(self.desk.library.served.value(link.item))
        id_ = ChangeId(secrets.token_hex(8))
        draft = Change(id_, link.item, value, base, link.authors, now)
        async with self.desk.store.begin() as unit:
            if not await unit.staff.spend(link.mark, link.until, now):
                raise InvitationError("this link was used")
            if await unit.contents.open_for(link.item) is not None:
                raise ChangedError("somebody else changes this text")
            sent = await unit.contents.add(draft.submit(now, guarded=judgement.guarded))
            happening = Happening(
                link.maker, AuditEvent.TEXT_SUBMITTED, now, sent.id, link.item.kind
            )
            await unit.audit.record(happening)
        return sent

    def _read(self, token: str) -> Link:
        try:
            if len(token) > _LONGEST_TOKEN:
                raise InvitationError("this is no link")
            sealed = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
            name, maker, until, _ = json.loads(self.vault.open_own(_PLACE, sealed))
        except (KeyUnavailableError, ValueError):
            raise InvitationError("this is no link") from None
        moment = datetime.fromtimestamp(until, UTC)
        return Link(Item.parse(name), StaffId(maker), moment, hashlib.sha256(sealed).digest())


def may_give(staff: Staff) -> bool:
    """Tell whether somebody may give texts to people without an account."""
    return staff.may(Permission.EDIT_CONTENT) or staff.may(Permission.PUBLISH)
