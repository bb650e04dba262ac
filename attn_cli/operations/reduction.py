"""Ops that reduce a tensor along axes, or run along one."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

from attn_cli.operations.arguments import axes, flag, free, inert, only
from attn_cli.operations.base import Operation
from attn_cli.operations.forms import Same
from attn_cli.operations.shapes import product, reduced, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Reduction(Operation):
    operands = ("x",)
    axis: int | tuple[int, ...] | None = axes()
    keepdims: bool = flag(False)

    def output(self, *inputs: Shape) -> Shape:
        return reduced(inputs[0], self.axis, self.keepdims)


class Mean(Reduction):
    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return size(inputs[0])


class Average(Operation):
    """`ops.average`: of all alike, a mean over one axis, or over all."""

    operands = ("x",)
    at_call = ("weights",)
    axis: int | None = axes()
    weights: typing.Any = only(None)

    def output(self, *inputs: Shape) -> Shape:
        return reduced(inputs[0], self.axis, False)


class Max(Mean):
    initial: typing.Any = only(None)


class Min(Reduction):
    initial: typing.Any = only(None)


class Sum(Reduction):
    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return size(inputs[0]) - size(outputs[0])


class Var(Reduction):
    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 4 * size(inputs[0])


class Std(Reduction):
    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 4 * size(inputs[0]) + size(outputs[0])


class Amax(Reduction):
    pass


class Amin(Reduction):
    pass


class Prod(Reduction):
    dtype: typing.Any = inert()


class All(Reduction):
    pass


class Any(Reduction):
    pass


class Median(Reduction):
    pass


class Logsumexp(Reduction):
    pass


class Ptp(Reduction):
    pass


class CountNonzero(Reduction):
    pass


class Norm(Reduction):
    """A norm of vectors or, over two axes, of matrices."""

    ord: typing.Any = free(None)


class Argmax(Reduction):
    """The place of the largest; over all of a tensor where no axis is told."""


class Argmin(Argmax):
    pass


class Scanning(Same):
    """Keeps the shape, running along an axis."""

    operands = ("x",)
    axis: int | tuple[int, ...] | None = axes(-1)


class Cumsum(Scanning):
    axis: int | tuple[int, ...] = axes(None)
    dtype: typing.Any = inert()

    def output(self, *inputs: Shape) -> Shape:
        return (product(inputs[0]),) if self.axis is None else inputs[0]


class Cumprod(Cumsum):
    pass


class Sort(Scanning):
    pass


class Argsort(Scanning):
    pass


class Flip(Scanning):
    axis: int | tuple[int, ...] | None = axes()

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 0


class Roll(Flip):
    shift: typing.Any = free()


class Normalize(Scanning):
    order: typing.Any = free(2)
    epsilon: typing.Any = free(None)
