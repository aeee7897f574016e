"""What accounts, sessions and the audit trail need from the outside, as protocols."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.domain.audit import Anchor, AuditAlias, ChainKey, Entry, Happening
from bot.domain.factors import Account, Passkey, Session
from bot.domain.messages import ConversationId
from bot.domain.staff import Staff, StaffId


class Vault(Protocol):
    """Seals what is the console's own, and keeps the key of the audit trail.

    Its keys lie where those of conversations lie, and are wrapped anew with them.
    """

    def seal_own(self, place: str, plain: bytes) -> bytes:
        """Encrypt, bound to a place: a value moved elsewhere does not open."""

    def open_own(self, place: str, sealed: bytes) -> bytes:
        """Decrypt; KeyUnavailableError when it was not sealed here or was changed."""

    async def chain_key(self) -> ChainKey:
        """Return the key of the audit trail in force; made at the first call."""

    async def advance_chain(self, number: int) -> None:
        """Erase the keys of all entries before a number; earlier than the present: no effect."""

    async def first_chain_key(self) -> bytes | None:
        """Return the key the trail began with, until it was handed over."""

    async def hand_over_first_chain_key(self) -> None:
        """Erase the key the trail began with: from now on only its holder has it."""

    async def alert_key(self) -> bytes:
        """Return the secret number Havn proves itself with to push services, made once."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that lets somebody enrol once; only a hash of its token is kept."""

    token_hash: bytes = field(repr=False)
    staff: StaffId
    expires_at: datetime


class StaffAccounts(Protocol):
    """People with an account, what they prove with, and their invitations."""

    async def add(self, account: Account) -> None:
        """Store a new account; AliasError when somebody has its alias, whatever the case."""

    async def get(self, id_: StaffId, *, lock: bool = False) -> Account | None:
        """Read an account; with ``lock`` nobody else changes it until the transaction ends."""

    async def find(self, alias: str, *, lock: bool = False) -> Account | None:
        """Read the account with an alias, whatever the case."""

    async def all(self) -> Sequence[Account]:
        """Read every account, by alias."""

    async def save(self, account: Account) -> None:
        """Write an account under the version read; StoreUnavailableError when it has changed."""

    async def invite(self, invitation: Invitation) -> None:
        """Store an invitation; an earlier one of the same person is void from now on."""

    async def invitation(self, token_hash: bytes) -> Invitation | None:
        """Return an invitation, whether or not it has expired."""

    async def withdraw_invitation(self, staff: StaffId) -> bool:
        """Delete the invitation of a person; tell whether there was one."""

    async def invited(self) -> Mapping[StaffId, datetime]:
        """Return who holds an invitation, and until when."""

    async def spend(self, token_hash: bytes, expires_at: datetime, now: datetime) -> bool:
        """Note that a one-time value was used; False when it had been. Expired ones are dropped."""


class Sessions(Protocol):
    """Who is signed in."""

    async def begin(self, session: Session, token_hash: bytes) -> None:
        """Store a session; every other session of the same person ends."""

    async def find(self, token_hash: bytes) -> Session | None:
        """Return a session with its owner as they are now, whether or not it is over."""

    async def get(self, id_: str) -> Session | None:
        """Return a session by its name, whether or not it is over."""

    async def touch(self, id_: str, seen_at: datetime) -> None:
        """Write when a session was last used."""

    async def renew(self, id_: str, token_hash: bytes, proved_at: datetime) -> None:
        """Give a session a new token after a fresh proof; the old one is void."""

    async def end(self, id_: str) -> None:
        """End one session; one that is gone is no error."""

    async def end_all(self, staff: StaffId | None = None) -> int:
        """End the sessions of a person, or everybody's; return how many."""

    async def drop_over(self, seen_before: datetime, began_before: datetime) -> None:
        """Delete sessions that can no longer be used."""


class AuditTrail(Protocol):
    """The audit trail. An entry is part of the transaction: no entry, no view."""

    async def record(self, happening: Happening) -> None:
        """Append an entry; its key is erased once the transaction was committed."""

    async def alias_of(self, conversation: ConversationId) -> AuditAlias:
        """Return the random name of a conversation in the trail, made at the first call.

        The link is sealed under the conversation's key and goes with it.
        """

    async def between(
        self, since: datetime, until: datetime, *, newest: int = 1000
    ) -> Sequence[Entry]:
        """Return the last entries from a span of time, newest first."""

    async def after(self, number: int, limit: int) -> Sequence[Entry]:
        """Return the entries after a number, in order; -1 for the beginning."""

    async def last(self) -> Entry | None:
        """Return the head of the trail."""


class Anchors(Protocol):
    """Keeps the head of the audit trail outside the database."""

    async def add(self, anchor: Anchor) -> None:
        """Append an anchor durably."""

    async def all(self) -> Sequence[Anchor]:
        """Return every anchor that was written; damaged lines are left out."""


class Hasher(Protocol):
    """Hashes passwords slowly; few at once, so that many tries cannot use up the memory."""

    async def hash(self, password: str) -> str:
        """Return a hash that holds its salt and parameters."""

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether a password fits; None takes as long as a wrong one and never fits."""

    def is_guessable(self, password: str, known: Collection[str]) -> bool:
        """Tell whether a guesser would find it soon: common, or made of what is known."""


class PasskeyRites(Protocol):
    """The two ceremonies of WebAuthn. Options are for the browser, answers come from it."""

    def creation(self, staff: Staff, held: Sequence[Passkey], challenge: bytes) -> Any:
        """Return what navigator.credentials.create() needs."""

    def created(self, answer: Any, challenge: bytes, name: str, now: datetime) -> Passkey:
        """Return the new passkey; ProofError when the answer does not prove it."""

    def request(self, held: Sequence[Passkey], challenge: bytes) -> Any:
        """Return what navigator.credentials.get() needs; nothing held means: whoever it is."""

    def claimed(self, answer: Any) -> tuple[StaffId, bytes]:
        """Return whose passkey an answer claims to be, and its id; ProofError when it names none.

        ``StaffId("")`` when the authenticator does not say.
        """

    def proved(self, answer: Any, passkey: Passkey, challenge: bytes) -> Passkey:
        """Return the passkey with its new count; ProofError when the answer does not prove it."""


class Subscriptions(Protocol):
    """Which browser of a person is rung while it is closed: at most one each, sealed."""

    async def set(self, staff: StaffId, endpoint: str) -> None:
        """Ring this browser of a person, and no other."""

    async def of(self, staff: Collection[StaffId]) -> Mapping[StaffId, str]:
        """Return the addresses of those who have one; one that cannot be opened is absent."""

    async def drop(self, staff: StaffId | None = None) -> None:
        """Ring a person no more, or nobody; none is no error."""


class Alerts(Protocol):
    """Rings browsers that are closed, through the push service each of them names.

    Nothing is said: neither the service nor a locked screen learns more than that Havn rang.
    """

    @property
    def key(self) -> str:
        """Return what a browser needs to subscribe; empty where alerts are off."""

    def takes(self, endpoint: str) -> bool:
        """Tell whether an address is one of a push service that may be called."""

    async def ring(self, endpoint: str) -> bool:
        """Ring a browser; False when its subscription is over.

        AlertError when the push service could not be reached or did not take it.
        """
