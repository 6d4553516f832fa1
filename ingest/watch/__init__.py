"""From a file in a source to a committed fact: sighting, settling, archive, landing.

In the order in which a file meets them:

- `loop` turns, and `heartbeat` says that it lives; what all sources share is in `watcher`.
- `inbox` is one source: it sees (`seeing`), waits until a file is whole (`settling`, `pending`, for a
  marker or manifest `announced`), lands (`landing`), and lets files leave (`leaving`).
- `reach` is whether the root is there, and notifications can be relied on.
- `condition` and `telling` say how a source is doing, `gaps` what may have been missed while nobody looked.
- `tidy` forgets what is gone; `names` shows and compares paths; `clock` is the one clock.
"""
