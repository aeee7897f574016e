"""Changes of texts and facts, what was published, remarks, what processes serve; translators."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "content_changes",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("item", sa.String(160), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("stamp", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_content_changes"),
    )
    op.create_index("ix_content_changes_item", "content_changes", ["item", "at"])
    op.create_index(
        "uq_content_changes_open",
        "content_changes",
        ["item"],
        unique=True,
        sqlite_where=sa.text("open"),
        postgresql_where=sa.text("open"),
    )
    op.create_table(
        "bundles",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_bundles"),
    )
    op.create_table(
        "content_remarks",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("item", sa.String(160), nullable=False),
        sa.Column("by", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(500), nullable=False),
        sa.Column("report", sa.Boolean(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_content_remarks"),
    )
    op.create_index("ix_content_remarks_item", "content_remarks", ["item"])
    op.create_table(
        "servings",
        sa.Column("process", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("wrong", sa.String(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("process", name="pk_servings"),
    )
    op.add_column(
        "staff",
        sa.Column("translates", sa.String(128), nullable=False, server_default=sa.text("''")),
    )


def downgrade() -> None:
    op.drop_column("staff", "translates")
    for table in ("servings", "content_remarks", "bundles", "content_changes"):
        op.drop_table(table)
