"""What the store says became of each path, and whether that is right for what lay there."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.torture.contents import Content
from tests.torture.model import Model, Place
from tests.torture.project import Project
from tests.torture.sources import BY_NAME

_LANDINGS = "SELECT source, path, sha256 FROM landings ORDER BY source, path, version"
_STATED = (
    "SELECT type, body FROM events"
    " WHERE type IN ('ingest.file.refused.v1', 'ingest.file.duplicate_received.v1')"
)


class Books:
    """What has landed where, version by version, and what is stated of files that have not."""

    def __init__(self, project: Project, model: Model) -> None:
        self._project, self._model = project, model
        self.versions: dict[Place, list[str]] = defaultdict(list)
        self.stated: dict[Place, list[Mapping[str, Any]]] = defaultdict(list)
        for source, path, sha256 in project.rows(_LANDINGS):
            self.versions[source, path].append(sha256)
        for _, body in project.rows(_STATED):
            data = json.loads(body)["data"]
            self.stated[data["source"], _path(data)].append(data)

    def account_for(self, place: Place, content: Content) -> bool:
        """True when the content has landed there last, or the policy of the source says why it has not."""
        return self.versions[place][-1:] == [content.sha256] or self.tell_why_not(place, content)

    def tell_why_not(self, place: Place, content: Content) -> bool:
        """True when it is rightly refused, suppressed or ignored."""
        source = BY_NAME[place[0]]
        if not content.data and source.empty == "ignore":
            return True
        said = self.stated.get(place, ())
        if any(one.get("sha256") == content.sha256 for one in said):
            return source.duplicates == "suppress" and self._stands_elsewhere(place, content)
        reasons = {one["reason"] for one in said if one["size"] == len(content.data) and "reason" in one}
        return (
            ("name" in reasons and source.refuses_name(place[1]))
            or ("empty" in reasons and not content.data)
            or ("too_large" in reasons and len(content.data) > source.max_size)
            or ("hardlink" in reasons and place in self._model.linked)
            or ("duplicate" in reasons and self._stands_elsewhere(place, content))
        )

    def not_left(self) -> list[Place]:
        """Files that have landed and were to leave their source, and still lie there, or what announced them.

        Where a path was sent again, an announcement may rightly wait for what it speaks of to come once more.
        """
        announced = [
            word
            for place, word in self._model.announced.items()
            if not BY_NAME[place[0]].keeps
            and len(self._model.history[place]) == 1
            and self.versions[place]
            and not self._project.at(place).exists()
            and self._project.at(word).exists()
        ]
        return announced + [
            place
            for place, content in self._model.standing.items()
            if not BY_NAME[place[0]].keeps
            and self.versions[place][-1:] == [content.sha256]
            and self._project.at(place).exists()
        ]

    def _stands_elsewhere(self, place: Place, content: Content) -> bool:
        return any(
            content.sha256 in landed and there != place and there[0] == place[0]
            for there, landed in self.versions.items()
        )


def is_part_of(some: Sequence[str], all_: Sequence[str]) -> bool:
    """True when `some` are among `all_`, in the same order."""
    rest = iter(all_)
    return all(one in rest for one in some)


def _path(data: Mapping[str, Any]) -> bytes:
    exact = data.get("path_b64")
    return base64.b64decode(exact) if exact else data["path"].encode()
