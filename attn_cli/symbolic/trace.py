"""A symbolic model under construction: its tensors, its names, and a node for each call."""

from __future__ import annotations

import re
from functools import cache
from operator import index
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadShape
from attn_cli.graph import Cost, Layer, Node, Ref
from attn_cli.operations.base import Constant
from attn_cli.operations.call import Bound, input_tensor, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape
    from attn_cli.operations.base import Operation
    from attn_cli.operations.call import Operand, Tensor


class SymbolicTensor:
    """A shape (B, H, W, C) and the node that yields it; there are no values."""

    __slots__ = ("ref", "shape", "told", "trace")

    def __init__(self, trace: Trace, ref: Ref, told: Tensor) -> None:
        self.trace = trace
        self.ref = ref
        self.told = told
        self.shape = told.shape

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.shape}>"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a symbolic tensor has a shape and no values")

    def __bool__(self) -> bool:
        raise TypeError("a symbolic tensor has a shape and no values")


class Trace:
    """Records a block that is built on `input()`, and names its layers as a fresh Keras would."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._uses: dict[str, int] = {}

    def input(self, shape: Shape) -> SymbolicTensor:
        """Return what `keras.Input(shape[1:])` does: a tensor of this shape, batch included."""
        shape = tuple([None if size is None else _size(size) for size in shape])
        layer = Layer(self.unique_name("InputLayer"), "InputLayer", {"batch_shape": shape})
        return self._add(Node(layer, (), (), (shape,), cost=Cost(0, 0)), input_tensor(shape))

    def unique_name(self, type: str) -> str:
        """Return Keras' automatic name: the type in snake case, numbered from its second use."""
        base = snake_case(type)
        uses = self._uses.get(base, 0)
        self._uses[base] = uses + 1
        return f"{base}_{uses}" if uses else base

    def record(
        self, layer: Layer, does: Operation, operands: Sequence[Any], shape: Shape
    ) -> SymbolicTensor:
        """Record a call that yields a tensor of this shape, and return the tensor.

        Operands are tensors and numbers.
        """
        taken: list[Operand] = []
        refs = []
        shapes = []
        for each in operands:
            if not isinstance(each, SymbolicTensor):
                taken.append(Constant((), each))
                continue
            if each.trace is not self:
                raise TypeError("these symbolic tensors belong to two different traces")
            taken.append(each.told)
            refs.append(each.ref)
            shapes.append(each.shape)
        bound = Bound(does, taken)
        (made,), cost = tell(bound, (shape,))
        node = Node(layer, tuple(refs), tuple(shapes), (shape,), 0, cost, bound.numbers)
        return self._add(node, made)

    def _add(self, node: Node, made: Tensor) -> SymbolicTensor:
        self.nodes.append(node)
        return SymbolicTensor(self, Ref(len(self.nodes) - 1), made)


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
