"""The part of `keras.layers` that blocks use: arguments, weights, output shapes as in Keras 3."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadOption, BadShape, NotModelled, did_you_mean
from attn_cli.symbolic.trace import (
    Operation,
    Shape,
    SymbolicTensor,
    Trace,
    Weight,
    elementwise,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The names that keras.activations.get() takes, with what Keras saves an alias as.
ACTIVATIONS = dict.fromkeys(
    (
        *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu"),
        *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu"),
        *("relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign"),
        *("sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink"),
        "threshold",
    )
) | {"swish": "silu", "hard_swish": "hard_silu"}

INITIALIZERS = ("glorot_uniform", "ones", "zeros")


class Layer(Operation):
    """What every layer does: take a name, build its weights at the first call, record each call."""

    __slots__ = ("built_on", "trace")

    rank: int | None = None

    def __init__(self, trace: Trace, name: str | None, **config: Any) -> None:
        type = self.__class__.__name__
        if name is None:
            name = trace.unique_name(type)
        elif not isinstance(name, str) or "/" in name:
            raise BadOption(f"a layer's name is a text without '/', not {name!r}")
        super().__init__(type, name, config)
        self.trace = trace
        self.built_on: Shape | None = None

    def __call__(self, inputs: SymbolicTensor) -> SymbolicTensor:
        shape = inputs.shape
        if self.rank is not None and len(shape) != self.rank:
            raise BadShape(f"{self.type} takes {self.rank} dimensions, not {shape}")
        if self.built_on is None:
            self.weights = self.build(shape)
            self.built_on = shape
        elif self.weights and (len(shape), shape[-1]) != (len(self.built_on), self.built_on[-1]):
            # Of those, Keras refuses some, and others only in the run.
            raise NotModelled(f"{self.name} was first called on {self.built_on}, now on {shape}")
        return self.trace.record(self, (inputs,), self.output_shape(shape))

    def build(self, shape: Shape) -> tuple[Weight, ...]:
        """Return the weights for an input of this shape."""
        return ()

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape that comes out for an input of this shape."""
        return shape


class Dense(Layer):
    def __init__(
        self,
        trace: Trace,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        *,
        name: str | None = None,
    ) -> None:
        known_initializers(kernel_initializer)
        super().__init__(
            trace,
            name,
            units=positive("units", units),
            activation=activation_name(activation),
            use_bias=use_bias,
        )

    def build(self, shape: Shape) -> tuple[Weight, ...]:
        units = self.config["units"]
        kernel = Weight("kernel", (channels(shape), units))
        return (kernel, Weight("bias", (units,))) if self.config["use_bias"] else (kernel,)

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.config["units"])


class Conv(Layer):
    """A convolution with stride 1 over (B, space…, C)."""

    def __init__(
        self,
        trace: Trace,
        filters: int,
        kernel_size: int | Sequence[int],
        *,
        padding: str = "valid",
        dilation_rate: int | Sequence[int] = 1,
        activation: str | None = None,
        use_bias: bool = True,
        name: str | None = None,
    ) -> None:
        space = (self.rank or 0) - 2
        super().__init__(
            trace,
            name,
            filters=positive("filters", filters),
            kernel_size=positives("kernel_size", kernel_size, space),
            padding=padding_name(padding),
            dilation_rate=positives("dilation_rate", dilation_rate, space),
            activation=activation_name(activation),
            use_bias=use_bias,
        )

    def build(self, shape: Shape) -> tuple[Weight, ...]:
        filters = self.config["filters"]
        kernel = Weight("kernel", (*self.config["kernel_size"], channels(shape), filters))
        return (kernel, Weight("bias", (filters,))) if self.config["use_bias"] else (kernel,)

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *convolved(shape[1:-1], self.config), self.config["filters"])


class Conv1D(Conv):
    rank = 3


class Conv2D(Conv):
    rank = 4


class DepthwiseConv2D(Layer):
    """A convolution of each channel by itself, with stride 1."""

    rank = 4

    def __init__(
        self,
        trace: Trace,
        kernel_size: int | Sequence[int],
        *,
        padding: str = "valid",
        use_bias: bool = True,
        depthwise_initializer: str = "glorot_uniform",
        bias_initializer: str = "zeros",
        name: str | None = None,
    ) -> None:
        known_initializers(depthwise_initializer, bias_initializer)
        super().__init__(
            trace,
            name,
            kernel_size=positives("kernel_size", kernel_size, 2),
            padding=padding_name(padding),
            dilation_rate=(1, 1),
            use_bias=use_bias,
        )

    def build(self, shape: Shape) -> tuple[Weight, ...]:
        size = channels(shape)
        kernel = Weight("kernel", (*self.config["kernel_size"], size, 1))
        return (kernel, Weight("bias", (size,))) if self.config["use_bias"] else (kernel,)

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *convolved(shape[1:-1], self.config), shape[-1])


