"""What is released never changes; each way in which it could is found. Copies are tampered with."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from ingest import schemas
from ingest.domain import events, facts, upcast
from ingest.errors import CannotWrite
from processors import facts as bundled

FACTS = '''
from dataclasses import dataclass
from typing import ClassVar

from ingest import fact


@fact("tests.tampered.ordered", version={major}, minor={minor})
@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An order came."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    order_id: str
    {more}
'''
NAME = "tests.tampered.ordered"


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Declares the class anew, as the next release of a package would; it is forgotten afterwards."""
    before = dict(facts._FACTS), dict(upcast._STEPS)

    def declare(major: int = 1, minor: int = 0, more: str = "") -> Any:
        file = tmp_path / "shop" / "facts.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(FACTS.format(major=major, minor=minor, more=more))
        spec = spec_from_file_location("tampered_facts", file)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(__import__("sys").modules, "tampered_facts", module)
        exec(compile(file.read_text(), file, "exec"), module.__dict__)  # never from stale byte code
        return module.Ordered

    yield declare
    for known, held in zip((facts._FACTS, upcast._STEPS), before, strict=True):
        known.clear()  # type: ignore[attr-defined]  # both are dicts
        known.update(held)  # type: ignore[attr-defined]  # likewise


def rewritten(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    found = json.loads(file.read_text())
    change(found)
    file.write_text(json.dumps(found))


def next_to(former: Path, version: str, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
    """The schema of another version, made of a former one."""
    file = former.with_name(f"{NAME}.v{version}.json")
    shutil.copy(former, file)
    rewritten(file, lambda found: found.update({"$id": f"urn:ingest:schema:{NAME}:{version}"}))
    rewritten(file, change)
    return file


BUNDLED = [
    cls for cls in vars(bundled).values() if isinstance(cls, type) and cls.__module__ == bundled.__name__
]


@pytest.mark.parametrize("classes", [facts.published(), BUNDLED], ids=["engine", "bundled"])
def test_the_schemas_of_this_package_are_as_they_were_released(classes: list[Any]) -> None:
    own = [cls for cls in classes if cls.__module__ in (events.__name__, bundled.__name__)]

    assert own
    assert schemas.problems(own) == []
    for folder in {schemas.folder_of(cls) for cls in own}:
        assert schemas.released(folder).keys() == {each.path.name for each in schemas.published(folder)}
        assert schemas.released(folder).keys() == {file.name for file in folder.glob("*.json")}


def test_a_draft_agrees_with_its_class_and_is_never_overwritten(declared: Callable[..., Any]) -> None:
    ordered = declared()
    assert schemas.problems([ordered]) == [
        f"urn:ingest:schema:{NAME}:1.0 has no schema: run `ingest schema draft {NAME}.v1`"
    ]

    file = schemas.draft(ordered)

    assert file == schemas.folder_of(ordered) / f"{NAME}.v1.0.json"
    assert schemas.problems([ordered]) == []
    with pytest.raises(CannotWrite, match=r"v1\.0\.json: File exists"):
        schemas.draft(ordered)


def test_a_release_is_written_as_sha256sum_reads_it(declared: Callable[..., Any]) -> None:
    folder = schemas.draft(declared()).parent

    assert [file.name for file in schemas.release(folder)] == [f"{NAME}.v1.0.json"]
    assert schemas.release(folder) == []

    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "RELEASED"], cwd=folder, check=False, capture_output=True
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda file: file.write_text(file.read_text() + "\n"), "is released, and was changed"),
        (lambda file: rewritten(file, lambda s: s.update(title="Other")), "is released, and was changed"),
        (lambda file: file.unlink(), "is released, and missing"),
        (lambda file: file.rename(file.with_suffix(".txt")), "is released, and missing"),
    ],
    ids=["a byte", "a word", "gone", "renamed"],
)
def test_a_released_schema_that_changes_or_vanishes_is_named(
    declared: Callable[..., Any], tamper: Callable[[Path], object], said: str
) -> None:
    ordered = declared()
    file = schemas.draft(ordered)
    schemas.release(file.parent)

    tamper(file)

    assert said in schemas.problems([ordered])[0]
    assert schemas.release(file.parent) == [], "and releasing again does not make it good"
    assert said in schemas.problems([ordered])[0]


def test_a_minor_that_adds_an_optional_field_is_good(declared: Callable[..., Any]) -> None:
    schemas.release(schemas.draft(declared()).parent)

    grown = declared(minor=1, more="note: str | None = None")
    schemas.draft(grown)

    assert schemas.problems([grown]) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [("note: str", "the field 'note' is required"), ("note: str | None", "the field 'note' is required")],
)
def test_a_minor_that_needs_a_new_field_is_named(declared: Callable[..., Any], more: str, said: str) -> None:
    schemas.release(schemas.draft(declared()).parent)

    grown = declared(minor=1, more=more)
    schemas.draft(grown)

    (found,) = schemas.problems([grown])
    assert said in found
    assert "publish the next major instead" in found


def test_a_minor_out_of_order_or_behind_its_class_is_named(declared: Callable[..., Any]) -> None:
    ordered = declared()
    file = schemas.draft(ordered)

    next_to(file, "1.2")

    found = schemas.problems([ordered])
    assert len(found) == 2
    assert "a version between them is missing" in found[0]
    assert found[1] == "Ordered is of minor 0, and minor 2 of it is published"


def test_a_major_without_an_upcaster_is_named_and_good_with_one(declared: Callable[..., Any]) -> None:
    schemas.release(schemas.draft(declared()).parent)
    ordered = declared(major=2, more="amount: str")
    schemas.draft(ordered)
    assert schemas.problems([ordered]) == [
        f'no upcaster leads from {NAME}.v1 to v2: declare `@upcast("{NAME}", to=2)`'
    ]

    upcast.upcast(NAME, to=2)(lambda data: data | {"amount": ""})

    assert schemas.problems([ordered]) == []


def test_a_schema_that_is_not_what_its_name_says_is_named(declared: Callable[..., Any]) -> None:
    ordered = declared()
    file = schemas.draft(ordered)
    text = file.read_text()

    rewritten(file, lambda found: found.update({"$id": "urn:other"}))
    assert any("says it is 'urn:other'" in said for said in schemas.problems([ordered]))
    file.write_text("[")
    assert any("holds no JSON object" in said for said in schemas.problems([ordered]))
    file.write_text(text)
    assert schemas.problems([ordered]) == []


def test_a_field_that_only_the_schema_or_only_the_class_has_is_named(declared: Callable[..., Any]) -> None:
    schemas.draft(declared())

    (found,) = schemas.problems([declared(more="note: str | None = None")])

    assert "it lacks the field 'note' of Ordered" in found


def test_the_digest_of_a_release_is_that_of_its_bytes(declared: Callable[..., Any]) -> None:
    file = schemas.draft(declared())

    schemas.release(file.parent)

    assert schemas.released(file.parent) == {file.name: hashlib.sha256(file.read_bytes()).hexdigest()}
