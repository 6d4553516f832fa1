"""What holds can be shown, with its origin and without its secrets, and described to an editor."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ingest.config import describe, json_schema, mask_url, written
from tests.config.project import ONE_PROCESSOR, ONE_SOURCE, Project

THE_DEFAULTS = """
version = 1
[store]
url = "sqlite:///.ingest/ingest.db"
archive = ".ingest/archive"
inline_max = "64KiB"
[event]
source = "/ingest"
[[source]]
name = "acme"
path = "inbox/acme"
include = ["**/*"]
ignore = []
recursive = true
mode = "auto"
rescan = "30s"
complete = "stable"
quiet = "2s"
marker = "{name}.done"
manifest = "*.sha256"
name_pattern = ""
partition = "{path}"
encoding = "utf-8"
resend = "count"
duplicates = "flag"
empty = "land"
hardlinks = "accept"
max_size = "2GiB"
after = "keep"
[work]
concurrency = 2
lease = "30s"
start_timeout = "1m"
shutdown_timeout = "30s"
[[processor]]
name = "payments"
use = "processors.payments:payments"
sources = []
accepts = []
start = "beginning"
ordered = true
on_dead = "park"
timeout = "5m"
memory_max = "2GiB"
max_attempts = 5
max_crashes = 3
max_facts = 1000000
backoff = { base = "1s", cap = "15m" }
max_rejects = "0%"
options = {}
"""


def test_the_documented_defaults_are_the_defaults(project: Project) -> None:
    said = describe(project.says(THE_DEFAULTS))

    unsaid = describe(project.says(ONE_SOURCE + ONE_PROCESSOR))

    assert [s.key for s in said] == [s.key for s in unsaid]
    differing = {s.key: (s.value, u.value) for s, u in zip(said, unsaid, strict=True) if s.value != u.value}
    assert differing == {
        "source.acme.quiet": ("2s", "2s; 30s when polling"),
        "source.acme.rescan": ("30s", "30s; 5s when polling"),
    }


def test_every_key_shows_where_its_value_came_from(project: Project) -> None:
    settings = project.says(ONE_SOURCE, {"INGEST_WORK__LEASE": "9s"}, work__concurrency=1)

    shown = {each.key: (each.value, each.origin) for each in describe(settings)}

    assert shown["source.acme.name"] == ("acme", "file")
    assert shown["work.lease"] == ("9s", "env")
    assert shown["work.concurrency"] == (1, "flag")
    assert shown["event.source"] == ("/ingest", "default")


def test_secrets_are_masked_in_what_is_shown_and_kept_in_what_is_used(project: Project) -> None:
    options = 'options = { notify = { url = "https://u:pw1@h/x?token=pw2" }, api_key = "pw3", rows = 7 }\n'

    settings = project.says(ONE_PROCESSOR + options)

    (shown,) = [each.value for each in describe(settings) if each.key == "processor.payments.options"]
    assert shown == {"notify": {"url": "https://u:***@h/x?token=***"}, "api_key": "***", "rows": 7}
    assert settings.processor("payments").options["api_key"] == "pw3"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pw@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql://u:p@w@h/db?sslpassword=pw&x=1", "postgresql://u:***@h/db?sslpassword=***&x=1"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("sqlite:////srv/i.db", "sqlite:////srv/i.db"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert mask_url(url) == shown


def test_a_section_can_be_written_as_the_file_would(project: Project) -> None:
    settings = project.says(ONE_SOURCE + ONE_PROCESSOR)

    document = tomllib.loads(THE_DEFAULTS)

    assert written(settings.processor("payments")) == document["processor"][0]
    assert written(settings.work) == document["work"]


def test_the_schema_takes_the_documented_file_and_refuses_what_reading_refuses() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    def refused(toml: str) -> list[Any]:
        return [error.json_path for error in validator.iter_errors(tomllib.loads(toml))]

    assert refused(THE_DEFAULTS) == []
    assert refused("[store]\nurll = 1\n") == ["$.store"]
    assert refused(ONE_SOURCE + "quiet = 2\n") == ["$.source[0].quiet"]
    assert refused('[[source]]\nname = "a"\n') == ["$.source[0]"]
    assert refused(ONE_PROCESSOR + 'backoff = { base = "1" }\n') == ["$.processor[0].backoff.base"]
    assert refused(ONE_PROCESSOR + 'max_rejects = "5"\n') == ["$.processor[0].max_rejects"]


def test_every_key_of_the_schema_says_what_it_is_for() -> None:
    def unsaid(table: dict[str, Any]) -> list[str]:
        """The keys without a sentence; a list of tables says it in its tables."""
        keys = table.get("properties", {})
        silent = [
            name for name, each in keys.items() if not {**each.get("items", {}), **each}.get("description")
        ]
        return silent + [deeper for each in keys.values() for deeper in unsaid(each.get("items", each))]

    assert unsaid(json_schema()) == []
