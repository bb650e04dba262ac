"""What a call of a layer is, read from its type and its config: Keras' own types, and its ops.

What layers are called says nothing, but what they are of does. Everything here is about one call
alone; what becomes of a feature map through several of them is for `flow`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.operations import ALIASES, LAYERS, OPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.graph import Layer, Node

CONVOLVING = frozenset({
    "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose",
    "DepthwiseConv1D", "DepthwiseConv2D", "LocallyConnected1D", "LocallyConnected2D",
    "SeparableConv1D", "SeparableConv2D",
})  # fmt: skip
MIXING = CONVOLVING | {"Dense", "EinsumDense"}
NORMALISING = frozenset(
    ("BatchNormalization", "GroupNormalization", "LayerNormalization", "SyncBatchNormalization")
)
ACTIVATING = {
    "Activation": "",
    "Celu": "celu",
    "ELU": "elu",
    "Elu": "elu",
    "Gelu": "gelu",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "HardTanh": "hard_tanh",
    "LeakyReLU": "leaky_relu",
    "LeakyRelu": "leaky_relu",
    "Mish": "mish",
    "PReLU": "prelu",
    "ReLU": "relu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Softmax": "softmax",
    "Softplus": "softplus",
    "Tanh": "tanh",
    "ThresholdedReLU": "relu",
}
# Functions with a lower and an upper bound: what a gate ends with.
BOUNDED = frozenset(("hard_sigmoid", "hard_tanh", "sigmoid", "softmax", "tanh"))
CALCULATING = frozenset({
    "Absolute", "Clip", "Exp", "Expm1", "Log", "Log1p", "Negative", "Reciprocal", "Rsqrt",
    "Sqrt", "Square",
})  # fmt: skip
MERGING = frozenset({
    "Add", "AddN", "Average", "Divide", "DivideNoNan", "Maximum", "Minimum", "Multiply",
    "Power", "Rescaling", "SquaredDifference", "Subtract", "TrueDivide",
})  # fmt: skip
DIVIDING = frozenset(("Divide", "DivideNoNan", "TrueDivide"))
# What makes of a tensor and itself the same number, whatever it is.
CANCELLING = DIVIDING | {"SquaredDifference", "Subtract"}
# What sums products: written out in letters by `subscripts_of`.
CONTRACTING = frozenset(("Dot", "Einsum", "Matmul"))
# What hands on what it gets, value for value.
HANDING_ON = frozenset({
    "ActivityRegularization", "AlphaDropout", "Cast", "ConvertToTensor", "Copy", "Dropout",
    "GaussianDropout", "GaussianNoise", "Identity", "SaturateCast", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "StopGradient", "tf.ensure_shape",
})  # fmt: skip
# What lays out anew what it gets.
TURNING = frozenset({
    "ExpandDims", "Flatten", "Moveaxis", "Permute", "Reshape", "Squeeze", "Swapaxes",
    "tf.keras.backend.batch_flatten", "Transpose", "View",
})  # fmt: skip
# What puts what it gets into another order along an axis.
REORDERING = frozenset(("Flip", "Roll"))
SPREADING = frozenset({
    "BroadcastTo", "Repeat", "RepeatVector", "Resize", "Resizing", "tf.image.resize", "Tile",
    "UpSampling1D", "UpSampling2D", "UpSampling3D",
})  # fmt: skip
# What can have more places than what it is made of.
GROWING = SPREADING | {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}
PADDING = frozenset(("Pad", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"))
CUTTING = frozenset(
    ("Cropping1D", "Cropping2D", "Cropping3D", "GetItem", "Split", "Unstack", "tf.slice")
)
STACKING = frozenset(("Concatenate", "Stack"))
MOVING = HANDING_ON | TURNING | REORDERING | SPREADING | PADDING | CUTTING | STACKING
# Reductions over axes, with what they keep of what they reduce.
REDUCING = {
    "Amax": "max",
    "Amin": "min",
    "Max": "max",
    "Mean": "mean",
    "Min": "min",
    "Norm": "norm",
    "Std": "std",
    "Sum": "sum",
    "Var": "var",
}
POOLING = {
    **{f"GlobalAveragePooling{rank}D": "mean" for rank in (1, 2, 3)},
    **{f"GlobalMaxPooling{rank}D": "max" for rank in (1, 2, 3)},
    **{f"AdaptiveAveragePooling{rank}D": "mean" for rank in (1, 2, 3)},
    **{f"AdaptiveMaxPooling{rank}D": "max" for rank in (1, 2, 3)},
    **{f"AveragePooling{rank}D": "mean" for rank in (1, 2, 3)},
    **{f"MaxPooling{rank}D": "max" for rank in (1, 2, 3)},
    "AdaptiveAveragePool": "mean",
    "AdaptiveMaxPool": "max",
    "AveragePool": "mean",
    "MaxPool": "max",
    "tf.compat.v1.nn.avg_pool": "mean",
    "tf.compat.v1.nn.max_pool": "max",
    "tf.nn.avg_pool": "mean",
    "tf.nn.avg_pool2d": "mean",
    "tf.nn.max_pool": "max",
    "tf.nn.max_pool2d": "max",
}
# What says of a tensor only how large it is.
MEASURING = frozenset({
    "OnesLike", "Shape", "Size", "tf.compat.v1.size", "tf.fill", "tf.ones", "tf.size",
    "tf.zeros", "ZerosLike",
})  # fmt: skip
IN_A_GATE = (
    MIXING
    | NORMALISING
    | ACTIVATING.keys()
    | CALCULATING
    | MERGING
    | CONTRACTING
    | MOVING
    | REDUCING.keys()
    | POOLING.keys()
    | MEASURING
    | {"Moments", "Normalize", "UnitNormalization"}
)
# Keras' own layers that the table lacks, and that hide nothing: what they do, they say.
OTHERS_OF_KERAS = frozenset({
    "CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup",
    "LocallyConnected1D", "LocallyConnected2D", "MaxNumBoundingBoxes", "MelSpectrogram",
    "RandomApply", "RandomChoice", "RandomFourierFeatures", "RandomHeight", "RandomWidth",
    "ReversibleEmbedding", "RNN", "SpectralNormalization", "STFTSpectrogram", "StringLookup",
    "TextVectorization", "TimeDistributed",
})  # fmt: skip


def layers_of(calls: Iterable[Node], types: frozenset[str]) -> list[Node]:
    """Return the first call of each layer of these types."""
    first: dict[int, Node] = {}
    for call in calls:
        if call.layer.type in types:
            first.setdefault(id(call.layer), call)
    return list(first.values())


def integers(value: Any) -> list[int]:
    """Return the integers of an option that is one or several of them; a file can say anything."""
    several = value if isinstance(value, (list, tuple)) else [value]
    return [each for each in several if type(each) is int]


def each_of_space(value: Any, rank: int) -> list[int | None]:
    """Return an option that is a number for each axis of space, or one for all."""
    given = integers(value)
    if len(given) == rank + 2:
        given = given[1:-1]
    if len(given) == 1:
        given *= rank
    return [*given] if len(given) == rank else [None] * rank


def option(call: Node, *names: str) -> Any:
    """Return what a call's config holds under the first of these names that it has."""
    config = call.layer.config
    return next((config[name] for name in names if config.get(name) is not None), None)


