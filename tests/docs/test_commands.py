"""docs/reference/commands.md says of every command and flag what the program says, and of no other."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.cli.catalogue import LATER
from ingest.cli.frame import run
from tests.docs.pages import PAGES, REFERENCE, blocks_of, indented, inline, rows, sections, shown
from tests.docs.tree import GLOBAL, Command, Flag, commands, groups, root_flags

PAGE = REFERENCE / "commands.md"
SECTIONS = {heading: text for heading, text in sections(PAGE).items() if heading.startswith("ingest ")}


def test_every_command_has_a_section_and_no_other_has_one() -> None:
    assert list(SECTIONS) == list(commands())


def test_the_flags_of_every_command_are_those_of_the_program() -> None:
    assert {name for row in rows(sections(PAGE)["For every command"]) for name in _flags_in(row[0])} >= GLOBAL
    assert root_flags() == GLOBAL


@pytest.mark.parametrize("command", commands().values(), ids=lambda command: command.name)
def test_the_line_of_a_command_names_its_arguments_and_flags_and_no_other(command: Command) -> None:
    line = " ".join(indented(SECTIONS[command.name])[0].split())

    assert line == _line(command)


@pytest.mark.parametrize("command", commands().values(), ids=lambda command: command.name)
def test_every_flag_is_explained_where_the_command_is_or_once_for_all(command: Command) -> None:
    for_all = {name for row in rows(sections(PAGE)["For every command"]) for name in _flags_in(row[0])}
    here = {name for row in rows(SECTIONS[command.name]) for name in _flags_in(row[0])}
    as_elsewhere = command.flag_names if "The flags are those of" in SECTIONS[command.name] else set()
    in_words = set(inline(SECTIONS[command.name]))

    assert command.flag_names - for_all - here - as_elsewhere - in_words - {"--json"} == set()
    assert here <= command.flag_names


@pytest.mark.parametrize("command", commands().values(), ids=lambda command: command.name)
def test_every_default_is_said_beside_its_flag(command: Command) -> None:
    for flag in command.flags:
        if flag.default:
            said = " ".join(row[1] for row in rows(SECTIONS[command.name]) if flag.names[0] in row[0])
            assert flag.default in inline(said) or flag.default in said.split(), flag.names


def test_names_that_are_kept_free_are_listed() -> None:
    assert set(inline(sections(PAGE)["Later"])) == LATER


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_command_line_on_a_page_is_one_the_program_takes(page: Path) -> None:
    wrong = [line for line in _command_lines(page) if not _is_taken(line)]

    assert wrong == []


@pytest.mark.parametrize("command", commands().values(), ids=lambda command: command.name)
def test_the_help_of_a_command_names_its_arguments_as_the_reference_does(
    command: Command, capfd: pytest.CaptureFixture[str]
) -> None:
    run([*command.name.split()[1:], "--help"])

    said = capfd.readouterr().out

    assert " ".join(said.partition("\n\n")[0].split()[1:]) == " ".join(
        [command.name, "[OPTIONS]", *command.arguments]
    )
    assert not re.search(r"<(str|path|int|list\[str\])>|<=x", said)


def _line(command: Command) -> str:
    """How the documentation writes a command: the shortest name of each flag, in the order of the help."""
    flags = [_flag(flag) for flag in sorted(command.flags, key=lambda flag: "--json" in flag.names)]
    return " ".join([command.name, *command.arguments, *flags])


def _flag(flag: Flag) -> str:
    written = f"{min(flag.names, key=len)} {flag.value}".strip()
    return written if flag.is_required else f"[{written}]{'...' if flag.is_repeated else ''}"


def _flags_in(cell: str) -> list[str]:
    return [word for span in inline(cell) for word in span.split() if word.startswith("-")]


def _command_lines(page: Path) -> Iterator[str]:
    text = page.read_text()
    code = [block.text for block in blocks_of(page, text) if block.language in ("sh", "console")]
    if page != PAGE:
        code += indented(text)
    lines = [line.strip().removeprefix("$ ") for block in code for line in block.splitlines()]
    yield from (line for line in [*lines, *inline(text)] if re.match(r"ingest( |$)", line))


def _is_taken(line: str) -> bool:
    words = shlex.split(re.split(r" [|>&]|&&", line.replace(r"\|", "|"))[0], comments=True)
    name, rest = words[0], words[1:]
    if rest[:1] in (["-C"], ["--config"]):  # before the command
        rest = rest[2:]
    while rest and f"{name} {rest[0]}" in {*commands(), *groups()}:
        name, rest = f"{name} {rest[0]}", rest[1:]
    flags = {word.partition("=")[0] for word in rest if word.startswith("-")}
    if name in commands():
        return flags <= commands()[name].flag_names | GLOBAL
    is_later = name == "ingest" and bool(rest) and rest[0] in LATER
    return is_later or not [word for word in rest if not word.startswith("-") and word.islower()]
