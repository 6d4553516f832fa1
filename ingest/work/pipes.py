"""Pipes between a process and one that it starts: each end is closed with those of whoever has it."""

from __future__ import annotations

import os
from contextlib import ExitStack


def heard(ours: ExitStack, its: ExitStack) -> tuple[int, int]:
    """Our end and its end of a pipe by which it speaks to us."""
    read, write = os.pipe()
    ours.callback(os.close, read)
    its.callback(os.close, write)
    return read, write


def told(ours: ExitStack, its: ExitStack) -> tuple[int, int]:
    """Our end and its end of a pipe by which we speak to it."""
    its_end, our_end = heard(its, ours)
    return our_end, its_end