def scalar_operand(call: Node) -> float | None:
    """Return the number that a call's one tensor meets; None where there is none, or not kept."""
    # Of what cannot be swapped, what divides, is taken away, or is the exponent.
    swaps = call.layer.type in ("Add", "Multiply")
    numbers = [each for each in call.operands[0 if swaps else 1 :] if each is not None]
    return numbers[0] if len(numbers) == 1 else None


def is_channels_first(call: Node) -> bool:
    """Tell whether a call says that the channels stand before the space."""
    value = call.layer.config.get("data_format")
    return value == "channels_first" or (isinstance(value, str) and value.startswith("NC"))


def space_of(call: Node, rank: int) -> range:
    """Return which axes of what a call takes are its space, as the call sees it."""
    return range(2, rank) if is_channels_first(call) else range(1, rank - 1)


def sides_of(layer: Layer) -> tuple[int, ...]:
    """Return the sides of a layer's kernel; none where it has none."""
    return tuple(integers(layer.config.get("kernel_size")))


def filters_of(layer: Layer) -> int | None:
    """Return how many channels a layer makes; None where it does not say."""
    filters = layer.config.get("units", layer.config.get("filters"))
    if layer.type == "EinsumDense":
        sizes = integers(layer.config.get("output_shape"))
        filters = sizes[-1] if sizes else None
    return filters if isinstance(filters, int) else None


