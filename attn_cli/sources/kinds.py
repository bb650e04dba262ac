"""What a layer's type, config and input tell: the shape that comes out, and the weights it has.

One visible dict, type → Kind. A type that is not in it is unknown: no shape, no weights, no guess.
The same holds for a config that makes no sense: whatever goes wrong here is "unknown".
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.graph import ITEM_SIZES, UNKNOWN, Shape, Weight
from attn_cli.symbolic.ops import reduced
from attn_cli.symbolic.trace import elementwise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Config = dict[str, Any]
MAX_SIZE = 2**31 - 1


class Role(NamedTuple):
    """A weight that a layer has: its name, its sizes, None where unknown, and if it is trained."""

    name: str
    dims: tuple[int | None, ...] | None
    trainable: bool = True

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Tell whether a stored array can be this weight."""
        return self.dims is None or (
            len(shape) == len(self.dims)
            and all(dim in (None, size) for dim, size in zip(self.dims, shape, strict=True))
        )


class Kind(NamedTuple):
    """What is known of a type of layer."""

    shapes: Callable[[Config, Sequence[Shape]], Sequence[Shape]]
    weights: Callable[[Config, Shape], list[Role]] | None = None


def output_shapes(type: str, config: Config, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
    """Return the shapes that come out; empty where they cannot be told."""
    kind = KINDS.get(type)
    if kind is None or not inputs or UNKNOWN in inputs:
        return ()
    try:
        shapes = tuple([tuple(shape) for shape in kind.shapes(config, inputs)])
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return ()
    for shape in shapes:
        for size in shape:
            if size is not None and (type_of(size) is not int or not 0 <= size <= MAX_SIZE):
                return ()
    return shapes


def weight_roles(type: str, config: Config, shape: Shape) -> list[Role] | None:
    """Return the weights of a layer for an input of this shape; None where they cannot be told."""
    kind = KINDS.get(type)
    if kind is None:
        return None
    if kind.weights is None:
        return []
    try:
        roles = kind.weights(config, shape)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None
    for role in roles:
        for dim in role.dims or ():
            if dim is not None and (type_of(dim) is not int or not 0 <= dim <= MAX_SIZE):
                return None
    return roles


def predicted(roles: list[Role] | None, dtype: str, trainable: bool) -> tuple[Weight, ...] | None:
    """Return the weights that a layer will have; None where a size is unknown."""
    if roles is None:
        return None
    weights = []
    for role in roles:
        sizes = [dim for dim in role.dims or () if dim is not None]
        if role.dims is None or len(sizes) < len(role.dims):
            return None
        weights.append(Weight(role.name, tuple(sizes), dtype, role.trainable and trainable))
    return tuple(weights)


def variable_dtype(config: Config) -> str:
    """Return the type of a layer's weights, as its dtype policy says."""
    policy = config.get("dtype")
    if isinstance(policy, dict):
        inner = policy.get("config")
        policy = inner.get("name") if isinstance(inner, dict) else None
    return policy if isinstance(policy, str) and policy in ITEM_SIZES else "float32"


type_of = type


def _same(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    return [inputs[0]]


def _merged(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    rank = max(map(len, inputs))
    if all(len(shape) == rank for shape in inputs):
        return [elementwise(inputs)]
    # The batch apart, sizes are lined up from the last.
    return [
        (
            inputs[0][0],
            *elementwise([(1,) * (rank - len(shape)) + shape[1:] for shape in inputs]),
        )
    ]


def _first(config: Config) -> bool:
    return config.get("data_format") == "channels_first"


def _space(config: Config, shape: Shape) -> tuple[Shape, int | None]:
    """Return the sizes between batch and channels, and the channels."""
    return (shape[2:], shape[1]) if _first(config) else (shape[1:-1], shape[-1])


def _joined(config: Config, batch: int | None, space: Sequence[int | None], c: int | None) -> Shape:
    return (batch, c, *space) if _first(config) else (batch, *space, c)


def _sizes(value: Any, rank: int) -> tuple[int, ...]:
    sizes = (value,) * rank if type_of(value) is int else tuple(value)
    if len(sizes) != rank or not all(type_of(size) is int and size > 0 for size in sizes):
        raise ValueError
    return sizes


def _windows(config: Config, space: Shape, window: Any, strides: Any) -> list[int | None]:
    """Return the sizes after a window has been moved over each dimension."""
    rank = len(space)
    dilation = _sizes(config.get("dilation_rate", 1), rank)
    sizes: list[int | None] = []
    for size, k, stride, d in zip(
        space, _sizes(window, rank), _sizes(strides, rank), dilation, strict=True
    ):
        if size is None:
            sizes.append(None)
            continue
        if config["padding"] == "valid":
            size -= (k - 1) * d
        elif config["padding"] not in ("same", "causal"):
            raise ValueError
        sizes.append(max(0, -(-size // stride)))
    return sizes


def _channels(config: Config, shape: Shape) -> int | None:
    if not shape:
        return None
    return shape[1] if _first(config) else shape[-1]


def _bias(config: Config, size: int | None) -> list[Role]:
    return [Role("bias", (size,))] if config.get("use_bias", True) else []


def _conv(rank: int) -> Kind:
    def shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
        space, _ = _space(config, inputs[0])
        _sizes(space and 1, rank)
        after = _windows(config, space, config["kernel_size"], config["strides"])
        if len(after) != rank:
            raise ValueError
        return [_joined(config, inputs[0][0], after, config["filters"])]

    def weights(config: Config, shape: Shape) -> list[Role]:
        channels, groups, filters = (
            _channels(config, shape),
            config.get("groups", 1),
            config["filters"],
        )
        if channels is not None:
            channels //= groups
        kernel = Role("kernel", (*_sizes(config["kernel_size"], rank), channels, filters))
        return [kernel, *_bias(config, filters)]

    return Kind(shapes, weights)


def _transposed(rank: int) -> Kind:
    def shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
        if config.get("output_padding") is not None:
            return []
        space, _ = _space(config, inputs[0])
        sizes = zip(
            space,
            _sizes(config["kernel_size"], rank),
            _sizes(config["strides"], rank),
            _sizes(config.get("dilation_rate", 1), rank),
            strict=True,
        )
        extra = config["padding"] == "valid"
        after = [
            None if size is None else size * stride + extra * max((k - 1) * d + 1 - stride, 0)
            for size, k, stride, d in sizes
        ]
        return [_joined(config, inputs[0][0], after, config["filters"])]

    def weights(config: Config, shape: Shape) -> list[Role]:
        filters = config["filters"]
        sizes = (*_sizes(config["kernel_size"], rank), filters, _channels(config, shape))
        return [Role("kernel", sizes), *_bias(config, filters)]

    return Kind(shapes, weights)


def _depthwise(rank: int) -> Kind:
    def shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
        space, channels = _space(config, inputs[0])
        after = _windows(config, space, config["kernel_size"], config["strides"])
        _sizes(1, rank)
        channels = None if channels is None else channels * config.get("depth_multiplier", 1)
        return [_joined(config, inputs[0][0], after, channels)]

    def weights(config: Config, shape: Shape) -> list[Role]:
        channels, multiplier = _channels(config, shape), config.get("depth_multiplier", 1)
        sizes = (*_sizes(config["kernel_size"], rank), channels, multiplier)
        after = None if channels is None else channels * multiplier
        return [Role("kernel", sizes), *_bias(config, after)]

    return Kind(shapes, weights)


def _separable(rank: int) -> Kind:
    def weights(config: Config, shape: Shape) -> list[Role]:
        channels, multiplier = _channels(config, shape), config.get("depth_multiplier", 1)
        filters = config["filters"]
        after = None if channels is None else channels * multiplier
        return [
            Role("depthwise_kernel", (*_sizes(config["kernel_size"], rank), channels, multiplier)),
            Role("pointwise_kernel", (*(1,) * rank, after, filters)),
            *_bias(config, filters),
        ]

    return Kind(_conv(rank).shapes, weights)


def _dense_shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    return [(*inputs[0][:-1], config["units"])]


def _dense_weights(config: Config, shape: Shape) -> list[Role]:
    kernel = Role("kernel", (shape[-1] if shape else None, config["units"]))
    return [kernel, *_bias(config, config["units"])]


def _axes(config: Config, shape: Shape) -> tuple[int | None, ...]:
    """Return the sizes of the axes that a normalisation has its weights for."""
    axis = config.get("axis", -1)
    axes = (axis,) if type_of(axis) is int else tuple(axis)
    return tuple(shape[each] for each in axes) if shape else (None,) * len(axes)


def _batch_norm_weights(config: Config, shape: Shape) -> list[Role]:
    dims = _axes(config, shape)
    return [
        *([Role("gamma", dims)] if config.get("scale", True) else ()),
        *([Role("beta", dims)] if config.get("center", True) else ()),
        Role("moving_mean", dims, False),
        Role("moving_variance", dims, False),
    ]


def _layer_norm_weights(config: Config, shape: Shape) -> list[Role]:
    dims = _axes(config, shape)
    return [
        *([Role("gamma", dims)] if config.get("scale", True) else ()),
        *([Role("beta", dims)] if config.get("center", True) else ()),
    ]


def _normalization_weights(config: Config, shape: Shape) -> list[Role]:
    if config.get("mean") is not None:
        return []
    if config.get("axis", -1) is None:
        dims: tuple[int | None, ...] = ()
    else:
        dims = _axes(config, shape)
    # Keras 2 counts the batches that it adapted to.
    return [Role("mean", dims, False), Role("variance", dims, False), Role("count", (), False)]


def _scale_weights(config: Config, shape: Shape) -> list[Role]:
    return [Role("gamma", (config["projection_dim"],))]


def _prelu_weights(config: Config, shape: Shape) -> list[Role]:
    if not shape:
        return [Role("alpha", None)]
    dims = list(shape[1:])
    for axis in config.get("shared_axes") or ():
        dims[axis - 1] = 1
    return [Role("alpha", tuple(dims))]


def _embedding_shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    return [(*inputs[0], config["output_dim"])]


def _embedding_weights(config: Config, shape: Shape) -> list[Role]:
    return [Role("embeddings", (config["input_dim"], config["output_dim"]))]


def _recurrent(gates: int) -> Kind:
    def shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
        batch, steps, _ = inputs[0]
        units = config["units"]
        one: Shape = (batch, steps, units) if config.get("return_sequences") else (batch, units)
        if config.get("return_state"):
            return [one] + [(batch, units)] * (2 if gates == 4 else 1)
        return [one]

    def weights(config: Config, shape: Shape) -> list[Role]:
        width = gates * config["units"]
        bias = (2, width) if gates == 3 and config.get("reset_after", True) else (width,)
        return [
            Role("kernel", (shape[-1] if shape else None, width)),
            Role("recurrent_kernel", (config["units"], width)),
            *([Role("bias", bias)] if config.get("use_bias", True) else ()),
        ]

    return Kind(shapes, weights)


def _pool(rank: int) -> Kind:
    def shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
        space, channels = _space(config, inputs[0])
        if len(space) != rank:
            raise ValueError
        strides = config.get("strides") or config["pool_size"]
        after = _windows(config, space, config["pool_size"], strides)
        return [_joined(config, inputs[0][0], after, channels)]

    return Kind(shapes)


def _global_pool(rank: int) -> Kind:
    def shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
        space, channels = _space(config, inputs[0])
        if len(space) != rank:
            raise ValueError
        if config.get("keepdims"):
            return [_joined(config, inputs[0][0], (1,) * rank, channels)]
        return [(inputs[0][0], channels)]

    return Kind(shapes)


def _padded(rank: int, sign: int) -> Kind:
    def shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
        space, channels = _space(config, inputs[0])
        amounts = config["padding"] if sign > 0 else config["cropping"]
        if type_of(amounts) is int:
            amounts = (amounts,) * rank
        elif rank == 1:
            amounts = (amounts,)
        both = [
            2 * amount if type_of(amount) is int else amount[0] + amount[1] for amount in amounts
        ]
        after = [
            None if size is None else size + sign * amount
            for size, amount in zip(space, both, strict=True)
        ]
        return [_joined(config, inputs[0][0], after, channels)]

    return Kind(shapes)


def _upsampled(rank: int) -> Kind:
    def shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
        space, channels = _space(config, inputs[0])
        times = _sizes(config["size"], rank)
        after = [None if n is None else n * t for n, t in zip(space, times, strict=True)]
        return [_joined(config, inputs[0][0], after, channels)]

    return Kind(shapes)


def _resized(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    channels = _space(config, inputs[0])[1]
    if config.get("crop_to_aspect_ratio") is None and "height" not in config:
        raise ValueError
    return [_joined(config, inputs[0][0], (config["height"], config["width"]), channels)]


def _flattened(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    sizes = [size for size in inputs[0][1:] if size is not None]
    known = len(sizes) == len(inputs[0]) - 1
    return [(inputs[0][0], prod(sizes) if known else None)]


def _reshaped(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    batch: Shape
    if "target_shape" in config:
        batch, before, target = inputs[0][:1], inputs[0][1:], tuple(config["target_shape"])
    else:  # the op
        new = config.get("newshape", config.get("shape"))
        batch, before, target = (), inputs[0], tuple(new or ())
        if target[0] in (-1, None) and before[0] is None:
            batch, before, target = (None,), before[1:], target[1:]
    if not all(type_of(size) is int and size >= -1 for size in target):
        raise ValueError
    if -1 not in target:
        return [(*batch, *target)]
    sizes = [size for size in before if size is not None]
    rest = prod([size for size in target if size != -1])
    if target.count(-1) > 1 or not rest:
        raise ValueError
    free = prod(sizes) // rest if len(sizes) == len(before) else None
    return [(*batch, *[free if size == -1 else size for size in target])]


def _permuted(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    shape, dims = inputs[0], config["dims"]
    if sorted(dims) != list(range(1, len(shape))):
        raise ValueError
    return [(shape[0], *[shape[dim] for dim in dims])]


def _transposed_op(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    shape, axes = inputs[0], config.get("axes", config.get("perm"))
    if axes is None:
        return [shape[::-1]]
    if sorted(axes) != list(range(len(shape))):
        raise ValueError
    return [tuple(shape[axis] for axis in axes)]


def _repeated(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    batch, features = inputs[0]
    return [(batch, config["n"], features)]


def _concatenated(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    axis = config.get("axis", -1)
    rank = len(inputs[0])
    sizes = [shape[axis] for shape in inputs]
    known = [size for size in sizes if size is not None]
    if any(len(shape) != rank for shape in inputs):
        raise ValueError
    joined = list(elementwise([(*s[: axis % rank], 1, *s[axis % rank + 1 :]) for s in inputs]))
    joined[axis] = sum(known) if len(known) == len(sizes) else None
    return [tuple(joined)]


def _stacked(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    shape = list(inputs[0])
    shape.insert(config.get("axis", 0) % (len(shape) + 1), len(inputs))
    return [tuple(shape)]


def _reduction(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    shape, axis = inputs[0], config.get("axis")
    axes = range(len(shape)) if axis is None else [axis] if isinstance(axis, int) else list(axis)
    return [reduced(shape, axes, bool(config.get("keepdims")))]


def _expanded(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    axis = config["axis"]
    axes = (axis,) if type_of(axis) is int else tuple(axis)
    shape = list(inputs[0])
    rank = len(shape) + len(axes)
    for each in sorted(each % rank for each in axes):
        shape.insert(each, 1)
    return [tuple(shape)]


def _squeezed(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    shape, axis = inputs[0], config.get("axis")
    axes = (axis,) if type_of(axis) is int else tuple(axis or ())
    gone = {each % len(shape) for each in axes}
    return [tuple(size for place, size in enumerate(shape) if place not in gone)]


def _split(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    shape, axis = inputs[0], config.get("axis", -1)
    parts = config.get("indices_or_sections", config.get("num_or_size_splits"))
    size = shape[axis]
    if size is None:
        raise ValueError
    if type_of(parts) is int:
        sizes = [size // parts] * parts if 0 < parts <= 64 else []
    elif "indices_or_sections" in config:
        bounds = [0, *(parts or ()), size]
        sizes = [after - before for before, after in pairwise(bounds)]
    else:
        sizes = list(parts or ())
    axis %= len(shape)
    return [(*shape[:axis], each, *shape[axis + 1 :]) for each in sizes]


def _attention_shapes(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    if config.get("output_shape") is not None:
        raise ValueError
    return [inputs[0]]


def _sliced(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    """Return the shape of x[…], as Keras 2 notes slices and places."""
    spec = config["slice_spec"]
    if len(spec) > len(inputs[0]):
        raise ValueError
    sizes: list[int | None] = []
    for size, part in zip(inputs[0], spec, strict=False):
        if type_of(part) is int:
            continue
        bounds = part["start"], part["stop"], part["step"]
        if bounds == (None, None, None):
            sizes.append(size)
        elif size is None:
            raise ValueError
        else:
            sizes.append(len(range(*slice(*bounds).indices(size))))
    return [(*sizes, *inputs[0][len(spec) :])]


def _matmul(config: Config, inputs: Sequence[Shape]) -> list[Shape]:
    left, right = inputs
    if len(left) < 3:
        raise ValueError
    return [(*elementwise([left[:-2], right[:-2]]), left[-2], right[-1])]


def _attention_weights(config: Config, shape: Shape) -> list[Role]:
    if config.get("use_gate"):
        raise ValueError
    heads, width = config["num_heads"], config["key_dim"]
    value_width = config.get("value_dim") or width
    query = shape[-1] if shape else None
    roles = []
    for size, each in ((query, width), (None, width), (None, value_width)):
        roles.append(Role("kernel", (size, heads, each)))
        roles += [Role("bias", (heads, each))] if config.get("use_bias", True) else []
    after = None if config.get("output_shape") else query
    return [*roles, Role("kernel", (heads, value_width, after)), *_bias(config, after)]


SAME = Kind(_same)
MERGE = Kind(_merged)
REDUCTION = Kind(_reduction)
BATCH_NORM = Kind(_same, _batch_norm_weights)
LAYER_NORM = Kind(_same, _layer_norm_weights)

KINDS: dict[str, Kind] = {
    "Dense": Kind(_dense_shapes, _dense_weights),
    "Embedding": Kind(_embedding_shapes, _embedding_weights),
    "Conv1D": _conv(1),
    "Conv2D": _conv(2),
    "Conv3D": _conv(3),
    "Conv1DTranspose": _transposed(1),
    "Conv2DTranspose": _transposed(2),
    "Conv3DTranspose": _transposed(3),
    "DepthwiseConv1D": _depthwise(1),
    "DepthwiseConv2D": _depthwise(2),
    "SeparableConv1D": _separable(1),
    "SeparableConv2D": _separable(2),
    "SimpleRNN": _recurrent(1),
    "GRU": _recurrent(3),
    "LSTM": _recurrent(4),
    "MultiHeadAttention": Kind(_attention_shapes, _attention_weights),
    "BatchNormalization": BATCH_NORM,
    "SyncBatchNormalization": BATCH_NORM,
    "LayerNormalization": LAYER_NORM,
    "GroupNormalization": LAYER_NORM,
    "Normalization": Kind(_same, _normalization_weights),
    "PReLU": Kind(_same, _prelu_weights),
    "LayerScale": Kind(_same, _scale_weights),  # of keras.applications' ConvNeXt
    "CustomScaleLayer": SAME,  # of keras.applications' InceptionResNetV2
    "StochasticDepth": SAME,  # of keras.applications' ConvNeXt
    "MaxPooling1D": _pool(1),
    "MaxPooling2D": _pool(2),
    "MaxPooling3D": _pool(3),
    "AveragePooling1D": _pool(1),
    "AveragePooling2D": _pool(2),
    "AveragePooling3D": _pool(3),
    "GlobalAveragePooling1D": _global_pool(1),
    "GlobalAveragePooling2D": _global_pool(2),
    "GlobalAveragePooling3D": _global_pool(3),
    "GlobalMaxPooling1D": _global_pool(1),
    "GlobalMaxPooling2D": _global_pool(2),
    "GlobalMaxPooling3D": _global_pool(3),
    "ZeroPadding1D": _padded(1, 1),
    "ZeroPadding2D": _padded(2, 1),
    "ZeroPadding3D": _padded(3, 1),
    "Cropping1D": _padded(1, -1),
    "Cropping2D": _padded(2, -1),
    "Cropping3D": _padded(3, -1),
    "UpSampling1D": _upsampled(1),
    "UpSampling2D": _upsampled(2),
    "UpSampling3D": _upsampled(3),
    "Resizing": Kind(_resized),
    "CenterCrop": Kind(_resized),
    "Flatten": Kind(_flattened),
    "Reshape": Kind(_reshaped),
    "Permute": Kind(_permuted),
    "RepeatVector": Kind(_repeated),
    "Concatenate": Kind(_concatenated),
    "Transpose": Kind(_transposed_op),
    "ExpandDims": Kind(_expanded),
    "Squeeze": Kind(_squeezed),
    "GetItem": Kind(_sliced),
    "Matmul": Kind(_matmul),
    "Split": Kind(_split),
    "Stack": Kind(_stacked),
    **dict.fromkeys(
        (
            *("Add", "Average", "Divide", "Maximum", "Minimum", "Multiply", "Power"),
            *("Subtract", "TrueDivide"),
        ),
        MERGE,
    ),
    **dict.fromkeys(("Amax", "Amin", "Max", "Mean", "Min", "Std", "Sum", "Var"), REDUCTION),
    **dict.fromkeys(
        (
            *("Absolute", "Activation", "ActivityRegularization", "AlphaDropout", "Cast", "Clip"),
            *("Dropout", "ELU", "Elu", "Exp", "Gelu", "GaussianDropout", "GaussianNoise"),
            *("HardSigmoid", "HardSilu", "Identity", "LeakyReLU", "LeakyRelu", "Log", "Masking"),
            *("Mish", "Negative", "RandomBrightness", "RandomContrast", "RandomFlip"),
            *("RandomRotation", "RandomTranslation", "RandomZoom", "ReLU", "Relu", "Relu6"),
            *("Rescaling", "Rsqrt", "Selu", "Sigmoid", "Silu", "Softmax", "Softplus", "Softsign"),
            *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "Sqrt", "Square"),
            *("Tanh", "ThresholdedReLU", "UnitNormalization"),
        ),
        SAME,
    ),
}
