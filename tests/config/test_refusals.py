"""What cannot be obeyed is refused in one line that names it; nothing is ever ignored."""

from __future__ import annotations

import pytest

from tests.config.project import ONE_PROCESSOR, ONE_SOURCE, Project


@pytest.mark.parametrize(
    ("toml", "named", "meant"),
    [
        ("[stor]\n", "stor", "store"),
        ("verson = 1\n", "verson", "version"),
        ("[store]\nurll = 1\n", "store.urll", "store.url"),
        ("[work]\nconcurency = 1\n", "work.concurency", "work.concurrency"),
        (ONE_SOURCE + "quite = 1\n", "source.acme.quite", "source.acme.quiet"),
        (ONE_SOURCE + "[[sources]]\n", "sources", "source"),
        (ONE_PROCESSOR + "on_ded = 1\n", "processor.payments.on_ded", "processor.payments.on_dead"),
        (
            ONE_PROCESSOR + 'backoff = { bas = "1s" }\n',
            "processor.payments.backoff.bas",
            "processor.payments.backoff.base",
        ),
        ("xyzzy = 1\n", "xyzzy", "did you mean"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(
    project: Project, toml: str, named: str, meant: str
) -> None:
    project.refuses(toml, named, meant)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("INGEST_STORE__URLL", "INGEST_STORE__URL?"),
        ("INGEST_WROK__LEASE", "INGEST_WORK__LEASE?"),
        ("INGEST_store__url", "INGEST_STORE__URL?"),
        ("INGEST_SOURCE__PATH", "in the file"),
        ("INGEST_PROCESSOR__PAYMENTS__TIMEOUT", "in the file"),
    ],
)
def test_a_misspelt_or_impossible_environment_variable_is_named(
    project: Project, name: str, word: str
) -> None:
    project.refuses("", name, word, env={name: "1"})


def test_environment_names_without_two_underscores_are_not_settings(project: Project) -> None:
    env = {"INGEST_LOG_LEVEL": "debug", "INGEST_": "x", "INGESTION__X": "y", "STORE__URL": "z"}

    assert project.says("", env) == project.says("")


@pytest.mark.parametrize(
    ("line", "word"),
    [],
)
def test_a_value_that_is_documented_but_not_built_says_so(project: Project, line: str, word: str) -> None:
    key = line.partition(" ")[0]

    refusal = project.refuses(ONE_SOURCE + line, f"source.acme.{key}", "not built yet")

    assert refusal.exit_code == 2
    assert word in refusal.message + refusal.hint


def test_a_place_that_is_not_built_says_so_and_shows_no_password(project: Project) -> None:
    refusal = project.refuses('[[source]]\nname = "a"\npath = "sftp://me:pw@host/in"\n', "not built yet")

    assert "pw" not in refusal.message + refusal.hint


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("s3://AKIA1:hush@bucket/prefix", "credentials"),
        ("s3://hush@bucket", "credentials"),
        ("s3://bucket/prefix?aws_secret_access_key=hush", "credentials"),
        ("gs://bucket/prefix", "only directories and s3://"),
        ("s3://", "no bucket"),
        ("s3://Bucket", "no bucket"),
        ("s3://bucket/../other", "prefix"),
        ("s3://bucket/a//b", "prefix"),
        ("s3://bucket/\\u001b[31m", "prefix"),
    ],
)
def test_an_address_of_no_bucket_is_refused_and_tells_no_secret(
    project: Project, address: str, word: str
) -> None:
    refusal = project.refuses(f'[store]\narchive = "{address}"\n', "store.archive", word)

    assert "hush" not in refusal.message + refusal.hint


@pytest.mark.parametrize(
    "line",
    [
        'complete = "stabel"',
        'mode = "inotify"',
        "mode = 1",
        "quiet = 2",
        'quiet = "2"',
        'rescan = "0s"',
        'include = "*.csv"',
        "include = []",
        'include = ["/abs"]',
        'ignore = ["a/"]',
        'ignore = ["[z-a]"]',
        "ignore = [1]",
        'recursive = "yes"',
        'encoding = "utf-9"',
        'encoding = "hex"',
        'encoding = ""',
        'partition = "path"',
        'partition = ""',
        'after = "burn"',
        'max_size = "0B"',
        "max_size = 2",
        "name_pattern = 1",
        'marker = "{name}"',
        'marker = "done"',
        'marker = "../{name}.done"',
        'marker = "{name}{name}"',
        'marker = "{stem}.done"',
        "name_pattern = '('",
        "name_pattern = '(a+)+b'",
    ],
)
def test_a_value_of_a_source_that_means_nothing_is_refused(project: Project, line: str) -> None:
    project.refuses(ONE_SOURCE + line, f"source.acme.{line.partition(' ')[0]}", "refused")


