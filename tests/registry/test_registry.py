import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from ingest import registry
from ingest.errors import UsageError

Write = Callable[..., Path]

GOOD = """
    from ingest import Context, FileLanded, processor
    from processors.facts import PaymentSettled

    @processor(accepts=FileLanded, version="1")
    def feed(event: FileLanded, ctx: Context) -> None:
        ctx.emit(PaymentSettled, key="", name="")
"""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes modules into a local folder of processors; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "processors"
    folder.mkdir()
    before = set(sys.modules)

    def into(name: str, text: str) -> Path:
        (folder / name).write_text(dedent(text), "utf-8")
        return folder

    yield into
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Installs a package that offers an entry point."""

    def install(package: str, entry_point: str, text: str) -> None:
        site = tmp_path / package
        info = site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[ingest.processors]\n{entry_point}\n", "utf-8")
        (site / f"{package}.py").write_text(dedent(text), "utf-8")
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, package, raising=False)

    return install


def refusal(use: str, local: Path | None = None) -> str:
    with pytest.raises(UsageError) as refused:
        registry.find(use, local=local)
    text = f"{refused.value.message} | {refused.value.hint}"
    assert text.isprintable()  # one line, whatever the user's code had to say
    return text


def test_a_bundled_processor_is_found_with_the_facts_its_module_brings() -> None:
    found = registry.find("processors.payments:payments")

    assert (found.origin, found.module) == ("bundled", "processors.payments")
    assert found.processor.accepts == ("ingest.file.landed.v1", "ingest.file.extracted.v1")
    assert [table.name for table in found.processor.owned_tables("payments", {})] == ["payments"]
    assert [fact.__name__ for fact in found.facts] == ["PaymentSettled"]


@pytest.mark.parametrize("use", ["processors.feed:feed", "feed:feed"])
def test_a_local_processor_is_found_and_may_import_bundled_modules(write: Write, use: str) -> None:
    folder = write("feed.py", GOOD)

    found = registry.find(use, local=folder)

    assert (found.origin, found.module) == ("local", "processors.feed")
    assert [fact.__name__ for fact in found.facts] == ["PaymentSettled"]


def test_a_local_folder_takes_nothing_away_from_what_is_bundled(write: Write) -> None:
    folder = write("feed.py", GOOD)

    registry.find("processors.feed:feed", local=folder)

    assert registry.find("processors.ledger:ledger", local=folder).origin == "bundled"


def test_a_folder_that_does_not_exist_is_no_obstacle(tmp_path: Path) -> None:
    assert registry.find("processors.ledger:ledger", local=tmp_path / "none").origin == "bundled"


def test_a_local_module_takes_the_place_of_the_bundled_one_also_for_bundled_modules(write: Write) -> None:
    # In a process of its own: the classes of this one must stay what other tests hold in their hands.
    folder = write(
        "money.py", "def parse_amount(): ...\nclass RuleBroken(Exception): ...\nminor_units = 'local'\n"
    )
    program = """
        import sys
        from pathlib import Path
        import processors.money                       # from the checkout, before any folder was named
        from ingest import registry
        found = registry.find("processors.ledger:ledger", local=Path(sys.argv[1]))
        ledger = sys.modules["processors.ledger"]
        print(found.origin, ledger.minor_units, sys.modules["processors.facts"].__file__ is not None)
    """

    ran = subprocess.run(
        [sys.executable, "-c", dedent(program), str(folder)], capture_output=True, text=True, check=False
    )

    assert (ran.stdout, ran.stderr) == ("bundled local True\n", "")


@pytest.mark.parametrize(
    ("use", "part"),
    [
        ("processors.paymets:payments", "no module 'processors.paymets' | did you mean processors.payments?"),
        ("processors.payments.deep:x", "no module 'processors.payments.deep'"),
        ("os.path:join", "no module 'processors.os.path'"),
        ("processors.payments:paymnets", "processors.payments has no 'paymnets' | did you mean payments?"),
        ("processors.ledger:zzz", "processors.ledger has no 'zzz' | it has ledger"),
        ("processors.money:zzz", "processors.money has no 'zzz' | it declares no processor"),
        ("processors.money:minor_units", "put @processor(accepts=..., version=...) above def minor_units"),
        ("ledgr", "no processor 'ledgr' | did you mean processors.ledger:<function>?"),
        ("payments", "no processor 'payments' | did you mean processors.payments:<function>?"),
        ("", "no processor ''"),
        ("a:b:c", "names no function"),
        ("processors/payments.py:payments", "names no function"),
        (":", "names no function"),
    ],
)
def test_what_cannot_be_found_is_said_with_what_was_meant(use: str, part: str) -> None:
    assert part in refusal(use)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "x = 1\nx = 1 / 0\n",
            "processors/feed.py, line 2: ZeroDivisionError: division by zero | correct the file",
        ),
        (
            "x = 1\n\ndef feed(:\n",
            "processors/feed.py, line 3: SyntaxError: invalid syntax | correct the file",
        ),
        (
            "import no_such_lib\n",
            "line 1: ModuleNotFoundError: No module named 'no_such_lib' | install no_such_lib beside ingest",
        ),
        (
            "import processors.fcats\n",
            "line 1: ModuleNotFoundError: No module named 'processors.fcats' | correct the file",
        ),
        ("from ingest import nothing\n", "line 1: ImportError: cannot import name 'nothing'"),
        ("raise SystemExit(3)\n", "line 1: SystemExit: 3"),
        (
            r"raise ValueError('one\ntwo \x1b[31m' + 'x' * 1000)",
            r"line 1: ValueError: one\x0atwo \x1b[31mxxx",
        ),
        (
            "from ingest import table\ntable('X', a=int)\n",
            "line 2: 'X' cannot name a table or column | use [a-z]",
        ),
        (
            "from ingest import table\ntable('x', a=float)\n",
            "a type no column can have: <class 'float'> | money is",
        ),
    ],
)
def test_what_the_module_raises_is_one_line_that_names_the_file_and_the_line(
    write: Write, text: str, said: str
) -> None:
    folder = write("feed.py", text)

    line = refusal("processors.feed:feed", folder)

    assert said in line
    assert line.startswith("processors/feed.py, line ")
    assert len(line) < 400


def test_an_error_is_told_of_the_module_that_made_it_not_of_the_one_that_imports_it(write: Write) -> None:
    write("rules.py", "\n\nraise RuntimeError('no')\n")
    folder = write("feed.py", "from processors import rules\n")

    assert refusal("processors.feed:feed", folder).startswith("processors/rules.py, line 3: RuntimeError: no")


def test_a_module_that_failed_is_tried_anew(write: Write) -> None:
    folder = write("feed.py", "raise RuntimeError\n")
    refusal("processors.feed:feed", folder)

    write("feed.py", GOOD)

    assert registry.find("processors.feed:feed", local=folder).origin == "local"


def test_an_installed_package_offers_a_processor_by_name(offer: Callable[[str, str, str], None]) -> None:
    offer("acme_feeds", "acme = acme_feeds:feed", GOOD)

    found = registry.find("acme")

    assert (found.origin, found.module) == ("entry point", "acme_feeds")
    assert [fact.__name__ for fact in found.facts] == ["PaymentSettled"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('no')\n", "acme_feeds.py, line 1: RuntimeError: no"),
        ("x = 1\n", "entry point 'acme': AttributeError: module 'acme_feeds' has no attribute 'feed'"),
        ("feed = 1\n", "entry point 'acme' of acme_feeds is not a processor"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_one_line(
    offer: Callable[[str, str, str], None], text: str, said: str
) -> None:
    offer("acme_feeds", "acme = acme_feeds:feed", text)

    assert said in refusal("acme")


def test_two_packages_that_offer_one_name_are_named(offer: Callable[[str, str, str], None]) -> None:
    offer("acme_feeds", "acme = acme_feeds:feed", GOOD)
    offer("other_feeds", "acme = other_feeds:feed", GOOD)

    assert "several packages offer a processor 'acme': acme_feeds, other_feeds" in refusal("acme")
