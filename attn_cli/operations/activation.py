"""Activation functions: as layers, as ops, and inside a layer with weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.operations.arguments import axes, free, function, integers
from attn_cli.operations.base import REQUIRED, Role, Unknown
from attn_cli.operations.forms import Same, function_flops
from attn_cli.operations.shapes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


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
    held = ("alpha",)
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
