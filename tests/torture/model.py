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
    must: list[tuple[Place, Content]] = field(default_factory=list)  # what must have landed, and where
    ignored: set[Place] = field(default_factory=set)
    refused: set[Place] = field(default_factory=set)
    withheld: set[Place] = field(default_factory=set)  # whole, and its marker never comes
    linked: set[Place] = field(default_factory=set)  # had a second name at some time
    contents: dict[str, Content] = field(default_factory=dict)  # by digest
    by_hand: set[Place] = field(default_factory=set)  # nothing ever lay there: people landed it
    announced: dict[Place, Place] = field(default_factory=dict)  # by what lies beside them at that place
    left: list[tuple[Place, Content]] = field(default_factory=list)  # what was gone when it was replaced

    def drop(self, place: Place, content: Content) -> None:
        """The content lies there now, whole."""
        self.history[place].append(content)
        self.standing[place] = content
        self.contents[content.sha256] = content

    def hand(self, place: Place, content: Content) -> None:
        """Somebody is about to land the content there by hand."""
        self.by_hand.add(place)
        self.history[place].append(content)
        self.contents[content.sha256] = content

    def take_away(self, place: Place, *, had_left: bool = False) -> None:
        """Nothing lies there any more; `had_left`: nothing did before, and nobody of us had taken it."""
        stood = self.standing.pop(place, None)
        if had_left and stood is not None:
            self.left.append((place, stood))

    def has_settled(self, standing: dict[Place, Content]) -> None:
        """These lay there all the while that a run which met no fault landed everything."""
        self.must += [pair for pair in standing.items() if self.standing.get(pair[0]) is pair[1]]
