"""What becomes of values where axes are summed up: by a reduction, by a pool, by their norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.analysis.calls import (
    POOLING,
    REDUCING,
    each_of_space,
    integers,
    option,
    space_of,
)
from attn_cli.analysis.flow.values import OTHER, Unclear, Value
from attn_cli.analysis.layout import resized, size_of
from attn_cli.graph import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.analysis.flow.values import Flow
    from attn_cli.analysis.layout import Axis
    from attn_cli.graph import Node

# What comes of pooling a form of the map: of x² the norm is on its way, of the squared distances
# from the mean, d², the variance.
POOLED = {
    ("max", "-x"): "min",
    ("max", "x"): "max",
    ("mean", "d²"): "var",
    ("mean", "-x"): "mean",
    ("mean", "x"): "mean",
    ("mean", "x²"): "mean of squares",
    ("min", "-x"): "max",
    ("min", "x"): "min",
    ("norm", "d"): "std",
    ("norm", "x"): "norm",
    ("std", "x"): "std",
    ("sum", "-x"): "sum",
    ("sum", "d²"): "var",
    ("sum", "weighed"): "context",
    ("sum", "x"): "sum",
    ("sum", "x²"): "sum of squares",
    ("sum", "|x|"): "norm",
    ("var", "x"): "var",
}
# Pooled over one axis and then over another, in the same way.
AGAIN = {("max", "max"), ("mean", "mean"), ("min", "min"), ("sum", "context"), ("sum", "sum")}


def reduced(flow: Flow, value: Value, axes: Sequence[int], keeps: str, keepdims: bool) -> Value:
    """Return what is kept of some axes: their mean, their maximum, …."""
    gone, over = value.places(axes), value.over(axes)
    if "b" in over:
        raise Unclear
    left = value.laid(
        () if place in gone else axis
        for place, axis in enumerate(value.layout)
        if keepdims or place not in gone
    )
    if not over or over == {"k"}:
        return left
    path = value.pure
    if path is None or not over <= flow.sizes.keys():
        return left.mixed(_how(over))
    if not path.over:
        form = POOLED.get((keeps, path.form), OTHER.form)
    elif (keeps, path.form) in AGAIN:
        form = path.form
    elif over <= {"c"}:
        return left.mixed("over c")
    else:
        form = OTHER.form
    return left.on(path._replace(form=form, over=path.over | over))


def _how(over: frozenset[str]) -> str:
    """Return how it mixes what is no map that axes are summed up which run over this."""
    return "over c" if over <= {"c", "m"} else "pool"


def by_reduction(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Reduce over axes, all where none are named."""
    value, type, axis = given[0], call.layer.type, option(call, "axis")
    axes = range(len(value.layout)) if axis is None else integers(axis)
    if type == "Norm" and option(call, "ord") not in (None, 2, "euclidean", "fro"):
        raise Unclear
    return reduced(flow, value, axes, REDUCING[type], bool(option(call, "keepdims")))


def moments(flow: Flow, call: Node, given: Sequence[Value]) -> list[Value]:
    """Reduce to a mean, and to a variance."""
    axes, keepdims = integers(option(call, "axes")), bool(option(call, "keepdims"))
    return [reduced(flow, given[0], axes, keeps, keepdims) for keeps in ("mean", "var")]


def unit(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Divide by the norm along an axis."""
    axis = option(call, "axis")
    return given[0].mixed(_how(given[0].over(integers(-1 if axis is None else axis))))


def pooled(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Pool all of space, or windows of it."""
    value, type = given[0], call.layer.type
    rank = len(value.layout)
    space = space_of(call, rank)
    if type.startswith("Global"):
        return reduced(flow, value, space, POOLING[type], bool(option(call, "keepdims")))
    after = call.output_shapes[0]
    sizes: Iterable[int | None]
    if after != UNKNOWN and len(after) == rank and None not in after[1:]:
        sizes = [after[place] for place in space]
    elif type.startswith("Adaptive"):
        sizes = each_of_space(option(call, "output_size"), len(space))
    else:
        sizes = _windows(flow, call, [value.layout[place] for place in space])
    sides = each_of_space(option(call, "pool_size", "ksize"), len(space))
    whole, left = [], list(value.layout)
    for place, size, side in zip(space, sizes, sides, strict=True):
        before = size_of(value.layout[place])
        if size == 1 and before != 1:
            whole.append(place)
            if before is not None and not _covers(call, side, before):
                left[place] = resized(value.layout[place], None)
        elif size != before:
            left[place] = resized(value.layout[place], size)
    if tuple(left) != value.layout:
        value = value.laid(left).mixed("window")
    return reduced(flow, value, whole, POOLING[type], True)


def _covers(call: Node, side: int | None, size: int) -> bool:
    """Tell whether the one window of a pool along an axis is all of the axis."""
    if call.layer.type.startswith("Adaptive"):
        return True
    # Of what is padded the window may see less than it is wide, where it is said how.
    padding = str(option(call, "padding") or "valid").lower()
    return padding in ("same", "valid") and side is not None and side >= size


def _windows(flow: Flow, call: Node, space: Sequence[Axis]) -> list[int | None]:
    """Return how many windows a pool has along each axis, 1 where one of them is all of it."""
    rank = len(space)
    sides = each_of_space(option(call, "pool_size", "ksize"), rank)
    strides = each_of_space(option(call, "strides", "pool_size", "ksize"), rank)
    is_same = str(option(call, "padding")).lower() == "same"
    counts: list[int | None] = []
    for axis, side, stride in zip(space, sides, strides, strict=True):
        size = size_of(axis)
        if side == stride == 1 or (is_same and stride == 1):
            counts.append(size)
        elif side is None or (size is not None and side != size) or (stride or side) > side:
            counts.append(None)
        else:
            # A gate meets the map with as many places or with one: if nothing makes it larger
            # again, a window of more than one was all there is.
            counts.append(1 if size is not None or not flow.grows else None)
    return counts
