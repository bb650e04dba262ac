"""Ops that multiply and add up: matrices, tensors by an equation, kernels that are operands."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from attn_cli.errors import BadShape
from attn_cli.operations.arguments import data_format, free, padding
from attn_cli.operations.base import MAX_RANK, Operation, Unknown
from attn_cli.operations.forms import Spatial
from attn_cli.operations.shapes import axes_of, broadcast, size, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Product(Operation):
    """Costs two FLOPs for each of its multiply-accumulates."""

    operands: ClassVar[tuple[str, ...]] = ("x1", "x2")
    needed = 2

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 2 * macs


class Matmul(Product):
    def sides(self, left: Shape, right: Shape) -> tuple[Shape, Shape]:
        """Return the operands' shapes as they are multiplied."""
        return left, right

    def output(self, *inputs: Shape) -> Shape:
        left, right = self.sides(*inputs)
        if not left or not right:
            raise BadShape("matmul takes matrices, not numbers")
        first = (1, left[0]) if len(left) == 1 else tuple(left)
        second = (right[0], 1) if len(right) == 1 else tuple(right)
        inner = first[-1], second[-2]
        if None not in inner and inner[0] != inner[1]:
            raise BadShape(f"matrices of {left} and {right} do not fit each other")
        stacked = broadcast([first[:-2], second[:-2]])
        rows = () if len(left) == 1 else (first[-2],)
        columns = () if len(right) == 1 else (second[-1],)
        return (*stacked, *rows, *columns)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return size(outputs[0]) * size(self.sides(*inputs)[0][-1:])


class Dot(Product):
    """The op: over the last axis of the first operand and the last but one of the second."""

    def output(self, *inputs: Shape) -> Shape:
        left, right = inputs
        if not left or not right:
            return (*left, *right)
        place = max(0, len(right) - 2)
        if None not in (left[-1], right[place]) and left[-1] != right[place]:
            raise BadShape(f"{left} and {right} do not fit each other")
        return (*left[:-1], *right[:place], *right[place + 1 :])

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        left, right = inputs
        return size(outputs[0]) * size(left[-1:]) if left and right else 0

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        # Of a tensor and a number it is a product element by element.
        return 2 * macs if all(inputs) else size(outputs[0])


class Tensordot(Product):
    axes: Any = free(2)

    def both(self, left: Shape, right: Shape) -> tuple[list[int], list[int]]:
        """Return the axes of each operand that are summed over."""
        given = self.axes
        if isinstance(given, int):
            count = given
            if not 0 <= count <= min(len(left), len(right)):
                raise BadShape(f"axes {given} do not fit {left} and {right}")
            return list(range(len(left) - count, len(left))), list(range(count))
        if not isinstance(given, (list, tuple)) or len(given) != 2:
            raise Unknown("Tensordot: its axes are not told")
        if any(isinstance(each, (list, tuple)) and len(each) > MAX_RANK for each in given):
            raise BadShape(f"tensordot takes no more than {MAX_RANK} axes of each operand")
        first, second = (axes_of(each, of) for each, of in zip(given, (left, right), strict=True))
        if any(len(set(each)) < len(each) for each in (first, second)):
            raise BadShape(f"axes {given} name an axis twice")
        if len(first) != len(second) or any(
            None not in (left[a], right[b]) and left[a] != right[b]
            for a, b in zip(first, second, strict=True)
        ):
            raise BadShape(f"axes {given} do not fit {left} and {right}")
        return first, second

    def output(self, *inputs: Shape) -> Shape:
        both = self.both(*inputs)
        return tuple(
            [
                each
                for shape, gone in zip(inputs, both, strict=True)
                for place, each in enumerate(shape)
                if place not in gone
            ]
        )

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        first, _ = self.both(*inputs)
        return size(outputs[0]) * size([inputs[0][axis] for axis in first])


