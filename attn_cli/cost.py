"""What a call costs: multiply-accumulates, and the FLOPs that TensorFlow's own profiler counts.

One visible dict, type → cost per call, for one sample (a batch of 1). `macs` counts the
multiply-accumulates of convolutions, dense layers and matrix products and nothing else. `flops` is
what `tf.compat.v1.profiler` reports for a concrete function with static shapes, once Max, Relu,
Relu6, Sigmoid, Tanh and Sqrt are registered at one per element. The two part on purpose for dilated
convolutions (the profiler counts the padding) and grouped ones (it says 0).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from attn_cli.graph import Graph, Node, Shape


class Cost(NamedTuple):
    """What one call costs; None is unknown."""

    macs: int | None
    flops: int | None


class GraphCost(NamedTuple):
    """What a graph costs, a Cost for each node in order, and what of it is unknown."""

    nodes: tuple[Cost, ...]
    macs: int | None
    flops: int | None
    at_least: Cost
    unknown: tuple[str, ...]


class Unknown(Exception):
    """A size is dynamic."""


def cost(node: Node) -> Cost:
    """Return what a call costs; None for what cannot be told."""
    handler = COSTS.get(node.layer.type)
    if handler is None:
        return Cost(None, None)
    try:
        macs, flops = handler(node)
    except Unknown:
        # A dynamic size hides how often a kernel is applied; what has no kernel has no MACs.
        return Cost(None if handler in WITH_MACS else 0, None)
    function = node.layer.function
    if function is None:
        return Cost(macs, flops)
    per_element = ACTIVATIONS.get(function)
    return Cost(macs, None if per_element is None else flops + per_element * _out(node))


def graph_cost(graph: Graph) -> GraphCost:
    """Return what a graph costs. A total is None where one part of it is unknown."""
    costs = tuple([cost(node) for node in graph.nodes])
    macs = [each.macs for each in costs]
    flops = [each.flops for each in costs]
    known = Cost(sum(filter(None, macs)), sum(filter(None, flops)))
    unknown = {
        node.layer.label: None
        for node, each in zip(graph.nodes, costs, strict=True)
        if None in each and all(None not in shape[1:] for shape in _shapes(node))
    }
    return GraphCost(
        nodes=costs,
        macs=None if None in macs else known.macs,
        flops=None if None in flops else known.flops,
        at_least=known,
        unknown=tuple(unknown),
    )


# FLOPs for one element of what an activation function is applied to.
ACTIVATIONS = {
    "linear": 0,
    "relu": 1,
    "relu6": 1,
    "sigmoid": 1,
    "tanh": 1,
    "silu": 3,
    "hard_sigmoid": 3,
    "hard_silu": 4,
    "softmax": 5,
}


def _convolution(node: Node) -> tuple[int, int]:
    positions = _size(node.output_shapes[0][:-1])
    return _product(node, positions)


def _dense(node: Node) -> tuple[int, int]:
    positions = _size(node.input_shapes[0][:-1])
    return _product(node, positions)


def _product(node: Node, positions: int) -> tuple[int, int]:
    """Cost a kernel that is applied at so many positions."""
    macs = 0
    bias = 0
    for weight in node.layer.weights:
        if weight.name == "bias":
            bias = _size(node.output_shapes[0])
        else:
            macs += positions * weight.size
    return macs, 2 * macs + bias


def _matmul(node: Node) -> tuple[int, int]:
    macs = _out(node) * _size((None, node.input_shapes[0][-1]))
    return macs, 2 * macs


def _batch_normalization(node: Node) -> tuple[int, int]:
    channels = node.layer.weights[0].size if node.layer.weights else 0
    return 0, 2 * _out(node) + 6 * channels


def _layer_normalization(node: Node) -> tuple[int, int]:
    size = _out(node)
    return 0, 9 * size + 4 * (size // _size((None, node.output_shapes[0][-1])))


def _merge(node: Node) -> tuple[int, int]:
    """Cost one operation a pair; an op of a tensor and a number is a pair too."""
    return 0, _out(node) * max(1, len(node.input_shapes) - 1)


def _average(node: Node) -> tuple[int, int]:
    return 0, _out(node) * len(node.input_shapes)


def _sum(node: Node) -> tuple[int, int]:
    return 0, _size(node.input_shapes[0]) - _out(node)


def _variance(node: Node) -> tuple[int, int]:
    return 0, 4 * _size(node.input_shapes[0])


def _per_input(node: Node) -> tuple[int, int]:
    return 0, _size(node.input_shapes[0])


def _per_output(node: Node) -> tuple[int, int]:
    return 0, _out(node)


def _free(_: Node) -> tuple[int, int]:
    return 0, 0


COSTS: dict[str, Callable[[Node], tuple[int, int]]] = {
    "InputLayer": _free,
    "Activation": _free,  # the function is what costs: see ACTIVATIONS
    "Dense": _dense,
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "Matmul": _matmul,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "GlobalAveragePooling2D": _per_input,
    "GlobalMaxPooling2D": _per_input,
    "Mean": _per_input,
    "Max": _per_input,
    "Sum": _sum,
    "Var": _variance,
    "Square": _per_output,
    "Sqrt": _per_output,
    "Add": _merge,
    "Subtract": _merge,
    "Multiply": _merge,
    "Divide": _merge,
    "Maximum": _merge,
    "Average": _average,
    "Concatenate": _free,
    "Cropping1D": _free,
    "Cropping2D": _free,
    "Permute": _free,
    "Reshape": _free,
}

WITH_MACS = frozenset({_convolution, _dense, _matmul})


def _out(node: Node) -> int:
    return _size(node.output_shapes[0])


def _size(shape: Shape) -> int:
    """Return the elements of one sample."""
    sizes = [size for size in shape[1:] if size is not None]
    if len(sizes) < len(shape) - 1:
        raise Unknown
    return prod(sizes)


def _shapes(node: Node) -> tuple[Shape, ...]:
    return node.input_shapes + node.output_shapes
