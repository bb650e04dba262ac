"""What a graph costs: its calls, added up.

What a call costs stands in its node, as the table of layers and ops told it when the graph was
made. `macs` are the multiply-accumulates of convolutions, dense layers and matrix products and
nothing else. `flops` are what `tf.compat.v1.profiler` reports for a concrete function with static
shapes, once Max, Relu, Relu6, Sigmoid, Tanh and Sqrt are registered at one per element. The two
part on purpose for dilated convolutions (the profiler counts the padding), grouped ones (it says
0), transposed ones (it counts what is cropped away) and a few scalars of bookkeeping:
tests/test_cost.py shows each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.graph import Cost
from attn_cli.text import few

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attn_cli.graph import Graph


class GraphCost(NamedTuple):
    """What a graph costs, what of it is known at least, and why the rest is not.

    A total is None where one part of it is unknown.
    """

    macs: int | None
    flops: int | None
    at_least: Cost
    unknown: tuple[str, ...]

    def __repr__(self) -> str:
        """Show the figures; where one is unknown, what is known of it, and why not more."""
        more = f", at_least={self.at_least!r}, unknown={self.unknown!r}" if self.unknown else ""
        return f"GraphCost(macs={self.macs}, flops={self.flops}{more})"


def graph_cost(graph: Graph) -> GraphCost:
    """Return what a graph costs."""
    return total([node.cost for node in graph.nodes])


def total(costs: Iterable[Cost]) -> GraphCost:
    """Return what calls cost together."""
    costs = tuple(costs)
    macs = [each.macs for each in costs]
    flops = [each.flops for each in costs]
    known = Cost(sum(filter(None, macs)), sum(filter(None, flops)))
    return GraphCost(
        macs=None if None in macs else known.macs,
        flops=None if None in flops else known.flops,
        at_least=known,
        unknown=tuple(dict.fromkeys([each.why for each in costs if None in each[:2]])),
    )


MAX_REASONS = 3


def reasons(unknown: Iterable[str]) -> str:
    """Return why figures are unknown, in a line: what is alike is said once, and not too much."""
    grouped: dict[str, list[str]] = {}
    for why in dict.fromkeys(unknown):
        what, known_for, about = why.partition(" known for ")
        grouped.setdefault(what + known_for, []).append(about)
    lines = [what + few(about) for what, about in grouped.items()]
    more = len(lines) - MAX_REASONS
    return "; ".join([*lines[:MAX_REASONS], *([f"and {more} more reasons"] if more > 0 else [])])