class Einsum(Product):
    operands = ("operands",)
    needed = 1
    spread = True
    subscripts: str = free()

    def letters(self, inputs: Sequence[Shape]) -> tuple[list[str], str, dict[str, int | None]]:
        """Return the letters of each operand and of what comes out, and the size of each."""
        text = str(self.subscripts).replace(" ", "")
        left, arrow, right = text.partition("->")
        terms = left.split(",")
        if len(terms) != len(inputs):
            raise BadShape(f"einsum {text[:40]!r} takes {len(terms)} operands, not {len(inputs)}")
        spread = [term.count("...") for term in terms]
        elided = 0
        for term, shape, dots in zip(terms, inputs, spread, strict=True):
            if dots:
                elided = max(elided, len(shape) - len(term) + 3)
        if elided > 9 or max(spread) > 1 or right.count("...") > 1:
            raise Unknown(f"einsum {text[:40]!r} is not understood")
        digits = "123456789"[:elided]
        sizes: dict[str, int | None] = {}
        named = []
        for term, shape, dots in zip(terms, inputs, spread, strict=True):
            if dots:
                here = len(shape) - len(term) + 3
                term = term.replace("...", digits[elided - here :] if here else "")
            if len(term) != len(shape) or not all(c.isalpha() or c in digits for c in term):
                raise BadShape(f"einsum {text[:40]!r} does not fit {shape}")
            for letter, one in zip(term, shape, strict=True):
                known = sizes.get(letter)
                if letter not in sizes or known in (None, 1):
                    sizes[letter] = one if one is not None or known is None else known
                elif one not in (None, 1, known):
                    raise BadShape(f"einsum {text[:40]!r}: sizes {known} and {one} for {letter!r}")
            named.append(term)
        if not arrow:
            times = Counter("".join(named))
            right = digits + "".join(sorted(c for c in times if times[c] == 1 and c not in digits))
        right = right.replace("...", digits)
        if not set(right) <= sizes.keys() or len(set(right)) < len(right):
            raise BadShape(f"einsum {text[:40]!r} makes what it is not given")
        return named, right, sizes

    def output(self, *inputs: Shape) -> Shape:
        _, right, sizes = self.letters(inputs)
        return tuple([sizes[letter] for letter in right])

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        """A product of two is a matrix product where it sums something up, and of none otherwise.

        Of more than two operands the order is not told, and with it what is multiplied.
        """
        named, right, sizes = self.letters(inputs)
        if len(named) > 2:
            raise Unknown("an einsum of more than two operands multiplies in an order of its own")
        shared = set(named[0]) & set(named[-1]) - set(right)
        if len(named) < 2 or not shared:
            return 0
        if any(len(set(term)) < len(term) for term in named):
            raise Unknown("an einsum over a diagonal is not counted")
        if any(1 in (a, b) and a != b for a, b in self.stretched(named, inputs)):
            raise Unknown("an einsum that stretches a size of 1 is not counted")
        # What stands in one operand alone and does not come out is summed up before.
        alone = (set(named[0]) ^ set(named[1])) - set(right)
        return size([sizes[letter] for letter in sizes if letter not in alone])

    def stretched(self, named: list[str], inputs: Sequence[Shape]) -> list[tuple[Any, Any]]:
        first, second = (
            dict(zip(term, shape, strict=True)) for term, shape in zip(named, inputs, strict=True)
        )
        return [(first[letter], second[letter]) for letter in first.keys() & second.keys()]

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        named, right, _ = self.letters(inputs)
        if not macs or (len(named) == 2 and (set(named[0]) ^ set(named[1])) - set(right)):
            raise Unknown("no FLOPs are known for an einsum that is more than a matrix product")
        return 2 * macs


class WithKernel(Spatial, Product):
    """A convolution whose kernel is an operand."""

    operands = ("inputs", "kernel")
    strides: Any = free(1)
    padding: str = padding("causal")
    data_format: str = data_format()
    dilation_rate: Any = free(1)

    def moves(self, space: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the strides and the dilation, one for each dimension."""
        many = len(space)
        both = []
        for name in ("strides", "dilation_rate"):
            value = getattr(self, name)
            each = (value,) * many if isinstance(value, int) else tuple(value or ())
            if len(each) != many or not all(isinstance(n, int) and n > 0 for n in each):
                raise Unknown(f"{self.type}: its {name} is not told")
            both.append(each)
        return both[0], both[1]

    def made(self, kernel: Shape, channels: int | None) -> int | None:
        """Return the channels that come out."""
        return kernel[-1]

    def output(self, *inputs: Shape) -> Shape:
        kernel = inputs[1]
        if len(kernel) != len(inputs[0]) or None in kernel:
            raise BadShape(f"{self.type} with a kernel of {kernel} on {inputs[0]}")
        batch, space, channels = self.parts(inputs[0])
        strides, dilation = self.moves(space)
        after = windows(space, kernel[:-2], strides, self.padding, dilation)  # type: ignore[arg-type] # no None
        return self.shape(batch, after, self.made(kernel, channels))

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return self.positions(outputs[0]) * size(inputs[1])


class Conv(WithKernel):
    pass


class DepthwiseConv(WithKernel):
    def made(self, kernel: Shape, channels: int | None) -> int | None:
        multiplier = kernel[-1]
        return None if channels is None or multiplier is None else channels * multiplier
