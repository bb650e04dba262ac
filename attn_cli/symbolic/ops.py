"""The part of `keras.ops` that blocks use: one function an op, as in Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadOption, BadShape, NotModelled
from attn_cli.symbolic.trace import Operation, Shape, SymbolicTensor, Trace, elementwise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Axes = int | list[int] | tuple[int, ...]
Operand = SymbolicTensor | int | float


def add(trace: Trace, x1: Operand, x2: Operand) -> SymbolicTensor:
    return _merge("Add", trace, x1, x2)


def subtract(trace: Trace, x1: Operand, x2: Operand) -> SymbolicTensor:
    return _merge("Subtract", trace, x1, x2)


def multiply(trace: Trace, x1: Operand, x2: Operand) -> SymbolicTensor:
    return _merge("Multiply", trace, x1, x2)


def divide(trace: Trace, x1: Operand, x2: Operand) -> SymbolicTensor:
    return _merge("Divide", trace, x1, x2)


def sqrt(trace: Trace, x: SymbolicTensor) -> SymbolicTensor:
    return _op("Sqrt", trace, (x,), x.shape)


def square(trace: Trace, x: SymbolicTensor) -> SymbolicTensor:
    return _op("Square", trace, (x,), x.shape)


def matmul(trace: Trace, x1: SymbolicTensor, x2: SymbolicTensor) -> SymbolicTensor:
    if len(x1.shape) < 2 or len(x1.shape) != len(x2.shape):
        raise NotModelled(f"matmul takes matrices stacked alike, not {x1.shape} and {x2.shape}")
    inner = x1.shape[-1], x2.shape[-2]
    if None not in inner and inner[0] != inner[1]:
        raise BadShape(f"matrices of {x1.shape} and {x2.shape} do not fit each other")
    stacked = elementwise([x1.shape[:-2], x2.shape[:-2]], of_op=True)
    return _op("Matmul", trace, (x1, x2), (*stacked, x1.shape[-2], x2.shape[-1]))


def max(
    trace: Trace, x: SymbolicTensor, axis: Axes | None = None, keepdims: bool = False
) -> SymbolicTensor:
    return _reduce("Max", trace, x, axis, keepdims)


def mean(
    trace: Trace, x: SymbolicTensor, axis: Axes | None = None, keepdims: bool = False
) -> SymbolicTensor:
    return _reduce("Mean", trace, x, axis, keepdims)


def sum(
    trace: Trace, x: SymbolicTensor, axis: Axes | None = None, keepdims: bool = False
) -> SymbolicTensor:
    return _reduce("Sum", trace, x, axis, keepdims)


def var(
    trace: Trace, x: SymbolicTensor, axis: Axes | None = None, keepdims: bool = False
) -> SymbolicTensor:
    return _reduce("Var", trace, x, axis, keepdims)


OPS: dict[str, Callable[..., SymbolicTensor]] = {
    op.__name__: op
    for op in (add, divide, matmul, max, mean, multiply, sqrt, square, subtract, sum, var)
}


def _merge(type: str, trace: Trace, x1: Operand, x2: Operand) -> SymbolicTensor:
    tensors = tuple([x for x in (x1, x2) if isinstance(x, SymbolicTensor)])
    if not tensors or not all(isinstance(x, Operand) for x in (x1, x2)):
        raise BadOption(f"{type} takes two tensors, or a tensor and a number, not {x1!r}, {x2!r}")
    shape = elementwise([tensor.shape for tensor in tensors], of_op=True)
    return _op(type, trace, tensors, shape)


def _reduce(
    type: str, trace: Trace, x: SymbolicTensor, axis: Axes | None, keepdims: bool
) -> SymbolicTensor:
    rank = len(x.shape)
    axes = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
    shape = reduced(x.shape, axes, keepdims)
    return _op(type, trace, (x,), shape, axis=axis, keepdims=keepdims)


def reduced(shape: Shape, axes: Sequence[int], keepdims: bool) -> Shape:
    """Return a shape after a reduction over some of its axes."""
    rank = len(shape)
    if not all(-rank <= axis < rank for axis in axes):
        raise BadShape(f"axis {axes} is out of range for {shape}")
    gone = {axis % rank for axis in axes}
    if len(gone) < len(axes):
        raise NotModelled(f"axis {axes} names one axis of {shape} twice")
    if keepdims:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def _op(
    type: str, trace: Trace, inputs: tuple[SymbolicTensor, ...], shape: Shape, **config: Any
) -> SymbolicTensor:
    return trace.record(Operation(type, trace.unique_name(type), config), inputs, shape)
