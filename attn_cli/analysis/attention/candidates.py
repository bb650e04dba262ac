"""Products that may gate a feature map: all factors but one are made of it, and of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import charge
from attn_cli.analysis.attention.back import MAX_GATE, MAX_TURNS, settled
from attn_cli.analysis.calls import (
    ACTIVATING,
    BOUNDED,
    IN_A_GATE,
    MEASURING,
    TURNING,
    function_of,
    hands_on,
    is_opaque,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attn_cli.graph import Node, Ref, Shape


class Factor(NamedTuple):
    """What goes into a product, and its shape there: in a TimeDistributed, that of one step."""

    ref: Ref
    shape: Shape


class Candidate(NamedTuple):
    """A product of a feature map and of what was made of it alone.

    `root` is what the others were made of: the map, or what it was before it was handed on, laid
    out anew or activated.
    """

    node: int  # the product
    x: Factor  # the feature map
    gates: tuple[Ref, ...]  # the other factors
    root: Factor
    chain: tuple[Ref, ...]  # the tensors from the root to the map
    inside: frozenset[int]  # the calls from there to the other factors
    products: frozenset[int]  # other calls that multiply, where the product is of products


def factors_of(node: Node) -> list[Factor]:
    """Return what goes into a call, each tensor once."""
    given = dict(zip(node.inputs, node.input_shapes, strict=True))
    return [Factor(ref, shape) for ref, shape in given.items()]


class Candidates:
    """The candidates in a graph, each found when it is asked for."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        # The most calls on a way to each, from what is followed back no further.
        self.length: list[int] = []
        for node in nodes:
            before = () if node.layer.type in MEASURING else node.inputs
            self.length.append(1 + max([self.length[ref.node] for ref in before], default=0))

    def of_product(
        self, index: int, factors: Sequence[Factor], products: frozenset[int] = frozenset()
    ) -> Iterator[Candidate]:
        """Yield those of a product, whichever of its factors is gated: the first made first."""
        for x in sorted(factors, key=lambda factor: settled(self.nodes, factor.ref)):
            rest = [factor for factor in factors if factor is not x]
            yield from self.of_map(index, x, rest, products)

    def of_map(
        self,
        index: int,
        x: Factor,
        rest: Sequence[Factor],
        products: frozenset[int] = frozenset(),
    ) -> Iterator[Candidate]:
        """Yield those of a product in which one factor is gated by the others."""
        gates = tuple([factor.ref for factor in rest])
        for root, chain in self.roots(x):
            charge(5 + len(rest))
            inside = self.between({root.ref, *chain}, gates)
            if inside is not None:
                yield Candidate(index, x, gates, root, chain, inside, products)

    def roots(self, x: Factor) -> Iterator[tuple[Factor, tuple[Ref, ...]]]:
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
            if hands_on(node) or type in TURNING:
                pass
            elif type in ACTIVATING and not activated and function_of(node) not in BOUNDED:
                activated = len(chain)
            else:
                break
            chain.append(Factor(node.inputs[0], node.input_shapes[0]))
        end = activated or len(chain)
        for length in [*range(end, 0, -1), *range(len(chain), end, -1)]:
            yield chain[length - 1], tuple([factor.ref for factor in chain[: length - 1]])

    def between(self, ends: set[Ref], gates: Sequence[Ref]) -> frozenset[int] | None:
        """Return the calls that make gates of `ends`; None where one is made of anything else."""
        inside: set[int] = set()
        for gate in gates:
            found = self.branch(gate, ends)
            if not found:
                return None
            inside |= found
        return frozenset(inside)

    def branch(self, gate: Ref, ends: set[Ref]) -> set[int] | None:
        """Return the calls that make a tensor of `ends`; None where anything else goes in."""
        if self.length[gate.node] - max(self.length[ref.node] for ref in ends) > MAX_GATE:
            return None
        first = min(ref.node for ref in ends)
        inside: set[int] = set()
        stack = [gate]
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
