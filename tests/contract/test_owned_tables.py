"""Whatever table a bundled processor hands rows to is made with it."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import processors
from ingest import Processor, Table

MODULES = sorted(each.name for each in pkgutil.iter_modules(processors.__path__) if not each.ispkg)


def is_of(module: str, processor: Processor) -> bool:
    return processor.function.__module__ == module


@pytest.mark.parametrize("name", MODULES)
def test_every_table_that_a_processors_module_names_is_its_own(name: str) -> None:
    module = importlib.import_module(f"processors.{name}")
    found = vars(module).values()
    own = [
        each for each in found if isinstance(each, Processor) and each.function.__module__ == module.__name__
    ]
    named = {each.name for each in found if isinstance(each, Table)}

    for processor in own:
        if callable(processor.tables):
            continue  # they are made of its options
        assert named <= {each.name for each in processor.owned_tables(name, {})}
