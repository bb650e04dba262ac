"""What becomes of values where parts are taken, and where what is more is put beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.analysis.calls import integers, option, space_of
from attn_cli.analysis.flow.values import NOWHERE, Unclear, Value, paths_of
from attn_cli.analysis.layout import (
    Atom,
    across,
    labels_of,
    part_of,
    resized,
    shifted,
    size_of,
    spread,
)
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
    before = _before(call, len(layout))
    layout = _moved(layout, value.layout, [None if n is None else -n for n in before])
    mode = str(option(call, "mode") or "constant").lower()
    if mode != "constant" and over:
        return value.laid(layout).mixed("circle" if mode in ("wrap", "circular") else mode)
    return value.laid(layout).blurred()


def _before(call: Node, rank: int) -> list[int | None]:
    """Return how much is put, or cut off, before each axis; None where nothing tells."""
    is_op = call.layer.type == "Pad"
    places = range(rank) if is_op else space_of(call, rank)
    given = option(call, "pad_width", "padding", "cropping")
    if not isinstance(given, (list, tuple)):
        given = (given,)
    if len(integers(given)) == 2 and (is_op or len(places) == 1):
        given = (given,)  # both ends, and not two axes
    firsts = [each[0] if isinstance(each, (list, tuple)) and each else each for each in given]
    if len(firsts) == 1:
        firsts *= len(places)
    if len(firsts) != len(places) or not all(type(each) is int for each in firsts):
        return [None] * rank
    before: list[int | None] = [0] * rank
    for place, first in zip(places, firsts, strict=True):
        before[place] = first
    return before


def _moved(after: Layout, before: Layout, by: Sequence[int | None]) -> Layout:
    """Return a layout whose axes start so many places later, where their size is another one."""
    return tuple(
        [
            axis
            if size_of(axis) == size_of(old) is not None
            else part_of(old, shifted(axis, places))
            for axis, old, places in zip(after, before, by, strict=True)
        ]
    )


def cut(flow: Flow, call: Node, given: Sequence[Value]) -> list[Value]:
    """Take parts along axes, and drop or add axes of one place."""
    value = given[0]
    parts = []
    for output, after in enumerate(call.output_shapes):
        layout = _cut(call, value.layout, output, after)
        if layout is None:
            raise Unclear
        kept = [atom[:2] for axis in layout for atom in axis]
        atoms = [atom for axis in value.layout for atom in axis]
        whole = all(atom[:2] in kept for atom in atoms if atom.label not in ("", "b", "k", "+"))
        part = value.laid(layout)
        if not whole:
            part = part.blurred() if value.is_each else part.mixed("part")
        parts.append(part)
    return parts


def _cut(call: Node, layout: Layout, output: int, after: Shape) -> Layout | None:
    """Return the layout of a part that a call takes; None where it cannot be told."""
    type = call.layer.type
    sliced = None if (slices := _slices(call)) is None else _sliced(layout, slices)
    if sliced is not None:
        return sliced
    if after != UNKNOWN and (part := _resized(layout, after)) is not None:
        return _moved(part, layout, _offsets(call, output, len(layout)))
    if after != UNKNOWN:
        return _fitted(layout, after)
    if type in ("Split", "Unstack"):
        return _divided(call, layout, output)
    if type == "GetItem":
        return None
    return _moved(_shrunk(layout), layout, _offsets(call, output, len(layout)))


def _offsets(call: Node, output: int, rank: int) -> list[int | None]:
    """Return where along each axis a part starts; None where nothing tells."""
    if call.layer.type.startswith("Cropping"):
        return _before(call, rank)
    axes = integers(option(call, "axis"))
    if call.layer.type != "Split" or len(axes) != 1:
        return [None] * rank
    at = axes[0] % rank
    sizes = [shape[at] if len(shape) == rank else None for shape in call.output_shapes[:output]]
    start = None if None in sizes else sum(filter(None, sizes))
    return [start if place == at else 0 for place in range(rank)]


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
            if any(type(bound) not in (int, type(None)) for bound in bounds):
                cut.append(shifted(resized(axis, None), None))
            else:
                cut.append(_stretch(axis, each))
        elif type(each) is int and axes:
            axes.pop(0)
        else:
            return None
    return (*cut, *axes)


def _stretch(axis: Axis, part: slice) -> Axis:
    """Return the axis of the places that a slice takes.

    Of an axis that is not known to end, what is open at the end goes up to there, and what starts
    before the end does so where the next round starts.
    """
    size, step = size_of(axis), part.step in (None, 1)
    if size is not None:
        taken = range(*part.indices(size))
        return part_of(axis, shifted(resized(axis, len(taken)), taken.start if step else None))
    first, last = part.start or 0, part.stop
    if (first, last) == (0, None):
        return shifted(axis, 0 if step else None)
    if not step or (last is not None and (last < 0 or first < 0)):
        return shifted(resized(axis, None), None)
    length = last - first if last is not None else -first if first < 0 else None
    return part_of(axis, shifted(resized(axis, length), first))


def _divided(call: Node, layout: Layout, output: int) -> Layout | None:
    """Return the layout of each of several equal parts, or of each place, along one axis."""
    axes = integers(option(call, "axis"))
    if len(axes) != 1:
        return None
    at = axes[0] % len(layout)
    size, count = size_of(layout[at]), len(call.output_shapes)
    each = None if size is None or size % count else size // count
    start = None if each is None else each * output
    part = part_of(layout[at], shifted(resized(layout[at], each), start))
    ends = [end for atom in layout[at] for end in atom.ends]
    if each is None and len(ends) == count:
        part = ends[output]
    left = () if call.layer.type == "Unstack" else (part,)
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
        start = _start_of_circle(ends, flow.channels)
        if len(whole) == 1 and all(path.over for path in whole) and start is not None:
            round = joined((Atom("c", total, start),)).on(*whole)
            return round if (start, total) == (0, flow.channels) else round.mixed("circle")
    is_made = labels_of(*ends) <= {"c", "m"}
    return joined((Atom("m", total) if is_made else Atom("+", total, 0, tuple(ends)),))


def _start_of_circle(ends: Sequence[Axis], channels: int | None) -> int | None:
    """Return where channels start that follow each other round and round; None where they do not.

    Where it is not known how many there are, an end of them is as long as what comes after all.
    """
    after = 0
    expected: int | None = None
    start: int | None = None
    for end in ends:
        if len(end) != 1 or end[0].start is None:
            return None
        first, size = end[0].start, end[0].size
        if channels:
            first %= channels
        if expected is not None and first != expected:
            return None
        if start is None:
            start = first
        if size is None:
            after, expected = 0, 0
        else:
            after, expected = after + size, first + size
        if expected is not None and channels:
            expected %= channels
    if start is None or start <= 0:
        return start
    return start - channels if channels else -after


def _whole(path: Path) -> Path:
    """Return the path of what a part was taken of."""
    return path._replace(steps=tuple([step for step in path.steps if step.how != "part"]))


def stacked(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Stack tensors along a new axis."""
    layout = list(across([value.layout for value in given]))
    at = (integers(option(call, "axis")) or [0])[0] % (len(layout) + 1)
    layout.insert(at, (Atom("k", len(given)),))
    return Value(tuple(layout), paths_of(given))