def test_a_name_that_would_not_fit_into_a_key_is_refused(project: Project) -> None:
    project.refuses(f'[[source]]\nname = "{"a" * 101}"\npath = "x"\n', "100 characters at most")


@pytest.mark.parametrize(
    "line",
    [
        'start = "end"',
        'ordered = "true"',
        'on_dead = "stop"',
        'timeout = "0s"',
        'memory_max = "2"',
        "max_attempts = 0",
        "max_attempts = true",
        "max_attempts = 1.5",
        "max_crashes = 99999999999999999999",
        "max_facts = -1",
        'max_rejects = "5"',
        'max_rejects = "101%"',
        'backoff = { base = "1" }',
        "options = 3",
        "options = { since = 2024-01-01 }",
        "options = { ratio = nan }",
        "sources = [1]",
        'accepts = [""]',
        'use = ""',
    ],
)
def test_a_value_of_a_processor_that_means_nothing_is_refused(project: Project, line: str) -> None:
    toml = (
        ONE_PROCESSOR.replace('use = "processors.payments:payments"\n', "")
        if line.startswith("use")
        else ONE_PROCESSOR
    )

    project.refuses(toml + line, f"processor.payments.{line.partition(' ')[0]}", "refused")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (ONE_SOURCE + 'max_size = "0B"', "refused: it must be at least 1B — write"),
        ('[store]\ninline_max = "17MiB"', "refused: it must be from 0B to 16MiB — write"),
        (
            ONE_PROCESSOR + "max_attempts = 0",
            "refused: it must be at least 1 — write a whole number from 1 on",
        ),
        (ONE_PROCESSOR + "max_attempts = 99999999999999999999", "refused: it is larger than can be kept"),
        ("[work]\nconcurrency = 0", "refused: it must be from 1 to 256 — write a whole number"),
    ],
)
def test_what_lies_beyond_an_end_is_told_in_plain_words(project: Project, toml: str, said: str) -> None:
    project.refuses(toml, *said.split(" — "))


@pytest.mark.parametrize(
    ("toml", "word"),
    [
        ("version = 2\n", "version"),
        ('version = "1"\n', "version"),
        ("store = 1\n", "[store]"),
        ("[source]\n", "[[source]]"),
        ("source = [1]\n", "source.1"),
        (ONE_PROCESSOR + "backoff = 1\n", "processor.payments.backoff"),
        ('[[source]]\npath = "x"\n', "source.1.name"),
        ('[[source]]\nname = "a"\n', "source.a.path"),
        ('[[processor]]\nname = "p"\n', "processor.p.use"),
        ('[[source]]\nname = "a b"\npath = "x"\n', "source.a b.name"),
        ('[[source]]\nname = "-a"\npath = "x"\n', "source.-a.name"),
        ('[[source]]\nname = "a"\npath = "~/in"\n', "expanded"),
        ('[[source]]\nname = "a"\npath = ""\n', "source.a.path"),
        ('[event]\nsource = "a b"\n', "event.source"),
        ("[work]\nconcurrency = 0\n", "work.concurrency"),
        ("[work]\nconcurrency = 257\n", "1 to 256"),
        ('[store]\ninline_max = "1GiB"\n', "16MiB"),
        ('[store]\nurl = "mysql://u:pw@h/db"\n', "store.url"),
        ('[store]\nurl = "sqlite://"\n', "store.url"),
        ('[store]\nurl = "sqlite:///:memory:"\n', "forgets"),
        ('[store]\nurl = "sqlite:///a.db?mode=ro"\n', "question mark"),
        ('[store]\nurl = "sqlite:///~/a.db"\n', "expanded"),
        ('[store]\nurl = "${NOT_SET}"\n', "NOT_SET"),
    ],
)
def test_what_is_missing_or_malformed_is_named(project: Project, toml: str, word: str) -> None:
    project.refuses(toml, word)


