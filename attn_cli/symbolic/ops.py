"""The part of `keras.ops` that blocks use: one function an op, as in Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadShape
from attn_cli.symbolic.trace import Operation, Shape, SymbolicTensor, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Axes = int | list[int] | tuple[int, ...]


def max(
    trace: Trace, x: SymbolicTensor, axis: Axes | None = None, keepdims: bool = False
) -> SymbolicTensor:
    return _reduce("Max", trace, x, axis, keepdims)


def mean(
    trace: Trace, x: SymbolicTensor, axis: Axes | None = None, keepdims: bool = False
) -> SymbolicTensor:
    return _reduce("Mean", trace, x, axis, keepdims)


OPS: dict[str, Callable[..., SymbolicTensor]] = {op.__name__: op for op in (max, mean)}


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
    if keepdims:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def _op(
    type: str, trace: Trace, inputs: tuple[SymbolicTensor, ...], shape: Shape, **config: Any
) -> SymbolicTensor:
    return trace.record(Operation(type, trace.unique_name(type), config), inputs, shape)
