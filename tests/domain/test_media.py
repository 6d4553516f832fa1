import pytest

from ingest.domain.media import UNKNOWN, media_type


@pytest.mark.parametrize(
    ("name", "promised"),
    [
        (b"a.csv", "text/csv"),
        (b"A.CSV", "text/csv"),
        (b"a.csv.gz", "application/gzip"),
        (b"\xff.json", "application/json"),
        (b"a.xml", "application/xml"),
        (b"a", UNKNOWN),
        (b"a.", UNKNOWN),
        (b"a.csv ", UNKNOWN),
        (b"csv", UNKNOWN),
        (b"a.unheard-of", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_the_last_extension_of_a_name_says_the_media_type(name: bytes, promised: str) -> None:
    assert media_type(name) == promised
