"""The attention blocks in a graph, by what is computed, not by what layers are called.

From every product, each factor but one is followed back to that one: a gate is a function of what
it gates and of nothing else (`attention.candidates`). The paths from the map to the gate (`flow`)
tell the kind: what was pooled over which axes, and what mixed it (`attention.judging`, `gates`).
Some kinds are two or three gates joined: those are put together afterwards, and are one block
(`attention.joining`).
"""

from __future__ import annotations

from collections import Counter
from os import PathLike
from typing import TYPE_CHECKING

from attn_cli.account import account, charge
from attn_cli.analysis.attention.candidates import Candidates, factors_of
from attn_cli.analysis.attention.describing import described, veiled
from attn_cli.analysis.attention.joining import join
from attn_cli.analysis.attention.judging import judged
from attn_cli.analysis.attention.records import Attention, Findings, Hidden
from attn_cli.analysis.calls import CONTRACTING, DIVIDING, MIXING, is_opaque, is_unread
from attn_cli.analysis.gates import UNNAMED
from attn_cli.errors import BadArgument
from attn_cli.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.analysis.attention.candidates import Candidate, Factor
    from attn_cli.analysis.attention.judging import Gated

__all__ = ["Attention", "Findings", "Hidden", "attention_params", "find_attention", "search"]

MAX_FACTORS = 4


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


class _Finder:
    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.nodes
        self.candidates = Candidates(graph.nodes)
        self.gates: dict[int, Gated] = {}

    def findings(self) -> Findings:
        """Return all blocks, gates that belong together put together."""
        for index in range(len(self.nodes)):
            gate = self.applied(index)
            if gate is not None:
                self.gates[index] = gate
        join(self.nodes, self.gates)
        gates = [self.gates[index] for index in sorted(self.gates)]
        unread = [node.layer.type for node in self.nodes if not node.call and is_unread(node)]
        return Findings(
            tuple([described(self.nodes, gate) for gate in gates if not gate.hidden]),
            tuple([veiled(self.nodes, gate) for gate in gates if gate.hidden]),
            tuple(Counter(unread).most_common()),
        )

    def applied(self, index: int) -> Gated | None:
        """Return the gate that a call applies, if it does."""
        node = self.nodes[index]
        type = node.layer.type
        if len(node.inputs) < 2:
            return None
        factors = factors_of(node)
        if not 2 <= len(factors) <= MAX_FACTORS:
            return None
        if type == "Multiply":
            return self.multiplied(index, factors)
        if type in DIVIDING:
            return self.first(self.candidates.of_map(index, factors[0], factors[1:]))
        if type in CONTRACTING or is_opaque(node.layer) or (type, len(node.inputs)) == ("Add", 2):
            return self.first(self.candidates.of_product(index, factors))
        return None

    def multiplied(self, index: int, factors: Sequence[Factor]) -> Gated | None:
        """Return the gate in a product, or in one of what a product before it made."""
        found = self.first(self.candidates.of_product(index, factors))
        if found is not None and found.is_named:
            return found
        # x·a·b is x·a, and that times b: the gates may all be of x.
        for factor in factors:
            inner = self.nodes[factor.ref.node]
            charge(len(inner.inputs))
            if inner.layer.type != "Multiply":
                continue
            parts = factors_of(inner)
            if not 2 <= len(parts) < MAX_FACTORS:
                continue
            rest = [each for each in factors if each is not factor]
            inside = frozenset({factor.ref.node})
            whole = self.first(self.candidates.of_product(index, [*parts, *rest], inside))
            if whole is not None and whole.is_named:
                return whole
            before = self.gates.get(factor.ref.node)
            if found is None and before is not None:
                x = next((part for part in parts if part.ref == before.x), None)
                found = x and self.first(self.candidates.of_map(index, x, rest))
                if found is not None and self.mixes(found.nodes & before.nodes):
                    # What both are made of is there once: x·g·g is no gate and another one.
                    del self.gates[factor.ref.node]
                    return whole or found._replace(
                        kind=UNNAMED, nodes=found.nodes | before.nodes, squeezed=None
                    )
        return found

    def mixes(self, places: Iterable[int]) -> bool:
        """Tell whether a layer that mixes is among these calls."""
        return any(self.nodes[place].layer.type in MIXING for place in places)

    def first(self, candidates: Iterable[Candidate]) -> Gated | None:
        """Return the first candidate that is a gate."""
        for candidate in candidates:
            gate = judged(self.nodes, candidate)
            if gate is not None:
                return gate
        return None
