"""Whether what a shape needs fits in this machine's memory, told before TensorFlow tries."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from attn_cli.errors import BadShape

if TYPE_CHECKING:
    from attn_cli.graph import Graph, Shape

FLOAT32 = 4
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def sizes(shape: Shape) -> tuple[int, ...]:
    """Return a shape (H, W, C) to run something on. Raises BadShape where a size is dynamic."""
    known = tuple(size for size in shape if size is not None)
    if len(known) < len(shape):
        given = ",".join(map(str, shape))
        raise BadShape(f"{given} leaves a size open, and TensorFlow needs each to run a block")
    return known


def check_memory(graph: Graph, batch: int = 1, passes: int = 1) -> None:
    """Raise BadShape, with what it would need, where a pass over a graph does not fit in memory.

    `passes` is how many tensors are alive for each that the graph yields: 2 with gradients.
    """
    needed, free = needed_bytes(graph, batch, passes), free_bytes()
    if free is not None and needed > free:
        shape = graph.nodes[graph.inputs[0]].output_shapes[0][1:]
        of = f" in batches of {batch}" if batch > 1 else ""
        raise BadShape(
            f"running this on {','.join(map(str, shape))}{of} needs about {amount(needed)} of "
            f"memory, and {amount(free)} is free"
        )


def needed_bytes(graph: Graph, batch: int = 1, passes: int = 1) -> int:
    """Return about how many bytes a pass needs: weights twice, and all that the calls yield."""
    elements = 0
    for node in graph.nodes:
        for shape in node.output_shapes:
            elements += prod(sizes(shape[1:]))
    return 2 * graph.bytes + passes * batch * FLOAT32 * elements


def free_bytes() -> int | None:
    """Return how much memory this process may still take, None where the system does not say."""
    limits = [_system(), _group(), _process()]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def amount(size: int) -> str:
    """Return a number of bytes as people read it: 23.5 GiB."""
    unit = 0
    while size >= 1024 ** (unit + 1) and unit < len(UNITS) - 1:
        unit += 1
    return f"{size / 1024**unit:,.1f} {UNITS[unit]}" if unit else f"{size:,} bytes"


def _system() -> int | None:
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _group() -> int | None:
    """Return what a container leaves (cgroups, version 2)."""
    with suppress(OSError, ValueError):
        folder = Path("/sys/fs/cgroup")
        limit = int((folder / "memory.max").read_text())  # "max" where there is none
        return max(0, limit - int((folder / "memory.current").read_text()))
    return None


def _process() -> int | None:
    """Return what `ulimit -v` leaves."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return max(0, limit - pages * os.sysconf("SC_PAGE_SIZE"))
    return limit
