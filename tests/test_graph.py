"""The one canonical order of nodes, whatever source they come from and in whatever order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attn_cli.errors import BadGraph
from attn_cli.graph import Graph, Layer, Node, Params, Ref, Weight

if TYPE_CHECKING:
    from collections.abc import Sequence

SHAPE = (None, 4)


def node(layer: Layer, *inputs: int) -> Node:
    return Node(layer, tuple(Ref(place) for place in inputs), (SHAPE,) * len(inputs), (SHAPE,))


class Drawn(NamedTuple):
    """Nodes in one topological order, and the outputs of their model."""

    nodes: list[Node]
    outputs: list[Ref]


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """Draw calls of a few layers, some of them called several times, each on earlier calls."""
    layers = [
        Layer(
            f"layer_{i}",
            "Dense",
            {},
            (Weight("kernel", (i, 3)), Weight("mean", (i,), "float32", False)),
        )
        for i in range(draw(st.integers(1, 8)))
    ]
    nodes = [node(Layer("input", "InputLayer"))]
    for place in range(1, draw(st.integers(2, 14))):
        inputs = draw(st.lists(st.integers(0, place - 1), min_size=1, max_size=3))
        nodes.append(node(draw(st.sampled_from(layers)), *inputs))
    outputs = draw(st.lists(st.integers(0, len(nodes) - 1), min_size=1, max_size=3))
    return Drawn(nodes, [Ref(place) for place in outputs])


def permuted(model: Drawn, order: Sequence[int]) -> Drawn:
    """Return the same model with its nodes in another order."""
    place = {old: new for new, old in enumerate(order)}
    nodes = [
        model.nodes[old]._replace(
            inputs=tuple(Ref(place[ref.node]) for ref in model.nodes[old].inputs)
        )
        for old in order
    ]
    return Drawn(nodes, [Ref(place[ref.node]) for ref in model.outputs])


@given(data=st.data(), model=drawn())
def test_the_order_depends_on_the_wiring_alone(data: st.DataObject, model: Drawn) -> None:
    """However a source lists its nodes, the graph is the same."""
    graph = Graph(*model)
    other = Graph(*permuted(model, data.draw(st.permutations(range(len(model.nodes))))))
    assert graph.nodes == other.nodes
    assert graph.outputs == other.outputs
    assert graph.inputs == other.inputs


@given(model=drawn())
def test_each_node_stands_behind_its_inputs(model: Drawn) -> None:
    """First input first, depth first: what a reader of the wiring would write down."""
    expected: list[Node] = []
    seen: set[int] = set()

    def visit(place: int) -> None:
        if place not in seen:
            seen.add(place)
            for ref in model.nodes[place].inputs:
                visit(ref.node)
            expected.append(model.nodes[place])

    for ref in model.outputs:
        visit(ref.node)
    graph = Graph(*model)
    assert [each.layer for each in graph.nodes] == [each.layer for each in expected]
    for place, each in enumerate(graph.nodes):
        assert all(ref.node < place for ref in each.inputs)
    assert [graph.nodes[ref.node].layer for ref in graph.outputs] == [
        model.nodes[ref.node].layer for ref in model.outputs
    ]


@given(model=drawn())
def test_a_layer_counts_once_however_often_it_is_called(model: Drawn) -> None:
    """Calls of a layer are numbered in order, and its parameters belong to the first."""
    graph = Graph(*model)
    layers = {id(each.layer): each.layer for each in graph.nodes}.values()
    trainable = sum(layer.weights[0].size for layer in layers if layer.weights)
    fixed = sum(layer.weights[1].size for layer in layers if layer.weights)
    assert graph.params == Params(trainable, fixed)
    assert graph.params.total == trainable + fixed
    assert graph.bytes == 4 * (trainable + fixed)
    assert sum(each.params.total for each in graph.nodes) == trainable + fixed
    for layer in layers:
        calls = [each.call for each in graph.nodes if each.layer is layer]
        assert calls == list(range(len(calls)))


def test_two_equal_layers_are_two() -> None:
    """Layers are told apart by what they are and not by what they look like."""
    twins = [Layer("dense", "Dense", {}, (Weight("kernel", (2, 3)),)) for _ in range(2)]
    graph = Graph([node(twins[0]), node(twins[1], 0)], [Ref(1)])
    assert graph.params == Params(12, 0)


def test_a_branch_is_kept_together() -> None:
    """The short cut of a gate stands before it, and the gate's own layers in one piece."""
    layers = [Layer(name, "Dense") for name in ("input", "a1", "a2", "b1", "b2", "join")]
    source, a1, a2, b1, b2, join = range(6)
    wiring: list[tuple[int, ...]] = [(), (source,), (a1,), (source,), (b1,), (a2, b2)]
    nodes = [node(layer, *inputs) for layer, inputs in zip(layers, wiring, strict=True)]
    mixed = permuted(Drawn(nodes, [Ref(join)]), [join, b1, a2, source, b2, a1])
    names = [each.layer.name for each in Graph(*mixed).nodes]
    assert names == ["input", "a1", "a2", "b1", "b2", "join"]


def test_what_no_output_needs_is_left_out() -> None:
    used, unused = Layer("used", "Dense"), Layer("unused", "Dense")
    graph = Graph([node(used), node(unused, 0), node(used, 0)], [Ref(2)])
    assert [(each.layer.name, each.call) for each in graph.nodes] == [("used", 0), ("used", 1)]


@given(st.integers(1, 12), st.integers(0, 3))
def test_a_circle_is_refused(length: int, before: int) -> None:
    """Of any length, behind other layers or at once: with a layer's name, and in finite time."""
    nodes = [node(Layer(f"before_{place}", "Dense"), place + 1) for place in range(before)]
    nodes += [
        node(Layer("round", "Dense"), before + (place + 1) % length) for place in range(length)
    ]
    with pytest.raises(BadGraph, match="in a circle, through 'round'"):
        Graph(nodes, [Ref(0)])


@pytest.mark.slow
def test_a_deep_chain_needs_no_recursion() -> None:
    """A model can be deeper than Python's stack; each call takes the two before it."""
    layer = Layer("step", "Add")
    deep = 15_000
    nodes = [node(layer), node(layer, 0)]
    nodes += [node(layer, place - 1, place - 2) for place in range(2, deep)]
    graph = Graph(nodes, [Ref(deep - 1)])
    assert [each.call for each in graph.nodes] == list(range(deep))


@pytest.mark.parametrize(
    ("config", "function", "label"),
    [
        ({"activation": "relu"}, "relu", "Dense relu"),
        ({"activation": "linear"}, None, "Dense"),
        ({"activation": {"class_name": "Mine"}}, None, "Dense"),
        ({}, None, "Dense"),
    ],
)
def test_a_label_names_the_function(config: Any, function: str | None, label: str) -> None:
    layer = Layer("dense", "Dense", config)
    assert (layer.function, layer.label) == (function, label)


def test_bytes_are_those_of_the_dtype_stored() -> None:
    weights = (Weight("a", (3, 5), "float16"), Weight("b", (7,), "int64"), Weight("c", ()))
    assert Layer("x", "X", {}, weights).bytes == 30 + 56 + 4
