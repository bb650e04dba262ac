"""The way back from a tensor: to where it comes from, and to the function that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.account import charge
from attn_cli.analysis.calls import (
    CALCULATING,
    DIVIDING,
    MERGING,
    MOVING,
    TURNING,
    function_of,
    hands_on,
    scalar_operand,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Node, Ref

# A gate that spells out everything, activation functions too, stays well below this.
MAX_GATE = 64
MAX_TURNS = 8
SCALES = DIVIDING | {"Multiply", "Reciprocal", "Rescaling"}
SHIFTS = frozenset(("Add", "Subtract"))


def settled(nodes: Sequence[Node], ref: Ref) -> Ref:
    """Return where a tensor comes from, behind what only hands it on or lays it out anew."""
    for _ in range(MAX_TURNS):
        node = nodes[ref.node]
        if len(node.inputs) != 1 or not (hands_on(node) or node.layer.type in TURNING):
            break
        ref = node.inputs[0]
    return ref


def origin(nodes: Sequence[Node], ref: Ref) -> Ref:
    """Return where a tensor comes from, behind what only hands it on, however much that is."""
    while hands_on(nodes[ref.node]) and nodes[ref.node].inputs:
        charge()
        ref = nodes[ref.node].inputs[0]
    return ref


def last_function(nodes: Sequence[Node], ref: Ref) -> str | None:
    """Return the activation that a tensor was last put through, by a layer or spelt out."""
    return _last(nodes, ref)[0]


def is_altered(nodes: Sequence[Node], ref: Ref) -> bool:
    """Tell whether a tensor was put through something that is no activation, and no scale."""
    function, node = _last(nodes, ref)
    by_itself = len({*node.inputs}) == 1 and node.layer.type in CALCULATING | MERGING
    return function is None and by_itself


def _last(nodes: Sequence[Node], ref: Ref) -> tuple[str | None, Node]:
    """Return the activation that a tensor was last put through, and the call that tells."""
    is_scaled = False
    node = nodes[ref.node]
    for _ in range(MAX_GATE):
        node = nodes[ref.node]
        type = node.layer.type
        if node.layer.function and type != "Activation":
            return node.layer.function, node
        function = function_of(node)
        if function is not None:
            # relu6(x + 3) / 6
            is_hard = is_scaled and function == "relu6" and _is_shifted(nodes, node.inputs[0], 3)
            return "hard_sigmoid" if is_hard else function, node
        if not node.inputs or not (
            type in MOVING
            or hands_on(node)
            or (len(node.inputs) == 1 and (type in SCALES or type in SHIFTS))
        ):
            return None, node
        ref = node.inputs[0]
        if type == "Reciprocal" or (type in DIVIDING and node.operands[:1] != (None,)):
            return "sigmoid" if divides_as_sigmoid(nodes, ref) else None, node
        is_scaled = is_scaled or type in SCALES
    return None, node


def divides_as_sigmoid(nodes: Sequence[Node], ref: Ref) -> bool:
    """Tell whether to divide by a tensor is to multiply by a sigmoid: it is 1 + exp(-x)."""
    return _is_shifted(nodes, ref, 1) and nodes[nodes[ref.node].inputs[0].node].layer.type == "Exp"


def _is_shifted(nodes: Sequence[Node], ref: Ref, by: float) -> bool:
    """Tell whether a tensor is another one and a number."""
    node = nodes[ref.node]
    return node.layer.type == "Add" and len(node.inputs) == 1 and scalar_operand(node) == by
