"""Whose stdout is: the program's own, from the moment on that other code runs in it.

What a file of somebody else's prints is no data, by whatever way it prints: Python's streams, the
descriptor, a process or a thread that it starts, what it leaves to be done at the end. So it is
given stderr for its stdout, and the program keeps the real one to itself, to its end.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

_claimed = False
_kept: TextIO | None = None


def claim() -> None:
    """Say that stdout is for what the program writes: this process is its own."""
    global _claimed
    _claimed = True


def keep() -> None:
    """Keep the real stdout, if it was claimed, from all code that runs from here on."""
    global _kept
    if not _claimed or _kept is not None or sys.stdout is None:
        return
    sys.stdout.flush()
    try:
        os.fstat(2)
        aside = 2
    except OSError:  # it is closed; its number must not become that of the real stdout
        aside = os.open(os.devnull, os.O_WRONLY)
    _kept = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, newline="")
    os.dup2(aside, 1)


def stream() -> TextIO | None:
    """Return the real stdout; None where it is closed."""
    return sys.stdout if _kept is None else _kept


def descriptor() -> int:
    """Return the real stdout's number."""
    return 1 if _kept is None else _kept.fileno()
