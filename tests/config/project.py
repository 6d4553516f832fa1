"""A directory with an `ingest.toml`, to be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.config import Settings, load
from ingest.errors import UsageError

ONE_SOURCE = '[[source]]\nname = "acme"\npath = "inbox/acme"\n'
ONE_PROCESSOR = '[[processor]]\nname = "payments"\nuse = "processors.payments:payments"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    root: Path

    def says(self, toml: str, env: Mapping[str, str] | None = None, **flags: object) -> Settings:
        """What is read when the file says `toml`; a flag's two underscores stand for the dot."""
        (self.root / "ingest.toml").write_text(toml)
        named = {name.replace("__", "."): value for name, value in flags.items()}
        return load(env=env or {}, flags=named, cwd=self.root)

    def refuses(
        self, toml: str, *words: str, env: Mapping[str, str] | None = None, **flags: object
    ) -> UsageError:
        """The one-line refusal of `toml`, which holds each of `words`."""
        with pytest.raises(UsageError) as refused:
            self.says(toml, env, **flags)
        line = f"{refused.value.message} — {refused.value.hint}"
        assert "\n" not in line
        for word in words:
            assert re.search(rf"(?<![\w.]){re.escape(word)}", line), line
        return refused.value