class BatchNormalization(Layer):
    def __init__(
        self,
        trace: Trace,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        *,
        name: str | None = None,
    ) -> None:
        if axis != -1:
            raise NotModelled(f"BatchNormalization is modelled over the last axis, not {axis}")
        super().__init__(
            trace, name, axis=axis, momentum=momentum, epsilon=epsilon, center=center, scale=scale
        )

    def build(self, shape: Shape) -> tuple[Weight, ...]:
        size = (channels(shape),)
        gamma = (Weight("gamma", size),) if self.config["scale"] else ()
        beta = (Weight("beta", size),) if self.config["center"] else ()
        statistics = Weight("moving_mean", size, False), Weight("moving_variance", size, False)
        return (*gamma, *beta, *statistics)


class LayerNormalization(Layer):
    """A normalisation over the last axis."""

    def __init__(
        self,
        trace: Trace,
        *,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trace, name, epsilon=epsilon, center=center, scale=scale)

    def build(self, shape: Shape) -> tuple[Weight, ...]:
        if shape[-1] is None:
            raise NotModelled(f"LayerNormalization over a dynamic dimension of {shape}")
        size = (shape[-1],)
        gamma = (Weight("gamma", size),) if self.config["scale"] else ()
        beta = (Weight("beta", size),) if self.config["center"] else ()
        return (*gamma, *beta)


class Activation(Layer):
    def __init__(self, trace: Trace, activation: str, *, name: str | None = None) -> None:
        super().__init__(trace, name, activation=activation_name(activation))


class GlobalPooling2D(Layer):
    rank = 4

    def __init__(self, trace: Trace, *, keepdims: bool = False, name: str | None = None) -> None:
        super().__init__(trace, name, keepdims=keepdims)

    def output_shape(self, shape: Shape) -> Shape:
        if self.config["keepdims"]:
            return (shape[0], 1, 1, shape[-1])
        return (shape[0], shape[-1])


class GlobalAveragePooling2D(GlobalPooling2D):
    pass


class GlobalMaxPooling2D(GlobalPooling2D):
    pass


class Reshape(Layer):
    def __init__(
        self, trace: Trace, target_shape: Sequence[int], *, name: str | None = None
    ) -> None:
        target = tuple(target_shape)
        if target.count(-1) > 1:
            raise BadOption(f"one size of target_shape can be -1, not {target}")
        for size in target:
            if size == 0:
                raise NotModelled(f"an empty target_shape: {target}")
            if size != -1:
                positive("target_shape", size)
        super().__init__(trace, name, target_shape=target)

    def output_shape(self, shape: Shape) -> Shape:
        target: tuple[int, ...] = self.config["target_shape"]
        sizes = [size for size in shape[1:] if size is not None]
        given = prod(size for size in target if size != -1)
        rest, over = divmod(prod(sizes), given)
        if len(sizes) < len(shape) - 1:
            # A dynamic size goes where the -1 stands; without one, what fits shows in the run.
            return (shape[0], *[None if size == -1 else size for size in target])
        if over or (rest != 1 and -1 not in target):
            raise BadShape(f"{shape} cannot be reshaped to {target}")
        return (shape[0], *[rest if size == -1 else size for size in target])


class Cropping(Layer):
    """Takes the ends off each dimension of (B, space…, C)."""

    def ends(self) -> tuple[tuple[int, int], ...]:
        """Return what is cropped off each dimension, before and after."""
        raise NotImplementedError

    def output_shape(self, shape: Shape) -> Shape:
        space: list[int | None] = []
        for size, (start, end) in zip(shape[1:-1], self.ends(), strict=True):
            left = None if size is None else size - start - end
            if left is not None and left <= 0:
                raise BadShape(f"({start}, {end}) cannot be cropped off a size of {size}")
            space.append(left)
        return (shape[0], *space, shape[-1])


class Cropping1D(Cropping):
    rank = 3

    def __init__(self, trace: Trace, cropping: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(trace, name, cropping=ends_of(cropping))

    def ends(self) -> tuple[tuple[int, int], ...]:
        return (self.config["cropping"],)


class Cropping2D(Cropping):
    rank = 4

    def __init__(
        self, trace: Trace, cropping: Sequence[Sequence[int]], *, name: str | None = None
    ) -> None:
        if not isinstance(cropping, (tuple, list)) or len(cropping) != 2:
            raise NotModelled(f"cropping is two pairs, not {cropping!r}")
        super().__init__(trace, name, cropping=tuple([ends_of(each) for each in cropping]))

    def ends(self) -> tuple[tuple[int, int], ...]:
        ends: tuple[tuple[int, int], ...] = self.config["cropping"]
        return ends


class Permute(Layer):
    def __init__(self, trace: Trace, dims: Sequence[int], *, name: str | None = None) -> None:
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise BadOption(f"dims are the axes from 1 in another order, not {dims}")
        super().__init__(trace, name, dims=tuple(dims))
        self.rank = len(dims) + 1

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *[shape[axis] for axis in self.config["dims"]])


