"""Layers that take several tensors, and ops on two operands: element by element, or joined."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from attn_cli.errors import BadShape, NotModelled
from attn_cli.operations.arguments import axes, axis, flag, free
from attn_cli.operations.base import ANY, REQUIRED, Operation, Unknown
from attn_cli.operations.shapes import axes_of, broadcast, elementwise, joined, merged, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Merge(Operation):
    """A layer that takes a list of tensors and combines them element by element."""

    many = True
    computes_in = ANY

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) < 2:
            raise NotModelled(f"{self.type} takes at least two tensors")
        return merged(inputs)

    def noted(self, *inputs: Shape) -> Sequence[Shape]:
        """Note the batch that is known, where there is one, whatever the others are."""
        known = {shape[0] for shape in inputs} - {None}
        batch = known.pop() if len(known) == 1 else None
        return ((batch, *self.output(*inputs)[1:]),)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        """One operation a pair, pair by pair."""
        if len(inputs) < 3 or len(set(map(len, inputs))) > 1:
            return size(outputs[0]) * max(1, len(inputs) - 1)
        _, *pairs = accumulate(inputs, lambda first, second: elementwise([first, second]))
        return sum(map(size, pairs))


class Add(Merge):
    pass


class Subtract(Merge):
    pass


class Multiply(Merge):
    pass


class Maximum(Merge):
    pass


class Minimum(Merge):
    pass


class Average(Merge):
    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return super().flops(macs, outputs, *inputs) + size(outputs[0])


class Concatenate(Operation):
    """The layer, whose default axis is the last."""

    many = True
    computes_in = ANY
    axis: int = axis(-1)

    def batch_stays(self, shape: Shape) -> bool:
        return self.keeps_batch and self.axis not in (0, -len(shape))

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) < 2:
            raise NotModelled(f"{self.type} takes at least two tensors")
        return joined(inputs, self.axis)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 0


class Dot(Operation):
    """The layer: a product over one axis of each of two tensors, batch by batch."""

    many = True
    axes: int | tuple[int, ...] = axes(REQUIRED)
    normalize: bool = flag(False)

    def both(self, inputs: Sequence[Shape]) -> tuple[int, int]:
        if len(inputs) != 2 or not isinstance(self.axes, (int, tuple)):
            raise BadShape(f"Dot takes two tensors, not {len(inputs)}")
        given = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        if len(given) != 2:
            raise BadShape(f"Dot takes two axes, not {self.axes}")
        (left,), (right,) = axes_of(given[0], inputs[0]), axes_of(given[1], inputs[1])
        if inputs[0][left] != inputs[1][right] or not left or not right:
            raise BadShape(f"axes {self.axes} of {inputs[0]} and {inputs[1]} do not fit")
        return left, right

    def output(self, *inputs: Shape) -> Shape:
        left, right = self.both(inputs)
        first, second = list(inputs[0]), list(inputs[1])
        del first[left], second[right]
        shape = (*first, *second[1:])
        return (*shape, 1) if len(shape) == 1 else shape

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        left, _ = self.both(inputs)
        return size(outputs[0]) * size((inputs[0][left],))

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.normalize:
            raise Unknown("no FLOPs are known for a Dot that normalises")
        return 2 * macs


class CustomScaleLayer(Merge):
    """Of keras.applications' InceptionResNetV2: the first, and the second times a number."""

    scale: float = free()

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 2 * size(outputs[0])


class Pair(Operation):
    """An op on two operands, which may be numbers, element by element."""

    operands: ClassVar[tuple[str, ...]] = ("x1", "x2")
    needed = 2
    each: ClassVar[int | None] = None

    def output(self, *inputs: Shape) -> Shape:
        return broadcast(inputs)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.each is None:
            return super().flops(macs, outputs, *inputs)
        return self.each * size(outputs[0])


class SquaredDifference(Pair):
    """A function of TensorFlow's."""

    operands = ("x", "y")
    each = 2


class AddN(Merge):
    """A function of TensorFlow's: the sum of tensors of one shape."""

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return Operation.flops(self, macs, outputs, *inputs)
