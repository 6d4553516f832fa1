"""Several hosts, whose clocks differ by hours, receive and work together; one of them vanishes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests import server
from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline_at, wait_until
from tests.faults.hosts import Host, need_names
from tests.store.backends import template_database

HOUR = timedelta(hours=1)
SLOW = """\
import time
from pathlib import Path

from ingest import Context, FileLanded, processor

ROOT = Path(__file__).parents[1]


@processor(accepts=FileLanded, version="1")
def slow(event: FileLanded, ctx: Context) -> None:
    (ROOT / f"began-{event.name}").touch()
    while event.name == "held.csv" and not (ROOT / "go").exists():
        time.sleep(0.02)
"""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Pipeline]:
    """What the hosts share: a database, an inbox, an archive."""
    need_names()
    with server.database(template_database()) as name:
        yield pipeline_at(server.url(name), tmp_path / "shared", CONFIG)


@pytest.fixture
def hosts(shared: Pipeline) -> Iterator[tuple[Host, Host]]:
    """One is an hour ahead, the other an hour behind."""
    both = Host("ahead", shared, HOUR), Host("behind", shared, -HOUR)
    for host in both:
        host.prepare()
    yield both
    for host in both:
        host.vanish()


def status(host: Host) -> dict[str, list[dict[str, object]]]:
    done = host.run("status", "--json")
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)


def booked(shared: Pipeline) -> set[str]:
    if not shared.has_table("payments"):
        return set()
    return {row[0] for row in shared.rows("SELECT payment_id FROM payments")}


@pytest.mark.timeout(300)
def test_hosts_whose_clocks_differ_receive_each_file_once_and_share_the_work(
    shared: Pipeline, hosts: tuple[Host, Host]
) -> None:
    for host in hosts:
        host.start("watch")
        host.start("work")
    wait_until(
        lambda: shared.rows("SELECT count(*) FROM workers WHERE state = 'active'") == [(4,)], "all are up"
    )
    expected = set()
    for n in range(60):
        shared.drop(f"{n}.csv", payments_file(f"P-{n}", account=f"ACC-{n % 7}"))
        expected.add(f"P-{n}")
    wait_until(lambda: booked(shared) == expected, "all are booked")
    seen = status(hosts[0])
    codes = [code for host in hosts for code in host.stop()]
    left = hosts[0].run("work", "--once", "--wait-retries")

    assert {one["host"] for one in seen["watchers"]} == {"ahead", "behind"}
    assert {one["host"] for one in seen["workers"]} == {"ahead", "behind"}
    assert all(float(str(one["beat_age_s"])) < 30 for one in seen["workers"]), "by the server's clock"
    assert {one["state"] for one in seen["workers"]} == {"active"}
    assert codes == [0] * 4
    assert left.returncode == 0, left.stderr
    assert shared.rows("SELECT count(*) FROM events WHERE producer = ''") == [(60,)]
    assert shared.rows("SELECT count(*) FROM attempts") == [(0,)], "no clock took a lease away"
    shared.assert_worked_off()
    shared.assert_sound()


@pytest.mark.timeout(300)
def test_hosts_that_are_called_the_same_do_not_take_each_other_for_dead(
    shared: Pipeline, hosts: tuple[Host, Host]
) -> None:
    for host in hosts:
        host.called = "localhost"
        host.start("watch")
        host.start("work")
    expected = set()
    for n in range(200):
        shared.drop(f"{n}.csv", payments_file(f"P-{n}", account=f"ACC-{n % 7}"))
        expected.add(f"P-{n}")
    wait_until(lambda: booked(shared) == expected, "all are booked")
    codes = [code for host in hosts for code in host.stop()]

    assert codes == [0] * 4
    assert shared.rows("SELECT host, state, count(*) FROM workers GROUP BY host, state") == [
        ("localhost", "stopped", 4)
    ], "none goes on under another name"
    assert shared.rows("SELECT count(*) FROM events WHERE producer = ''") == [(200,)]
    shared.assert_sound()


@pytest.mark.timeout(300)
def test_what_a_host_that_vanished_held_moves_on_within_its_lease(
    shared: Pipeline, hosts: tuple[Host, Host]
) -> None:
    lost, other = hosts
    for host in hosts:
        (host.root / "processors").mkdir()
        (host.root / "processors" / "slow.py").write_text(SLOW)
        config = host.root / "ingest.toml"
        short = config.read_text().replace('lease = "30s"', 'lease = "3s"')
        config.write_text(f'{short}\n[[processor]]\nname = "slow"\nuse = "slow:slow"\n')
    shared.drop("held.csv", payments_file("P-1"))
    lost.start("watch")
    lost.start("work")
    wait_until((lost.root / "began-held.csv").exists, "it works on it")

    lost.vanish()
    shared.drop("next.csv", payments_file("P-2"))
    (other.root / "go").touch()
    other.start("watch")
    other.start("work")

    wait_until((other.root / "began-held.csv").exists, "the other host goes on with it")
    wait_until(lambda: booked(shared) == {"P-1", "P-2"}, "all is booked")
    wait_until(lambda: shared.rows("SELECT count(*) FROM deliveries") == [(0,)], "all has ended")
    seen = status(other)
    assert other.stop() == [0, 0]
    gone = [one for one in (*seen["workers"], *seen["watchers"]) if one["host"] == "ahead"]
    assert {one["state"] for one in gone} <= {"stale"}
    assert shared.rows("SELECT count(*) FROM lanes WHERE state = 'leased'") == [(0,)]
    shared.assert_worked_off()
    shared.assert_sound()
