"""What a server needs besides: text that is ordered by its bytes, and queues that are swept soon.

Nothing changes in a SQLite file, which orders by bytes and has no dead rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KEPT = "alembic_version"
# Rows of these come and go with every delivery: they are swept after so many, however large the table is.
_QUEUES = ("lanes", "deliveries", "calling")
_SOON = (
    "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,"
    " autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000,"
    " autovacuum_vacuum_cost_delay = 0"
)
# Rows of these are changed in place, again and again: there is room beside them.
_CHANGED = ("event_keys", "outcome_totals", "sources", "workers", "sightings")


def upgrade() -> None:
    """Text is ordered by bytes, and rows that are gone are swept soon."""
    if op.get_context().dialect.name != "postgresql":
        return
    if not op.get_context().as_sql:
        _order_by_bytes()
    for table in _QUEUES:
        op.execute(f"ALTER TABLE {table} SET ({_SOON})")
    for table in _CHANGED:
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")


def _order_by_bytes() -> None:
    """The beginning of an id is looked for in a range, which only means that in the order of bytes."""
    found = sa.inspect(op.get_bind())
    for table in found.get_table_names():
        if table == _KEPT:
            continue
        for column in found.get_columns(table):
            if isinstance(column["type"], sa.Text):
                op.execute(f'ALTER TABLE {table} ALTER COLUMN "{column["name"]}" TYPE text COLLATE "C"')
