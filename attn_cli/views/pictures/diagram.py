"""A block as a diagram, in words, before it is drawn: boxes, arrows, a caption."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.formula import in_letters, rules
from attn_cli.analysis.path import own_path
from attn_cli.blocks.options import format_value
from attn_cli.text import shown
from attn_cli.views.totals import SHAPE_FIXES, totals_line, unknown_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.analysis.formula import Formula
    from attn_cli.analysis.summary import Summary
    from attn_cli.graph import Graph, Node, Shape
    from attn_cli.spec import Spec

    # What a pair of sizes, one of each of two inputs, is called.
    Letters = Mapping[tuple[int | None, int | None], str]


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
    return drawn(title, [_options(summary.options), *caption], graph, graph, counted, {})


def of_letters(spec: Spec) -> Diagram:
    """Return the diagram of a block on any input: C channels of H × W, s, k in place of numbers."""
    lettered = in_letters(spec)
    graph, trainable, frozen = lettered.graph, lettered.trainable, lettered.frozen
    caption = [
        _options(spec.options),
        f"{_text(trainable)} trainable params",
        f"{_text(frozen)} non-trainable" if frozen is None or frozen.terms else "",
        f"{_text(lettered.total_macs)} MACs",
        *(rules(spec, trainable) if trainable else ()),
    ]
    counted = [
        _counted(node, _text(params), _text(macs))
        for node, params, macs in zip(graph.nodes, lettered.params, lettered.macs, strict=True)
    ]
    title = f"{spec.block.name}  {spec.block.title}"
    return drawn(title, caption, graph, lettered.again, counted, lettered.letters)


def drawn(
    title: str,
    caption: Sequence[str],
    graph: Graph,
    again: Graph,
    counted: Sequence[str],
    letters: Letters,
) -> Diagram:
    """Return the diagram of a graph, with what its nodes cost in words.

    `again` is the same on another input, where letters stand for what differs.
    """
    path = own_path(graph)
    steps = set(pairwise(path))
    boxes = []
    arrows = []
    for place, (node, other) in enumerate(zip(graph.nodes, again.nodes, strict=True)):
        detail = _detail(node, other, letters)
        own = place in path
        boxes.append(Box(shown(node.name), shown(node.layer.type), detail, counted[place], own))
        for ref, that in zip(node.inputs, other.inputs, strict=True):
            own = (ref.node, place) in steps
            steps.discard((ref.node, place))
            words = _shape(graph.shape_of(ref), again.shape_of(that), letters)
            arrows.append(Arrow(ref.node, place, words, own))
    return Diagram(shown(title), [shown(line) for line in caption if line], boxes, arrows)


def _number(figure: int | None) -> str:
    return UNKNOWN if figure is None else f"{figure:,}"


def _text(formula: Formula | None) -> str:
    return UNKNOWN if formula is None else formula.text


def _options(options: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={format_value(value)}" for name, value in options.items())


def _shape(here: Shape, there: Shape, letters: Letters) -> str:
    """Return a shape without its batch."""
    return _sizes(here[1:], there[1:], letters) if here and there else UNKNOWN


def _sizes(here: Sequence[int | None], there: Sequence[int | None], letters: Letters) -> str:
    """Return sizes as people write them: 26 × 26 × 512, H × W × C."""
    if len(here) != len(there):
        return UNKNOWN
    return " × ".join(
        letters.get(pair, str(pair[0]) if pair[0] == pair[1] else UNKNOWN)
        for pair in zip(here, there, strict=True)
    )


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


def _detail(node: Node, other: Node, letters: Letters) -> str:
    """Return what of a call changes what it does: its function, its kernel, its numbers."""
    words = [shown(node.layer.function)] if node.layer.function else []
    kernel = node.layer.config.get("kernel_size")
    if isinstance(kernel, tuple) and kernel and set(kernel) != {1}:
        sizes = _sizes(kernel, other.layer.config["kernel_size"], letters)
        words.append(sizes if len(kernel) > 1 else f"kernel {sizes}")
    for value, that in zip(node.operands, other.operands, strict=True):
        if value is not None:
            words.append(_rounded(value) if value == that else UNKNOWN)
    return " ".join(words)


def _rounded(value: float) -> str:
    text = f"{value:.4g}"
    return text if float(text) == value else f"≈ {text}"
