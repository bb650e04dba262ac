"""What is foretold of a network with a block in it, held against what Keras makes of it."""

from __future__ import annotations

from functools import cached_property
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.network import compare_in_file
from attn_cli.cost import reasons
from attn_cli.graph import Cost
from attn_cli.splice import splice
from attn_cli.tf.insert import insert_blocks
from attn_cli.tf.load import load_keras
from attn_cli.tf.loaded import (
    check_foretold,
    drawn_inputs,
    how_far_moved,
    load_asked,
    probe,
    probed,
)
from attn_cli.tf.memory import check_memory
from attn_cli.tf.network import written
from attn_cli.tf.profile import profiled_flops
from attn_cli.tf.save import TOLERANCE
from attn_cli.tf.start import start_quietly
from attn_cli.tf.verify import (
    OF_GRAPHS,
    Case,
    Check,
    dilation_padding,
    flops_check,
    macs_check,
)
from attn_cli.tf.walk import structured, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from attn_cli.analysis.network import InNetwork, NetworkComparison
    from attn_cli.graph import Graph, Shape
    from attn_cli.spec import Spec
    from attn_cli.tf.insert import Inserted
    from attn_cli.tf.profile import Profile
    from attn_cli.tf.start import Started

SEED = 0
# A run, and another one backwards for the gradients.
RUNS = 2


def prepare_in(
    model: str,
    specs: Sequence[Spec | None],
    at: Sequence[str],
    skip: Sequence[str],
    input_shape: Shape | None = None,
) -> tuple[NetworkComparison, list[InPlace]]:
    """Return what blocks cost in a network, and what of that is to be verified.

    Raises what `compare_in` does, and BadShape where a run does not fit in memory; without
    TensorFlow.
    """
    compared = compare_in_file(model, specs, at, skip, input_shape)
    graph, sites = compared.network.graph, [place.site for place in compared.chosen.places]
    cases = []
    for spec, block in zip(specs, compared.blocks, strict=True):
        spliced = splice(graph, sites, spec).graph
        if all(None not in shape[1:] for node in spliced.nodes for shape in node.output_shapes):
            check_memory(spliced, RUNS)
        cases.append(InPlace(spec, spliced, model, compared, block))
    return compared, cases


class Ready(NamedTuple):
    """A network with a block in it as it starts, and both as they were probed."""

    inserted: Inserted
    started: Started | None
    inputs: list[Any]
    before: tuple[list[Any], list[Any]]
    after: tuple[list[Any], list[Any]]


class InPlace(Case):
    """A block at its places in a network, or attention taken out of there."""

    def __init__(
        self,
        spec: Spec | None,
        foretold: Graph,
        path: str,
        compared: NetworkComparison,
        block: InNetwork,
    ) -> None:
        super().__init__(spec, (), foretold)
        self.checks = CHECKS
        self.path = path
        self.compared = compared
        self.block = block

    def load(self) -> None:
        """Load the network as it is."""
        load_keras().backend.clear_session(free_memory=False)
        load_keras().utils.set_random_seed(SEED)
        self.original = load_asked(self.path, self.compared.network)

    @cached_property
    def ready(self) -> Ready:
        """The network in Keras, with the block as `attn build` starts it."""
        original, graph = self.original, walk(self.original)
        check_foretold(self.compared.network.graph, graph, "the network, as Keras loads it,")
        inputs = drawn_inputs(original, SEED)
        sites = [place.site for place in self.compared.chosen.places]
        inserted = insert_blocks(original, graph, sites, self.spec)
        before = probed(original, inserted.before, inputs)
        started = None
        if self.spec is not None:
            started = start_quietly(original, graph, inserted, self.spec)
        after = probed(inserted.model, inserted.after, inputs)
        return Ready(inserted, started, inputs, before, after)

    @cached_property
    def model(self) -> Any:
        """The network with the block in it."""
        return self.ready.inserted.model

    @cached_property
    def cost(self) -> Cost:
        """What is said to be added."""
        added = self.block.added
        return Cost(added.macs, added.flops, reasons(self.block.cost.unknown))

    @cached_property
    def profile(self) -> Profile:
        """What the profiler counts more than before: its silences about the rest cancel out."""
        shapes = [array.shape[1:] for array in self.ready.inputs]
        after, before = [profiled_flops(model, *shapes) for model in (self.model, self.original)]
        return after - before

    @cached_property
    def padding(self) -> int:
        """What of it is padding."""
        return dilation_padding(self.built) - dilation_padding(self.compared.network.graph)


def _finite(case: InPlace) -> Check:
    import numpy as np

    outputs = case.ready.after[1]
    count = sum(prod(each.shape) for each in outputs)
    finite = sum(int(np.isfinite(each).sum()) for each in outputs)
    return Check("", f"{count:,} finite", f"{finite:,} finite", finite == count)


def _unmoved(case: InPlace) -> Check:
    """Check that nothing moves by a bit, run op by op, where that was said."""
    ready = case.ready
    moved = how_far_moved(ready.inserted, ready.started, ready.before, ready.after)
    got = f"{moved:.2g} off" if moved else "the same"
    if ready.started is None:
        return Check("", None, got, True, "not claimed: attention was taken out")
    if ready.started.moving:
        name, why = ready.started.moving[0]
        more = len(ready.started.moving) - 1
        others = f", and at {more} more" if more else ""
        return Check("", None, got, True, f"not claimed: fresh weights at {name}{others}: {why}")
    return Check("", "the same", got, not moved)


def _gradients(case: InPlace) -> Check:
    """Look for a gradient of some weight of each block, as it starts."""
    import numpy as np
    import tensorflow as tf

    inserted = case.ready.inserted
    blocks = [
        (block.site.name, [w for layer in layers for w in layer.trainable_weights])
        for block, layers in zip(inserted.spliced.blocks, inserted.layers, strict=True)
    ]
    blocks = [(name, weights) for name, weights in blocks if weights]
    seeing = probe(case.model, inserted.after)
    random = np.random.default_rng(SEED)
    with tf.GradientTape() as tape:
        seen = load_keras().tree.flatten(
            seeing(structured(seeing, case.ready.inputs), training=False)
        )
        loss = sum(
            tf.reduce_sum(tf.cast(each, "float32") * random.random(each.shape, dtype=np.float32))
            for each in seen
        )
    flat = [weight.value for _, weights in blocks for weight in weights]
    gradients = iter(tape.gradient(loss, flat) if flat else ())
    alive = {
        name: any(each is not None and bool(np.abs(each).max() > 0) for each in own)
        for name, own in [(name, [next(gradients) for _ in weights]) for name, weights in blocks]
    }
    dead = [name for name, lives in alive.items() if not lives]
    note = f"none for the block at {dead[0]}" if dead else ""
    return Check("", len(alive), len(alive) - len(dead), not dead, note)


def _saving(case: InPlace) -> Check:
    ready = case.ready
    with TemporaryDirectory(prefix="attn-") as folder:
        path = Path(folder) / "network.keras"
        difference = written(case.model, path, ready.inputs, ready.after[1], case.traced)
    return Check("", f"≤ {TOLERANCE:g}", f"{difference:.1g}", True)


# The checks in the order of the table.
CHECKS: dict[str, Callable[[Any], Check]] = {
    **OF_GRAPHS,
    "MACs added": macs_check,
    "FLOPs added": flops_check,
    "finite outputs": _finite,
    "outputs as before": _unmoved,
    "gradients": _gradients,
    "saved and loaded": _saving,
}
