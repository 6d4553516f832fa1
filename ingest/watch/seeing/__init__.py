"""What is there: the root that is held open, the scan, and the hints that wake it.

The scan is the truth. `hints` are paths that notifications (`notify`, `inotify`) named, to be looked at at
once; `scans` is when the next scan is due, `rules` which paths are meant.
"""
