"""What is published: a wheel that carries what it needs, and an sdist that builds the very same wheel."""

from __future__ import annotations

import configparser
import email
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `sdist` and `wheel`, and `unpacked`, which is what the sdist holds."""
    home = tmp_path_factory.mktemp("built")
    sdist, wheel = _build(ROOT, home / "tree")
    sdist.rename(home / "sdist")
    wheel.rename(home / "wheel")
    with tarfile.open(home / "sdist") as archive:
        archive.extractall(home, filter="data")
    [unpacked] = home.glob("ingest-*")
    unpacked.rename(home / "unpacked")
    return home


def test_the_sdist_builds_the_same_wheel_and_the_same_sdist(built: Path, tmp_path: Path) -> None:
    sdist, wheel = _build(built / "unpacked", tmp_path)

    assert wheel.read_bytes() == (built / "wheel").read_bytes()
    assert sdist.read_bytes() == (built / "sdist").read_bytes()


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git and a checkout"
)
def test_the_sdist_holds_everything_that_is_under_version_control(built: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    tracked = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    held = {
        path.relative_to(built / "unpacked").as_posix()
        for path in (built / "unpacked").rglob("*")
        if path.is_file()
    }

    assert tracked - held == set()


def test_the_tests_in_the_sdist_can_be_run_there(built: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/domain/test_naming.py", "tests/docs/test_links.py"],
        cwd=built / "unpacked",
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout


def test_a_wheel_installs_one_package_and_nothing_beside_it(built: Path) -> None:
    names = zipfile.ZipFile(built / "wheel").namelist()

    assert {name.partition("/")[0] for name in names} == {"ingest", f"ingest-{PROJECT['version']}.dist-info"}
    assert "ingest/py.typed" in names
    assert [name for name in names if name.startswith("ingest/cli/templates/")]
    for folder, least in (("migrations", "env.py"), ("processors", "facts.py"), ("sample_data", "README.md")):
        assert f"ingest/_bundled/{folder}/{least}" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_what_the_wheel_says_of_itself_is_complete(built: Path) -> None:
    said = _metadata(built / "wheel", "METADATA")
    wheel = zipfile.ZipFile(built / "wheel")
    commands = configparser.ConfigParser()
    commands.optionxform = str  # type: ignore[assignment,method-assign]  # names are as they are
    commands.read_string(wheel.read(f"ingest-{PROJECT['version']}.dist-info/entry_points.txt").decode())

    assert said["Name"] == "ingest"
    assert said["Requires-Python"] == ">=3.11"
    assert str(said.get_payload()).startswith("# ingest\n")
    assert set(said.get_all("Classifier") or ()) == set(PROJECT["classifiers"])
    assert commands["console_scripts"]["ingest"] == "ingest.cli:main"
    assert "ingest.testing.plugin" in commands["pytest11"]


def test_every_python_that_is_promised_is_one_that_is_tried() -> None:
    promised = {each.rpartition(" ")[2] for each in PROJECT["classifiers"] if "Python :: 3." in each}
    tried = (ROOT / ".ci" / "pythons").read_text()

    assert promised == {"3.11", "3.12", "3.13"}
    assert all(version in tried for version in promised)


def _build(tree: Path, where: Path) -> tuple[Path, Path]:
    """The sdist and the wheel of a tree."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(where)],
        cwd=tree,
        capture_output=True,
        check=True,
    )
    [sdist], [wheel] = where.glob("*.tar.gz"), where.glob("*.whl")
    return sdist, wheel


def _metadata(wheel: Path, name: str) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"ingest-{PROJECT['version']}.dist-info/{name}"))
