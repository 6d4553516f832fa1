"""The folders that travel with the package are found in a wheel and in a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import resources
from ingest.errors import IngestError


def test_a_checkout_has_the_folders_beside_the_package() -> None:
    root = Path(resources.__file__).parent.parent

    found = [resources.migrations_dir(), resources.processors_dir(), resources.sample_data_dir()]

    assert found == [root / "migrations", root / "processors", root / "sample_data"]


def test_what_a_wheel_carries_goes_before_what_lies_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "ingest"
    (package / "_bundled" / "migrations").mkdir(parents=True)
    (tmp_path / "migrations").mkdir()

    found = resources._find("migrations", package)

    assert found == package / "_bundled" / "migrations"


def test_a_folder_of_the_same_name_in_the_working_directory_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "migrations").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(IngestError, match="'migrations'"):
        resources._find("migrations", tmp_path / "site-packages" / "ingest")
