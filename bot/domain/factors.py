"""What somebody proves with that it is them, and how long a proof lasts."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.staff import Staff, needs_passkey

# No request for this long, and the session is over: somebody may sit down at a screen left alone.
IDLE = timedelta(minutes=15)
# The longest shift; after it everybody signs in anew.
ABSOLUTE = timedelta(hours=10)
# How long the last proof counts as fresh for what cannot be undone.
FRESH = timedelta(minutes=5)
SHORTEST_PASSWORD = 15
# Hashing takes longer for longer ones; no person types more.
LONGEST_PASSWORD = 256


@dataclass(frozen=True, slots=True)
class Passkey:
    """A public key and what its authenticator said of itself. ``name`` is for its owner."""

    id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    name: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Password:
    """A password as its Argon2 hash, with the secret of the codes that go with it.

    ``last_step`` is the latest step whose code was used.
    """

    hashed: str = field(repr=False)
    totp_secret: bytes = field(repr=False)
    last_step: int


@dataclass(frozen=True, slots=True)
class Factors:
    """Everything one person can prove with."""

    passkeys: tuple[Passkey, ...] = ()
    password: Password | None = None

    @property
    def any(self) -> bool:
        """Tell whether there is a way to sign in at all."""
        return bool(self.passkeys) or self.password is not None

    def passkey(self, id_: bytes) -> Passkey | None:
        """Return one passkey."""
        return next((key for key in self.passkeys if key.id == id_), None)

    def with_passkey(self, key: Passkey) -> "Factors":
        """Return factors that hold this passkey in its present state."""
        others = tuple(other for other in self.passkeys if other.id != key.id)
        return replace(self, passkeys=(*others, key))

    def without_passkey(self, id_: bytes) -> "Factors":
        """Return factors without one passkey."""
        return replace(self, passkeys=tuple(key for key in self.passkeys if key.id != id_))


@dataclass(frozen=True, slots=True)
class Account:
    """A person and what they prove with. ``version`` counts every change."""

    staff: Staff
    factors: Factors = field(default=Factors(), repr=False)
    version: int = 0

    @property
    def active(self) -> bool:
        """Tell whether this person can sign in at present."""
        return not self.staff.disabled and (self.factors.any or self.staff.demo)

    @property
    def usable_password(self) -> Password | None:
        """Return the password if it lets this person in."""
        if not self.active or needs_passkey(self.staff.roles):
            return None
        return self.factors.password


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in on one browser. ``id`` names it; only a hash of its token is kept.

    ``secret`` binds the forms of its pages. ``proved_at`` is when a factor was last shown.
    """

    id: str
    staff: Staff
    began_at: datetime
    seen_at: datetime
    proved_at: datetime
    secret: bytes = field(repr=False)

    def is_over(self, now: datetime) -> bool:
        """Tell whether it was idle for too long, or is too old, or its owner may not be here."""
        late = now - self.seen_at > IDLE or now - self.began_at > ABSOLUTE
        return late or self.staff.disabled

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether a factor was shown just now; a demo account has none to show."""
        return self.staff.demo or now - self.proved_at <= FRESH
