"""What a source is told about its files, if it is told anything."""

from __future__ import annotations

from ingest.config import SourceSettings
from ingest.store.engine import Store
from ingest.watch.announced.announcing import Announcer
from ingest.watch.announced.manifests import Manifests
from ingest.watch.announced.markers import Markers
from ingest.watch.seeing.root import Root
from ingest.watch.seeing.rules import PathRules


def announcer_of(source: SourceSettings, root: Root, rules: PathRules, store: Store) -> Announcer | None:
    """The markers or manifests of `source`, None where a file speaks for itself."""
    if source.complete == "marker":
        return Markers(source, root, rules, store)
    if source.complete == "manifest":
        return Manifests(source, root, rules, store)
    return None