def test_a_refused_flag_and_a_refused_variable_say_that_they_are_one(project: Project) -> None:
    project.refuses("", "INGEST_WORK__CONCURRENCY", env={"INGEST_WORK__CONCURRENCY": "many"})
    project.refuses("", "flag: work.concurrency", work__concurrency=0)
    project.refuses("", "flag: work.concurrency", work__concurrency=257)
    project.refuses("", "work.concurency is not a setting", work__concurency=1)


def test_two_of_a_name_are_refused(project: Project) -> None:
    project.refuses(ONE_SOURCE + ONE_SOURCE.replace("inbox/acme", "inbox/other"), "acme")
    project.refuses(ONE_PROCESSOR * 2, "payments")


def test_two_sources_that_take_the_same_files_are_refused_however_the_directory_is_written(
    project: Project,
) -> None:
    (project.root / "inbox").mkdir()
    (project.root / "link").symlink_to("inbox")

    project.refuses(ONE_SOURCE + '[[source]]\nname = "b"\npath = "link/../inbox/./acme"\n', "acme and b")


def test_a_partition_by_a_group_that_the_pattern_lacks_is_refused(project: Project) -> None:
    project.refuses(
        ONE_SOURCE + "name_pattern = '(?P<account>.+)'\npartition = \"{acount}\"",
        "source.acme.partition",
        "{account}",
    )


def test_two_sources_may_share_a_directory_with_names_of_their_own(project: Project) -> None:
    toml = (
        ONE_SOURCE
        + 'include = ["*.csv"]\n'
        + '[[source]]\nname = "b"\npath = "inbox/acme"\ninclude = ["*.xml"]\n'
    )

    assert len(project.says(toml).sources) == 2


def test_a_processor_that_listens_to_no_known_source_is_refused(project: Project) -> None:
    project.refuses(ONE_SOURCE + ONE_PROCESSOR + 'sources = ["acmee"]\n', "acmee", "'acme'")
    project.refuses(ONE_PROCESSOR + 'sources = ["acme"]\n', "acme", "[[source]]")


def test_a_backoff_that_shrinks_is_refused(project: Project) -> None:
    project.refuses(
        ONE_PROCESSOR + 'backoff = { base = "2s", cap = "1s" }\n', "processor.payments.backoff.cap"
    )


@pytest.mark.parametrize(
    ("store", "key"),
    [('archive = "inbox/acme/kept"', "store.archive"), ('url = "sqlite:///inbox/acme/i.db"', "store.url")],
)
def test_a_store_inside_a_source_is_refused_for_it_would_land_in_itself(
    project: Project, store: str, key: str
) -> None:
    project.refuses(f"[store]\n{store}\n{ONE_SOURCE}", key, "acme")


def test_the_hidden_default_store_may_lie_within_a_source(project: Project) -> None:
    settings = project.says('[[source]]\nname = "here"\npath = "."\n')

    assert settings.source("here").takes(b"a.csv")


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        (b"a.csv", True),
        (b"in/a.csv", True),
        (b"in/b.csv", False),
        (b"a.txt", False),
        (b".a.csv", False),
        (b"a.csv.part", False),
    ],
)
def test_a_name_lands_if_it_is_included_and_not_ignored(
    project: Project, path: bytes, *, taken: bool
) -> None:
    source = project.says(ONE_SOURCE + 'include = ["**/*.csv", "*.part"]\nignore = ["**/b.*"]\n').source(
        "acme"
    )

    assert source.takes(path) is taken


def test_a_source_that_is_not_recursive_takes_nothing_from_folders(project: Project) -> None:
    source = project.says(ONE_SOURCE + "recursive = false\n").source("acme")

    assert (source.takes(b"a.csv"), source.takes(b"in/a.csv")) == (True, False)


def test_a_refusal_forges_no_line_and_moves_no_cursor(project: Project) -> None:
    refusal = project.refuses('"a\\n\\u001b[31m" = 1\n')

    assert refusal.message.isprintable()
    assert project.refuses('[[source]]\nname = "a\\n\\u001b[31m"\npath = "x"\n').message.isprintable()


@pytest.mark.parametrize("to", [".", "inbox/..", "./inbox"])
def test_a_source_that_moves_its_files_to_where_they_are_is_refused(project: Project, to: str) -> None:
    source = (
        '[[source]]\nname = "acme"\npath = "inbox"\n'
        if to == "./inbox"
        else '[[source]]\nname = "acme"\npath = "."\n'
    )

    project.refuses(f'{source}after = "move:{to}"\n', "moves its files to where they are")