class Merge(Layer):
    """A layer that takes a list of tensors; elementwise unless it says otherwise."""

    def __init__(self, trace: Trace, *, name: str | None = None) -> None:
        super().__init__(trace, name)

    def __call__(self, inputs: Sequence[SymbolicTensor]) -> SymbolicTensor:  # type: ignore[override] # as in Keras, a merge takes a list
        if len(inputs) < 2:
            raise NotModelled(f"{self.type} takes at least two tensors")
        shape = self.merged([tensor.shape for tensor in inputs])
        return self.trace.record(self, tuple(inputs), shape)

    def merged(self, shapes: list[Shape]) -> Shape:
        """Return the shape that comes out for inputs of these shapes."""
        return elementwise(shapes)


class Add(Merge):
    pass


class Average(Merge):
    pass


class Maximum(Merge):
    pass


class Multiply(Merge):
    pass


class Concatenate(Merge):
    def __init__(self, trace: Trace, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(trace, name=name)
        if not isinstance(axis, int):
            raise BadOption(f"axis is an integer, not {axis!r}")
        self.config["axis"] = axis

    def merged(self, shapes: list[Shape]) -> Shape:
        rank = len(shapes[0])
        if len({len(shape) for shape in shapes}) > 1:
            raise NotModelled(f"what is concatenated has one rank, unlike {shapes}")
        axis = self.config["axis"]
        if not -rank <= axis < rank:
            raise BadShape(f"axis {axis} is out of range for {shapes[0]}")
        axis %= rank
        for place, along in enumerate(zip(*shapes, strict=True)):
            if place != axis and len({size for size in along if size is not None}) > 1:
                # Keras looks at the first call only, and fails in the run.
                raise NotModelled(f"only axis {axis} may differ in concatenating {shapes}")
        sizes = [shape[axis] for shape in shapes]
        known = [size for size in sizes if size is not None]
        joined = sum(known) if len(known) == len(sizes) else None
        return (*shapes[0][:axis], joined, *shapes[0][axis + 1 :])


LAYERS: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        Activation,
        Add,
        Average,
        BatchNormalization,
        Concatenate,
        Conv1D,
        Conv2D,
        Cropping1D,
        Cropping2D,
        Dense,
        DepthwiseConv2D,
        GlobalAveragePooling2D,
        GlobalMaxPooling2D,
        LayerNormalization,
        Maximum,
        Multiply,
        Permute,
        Reshape,
    )
}


def positive(what: str, value: int) -> int:
    if not isinstance(value, int) or value <= 0:
        raise BadOption(f"{what} is a positive integer, not {value!r}")
    return value


def positives(what: str, value: int | Sequence[int], length: int) -> tuple[int, ...]:
    values = (value,) * length if isinstance(value, int) else tuple(value)
    if len(values) != length:
        raise BadOption(f"{what} is an integer or {length} of them, not {value!r}")
    return tuple(positive(what, each) for each in values)


def ends_of(cropping: Sequence[int]) -> tuple[int, int]:
    pair = tuple(cropping) if isinstance(cropping, (tuple, list)) else ()
    if len(pair) == 2 and all(isinstance(size, int) and size >= 0 for size in pair):
        return pair
    raise NotModelled(f"cropping is a pair of integers from 0 up, not {cropping!r}")


def activation_name(name: str | None) -> str:
    if name is None:
        return "linear"
    if name not in ACTIVATIONS:
        hint = did_you_mean(str(name), ACTIVATIONS)
        raise BadOption(f"Keras knows no activation {name!r}{hint}")
    return ACTIVATIONS[name] or name


def known_initializers(*names: str) -> None:
    """Refuse what Keras may not know; what weights begin with changes no shape and no count."""
    for name in names:
        if name not in INITIALIZERS:
            raise BadOption(f"an initializer is one of {', '.join(INITIALIZERS)}, not {name!r}")


def padding_name(name: str) -> str:
    if name not in ("valid", "same"):
        raise NotModelled(f"padding is valid or same, not {name!r}")
    return name


def channels(shape: Shape) -> int:
    size = shape[-1]
    if size is None:
        raise BadShape(f"a layer with weights needs a known last dimension, not {shape}")
    return size


def convolved(space: Shape, config: Mapping[str, Any]) -> Shape:
    """Return what a convolution with stride 1 makes of the dimensions (H, W)."""
    if config["padding"] == "same":
        return space
    return tuple(map(valid, space, config["kernel_size"], config["dilation_rate"]))


def valid(size: int | None, kernel: int, dilation: int) -> int | None:
    """Return a dimension after a convolution without padding."""
    if size is None:
        return None
    size -= (kernel - 1) * dilation
    if size <= 0:
        raise BadShape(f"a kernel of {kernel} (dilation {dilation}) does not fit the feature map")
    return size
