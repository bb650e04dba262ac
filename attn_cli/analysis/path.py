"""The feature map's own path through a block: what is left of a block without its gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attn_cli.graph import Graph


def own_path(graph: Graph) -> list[int]:
    """Return the nodes from an input to the output that the feature map goes through unchanged.

    It is the way that leads through the fewest tensors of another shape than what comes out, and of
    such ways the shortest; of two alike, the one that stands first in a call.
    """
    goal = graph.outputs[0]
    shape = graph.shape_of(goal)
    # To each node: how many of another shape, how many at all, and which node comes before it.
    reached: list[tuple[int, int, int | None]] = []
    for node in graph.nodes:
        ways = [(*reached[ref.node][:2], ref.node) for ref in node.inputs]
        other, length, before = min(ways, key=lambda way: way[:2], default=(0, 0, None))
        reached.append((other + (shape not in node.output_shapes), length + 1, before))
    path = [goal.node]
    while (before := reached[path[-1]][2]) is not None:
        path.append(before)
    return path[::-1]
