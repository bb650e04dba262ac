"""The figures of a block: what it costs, and how wide and how long its inner layers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.calls import is_dense
from attn_cli.cost import GraphCost, graph_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from attn_cli.graph import Graph, Params

# What may stand between the layer that squeezes the channels and the one that expands them again.
BETWEEN = frozenset({
    "Activation", "BatchNormalization", "Cropping2D", "LayerNormalization", "Permute", "ReLU",
    "Reshape",
})  # fmt: skip


class Figures(NamedTuple):
    """What a block costs. None is unknown for `macs` and `flops`, and meaningless for the last two.

    `bytes` are the weights in the dtype that they are stored in; `width` is the squeezed channels,
    `kernel_size` the side of the kernel that looks around.
    """

    params: Params
    bytes: int
    cost: GraphCost
    width: int | None
    kernel_size: int | None

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of convolutions, dense layers and matrix products."""
        return self.cost.macs

    @property
    def flops(self) -> int | None:
        """FLOPs as TensorFlow's profiler counts them."""
        return self.cost.flops


# Each figure by the name that it has everywhere: `--get`, `--sort`, the keys of `attn check`.
FIGURES: dict[str, Callable[[Figures], int | None]] = {
    "params": lambda figures: figures.params.total,
    "trainable": lambda figures: figures.params.trainable,
    "non_trainable": lambda figures: figures.params.non_trainable,
    "bytes": lambda figures: figures.bytes,
    "macs": lambda figures: figures.macs,
    "flops": lambda figures: figures.flops,
    "kernel_size": lambda figures: figures.kernel_size,
    "width": lambda figures: figures.width,
}


def figures(graph: Graph, options: Mapping[str, Any] | None = None) -> Figures:
    """Return the figures of a block; an option of that name sets width or kernel size outright."""
    options = options or {}
    return Figures(
        params=graph.params,
        bytes=graph.bytes,
        cost=graph_cost(graph),
        width=options.get("width") or width(graph),
        kernel_size=options.get("kernel_size") or kernel_size(graph),
    )


def width(graph: Graph) -> int | None:
    """Return the channels of the first dense layer whose output another one expands again."""
    # For each node, the dense layer whose output it sees through nothing but BETWEEN.
    squeezed: list[int | None] = []
    for node in graph.nodes:
        behind = squeezed[node.inputs[0].node] if len(node.inputs) == 1 else None
        if is_dense(node):
            if behind is not None:
                return behind
            squeezed.append(node.output_shapes[0][-1])
        else:
            squeezed.append(behind if node.layer.type in BETWEEN else None)
    return None


def kernel_size(graph: Graph) -> int | None:
    """Return the longest side of the first kernel that spans more than one position."""
    for node in graph.nodes:
        sides = node.layer.config.get("kernel_size")
        # Along the channels, even a kernel of 1 is one that was chosen. A kernel without padding
        # that leaves nothing to move over sums up, and does not look around.
        around = node.layer.config.get("padding") != "valid"
        if sides and ((max(sides) > 1 and around) or node.layer.type == "Conv1D"):
            return int(max(sides))
    return None
