"""The records of gates: what they are called, how wide they squeeze, what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.account import charge, memory_of
from attn_cli.analysis.attention.back import MAX_GATE, divides_as_sigmoid, last_function
from attn_cli.analysis.attention.records import Attention, Hidden
from attn_cli.analysis.calls import (
    ACTIVATING,
    DIVIDING,
    MIXING,
    MOVING,
    NORMALISING,
    filters_of,
    function_of,
    layers_of,
    sides_of,
)
from attn_cli.cost import total

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.analysis.attention.judging import Gated
    from attn_cli.graph import Node

# What x·f(x) is.
SELF_GATED = {"hard_sigmoid": "hard_silu", "sigmoid": "silu"}
# Kinds that a kernel along the channels, or over space, is all there is of.
LOOKING_AROUND = frozenset(("ceca", "eca", "spatial"))


def described(nodes: Sequence[Node], gate: Gated) -> Attention:
    """Return the record of a block."""
    places = tuple(sorted(gate.nodes))
    calls = [nodes[place] for place in places]
    mixing = layers_of(calls, MIXING)
    squeezed = next((call for call in mixing if id(call.layer) == gate.squeezed), None)
    cost = total([call.cost for call in calls])
    divides = nodes[gate.node].layer.type in DIVIDING
    functions = (
        "sigmoid" if divides and divides_as_sigmoid(nodes, ref) else last_function(nodes, ref)
        for ref in gate.gates
    )
    return Attention(
        kind=gate.kind,
        path=nodes[gate.node].name,
        input_shape=gate.shape,
        channels=gate.channels,
        width=None if squeezed is None else filters_of(squeezed.layer),
        kernel_size=_kernel_size(gate.kind, mixing),
        activation=None if squeezed is None else _activation_after(nodes, places, squeezed),
        gate=next((function for function in functions if function is not None), None),
        params=_params(calls),
        macs=cost.macs,
        flops=cost.flops,
        nodes=places,
    )


def veiled(nodes: Sequence[Node], gate: Gated) -> Hidden:
    """Return the record of what would be a block."""
    places = tuple(sorted(gate.nodes))
    params = _params([nodes[place] for place in places])
    veils = {id(nodes[place].layer): place for place in sorted(gate.hidden, reverse=True)}
    return Hidden(
        kind=gate.kind if gate.is_named else None,
        path=nodes[gate.node].name,
        layers=tuple([nodes[place].layer.path for place in sorted(veils.values())]),
        input_shape=gate.shape,
        channels=gate.channels,
        params=params,
        nodes=places,
    )


def _params(calls: Iterable[Node]) -> int:
    """Return the params of the layers of calls, each counted once, and charge for their names."""
    layers = {id(call.layer): call.layer for call in calls}.values()
    charge(sum([10 + len(layer.weights) + memory_of(layer.path) // 8 for layer in layers]))
    return sum([layer.params.total for layer in layers])


def _kernel_size(kind: str, mixing: Sequence[Node]) -> int | None:
    """Return the longest side of the first kernel that spans more than one place."""
    if kind == "srm":
        return None
    for call in mixing:
        sides = sides_of(call.layer)
        # Along the channels, even a kernel of 1 is one that was chosen.
        if sides and (max(sides) > 1 or kind in LOOKING_AROUND):
            return max(sides)
    return None


def _activation_after(nodes: Sequence[Node], places: Sequence[int], squeezed: Node) -> str | None:
    """Return the activation between the layer that squeezes and the one that expands."""
    if squeezed.layer.function:
        return squeezed.layer.function
    at = next(place for place in places if nodes[place].layer is squeezed.layer)
    for _ in range(MAX_GATE):
        charge(len(places))
        readers = [place for place in places if at in [ref.node for ref in nodes[place].inputs]]
        if not readers:
            return None
        # Itself times a function of itself.
        for node in [nodes[reader] for reader in readers]:
            others = [ref for ref in node.inputs if ref.node != at]
            if node.layer.type == "Multiply" and len(others) == 1 and len(node.inputs) == 2:
                return SELF_GATED.get(last_function(nodes, others[0]) or "")
        at = readers[0]
        node = nodes[at]
        if node.layer.type in ACTIVATING:
            return function_of(node)
        if node.layer.type not in NORMALISING and node.layer.type not in MOVING:
            return None
    return None
