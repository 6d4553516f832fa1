"""What `ingest.toml` says is what holds, and whoever speaks above it wins."""

from __future__ import annotations

import pickle
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.config import database_file, describe, find_file, is_on_server, load
from ingest.errors import NotFound, UsageError
from tests.config.project import ONE_PROCESSOR, ONE_SOURCE, Project

EVERYTHING = """
[[source]]
name = "acme"
path = "inbox/acme"
include = ["*.csv"]
ignore = ["old/**"]
recursive = false
mode = "poll"
rescan = "1s"
quiet = "0s"
complete = "renamed"
partition = "{source}"
encoding = "latin-1"

[[processor]]
name = "payments"
use = "processors.payments:payments"
sources = ["acme"]
accepts = ["ingest.file.landed.v1"]
start = "now"
ordered = false
on_dead = "skip"
timeout = "10s"
memory_max = "1GiB"
max_attempts = 1
max_crashes = 1
max_facts = 0
backoff = { base = "10ms" }
max_rejects = "2.5%"
options = { retries = 3, deep = { on = true } }

[work]
concurrency = 4
lease = "1s"
shutdown_timeout = "0s"

[store]
url = "sqlite:////var/lib/i.db"
archive = "/var/lib/a"
inline_max = "0B"

[event]
source = "urn:x"
"""


def test_an_empty_file_means_the_defaults(project: Project) -> None:
    settings = project.says("")

    assert database_file(settings.store) == project.root / ".ingest/ingest.db"
    assert settings.store.archive == project.root / ".ingest/archive"
    assert settings.store.inline_max == 65_536
    assert (settings.work.concurrency, settings.work.lease) == (2, timedelta(seconds=30))
    assert not settings.sources
    assert not settings.processors
    assert set(settings.origins.values()) == {"default"}


def test_a_source_and_a_processor_need_little(project: Project) -> None:
    settings = project.says(ONE_SOURCE + ONE_PROCESSOR)

    source, processor = settings.source("acme"), settings.processor("payments")

    assert source.path == project.root / "inbox/acme"
    assert (source.include, source.partition, source.complete) == (("**/*",), "{path}", "stable")
    assert (processor.max_attempts, processor.timeout) == (5, timedelta(minutes=5))
    assert processor.backoff.cap == timedelta(minutes=15)
    assert processor.max_rejects == 0


def test_everything_that_is_built_can_be_said(project: Project) -> None:
    settings = project.says(EVERYTHING)

    source, processor = settings.sources[0], settings.processors[0]
    assert (source.quiet, source.rescan, source.complete) == (timedelta(), timedelta(seconds=1), "renamed")
    assert (processor.sources, processor.max_rejects) == (("acme",), Decimal("0.025"))
    assert (processor.backoff.base, processor.backoff.cap) == (
        timedelta(milliseconds=10),
        timedelta(minutes=15),
    )
    assert processor.options == {"retries": 3, "deep": {"on": True}}
    assert (settings.store.url, settings.store.archive) == ("sqlite:////var/lib/i.db", Path("/var/lib/a"))
    assert settings.event.source == "urn:x"


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(project: Project) -> None:
    toml, env = "[work]\nconcurrency = 3\n", {"INGEST_WORK__CONCURRENCY": "4"}

    found = [
        (settings.work.concurrency, settings.origins["work.concurrency"])
        for settings in (
            project.says(""),
            project.says(toml),
            project.says(toml, env),
            project.says(toml, env, work__concurrency=5),
        )
    ]

    assert found == [(2, "default"), (3, "file"), (4, "env"), (5, "flag")]


def test_a_flag_of_sources_holds_for_each_of_them(project: Project) -> None:
    toml = ONE_SOURCE + 'quiet = "9s"\n' + ONE_SOURCE.replace("acme", "globex")

    settings = project.says(
        toml, source__quiet=timedelta(seconds=1), source__mode="poll", source__rescan=None
    )

    assert [source.quiet for source in settings.sources] == [timedelta(seconds=1)] * 2
    assert [source.mode for source in settings.sources] == ["poll"] * 2
    assert settings.origins["source.globex.quiet"] == "flag"


