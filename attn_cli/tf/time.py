"""How long blocks take in TensorFlow on this machine."""

from __future__ import annotations

import os
import platform
import random
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.network import compare_in_file
from attn_cli.errors import BadOption, BadShape
from attn_cli.signals import ended_between_calls
from attn_cli.splice import splice
from attn_cli.tf.insert import insert_blocks
from attn_cli.tf.load import load_keras, versions
from attn_cli.tf.loaded import compiled, drawn_inputs, load_as_foretold
from attn_cli.tf.memory import check_memory, memory_errors, sizes
from attn_cli.tf.walk import build_model, structured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from attn_cli.analysis.network import NetworkComparison
    from attn_cli.graph import Shape
    from attn_cli.spec import Spec


MOST = 1_000_000


class Timing(NamedTuple):
    """How long one call took, in nanoseconds, each time."""

    samples: tuple[int, ...]

    @property
    def median(self) -> int:
        """The middle one."""
        return self.percentile(50)

    def percentile(self, percent: int) -> int:
        """Return the sample that so many percent do not exceed (the nearest rank)."""
        ranked = sorted(self.samples)
        return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]

    def __sub__(self, other: Timing) -> Timing:
        """Return how much longer each took than the other one in the same run."""
        pairs = zip(self.samples, other.samples, strict=True)
        return Timing(tuple([ours - theirs for ours, theirs in pairs]))


class Bench(NamedTuple):
    """Blocks on one input, and a model that does nothing in their place as the baseline.

    Or a network with each block in it, and as it is; then the shape is that of its first input.
    """

    shape: Shape
    batch: int
    warmup: int
    baseline: Timing
    blocks: tuple[Timing, ...]
    machine: dict[str, Any]
    versions: dict[str, str]


def check(
    specs: Sequence[Spec], shape: Shape, batch: int = 1, runs: int = 1, warmup: int = 0
) -> None:
    """Raise what keeps blocks from being timed, without TensorFlow."""
    check_counts(batch, runs, warmup)
    sizes(shape)
    for spec in specs:
        check_memory(spec.trace(shape), batch, compiled=True)


def check_counts(batch: int, runs: int, warmup: int) -> None:
    """Raise BadOption for a count that is out of range."""
    for name, count, least in (("batch", batch, 1), ("runs", runs, 1), ("warmup", warmup, 0)):
        if not least <= count <= MOST:
            raise BadOption(f"{name} is from {least} to {MOST:,}, not {count}")


def check_in(
    model: str,
    specs: Sequence[Spec | None],
    at: Sequence[str],
    skip: Sequence[str],
    batch: int = 1,
    runs: int = 1,
    warmup: int = 0,
    input_shape: Shape | None = None,
) -> NetworkComparison:
    """Return what blocks cost in a network. Raises what keeps it from being timed with them.

    No TensorFlow is needed for that.
    """
    check_counts(batch, runs, warmup)
    compared = compare_in_file(model, specs, at, skip, input_shape)
    graph, sites = compared.network.graph, compared.chosen.sites
    for index in graph.inputs:
        known, *shape = graph.nodes[index].output_shapes[0]
        try:
            sizes(tuple(shape))
        except BadShape as error:
            raise BadShape(f"{error}: --input H,W,C gives one to a network") from None
        if known not in (None, batch):
            raise BadOption(f"the network takes {known} samples in a call, not {batch}")
    for spec in specs:
        check_memory(splice(graph, sites, spec).graph, batch, compiled=True)
    return compared


@memory_errors()
def bench(
    specs: Sequence[Spec],
    shape: Shape,
    batch: int = 1,
    runs: int = 100,
    warmup: int = 10,
    progress: Callable[[int], None] = lambda done: None,
) -> Bench:
    """Time blocks on an input (H, W, C), all of them once in each run, in a drawn order.

    A call is one inference as a compiled `tf.function`, on an input that is there already.
    `progress` is told after each run how many are done, those for warming up included. Raises
    BadShape where a size is dynamic or a run does not fit in memory.
    """
    check(specs, shape, batch, runs, warmup)
    load_keras().utils.set_random_seed(0)
    with ended_between_calls() as check_signals:
        models = [_identity(shape), *(_model(spec, shape) for spec in specs)]
        timings = _timed(models, batch, runs, warmup, progress, check_signals)
    return Bench(shape, batch, warmup, timings[0], tuple(timings[1:]), machine(), versions())


@memory_errors()
def bench_in(
    model: str,
    specs: Sequence[Spec | None],
    compared: NetworkComparison,
    batch: int = 1,
    runs: int = 100,
    warmup: int = 10,
    progress: Callable[[int], None] = lambda done: None,
) -> Bench:
    """Time a network as it is and with each block, as `bench` times blocks on their own.

    `compared` is what `check_in` returned. Raises BadFile where Keras does not load the network, or
    has another graph than was read.
    """
    keras = load_keras()
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    with ended_between_calls() as check_signals:
        original, graph = load_as_foretold(model, compared.network)
        sites = compared.chosen.sites
        # Their layers are the network's own: its weights are there once.
        models = [insert_blocks(original, graph, sites, spec).model for spec in specs]
        timings = _timed([original, *models], batch, runs, warmup, progress, check_signals)
    shape = tuple(original.inputs[0].shape[1:])
    return Bench(shape, batch, warmup, timings[0], tuple(timings[1:]), machine(), versions())


def _timed(
    models: Sequence[Any],
    batch: int,
    runs: int,
    warmup: int,
    progress: Callable[[int], None],
    check_signals: Callable[[], None],
) -> list[Timing]:
    """Time models that take the same inputs."""
    import tensorflow as tf

    inputs = structured(models[0], list(map(tf.constant, drawn_inputs(models[0], 0, batch))))
    samples: list[list[int]] = [[] for _ in models]
    order = list(range(len(models)))
    shuffle = random.Random(0).shuffle
    wait = tf.test.experimental.sync_devices
    with _no_collection():
        calls = [compiled(model, inputs) for model in models]
        for run in range(warmup + runs):
            shuffle(order)
            for place in order:
                call = calls[place]
                start = perf_counter_ns()
                call(inputs)
                wait()
                took = perf_counter_ns() - start
                check_signals()
                if run >= warmup:
                    samples[place].append(took)
            progress(run + 1)
    return [Timing(tuple(each)) for each in samples]


def _identity(shape: Shape) -> Any:
    keras = load_keras()
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Identity()(inputs))


def _model(spec: Spec, shape: Shape) -> Any:
    return build_model(spec.block.build, shape, **spec.given)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's garbage collector out of the samples."""
    import gc

    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def machine() -> dict[str, Any]:
    """Return what timings depend on besides the block."""
    import tensorflow as tf

    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cpus": len(affinity(0)) if affinity else os.cpu_count(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
    }


def _processor() -> str | None:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None
