"""The tables. Times are milliseconds since 1970 (UTC).

Every LargeBinary is sealed, but three that are hashes: ``conversations.lookup`` is keyed, so that
nobody can try ids against it, as is ``return_codes.hash``; ``receipts.external`` only has to be
short and always well-formed.
Partial indexes are matched by the literal words of their condition, so queries use the conditions
defined here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    false,
    literal_column,
    text,
)
from sqlalchemy.sql.selectable import FromClause

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _conversation_id(*, primary_key: bool = False, index: bool = False) -> Column[str]:
    """Return the column that ties a row to its conversation: it goes when the conversation goes."""
    key = ForeignKey("conversations.id", ondelete="CASCADE")
    return Column(
        "conversation_id", String(32), key, primary_key=primary_key, index=index, nullable=False
    )


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index over some of the rows."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    # Empty once forgetting has begun: whoever writes then is somebody new.
    Column("lookup", LargeBinary(32), unique=True),
    Column("channel", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False, index=True),
    Column("forgetting_at", BigInteger),
    Column("memory", LargeBinary, nullable=False),
    Column("address", LargeBinary),
    _partial("ix_conversations_forgetting", "forgetting_at", where="forgetting_at IS NOT NULL"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("external", LargeBinary(16), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    # Only INTEGER is SQLite's own row number (64 bits there as well); BIGINT would cost an index.
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    _conversation_id(),
    Column("channel", String(16), nullable=False),
    Column("incoming", Boolean, nullable=False),
    Column("human", Boolean, nullable=False, server_default=false()),
    Column("state", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("body", LargeBinary),
    Column("aside", LargeBinary),
    Column("reference", LargeBinary),
    Index("ix_messages_conversation", "conversation_id", "id"),
    _partial(
        "ix_messages_unfinished",
        "conversation_id",
        "id",
        where="state IN ('pending', 'sending')",
    ),
    _partial("ix_messages_held", "conversation_id", where="state = 'held'"),
)

handovers = Table(
    "handovers",
    metadata,
    Column("id", Integer, primary_key=True),
    _conversation_id(index=True),
    Column("state", String(16), nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("locale", String(8), nullable=False),
    Column("offered_at", BigInteger, nullable=False),
    Column("asked_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("owner", String(32)),
    Column("lease_until", BigInteger),
    Column("version", Integer, nullable=False),
    Column("details", LargeBinary, nullable=False),
    _partial("uq_handovers_one_open", "conversation_id", where="state <> 'closed'", unique=True),
    Index("ix_handovers_queue", "state", "level", "asked_at"),
    # A number is never given twice: a stale page must not name somebody else's handover.
    sqlite_autoincrement=True,
)

timers = Table(
    "timers",
    metadata,
    _conversation_id(primary_key=True),
    Column("kind", String(24), primary_key=True),
    Column("due_at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

return_codes = Table(
    "return_codes",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column(
        "conversation_id",
        String(32),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    sqlite_with_rowid=False,
)

notes = Table(
    "notes",
    metadata,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    _conversation_id(index=True),
    Column("author", String(32), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    _conversation_id(primary_key=True),
    Column("staff", String(32), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

shifts = Table(
    "shifts",
    metadata,
    Column("staff", String(32), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
    Column("languages", String(128), nullable=False),
    sqlite_with_rowid=False,
)

# Counters only: no row is about anybody.
figures = Table(
    "figures",
    metadata,
    Column("week", String(8), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("value", String(32), primary_key=True),
    Column("number", Integer, nullable=False),
    sqlite_with_rowid=False,
)

marks = Table(
    "marks",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


def is_unfinished(rows: FromClause = messages) -> ColumnElement[bool]:
    """Select messages that await an answer or their delivery."""
    return rows.c.state.in_([literal_column("'pending'"), literal_column("'sending'")])


def is_held() -> ColumnElement[bool]:
    """Select messages that wait behind "Look for answer"."""
    return messages.c.state == literal_column("'held'")


def is_open() -> ColumnElement[bool]:
    """Select handovers that are not closed."""
    return handovers.c.state != literal_column("'closed'")
