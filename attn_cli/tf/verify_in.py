"""What is foretold of a network with a block in it, held against what Keras makes of it."""

from __future__ import annotations

from functools import cached_property
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from attn_cli.analysis.network import compare_in_file
from attn_cli.cost import reasons
from attn_cli.graph import Cost
from attn_cli.splice import splice
from attn_cli.tf.load import load_keras
from attn_cli.tf.loaded import (
    check_foretold,
    load_network,
    probe,
)
from attn_cli.tf.memory import check_memory
from attn_cli.tf.network import Tried, tried, written
from attn_cli.tf.profile import profiled_flops
from attn_cli.tf.save import TOLERANCE
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
    from attn_cli.tf.profile import Profile

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
    graph, sites = compared.network.graph, compared.chosen.sites
    cases = []
    for spec, block in zip(specs, compared.blocks, strict=True):
        spliced = splice(graph, sites, spec).graph
        if all(None not in shape[1:] for node in spliced.nodes for shape in node.output_shapes):
            check_memory(spliced, RUNS)
        cases.append(InPlace(spec, spliced, model, compared, block))
    return compared, cases


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
        self.original = load_network(self.path, self.compared.network)

    @cached_property
    def tried(self) -> Tried:
        """The network in Keras, with the block as `attn build` starts it."""
        graph = walk(self.original)
        check_foretold(self.compared.network.graph, graph, "the network, as Keras loads it,")
        return tried(self.original, graph, self.compared.chosen, self.spec, SEED)

    @cached_property
    def model(self) -> Any:
        """The network with the block in it."""
        return self.tried.inserted.model

    @cached_property
    def cost(self) -> Cost:
        """What is said to be added."""
        added = self.block.added
        return Cost(added.macs, added.flops, reasons(self.block.cost.unknown))

    @cached_property
    def profile(self) -> Profile:
        """What the profiler counts more than before: its silences about the rest cancel out."""
        shapes = [array.shape[1:] for array in self.tried.inputs]
        after, before = [profiled_flops(model, *shapes) for model in (self.model, self.original)]
        return after - before

    @cached_property
    def padding(self) -> int:
        """What of it is padding."""
        return dilation_padding(self.built) - dilation_padding(self.compared.network.graph)


def _finite(case: InPlace) -> Check:
    import numpy as np

    outputs = case.tried.after[1]
    count = sum(prod(each.shape) for each in outputs)
    finite = sum(int(np.isfinite(each).sum()) for each in outputs)
    return Check("", f"{count:,} finite", f"{finite:,} finite", finite == count)


def _unmoved(case: InPlace) -> Check:
    """Check that nothing moves by a bit, run op by op, where that was said."""
    started, moved = case.tried.started, case.tried.moved
    got = f"{moved:.2g} off" if moved else "the same"
    if started is None:
        return Check("", None, got, True, "not claimed: attention was taken out")
    if started.moving:
        name, why = started.moving[0]
        more = len(started.moving) - 1
        others = f", and at {more} more" if more else ""
        return Check("", None, got, True, f"not claimed: fresh weights at {name}{others}: {why}")
    return Check("", "the same", got, not moved)


def _gradients(case: InPlace) -> Check:
    """Look for a gradient of some weight of each block, as it starts."""
    import numpy as np
    import tensorflow as tf

    inserted = case.tried.inserted
    blocks = [
        (block.site.name, [w for layer in layers for w in layer.trainable_weights])
        for block, layers in zip(inserted.spliced.blocks, inserted.layers, strict=True)
    ]
    blocks = [(name, weights) for name, weights in blocks if weights]
    seeing = probe(case.model, inserted.after)
    random = np.random.default_rng(SEED)
    with tf.GradientTape() as tape:
        seen = load_keras().tree.flatten(
            seeing(structured(seeing, case.tried.inputs), training=False)
        )
        loss = sum(
            tf.reduce_sum(tf.cast(each, "float32") * random.random(each.shape, dtype=np.float32))
            for each in seen
        )
    gradients = tape.gradient(loss, [[weight.value for weight in own] for _, own in blocks])
    dead = [
        name
        for (name, _), own in zip(blocks, gradients, strict=True)
        if not any(each is not None and bool(np.abs(each).max() > 0) for each in own)
    ]
    note = f"none for the block at {dead[0]}" if dead else ""
    return Check("", len(blocks), len(blocks) - len(dead), not dead, note)


def _saving(case: InPlace) -> Check:
    made = case.tried
    with TemporaryDirectory(prefix="attn-") as folder:
        path = Path(folder) / "network.keras"
        difference = written(case.model, path, made.inputs, made.after[1], case.traced)
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
