"""What is let go on purpose: the runs that did it, and the contents whose bytes they took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Every content that stood is kept; no run has been."""
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cutoff", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcomes", sa.BigInteger(), nullable=False),
        sa.Column("contents", sa.BigInteger(), nullable=False),
        sa.Column("content_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("contents", sa.Column("state", sa.Text(), nullable=False, server_default="kept"))
    op.add_column("contents", sa.Column("run_id", sa.Text(), nullable=True))
    is_leaving = sa.text("state = 'leaving'")
    op.create_index(
        "ix_contents_leaving",
        "contents",
        ["sha256"],
        sqlite_where=is_leaving,
        postgresql_where=is_leaving,
    )
