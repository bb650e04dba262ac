"""The command line as its users run it: a process, with a pipe or a terminal on its stdout."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from attn_cli.blocks import find_block, own
from attn_cli.cli import measure
from attn_cli.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "attn_cli"]
# What a process remembers of files by the names that it was given, wherever it is by then.
REMEMBERED = (measure.measure_block, measure.measure_model, find_block, own._load)


class Result(NamedTuple):
    """What a process left behind."""

    code: int
    out: str
    err: str


def environment(env: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return this environment without what changes how things are drawn; None removes more."""
    ours = {
        **dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTHONIOENCODING")),
        # Compiled once, as in an installation.
        "PYTHONDONTWRITEBYTECODE": None,
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        **(env or {}),
    }
    merged = {**os.environ, **ours}
    return {name: value for name, value in merged.items() if value is not None}


def attn(
    *args: str,
    stdin: str | bytes = "",
    env: Mapping[str, str | None] | None = None,
    columns: int | None = None,
    cwd: Path | None = None,
) -> Result:
    """Run `attn` to its end. With `columns`, its stdout is a terminal of that width."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    master = None
    out: list[bytes] = []
    stdout = subprocess.PIPE
    if columns is not None:
        master, stdout = pty.openpty()
        fcntl.ioctl(stdout, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [*COMMAND, *args],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(env),
        cwd=cwd,
    ) as process:
        if master is not None:
            os.close(stdout)
            # Read while it writes: a terminal holds little.
            reader = threading.Thread(target=_read_all, args=(master, out))
            reader.start()
        piped, err = process.communicate(given, timeout=60)
        if master is not None:
            reader.join()
            os.close(master)
            piped = b"".join(out).replace(b"\r\n", b"\n")
    return Result(process.returncode, piped.decode(), err.decode())


class Stream(io.TextIOWrapper):
    """A stream like the process's own, whose text can be had."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8")

    @property
    def text(self) -> str:
        """What was written."""
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


def run_here(args: Sequence[str], stdin: bytes = b"", cwd: Path | None = None) -> Result:
    """Run the command line in this process, which takes a twentieth of the time."""
    out, err = Stream(), Stream()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", Stream(stdin))
        for each in REMEMBERED:
            each.cache_clear()
        if cwd is not None:
            patch.chdir(cwd)
        return Result(run(list(args)), out.text, err.text)


def _read_all(master: int, out: list[bytes]) -> None:
    while True:
        try:
            read = os.read(master, 65536)
        except OSError:  # the other end is closed
            return
        if not read:
            return
        out.append(read)
