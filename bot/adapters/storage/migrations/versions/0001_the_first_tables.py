"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_conversations()
    create_messages()
    create_handovers()
    create_timers_and_marks()


def downgrade() -> None:
    for table in ("marks", "timers", "handovers", "messages", "receipts", "conversations"):
        op.drop_table(table)


def create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("lookup", sa.LargeBinary(32)),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("forgetting_at", sa.BigInteger),
        sa.Column("memory", sa.LargeBinary, nullable=False),
        sa.Column("address", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("lookup", name="uq_conversations_lookup"),
    )
    op.create_index("ix_conversations_last_seen_at", "conversations", ["last_seen_at"])
    create_partial_index(
        "ix_conversations_forgetting",
        "conversations",
        ["forgetting_at"],
        where="forgetting_at IS NOT NULL",
    )


def create_messages() -> None:
    op.create_table(
        "receipts",
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("external", sa.LargeBinary(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("channel", "external", name="pk_receipts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_receipts_at", "receipts", ["at"])
    op.create_table(
        "messages",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("incoming", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("aside", sa.LargeBinary),
        sa.Column("reference", sa.LargeBinary),
        belongs_to_conversation("messages"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
    )
    op.create_index("ix_messages_conversation", "messages", ["conversation_id", "id"])
    create_partial_index(
        "ix_messages_unfinished",
        "messages",
        ["conversation_id", "id"],
        where="state IN ('pending', 'sending')",
    )


def create_handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("locale", sa.String(8), nullable=False),
        sa.Column("offered_at", sa.BigInteger, nullable=False),
        sa.Column("asked_at", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        belongs_to_conversation("handovers"),
        sa.PrimaryKeyConstraint("id", name="pk_handovers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_handovers_conversation_id", "handovers", ["conversation_id"])
    op.create_index("ix_handovers_queue", "handovers", ["state", "level", "asked_at"])
    create_partial_index(
        "uq_handovers_one_open",
        "handovers",
        ["conversation_id"],
        where="state <> 'closed'",
        unique=True,
    )


def create_timers_and_marks() -> None:
    op.create_table(
        "timers",
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        belongs_to_conversation("timers"),
        sa.PrimaryKeyConstraint("conversation_id", "kind", name="pk_timers"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_timers_due_at", "timers", ["due_at"])
    op.create_table(
        "marks",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_marks"),
        sqlite_with_rowid=False,
    )


def belongs_to_conversation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["conversation_id"],
        ["conversations.id"],
        name=f"fk_{table}_conversation_id",
        ondelete="CASCADE",
    )


def create_partial_index(
    name: str, table: str, columns: list[str], *, where: str, unique: bool = False
) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )
