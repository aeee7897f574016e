"""The content desk's tables. Times are milliseconds since 1970 (UTC).

Nothing here is secret: it is what visitors are shown, or were to be shown. ``content_changes.body``
carries a stamp made with a key that is not in the database, ``bundles.body`` the signer's
signature. The other columns of a change only find it; they are compared with its body.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    text,
)

from bot.adapters.storage.tables import metadata

_NAME = 160

content_changes = Table(
    "content_changes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("item", String(_NAME), nullable=False),
    Column("open", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("stamp", LargeBinary(32), nullable=False),
    Index("ix_content_changes_item", "item", "at"),
    Index(
        "uq_content_changes_open",
        "item",
        unique=True,
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    ),
)

bundles = Table(
    "bundles",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

content_remarks = Table(
    "content_remarks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("item", String(_NAME), nullable=False, index=True),
    Column("by", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("text", String(500), nullable=False),
    Column("report", Boolean, nullable=False),
    Column("settled", Boolean, nullable=False),
)

servings = Table(
    "servings",
    metadata,
    Column("process", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("asked", String, nullable=False),
    Column("wrong", String, nullable=False),
    Column("refused", Integer, nullable=False),
)
