"""`announce` by mail, from the command line to a server that takes it, or does not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.cli.mailbox import Act, Mailbox, mailbox
from tests.cli.project import Said, spawned, write
from tests.crash.pipeline import Pipeline

pytestmark = pytest.mark.timeout(300)  # several processes, and apprise takes long to import
PASSWORD = "s3cret-of-the-mail"
SETTINGS = """version = 1

[work]
concurrency = 1

[[source]]
name = "inbox"
path = "inbox"
quiet = "0s"

[[processor]]
name = "losing"
use = "losing:losing"

[[processor]]
name = "announce"
use = "processors.announce:announce"
max_attempts = 3
backoff = { base = "1ms", cap = "1ms" }
options = { to = ["ANNOUNCE_MAIL"], title = "lost: {reference}", body = "{payment_id}, {reference}" }
"""
# Whatever stands in the file is the reference of a payment that is matched with nothing.
LOSING = """from decimal import Decimal

from ingest import Context, FileLanded, processor
from processors.facts import PaymentUnmatched


@processor(accepts=FileLanded, version="1", tables=[])
def losing(event: FileLanded, ctx: Context) -> None:
    with ctx.open() as file:
        text = file.read().decode()
    fact = PaymentUnmatched(
        payment_id="P-1", account="A", amount=Decimal("1.00"), currency="EUR",
        reference=text, reason="no invoice",
    )
    ctx.emit(fact, key="A", name="P-1")
"""


def told(home: Path, box: Mailbox, reference: str) -> Said:
    """The file has landed, and whoever is to be told was, or will not be."""
    write(home, SETTINGS, {"lost.txt": reference})
    (home / "processors").mkdir()
    (home / "processors" / "losing.py").write_text(LOSING)
    return worked(home, box)


def worked(home: Path, box: Mailbox) -> Said:
    address = f"mailto://ann:{PASSWORD}@127.0.0.1:{box.port}?from=us@example.org&to=books@example.org"
    said = spawned(
        *("run", "--once", "--wait-retries", "--log-level", "debug"),
        cwd=home,
        env={**os.environ, "ANNOUNCE_MAIL": f"{address}&mode=insecure"},
    )
    assert PASSWORD not in said.out + said.err
    assert "Traceback" not in said.err
    return said


def assert_nothing_keeps_the_password(home: Path) -> None:
    kept = [path for path in (home / ".ingest").rglob("*") if path.is_file()]
    assert [path for path in kept if PASSWORD.encode() in path.read_bytes()] == []
    for query in ("SELECT * FROM events", "SELECT * FROM outcomes", "SELECT * FROM dead"):
        assert PASSWORD not in repr(Pipeline(home).rows(query))


def test_a_mail_goes_to_whom_the_address_says_with_what_it_is_known_by(tmp_path: Path) -> None:
    with mailbox() as box:
        said = told(tmp_path, box, "for INV-7")

    (mail,) = box.taken
    lines = mail.message.get_content().split()
    assert (said.code, mail.to, str(mail.message["Subject"])) == (
        0,
        ("books@example.org",),
        "lost: for INV-7",
    )
    assert lines[:3] == ["P-1,", "for", "INV-7"]
    assert re.fullmatch(r"[0-9a-f]{12}", lines[-1])
    assert box.logins == [f"\0ann\0{PASSWORD}"]
    assert_nothing_keeps_the_password(tmp_path)


@pytest.mark.parametrize("act", ["later", "hang up"])
def test_a_mail_that_was_not_taken_is_sent_again_and_comes_once(tmp_path: Path, act: Act) -> None:
    with mailbox(act, act) as box:
        said = told(tmp_path, box, "for INV-7")
        again = worked(tmp_path, box)

    assert (said.code, again.code) == (0, 0)
    assert box.begun == [act, act, "take"]
    assert len(box.taken) == 1
    assert_nothing_keeps_the_password(tmp_path)


def test_a_mail_whose_acceptance_got_lost_comes_twice_and_its_last_line_tells(tmp_path: Path) -> None:
    with mailbox("lose") as box:
        said = told(tmp_path, box, "for INV-7")

    first, second = (mail.message.get_content().split() for mail in box.taken)
    assert said.code == 0
    assert first == second


def test_a_mail_that_nobody_will_ever_take_is_dead_and_says_which_variable_leads_there(
    tmp_path: Path,
) -> None:
    with mailbox(rest="never") as box:
        said = told(tmp_path, box, "for INV-7")

    dead = spawned("dead", "list", "--json", cwd=tmp_path)
    assert (said.code, box.begun, box.taken) == (3, ["never"] * 3, [])
    assert "the receiver that ANNOUNCE_MAIL leads to did not take the message" in dead.out
    assert PASSWORD not in dead.out
    assert_nothing_keeps_the_password(tmp_path)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\0"])
def test_what_a_partner_wrote_adds_no_header_no_receiver_and_no_mail(tmp_path: Path, end: str) -> None:
    lines = ["x", "Bcc: thief@example.org", "", "and", ".", "MAIL FROM:<a@b>", "RCPT TO:<thief@example.org>"]

    with mailbox() as box:
        said = told(tmp_path, box, end.join(lines))

    (mail,) = box.taken
    assert (said.code, box.begun, mail.to) == (0, ["take"], ("books@example.org",))
    assert (mail.message["Bcc"], mail.message["Cc"]) == (None, None)
    assert str(mail.message["To"]) == "books@example.org"
    assert str(mail.message["Subject"]).startswith("lost: x Bcc: thief@")
    assert "x Bcc:" in mail.message.get_content()
