"""A path that a server's indexes cannot hold lands nothing, is told of, and holds up no other file."""

from __future__ import annotations

from pathlib import Path

from tests import server
from tests.crash.pipeline import payments_file, pipeline_at
from tests.store.backends import template_database


def test_a_path_that_is_too_long_is_blocked_and_the_others_land(tmp_path: Path) -> None:
    with server.database(template_database()) as name:
        project = pipeline_at(server.url(name), tmp_path / "p")
        folder = project.inbox
        for number in range(8):
            folder /= f"{number}" + "abcdefghijklmnopqrstuvwxyzäöü" * 7
            folder.mkdir()
            (folder / "deep.csv").write_bytes(payments_file(f"P-{number}"))
        project.drop("good.csv", payments_file("P-good"))

        done = project.run("watch", "--once")
        again = project.run("watch", "--once")

        landed = project.rows("SELECT path FROM landings")
        told = project.rows("SELECT reason FROM sightings WHERE state = 'blocked'")
    assert b"Traceback" not in done.stderr + again.stderr
    assert (b"good.csv",) in landed
    assert len(landed) == 4, "three of the deep ones are short enough"
    assert len(told) > 0
    assert all("a store on a server takes 800" in reason for (reason,) in told)
