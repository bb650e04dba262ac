"""The attention blocks in a graph, by what is computed, not by what layers are called.

From every product, each factor but one is followed back to that one: a gate is a function of what
it gates and of nothing else. The paths from the map to the gate (see `flow`) tell the kind: what
was pooled over which axes, and what mixed it. Some kinds are two or three gates joined: those are
put together afterwards, and are one block.
"""

from __future__ import annotations

from collections import Counter
from os import PathLike
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import account, charge
from attn_cli.analysis.calls import (
    ACTIVATING,
    BOUNDED,
    CONTRACTING,
    DIVIDING,
    GROWING,
    HANDING_ON,
    IN_A_GATE,
    MEASURING,
    MIXING,
    MOVING,
    NORMALISING,
    REDUCING,
    TURNING,
    are_bounded,
    filters_of,
    function_of,
    integers,
    is_channels_first,
    is_opaque,
    is_unread,
    layers_of,
    option,
    sides_of,
    subscripts_of,
)
from attn_cli.analysis.flow import NOWHERE, Flow, Unclear
from attn_cli.analysis.gates import NOTHING, UNNAMED, Found, Gate, kind_of
from attn_cli.analysis.layout import Atom, labels_of, lined_up, size_of
from attn_cli.errors import BadArgument
from attn_cli.graph import UNKNOWN, Graph, Ref
from attn_cli.operations.base import NONSENSE
from attn_cli.showing import cell, one
from attn_cli.text import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from attn_cli.analysis.layout import Axis, Layout
    from attn_cli.graph import Layer, Node, Shape

# A gate that spells out everything, activation functions too, stays well below this.
MAX_GATE = 64
MAX_FACTORS = 4
MAX_TURNS = 8


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

    def __repr__(self) -> str:
        """Show what it is and where, in a line."""
        kernel = f", kernel {self.kernel_size}" if self.kernel_size else ""
        width = f" → {self.width:,}" if self.width else ""
        squeezed = f"{cell(self.channels)}{width} channels{kernel}"
        params = one(self.params, "params")
        return f"<Attention {self.kind} at {escaped(self.path)}: {squeezed}, {params}>"


class Hidden(NamedTuple):
    """What would be an attention block, were it not for layers that cannot be read.

    `kind` is what it is if those layers multiply, None where they hide that too. `path` is that of
    the layer that applies it, `layers` are the paths of those that cannot be read, `params` those
    of the layers that can.
    """

    kind: str | None
    path: str
    layers: tuple[str, ...]
    input_shape: Shape
    channels: int | None
    params: int
    nodes: tuple[int, ...]


class Findings(NamedTuple):
    """What was found in a graph: blocks, hidden ones, and how many layers cannot be read, by type.

    Those that cannot may hide whole blocks.
    """

    blocks: tuple[Attention, ...]
    hidden: tuple[Hidden, ...]
    unread: tuple[tuple[str, int], ...]


def find_attention(graph: Graph) -> tuple[Attention, ...]:
    """Return the attention blocks of a graph, in its order.

    >>> from attn_cli import se_block, trace
    >>> find_attention(trace(se_block, (56, 56, 24)))[0].kind
    'se'

    Raises BadArgument, with what makes a graph of it, where this is none.
    """
    _require_graph(graph)
    return search(graph).blocks


def _require_graph(given: object) -> None:
    """Raise BadArgument, with what makes a graph of it, for something that is none."""
    if isinstance(given, Graph):
        return
    way = f"and {type(given).__name__} is none: trace, read_model and walk return graphs"
    if given is None:
        way = "and None is none: the file does not tell the layers"
    elif isinstance(given, (str, PathLike)):
        way = f"and a file holds one: read_model({str(given)!r}).graph"
    elif isinstance(getattr(given, "graph", None), Graph):
        way = f"and this {type(given).__name__} has one: its graph"
    elif hasattr(given, "count_params"):
        way = "and walk(model) is that of a Keras model"
    raise BadArgument(f"attention is found in a graph, {way}")


