"""Whether what a shape needs fits in this machine's memory, told before TensorFlow tries."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from attn_cli.errors import BadShape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attn_cli.graph import Graph, Shape

FLOAT32 = 4
# How often the weights are around where a model is saved and loaded, as measured.
WEIGHTS = 4
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def sizes(shape: Shape) -> tuple[int, ...]:
    """Return a shape (H, W, C) to run something on. Raises BadShape where a size is dynamic."""
    known = tuple(size for size in shape if size is not None)
    if len(known) < len(shape):
        given = ",".join(map(str, shape))
        raise BadShape(f"{given} leaves a size open, and TensorFlow needs each to run a block")
    return known


def check_memory(graph: Graph, batch: int = 1, copies: int = 0, compiled: bool = False) -> None:
    """Raise BadShape, with what it would need, where running a graph does not fit in memory.

    `copies` are of its output, for whoever works with it; what is `compiled` gives a tensor back as
    soon as it was read.
    """
    needed, free = needed_bytes(graph, batch, copies, compiled), free_bytes()
    if free is not None and needed > free:
        shape = graph.nodes[graph.inputs[0]].output_shapes[0][1:]
        of = f" in batches of {batch}" if batch > 1 else ""
        raise BadShape(
            f"running this on {','.join(map(str, shape))}{of} needs about {amount(needed)} of "
            f"memory, and {amount(free)} is free"
        )


def check_weights(graph: Graph) -> None:
    """Raise BadShape where the weights alone do not fit in memory, which building already takes."""
    needed, free = 2 * graph.bytes, free_bytes()  # drawn, and then copied
    if free is not None and needed > free:
        raise BadShape(
            f"building this needs about {amount(needed)} of memory for its weights, and "
            f"{amount(free)} is free"
        )


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise BadShape where memory does run out, whoever ran out of it."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise BadShape("running this needs more memory than there is") from error
        raise


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error is Python's, NumPy's or TensorFlow's word for it."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def needed_bytes(graph: Graph, batch: int = 1, copies: int = 0, compiled: bool = False) -> int:
    """Return about how many bytes it takes to run a graph: weights and tensors."""
    yielded = [sum(map(elements, node.output_shapes)) for node in graph.nodes]
    taken = [sum(map(elements, node.input_shapes)) for node in graph.nodes]
    tensors = max(map(sum, zip(yielded, taken, strict=True))) if compiled else sum(yielded)
    output = elements(graph.output_shapes[0])
    return WEIGHTS * graph.bytes + batch * FLOAT32 * (tensors + copies * output)


def elements(shape: Shape) -> int:
    """Return the numbers in one sample of a tensor (B, …)."""
    return prod(sizes(shape[1:]))


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