def is_dense(call: Node) -> bool:
    """Tell whether a call mixes the channels of each position alone: dense, or 1×1."""
    layer = call.layer
    if layer.type in ("Dense", "EinsumDense"):
        return True
    return (
        layer.type in ("Conv1D", "Conv2D", "Conv3D")
        and set(sides_of(layer)) == {1}
        and layer.config.get("groups", 1) == 1
    )


def function_of(call: Node) -> str | None:
    """Return the activation function that a call is."""
    type, config = call.layer.type, call.layer.config
    name = ACTIVATING.get(type)
    if name == "":
        return call.layer.function
    if name == "relu" and config.get("max_value") == 6:
        return "relu6"
    if type == "Clip" and option(call, "x_min") == 0:
        return {1: "hard_sigmoid", 6: "relu6"}.get(option(call, "x_max"))
    return name


def hands_on(call: Node) -> bool:
    """Tell whether a call hands on what it gets, value for value."""
    config = call.layer.config
    is_none = call.layer.type == "Activation" and config.get("activation", "") in (None, "linear")
    return is_none or call.layer.type in HANDING_ON


def are_bounded(calls: Sequence[Node]) -> bool:
    """Tell whether a function with a lower and an upper bound is among calls, or spelt out."""
    functions = {function_of(call) or call.layer.function for call in calls}
    types = {call.layer.type for call in calls}
    spelt = "Exp" in types and not types.isdisjoint(DIVIDING | {"Reciprocal"})
    return spelt or not functions.isdisjoint(BOUNDED)


def is_opaque(layer: Layer) -> bool:
    """Tell whether it cannot be seen what a layer does: a Lambda, or a class that is not Keras'."""
    type = layer.type
    if type == "Lambda" or ">" in type:
        return True
    # Files of old do not say where a class is from.
    named = any(type in names for names in (LAYERS, OPS, ALIASES, IN_A_GATE, OTHERS_OF_KERAS))
    return not named and not type.startswith("tf.")


def is_unread(call: Node) -> bool:
    """Tell whether it cannot be seen what a call does: it is opaque, or its inputs are lost."""
    return is_opaque(call.layer) or (not call.inputs and call.layer.type != "InputLayer")


LETTERS = "abcdefghijklmnopqrstuvw"


def subscripts_of(call: Node, ranks: list[int]) -> str | None:
    """Return what a call contracts, as `einsum` writes it, letters alone; None where unknown."""
    if call.layer.type == "Einsum":
        value = option(call, "subscripts")
        value = value.replace(" ", "") if isinstance(value, str) else ""
        inputs, arrow, output = value.partition("->")
        letters = [set(each) for each in inputs.split(",")]
        known = arrow and all(each.isalpha() for each in [*inputs.split(","), output or "a"])
        ranked = [len(each) for each in inputs.split(",")] == ranks
        twice = any(len(each) < rank for each, rank in zip(letters, ranks, strict=False))
        return value if known and ranked and not twice else None
    if len(ranks) != 2 or min(ranks) < 2 or max(ranks) > 8:
        return None
    if call.layer.type == "Matmul":
        batch = LETTERS[: max(ranks) - 2]
        first, second = ["yx", "xz"]
        if call.layer.config.get("transpose_a"):
            first = first[::-1]
        if call.layer.config.get("transpose_b"):
            second = second[::-1]
        left, right = [batch[len(batch) - rank + 2 :] for rank in ranks]
        return f"{left}{first},{right}{second}->{batch}yz"
    # Keras' Dot: the batches are one, and one axis of each is summed over.
    axes = option(call, "axes")
    pair = [axes, axes] if type(axes) is int else integers(axes)
    if len(pair) != 2 or option(call, "normalize"):
        return None
    left, right = LETTERS[: ranks[0]], LETTERS[0] + LETTERS[ranks[0] :][: ranks[1] - 1]
    summed, other = left[pair[0] % ranks[0]], right[pair[1] % ranks[1]]
    output = (left + right[1:]).replace(summed, "").replace(other, "")
    return f"{left},{right.replace(other, summed)}->{output}"
