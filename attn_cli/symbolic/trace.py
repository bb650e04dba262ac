"""A symbolic model under construction: its tensors, its names, the calls it recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial, reduce
from operator import index
from typing import Any, NamedTuple

from attn_cli.errors import BadShape, NotModelled

Shape = tuple[int | None, ...]
Members = Mapping[str, Callable[..., Any]]


class Weight(NamedTuple):
    """One variable of a layer."""

    name: str
    shape: tuple[int, ...]
    trainable: bool = True


class Operation:
    """A layer or an op: what it is called, how it was made, the variables it owns."""

    __slots__ = ("config", "name", "type", "weights")

    def __init__(self, type: str, name: str, config: dict[str, Any]) -> None:
        self.type = type
        self.name = name
        self.config = config
        self.weights: tuple[Weight, ...] = ()


class Call(NamedTuple):
    """One call of an operation."""

    operation: Operation
    inputs: tuple[SymbolicTensor, ...]
    outputs: tuple[Shape, ...]


class SymbolicTensor:
    """A shape (B, H, W, C) and the call that yields it; there are no values."""

    __slots__ = ("call", "output", "shape", "trace")

    def __init__(self, trace: Trace, call: int, output: int, shape: Shape) -> None:
        self.trace = trace
        self.call = call
        self.output = output
        self.shape = shape

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.shape}>"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a symbolic tensor has a shape and no values")

    def __bool__(self) -> bool:
        raise TypeError("a symbolic tensor has a shape and no values")


class Trace:
    """Records a block that is built on `input()`, and names its layers as a fresh Keras would."""

    def __init__(self, layers: Members, ops: Members) -> None:
        self.calls: list[Call] = []
        self._uses: dict[str, int] = {}
        self.layers = Namespace(self, "keras.layers", layers)
        self.ops = Namespace(self, "keras.ops", ops)

    def input(self, shape: Shape) -> SymbolicTensor:
        """Return what `keras.Input(shape[1:])` does: a tensor of this shape, batch included."""
        shape = tuple([None if size is None else _size(size) for size in shape])
        layer = Operation("InputLayer", self.unique_name("InputLayer"), {"batch_shape": shape})
        return self.record(layer, (), shape)

    def unique_name(self, type: str) -> str:
        """Return Keras' automatic name: the type in snake case, numbered from its second use."""
        base = snake_case(type)
        uses = self._uses.get(base, 0)
        self._uses[base] = uses + 1
        return f"{base}_{uses}" if uses else base

    def record(
        self, operation: Operation, inputs: tuple[SymbolicTensor, ...], shape: Shape
    ) -> SymbolicTensor:
        """Record a call that yields one tensor, and return the tensor."""
        return self.record_many(operation, inputs, (shape,))[0]

    def record_many(
        self, operation: Operation, inputs: tuple[SymbolicTensor, ...], shapes: tuple[Shape, ...]
    ) -> list[SymbolicTensor]:
        """Record a call that yields several tensors, and return them."""
        for tensor in inputs:
            if tensor.trace is not self:
                raise TypeError("these symbolic tensors belong to two different traces")
        self.calls.append(Call(operation, inputs, shapes))
        call = len(self.calls) - 1
        return [SymbolicTensor(self, call, output, shape) for output, shape in enumerate(shapes)]


def elementwise(shapes: Sequence[Shape], *, of_op: bool = False) -> Shape:
    """Return the shape of tensors combined element by element; a size of 1 is stretched.

    Where one size is dynamic and the other is known, Keras' merge layers say that it is dynamic,
    and its ops that it is the known one.
    """

    def pair(first: Shape, second: Shape) -> Shape:
        if len(first) != len(second):
            raise NotModelled(f"what is combined has one rank, unlike {first} and {second}")
        combined: list[int | None] = []
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


class Namespace:
    """`keras.layers` or `keras.ops` inside a trace: just what is modelled, nothing more."""

    def __init__(self, trace: Trace, path: str, members: Members) -> None:
        self._trace = trace
        self._path = path
        self._members = members

    def __getattr__(self, name: str) -> Any:
        try:
            member = self._members[name]
        except KeyError:
            known = ", ".join(sorted(self._members))
            raise NotModelled(
                f"{self._path}.{name} is not modelled without TensorFlow; a block can use {known}"
            ) from None
        return partial(member, self._trace)


def _size(size: int) -> int:
    try:
        # An integer of any library, and no text or float that could be made one.
        size = index(size)
    except TypeError:
        raise BadShape(f"a dimension is an integer, or None where dynamic, not {size!r}") from None
    if size < 0:
        raise BadShape(f"a dimension cannot be negative, and {size} is")
    return size


@cache
def snake_case(name: str) -> str:
    """Return a class name as Keras writes it in layer names (`keras.src.utils.naming`)."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
