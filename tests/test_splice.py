"""Blocks put into graphs: what is added, how it is wired, what it is called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from nets import FAMILIES, Net

from attn_cli import find_attention, read_model
from attn_cli.analysis.places import select_places
from attn_cli.blocks import BLOCKS, PRESETS
from attn_cli.cost import graph_cost
from attn_cli.errors import BadOption
from attn_cli.sources.block import graph_of
from attn_cli.spec import parse_spec
from attn_cli.splice import Names, named, splice

if TYPE_CHECKING:
    from pathlib import Path

    from attn_cli.graph import Graph


def application(name: str) -> Graph:
    graph = read_model(f"app:{name}").graph
    assert graph is not None
    return graph


def put(graph: Graph, spec: str | None, *at: str) -> Graph:
    sites = [place.site for place in select_places(graph, at)]
    return splice(graph, sites, spec and parse_spec(spec)).graph


# Params in all and MACs added: of surgery in Keras, and of the papers' formulas.
@pytest.mark.parametrize(
    ("name", "spec", "at", "params", "macs"),
    [
        ("ResNet50", "se:ratio=16", "residual", 28_167_704, 2_514_944),
        ("ResNet50", "eca", "residual", 25_636_798, 87_808),
        ("ResNet50", "cbam", "residual", 28_169_336, 6_388_854),
        ("MobileNetV2", "se:ratio=16", "residual", 3_550_369, 10_544),
        ("MobileNetV2", "eca", "residual", 3_539_018, 3_016),
        ("EfficientNetB0", "eca", "se", 4_694_107, 385_232_096 - 385_814_752),
        ("EfficientNetB0", None, "se", 4_694_031, 385_187_552 - 385_814_752),
    ],
)
def test_known_figures(name: str, spec: str | None, at: str, params: int, macs: int) -> None:
    before = application(name)
    after = put(before, spec, at)
    assert after.params.total == params
    assert (graph_cost(after).macs or 0) - (graph_cost(before).macs or 0) == macs


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_put_in_is_found_and_what_is_taken_out_is_not(name: str) -> None:
    """Everywhere a network can be named; and a second one goes behind the first."""
    graph = application(name)
    for word in ("residual", "depthwise", "post", "stage"):
        try:
            places = select_places(graph, [word])
        except BadOption:
            continue
        kept = len(find_attention(graph))
        once = splice(graph, [place.site for place in places], parse_spec("se:width=1"))
        assert len(once.blocks) == len(places)
        found = find_attention(once.graph)
        assert len(found) == kept + len(places)
        twice = put(once.graph, "eca", *[each.path for each in found])
        assert len(find_attention(twice)) == 2 * len(found)
        names = [node.name for node in twice.nodes]
        assert len(set(names)) == len(names)
    if find_attention(graph):
        assert find_attention(put(graph, None, "attention")) == ()


def test_a_block_stands_between_a_call_and_all_that_reads_it() -> None:
    """Also where that is the network's own output; what reads something else is left alone."""
    net = Net(8, 8, 4)
    x = net.conv(net.x)
    net.add(x, net.relu(x))
    graph = net.graph(x, net.graph().outputs[0])
    after = put(graph, "eca", "conv2d_1")
    scale = next(i for i, node in enumerate(after.nodes) if node.name == "conv2d_1_eca_scale")
    readers = {node.name for node in after.nodes if scale in [ref.node for ref in node.inputs]}
    assert readers == {"activation_2", "add_3"}
    assert after.outputs[0].node == scale
    first, *_ = [node for node in after.nodes if node.name.startswith("conv2d_1_eca")]
    assert after.nodes[first.inputs[0].node].name == "conv2d_1"


