"""Browsers that are rung while they are closed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("endpoint", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_subscriptions_staff_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("staff_id", name="pk_subscriptions"),
    )


def downgrade() -> None:
    op.drop_table("subscriptions")
