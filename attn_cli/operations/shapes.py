"""How shapes are combined, reduced and moved over, as in Keras. A size that is dynamic is None."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import TYPE_CHECKING

from attn_cli.errors import BadShape, NotModelled
from attn_cli.operations.base import BEYOND, DYNAMIC, MAX_COUNT, MAX_RANK, Constant, Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape

Size = int | None


def size(shape: Sequence[Size]) -> int:
    """Return how many elements a shape has. Raises Unknown where a size is dynamic."""
    product = 1
    for each in shape:
        if each is None:
            raise Unknown(DYNAMIC)
        product *= each
        if product > MAX_COUNT:
            raise Unknown(BEYOND)
    return product


def product(sizes: Sequence[Size]) -> Size:
    """Return the product of sizes; None where one is."""
    return None if None in sizes else prod(sizes)  # type: ignore[arg-type] # None was looked for


def axes_of(axes: int | Sequence[int] | None, shape: Shape) -> list[int]:
    """Return places of dimensions counted from the first; all where they are None."""
    rank = len(shape)
    given = range(rank) if axes is None else [axes] if isinstance(axes, int) else axes
    for axis in given:
        if not -rank <= axis < rank:
            raise BadShape(f"axis {axes} is out of range for {shape}")
    return [axis % rank for axis in given]


def along(shape: Shape, axes: int | Sequence[int] | None) -> int:
    """Return the product of the sizes of some axes."""
    return size([shape[axis] for axis in axes_of(axes, shape)])


def elementwise(shapes: Sequence[Shape], *, of_op: bool = False) -> Shape:
    """Return the shape of tensors combined element by element; a size of 1 is stretched.

    Where one size is dynamic and the other is known, Keras' merge layers say that it is dynamic,
    and its ops that it is the known one.
    """

    def pair(first: Shape, second: Shape) -> Shape:
        if len(first) != len(second):
            raise NotModelled(f"what is combined has one rank, unlike {first} and {second}")
        combined: list[Size] = []
        for one, other in zip(first, second, strict=True):
            if one is None or other is None:
                known = one if other is None else other
                combined.append(known if of_op and known != 1 else None)
            elif one != other and 1 not in (one, other):
                raise BadShape(f"{first} and {second} do not fit each other")
            else:
                combined.append(other if one == 1 else one)
        return tuple(combined)

    return reduce(pair, shapes)


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of operands that are lined up from the last dimension, as NumPy does."""
    rank = max(map(len, shapes))
    return elementwise([(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes], of_op=True)


def merged(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that a merge layer makes: the batch apart, sizes line up from the last."""
    rank = max(map(len, shapes))
    if all(len(shape) == rank for shape in shapes):
        return elementwise(shapes)
    padded = [(1,) * (rank - len(shape)) + tuple(shape[1:]) for shape in shapes]
    return (shapes[0][0], *elementwise(padded))


def reduced(shape: Shape, axes: int | Sequence[int] | None, keepdims: bool) -> Shape:
    """Return a shape after a reduction over some of its axes."""
    given = axes_of(axes, shape)
    gone = set(given)
    if len(gone) < len(given):
        raise NotModelled(f"axis {axes} names one axis of {shape} twice")
    if keepdims:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def windows(
    space: Sequence[Size],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int] | None = None,
) -> list[Size]:
    """Return the sizes after a window has been moved over each dimension."""
    sizes: list[Size] = []
    for place, size in enumerate(space):
        if size is None:
            sizes.append(None)
            continue
        if padding == "valid":
            d = dilation[place] if dilation else 1
            left = size - (window[place] - 1) * d
            if left <= 0:
                raise BadShape(
                    f"a kernel of {window[place]} (dilation {d}) does not fit the feature map"
                )
            size = left
        sizes.append(-(-size // strides[place]))
    return sizes


def reshaped(shape: Sequence[Size], target: Sequence[Size]) -> Shape:
    """Return a shape with the elements of another one; a target's -1 takes what is left."""
    if len(target) > MAX_RANK:
        raise Unknown(f"a tensor of {len(target)} dimensions is more than is understood")
    if target.count(-1) > 1:
        raise NotModelled(f"one size can be -1, not {tuple(target)}")
    if None in shape or None in target:
        return tuple([None if size == -1 else size for size in target])
    given = prod([size for size in target if size != -1])  # type: ignore[misc] # no None
    whole = size(shape)
    if -1 not in target:
        if whole != given:
            raise BadShape(f"{tuple(shape)} cannot be reshaped to {tuple(target)}")
        return tuple(target)
    if not given or whole % given:
        raise BadShape(f"{tuple(shape)} cannot be reshaped to {tuple(target)}")
    return tuple([whole // given if size == -1 else size for size in target])


def joined(shapes: Sequence[Shape], axis: int) -> Shape:
    """Return the shape of tensors that are put one behind the other along an axis."""
    if len({len(shape) for shape in shapes}) > 1:
        raise NotModelled(f"what is concatenated has one rank, unlike {shapes}")
    (axis,) = axes_of(axis, shapes[0])
    for place, sizes in enumerate(zip(*shapes, strict=True)):
        if place != axis and len({size for size in sizes if size is not None}) > 1:
            # Keras looks at the first call only, and fails in the run.
            raise NotModelled(f"only axis {axis} may differ in concatenating {shapes}")
    lengths = [shape[axis] for shape in shapes]
    length = None if None in lengths else sum(lengths)  # type: ignore[arg-type] # no None
    return (*shapes[0][:axis], length, *shapes[0][axis + 1 :])


def is_constant(shape: Shape) -> bool:
    """Tell whether an operand is no tensor of the model."""
    return isinstance(shape, Constant)