def test_one_place_is_not_used_twice() -> None:
    """What is replaced is not followed by one more; a place before it is another one."""
    graph = application("EfficientNetB0")
    names = [attention.path for attention in find_attention(graph)]
    places = [*select_places(graph, names), *select_places(graph, ["se"])]
    after = splice(graph, [place.site for place in places], parse_spec("eca"))
    assert [each.kind for each in find_attention(after.graph)] == ["eca"] * 16
    both = put(graph, "eca", "se", "depthwise")
    assert [each.kind for each in find_attention(both)] == ["eca"] * 32


def test_names_are_free() -> None:
    """Those that Keras gives to ops go on from those that are there; a prefix is counted up."""
    assert Names(["mean", "mean_2"]).free(["mean_1", "mean", "square"]) == {
        "mean": "mean_1",
        "mean_1": "mean_3",
        "square": "square",
    }
    net = Net(8, 8, 4)
    net.conv(net.x, name="conv")
    graph = put(put(net.graph(), "simam", "conv"), "simam", "conv")
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    again = put(put(net.graph(), "eca", "conv"), "eca", "conv")
    assert {"conv_eca_scale", "conv_eca_1_scale"} <= {node.name for node in again.nodes}


def test_weights_are_of_the_type_of_those_before() -> None:
    net = Net(8, 8, 4)
    conv = net.nodes[net.conv(net.x, name="conv").node]
    weights = tuple([weight._replace(dtype="float16") for weight in conv.layer.weights])
    net.nodes[-1] = conv._replace(layer=conv.layer._replace(weights=weights))
    net.relu(net.graph().outputs[0])
    graph = put(net.graph(), "se:ratio=2", "activation_2")
    assert {weight.dtype for node in graph.nodes for weight in node.layer.weights} == {"float16"}


def test_a_fixed_batch_stays() -> None:
    net = Net(8, 8, 4)
    net.nodes[0] = net.nodes[0]._replace(output_shapes=((2, 8, 8, 4),))
    net.conv(net.x, name="conv")
    graph = put(net.graph(), "cbam:ratio=2", "conv")
    assert {shape[0] for node in graph.nodes for shape in node.output_shapes} == {2}


def test_a_block_stands_in_the_model_that_its_place_is_in() -> None:
    net = Net(8, 8, 4)
    net.within = ("backbone",)
    net.conv(net.x, name="conv")
    graph = put(net.graph(), "eca", "backbone/conv")
    assert "backbone/conv_eca_scale" in [node.name for node in graph.nodes]


@pytest.mark.parametrize("name", [*BLOCKS, *PRESETS])
def test_a_block_is_the_same_under_another_name(name: str) -> None:
    """So it is traced once for each shape."""
    spec = parse_spec(name)
    first, other = (
        graph_of(spec.block.build, (8, 8, 128), **named(spec, prefix)).nodes
        for prefix in ("first", "the_other")
    )
    renamed = []
    for node in first:
        own = re.sub(r"^first", "the_other", node.layer.name)
        renamed.append(node._replace(layer=node.layer._replace(name=own)))
    assert renamed == list(other)


def test_code_of_others_is_traced_at_each_place(tmp_path: Path) -> None:
    """It may do anything with a name."""
    path = tmp_path / "own.py"
    path.write_text(OWN, encoding="utf-8")
    net = Net(8, 8, 4)
    net.relu(net.conv(net.x, name="conv"))
    graph = put(net.graph(net.graph().outputs[0]), f"{path}:block", "conv", "activation_2")
    names = {node.name for node in graph.nodes}
    assert {"kcolb_vnoc_squeeze", "kcolb_2_noitavitca_squeeze"} < names, names


OWN = """
from attn_cli import se_block

def block(x, *, name="block"):
    return se_block(x, ratio=2, name=name[::-1])
"""


def test_a_block_that_does_not_fit_names_the_place() -> None:
    net = Net(8, 8, 4)
    net.conv(net.x, name="conv")
    with pytest.raises(BadOption, match="se:ratio=16 at conv: ratio 16 squeezes 4 channels"):
        put(net.graph(), "se:ratio=16", "conv")
