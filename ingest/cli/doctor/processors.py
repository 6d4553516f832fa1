"""The processors: whether each file of theirs can be read as Python, and each that is named be imported.

They are imported as `work` does it, in a process of their own: a module that
hangs, crashes or prints harms nobody here. A file that no processor needs is
only read.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest import registry
from ingest.cli import bars, wiring
from ingest.cli.doctor.findings import Finding, failed, well
from ingest.config import ProcessorSettings, Settings
from ingest.errors import IngestError
from ingest.work.asking import ask_now
from ingest.work.declared import Declared

_AREA = "processor"


def findings(held: Settings) -> Iterator[Finding]:
    """Every file that is no Python, then each processor of ingest.toml."""
    said = set()
    for path, error in registry.unparsable(wiring.processors_dir(held)):
        said.add(error.message)
        yield failed(_AREA, path.name, error)
    with bars.progress("importing processors"):
        found = _asked(held)
    for each in held.processors:
        answer = found[each.name]
        if isinstance(answer, Declared):
            yield well(_AREA, each.name, f"{each.use}, {answer.origin}, version {answer.version}")
        elif answer.message not in said:
            yield failed(_AREA, each.name, answer)


def _asked(held: Settings) -> dict[str, Declared | IngestError]:
    """What each processor declares, or why it cannot: all at once, and one by one where one is refused."""
    try:
        return {**_declared(held, *held.processors)}
    except IngestError as error:
        if len(held.processors) == 1:
            return {held.processors[0].name: error}
    return {each.name: _alone(held, each) for each in held.processors}


def _alone(held: Settings, processor: ProcessorSettings) -> Declared | IngestError:
    try:
        return _declared(held, processor)[processor.name]
    except IngestError as error:
        return error


def _declared(held: Settings, *processors: ProcessorSettings) -> dict[str, Declared]:
    return ask_now(processors, local=wiring.processors_dir(held), limit=held.work.start_timeout)
