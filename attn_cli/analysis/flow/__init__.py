"""What becomes of a feature map on its way to a gate: pooled over what, and mixed by what.

Call by call, each tensor on the way gets its Value (see `values`); what a call of each type makes
of those that it takes stands in EFFECTS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.account import charge
from attn_cli.analysis.calls import (
    ACTIVATING,
    CALCULATING,
    CONTRACTING,
    CONVOLVING,
    CUTTING,
    GROWING,
    HANDING_ON,
    MEASURING,
    MERGING,
    NORMALISING,
    PADDING,
    POOLING,
    REDUCING,
    REORDERING,
    SPREADING,
)
from attn_cli.analysis.flow import elements, mixing, moving, parts, pooling
from attn_cli.analysis.flow.values import Flow, Unclear, Value
from attn_cli.analysis.layout import spread
from attn_cli.graph import UNKNOWN, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from attn_cli.analysis.layout import Layout
    from attn_cli.graph import Node

    # What a call makes of what it takes: a value, or where it has several outputs, one for each.
    Effect = Callable[[Flow, Node, Sequence[Value]], Value | list[Value]]

MAX_PATHS = 24
# The rank that layers of these types take.
RANKS = {"1D": 3, "2D": 4, "3D": 5}

EFFECTS: dict[str, Effect] = {
    **dict.fromkeys(HANDING_ON, moving.handed_on),
    **dict.fromkeys(ACTIVATING, elements.calculated),
    **dict.fromkeys(CALCULATING, elements.calculated),
    **dict.fromkeys(MERGING, elements.merged),
    "Average": elements.averaged,
    **dict.fromkeys(REDUCING, pooling.by_reduction),
    "Moments": pooling.moments,
    **dict.fromkeys(POOLING, pooling.pooled),
    "Normalize": pooling.unit,
    "UnitNormalization": pooling.unit,
    **dict.fromkeys(CONVOLVING, mixing.mixed),
    "Dense": mixing.mixed,
    "EinsumDense": mixing.by_equation,
    **dict.fromkeys(CONTRACTING, mixing.contracted),
    **dict.fromkeys(NORMALISING, mixing.normalised),
    "Flatten": moving.reshaped,
    "Reshape": moving.reshaped,
    "View": moving.reshaped,
    "tf.keras.backend.batch_flatten": moving.reshaped,
    "Permute": moving.permuted,
    "Transpose": moving.transposed,
    "Swapaxes": moving.swapped,
    "Moveaxis": moving.moved,
    "ExpandDims": moving.expanded,
    "Squeeze": moving.squeezed,
    **dict.fromkeys(REORDERING, moving.reordered),
    **dict.fromkeys(SPREADING, moving.enlarged),
    "BroadcastTo": moving.broadcast,
    "Repeat": moving.repeated,
    "RepeatVector": moving.repeated_as_steps,
    "Tile": moving.tiled,
    **dict.fromkeys(PADDING, parts.padded),
    **dict.fromkeys(CUTTING, parts.cut),
    "Concatenate": parts.concatenated,
    "Stack": parts.stacked,
}


def follow(nodes: Sequence[Node], root: Ref, layout: Layout, places: Sequence[int]) -> Flow:
    """Return what the calls at these places make of a feature map, in their order.

    Raises Unclear where one of them cannot be told.
    """
    flow = Flow(nodes, root, layout, any(nodes[place].layer.type in GROWING for place in places))
    for place in places:
        for output, value in enumerate(_made(flow, nodes[place])):
            charge(5 + sum([1 + len(path.steps) for path in value.paths]))
            if len(value.paths) > MAX_PATHS:
                raise Unclear
            flow.values.setdefault(Ref(place, output), value)
    return flow


def _made(flow: Flow, call: Node) -> list[Value]:
    """Return what a call makes."""
    type = call.layer.type
    if type in MEASURING:
        return [_measured(call)]
    given = [_taken(flow, call, at) for at in range(len(call.inputs))]
    if all(not value.paths for value in given):
        return [Value(tuple(map(spread, call.output_shapes[0])), frozenset())]
    rank = RANKS.get(type[-2:])
    if type not in EFFECTS or rank not in (None, len(given[0].layout)):
        raise Unclear
    made = EFFECTS[type](flow, call, given)
    return made if isinstance(made, list) else [made]


def _taken(flow: Flow, call: Node, at: int) -> Value:
    """Return what a call takes."""
    value = flow.values.get(call.inputs[at])
    if value is None:
        raise Unclear
    shape = call.input_shapes[at]
    if shape != UNKNOWN and len(shape) != len(value.layout) and value.paths:
        raise Unclear  # one step of it, inside a TimeDistributed
    return value


def _measured(call: Node) -> Value:
    """Return what is known of a tensor's size alone, or of ones in its shape."""
    if call.layer.type in ("OnesLike", "ZerosLike") and call.input_shapes[0] != UNKNOWN:
        return Value(tuple(map(spread, call.input_shapes[0])), frozenset())
    return Value((), frozenset())
