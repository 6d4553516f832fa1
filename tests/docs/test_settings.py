"""docs/reference/ingest-toml.md says of every key what the settings are read by."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ingest.config import Settings, describe, json_schema, load, written
from ingest.domain.globs import ALWAYS_IGNORED
from tests.docs.pages import REFERENCE, blocks_of, inline, rows, sections

PAGE = REFERENCE / "ingest-toml.md"
SCHEMA = json_schema()["properties"]
TABLES = {
    "Top level": {"version": SCHEMA["version"]},
    "`[store]`": SCHEMA["store"]["properties"],
    "`[event]`": SCHEMA["event"]["properties"],
    "`[work]`": SCHEMA["work"]["properties"],
    "`[[source]]`": SCHEMA["source"]["items"]["properties"],
    "`[[processor]]`": SCHEMA["processor"]["items"]["properties"],
}
BUILT = "Built: "


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_is_in_the_table_of_its_section_and_no_other(heading: str) -> None:
    assert list(_documented(heading)) == list(_keys(heading))


@pytest.mark.parametrize("heading", TABLES)
def test_every_default_is_the_one_that_holds(heading: str) -> None:
    documented = _documented(heading)

    for name, key in _keys(heading).items():
        default = documented[name][2]
        if "default" in key:
            assert json.loads(inline(default)[0]) == key["default"], name
        else:
            held_if_absent = key["description"].partition("Default: ")[2].partition(";")[0]
            assert (inline(default) or [default])[0].strip('"') == (held_if_absent or "required"), name


@pytest.mark.parametrize("heading", TABLES)
def test_words_that_are_not_built_are_named_as_such(heading: str) -> None:
    documented = _documented(heading)

    for name, key in _keys(heading).items():
        _, _, built = key["description"].partition(BUILT)
        promised = set(key.get("enum", ())) - set(built.rstrip(".").split(", ")) if built else set()
        not_built = set(inline(documented[name][3].partition("Not built yet:")[2]))
        assert promised <= not_built, name
        assert bool(built) == bool(not_built or "Not built yet" in documented[name][3]) or name in _BY_KIND, (
            name
        )
        for word in key.get("enum", ()):
            assert word in inline(documented[name][1]), name


def test_the_whole_example_is_the_defaults(tmp_path: Path) -> None:
    [example] = blocks_of(PAGE, sections(PAGE)["Everything, with its defaults"])
    spelt, bare = tmp_path / "spelt.toml", tmp_path / "bare.toml"
    spelt.write_text(example.text)
    bare.write_text(_only_what_is_required(example.text))

    assert _values(load(spelt, env={})) == _values(load(bare, env={}))
    assert {each.key for each in describe(load(spelt, env={}))} == set(load(spelt, env={}).origins) - {
        "spelt"
    }
    assert set(load(spelt, env={}).origins.values()) == {"file"}


def test_the_names_that_are_always_ignored_are_listed() -> None:
    text = sections(PAGE)["What is always ignored"]

    assert set(ALWAYS_IGNORED) <= set(text.split())


_BY_KIND = ("version", "url", "archive")  # what is built of them is not a list of words


def _documented(heading: str) -> dict[str, list[str]]:
    return {inline(row[0])[0]: row for row in rows(sections(PAGE)[heading])}


def _keys(heading: str) -> dict[str, dict[str, Any]]:
    """Every key of a section, those of a table within it by their dotted names."""
    keys: dict[str, dict[str, Any]] = {}
    for name, key in TABLES[heading].items():
        nested = key.get("properties", {})
        keys |= {f"{name}.{inner}": value for inner, value in nested.items()} or {name: key}
    return keys


def _only_what_is_required(toml: str) -> str:
    found = tomllib.loads(toml)
    lines = []
    for section, required in (("source", ("name", "path")), ("processor", ("name", "use"))):
        lines += [f"[[{section}]]", *(f"{key} = {json.dumps(found[section][0][key])}" for key in required)]
    return "\n".join(lines)


def _values(settings: Settings) -> dict[str, Any]:
    """What holds, where `rescan` and `quiet` are left to how the source is watched: as with notifications."""
    source = settings.sources[0]
    watched = {"rescan": source.rescan_every(polled=False), "quiet": source.quiet_for(polled=False)}
    return {
        "source": {**written(source), **watched},
        "processor": written(settings.processors[0]),
        **{name: written(getattr(settings, name)) for name in ("store", "event", "work")},
    }
