"""The payments file of `large_csv`, held to a contract by `tabular`: how fast, and in how much memory.

Every row is checked: an id by its length, an amount by the decimals of its
currency, a date; the id is unique. The reference is that of `large_csv`, which checks nothing.
"""

import json
from pathlib import Path

from benchmarks import large_csv
from benchmarks.measure import Report
from benchmarks.project import Project, new_project

_COLUMNS = [
    {"name": "payment_id", "required": True, "max_length": 200},
    {"name": "account", "required": True, "max_length": 200},
    {"name": "amount", "type": "decimal", "currency": "currency", "required": True},
    {"name": "currency", "required": True},
    {"name": "value_date", "type": "date", "required": True},
    {"name": "counterparty", "required": True},
    {"name": "reference", "required": True},
]


def run(scale: float, directory: Path) -> Report:
    """Measure the reference and ours over the same file, three times, in turn."""
    return large_csv.compared(scale, directory, _project, memory=200.0)


def _project(root: Path) -> Project:
    project = new_project(root, function="tabular")
    config = root / "ingest.toml"
    columns = ", ".join(_inline(column) for column in _COLUMNS)
    contract = f'format = "csv", table = "payments", unique = ["payment_id"], columns = [{columns}]'
    text = config.read_text().replace("processors.trivial:tabular", "processors.tabular:tabular")
    config.write_text(f"{text}\noptions = {{ {contract} }}\n")
    project.run("watch", "--once")  # makes the store
    return project


def _inline(table: dict[str, object]) -> str:
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items()) + " }"
