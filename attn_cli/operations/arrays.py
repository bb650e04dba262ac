"""Ops that move values: to another shape, another order, other places, or twice."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from attn_cli.errors import BadOption, BadShape, NotModelled
from attn_cli.operations.arguments import axes, axis, free, inert, integers, is_integer, only
from attn_cli.operations.base import REQUIRED, Argument, Operation, Size, Unknown
from attn_cli.operations.forms import Moving
from attn_cli.operations.shapes import axes_of, joined, product, reshaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape

MAX_PARTS = 4096  # of a split, which is as many outputs


class OnArray(Moving):
    operands: ClassVar[tuple[str, ...]] = ("x",)


def _target(name: str, value: Any, entry: Any) -> tuple[int | None, ...]:
    """Return the sizes of a target, where None is the batch as Keras 3 notes it."""
    if is_integer(value):
        value = (value,)
    if not isinstance(value, (list, tuple)) or not all(
        (is_integer(size) and size >= -1) or (size is None and not place)
        for place, size in enumerate(value)
    ):
        raise Unknown(f"{entry.type}: its {name} is not a list of sizes")
    return tuple(value)


class Reshape(OnArray):
    newshape: tuple[int | None, ...] = Argument(_target, REQUIRED)  # type: ignore[assignment] # bound

    def checked(self) -> None:
        if self.newshape.count(-1) > 1:
            raise BadOption(f"one size of newshape can be -1, not {self.newshape}")

    def output(self, *inputs: Shape) -> Shape:
        target = self.newshape
        if target[:1] == (None,):
            target = (inputs[0][0], *target[1:])
        return reshaped(inputs[0], target)


class Transpose(OnArray):
    axes: tuple[int, ...] | None = integers(None)

    def output(self, *inputs: Shape) -> Shape:
        shape = inputs[0]
        if self.axes is None:
            return shape[::-1]
        if sorted(axes_of(self.axes, shape)) != list(range(len(shape))):
            raise BadShape(f"axes {self.axes} are not those of {shape}")
        return tuple([shape[axis] for axis in self.axes])


class Swapaxes(OnArray):
    axis1: int = axis()
    axis2: int = axis()

    def output(self, *inputs: Shape) -> Shape:
        shape = list(inputs[0])
        one, other = axes_of((self.axis1, self.axis2), inputs[0])
        shape[one], shape[other] = shape[other], shape[one]
        return tuple(shape)


class Moveaxis(OnArray):
    source: int | tuple[int, ...] = axes(REQUIRED)
    destination: int | tuple[int, ...] = axes(REQUIRED)

    def output(self, *inputs: Shape) -> Shape:
        sources, targets = axes_of(self.source, inputs[0]), axes_of(self.destination, inputs[0])
        if len(sources) != len(targets):
            raise BadShape(f"{self.source} cannot be moved to {self.destination}")
        order = [axis for axis in range(len(inputs[0])) if axis not in sources]
        for target, source in sorted(zip(targets, sources, strict=True)):
            order.insert(target, source)
        return tuple([inputs[0][axis] for axis in order])


class ExpandDims(OnArray):
    axis: int | tuple[int, ...] = axes(REQUIRED)

    def output(self, *inputs: Shape) -> Shape:
        given = (self.axis,) if isinstance(self.axis, int) else self.axis
        rank = len(inputs[0]) + len(given)
        places = set(axes_of(given, (None,) * rank))
        if len(places) < len(given):
            raise BadShape(f"axis {self.axis} names one new axis twice")
        rest = iter(inputs[0])
        return tuple([1 if place in places else next(rest) for place in range(rank)])


class Squeeze(OnArray):
    axis: int | tuple[int, ...] | None = axes()

    def output(self, *inputs: Shape) -> Shape:
        shape = inputs[0]
        if self.axis is None:
            if None in shape:
                raise Unknown("Squeeze: what is dynamic may be 1 or not")
            return tuple([size for size in shape if size != 1])
        gone = set(axes_of(self.axis, shape))
        if any(shape[axis] not in (1, None) for axis in gone):
            raise BadShape(f"axis {self.axis} of {shape} is not 1")
        return tuple([size for place, size in enumerate(shape) if place not in gone])


class Ravel(OnArray):
    def output(self, *inputs: Shape) -> Shape:
        return (product(inputs[0]),)


class Concatenate(OnArray):
    """The op, whose default axis is the first."""

    operands = ("xs",)
    many = True
    axis: int = axis(0)

    def output(self, *inputs: Shape) -> Shape:
        return joined(inputs, self.axis)


class Hstack(Concatenate):
    def output(self, *inputs: Shape) -> Shape:
        return joined(inputs, 0 if len(inputs[0]) == 1 else 1)


class Vstack(Concatenate):
    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) < 2:
            raise Unknown(f"Vstack of {inputs[0]}")
        return joined(inputs, 0)


class Stack(OnArray):
    many = True
    axis: int = axis(0)

    def output(self, *inputs: Shape) -> Shape:
        if len(set(inputs)) > 1:
            raise NotModelled(f"what is stacked has one shape, unlike {inputs}")
        (place,) = axes_of(self.axis, (*inputs[0], 1))
        return (*inputs[0][:place], len(inputs), *inputs[0][place:])


def _sections(name: str, value: Any, entry: Any) -> int | tuple[int, ...]:
    if is_integer(value) and 0 < value <= MAX_PARTS:
        return int(value)
    if isinstance(value, (list, tuple)) and all(map(is_integer, value)) and len(value) < MAX_PARTS:
        return tuple(value)
    raise BadOption(f"{name} is a number of parts or a list of places, not {value!r}"[:120])


class Split(OnArray):
    indices_or_sections: int | tuple[int, ...] = Argument(_sections, REQUIRED)  # type: ignore[assignment] # bound
    axis: int = axis(0)

    def sizes(self, whole: int | None) -> list[int | None]:
        """Return the sizes of the parts of a dimension."""
        parts = self.indices_or_sections
        if isinstance(parts, int):
            if whole is not None and whole % parts:
                raise BadShape(f"{whole} cannot be split into {parts} equal parts")
            return [None if whole is None else whole // parts] * parts
        if whole is None:
            if any(place < 0 for place in parts):
                raise Unknown("Split at places from the end of a dynamic size")
            return [after - before for before, after in pairwise((0, *parts))] + [None]
        if any(not -whole <= place <= whole for place in parts):
            raise BadShape(f"{whole} cannot be split at {parts}")
        bounds = [0, *[place if place >= 0 else whole + place for place in parts], whole]
        return [max(0, after - before) for before, after in pairwise(bounds)]

    def outputs(self, *inputs: Shape) -> Sequence[Shape]:
        shape = inputs[0]
        (place,) = axes_of(self.axis, shape)
        return [(*shape[:place], size, *shape[place + 1 :]) for size in self.sizes(shape[place])]


class Unstack(OnArray):
    num: int | None = free(None)
    axis: int = axis(0)

    def outputs(self, *inputs: Shape) -> Sequence[Shape]:
        (place,) = axes_of(self.axis, inputs[0])
        many = inputs[0][place]
        if many is None:
            many = self.num
        if many is None or not is_integer(many) or many > MAX_PARTS:
            raise Unknown("Unstack: into how many is not told")
        return [(*inputs[0][:place], *inputs[0][place + 1 :])] * many


class Tile(OnArray):
    repeats: tuple[int, ...] = integers()

    def output(self, *inputs: Shape) -> Shape:
        rank = max(len(inputs[0]), len(self.repeats))
        shape = (1,) * (rank - len(inputs[0])) + tuple(inputs[0])
        times = (1,) * (rank - len(self.repeats)) + self.repeats
        return tuple([None if n is None else n * t for n, t in zip(shape, times, strict=True)])


class Repeat(OnArray):
    repeats: int | tuple[int, ...] = axes(REQUIRED)
    axis: int | None = axes()

    def output(self, *inputs: Shape) -> Shape:
        shape = inputs[0] if self.axis is not None else (product(inputs[0]),)
        (place,) = axes_of(self.axis if self.axis is not None else 0, shape)
        times, size = self.repeats, shape[place]
        if isinstance(times, tuple) and len(times) == 1:
            (times,) = times
        if isinstance(times, tuple):
            if size is not None and len(times) != size:
                raise BadShape(f"{len(times)} repeats do not fit a size of {size}")
            after: int | None = sum(times)
        else:
            after = None if size is None else size * times
        return (*shape[:place], after, *shape[place + 1 :])


class BroadcastTo(OnArray):
    shape: tuple[int | None, ...] = Argument(_target, REQUIRED)  # type: ignore[assignment] # bound

    def output(self, *inputs: Shape) -> Shape:
        if -1 in self.shape or len(self.shape) < len(inputs[0]):
            raise Unknown(f"BroadcastTo: a shape of {self.shape} is not understood")
        target = list(self.shape)
        if target[:1] == [None]:
            target[0] = inputs[0][0] if len(target) == len(inputs[0]) else None
        offset = len(target) - len(inputs[0])
        for place, each in enumerate(inputs[0]):
            if each not in (1, None, target[offset + place]):
                raise BadShape(f"{inputs[0]} cannot be stretched to {self.shape}")
        return tuple(target)


def _pairs(name: str, value: Any, entry: Any) -> Any:
    if is_integer(value):
        return value
    if isinstance(value, (list, tuple)):
        if all(is_integer(each) for each in value) and len(value) in (1, 2):
            return tuple(value)
        if all(
            isinstance(each, (list, tuple)) and len(each) == 2 and all(map(is_integer, each))
            for each in value
        ):
            return tuple([tuple(each) for each in value])
    raise BadOption(f"{name} is a pair of integers for each dimension, not {value!r}"[:120])


class Pad(OnArray):
    pad_width: Any = Argument(_pairs, REQUIRED)
    mode: str = free("constant")
    passive = frozenset(("constant_values",))

    def output(self, *inputs: Shape) -> Shape:
        width = self.pad_width
        if isinstance(width, int):
            width = ((width, width),)
        elif width and isinstance(width[0], int):
            width = ((width[0], width[-1]),)
        if len(width) == 1:
            width = width * len(inputs[0])
        if len(width) != len(inputs[0]):
            raise BadShape(f"pad_width {self.pad_width} does not fit {inputs[0]}")
        both = zip(inputs[0], width, strict=True)
        return tuple([None if n is None else n + sum(ends) for n, ends in both])


class GetItem(OnArray):
    """x[…]: places and slices, `...` and new axes."""

    operands = ("x",)
    at_call = ("key",)
    key: Any = free(())

    def output(self, *inputs: Shape) -> Shape:
        shape = inputs[0]
        key = self.key if isinstance(self.key, (list, tuple)) else (self.key,)
        parts = [_part(each) for each in key]
        taken = sum(part is not NEW and part is not REST for part in parts)
        if taken > len(shape) or parts.count(REST) > 1:
            raise BadShape(f"{len(parts)} places in a tensor of {shape}")
        if REST not in parts:
            parts.append(REST)
        sizes: list[int | None] = []
        place = 0
        for part in parts:
            if part is REST:
                count = len(shape) - taken
                sizes.extend(shape[place : place + count])
                place += count
            elif part is NEW:
                sizes.append(1)
            else:
                size = shape[place]
                if isinstance(part, slice):
                    sizes.append(_sliced(size, part))
                elif size is not None and not -size <= part < size:
                    raise BadShape(f"there is no place {part} among {size}")
                place += 1
        return tuple(sizes)

    def numbers(self, *operands: Any) -> Any:
        """Return some of the sizes of a tensor."""
        sizes = getattr(operands[0], "numbers", None)
        key = self.key
        if isinstance(key, (list, tuple)) and len(key) == 1:
            (key,) = key
        if (
            not isinstance(sizes, tuple)
            or isinstance(sizes, Size)
            or isinstance(key, (list, tuple))
        ):
            return None
        part = _part(key)
        if isinstance(part, slice):
            return sizes[part]
        inside = is_integer(part) and -len(sizes) <= part < len(sizes)
        return Size(sizes[part]) if inside else None


REST, NEW = object(), object()


def _part(key: Any) -> Any:
    """Return a part of a key, as Keras 2 and 3 write them."""
    if key is None:
        return NEW
    if is_integer(key):
        return key
    if isinstance(key, dict):
        if key.get("class_name") == "__ellipsis__":
            return REST
        bounds = key.get("config") if key.get("class_name") == "__slice__" else key
        if isinstance(bounds, dict) and {"start", "stop", "step"} <= bounds.keys():
            ends = [bounds["start"], bounds["stop"], bounds["step"]]
            if all(end is None or is_integer(end) for end in ends) and ends[2] != 0:
                return slice(*ends)
    raise Unknown("GetItem: what is taken is not told by numbers")


def _sliced(size: int | None, part: slice) -> int | None:
    if part == slice(None, None, None) or (size is None and part == slice(None, None, 1)):
        return size
    return None if size is None else len(range(*part.indices(size)))


class Take(OnArray):
    """Takes places along an axis."""

    operands = ("x", "indices")
    needed = 2
    axis: int | None = axes()

    def output(self, *inputs: Shape) -> Shape:
        if self.axis is None:
            return inputs[1]
        (place,) = axes_of(self.axis, inputs[0])
        return (*inputs[0][:place], *inputs[1], *inputs[0][place + 1 :])


class Tril(OnArray):
    k: int = free(0)

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return Operation.flops(self, macs, outputs, *inputs)


class Triu(Tril):
    pass


class OneHot(OnArray):
    num_classes: int = axis()
    axis: int = axis(-1)
    dtype: Any = inert()
    sparse: bool = only(False)

    def output(self, *inputs: Shape) -> Shape:
        (place,) = axes_of(self.axis, (*inputs[0], 1))
        return (*inputs[0][:place], self.num_classes, *inputs[0][place:])

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return Operation.flops(self, macs, outputs, *inputs)


class SpaceToDepth(OnArray):
    block_size: int = axis()
    data_format: str = free("channels_last")

    def output(self, *inputs: Shape) -> Shape:
        if self.data_format != "channels_last" or len(inputs[0]) != 4:
            raise Unknown(f"{self.type}: {self.data_format} is not understood")
        return (inputs[0][0], *self.moved(*inputs[0][1:]))

    def moved(self, h: int | None, w: int | None, c: int | None) -> Shape:
        n = self.block_size
        for side in (h, w):
            if side is not None and side % n:
                raise BadShape(f"{side} is no multiple of {n}")
        return (
            None if h is None else h // n,
            None if w is None else w // n,
            None if c is None else c * n * n,
        )


class DepthToSpace(SpaceToDepth):
    def moved(self, h: int | None, w: int | None, c: int | None) -> Shape:
        n = self.block_size
        if c is not None and c % (n * n):
            raise BadShape(f"{c} is no multiple of {n * n}")
        return (
            None if h is None else h * n,
            None if w is None else w * n,
            None if c is None else c // (n * n),
        )


class Shape_(OnArray):
    """The sizes of a tensor, as numbers: a function of TensorFlow's."""

    def numbers(self, *operands: Any) -> Any:
        return operands[0].shape or None

    def output(self, *inputs: Shape) -> Shape:
        return (len(inputs[0]),)
