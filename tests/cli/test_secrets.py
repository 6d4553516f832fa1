"""Secrets in ingest.toml: others may not read them, and nobody is shown them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.cli.project import SETTINGS, spawned, write

SECRET = "hunter2"


def write_secret(home: Path, mode: int) -> None:
    """A project whose configuration holds a secret, and may be read as `mode` says."""
    write(home, SETTINGS, {})
    settings = home / "ingest.toml"
    settings.write_text(settings.read_text() + f'options = {{ token = "{SECRET}" }}\n')
    settings.chmod(mode)


@pytest.mark.parametrize(("mode", "is_said"), [(0o644, True), (0o640, True), (0o600, False)])
def test_a_configuration_with_secrets_that_others_may_read_is_warned_of(
    tmp_path: Path, mode: int, is_said: bool
) -> None:
    write_secret(tmp_path, mode)

    said = spawned("config", "check", cwd=tmp_path)

    assert (said.code, said.err.count("chmod 600")) == (0, is_said)
    assert SECRET not in said.out + said.err


def test_every_command_that_works_by_it_warns_once_and_none_that_only_asks(tmp_path: Path) -> None:
    write_secret(tmp_path, 0o644)

    for command in ("watch --once", "work --once", "run --once"):
        said = spawned(*command.split(), cwd=tmp_path)

        assert said.code == 0
        assert said.err.count("chmod 600") == 1, "once, also where a command starts others"
        assert SECRET not in said.out + said.err
    for command in ("config show", "status", "dead list"):
        assert "chmod" not in spawned(*command.split(), cwd=tmp_path).err, "a question is not the place"


@pytest.mark.parametrize(
    ("url", "is_said"),
    [
        ("${DATABASE_URL}", False),
        ("postgresql://u:${PASSWORD}@h/d", False),
        ("postgresql://u@${HOST}/d?sslpassword=${PASSWORD}", False),
        (f"postgresql://u:{SECRET}@${{HOST}}/d", True),
        (f"postgresql://u:${{PASSWORD}}@h/d?sslpassword={SECRET}", True),
    ],
)
def test_an_address_that_has_its_secrets_from_the_environment_may_be_read_by_all(
    tmp_path: Path, url: str, is_said: bool
) -> None:
    (tmp_path / "ingest.toml").write_text(f'version = 1\n[store]\nurl = "{url}"\n')
    (tmp_path / "ingest.toml").chmod(0o644)
    given = {"DATABASE_URL": f"postgresql://u:{SECRET}@h/d", "PASSWORD": SECRET, "HOST": "h"}

    said = spawned("config", "check", cwd=tmp_path, env=os.environ | given)
    shown = spawned("config", "show", cwd=tmp_path, env=os.environ | given).out

    assert (said.code, said.err.count("chmod 600")) == (0, is_said)
    assert SECRET not in said.out + said.err + shown
    assert re.search(rf"^store.url = .*  # {'file' if is_said else 'env'}$", shown, re.MULTILINE)


def test_a_configuration_without_secrets_may_be_read_by_all(tmp_path: Path) -> None:
    write(tmp_path, SETTINGS, {})
    (tmp_path / "ingest.toml").chmod(0o644)

    assert "chmod" not in spawned("config", "check", cwd=tmp_path).err
