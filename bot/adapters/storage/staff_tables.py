"""The console's tables. Times are milliseconds since 1970 (UTC).

``factors``, ``subscriptions.endpoint`` and ``audit_aliases.alias`` are sealed. Tokens are kept as
hashes; they are 256 random bits, so that a plain SHA-256 cannot be tried out.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    text,
)

from bot.adapters.storage.tables import metadata

staff = Table(
    "staff",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("alias", String(32), nullable=False),
    # The alias as it is compared: without case.
    Column("alias_key", String(64), unique=True, nullable=False),
    Column("roles", String(128), nullable=False),
    # The languages a translator may write.
    Column("translates", String(128), nullable=False, server_default=text("''")),
    Column("locale", String(8), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("factors", LargeBinary, nullable=False),
)


def _staff_id(*, primary_key: bool = False, unique: bool = False) -> Column[str]:
    key = ForeignKey("staff.id", ondelete="CASCADE")
    return Column(
        "staff_id", String(32), key, primary_key=primary_key, unique=unique, nullable=False
    )


invitations = Table(
    "invitations",
    metadata,
    _staff_id(primary_key=True),
    Column("token_hash", LargeBinary(32), unique=True, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

spent = Table(
    "spent",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    _staff_id(unique=True),
    Column("token_hash", LargeBinary(32), unique=True, nullable=False),
    Column("secret", LargeBinary(32), nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("proved_at", BigInteger, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    _staff_id(primary_key=True),
    Column("endpoint", LargeBinary, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("actor", String(32), nullable=False),
    Column("event", String(32), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("mac", LargeBinary(32), nullable=False),
)

audit_aliases = Table(
    "audit_aliases",
    metadata,
    Column(
        "conversation_id",
        String(32),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("alias", LargeBinary, nullable=False),
)
