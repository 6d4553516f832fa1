"""How many outcomes of each kind there are is kept, and need not be counted at each look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_COUNT = (
    "INSERT INTO outcome_totals (generation_id, state, verdict, outcomes) "
    "SELECT generation_id, state, verdict, count(*) FROM outcomes GROUP BY generation_id, state, verdict"
)


def upgrade() -> None:
    """The totals stand, and are those of the outcomes that stood."""
    op.create_table(
        "outcome_totals",
        sa.Column("generation_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("outcomes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("generation_id", "state", "verdict"),
        sqlite_with_rowid=False,
    )
    op.execute(_COUNT)
