"""What `ingest watch` and `ingest work` take while nothing happens.

Ten thousand files lie in the inbox, all of them landed and done.
The kernel says how long each process ran, its children included, over a minute
in which the inbox is scanned anew twice. The bound is one part in a hundred of
one core for all of them together.
"""

import time
from pathlib import Path

from benchmarks.corpus import write_files
from benchmarks.measure import Measure, Report
from benchmarks.project import children_of, must_be, new_project

_FILES = 10_000
_SECONDS = 60.0
_SETTLING = 5.0  # seconds until starting is over
_NS = 1e9


def run(scale: float, directory: Path) -> Report:
    """Watch both for a minute, whatever the scale, since that is how often an inbox is scanned."""
    project = new_project(directory / "project", function="nothing")
    files = round(_FILES * scale)
    write_files(project.inbox, files)
    for command in ("watch", "work"):
        project.run(command, "--once")
    with project.running("watch") as watcher, project.running("work") as worker:
        time.sleep(_SETTLING)
        groups = {"watch": [watcher.pid], "work": [worker.pid], "children": children_of(worker.pid)}
        began = {name: _ran(pids) for name, pids in groups.items()}
        begun = time.monotonic()
        time.sleep(_SECONDS)
        over = time.monotonic() - begun
        shares = {name: (_ran(pids) - began[name]) / over * 100 for name, pids in groups.items()}
    must_be(project.run("status").document["processors"][0]["done"], files, "outcomes")
    return Report(
        measures=[
            Measure(
                name="watch and work while nothing happens",
                unit="% of a core",
                figure=sum(shares.values()),
                reference="the bound",
                reference_figure=1.0,
                target="ratio <= 1",
            )
        ],
        detail={"files": files, "seconds": over, **{f"{name}_percent": s for name, s in shares.items()}},
    )


def _ran(pids: list[int]) -> float:
    """Seconds for which the threads of these processes have run so far."""
    paths = [path for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(path.read_text().split()[0]) for path in paths) / _NS
