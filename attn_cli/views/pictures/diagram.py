"""A block as a diagram, in words, before it is drawn: boxes, arrows, a caption."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.analysis.path import own_path
from attn_cli.blocks.options import format_value
from attn_cli.graph import UNKNOWN
from attn_cli.sources.text import shown
from attn_cli.views.report import size_text
from attn_cli.views.summary import SHAPE_FIXES, totals_line, unknown_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from attn_cli.analysis.summary import Summary
    from attn_cli.graph import Graph, Node, Shape


class Box(NamedTuple):
    """A call of a layer: what it is, and what it costs; `own` is on the feature map's own path."""

    name: str
    type: str
    detail: str
    figures: str
    own: bool


class Arrow(NamedTuple):
    """What goes from a box to another, by their places: a tensor of this shape."""

    start: int
    end: int
    shape: str
    own: bool


class Diagram(NamedTuple):
    """A block. Its words are safe to show, and not yet escaped for any format."""

    title: str
    caption: Sequence[str]
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]

    @property
    def description(self) -> str:
        """What the picture shows, in words, for whoever cannot see it."""
        own = [_spoken(box) for box in self.boxes if box.own]
        gate = [_spoken(box) for box in self.boxes if not box.own]
        beside = f" Beside it: {', '.join(gate)}." if gate else ""
        told = ". ".join(self.caption)
        return f"The feature map's own path: {', '.join(own)}.{beside} {told}"


def of_summary(summary: Summary) -> Diagram:
    """Return the diagram of a block on one input."""
    figures = summary.figures
    options = [f"{name}={format_value(value)}" for name, value in summary.options.items()]
    caption = [
        "  ".join(options),
        summary.explanation or "",
        totals_line(figures.params, figures.bytes, figures.macs, figures.flops),
        *unknown_lines(figures.cost, SHAPE_FIXES),
    ]
    return drawn(
        summary.graph, f"{summary.block}  {summary.title}", caption, counted_in_numbers, sizes
    )


def drawn(
    graph: Graph,
    title: str,
    caption: Sequence[str],
    counted: Callable[[Node], Sequence[str]],
    shape_text: Callable[[Shape], str],
) -> Diagram:
    """Return the diagram of a graph, with costs and shapes as these functions word them."""
    path = own_path(graph)
    steps = set(pairwise(path))
    boxes = [
        Box(shown(node.name), *_words(node), " · ".join(counted(node)), place in path)
        for place, node in enumerate(graph.nodes)
    ]
    arrows = []
    for place, node in enumerate(graph.nodes):
        for ref in node.inputs:
            own = (ref.node, place) in steps
            steps.discard((ref.node, place))
            arrows.append(Arrow(ref.node, place, shape_text(graph.shape_of(ref)), own))
    return Diagram(shown(title), [shown(line) for line in caption if line], boxes, arrows)


def sizes(shape: Shape) -> str:
    """Return a shape without its batch as people write it: 26 × 26 × 512."""
    return "?" if shape == UNKNOWN else size_text(shape[1:])


def counted_in_numbers(node: Node) -> list[str]:
    """Return what of a call's costs is not 0."""
    words = []
    if node.call and node.layer.weights:
        words.append("the same weights")
    elif node.params.total:
        words.append(f"{node.params.total:,} params")
    if node.cost.macs != 0:
        words.append("? MACs" if node.cost.macs is None else f"{node.cost.macs:,} MACs")
    return words


def _spoken(box: Box) -> str:
    words = f"{box.type} {box.detail}".rstrip()
    return f"{words} ({box.figures})" if box.figures else words


def _words(node: Node) -> tuple[str, str]:
    """Return what a layer is, and what of it changes what it does."""
    config = node.layer.config
    kernel = config.get("kernel_size")
    words = [shown(node.layer.function)] if node.layer.function else []
    if isinstance(kernel, tuple) and kernel and set(kernel) != {1}:
        words.append(" × ".join(map(str, kernel)))
    return shown(node.layer.type), " ".join(words)
