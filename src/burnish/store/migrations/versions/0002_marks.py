"""Marked files, to find the record of a stripped one."""

import sqlalchemy as sa
from alembic import op

from burnish.store import columns

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the table `mark`."""
    op.create_table(
        "mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_number", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("picture_hash", sa.String(length=64), nullable=False),
        sa.Column("watermark", sa.String(length=60), nullable=False),
        sa.Column("psnr", sa.Double(), nullable=True),
        sa.Column("at", columns.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["record_number"], ["record.number"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_mark_record", "mark", ["record_number"])
    op.create_index("ix_mark_file_hash", "mark", ["file_hash"])


def downgrade() -> None:
    """Removes it."""
    op.drop_table("mark")
