"""The part of `keras.layers` that blocks use: arguments, weights, output shapes as in Keras 3."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadOption, BadShape, did_you_mean
from attn_cli.symbolic.trace import Operation, Shape, SymbolicTensor, Trace, Weight

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class Layer(Operation):
    """What every layer does: take a name, build its weights at the first call, record each call."""

    __slots__ = ("built", "trace")

    rank: int | None = None

    def __init__(self, trace: Trace, name: str | None, **config: Any) -> None:
        type = self.__class__.__name__
        if name is None:
            name = trace.unique_name(type)
        elif not isinstance(name, str) or "/" in name:
            raise BadOption(f"a layer's name is a text without '/', not {name!r}")
        super().__init__(type, name, config)
        self.trace = trace
        self.built = False

    def __call__(self, inputs: SymbolicTensor) -> SymbolicTensor:
        shape = inputs.shape
        if self.rank is not None and len(shape) != self.rank:
            raise BadShape(f"{self.type} takes {self.rank} dimensions, not {shape}")
        if not self.built:
            self.weights = self.build(shape)
            self.built = True
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
        *,
        name: str | None = None,
    ) -> None:
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
        if padding not in ("valid", "same"):
            raise BadOption(f"padding is valid or same, not {padding!r}")
        super().__init__(
            trace,
            name,
            filters=positive("filters", filters),
            kernel_size=positives("kernel_size", kernel_size, space),
            padding=padding,
            dilation_rate=positives("dilation_rate", dilation_rate, space),
            activation=activation_name(activation),
            use_bias=use_bias,
        )

    def build(self, shape: Shape) -> tuple[Weight, ...]:
        filters = self.config["filters"]
        kernel = Weight("kernel", (*self.config["kernel_size"], channels(shape), filters))
        return (kernel, Weight("bias", (filters,))) if self.config["use_bias"] else (kernel,)

    def output_shape(self, shape: Shape) -> Shape:
        space = shape[1:-1]
        if self.config["padding"] == "valid":
            space = tuple(
                map(valid, space, self.config["kernel_size"], self.config["dilation_rate"])
            )
        return (shape[0], *space, self.config["filters"])


class Conv1D(Conv):
    rank = 3


class Conv2D(Conv):
    rank = 4


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
            raise BadOption(f"BatchNormalization is modelled over the last axis, not {axis}")
        super().__init__(
            trace, name, axis=axis, momentum=momentum, epsilon=epsilon, center=center, scale=scale
        )

    def build(self, shape: Shape) -> tuple[Weight, ...]:
        size = (channels(shape),)
        gamma = (Weight("gamma", size),) if self.config["scale"] else ()
        beta = (Weight("beta", size),) if self.config["center"] else ()
        statistics = Weight("moving_mean", size, False), Weight("moving_variance", size, False)
        return (*gamma, *beta, *statistics)


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
        target = tuple(positive("target_shape", size) for size in target_shape)
        super().__init__(trace, name, target_shape=target)

    def output_shape(self, shape: Shape) -> Shape:
        target: tuple[int, ...] = self.config["target_shape"]
        sizes = [size for size in shape[1:] if size is not None]
        if len(sizes) < len(shape) - 1 or prod(sizes) != prod(target):
            raise BadShape(f"{shape} cannot be reshaped to {target}")
        return (shape[0], *target)


class Merge(Layer):
    """A layer that takes a list of tensors; elementwise unless it says otherwise."""

    def __init__(self, trace: Trace, *, name: str | None = None) -> None:
        super().__init__(trace, name)

    def __call__(self, inputs: Sequence[SymbolicTensor]) -> SymbolicTensor:  # type: ignore[override] # as in Keras, a merge takes a list
        if len(inputs) < 2:
            raise BadShape(f"{self.type} takes at least two tensors")
        shape = self.merged([tensor.shape for tensor in inputs])
        return self.trace.record(self, tuple(inputs), shape)

    def merged(self, shapes: list[Shape]) -> Shape:
        """Return the shape that comes out for inputs of these shapes."""
        return elementwise(shapes)


class Add(Merge):
    pass


class Multiply(Merge):
    pass


class Concatenate(Merge):
    def __init__(self, trace: Trace, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(trace, name=name)
        self.config["axis"] = axis

    def merged(self, shapes: list[Shape]) -> Shape:
        rank = len(shapes[0])
        axis = self.config["axis"] % rank
        others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
        if len(others) > 1:
            raise BadShape(f"only axis {axis} may differ in what is concatenated: {shapes}")
        sizes = [shape[axis] for shape in shapes]
        known = [size for size in sizes if size is not None]
        joined = sum(known) if len(known) == len(sizes) else None
        return (*shapes[0][:axis], joined, *shapes[0][axis + 1 :])


LAYERS: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        Activation,
        Add,
        BatchNormalization,
        Concatenate,
        Conv1D,
        Conv2D,
        Dense,
        GlobalAveragePooling2D,
        GlobalMaxPooling2D,
        Multiply,
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


def activation_name(name: str | None) -> str:
    if name is None:
        return "linear"
    if name not in ACTIVATIONS:
        hint = did_you_mean(str(name), ACTIVATIONS)
        raise BadOption(f"Keras knows no activation {name!r}{hint}")
    return ACTIVATIONS[name] or name


def channels(shape: Shape) -> int:
    size = shape[-1]
    if size is None:
        raise BadShape(f"a layer with weights needs a known last dimension, not {shape}")
    return size


def valid(size: int | None, kernel: int, dilation: int) -> int | None:
    """Return a dimension after a convolution without padding."""
    if size is None:
        return None
    size -= (kernel - 1) * dilation
    if size <= 0:
        raise BadShape(f"a kernel of {kernel} (dilation {dilation}) does not fit the feature map")
    return size


def elementwise(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a merge of tensors of one rank; a size of 1 is stretched, None stays."""
    if len({len(shape) for shape in shapes}) > 1:
        raise BadShape(f"what is merged must have one rank: {', '.join(map(str, shapes))}")
    merged = []
    for sizes in zip(*shapes, strict=True):
        stretched = [size for size in sizes if size != 1]
        known = {size for size in stretched if size is not None}
        if len(known) > 1:
            raise BadShape(f"these shapes do not fit each other: {', '.join(map(str, shapes))}")
        merged.append(None if None in stretched else known.pop() if known else 1)
    return tuple(merged)
