"""What becomes of each code block of a page: run, written to a file, read, or left out with a reason.

Sybil finds the blocks and the instructions in comments; a page is tried from top to bottom in one directory.
CONTRIBUTING.md says what an author writes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from unittest import SkipTest

from sybil import Document, Example, Region
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer
from sybil.typing import Parser

from ingest.config import load
from tests.docs.likeness import Likeness
from tests.docs.terminal import Said, Terminal
from tests.patience import PATIENCE

INSTRUCTIONS = ("file", "append", "project", "meanwhile", "stop")
_READS = re.compile(r"ingest (status|trace|why|events (list|show)|dead (list|show)|rejects list|replays) ?")
_BETWEEN_LOOKS = 0.2  # seconds; what is looked at needs the processor as well


class NotSo(AssertionError):
    """A command said or did something else than the page shows."""

    def __init__(self, wrong: str, said: list[Said]) -> None:
        super().__init__(wrong)
        self.said = said


@dataclass(slots=True, kw_only=True)
class Trial:
    """A page that is being tried: its terminal, what its ids stand for, what the next block is for."""

    terminal: Terminal
    worked: Path  # a project whose files have been handled
    likeness: Likeness = field(default_factory=Likeness)
    is_rewritten: bool = False  # what is shown and not so is replaced by what was said
    corrections: list[tuple[Region, str]] = field(default_factory=list)
    following: tuple[str, str] | None = None

    def meant_for(self) -> tuple[str, str]:
        meant, self.following = self.following or ("", ""), None
        return meant


def tried(page: Path, terminal: Terminal, worked: Path) -> Iterator[str]:
    """The reasons why blocks were left out; the others do what the page says.

    Raises AssertionError with the line of the block that does not.
    """
    document = Document.parse(str(page), *_parsers())
    trial = Trial(terminal=terminal, worked=worked, is_rewritten=os.environ.get("INGEST_PAGES") == "rewrite")
    document.namespace.update({"__trial__": trial, "which": shutil.which})
    try:
        for example in document.examples():
            try:
                example.evaluate()
            except SkipTest as left_out:
                yield str(left_out)
            except AssertionError as error:
                raise AssertionError(f"{page}:{example.line}: {error}") from error
        _stop(terminal)
    finally:
        terminal.close()
        _rewrite(page, document.text, trial.corrections)


def _stop(terminal: Terminal) -> None:
    """What ran meanwhile has ended as it should."""
    for said in terminal.close():
        assert said.status == 0, f"{said.command} ended with {said.status} by Ctrl-C:\n{said.text}"


def _rewrite(page: Path, text: str, corrections: list[tuple[Region, str]]) -> None:
    for region, block in reversed(corrections):
        text = text[: region.start] + block + text[region.end :]
    if corrections:
        page.write_text(text)


def _parsers() -> list[Parser]:
    by_language = {
        "sh": _run_quietly,
        "console": _run_and_compare,
        "python": _run_python,
        "toml": _take_settings,
        "json": _read_json,
        **dict.fromkeys(("ini", "sql", "yaml", "dockerfile"), _write_or_refuse),
    }
    return [
        *(CodeBlockParser(language, evaluator) for language, evaluator in by_language.items()),
        SkipParser(),
        _instructions,
    ]


def _instructions(document: Document) -> Iterable[Region]:
    for found in DirectiveInHTMLCommentLexer(directive="|".join(INSTRUCTIONS))(document):
        what = (found.lexemes["directive"], (found.lexemes["arguments"] or "").strip())
        yield Region(found.start, found.end, what, _note)


def _trial(example: Example) -> Trial:
    found = example.namespace["__trial__"]
    assert isinstance(found, Trial)
    return found


def _note(example: Example) -> None:
    trial = _trial(example)
    if example.parsed[0] == "project":
        shutil.copytree(trial.worked, trial.terminal.cwd, dirs_exist_ok=True)
        return
    if example.parsed[0] == "stop":
        _stop(trial.terminal)
        return
    assert trial.following is None, f"no block follows {trial.following}"
    trial.following = example.parsed


def _is_written(example: Example) -> bool:
    """True when the block was meant for a file, and stands there now."""
    trial = _trial(example)
    meant, path = trial.meant_for()
    if meant not in ("file", "append"):
        return False
    target = trial.terminal.cwd / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a" if meant == "append" else "w") as file:
        file.write(f"\n{example.parsed}" if meant == "append" else example.parsed)
    return True


def _write_or_refuse(example: Example) -> None:
    assert _is_written(example), 'is not run: say `<!-- file: PATH -->` or `<!-- skip: next "why" -->`'


def _run_quietly(example: Example) -> None:
    if _is_written(example):
        return
    _run(_trial(example), [(command, None) for command in _commands_of_a_script(example.parsed)])


def _run_and_compare(example: Example) -> None:
    trial = _trial(example)
    asked = list(_commands_of_a_session(example.parsed))
    assert asked, "a console block shows commands behind `$ `"
    if trial.meant_for()[0] == "meanwhile":
        _start(trial, *asked[0])
        return
    try:
        _run(trial, asked)
    except NotSo as error:
        if not trial.is_rewritten:
            raise
        block = example.document.text[example.start : example.end]
        said = _session(asked, error.said)
        trial.corrections.append((example.region, block.replace(example.parsed, said)))


def _session(asked: list[tuple[str, str | None]], said: list[Said]) -> str:
    """The commands as they were written, each with what it said."""
    lines = []
    for (command, _), each in zip(asked, said, strict=True):
        said_lines = (line.rstrip() for line in each.text.splitlines())
        lines += ["$ " + command.replace("\n", "\n> "), *"\n".join(said_lines).strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _run(trial: Trial, asked: list[tuple[str, str | None]]) -> None:
    """Each command ends as it should, and says what is shown.

    Where something runs meanwhile, commands that only look are asked again until it has done what is shown.
    """
    is_look = all(_READS.match(command) for command, _ in asked) and bool(trial.terminal.running)
    until = monotonic() + (PATIENCE if is_look else 0.0)
    while True:
        said = trial.terminal.typed([trial.likeness.translated(command) for command, _ in asked])
        if not (wrong := _wrong(trial, asked, said)):
            return
        if monotonic() >= until:
            raise NotSo(wrong, said)
        trial.terminal.running[-1].said(within=_BETWEEN_LOOKS)


def _wrong(trial: Trial, asked: list[tuple[str, str | None]], said: list[Said]) -> str:
    for at, ((command, shown), each) in enumerate(zip(asked, said, strict=True)):
        is_asked = at + 1 < len(asked) and asked[at + 1][0] == "echo $?"
        declared = re.search(r"#.*\bexits (\d+)", command)
        if not is_asked and each.status != int(declared[1] if declared else 0):
            return f"{command}\nended with {each.status}, and said:\n{each.text}"
        if shown is not None and (difference := trial.likeness.difference(shown, each.text)):
            return f"{command}\n{difference}"
    return ""


def _start(trial: Trial, command: str, shown: str | None) -> None:
    running = trial.terminal.start(command)
    if not shown:
        return
    until = monotonic() + PATIENCE
    while difference := trial.likeness.difference(shown, running.said(within=0.1)):
        assert monotonic() < until, f"{command}\n{difference}"


def _commands_of_a_session(text: str) -> Iterator[tuple[str, str | None]]:
    """Each command behind `$ `, continued behind `> `, and the output below it."""
    for piece in re.split(r"(?m)^\$ ", text)[1:]:
        first, *rest = piece.splitlines()
        more = 0
        while more < len(rest) and rest[more].startswith("> "):
            more += 1
        command = "\n".join([first, *(line.removeprefix("> ") for line in rest[:more])])
        yield command, "\n".join(rest[more:])


def _commands_of_a_script(text: str) -> Iterator[str]:
    """The commands of a script: the shortest runs of lines that a shell takes for whole."""
    lines: list[str] = []
    for line in text.splitlines():
        lines.append(line)
        if _is_whole("\n".join(lines)):
            yield "\n".join(lines)
            lines = []
    assert not lines, f"no shell takes this for whole: {lines}"


def _is_whole(command: str) -> bool:
    read = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
    return read.returncode == 0 and not read.stderr and not command.endswith("\\")


def _run_python(example: Example) -> None:
    if _is_written(example):
        return
    exec(compile(example.parsed, f"{example.path}:{example.line}", "exec"), example.namespace)


def _take_settings(example: Example) -> None:
    """Settings that are shown by themselves are a whole ingest.toml, and those added to one leave it good."""
    tomllib.loads(example.parsed)
    cwd = _trial(example).terminal.cwd
    if not _is_written(example):
        cwd = cwd / ".page"
        cwd.mkdir(exist_ok=True)
        (cwd / "ingest.toml").write_text(example.parsed)
    if (cwd / "ingest.toml").exists():
        load(env={}, cwd=cwd)


def _read_json(example: Example) -> None:
    if _is_written(example):
        return
    with suppress(json.JSONDecodeError):
        json.loads(example.parsed)
        return
    for line in example.parsed.splitlines():
        json.loads(line)
