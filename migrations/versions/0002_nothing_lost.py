"""What the whole semantics of landing, effects and replay need beside the first schema."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """The second schema stands, whatever stood in the first."""
    _landing()
    _effects()
    _replays()


def _landing() -> None:
    """What becomes of a partner's copy, and what a source is missing."""
    op.add_column("sources", Column("suppressed", BigInteger, nullable=False, server_default="0"))


def _effects() -> None:
    """Calls to the outside: registered, made, answered."""


def _replays() -> None:
    """What a replay would change."""
