"""What becomes of values where parts are taken, and where what is more is put beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.analysis.calls import integers, option
from attn_cli.analysis.flow.values import NOWHERE, Unclear, Value, paths_of
from attn_cli.analysis.layout import Atom, across, labels_of, resized, size_of, spread
from attn_cli.graph import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.flow.values import Flow, Path
    from attn_cli.analysis.layout import Axis, Layout
    from attn_cli.graph import Node, Shape


def padded(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Pad: with what is at the other end, or the map is no longer what it was."""
    value = given[0]
    layout = _resized(value.layout, call.output_shapes[0]) or _shrunk(value.layout)
    pairs = zip(layout, value.layout, strict=True)
    over = labels_of(*[before for axis, before in pairs if axis != before])
    mode = str(option(call, "mode") or "constant").lower()
    if mode != "constant" and over:
        return value.laid(layout).mixed("circle" if mode in ("wrap", "circular") else mode)
    return value.laid(layout).blurred()


def cut(flow: Flow, call: Node, given: Sequence[Value]) -> list[Value]:
    """Take parts along axes, and drop or add axes of one place."""
    value = given[0]
    parts = []
    for after in call.output_shapes:
        layout = _cut(call, value.layout, after)
        if layout is None:
            raise Unclear
        kept = [atom for axis in layout for atom in axis]
        atoms = [atom for axis in value.layout for atom in axis]
        whole = all(atom in kept for atom in atoms if atom.label not in ("", "b", "k", "+"))
        part = value.laid(layout)
        if not whole:
            part = part.blurred() if value.is_map else part.mixed("part")
        parts.append(part)
    return parts


def _cut(call: Node, layout: Layout, after: Shape) -> Layout | None:
    """Return the layout of a part that a call takes; None where it cannot be told."""
    type = call.layer.type
    sliced = None if (slices := _slices(call)) is None else _sliced(layout, slices)
    if sliced is not None:
        return sliced
    if after != UNKNOWN:
        return _resized(layout, after) or _fitted(layout, after)
    if type in ("Split", "Unstack"):
        return _divided(call, layout)
    return None if type == "GetItem" else _shrunk(layout)


def _slices(call: Node) -> Sequence[object] | None:
    """Return what stands in the brackets of x[…]; None where a call takes parts in another way."""
    type, key = call.layer.type, option(call, "key")
    if type == "tf.slice":
        starts, counts = integers(option(call, "begin")), integers(option(call, "size"))
        return [
            slice(None)
            if (start, count) == (0, -1)
            else slice(start, None if count == -1 else start + count)
            for start, count in zip(starts, counts, strict=True)
        ]
    if type != "GetItem" or key is None:
        return None
    return key if isinstance(key, tuple) else (key,)


def _sliced(layout: Layout, slices: Sequence[object]) -> Layout | None:
    """Return the layout of x[…]: of slices, places, `...` and None for a new axis."""
    axes = list(layout)
    cut: list[Axis] = []
    taken = sum(each is not None and each is not Ellipsis for each in slices)
    for each in slices:
        if each is None:
            cut.append(())
        elif each is Ellipsis:
            rest = len(layout) - taken
            cut.extend(axes[:rest])
            del axes[:rest]
        elif isinstance(each, slice) and axes:
            axis = axes.pop(0)
            bounds = (each.start, each.stop, each.step)
            size = size_of(axis)
            if bounds == (None, None, None):
                cut.append(axis)
            elif size is None or any(type(b) not in (int, type(None)) for b in bounds):
                cut.append(resized(axis, None))
            else:
                cut.append(resized(axis, len(range(*slice(*bounds).indices(size)))))
        elif type(each) is int and axes:
            axes.pop(0)
        else:
            return None
    return (*cut, *axes)


def _divided(call: Node, layout: Layout) -> Layout | None:
    """Return the layout of each of several equal parts, or of each place, along one axis."""
    axes = integers(option(call, "axis"))
    if len(axes) != 1:
        return None
    at = axes[0] % len(layout)
    size, count = size_of(layout[at]), len(call.output_shapes)
    each = None if size is None or size % count else size // count
    left = () if call.layer.type == "Unstack" else (resized(layout[at], each),)
    return (*layout[:at], *left, *layout[at + 1 :])


def _resized(layout: Layout, after: Shape) -> Layout | None:
    """Return the layout with these sizes; None where there are more or fewer of them, or none."""
    if after == UNKNOWN or len(after) != len(layout):
        return None
    pairs = zip(layout, after, strict=True)
    return tuple([axis if size_of(axis) == size else resized(axis, size) for axis, size in pairs])


def _shrunk(layout: Layout) -> Layout:
    """Return the layout with sizes that are not known, but for the batch."""
    return (layout[0], *[axis and resized(axis, None) for axis in layout[1:]])


def _fitted(layout: Layout, after: Shape) -> Layout | None:
    """Return the layout where axes of one place came or went, or a place was taken of others."""
    wide = [axis for axis in layout if axis]
    if len(wide) == sum(size != 1 for size in after):
        rest = iter(wide)
        return tuple([() if size == 1 else resized(next(rest), size) for size in after])
    # Which axes went cannot be told where several are of one size.
    left = list(layout)
    for size in after[::-1]:
        while left and size_of(left[-1]) != size:
            left.pop()
        if not left:
            return None
        left.pop()
    gone = list(after)
    kept: list[Axis] = []
    for axis in layout:
        if gone and size_of(axis) == gone[0]:
            kept.append(axis)
            gone.pop(0)
    return tuple(kept) if not gone else None


def concatenated(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Put tensors end to end."""
    axis = option(call, "axis")
    axes = integers(-1 if axis is None else axis)
    ranks = {len(value.layout) for value in given}
    if len(axes) != 1 or len(ranks) != 1:
        raise Unclear
    (at,) = given[0].places(axes)
    ends = [value.layout[at] for value in given]
    labels = {labels_of(end) for end in ends}
    sizes = [size_of(end) for end in ends]
    total = None if None in sizes else sum(filter(None, sizes))
    value = Value(across([value.layout for value in given]), paths_of(given))

    def joined(axis: Axis) -> Value:
        return value.laid((*value.layout[:at], axis, *value.layout[at + 1 :]))

    if len({*call.inputs}) == 1 and labels == {NOWHERE}:
        same = joined(spread(total))
        # A single channel has itself for neighbours.
        return same.mixed("circle") if flow.channels == 1 else same
    if labels <= {NOWHERE, frozenset("k")}:
        return joined((Atom("k", total),))
    if labels == {frozenset("c")}:
        whole = {_whole(path) for path in value.paths}
        if len(whole) == 1 and all(path.over for path in whole):
            return joined((Atom("c", total),)).on(*whole).mixed("circle")
    is_made = labels_of(*ends) <= {"c", "m"}
    return joined((Atom("m" if is_made else "+", total),))


def _whole(path: Path) -> Path:
    """Return the path of what a part was taken of."""
    return path._replace(steps=tuple([step for step in path.steps if step.how != "part"]))


def stacked(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Stack tensors along a new axis."""
    layout = list(across([value.layout for value in given]))
    at = (integers(option(call, "axis")) or [0])[0] % (len(layout) + 1)
    layout.insert(at, (Atom("k", len(given)),))
    return Value(tuple(layout), paths_of(given))
