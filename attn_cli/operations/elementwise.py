"""Ops on one or two operands, element by element: what has a figure, and what has none.

Classes are made from the two dicts: they differ in nothing but their name and their figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attn_cli.operations.arguments import axes, flag, free, inert
from attn_cli.operations.base import Operation
from attn_cli.operations.forms import Same
from attn_cli.operations.merging import Pair
from attn_cli.operations.shapes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Unary(Same):
    """An op on one tensor, element by element."""

    operands = ("x",)
    each: ClassVar[int | None] = None

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.each is None:
            return super().flops(macs, outputs, *inputs)
        return self.each * size(outputs[0])


# FLOPs for each element, None where there is no figure.
UNARY: dict[str, int | None] = {
    "Relu": 1,
    "Relu6": 1,
    "Sigmoid": 1,
    "Sqrt": 1,
    "Square": 1,
    "Tanh": 1,
    "Negative": 1,
    "Rsqrt": 2,
    "Log": 1,
    "HardSigmoid": 3,
    "HardSilu": 4,
    "Silu": 3,
    "Reciprocal": 1,
    "StopGradient": 0,
    "Copy": 0,
    **dict.fromkeys(
        (
            *("Abs", "Absolute", "Angle", "Arccos", "Arccosh", "Arcsin", "Arcsinh", "Arctan"),
            *("Arctanh", "BitwiseInvert", "BitwiseNot", "Cbrt", "Ceil", "Conj", "Conjugate", "Cos"),
            *("Cosh", "Deg2rad", "Erf", "Erfc", "Erfinv", "Exp", "Exp2", "Expm1", "Fabs", "Floor"),
            *("HardTanh", "I0", "Imag", "Isfinite", "Isinf", "Isnan", "Isneginf", "Isposinf"),
            *("Isreal", "Log10", "Log1p", "Log2", "LogSigmoid", "LogicalNot", "Rad2deg", "Real"),
            *("Selu", "Sign", "Signbit", "Sin", "Sinc", "Sinh", "Softplus", "Softsign"),
            *("SparsePlus", "SparseSigmoid", "Tan", "TanhShrink", "Trunc"),
        ),
        None,
    ),
}

BINARY: dict[str, int | None] = {
    "Add": 1,
    "Divide": 1,
    "Maximum": 1,
    "Minimum": 1,
    "Multiply": 1,
    "Subtract": 1,
    "TrueDivide": 1,
    **dict.fromkeys(
        (
            *("Arctan2", "DivideNoNan", "Equal", "FloorDivide", "Fmax", "Fmin", "Fmod"),
            *("Greater", "GreaterEqual", "Heaviside", "Hypot", "Ldexp", "Less", "LessEqual"),
            *("LogicalAnd", "LogicalOr", "LogicalXor", "Logaddexp", "Logaddexp2", "Mod"),
            *("Nextafter", "NotEqual", "Power"),
        ),
        None,
    ),
}


class LogSoftmax(Same):
    axis: int | tuple[int, ...] = axes(-1)


class Sparsemax(Same):
    axis: int = axes(-1)


class Gelu(Same):
    approximate: bool = flag(True)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        # Four products, two sums, a power, a tanh; of the other form the profiler skips the erf.
        return 8 * size(outputs[0]) if self.approximate else super().flops(macs, outputs, *inputs)


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


class Clip(Same):
    operands = ("x",)
    x_min: float = free()
    x_max: float = free()


class Round(Same):
    operands = ("x",)
    decimals: int = free(0)


class NanToNum(Same):
    operands = ("x",)
    nan: float = free(0.0)
    posinf: float | None = free(None)
    neginf: float | None = free(None)


class Cast(Same):
    operands = ("x",)
    dtype: str | None = inert()

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 0


class SaturateCast(Cast):
    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return Operation.flops(self, macs, outputs, *inputs)


class OnesLike(Cast):
    pass


class ZerosLike(OnesLike):
    pass


class Where(Pair):
    operands = ("condition", "x1", "x2")
    needed = 3


globals().update(
    {name: type(name, (Unary,), {"each": each}) for name, each in UNARY.items()}
    | {name: type(name, (Pair,), {"each": each}) for name, each in BINARY.items()}
)
