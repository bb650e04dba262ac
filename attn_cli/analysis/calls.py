"""What a call of a layer does to a feature map: mixes, pools, activates, moves.

What layers are called says nothing, but what they are of does: Keras' own types, and its ops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.graph import Layer, Node, Shape

MIXING = frozenset(
    ("Conv1D", "Conv2D", "Conv3D", "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv2D")
)
NORMALISING = frozenset(
    ("BatchNormalization", "GroupNormalization", "LayerNormalization", "SyncBatchNormalization")
)
ACTIVATING = {
    "Activation": "",
    "ELU": "elu",
    "Elu": "elu",
    "Gelu": "gelu",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "LeakyReLU": "leaky_relu",
    "LeakyRelu": "leaky_relu",
    "PReLU": "prelu",
    "ReLU": "relu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Softmax": "softmax",
    "Softplus": "softplus",
    "Tanh": "tanh",
}
CALCULATING = frozenset(
    ("Absolute", "Clip", "Exp", "Log", "Negative", "Power", "Rsqrt", "Sqrt", "Square")
)
# What hands on what it gets, value for value.
HANDING_ON = frozenset(("Cast", "Dropout", "Identity", "SpatialDropout2D"))
MOVING = HANDING_ON | frozenset(
    (
        *("Concatenate", "Cropping1D", "Cropping2D", "ExpandDims", "Flatten", "GetItem", "Permute"),
        *("RepeatVector", "Reshape", "Split", "Squeeze", "Stack", "Transpose", "UpSampling2D"),
        *("ZeroPadding1D", "ZeroPadding2D"),
    )
)
MERGING = frozenset(
    (
        *("Add", "Average", "Divide", "Matmul", "Maximum", "Minimum", "Multiply", "Subtract"),
        "TrueDivide",
    )
)
# Pools, with what they keep of what they pool.
POOLING = {
    "AveragePooling1D": "mean",
    "AveragePooling2D": "mean",
    "GlobalAveragePooling1D": "mean",
    "GlobalAveragePooling2D": "mean",
    "GlobalAveragePooling3D": "mean",
    "GlobalMaxPooling1D": "max",
    "GlobalMaxPooling2D": "max",
    "GlobalMaxPooling3D": "max",
    "Amax": "max",
    "Max": "max",
    "MaxPooling1D": "max",
    "MaxPooling2D": "max",
    "Mean": "mean",
    "Min": "min",
    "Std": "deviation",
    "Sum": "sum",
    "Var": "deviation",
}
IN_A_GATE = (
    MIXING | NORMALISING | ACTIVATING.keys() | CALCULATING | MOVING | MERGING | POOLING.keys()
)


class Pool(NamedTuple):
    """A reduction of a whole feature map: what it keeps, and over what: "space", "channels", …"""

    keeps: str
    over: str


def layers_of(calls: Iterable[Node], types: frozenset[str]) -> list[Node]:
    """Return the first call of each layer of these types."""
    first: dict[int, Node] = {}
    for call in calls:
        if call.layer.type in types:
            first.setdefault(id(call.layer), call)
    return list(first.values())


def pool_of(call: Node, shape: Shape, first: bool) -> Pool | None:
    """Return what a call pools of a whole feature map of this shape; `first`: channels first."""
    keeps = POOLING.get(call.layer.type)
    if keeps is None or not call.input_shapes or call.input_shapes[0] != shape:
        return None
    config, rank = call.layer.config, len(shape)
    if call.layer.type.startswith("Global"):
        return Pool(keeps, "space")
    if call.layer.type.endswith(("1D", "2D")):
        before = shape[2:] if first else shape[1:-1]
        output = call.output_shapes[0]
        after = output[2:] if first else output[1:-1]
        offset = 2 if first else 1
        axes = {
            axis + offset
            for axis, (size, left) in enumerate(zip(before, after, strict=False))
            if left == 1 and size not in (1, None)
        }
        if len(after) != len(before) or any(
            left not in (1, size) for size, left in zip(before, after, strict=True)
        ):
            return None
    else:
        axis = config.get("axis")
        given = range(rank) if axis is None else _integers(axis)
        axes = {each % rank for each in given} if rank else set()
    over = _over(axes, rank, first)
    return Pool(keeps, over) if over else None


def _over(axes: set[int], rank: int, first: bool) -> str:
    """Return what these axes of a feature map are."""
    if rank < 3:
        return ""
    if axes == set(range(2, rank)) and rank > 3:
        first = True
    space = list(range(2, rank)) if first else list(range(1, rank - 1))
    if axes == set(space):
        return "space"
    if axes == {1 if first else rank - 1}:
        return "channels"
    if rank == 4 and len(axes) == 1:
        return {space[0]: "height", space[1]: "width"}.get(min(axes), "")
    return ""


def _integers(value: Any) -> list[int]:
    """Return the integers of an option that is one or several of them; a file can say anything."""
    several = value if isinstance(value, (list, tuple)) else [value]
    return [each for each in several if isinstance(each, int)]


def sides_of(layer: Layer) -> tuple[int, ...]:
    """Return the sides of a layer's kernel; none where it has none."""
    return tuple(_integers(layer.config.get("kernel_size")))


def filters_of(layer: Layer) -> int | None:
    """Return how many channels a layer makes; None where it does not say."""
    filters = layer.config.get("units", layer.config.get("filters"))
    return filters if isinstance(filters, int) else None


def is_dense(call: Node) -> bool:
    """Tell whether a call mixes the channels of each place alone: dense, or a 1×1 convolution."""
    layer = call.layer
    if layer.type == "Dense":
        return True
    return (
        layer.type in ("Conv1D", "Conv2D", "Conv3D")
        and set(sides_of(layer)) == {1}
        and layer.config.get("groups", 1) == 1
    )


def is_along_channels(call: Node) -> bool:
    """Tell whether a call is a convolution along the channels: of one channel, with one filter."""
    sides = [side for side in sides_of(call.layer) if side > 1]
    if call.layer.type == "Dense" or not is_one_filter(call) or len(sides) > 1:
        return False
    shape = call.input_shapes[0]
    if call.layer.config.get("data_format") == "channels_first":
        return len(shape) > 2 and shape[1] == 1
    return len(shape) > 2 and shape[-1] == 1


def are_depthwise(mixing: Sequence[Node]) -> bool:
    """Tell whether there are calls that mix, and each of them each channel for itself."""
    return bool(mixing) and all(call.layer.type.startswith("Depthwise") for call in mixing)


def is_one_filter(call: Node) -> bool:
    """Tell whether a call is a convolution that makes one channel."""
    return call.layer.type.startswith("Conv") and filters_of(call.layer) == 1


def make_one_map(mixing: Sequence[Node]) -> bool:
    """Tell whether all that mixes is one convolution that makes one channel."""
    return len(mixing) == 1 and is_one_filter(mixing[0])


def function_of(call: Node) -> str | None:
    """Return the activation function that a call is."""
    name = ACTIVATING.get(call.layer.type)
    if name == "":
        return call.layer.function
    if name == "relu" and call.layer.config.get("max_value") == 6:
        return "relu6"
    return name
