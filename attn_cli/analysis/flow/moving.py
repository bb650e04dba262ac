"""What becomes of values that are only moved: laid out anew, or spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.analysis.calls import integers, option, space_of
from attn_cli.analysis.flow.values import Unclear
from attn_cli.analysis.layout import labels_of, relaid, resized, shifted, size_of, spread
from attn_cli.graph import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.flow.values import Flow, Value
    from attn_cli.analysis.layout import Axis
    from attn_cli.graph import Node


def handed_on(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Hand on, value for value."""
    return given[0]


# Axes.


def reshaped(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Lay out anew, as the sizes tell."""
    target = _target(call)
    layout = relaid(given[0].layout, target)
    if layout is None:
        raise Unclear
    for axis, size in zip(layout, target, strict=True):
        if labels_of(axis) == flow.space and size is not None and size > 0:
            flow.places = size
    return given[0].laid(layout)


def _target(call: Node) -> list[int | None]:
    """Return the sizes that a reshape makes, as far as it tells."""
    after = call.output_shapes[0]
    given = option(call, "target_shape", "newshape", "shape")
    if call.layer.type in ("Flatten", "tf.keras.backend.batch_flatten"):
        target: list[int | None] = [None, -1]
    elif isinstance(given, (list, tuple)):
        target = [each if type(each) is int else None for each in given]
        if "target_shape" in call.layer.config:
            target.insert(0, None)
    elif after != UNKNOWN:
        return list(after)
    else:
        raise Unclear
    # Beside the batch, one size may be left open.
    if after != UNKNOWN and sum(each in (None, -1) for each in target[1:]) > 1:
        return list(after)
    return target


def permuted(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Put axes into another order."""
    return _turned(given[0], [0, *integers(option(call, "dims"))])


def transposed(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Put axes into another order, where none is named the reverse one."""
    rank = len(given[0].layout)
    order = integers(option(call, "axes")) or range(rank)[::-1]
    return _turned(given[0], [each % rank for each in order])


def swapped(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Swap two axes."""
    order = list(range(len(given[0].layout)))
    one, two = [integers(option(call, name))[0] % len(order) for name in ("axis1", "axis2")]
    order[one], order[two] = two, one
    return _turned(given[0], order)


def moved(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Move axes to other places, and leave the others in their order."""
    rank = len(given[0].layout)
    sources, targets = [
        [each % rank for each in integers(option(call, name))] for name in ("source", "destination")
    ]
    order = [each for each in range(rank) if each not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return _turned(given[0], order)


def _turned(value: Value, order: Sequence[int]) -> Value:
    if sorted(order) != list(range(len(value.layout))):
        raise Unclear
    return value.laid(value.layout[each] for each in order)


def expanded(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Add axes of one place."""
    layout = list(given[0].layout)
    axes = integers(option(call, "axis"))
    rank = len(layout) + len(axes)
    if not axes:
        raise Unclear
    for each in sorted(each % rank for each in axes):
        layout.insert(each, ())
    return given[0].laid(layout)


def squeezed(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Drop axes of one place, all where none are named."""
    layout = given[0].layout
    gone = given[0].places(integers(option(call, "axis")))
    if not gone:
        gone = {each for each, axis in enumerate(layout) if size_of(axis) == 1}
    if any(size_of(layout[each]) not in (1, None) for each in gone):
        raise Unclear
    return given[0].laid(axis for each, axis in enumerate(layout) if each not in gone)


def reordered(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Turn axes round, or on: all where none are named. Where what stands is not followed."""
    value, axis = given[0], option(call, "axis")
    gone = value.places(range(len(value.layout)) if axis is None else integers(axis))
    return value.laid(
        shifted(axis, None) if place in gone else axis for place, axis in enumerate(value.layout)
    )


# Along an axis of one place, everything is the same once it is spread.


def repeated(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Repeat along an axis."""
    axes, times = integers(option(call, "axis")), option(call, "repeats")
    if len(axes) != 1:
        raise Unclear
    layout = list(given[0].layout)
    layout[axes[0]] = _times(layout[axes[0]], times if type(times) is int else None)
    value = given[0].laid(layout)
    is_even = type(times) is int or not labels_of(layout[axes[0]])
    return value if is_even else value.blurred()


def repeated_as_steps(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Repeat a vector, along a new axis."""
    layout = list(given[0].layout)
    layout.insert(1, spread(option(call, "n")))
    return given[0].laid(layout)


def tiled(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Repeat along axes, the whole each time."""
    value = given[0]
    times = integers(option(call, "repeats"))
    if len(times) != len(value.layout):
        # Not all is known of how often: along what has one place, it does not matter.
        return value.laid(axis if axis else spread(None) for axis in value.layout)
    pairs = list(zip(value.layout, times, strict=True))
    for axis, count in pairs:
        if count != 1 and labels_of(axis) == {"c"}:
            value = value.mixed("circle")
    return value.laid(_times(axis, count) for axis, count in pairs)


def _times(axis: Axis, count: int | None) -> Axis:
    size = size_of(axis)
    return resized(axis, None if size is None or count is None else size * count)


def broadcast(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Spread to a shape."""
    layout, after, target = given[0].layout, call.output_shapes[0], option(call, "shape")
    sizes: list[int | None]
    if after != UNKNOWN:
        sizes = [*after]
    elif isinstance(target, (list, tuple)) and len(given) == 1:
        sizes = [*target]
    else:
        sizes = [None] * len(layout)
    layout = ((),) * (len(sizes) - len(layout)) + layout
    pairs = zip(layout, sizes, strict=True)
    return given[0].laid(axis if labels_of(axis) else spread(size) for axis, size in pairs)


def enlarged(flow: Flow, call: Node, given: Sequence[Value]) -> Value:
    """Spread over space, as a resize does, whatever it interpolates."""
    layout = list(given[0].layout)
    rank, after = len(layout), call.output_shapes[0]
    is_known = after != UNKNOWN and len(after) == rank
    for each in space_of(call, rank):
        # All of it is spread over all of what comes out, wherever it started.
        start = [atom.start for atom in layout[each][:1]]
        layout[each] = resized(layout[each], after[each] if is_known else None)
        layout[each] = shifted(layout[each], None if None in start else -sum(filter(None, start)))
    value = given[0].laid(layout)
    is_even = call.layer.type.startswith("Up") and option(call, "interpolation") in (
        None,
        "nearest",
    )
    wide = any(labels_of(layout[each]) for each in space_of(call, rank))
    # Where places count for more than others do, the map is not what it was.
    return value if is_even or not wide else value.blurred()
