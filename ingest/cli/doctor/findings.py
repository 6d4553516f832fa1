"""What the doctor finds: a thing, how it is and, where that is a problem, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.errors import IngestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    area: str  # installation | configuration | machine | store | archive | source | processor | status
    name: str
    value: str  # how it is
    problem: str = ""  # empty: none
    hint: str = ""  # what to do about it


def well(area: str, name: str, value: object) -> Finding:
    """There is nothing to say against it."""
    return Finding(area=area, name=name, value=str(value))


def ill(area: str, name: str, problem: str, hint: str, *, value: object = "") -> Finding:
    """It has to be put right."""
    return Finding(area=area, name=name, value=str(value), problem=problem, hint=hint)


def failed(area: str, name: str, error: IngestError) -> Finding:
    """It could not be used, as every command would say."""
    return ill(area, name, error.message, error.hint)


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """What has to be put right."""
    return [finding for finding in findings if finding.problem]
