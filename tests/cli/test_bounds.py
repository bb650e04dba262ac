"""Whatever a file says, reading it takes time and memory that its size bounds, or gets one line."""

from __future__ import annotations

import time
import tracemalloc
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hostile import FILES
from process import run_here

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Of a fixed loop: the promise for a small file (two seconds where that takes a tenth of one), and
# what each further byte allows.
MOST_TIME = 20.0
TIME_PER_BYTE = 20 / 2_000_000
MOST_MEMORY = 80 << 20  # Python and what it has imported take the rest of 100 MB
MEMORY_PER_BYTE = 40
COMMANDS = (
    ["inspect"],
    ["inspect", "--layers"],
    ["inspect", "--layers", "--json"],
    ["diff"],
    ["check"],
)


def fixed_loop() -> float:
    """Return what a fixed loop takes, so that a slow machine is slow for both."""
    start = time.process_time()
    total = 0
    for place in range(1_000_000):
        total += place & 7
    return time.process_time() - start


def arguments(command: Sequence[str], path: Path) -> list[str]:
    if command[0] == "check":
        config = path.parent / "attn.toml"
        config.write_text(f'[[check]]\nmodel = "{path.name}"\nmax_share = 1.0\n', encoding="utf-8")
        return ["check", "--config", str(config)]
    return [*command, str(path), *[str(path)] * (command[0] == "diff")]


def run_bounded(command: Sequence[str], path: Path) -> tuple[float, str]:
    """Return the time that a command takes, and the line that it ends with where it refuses."""
    args = arguments(command, path)
    start = time.process_time()
    result = run_here(args, cwd=path.parent)
    taken = time.process_time() - start
    assert result.code in (0, 1, 2), result.err
    if result.code:
        (line,) = [line for line in (result.err or result.out).splitlines() if path.name in line][
            :1
        ]
        return taken, line
    return taken, ""


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", FILES)
def test_time_grows_with_the_file(tmp_path: Path, name: str, command: Sequence[str]) -> None:
    """Twice the file takes twice the time, until a line says that it is too much."""
    make, suffix, least = FILES[name]
    times: list[float] = []
    unit = fixed_loop()
    for size in (least, 2 * least, 4 * least):
        path = tmp_path / f"m{suffix}"
        path.write_bytes(make(size))
        taken, line = run_bounded(command, path)
        several = 2 if command[0] == "diff" else 1
        allowed = MOST_TIME + TIME_PER_BYTE * path.stat().st_size
        assert taken / unit < several * allowed, f"{size}: {taken:.2f} s, {taken / unit:.1f}"
        if "takes more than" in line:
            break
        times.append(taken)
    for before, after in pairwise(times):
        assert after < 3 * before + 2 * unit, f"not in proportion: {times}"


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS[:3], ids=" ".join)
@pytest.mark.parametrize("name", FILES)
def test_memory_grows_with_the_file(tmp_path: Path, name: str, command: Sequence[str]) -> None:
    """A small file takes less than the promise, and a larger one in proportion."""
    make, suffix, least = FILES[name]
    for size in (least, 4 * least):
        path = tmp_path / f"m{suffix}"
        path.write_bytes(make(size))
        tracemalloc.start()
        try:
            run_bounded(command, path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        allowed = MOST_MEMORY + MEMORY_PER_BYTE * path.stat().st_size
        assert peak < allowed, f"{size}: {peak >> 20} of {allowed >> 20:.0f} MiB"
