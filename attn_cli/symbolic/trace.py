"""A symbolic model under construction: its tensors, its names, the calls it recorded."""

from __future__ import annotations

import re
from functools import cache, partial
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import BadShape, NotModelled
from attn_cli.operations import bind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from attn_cli.graph import Shape, Weight
    from attn_cli.operations.base import Operation


class Called:
    """A layer or an op by its name: what it does, and the variables that it owns."""

    __slots__ = ("does", "name", "weights")

    def __init__(self, does: Operation, name: str) -> None:
        self.does = does
        self.name = name
        self.weights: tuple[Weight, ...] = ()


class Call(NamedTuple):
    """One call of an operation: its tensors, and all its operands, numbers too."""

    called: Called
    inputs: tuple[SymbolicTensor, ...]
    operands: tuple[Any, ...]
    output: Shape


class SymbolicTensor:
    """A shape (B, H, W, C) and the call that yields it; there are no values."""

    __slots__ = ("call", "shape", "trace")

    def __init__(self, trace: Trace, call: int, shape: Shape) -> None:
        self.trace = trace
        self.call = call
        self.shape = shape

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.shape}>"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a symbolic tensor has a shape and no values")

    def __bool__(self) -> bool:
        raise TypeError("a symbolic tensor has a shape and no values")


class Trace:
    """Records a block that is built on `input()`, and names its layers as a fresh Keras would."""

    def __init__(self, layers: Namespace, ops: Namespace) -> None:
        self.calls: list[Call] = []
        self._uses: dict[str, int] = {}
        self.layers = Members(self, layers)
        self.ops = Members(self, ops)

    def input(self, shape: Shape) -> SymbolicTensor:
        """Return what `keras.Input(shape[1:])` does: a tensor of this shape, batch included."""
        shape = tuple([None if size is None else _size(size) for size in shape])
        does = bind("InputLayer", {"batch_shape": shape})
        return self.record(Called(does, self.unique_name("InputLayer")), (), shape)

    def unique_name(self, type: str) -> str:
        """Return Keras' automatic name: the type in snake case, numbered from its second use."""
        base = snake_case(type)
        uses = self._uses.get(base, 0)
        self._uses[base] = uses + 1
        return f"{base}_{uses}" if uses else base

    def record(
        self,
        called: Called,
        inputs: tuple[SymbolicTensor, ...],
        shape: Shape,
        operands: tuple[Any, ...] | None = None,
    ) -> SymbolicTensor:
        """Record a call that yields a tensor of this shape, and return the tensor."""
        for tensor in inputs:
            if tensor.trace is not self:
                raise TypeError("these symbolic tensors belong to two different traces")
        self.calls.append(Call(called, inputs, inputs if operands is None else operands, shape))
        return SymbolicTensor(self, len(self.calls) - 1, shape)


class Namespace(NamedTuple):
    """`keras.layers` or `keras.ops`: just what is modelled, and what makes one of it."""

    path: str
    names: Collection[str]
    member: Callable[[str], Callable[..., Any]]


class Members:
    """A namespace inside a trace."""

    def __init__(self, trace: Trace, namespace: Namespace) -> None:
        self._trace = trace
        self._namespace = namespace

    def __getattr__(self, name: str) -> Any:
        path, names, member = self._namespace
        if name not in names:
            raise NotModelled(
                f"{path}.{name} is not modelled without TensorFlow; a block can use "
                f"{', '.join(sorted(names))}"
            )
        return partial(member(name), self._trace)


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
