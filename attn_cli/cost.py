"""What a call costs: multiply-accumulates, and the FLOPs that TensorFlow's own profiler counts.

One visible dict, type → cost per call, for one sample (a batch of 1). `macs` counts the
multiply-accumulates of convolutions, dense layers and matrix products and nothing else. `flops` is
what `tf.compat.v1.profiler` reports for a concrete function with static shapes, once Max, Relu,
Relu6, Sigmoid, Tanh and Sqrt are registered at one per element. The two part on purpose for dilated
convolutions (the profiler counts the padding), grouped ones (it says 0), transposed ones (it counts
what is cropped away) and a few scalars of bookkeeping: tests/test_cost.py shows each.
"""

from __future__ import annotations

from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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


# Why a total is unknown, in the words that are shown.
DYNAMIC = "the height or the width is dynamic"


def no_cost(unknown: Iterable[str]) -> str:
    """Return that these types have no known cost."""
    return f"no cost is known for {', '.join(unknown)}"


class Unknown(Exception):
    """A size is dynamic, or a layer works in a way that is not counted."""


def cost(node: Node) -> Cost:
    """Return what a call costs; None for what cannot be told."""
    handler = COSTS.get(node.layer.type)
    if handler is None:
        return Cost(None, None)
    times = node.times
    try:
        if times is None:
            raise Unknown
        macs, flops = handler(node)
        per_element = 0 if node.layer.function is None else ACTIVATIONS.get(node.layer.function)
        if per_element is None:
            return Cost(macs * times, None)
        if per_element:
            flops += per_element * _out(node)
        return Cost(macs * times, flops * times)
    except (Unknown, LookupError, TypeError):
        # A dynamic size hides how often a kernel is applied; what has no kernel has no MACs.
        return Cost(None if handler in WITH_MACS else 0, None)


