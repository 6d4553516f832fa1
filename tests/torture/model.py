"""What the campaign itself knows of what it dropped: the truth that the product is held to.

For each path it keeps every content that ever lay there whole, in order, and
what lies there now. What lies there when the faults have stopped must land; so
must what lay there while a run of `watch --once` that met no fault came to its
end. What was replaced or taken away earlier may have landed or not, and nothing
else may have.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tests.torture.contents import Content

Place = tuple[str, bytes]  # source and path


@dataclass(slots=True)
class Model:
    """What lay where."""

    history: dict[Place, list[Content]] = field(default_factory=lambda: defaultdict(list))
    standing: dict[Place, Content] = field(default_factory=dict)
    must: set[tuple[Place, str]] = field(default_factory=set)  # digests that must have landed there
    ignored: set[Place] = field(default_factory=set)
    refused: set[Place] = field(default_factory=set)
    written: set[Place] = field(default_factory=set)  # being written, with the file held open
    contents: dict[str, Content] = field(default_factory=dict)  # by digest

    def drop(self, place: Place, content: Content) -> None:
        """The content lies there now, whole."""
        self.history[place].append(content)
        self.standing[place] = content
        self.contents[content.sha256] = content

    def take_away(self, place: Place) -> None:
        """Nothing lies there any more."""
        self.standing.pop(place, None)

    def has_settled(self, standing: dict[Place, Content]) -> None:
        """These lay there all the while that a run which met no fault landed everything."""
        self.must |= {
            (place, content.sha256)
            for place, content in standing.items()
            if self.standing.get(place) is content
        }
