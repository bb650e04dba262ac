"""Gates put together: some kinds of blocks are two or three of them, and some stand in others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.account import charge
from attn_cli.analysis.attention.back import MAX_TURNS, SCALES, origin, settled
from attn_cli.analysis.calls import TURNING, hands_on
from attn_cli.analysis.flow import follow
from attn_cli.analysis.flow.values import Unclear
from attn_cli.analysis.gates import UNNAMED
from attn_cli.analysis.layout import Atom
from attn_cli.graph import Ref
from attn_cli.operations.base import NONSENSE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.analysis.attention.judging import Gated
    from attn_cli.graph import Node

# What joins gates.
MERGES = frozenset(("Add", "AddN", "Average", "Maximum"))
SUMS = frozenset(("Add", "AddN"))
# What may stand between a gate and what joins it.
PASSING = TURNING | SCALES
# What is a block only together with others.
PARTS = frozenset(("channel", "columns", "height", "place", "rows", "width"))
# What merged gates of one feature map are.
JOINED = {
    ("place", "se"): "scse",
    ("height", "width"): "triplet",
    ("height", "spatial", "width"): "triplet",
    ("spatial", "triplet"): "triplet",
}
MAX_PARTS = 3

# The gates of a graph, each by the call that applies it.
Gates = dict[int, "Gated"]


def join(nodes: Sequence[Node], gates: Gates) -> None:
    """Join the gates that make one block, rename parts alone, drop what is inside others."""
    _join_in_a_row(nodes, gates)
    for index, node in enumerate(nodes):
        if node.layer.type in MERGES and len(node.inputs) > 1 and index not in gates:
            _join_merged(nodes, gates, index)
    for index, gate in gates.items():
        if gate.kind in PARTS:
            gates[index] = gate._replace(kind=UNNAMED)
    _drop_inner(gates)


def _join_in_a_row(nodes: Sequence[Node], gates: Gates) -> None:
    """Join a gate for the channels and the one for the places behind it."""
    for index in sorted(gates):
        gate = gates[index]
        before = gates.get(origin(nodes, gate.x).node)
        if gate.kind == "spatial" and before is not None and before.kind == "channel":
            charge(len(gate.nodes) + len(before.nodes))
            del gates[before.node]
            gates[index] = before._replace(
                node=gate.node,
                nodes=gate.nodes | before.nodes,
                kind="cbam",
                gates=gate.gates,
                hidden=gate.hidden | before.hidden,
            )


def _join_merged(nodes: Sequence[Node], gates: Gates, index: int) -> None:
    """Join the gates that a merge merges, where they are one block."""
    refs, ways = _addends(nodes, gates, index)
    merges = frozenset().union(*ways.values())
    merged = [gates[ref.node] for ref in refs if ref.node in gates]
    sources = {settled(nodes, gate.x) for gate in merged}
    if len(sources) != 1:
        return
    (source,) = sources
    if not all(_is_turned_back(nodes, source, gate, ways[gate.node]) for gate in merged):
        return
    type, kinds = nodes[index].layer.type, tuple(sorted([gate.kind for gate in merged]))
    kind = None
    if len(merged) == len(refs):
        kind = JOINED.get(kinds)
        if kind == "scse" and type == "Average":
            return
    elif kinds == ("bam",) and len(refs) == 2 and type == "Add":
        # The map, and what its gate makes of it.
        kind = "bam" if sources <= {settled(nodes, ref) for ref in refs} else None
    if kind is None:
        return
    charge(len(merges) + sum([len(gate.nodes) for gate in merged]))
    last = max(merged, key=lambda gate: gate.node)
    for gate in merged:
        gates.pop(gate.node, None)
    gates[index] = last._replace(
        node=index,
        x=source,
        nodes=merges.union(*[gate.nodes for gate in merged]),
        kind=kind,
        squeezed=next((gate.squeezed for gate in merged if gate.squeezed), None),
        hidden=frozenset().union(*[gate.hidden for gate in merged]),
    )


def _is_turned_back(nodes: Sequence[Node], source: Ref, gate: Gated, way: Iterable[int]) -> bool:
    """Tell whether what a gate makes of a map stands as that does, as far as it can be told."""
    shape = nodes[source.node].output_shapes[source.output]
    sizes = shape if 3 <= len(shape) <= 5 else (None,) * 4
    labels = ["b", *"dhw"[5 - len(sizes) :], "c"]
    layout = tuple([(Atom(label, size),) for label, size in zip(labels, sizes, strict=True)])
    chain: list[int] = []
    ref = gate.x
    while ref != source and len(chain) < MAX_TURNS:
        chain.insert(0, ref.node)
        ref = nodes[ref.node].inputs[0]
    try:
        turned = follow(nodes, source, layout, chain).values[gate.x].layout
        after = sorted(way)
        back = follow(nodes, Ref(gate.node), turned, after).values
    except (Unclear, *NONSENSE):
        return True
    return back[Ref(after[-1])].layout == layout if after else turned == layout


def _addends(
    nodes: Sequence[Node], gates: Gates, index: int
) -> tuple[list[Ref], dict[int, set[int]]]:
    """Return what a merge merges, sums of sums taken apart, and the calls on the way to each."""
    found: list[Ref] = []
    ways: dict[int, set[int]] = {}
    sums = {index}
    stack = list(nodes[index].inputs)
    charge(len(stack))
    while stack and len(found) <= MAX_PARTS:
        ref = stack.pop(0)
        on_the_way: set[int] = set()
        for _ in range(MAX_TURNS):
            node = nodes[ref.node]
            passes = node.layer.type in PASSING or hands_on(node)
            if ref.node in gates or not passes or len(node.inputs) != 1:
                break
            on_the_way.add(ref.node)
            ref = node.inputs[0]
        node = nodes[ref.node]
        if ref.node in gates:
            ways[ref.node] = on_the_way
        elif {node.layer.type, nodes[index].layer.type} <= SUMS and len(sums) <= MAX_PARTS:
            sums |= {ref.node, *on_the_way}
            charge(len(node.inputs) + len(stack))
            stack = [*node.inputs, *stack]
            continue
        found.append(ref)
    ways[index] = sums
    return found, ways


def _drop_inner(gates: Gates) -> None:
    """Drop a gate that stands in another one, or that one: the one that has a name stays."""
    for gate in list(gates.values()):
        charge(len(gate.nodes))
        for place in gate.nodes:
            inner = gates.get(place)
            if inner is None or not inner.nodes < gate.nodes:
                continue
            if UNNAMED in (inner.kind, gate.kind):
                gone = inner if inner.kind == UNNAMED or gate.hidden else gate
                gates.pop(gone.node, None)