def test_quiet_and_rescan_depend_on_how_the_source_is_watched_unless_they_are_said(project: Project) -> None:
    unsaid = project.says(ONE_SOURCE).source("acme")
    said = project.says(ONE_SOURCE + 'quiet = "1s"\nrescan = "7s"\n').source("acme")

    assert [unsaid.quiet_for(polled=polled).seconds for polled in (False, True)] == [2, 30]
    assert [unsaid.rescan_every(polled=polled).seconds for polled in (False, True)] == [30, 5]
    assert [said.quiet_for(polled=True).seconds, said.rescan_every(polled=True).seconds] == [1, 7]


def test_the_file_is_found_in_the_directory_or_above_it(project: Project) -> None:
    project.says("")
    below = project.root / "a/b"
    below.mkdir(parents=True)

    assert find_file(env={}, cwd=below) == project.root / "ingest.toml"


def test_a_named_file_beats_the_environment_which_beats_the_search(project: Project, tmp_path: Path) -> None:
    project.says("")

    assert find_file(Path("x.toml"), env={"INGEST_CONFIG": "y.toml"}, cwd=tmp_path) == tmp_path / "x.toml"
    assert find_file(env={"INGEST_CONFIG": "y.toml"}, cwd=tmp_path) == tmp_path / "y.toml"


def test_no_file_anywhere_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        load(env={}, cwd=tmp_path)

    assert "ingest init" in refused.value.hint


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        (b"\xff", "not UTF-8"),
        (b"a = ", "not TOML"),
        (b"a = " + b"9" * 5_000, "not TOML"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "ingest.toml").write_bytes(content)

    with pytest.raises(UsageError, match=reason) as refused:
        load(tmp_path / "ingest.toml", env={})

    assert "ingest.toml" in refused.value.message
    assert "\n" not in refused.value.message


def test_relative_paths_are_relative_to_the_file_wherever_the_command_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = ONE_SOURCE + '[store]\nurl = "sqlite:///db/i.db"\narchive = "bytes"\n'
    (project.root / "ingest.toml").write_text(toml)
    (project.root / "a").mkdir()
    monkeypatch.chdir(project.root / "a")

    settings = load(Path("../ingest.toml"), env={})

    assert database_file(settings.store) == project.root / "db/i.db"
    assert settings.store.archive == project.root / "bytes"
    assert settings.source("acme").path == project.root / "inbox/acme"


def test_the_url_may_name_environment_variables(project: Project) -> None:
    toml = '[store]\nurl = "${DATABASE_URL}"\n'

    settings = project.says(toml, {"DATABASE_URL": "sqlite:////srv/i.db"})

    assert settings.store.url == "sqlite:////srv/i.db"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "POSTGRESQL", "Postgres", "postgresql+psycopg"])
def test_a_database_on_a_server_is_taken_for_no_file_however_its_scheme_is_written(
    project: Project, scheme: str
) -> None:
    store = project.says(f'[store]\nurl = "{scheme}://u@h/db"\nlocal = "here"\n').store

    assert store.url == f"{scheme}://u@h/db"
    assert is_on_server(store.url)
    assert database_file(store).parent == project.root / "here"
    assert not is_on_server(project.says("").store.url)


def test_settings_travel_to_another_process(project: Project) -> None:
    settings = project.says(ONE_SOURCE + ONE_PROCESSOR)

    assert pickle.loads(pickle.dumps(settings)) == settings


def test_a_name_that_is_not_there_is_not_found(project: Project) -> None:
    settings = project.says(ONE_SOURCE)

    with pytest.raises(NotFound, match="acmee") as refused:
        settings.source("acmee")

    assert "acme" in refused.value.hint
    assert [shown.key for shown in describe(settings) if shown.key == "source.acme.path"]
