"""What a child knows of each processor it works: its function, and the rules its results are held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ingest.contract import Processor
from ingest.store.rules import Rules
from ingest.work.spec import ProcessorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A processor as a child works it: its function and its rules."""

    spec: ProcessorSpec
    processor: Processor
    rules: Rules  # what its results are held to

    @classmethod
    def of(cls, spec: ProcessorSpec, processor: Processor) -> Trade:
        """The trade of `processor` under `spec`."""
        rules = Rules(
            processor=spec.name,
            tables=processor.owned_tables(spec.name, spec.options),
            max_rejects=spec.max_rejects,
            max_facts=spec.max_facts,
        )
        held_to = replace(processor, accepts=tuple(spec.accepts) or processor.accepts)
        return cls(spec=spec, processor=held_to, rules=rules)


Trades = Mapping[str, Trade]
