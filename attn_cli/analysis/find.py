"""The attention blocks in a graph, by what is computed, not by what layers are called.

From every multiplication, each factor but the earliest is followed back, through what a gate is
made of, to that earliest factor: a gate is a function of what it gates and of nothing else. What is
pooled on the way, over which axes, and which layers have weights, tells the kind. Some kinds are
two or three gates joined: those are put together afterwards, and are one block.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.analysis.calls import (
    ACTIVATING,
    HANDING_ON,
    IN_A_GATE,
    MIXING,
    MOVING,
    NORMALISING,
    Pool,
    are_depthwise,
    filters_of,
    function_of,
    is_along_channels,
    is_dense,
    is_one_filter,
    layers_of,
    make_one_map,
    pool_of,
    sides_of,
)
from attn_cli.graph import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.graph import Graph, Node, Shape

# A gate that spells out everything, activation functions too, stays well below this.
MAX_GATE = 64
UNNAMED = "unnamed"


class Attention(NamedTuple):
    """An attention block in a graph.

    `kind` is the catalogue's name for it, or "unnamed" for a gate that is none of those. `path` is
    that of the layer that applies it, `nodes` are its calls. `width` are the squeezed channels,
    `kernel_size` the side of the kernel that looks around; None where there is none.
    `params` are those of its layers: a block that is used twice has them at both places.
    """

    kind: str
    path: str
    input_shape: Shape
    channels: int | None
    width: int | None
    kernel_size: int | None
    activation: str | None
    gate: str | None
    params: int
    macs: int | None
    flops: int | None
    nodes: tuple[int, ...]


def find_attention(graph: Graph) -> tuple[Attention, ...]:
    """Return the attention blocks of a graph, in its order.

    >>> from attn_cli import se_block, trace
    >>> find_attention(trace(se_block, (56, 56, 24)))[0].kind
    'se'
    """
    return tuple(_Finder(graph).blocks())


def attention_params(graph: Graph, blocks: Iterable[Attention]) -> int:
    """Return the params of all these blocks together, each layer counted once."""
    layers = {id(graph.nodes[node].layer): graph.nodes[node] for b in blocks for node in b.nodes}
    return sum([node.layer.params.total for node in layers.values()])


class _Gate(NamedTuple):
    """A multiplication, or an addition, of a feature map by what was made of it alone."""

    node: int
    x: Ref
    shape: Shape  # of the feature map
    nodes: frozenset[int]  # from the feature map to the gate, and `node`
    kind: str


class _Finder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.readers: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for source in {ref.node for ref in node.inputs}:
                self.readers[source].append(index)

    def blocks(self) -> list[Attention]:
        """Return all blocks, gates that belong together put together."""
        gates: dict[int, _Gate] = {}
        for index, node in enumerate(self.nodes):
            if node.layer.type == "Multiply" or (
                node.layer.type == "Add" and len(node.inputs) == 2
            ):
                gate = self.gate(index, gates)
                if gate is not None:
                    gates[index] = gate
        gates = self.joined(gates)
        return [self.described(gates[index]) for index in sorted(gates)]

    # Finding gates.

    def gate(self, index: int, gates: dict[int, _Gate]) -> _Gate | None:
        """Return the gate that a call applies, if it does."""
        node = self.nodes[index]
        factors = list(dict.fromkeys(node.inputs))
        if len(factors) < 2:
            return None
        x = min(factors)
        factors.remove(x)
        # A map that one gate has scaled already, as the second factor of three.
        ends = {self.origin(x)}
        before = gates.get(x.node)
        if before is not None and before.kind in ("height", "width"):
            ends.add(before.x)
        ends.add(x)
        # As it comes in: inside a TimeDistributed, that is one step of what is outside.
        shape = node.input_shapes[node.inputs.index(x)]
        inside: set[int] = set()
        for factor in factors:
            found = self.branch(factor, ends)
            if found is None:
                return None
            inside |= found
        if not inside:
            return None
        kind = self.kind(node, shape, ends, inside)
        if not kind:
            return None
        if before is not None and before.x in ends and before.kind in ("height", "width"):
            kind = "coord" if {kind, before.kind} == {"height", "width"} else UNNAMED
            return _Gate(index, before.x, before.shape, before.nodes | inside | {index}, kind)
        return _Gate(index, x, shape, frozenset(inside | {index}), kind)

    def origin(self, ref: Ref) -> Ref:
        """Return where a tensor comes from, behind what only hands it on."""
        while self.nodes[ref.node].layer.type in HANDING_ON and self.nodes[ref.node].inputs:
            ref = self.nodes[ref.node].inputs[0]
        return ref

    def branch(self, start: Ref, ends: set[Ref]) -> set[int] | None:
        """Return the calls that make a tensor of `ends`; None where anything else goes in."""
        first = min(ref.node for ref in ends)
        inside: set[int] = set()
        stack = [start]
        while stack:
            ref = stack.pop()
            if ref in ends or ref.node in inside:
                continue
            node = self.nodes[ref.node]
            # Calls stand in order: what is before the feature map cannot be made of it.
            if ref.node < first or node.layer.type not in IN_A_GATE or not node.inputs:
                return None
            if len(inside) == MAX_GATE or len(node.inputs) > MAX_GATE:
                return None
            inside.add(ref.node)
            stack.extend(node.inputs)
        return inside

    # Telling what a gate is.

    def kind(self, node: Node, shape: Shape, ends: set[Ref], inside: set[int]) -> str:
        """Return the kind of a gate or of the part of a block that it is; empty for none."""
        calls = [self.nodes[index] for index in sorted(inside)]
        first = any(call.layer.config.get("data_format") == "channels_first" for call in calls)
        pools: dict[int, Pool] = {}
        changed: set[int] = set()  # what comes behind a pool, or a layer with weights
        for index in sorted(inside):
            call = self.nodes[index]
            if any(ref.node in changed for ref in call.inputs):
                changed.add(index)
                continue
            pool = pool_of(call, shape, first)
            if pool is not None:
                pools[index] = pool
            if pool is not None or call.layer.type in MIXING:
                changed.add(index)
        over = {pool.over for pool in pools.values()}
        keeps = {pool.keeps for pool in pools.values()}
        # The feature map itself goes in, not only what was pooled of it.
        maps = set(ends)
        whole = False
        for index in sorted(inside):
            if not maps.isdisjoint(self.nodes[index].inputs):
                if self.nodes[index].layer.type in HANDING_ON:
                    maps.add(Ref(index))
                elif index not in pools:
                    whole = True
        mixing = layers_of(calls, MIXING)
        sizes = [size for size in shape[1:] if size != 1]
        if node.layer.type == "Add":
            return "gc" if _is_context(calls, over, whole) else ""
        if over == {"space"} and not whole:
            return self.channel_kind(calls, keeps, mixing)
        if over == {"channels"} and not whole:
            return "spatial" if make_one_map(mixing) else UNNAMED
        if over in ({"height"}, {"width"}) and not whole:
            return over.pop() if mixing else UNNAMED
        if over == {"height", "width"} and not whole:
            return "coord" if len(mixing) == 3 else UNNAMED
        if whole and not pools:
            if _is_context(calls, over, whole):
                return "gc"
            if len(mixing) == 1 and make_one_map(mixing) and is_dense(mixing[0]):
                return "place"
            return UNNAMED if mixing and sizes and _is_bounded(calls) else ""
        if whole and over == {"space"}:
            return self.mixed_kind(calls, keeps, mixing)
        return UNNAMED if pools else ""

    def channel_kind(self, calls: Sequence[Node], keeps: set[str], mixing: Sequence[Node]) -> str:
        """Return the kind of a gate for the channels."""
        if keeps == {"mean"} and len(mixing) == 1 and is_along_channels(mixing[0]):
            return "ceca" if any(call.layer.type == "Concatenate" for call in calls) else "eca"
        if keeps == {"mean", "deviation"} and are_depthwise(mixing):
            return "srm"
        if not mixing or not all(map(is_dense, mixing)):
            return UNNAMED
        if keeps == {"mean"}:
            if len(mixing) == 1:
                return "ese"
            if len(mixing) == 2:
                normalised = any(call.layer.type == "LayerNormalization" for call in calls)
                return "gc" if normalised else "se"
        if keeps == {"mean", "max"} and len(mixing) == 2:
            calls_of = Counter([id(call.layer) for call in calls])
            if all(calls_of[id(call.layer)] == 2 for call in mixing):
                return "channel"
        return UNNAMED

    def mixed_kind(self, calls: Sequence[Node], keeps: set[str], mixing: Sequence[Node]) -> str:
        """Return the kind of a gate made of the feature map and of what is pooled over space."""
        types = {call.layer.type for call in calls}
        if "sum" in keeps and "Square" in types and are_depthwise(mixing):
            return "gct"
        if not mixing and "Subtract" in types and "Square" in types:
            return "simam"
        if keeps == {"mean"} and len(mixing) > 3 and any(map(is_one_filter, mixing)):
            return "bam"
        return UNNAMED

    # Putting gates together.

    def joined(self, gates: dict[int, _Gate]) -> dict[int, _Gate]:
        """Return the gates with those that make one block joined, and parts alone renamed."""
        for index in sorted(gates):
            gate = gates[index]
            before = gates.get(self.origin(gate.x).node)
            if gate.kind == "spatial" and before is not None and before.kind == "channel":
                del gates[before.node]
                gates[index] = before._replace(
                    node=index, nodes=gate.nodes | before.nodes, kind="cbam"
                )
        for index, node in enumerate(self.nodes):
            if node.layer.type in ("Add", "Average", "Maximum") and len(node.inputs) > 1:
                self.join(index, [ref.node for ref in node.inputs], gates)
        for index, gate in list(gates.items()):
            if gate.kind in PARTS:
                gates[index] = gate._replace(kind=UNNAMED)
            if gate.kind in ("height", "width") and any(
                other is not gate and gate.nodes < other.nodes for other in self.after(gate, gates)
            ):
                del gates[index]
        return gates

    def after(self, gate: _Gate, gates: dict[int, _Gate]) -> list[_Gate]:
        """Return the gates that stand right behind a gate."""
        return [gates[reader] for reader in self.readers[gate.node] if reader in gates]

    def join(self, index: int, inputs: Sequence[int], gates: dict[int, _Gate]) -> None:
        """Join the gates that a merge merges, where they are one block."""
        if index in gates or len(inputs) > MAX_PARTS:
            return
        merged = [gates[place] for place in inputs if place in gates]
        sources = {self.origin(gate.x) for gate in merged}
        if len(sources) != 1:
            return
        kinds = sorted([gate.kind for gate in merged])
        kind = ""
        if len(merged) == len(inputs):
            kind = JOINED.get(tuple(kinds), "")
            if kind == "scse" and self.nodes[index].layer.type == "Average":
                kind = ""
        elif kinds == ["bam"] and len(inputs) == 2 and self.nodes[index].layer.type == "Add":
            others = {self.origin(ref) for ref in self.nodes[index].inputs}
            kind = "bam" if sources <= others else ""
        if kind:
            nodes = frozenset({index}.union(*[gate.nodes for gate in merged]))
            for gate in merged:
                gates.pop(gate.node, None)
            gates[index] = merged[0]._replace(node=index, nodes=nodes, kind=kind)

    # Describing blocks.

    def described(self, gate: _Gate) -> Attention:
        """Return the record of a block."""
        places = tuple(sorted(gate.nodes))
        calls = [self.nodes[place] for place in places]
        shape = gate.shape
        first = any(call.layer.config.get("data_format") == "channels_first" for call in calls)
        mixing = layers_of(calls, MIXING)
        dense = [call for call in mixing if is_dense(call)]
        costs = [call.cost for call in calls]
        macs = [each.macs for each in costs]
        flops = [each.flops for each in costs]
        # In a global context, the first one of three weighs the places.
        squeezed = dense[-2] if gate.kind == "gc" else dense[0] if len(dense) > 1 else None
        if gate.kind not in SQUEEZING:
            squeezed = None
        layers = {id(call.layer): call.layer for call in calls}
        return Attention(
            kind=gate.kind,
            path=self.nodes[gate.node].name,
            input_shape=shape,
            channels=(shape[1] if first else shape[-1]) if len(shape) > 1 else None,
            width=None if squeezed is None else filters_of(squeezed.layer),
            kernel_size=_kernel_size(gate.kind, mixing),
            activation=None if squeezed is None else self.activation_after(squeezed, places),
            gate=self.gate_function(gate, calls),
            params=sum([layer.params.total for layer in layers.values()]),
            macs=None if None in macs else sum(filter(None, macs)),
            flops=None if None in flops else sum(filter(None, flops)),
            nodes=places,
        )

    def activation_after(self, squeezed: Node, places: Sequence[int]) -> str | None:
        """Return the activation between the layer that squeezes and the one that expands."""
        if squeezed.layer.function:
            return squeezed.layer.function
        place = next(place for place in places if self.nodes[place] is squeezed)
        for _ in range(MAX_GATE):
            readers = self.readers[place]
            if not readers:
                return None
            place = readers[0]
            node = self.nodes[place]
            if node.layer.type in ACTIVATING:
                return function_of(node)
            if node.layer.type not in NORMALISING and node.layer.type not in MOVING:
                return None
        return None

    def gate_function(self, gate: _Gate, calls: Sequence[Node]) -> str | None:
        """Return the function that makes the last gate of a block."""
        for call in reversed(calls):
            if call.layer.type == "Multiply" and len(set(call.inputs)) > 1:
                x = min(call.inputs)
                refs = [ref for ref in call.inputs if ref != x and ref.node in gate.nodes]
                for ref in refs:
                    function = self.last_function(ref)
                    if function is not None:
                        return function
        return None

    def last_function(self, ref: Ref) -> str | None:
        """Return the activation that a tensor was last put through."""
        scaled = False
        for _ in range(MAX_GATE):
            node = self.nodes[ref.node]
            type = node.layer.type
            if node.layer.function and type != "Activation":
                return node.layer.function
            if type in ACTIVATING:
                before = self.nodes[node.inputs[0].node]
                # relu6(x + 3) / 6
                if (
                    scaled
                    and function_of(node) == "relu6"
                    and before.layer.type == "Add"
                    and len(before.inputs) == 1
                ):
                    return "hard_sigmoid"
                return function_of(node)
            constant = type in ("Add", "Divide", "Multiply", "Subtract", "TrueDivide")
            if len(node.inputs) != 1 or not (constant or type in MOVING):
                return None
            scaled = scaled or type in ("Divide", "Multiply", "TrueDivide")
            ref = node.inputs[0]
        return None


# What is a block only together with others.
PARTS = frozenset(("channel", "height", "place", "width"))
# What merged gates of one feature map are.
JOINED = {
    ("place", "se"): "scse",
    ("height", "width"): "triplet",
    ("height", "spatial", "width"): "triplet",
}
MAX_PARTS = 3
# Kinds whose first dense layer squeezes.
SQUEEZING = frozenset(("bam", "cbam", "coord", "gc", "scse", "se", UNNAMED))


def _is_context(calls: Sequence[Node], over: set[str], whole: bool) -> bool:
    """Tell whether calls are a global context: pooled, squeezed, normalised and expanded.

    The pool is the mean, or a sum of all places by a softmax of one filter's output.
    """
    types = Counter([call.layer.type for call in calls])
    dense = [call for call in layers_of(calls, MIXING) if is_dense(call)]
    if types["Matmul"]:
        weighed = [call for call in dense if is_one_filter(call)]
        return (
            bool(weighed)
            and len(dense) == 3
            and any(function_of(call) == "softmax" for call in calls)
        )
    return over == {"space"} and not whole and len(dense) == 2 and types["LayerNormalization"] > 0


def _kernel_size(kind: str, mixing: Sequence[Node]) -> int | None:
    """Return the longest side of the first kernel that spans more than one place."""
    if kind == "srm":
        return None
    for call in mixing:
        sides = sides_of(call.layer)
        # Along the channels, even a kernel of 1 is one that was chosen.
        if sides and (max(sides) > 1 or kind in ("eca", "ceca", "spatial")):
            return max(sides)
    return None


def _is_bounded(calls: Sequence[Node]) -> bool:
    """Tell whether what comes last is a function with a lower and an upper bound."""
    functions = {function_of(call) or call.layer.function for call in calls}
    return bool(functions & {"sigmoid", "hard_sigmoid", "softmax", "tanh"})
