"""Activation functions: as layers, as ops, and inside a layer with weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.operations.arguments import axes, flag, free, function, inert, initializer, integers
from attn_cli.operations.base import REQUIRED, Operation, Role, Unknown
from attn_cli.operations.shapes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape

# FLOPs for one element of what an activation function is applied to.
FUNCTIONS = {
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


def function_flops(function: str, shape: Shape) -> int:
    """Return the FLOPs of an activation function. Raises Unknown where it has no figure."""
    each = FUNCTIONS.get(function)
    if each is None:
        raise Unknown(f"no FLOPs are known for the activation {function}")
    return each * size(shape) if each else 0


class Same(Operation):
    """Keeps the shape of what goes in."""

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]


class Free(Same):
    """Hands on what goes in, or moves it, and calculates nothing."""

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 0


class Activation(Same):
    activation: str = function(REQUIRED)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return function_flops(self.activation, outputs[0])


class ReLU(Same):
    max_value: float | None = free(None)
    negative_slope: float = free(0.0)
    threshold: float = free(0.0)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.max_value not in (None, 6) or self.negative_slope or self.threshold:
            raise Unknown("no FLOPs are known for a ReLU with a slope, a threshold or a limit")
        return size(outputs[0])


class LeakyReLU(Same):
    negative_slope: float = free(0.3)
    alpha: float = free(0.3)  # as Keras 2 calls it


class ThresholdedReLU(Same):
    theta: float = free(1.0)


class ELU(Same):
    alpha: float = free(1.0)


class PReLU(Same):
    alpha_initializer = initializer("zeros")
    alpha_regularizer = inert()
    alpha_constraint = inert()
    shared_axes: tuple[int, ...] | None = integers(None)

    def weights(self, *inputs: Shape) -> list[Role]:
        if not inputs or not inputs[0]:
            return [Role("alpha", None)]
        dims = list(inputs[0][1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis <= len(dims):
                raise Unknown(f"PReLU: axis {axis} is not one of its input")
            dims[axis - 1] = 1
        return [Role("alpha", tuple(dims))]


class Softmax(Same):
    """The layer, and the op of the same name."""

    axis: int | tuple[int, ...] = axes(-1)
    passive = frozenset(("mask",))

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if not isinstance(self.axis, int):
            raise Unknown("no FLOPs are known for a Softmax over several axes")
        return 5 * size(outputs[0])


class LogSoftmax(Same):
    axis: int | tuple[int, ...] = axes(-1)


class Sparsemax(Same):
    axis: int = axes(-1)


class Gelu(Same):
    approximate: bool = flag(True)


class LeakyRelu(Same):
    negative_slope: float = free(0.2)


class Elu(Same):
    alpha: float = free(1.0)


class Celu(Elu):
    pass


class HardShrink(Same):
    threshold: float = free(0.5)


class SoftShrink(HardShrink):
    pass


class Threshold(Same):
    threshold: float = free()
    default_value: float = free()


class Squareplus(Same):
    b: float = free(4)
