"""From the flags of `run` to the command lines of the two processes it supervises."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ingest.cli.given import Given


def global_flags(given: Given, file: Path) -> list[str]:
    """The command and its global flags, as they were given to this process."""
    # -P: what lies in the working directory must not stand in for what is installed.
    flags = [sys.executable, "-P", "-m", "ingest", "--config", str(file), *["-v"] * given.verbose]
    flags += ["-q"] * given.quieter + ["--no-color"] * given.no_color
    flags += _one("--log-level", given.log_level) + _one("--log-format", given.log_format)
    return flags


def watch(
    *, source: Sequence[str] | None, mode: str | None, quiet: float | None, once: bool, json: bool
) -> list[str]:
    """`watch` with these flags."""
    flags = [flag for name in source or () for flag in ("--source", name)]
    flags += _one("--mode", mode) + _one("--quiet", quiet)
    return ["watch", *flags, *_common(once, json)]


def work(
    *,
    processor: Sequence[str] | None,
    concurrency: int | None,
    once: bool,
    wait_retries: bool,
    limit: int | None,
    shutdown_timeout: float | None,
    processors: Path | None,
    json: bool,
) -> list[str]:
    """`work` with these flags."""
    flags = [flag for name in processor or () for flag in ("--processor", name)]
    flags += _one("--concurrency", concurrency) + _one("--limit", limit)
    flags += _one("--shutdown-timeout", shutdown_timeout) + _one("--processors", processors)
    return ["work", *flags, *(["--wait-retries"] if wait_retries else []), *_common(once, json)]


def _one(flag: str, value: object) -> list[str]:
    return [] if value is None else [flag, str(value)]


def _common(once: bool, json: bool) -> list[str]:
    return ["--once"] * once + ["--json"] * json + ["--supervisor", str(os.getpid())]
