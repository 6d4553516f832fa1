"""docs/reference/errors.md can be searched for every message that the program raises on purpose."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import walk_packages

import ingest
from ingest import registry
from ingest.cli.frame import INTERRUPTED
from ingest.errors import IngestError
from tests.docs.pages import REFERENCE, ROOT, inline, rows, sections

PAGE = REFERENCE / "errors.md"
EXIT_CODES = REFERENCE / "exit-codes.md"
FAILED = 3  # finished, but something did not go well: no error, an answer
TELLING = 12  # letters by which a message is known
SAID_BY_OTHERS = {"unexpected", "aborted"}  # codes that stand for no class of ours
MODULES = sorted([*ROOT.glob("ingest/**/*.py"), *ROOT.glob("processors/**/*.py")])


def _classes() -> dict[str, type[IngestError]]:
    """Every deliberate error by its name, wherever it is declared."""
    for module in walk_packages(ingest.__path__, "ingest."):
        if not module.name.endswith("__main__") and "_bundled" not in module.name:
            __import__(module.name)
    registry.find("payments:payments")
    found, waiting = {}, [IngestError]
    while waiting:
        cls = waiting.pop()
        found[cls.__name__] = cls
        waiting += cls.__subclasses__()
    return {name: cls for name, cls in found.items() if not cls.__module__.startswith("tests")}


CLASSES = _classes()
HEADINGS = [heading for heading in sections(PAGE) if heading.startswith("`")]
MESSAGES = [inline(row[0])[0] for text in sections(PAGE).values() for row in rows(text)]


def test_every_code_has_a_section_and_no_other_has_one() -> None:
    documented = {word for heading in HEADINGS for word in inline(heading)}

    assert documented == {cls.code for cls in CLASSES.values()} | SAID_BY_OTHERS


def test_every_code_stands_with_its_exit_code() -> None:
    by_code = {cls.code: cls.exit_code for cls in CLASSES.values()}

    for heading in HEADINGS:
        said = re.search(r"exit (\d+)", heading)
        if said is not None:
            assert {by_code.get(word, 1) for word in inline(heading)} == {int(said[1])}, heading


def test_every_exit_code_is_explained() -> None:
    explained = {
        int(number) for row in rows(EXIT_CODES.read_text()) for number in re.findall(r"^\d+", row[0])
    }

    assert {cls.exit_code for cls in CLASSES.values()} | {0, 3} <= explained


def test_no_exit_code_is_explained_that_nothing_answers_with() -> None:
    explained = {int(row[0]) for row in rows(EXIT_CODES.read_text()) if row[0].isdigit()}

    assert explained == {cls.exit_code for cls in CLASSES.values()} | {0, FAILED, INTERRUPTED}


def test_every_message_that_is_spelt_out_where_it_is_raised_can_be_found() -> None:
    missing = [
        f"{module.relative_to(ROOT)}: {_pattern(said)}"
        for module in MODULES
        for said in _raised(module)
        if not any(re.fullmatch(_pattern(said), message) for message in MESSAGES)
    ]

    assert missing == []


def test_no_message_is_listed_that_the_program_does_not_hold() -> None:
    raised = [_pattern(said) for module in MODULES for said in _raised(module)]
    parts = [
        _pattern(said) for module in MODULES for said in _texts(module) if len(_letters(said)) >= TELLING
    ]
    listed = [inline(row[0])[0] for heading in HEADINGS for row in rows(sections(PAGE)[heading])]

    composed = [message for message in listed if not any(re.fullmatch(each, message) for each in raised)]
    stale = [message for message in composed if not any(re.search(each, message) for each in parts)]

    assert stale == []


def _raised(module: Path) -> Iterator[ast.expr]:
    """The texts that stand where an error is made, or in the variable that stands there."""
    tree = ast.parse(module.read_text())
    for call in ast.walk(tree):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id in CLASSES
            and call.args
        ):
            for said in [call.args[0], *_assigned(tree, call.args[0])]:
                either = [said.body, said.orelse] if isinstance(said, ast.IfExp) else [said]
                yield from (each for each in either if isinstance(each, ast.JoinedStr | ast.Constant))


def _assigned(tree: ast.Module, said: ast.expr) -> Iterator[ast.expr]:
    """What a module gives to the variable `said`, if it is one."""
    if isinstance(said, ast.Name):
        for statement in ast.walk(tree):
            if isinstance(statement, ast.Assign) and said.id in map(ast.unparse, statement.targets):
                yield statement.value


def _texts(module: Path) -> Iterator[ast.expr]:
    """Every text of a module: some messages are put together before they are raised."""
    return (
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.JoinedStr | ast.Constant)
    )


def _pattern(said: ast.expr) -> str:
    """What a text may come to; whatever is filled in stands for anything."""
    parts = said.values if isinstance(said, ast.JoinedStr) else [said]
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in parts)


def _letters(said: ast.expr) -> str:
    return re.sub(r"[^a-z]|\\.", "", _pattern(said).replace(".*", ""))