def graph_cost(graph: Graph) -> GraphCost:
    """Return what a graph costs. A total is None where one part of it is unknown."""
    costs = tuple([cost(node) for node in graph.nodes])
    macs = [each.macs for each in costs]
    flops = [each.flops for each in costs]
    known = Cost(sum(filter(None, macs)), sum(filter(None, flops)))
    unknown = {
        node.layer.label: None
        for node, each in zip(graph.nodes, costs, strict=True)
        if None in each
        and (
            node.layer.type not in COSTS
            or all(shape and None not in shape[1:] for shape in _shapes(node))
        )
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
    return _product(node, _positions(node, node.output_shapes[0]))


def _transposed_convolution(node: Node) -> tuple[int, int]:
    return _product(node, _positions(node, node.input_shapes[0]))


def _positions(node: Node, shape: Shape) -> int:
    """Return the places of a feature map, wherever its channels stand."""
    first = node.layer.config.get("data_format") == "channels_first"
    return _size((None, *shape[2:]) if first else shape[:-1])


def _dense(node: Node) -> tuple[int, int]:
    positions = _size(node.input_shapes[0][:-1])
    return _product(node, positions)


def _product(node: Node, positions: int) -> tuple[int, int]:
    """Cost a kernel that is applied at so many positions."""
    macs = 0
    bias = 0
    if not node.layer.weights:
        raise Unknown  # a file can lack them
    for weight in node.layer.weights:
        if not weight.name:
            raise Unknown
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
    each = 6 if node.layer.config.get("scale", True) else 5
    return 0, 2 * _out(node) + each * channels


def _layer_normalization(node: Node) -> tuple[int, int]:
    config = node.layer.config
    if config.get("rms_scaling"):
        raise Unknown
    scale, center = config.get("scale", True), config.get("center", True)
    size = _out(node)
    groups = size // _along(node, config.get("axis", -1))
    # Mean 1, squared differences 2, their mean 1, times and plus; then gamma, beta, and what
    # the mean is scaled by: for each element with gamma, for each group without.
    per_element = 6 + (2 if scale else 0) + (1 if center else 0)
    return 0, per_element * size + (4 if scale else 5) * groups


def _normalization(node: Node) -> tuple[int, int]:
    axis = node.layer.config.get("axis", -1)
    # A maximum and a root of each variance.
    return 0, 2 * _out(node) + 2 * (1 if axis is None else _along(node, axis))


def _along(node: Node, axis: int | Sequence[int]) -> int:
    """Return the product of the sizes of some axes of what comes out."""
    shape = node.output_shapes[0]
    return _size((None, *[shape[each] for each in ([axis] if isinstance(axis, int) else axis)]))


def _merge(node: Node) -> tuple[int, int]:
    """Cost one operation a pair, pair by pair; an op of a tensor and a number is a pair too."""
    shapes = [shape[1:] for shape in node.input_shapes]
    if len(shapes) < 3 or len(set(map(len, shapes))) > 1:
        return 0, _out(node) * max(1, len(shapes) - 1)
    # A dynamic size raises TypeError here, and is unknown as elsewhere.
    _, *merged = accumulate(shapes, lambda first, second: tuple(map(max, first, second)))
    return 0, sum(map(prod, merged))


def _average(node: Node) -> tuple[int, int]:
    return 0, _merge(node)[1] + _out(node)


def _sum(node: Node) -> tuple[int, int]:
    return 0, _size(node.input_shapes[0]) - _out(node)


def _variance(node: Node) -> tuple[int, int]:
    return 0, 4 * _size(node.input_shapes[0])


def _per_input(node: Node) -> tuple[int, int]:
    return 0, _size(node.input_shapes[0])


def _per_output(node: Node) -> tuple[int, int]:
    return 0, _out(node)


def _times(factor: int) -> Callable[[Node], tuple[int, int]]:
    return lambda node: (0, factor * _out(node))


def _deviation(node: Node) -> tuple[int, int]:
    return 0, 4 * _size(node.input_shapes[0]) + _out(node)


def _pooling(node: Node) -> tuple[int, int]:
    window = node.layer.config["pool_size"]
    if not all(type(side) is int for side in window):
        raise Unknown
    return 0, prod(window) * _out(node)


def _relu(node: Node) -> tuple[int, int]:
    config = node.layer.config
    if config.get("max_value") not in (None, 6):
        raise Unknown
    if config.get("negative_slope") or config.get("threshold"):
        raise Unknown
    return 0, _out(node)


def _softmax(node: Node) -> tuple[int, int]:
    axis = node.layer.config.get("axis", -1)
    if not isinstance(axis, int):
        raise Unknown
    return 0, 5 * _out(node)


def _upsampling(node: Node) -> tuple[int, int]:
    if node.layer.config.get("interpolation", "nearest") != "nearest":
        raise Unknown
    return 0, 0


def _free(_: Node) -> tuple[int, int]:
    return 0, 0


COSTS: dict[str, Callable[[Node], tuple[int, int]]] = {
    "InputLayer": _free,
    "Activation": _free,  # the function is what costs: see ACTIVATIONS
    "Dense": _dense,
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "Conv1DTranspose": _transposed_convolution,
    "Conv2DTranspose": _transposed_convolution,
    "Conv3DTranspose": _transposed_convolution,
    "DepthwiseConv1D": _convolution,
    "DepthwiseConv2D": _convolution,
    "SeparableConv1D": _convolution,
    "SeparableConv2D": _convolution,
    "BatchNormalization": _batch_normalization,
    "SyncBatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "Normalization": _normalization,
    "Rescaling": _times(2),
    "CustomScaleLayer": _times(2),  # of keras.applications' InceptionResNetV2
    "LayerScale": _per_output,  # of keras.applications' ConvNeXt
    "GlobalAveragePooling1D": _per_input,
    "GlobalAveragePooling2D": _per_input,
    "GlobalMaxPooling1D": _per_input,
    "GlobalMaxPooling2D": _per_input,
    "AveragePooling1D": _pooling,
    "AveragePooling2D": _pooling,
    "MaxPooling1D": _pooling,
    "MaxPooling2D": _pooling,
    "Mean": _per_input,
    "Max": _per_input,
    "Sum": _sum,
    "Var": _variance,
    "Std": _deviation,
    "Add": _merge,
    "Average": _average,
    "Divide": _merge,
    "Maximum": _merge,
    "Minimum": _merge,
    "Multiply": _merge,
    "Subtract": _merge,
    "TrueDivide": _merge,
    "ReLU": _relu,
    "Relu": _per_output,
    "Relu6": _per_output,
    "Sigmoid": _per_output,
    "Sqrt": _per_output,
    "Square": _per_output,
    "Tanh": _per_output,
    "HardSigmoid": _times(3),
    "HardSilu": _times(4),
    "Silu": _times(3),
    "Softmax": _softmax,
    "Matmul": _matmul,
    "Cast": _free,
    "Concatenate": _free,
    "Cropping1D": _free,
    "Cropping2D": _free,
    "Dropout": _free,
    "ExpandDims": _free,
    "Flatten": _free,
    "GaussianDropout": _free,
    "GaussianNoise": _free,
    "GetItem": _free,
    "Identity": _free,
    "Permute": _free,
    "Reshape": _free,
    "SpatialDropout1D": _free,
    "SpatialDropout2D": _free,
    "Split": _free,
    "Squeeze": _free,
    "Stack": _free,
    "StochasticDepth": _free,
    "Transpose": _free,
    "UpSampling2D": _upsampling,
    "ZeroPadding1D": _free,
    "ZeroPadding2D": _free,
}

WITH_MACS = frozenset({_convolution, _transposed_convolution, _dense, _matmul})


def _out(node: Node) -> int:
    return _size(node.output_shapes[0])


def _size(shape: Shape) -> int:
    """Return the elements of one sample."""
    sizes = [size for size in shape[1:] if size is not None]
    if not shape or len(sizes) < len(shape) - 1:
        raise Unknown
    return prod(sizes)


def _shapes(node: Node) -> tuple[Shape, ...]:
    return node.input_shapes + node.output_shapes
