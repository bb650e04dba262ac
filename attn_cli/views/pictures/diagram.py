"""A block as a diagram, in words, before it is drawn: boxes, arrows, a caption."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.formula import in_letters, rules
from attn_cli.analysis.path import own_path
from attn_cli.blocks.options import format_value
from attn_cli.sources.text import shown
from attn_cli.views.summary import SHAPE_FIXES, totals_line, unknown_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.analysis.formula import Formula
    from attn_cli.analysis.summary import Summary
    from attn_cli.graph import Graph, Node
    from attn_cli.spec import Spec


# What nobody knows.
UNKNOWN = "?"


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
    figures, graph = summary.figures, summary.graph
    caption = [
        summary.explanation or "",
        totals_line(figures.params, figures.bytes, figures.macs, figures.flops),
        *unknown_lines(figures.cost, SHAPE_FIXES),
    ]
    counted = [
        _counted(node, f"{node.params.total:,}", _number(node.cost.macs)) for node in graph.nodes
    ]
    title = f"{summary.block}  {summary.title}"
    return drawn(graph, title, [_options(summary.options), *caption], counted, {})


def of_letters(spec: Spec) -> Diagram:
    """Return the diagram of a block on any input: C channels of H × W, s, k in place of numbers."""
    lettered = in_letters(spec)
    graph, sizes = lettered.graph, lettered.sizes
    trainable, frozen = lettered.trainable, lettered.frozen
    totals = [f"{_text(trainable)} trainable params"]
    totals += [f"{_text(frozen)} non-trainable"] * (frozen is None or bool(frozen.terms))
    totals.append(f"{_text(lettered.total_macs)} MACs")
    counted = [
        _counted(node, _text(params), _text(macs))
        for node, params, macs in zip(graph.nodes, lettered.params, lettered.macs, strict=True)
    ]
    letters = {sizes["H"] * sizes["W"]: "H·W", sizes["H"] + sizes["W"]: "(H + W)"}
    if "k" in sizes:
        letters[sizes["C"] + sizes["k"] - 1] = "(C + k − 1)"
        letters[(sizes["k"] - 1) // 2] = "(k − 1)/2"
    letters |= {sizes[letter]: letter for letter in "skHWC" if letter in sizes}
    title = f"{spec.block.name}  {spec.block.title}"
    caption = [
        _options(spec.options),
        "; ".join(totals),
        *(rules(spec, trainable) if trainable else ()),
    ]
    return drawn(graph, title, caption, counted, letters)


def drawn(
    graph: Graph,
    title: str,
    caption: Sequence[str],
    counted: Sequence[str],
    letters: Mapping[int, str],
) -> Diagram:
    """Return the diagram of a graph, with what its nodes cost in words; some sizes are letters."""
    path = own_path(graph)
    steps = set(pairwise(path))
    boxes = [
        Box(shown(node.name), shown(node.layer.type), _detail(node, letters), costs, place in path)
        for place, (node, costs) in enumerate(zip(graph.nodes, counted, strict=True))
    ]
    arrows = []
    for place, node in enumerate(graph.nodes):
        for ref in node.inputs:
            own = (ref.node, place) in steps
            steps.discard((ref.node, place))
            shape = graph.shape_of(ref)
            words = UNKNOWN if not shape else _sizes(shape[1:], letters)
            arrows.append(Arrow(ref.node, place, words, own))
    return Diagram(shown(title), [shown(line) for line in caption if line], boxes, arrows)


def _number(figure: int | None) -> str:
    return UNKNOWN if figure is None else f"{figure:,}"


def _text(formula: Formula | None) -> str:
    return UNKNOWN if formula is None else formula.text


def _options(options: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={format_value(value)}" for name, value in options.items())


def _sizes(sizes: Sequence[int | None], letters: Mapping[int, str]) -> str:
    """Return sizes as people write them: 26 × 26 × 512, H × W × C."""
    return " × ".join(str(size) if size is None else letters.get(size, str(size)) for size in sizes)


def _counted(node: Node, params: str, macs: str) -> str:
    """Return what of a call's costs is not 0."""
    words = []
    if node.call and node.layer.weights:
        words.append("the same weights")
    elif node.layer.weights:
        words.append(f"{params} params")
    if node.cost.macs != 0:
        words.append(f"{macs} MACs")
    return " · ".join(words)


def _spoken(box: Box) -> str:
    words = f"{box.type} {box.detail}".rstrip()
    return f"{words} ({box.figures})" if box.figures else words


def _detail(node: Node, letters: Mapping[int, str]) -> str:
    """Return what of a layer changes what it does: its function, its kernel."""
    kernel = node.layer.config.get("kernel_size")
    words = [shown(node.layer.function)] if node.layer.function else []
    if isinstance(kernel, tuple) and kernel and set(kernel) != {1}:
        words.append(
            _sizes(kernel, letters) if len(kernel) > 1 else f"kernel {_sizes(kernel, letters)}"
        )
    return " ".join(words)
