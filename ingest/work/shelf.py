"""The bytes of the files a hold is about: small ones are fetched together, when the first is asked for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import BinaryIO

from ingest.archive import Archive, verified
from ingest.store import contents

AT_ONCE = 64  # contents fetched in one read; each is at most `inline_max` large


class Shelf:
    """Opens archived bytes, verified, for the processors of one child."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._expected: list[str] = []
        self._fetched: dict[str, bytes] = {}

    def expect(self, digests: Sequence[str]) -> None:
        """These will probably be opened, in this order; what was fetched before is let go."""
        self._expected = list(dict.fromkeys(digests))
        self._fetched = {}

    def open(self, sha256: str) -> BinaryIO:
        """The content with this digest, seekable and verified; raises `ArchiveDamaged` or `NotFound`."""
        data = self._fetched.pop(sha256, None)
        if data is None and sha256 in self._expected:
            self._fetch(self._expected.index(sha256))
            data = self._fetched.pop(sha256, None)
        return self._archive.open(sha256) if data is None else io.BytesIO(verified(sha256, data))

    def _fetch(self, start: int) -> None:
        wanted = self._expected[start : start + AT_ONCE]
        del self._expected[: start + len(wanted)]
        with self._archive.store.read() as tx:
            self._fetched = contents.read_many(tx, wanted)