def search(graph: Graph) -> Findings:
    """Return the attention blocks of a graph, and those that layers hide that cannot be read."""
    with account(graph.size, "finding its attention"):
        return _Finder(graph).findings()


def attention_params(graph: Graph, blocks: Iterable[Attention]) -> int:
    """Return the params of all these blocks together, each layer counted once."""
    _require_graph(graph)
    layers = {id(graph.nodes[node].layer): graph.nodes[node] for b in blocks for node in b.nodes}
    return sum([node.layer.params.total for node in layers.values()])


class _Gate(NamedTuple):
    """A multiplication, or an addition, of a feature map by what was made of it alone."""

    node: int
    x: Ref
    shape: Shape  # of the feature map
    channels: int | None
    nodes: frozenset[int]  # from the feature map to the gate, and what applies it
    kind: str
    gates: tuple[Ref, ...]
    squeezed: int | None = None  # the id of the layer that squeezes the channels
    hidden: frozenset[int] = frozenset()  # the calls that cannot be read


class _Factor(NamedTuple):
    """What goes into a product, and its shape there: in a TimeDistributed, that of one step."""

    ref: Ref
    shape: Shape


class _Finder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.gates: dict[int, _Gate] = {}
        # The most calls on a way to each, from what is followed back no further.
        self.length: list[int] = []
        for node in self.nodes:
            before = () if node.layer.type in MEASURING else node.inputs
            self.length.append(1 + max([self.length[ref.node] for ref in before], default=0))

    def findings(self) -> Findings:
        """Return all blocks, gates that belong together put together."""
        for index in range(len(self.nodes)):
            gate = self.applied(index)
            if gate is not None:
                self.gates[index] = gate
        self.join_all()
        gates = [self.gates[index] for index in sorted(self.gates)]
        unread = [node.layer.type for node in self.nodes if not node.call and is_unread(node)]
        return Findings(
            tuple([self.described(gate) for gate in gates if not gate.hidden]),
            tuple([self.veiled(gate) for gate in gates if gate.hidden]),
            tuple(Counter(unread).most_common()),
        )

    # Finding gates.

    def applied(self, index: int) -> _Gate | None:
        """Return the gate that a call applies, if it does."""
        node = self.nodes[index]
        type = node.layer.type
        if len(node.inputs) < 2:
            return None
        given = dict(zip(node.inputs, node.input_shapes, strict=True))
        factors = [_Factor(ref, shape) for ref, shape in given.items()]
        if not 2 <= len(factors) <= MAX_FACTORS:
            return None
        if type == "Add":
            return self.product(index, factors) if len(node.inputs) == 2 else None
        if type in DIVIDING:
            return self.gated(index, factors[0], factors[1:], frozenset())
        if type in CONTRACTING or is_opaque(node.layer):
            return self.product(index, factors)
        if type != "Multiply":
            return None
        found = self.product(index, factors)
        if found is not None and found.kind not in (UNNAMED, ""):
            return found
        # x·a·b is x·a, and that times b: the gates may all be of x.
        for factor in factors:
            inner = self.nodes[factor.ref.node]
            charge(len(inner.inputs))
            given = dict(zip(inner.inputs, inner.input_shapes, strict=True))
            if inner.layer.type != "Multiply" or not 2 <= len(given) < MAX_FACTORS:
                continue
            rest = [each for each in factors if each is not factor]
            parts = [_Factor(ref, shape) for ref, shape in given.items()]
            whole = self.product(index, [*parts, *rest], frozenset({factor.ref.node}))
            if whole is not None and whole.kind not in (UNNAMED, ""):
                return whole
            before = self.gates.get(factor.ref.node)
            if found is None and before is not None:
                x = next((each for each in parts if each.ref == before.x), None)
                found = None if x is None else self.gated(index, x, rest, frozenset())
        return found

    def product(
        self, index: int, factors: Sequence[_Factor], products: frozenset[int] = frozenset()
    ) -> _Gate | None:
        """Return the gate in a product of several factors, whichever it is that is gated."""
        for x in sorted(factors, key=lambda factor: self.settled(factor.ref)):
            rest = [factor for factor in factors if factor is not x]
            gate = self.gated(index, x, rest, products)
            if gate is not None:
                return gate
        return None

    def gated(
        self, index: int, x: _Factor, rest: Sequence[_Factor], products: frozenset[int]
    ) -> _Gate | None:
        """Return the gate of one factor, if the others are made of it alone."""
        for root, chain in self.roots(x):
            charge(5 + len(rest))
            ends = {root.ref, *chain}
            first = min(ref.node for ref in ends)
            inside: set[int] = set()
            for factor in rest:
                found = self.branch(factor.ref, ends, first)
                if not found:
                    break
                inside |= found
            else:
                gate = self.judged(index, x, rest, root, chain, frozenset(inside), products)
                if gate is not None:
                    return gate
        return None

    def roots(self, x: _Factor) -> Iterator[tuple[_Factor, list[Ref]]]:
        """Yield where a feature map comes from, and the tensors from there to it.

        Furthest first: behind all that hands it on or lays it out anew. Last, behind an activation.
        """
        chain = [x]
        activated = 0
        while len(chain) < MAX_TURNS:
            node = self.nodes[chain[-1].ref.node]
            type = node.layer.type
            if len(node.inputs) != 1 or node.output_shapes[0] != chain[-1].shape:
                break
            if type in ACTIVATING and not activated and function_of(node) not in BOUNDED:
                activated = len(chain)
            elif type not in HANDING_ON and type not in TURNING:
                break
            chain.append(_Factor(node.inputs[0], node.input_shapes[0]))
        end = activated or len(chain)
        for length in [*range(end, 0, -1), *range(len(chain), end, -1)]:
            yield chain[length - 1], [factor.ref for factor in chain[: length - 1]]

    def settled(self, ref: Ref) -> Ref:
        """Return where a tensor comes from, behind what only hands it on or lays it out anew."""
        for _ in range(MAX_TURNS):
            node = self.nodes[ref.node]
            if len(node.inputs) != 1 or node.layer.type not in HANDING_ON | TURNING:
                break
            ref = node.inputs[0]
        return ref

    def origin(self, ref: Ref) -> Ref:
        """Return where a tensor comes from, behind what only hands it on."""
        while self.nodes[ref.node].layer.type in HANDING_ON and self.nodes[ref.node].inputs:
            charge()
            ref = self.nodes[ref.node].inputs[0]
        return ref

    def branch(self, start: Ref, ends: set[Ref], first: int) -> set[int] | None:
        """Return the calls that make a tensor of `ends`; None where anything else goes in."""
        inside: set[int] = set()
        if self.length[start.node] - max(self.length[ref.node] for ref in ends) > MAX_GATE:
            return None
        stack = [start]
        while stack:
            ref = stack.pop()
            if ref in ends or ref.node in inside:
                continue
            node = self.nodes[ref.node]
            measures = node.layer.type in MEASURING
            # Calls stand in order: what is before the feature map cannot be made of it.
            if ref.node < first and not measures:
                return None
            if not node.inputs or (node.layer.type not in IN_A_GATE and not is_opaque(node.layer)):
                return None
            if len(inside) == MAX_GATE or len(node.inputs) > MAX_GATE:
                return None
            charge(2 + len(node.inputs) // 4)
            inside.add(ref.node)
            if not measures:
                stack.extend(node.inputs)
        return inside

    # Telling what a gate is.

    def judged(
        self,
        index: int,
        x: _Factor,
        rest: Sequence[_Factor],
        root: _Factor,
        chain: Sequence[Ref],
        inside: frozenset[int],
        products: frozenset[int],
    ) -> _Gate | None:
        """Return the gate that some factors are for another one, if they are one."""
        node = self.nodes[index]
        calls = [self.nodes[place] for place in sorted(inside)]
        adds = node.layer.type == "Add"
        if adds and not {"LayerNormalization", "GroupNormalization"} & {
            call.layer.type for call in calls
        }:
            return None
        gates = tuple([factor.ref for factor in rest])
        opaque = {index} if is_opaque(node.layer) else set()
        unread = {place for place in inside if is_unread(self.nodes[place])}
        gate = _Gate(
            node=index,
            x=x.ref,
            shape=x.shape,
            channels=None,
            nodes=inside | products | {index},
            kind="",
            gates=gates,
            hidden=frozenset(opaque | unread),
        )
        if unread:
            if adds or products or (opaque and not are_bounded(calls)):
                return None
            first = self.is_first(x.ref, [], calls, len(x.shape))
            return gate._replace(channels=x.shape[1 if first else -1] if x.shape else None)
        grows = any(call.layer.type in GROWING for call in calls)
        for layout in self.layouts(root, chain, calls):
            flow = Flow(self.nodes, root.ref, layout, grows)
            try:
                flow.run(sorted(inside | {ref.node for ref in chain}))
                found = self.kind(node, flow, x.ref, gates, adds)
            except (Unclear, *NONSENSE):
                continue
            if found is None or not found.kind:
                continue
            seen = flow.values[x.ref].layout
            channels = next((axis for axis in layout if labels_of(axis) == {"c"}), ())
            turned = [axis for axis in seen if labels_of(axis) - {"b"}] != [
                axis for axis in layout if labels_of(axis) - {"b"}
            ]
            return gate._replace(
                kind=found.kind,
                squeezed=found.squeezed,
                shape=root.shape if turned else x.shape,
                channels=size_of(channels) or self.made(flow, gates),
            )
        return None

    def made(self, flow: Flow, gates: Sequence[Ref]) -> int | None:
        """Return how many channels the gates are for, where the feature map does not tell."""
        for ref in gates:
            for axis in flow.values[ref].layout:
                if labels_of(axis) == {"m"}:
                    return size_of(axis)
        return None

    def layouts(
        self, root: _Factor, chain: Sequence[Ref], calls: Sequence[Node]
    ) -> Iterator[Layout]:
        """Yield what the axes of a feature map can be: all that is likely, the likeliest first."""
        shape = root.shape
        shapes = [shape] if shape != UNKNOWN else [(None,) * rank for rank in (4, 3, 5)]
        for each in shapes:
            if not 3 <= len(each) <= 5:
                continue
            space = "dhw"[5 - len(each) :]
            first = self.is_first(root.ref, chain, calls, len(each))
            labels = ["b", "c", *space] if first else ["b", *space, "c"]
            yield tuple([(Atom(label, size),) for label, size in zip(labels, each, strict=True)])

    def is_first(self, root: Ref, chain: Sequence[Ref], calls: Sequence[Node], rank: int) -> bool:
        """Tell whether the channels of a feature map stand before its space."""
        ref = root
        for _ in range(MAX_TURNS):
            maker = self.nodes[ref.node]
            if "data_format" in maker.layer.config:
                return is_channels_first(maker)
            if not maker.inputs or maker.layer.type in MOVING - HANDING_ON:
                break
            ref = maker.inputs[0]
        if any(is_channels_first(call) for call in calls):
            return not chain
        # Where only ops pool: over the last two of four axes.
        return any(
            call.layer.type in REDUCING
            and call.inputs[0] == root
            and {each % rank for each in integers(option(call, "axis"))} == set(range(2, rank))
            for call in calls
            if rank > 3
        )

    def kind(
        self, node: Node, flow: Flow, x: Ref, gates: Sequence[Ref], adds: bool
    ) -> Found | None:
        """Return what the gates of a feature map are together; None where they are none."""
        seen = flow.values[x].layout
        labels = [label for axis in seen for atom in axis if (label := atom.label)]
        if "?" in labels or len(set(labels)) < len(labels) or not flow.space <= set(labels):
            return None
        found = []
        for ref in gates:
            varies = self.varies(node, flow, x, ref)
            if varies is None:
                return None
            found.append(self.one_kind(flow, ref, varies, adds))
        if len(found) == 1:
            return found[0]
        kinds = sorted([each.kind for each in found])
        squeezed = {each.squeezed for each in found}
        if kinds == ["columns", "rows"] and len(squeezed) == 1:
            return Found("coord", squeezed.pop())
        return Found(UNNAMED) if all(kinds) else NOTHING

    def varies(self, node: Node, flow: Flow, x: Ref, gate: Ref) -> frozenset[str] | None:
        """Return the axes of a feature map along which a gate varies; None where it is no gate."""
        pairs: list[tuple[Axis, Axis]]
        layouts = [flow.values[x].layout, flow.values[gate].layout]
        if node.layer.type in CONTRACTING:
            order = [flow.values[ref].layout for ref in node.inputs]
            letters = subscripts_of(node, list(map(len, order)))
            if letters is None:
                return None
            given, _, output = letters.partition("->")
            names = given.split(",")
            # What is summed over is no gate.
            if any(
                name not in output and labels_of(axis)
                for each, layout in zip(names, order, strict=True)
                for name, axis in zip(each, layout, strict=True)
            ):
                return None
            mine, its = [
                dict(zip(names[node.inputs.index(ref)], layout, strict=True))
                for ref, layout in zip((x, gate), layouts, strict=True)
            ]
            pairs = [(mine.get(name, ()), its.get(name, ())) for name in {**mine, **its}]
        else:
            pairs = list(zip(*lined_up(layouts), strict=True))
        varies: frozenset[str] = NOWHERE
        for own, other in pairs:
            if labels_of(other) - {"b"}:
                if not labels_of(own) - {"b"}:
                    return None
                varies |= labels_of(own)
        return varies - {"b"}

    def one_kind(self, flow: Flow, gate: Ref, varies: frozenset[str], adds: bool) -> Found:
        """Return what one gate is, in one piece or as a sum of two."""
        bounded = self.is_bounded(gate, flow)
        found = kind_of(Gate(flow.values[gate].paths, flow.space, flow.channels, varies, bounded))
        if adds:
            return found if found.kind == "gc" else NOTHING
        if found.kind and not bounded and self.last_function(gate) is None:
            # What scales by a linear function, as FiLM does, is none of the known gates.
            return found._replace(kind=UNNAMED)
        top = self.nodes[gate.node]
        if found.kind not in ("", UNNAMED) or top.layer.type not in ("Add", "Maximum"):
            return found
        parts = [flow.values[ref] for ref in dict.fromkeys(top.inputs) if ref in flow.values]
        each = [
            kind_of(
                Gate(
                    part.paths,
                    flow.space,
                    flow.channels,
                    labels_of(*part.layout) & (flow.space | {"c"})
                    | ({"c"} if "m" in labels_of(*part.layout) else NOWHERE),
                    bounded,
                )
            )
            for part in parts
        ]
        if sorted([part.kind for part in each]) == ["place", "se"]:
            return Found("scse", next(part.squeezed for part in each if part.kind == "se"))
        return found

    def is_bounded(self, gate: Ref, flow: Flow) -> bool:
        """Tell whether what makes a gate has a function in it with a lower and an upper bound."""
        seen: set[int] = set()
        stack = [gate]
        while stack:
            ref = stack.pop()
            if ref in flow.given or ref.node in seen or ref not in flow.values:
                continue
            seen.add(ref.node)
            stack.extend(self.nodes[ref.node].inputs)
        return are_bounded([self.nodes[place] for place in seen])

    # Putting gates together.

    def join_all(self) -> None:
        """Join the gates that make one block, rename parts alone, drop what is inside others."""
        gates = self.gates
        for index in sorted(gates):
            gate = gates[index]
            before = gates.get(self.origin(gate.x).node)
            if gate.kind == "spatial" and before is not None and before.kind == "channel":
                del gates[before.node]
                charge(len(gate.nodes) + len(before.nodes))
                gates[index] = gate._replace(
                    x=before.x,
                    shape=before.shape,
                    channels=before.channels,
                    nodes=gate.nodes | before.nodes,
                    kind="cbam",
                    squeezed=before.squeezed,
                    hidden=gate.hidden | before.hidden,
                )
        for index, node in enumerate(self.nodes):
            if node.layer.type in MERGES and len(node.inputs) > 1 and index not in gates:
                self.join(index)
        for index, gate in list(gates.items()):
            if gate.kind in PARTS:
                gates[index] = gate._replace(kind=UNNAMED)
        for gate in list(gates.values()):
            charge(len(gate.nodes))
            for place in gate.nodes:
                other = gates.get(place)
                if (
                    other is not None
                    and other.nodes < gate.nodes
                    and UNNAMED in (other.kind, gate.kind)
                ):
                    # Of a gate in a gate, the one that has a name stays.
                    gone = other if other.kind == UNNAMED or gate.hidden else gate
                    gates.pop(gone.node, None)

    def join(self, index: int) -> None:
        """Join the gates that a merge merges, where they are one block."""
        refs, merges = self.addends(index)
        merged = [self.gates[ref.node] for ref in refs if ref.node in self.gates]
        sources = {self.settled(gate.x) for gate in merged}
        if len(sources) != 1:
            return
        kinds = sorted([gate.kind for gate in merged])
        type = self.nodes[index].layer.type
        kind = ""
        if len(merged) == len(refs):
            kind = JOINED.get(tuple(kinds), "")
            if kind == "scse" and type == "Average":
                kind = ""
        elif kinds == ["bam"] and len(refs) == 2 and type == "Add":
            kind = "bam" if sources <= {self.settled(ref) for ref in refs} else ""
        if kind:
            charge(len(merges) + sum([len(gate.nodes) for gate in merged]))
            nodes = merges.union(*[gate.nodes for gate in merged])
            last = max(merged, key=lambda gate: gate.node)
            squeezed = next((gate.squeezed for gate in merged if gate.squeezed), None)
            hidden = frozenset().union(*[gate.hidden for gate in merged])
            for gate in merged:
                self.gates.pop(gate.node, None)
            self.gates[index] = last._replace(
                node=index, nodes=nodes, kind=kind, squeezed=squeezed, hidden=hidden
            )

    def addends(self, index: int) -> tuple[list[Ref], frozenset[int]]:
        """Return what a merge merges, sums of sums taken apart, and the calls on the way."""
        found: list[Ref] = []
        merges = {index}
        stack = list(self.nodes[index].inputs)
        charge(len(stack))
        while stack and len(found) <= MAX_PARTS:
            ref = stack.pop(0)
            on_the_way: list[int] = []
            for _ in range(MAX_TURNS):
                node = self.nodes[ref.node]
                scales = node.layer.type in SCALES and len(node.inputs) == 1
                moves = node.layer.type in HANDING_ON | TURNING and len(node.inputs) == 1
                if ref.node in self.gates or not (scales or moves):
                    break
                on_the_way.append(ref.node)
                ref = node.inputs[0]
            node = self.nodes[ref.node]
            sums = {node.layer.type, self.nodes[index].layer.type} <= {"Add", "AddN"}
            if ref.node not in self.gates and sums and len(merges) <= MAX_PARTS:
                merges |= {ref.node, *on_the_way}
                charge(len(node.inputs) + len(stack))
                stack = [*node.inputs, *stack]
                continue
            if ref.node in self.gates:
                merges |= set(on_the_way)
            found.append(ref)
        return found, frozenset(merges)

    # Describing blocks.

    def veiled(self, gate: _Gate) -> Hidden:
        """Return the record of a hidden block."""
        layers = {id(self.nodes[place].layer): self.nodes[place].layer for place in gate.nodes}
        charge_for(layers.values())
        veils = {id(self.nodes[place].layer): place for place in sorted(gate.hidden, reverse=True)}
        return Hidden(
            kind=gate.kind if gate.kind and gate.kind != UNNAMED else None,
            path=self.nodes[gate.node].name,
            layers=tuple([self.nodes[place].layer.path for place in sorted(veils.values())]),
            input_shape=gate.shape,
            channels=gate.channels,
            params=sum([layer.params.total for layer in layers.values()]),
            nodes=tuple(sorted(gate.nodes)),
        )

    def described(self, gate: _Gate) -> Attention:
        """Return the record of a block."""
        places = tuple(sorted(gate.nodes))
        calls = [self.nodes[place] for place in places]
        mixing = layers_of(calls, MIXING)
        costs = [call.cost for call in calls]
        macs = [each.macs for each in costs]
        flops = [each.flops for each in costs]
        squeezed = next((call for call in mixing if id(call.layer) == gate.squeezed), None)
        layers = {id(call.layer): call.layer for call in calls}
        charge_for(layers.values())
        return Attention(
            kind=gate.kind,
            path=self.nodes[gate.node].name,
            input_shape=gate.shape,
            channels=gate.channels,
            width=None if squeezed is None else filters_of(squeezed.layer),
            kernel_size=_kernel_size(gate.kind, mixing),
            activation=None if squeezed is None else self.activation_after(squeezed, gate.nodes),
            gate=self.gate_function(gate),
            params=sum([layer.params.total for layer in layers.values()]),
            macs=None if None in macs else sum(filter(None, macs)),
            flops=None if None in flops else sum(filter(None, flops)),
            nodes=places,
        )

    def activation_after(self, squeezed: Node, places: frozenset[int]) -> str | None:
        """Return the activation between the layer that squeezes and the one that expands."""
        if squeezed.layer.function:
            return squeezed.layer.function
        inside = sorted(places)
        place = next(place for place in inside if self.nodes[place].layer is squeezed.layer)
        for _ in range(MAX_GATE):
            charge(len(inside))
            readers = [each for each in inside if place in self.sources(each)]
            if not readers:
                return None
            # Itself times a function of itself.
            for reader in readers:
                node = self.nodes[reader]
                others = [ref for ref in node.inputs if ref.node != place]
                if node.layer.type == "Multiply" and len(others) == 1 and len(node.inputs) == 2:
                    return SELF_GATED.get(self.last_function(others[0]) or "")
            place = readers[0]
            node = self.nodes[place]
            if node.layer.type in ACTIVATING:
                return function_of(node)
            if node.layer.type not in NORMALISING and node.layer.type not in MOVING:
                return None
        return None

    def sources(self, place: int) -> list[int]:
        """Return the calls that a call takes something of."""
        return [ref.node for ref in self.nodes[place].inputs]

    def gate_function(self, gate: _Gate) -> str | None:
        """Return the function that makes the last gate of a block."""
        for ref in gate.gates:
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
            function = function_of(node)
            if function is not None:
                before = self.nodes[node.inputs[0].node]
                # relu6(x + 3) / 6
                if scaled and function == "relu6" and _is_shifted(before):
                    return "hard_sigmoid"
                return function
            if not node.inputs or not (
                type in MOVING or (len(node.inputs) == 1 and (type in SCALES or type in SHIFTS))
            ):
                return None
            ref = node.inputs[0]
            if type in DIVIDING or type == "Reciprocal":
                # 1 / (1 + exp(-x))
                below = self.nodes[ref.node]
                if _is_shifted(below) and self.nodes[below.inputs[0].node].layer.type == "Exp":
                    return "sigmoid"
            scaled = scaled or type in SCALES
        return None


def charge_for(layers: Iterable[Layer]) -> None:
    """Charge what it takes to count the weights of layers and to name them."""
    charge(sum([10 + len(layer.weights) + len(layer.path) // 8 for layer in layers]))


# What joins gates.
MERGES = frozenset(("Add", "AddN", "Average", "Maximum"))
SCALES = DIVIDING | {"Multiply", "Reciprocal", "Rescaling"}
SHIFTS = frozenset(("Add", "Subtract"))
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
# What x·f(x) is.
SELF_GATED = {"hard_sigmoid": "hard_silu", "sigmoid": "silu"}


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


def _is_shifted(call: Node) -> bool:
    """Tell whether a call adds a number."""
    return call.layer.type == "Add" and len(call.inputs) == 1
