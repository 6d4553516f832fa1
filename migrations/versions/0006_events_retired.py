"""An event may be emptied by a retention run that is open and left a tombstone for it; by nothing else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # as in every other table
_REFUSAL = "an event is a fact: it is never changed, deleted or replaced"
_STAYS = (
    "position",
    "id",
    "key",
    "keyseq",
    "origin",
    "time",
    "cause",
    "producer",
    "supersedes",
    "content",
    "hash",
)
_TOMBSTONE = (
    "EXISTS (SELECT 1 FROM tombstones JOIN retention_runs ON retention_runs.id = tombstones.run_id"
    " WHERE tombstones.position = OLD.position AND tombstones.id = OLD.id AND tombstones.hash = OLD.hash"
    " AND tombstones.type = OLD.type AND retention_runs.ended_at IS NULL)"
)
_IS_EMPTIED = "OLD.body <> '' AND NEW.body = '' AND NEW.type = ''"


def upgrade() -> None:
    """No event is retired; what may empty one is in the trigger."""
    op.create_table(
        "tombstones",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("type", _TEXT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("run_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.add_column("retention_runs", sa.Column("events", sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_context().dialect.name == "sqlite":
        _on_sqlite()
    else:
        _on_postgresql()


def _on_sqlite() -> None:
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _STAYS)
    op.execute("DROP TRIGGER events_refuse_update")
    op.execute(
        f"CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events"
        f" WHEN NOT ({_IS_EMPTIED} AND {same} AND {_TOMBSTONE})"
        f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )
    stands = " WHEN EXISTS (SELECT 1 FROM tombstones WHERE position = NEW.position)"
    for verb, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", stands)):
        op.execute(
            f"CREATE TRIGGER tombstones_refuse_{verb.lower()} BEFORE {verb} ON tombstones{when}"
            f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )


def _on_postgresql() -> None:
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in _STAYS)
    op.execute(
        "CREATE FUNCTION events_retire() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF {_IS_EMPTIED} AND {same} AND {_TOMBSTONE} THEN RETURN NEW; END IF;"
        f" RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute("DROP TRIGGER events_refuse_change ON events")
    op.execute(
        "CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events"
        " FOR EACH ROW EXECUTE FUNCTION events_refuse()"
    )
    op.execute(
        "CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events"
        " FOR EACH ROW EXECUTE FUNCTION events_retire()"
    )
    op.execute(
        "CREATE TRIGGER tombstones_refuse_change BEFORE UPDATE OR DELETE ON tombstones"
        " FOR EACH ROW EXECUTE FUNCTION events_refuse()"
    )
    op.execute(
        "CREATE TRIGGER tombstones_refuse_truncate BEFORE TRUNCATE ON tombstones"
        " FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()"
    )
