"""What a processor declares: all that is known of it where its code is not imported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ingest.contract import Processor, Table, table
from ingest.domain.columns import BINDS

_TYPES = {type_.__name__: type_ for type_ in BINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The version, the event types and the tables of a processor, and where its code was found."""

    version: str
    accepts: tuple[str, ...]
    tables: tuple[Table, ...]
    origin: str = ""  # local | bundled | entry point

    @classmethod
    def of(cls, processor: Processor, name: str, options: Mapping[str, Any], *, origin: str = "") -> Declared:
        """What `processor` declares when it is called `name` and has these options."""
        return cls(
            version=processor.version,
            accepts=processor.accepts,
            tables=processor.owned_tables(name, options),
            origin=origin,
        )

    def to_json(self) -> str:
        """All of it as one line."""
        return json.dumps(
            {
                "version": self.version,
                "accepts": self.accepts,
                "tables": [_written(each) for each in self.tables],
                "origin": self.origin,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Declared:
        """What `to_json` wrote; raises `ValueError`, `TypeError` or `KeyError` for anything else."""
        found = json.loads(text)
        return cls(
            version=str(found["version"]),
            accepts=tuple(str(each) for each in found["accepts"]),
            tables=tuple(_read(each) for each in found["tables"]),
            origin=str(found["origin"]),
        )


def _written(declared: Table) -> dict[str, Any]:
    columns = [(c.name, c.type.__name__, c.is_nullable) for c in declared.columns]
    return {
        "name": declared.name,
        "columns": columns,
        "unique": declared.unique,
        "module": declared.module,
    }


def _read(found: Mapping[str, Any]) -> Table:
    """The table, held to all the rules anew."""
    columns = {
        name: _TYPES[type_] | None if is_nullable else _TYPES[type_]
        for name, type_, is_nullable in found["columns"]
    }
    return replace(table(found["name"], unique=found["unique"], **columns), module=str(found["module"]))
