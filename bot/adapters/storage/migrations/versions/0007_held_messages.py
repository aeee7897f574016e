"""An index of held messages, so that counting them does not read whole conversations."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    condition = sa.text("state = 'held'")
    op.create_index(
        "ix_messages_held",
        "messages",
        ["conversation_id"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def downgrade() -> None:
    op.drop_index("ix_messages_held", "messages")
