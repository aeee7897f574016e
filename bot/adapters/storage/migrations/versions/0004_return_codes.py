"""Return codes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "return_codes",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_return_codes_conversation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("hash", name="pk_return_codes"),
        sa.UniqueConstraint("conversation_id", name="uq_return_codes_conversation_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("return_codes")
