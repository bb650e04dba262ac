"""What the reader says of a file, held against what is so: equal, or said to be unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.cost import graph_cost
from attn_cli.graph import UNKNOWN
from attn_cli.sources.saved import read_model

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from truth import Shape, Truth

    from attn_cli.sources.saved import Model


class Difference(NamedTuple):
    """A figure that is wrong, or that is missing without its reason."""

    what: str
    said: Any
    true: Any

    def __str__(self) -> str:
        return f"{self.what}: said {self.said}, true {self.true}"


class Verdict(NamedTuple):
    """What is wrong, and what is said to be unknown although it can be known."""

    wrong: list[Difference]
    unknown: list[str]


def judge(path: Path, true: Truth) -> Verdict:
    """Read a file, and hold every figure against the truth."""
    return judge_model(read_model(path), true)


def judge_model(model: Model, true: Truth) -> Verdict:
    """Hold every figure of a model against the truth."""
    wrong = [*params(model, true)]
    unknown = []
    if model.at_least:
        unknown.append("params")
    if model.graph is None:
        return Verdict([*wrong, Difference("graph", None, "layers")], unknown)
    wrong += shapes(model.graph, true)
    wrong += costs(model.graph, true, unknown)
    return Verdict(wrong, unknown)


def params(model: Any, true: Truth) -> Iterator[Difference]:
    """Compare the totals, the split and the bytes; a lower bound may be lower."""
    if model.at_least:
        if model.total > true.total:
            yield Difference("params at least", model.total, true.total)
        if model.bytes > true.bytes:
            yield Difference("bytes at least", model.bytes, true.bytes)
    else:
        if model.total != true.total:
            yield Difference("params", model.total, true.total)
        if model.bytes != true.bytes:
            yield Difference("bytes", model.bytes, true.bytes)
    trainable = None if model.params is None else model.params.trainable
    if None not in (trainable, true.trainable) and not (
        trainable == true.trainable or (model.at_least and trainable < true.trainable)
    ):
        yield Difference("trainable", trainable, true.trainable)


def shapes(graph: Any, true: Truth) -> Iterator[Difference]:
    """Compare what each call makes with what Keras noted, path by path."""
    left = {path: counter.copy() for path, counter in true.shapes.items()}
    for node in graph.nodes:
        expected = left.get(node.layer.path)
        if expected is not None:
            yield from missing(node, expected)
    outputs = graph.output_shapes
    if len(outputs) != len(true.outputs):
        yield Difference("number of outputs", len(outputs), len(true.outputs))
    for place, (shape, noted) in enumerate(zip(outputs, true.outputs, strict=False)):
        if shape not in (UNKNOWN, noted):
            yield Difference(f"shape of output {place}", shape, noted)


def missing(node: Any, expected: Counter[tuple[Shape, ...]]) -> Iterator[Difference]:
    """Take the shapes of a call from those expected, or say that they are not among them."""
    for noted in expected:
        if expected[noted] > 0 and fits(node.output_shapes, noted):
            expected[noted] -= 1
            return
    yield Difference(f"shape of {node.name}", node.output_shapes, next(iter(expected)))


def fits(said: tuple[Shape, ...], noted: tuple[Shape, ...]) -> bool:
    """Tell whether shapes are those noted, or unknown; what nobody reads may be left out."""
    if len(said) > len(noted):
        return False
    return all(shape in (UNKNOWN, true) for shape, true in zip(said, noted, strict=False))


def costs(graph: Any, true: Truth, unknown: list[str]) -> Iterator[Difference]:
    """Compare MACs and FLOPs; where one is unknown there is a reason, and a lower bound."""
    said = graph_cost(graph)
    for what in ("macs", "flops"):
        figure, least, real = getattr(said, what), getattr(said.at_least, what), getattr(true, what)
        books = true.books if what == "flops" else 0
        if figure is None:
            if real is not None:
                unknown.append(what)
                if least > real + books:
                    yield Difference(f"{what} at least", least, real)
            if true.static and not reasons(graph, said):
                yield Difference(f"{what} unknown, reason", "dynamic", "all sizes are fixed")
        elif not true.static:
            pass  # what a dynamic size has no part in may be known
        elif real is None and what == "flops":
            yield Difference(what, figure, f"unknown: nobody counts {', '.join(true.silent)}")
        elif real is None:
            yield Difference(what, figure, f"unknown: within {', '.join(true.silent)}")
        elif not real <= figure <= real + books:
            yield Difference(what, figure, real)


def reasons(graph: Any, said: Any) -> tuple[str, ...]:
    """Return why something is unknown, a dynamic size apart."""
    told = [getattr(getattr(node, "cost", None), "why", "") for node in graph.nodes]
    return tuple(each for each in (*said.unknown, *told) if each and "dynamic" not in each)
