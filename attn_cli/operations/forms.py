"""What many entries have in common: a shape that stays, places of channels, a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attn_cli.errors import BadShape
from attn_cli.operations.base import ANY, Operation, Role, Unknown
from attn_cli.operations.shapes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape
    from attn_cli.operations.shapes import Size

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


class Moving(Operation):
    """Moves values and calculates nothing."""

    computes_in = ANY

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 0


class Spatial(Operation):
    """Where the channels of (B, space…, C) or (B, C, space…) stand."""

    data_format: str = "channels_last"

    @property
    def first(self) -> bool:
        return self.data_format == "channels_first"

    def parts(self, shape: Shape) -> tuple[Size, Shape, Size]:
        """Return the batch, the sizes between batch and channels, and the channels."""
        if self.rank is not None and len(shape) != self.rank:
            raise BadShape(f"{self.type} takes {self.rank} dimensions, not {shape}")
        return (shape[0], shape[2:], shape[1]) if self.first else (shape[0], shape[1:-1], shape[-1])

    def shape(self, batch: Size, space: Sequence[Size], channels: Size) -> Shape:
        """Return a shape of these parts."""
        return (batch, channels, *space) if self.first else (batch, *space, channels)

    def positions(self, shape: Shape) -> int:
        """Return the places of a feature map, for all of a batch."""
        batch, space, _ = self.parts(shape)
        return size((batch, *space))


class Kernel(Operation):
    """A layer whose products are those of its kernels, with a bias and an activation behind."""

    held: ClassVar[tuple[str, ...]] = ("kernel", "bias")
    use_bias: bool = True
    activation: str = "linear"

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        bias = size(outputs[0]) if self.use_bias else 0
        return 2 * macs + bias + function_flops(self.activation, outputs[0])

    def bias(self, units: int | None) -> list[Role]:
        return [Role("bias", (units,))] if self.use_bias else []
