"""The stages of a network: every call in one of them, and their costs those of the whole."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from nets import FAMILIES, Net

from attn_cli.analysis.inspect import Inspection, inspect_file
from attn_cli.analysis.stages import Stage, find_stages

if TYPE_CHECKING:
    from attn_cli.graph import Graph


def stages_of(inspection: Inspection) -> tuple[Stage, ...]:
    """Return the stages of a model with the attention that was found in it."""
    graph = inspection.model.graph
    assert graph is not None
    others = (*inspection.unnamed, *inspection.hidden)
    return find_stages(graph, *[[e.nodes for e in each] for each in (inspection.blocks, others)])


def sizes(graph: Graph) -> list[tuple[int | None, ...]]:
    """Return the sizes of each stage of a graph without gates."""
    return [stage.extent.sizes for stage in find_stages(graph, ())]


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_lost_and_nothing_counted_twice(family: str) -> None:
    """Each call is in one stage; the stages have the params and the costs of the whole."""
    inspection = inspect_file(f"app:{family}")
    graph = inspection.model.graph
    assert graph is not None
    stages = stages_of(inspection)
    nodes = [node for stage in stages for node in stage.nodes]
    assert sorted(nodes) == list(range(len(graph.nodes)))
    assert sum(stage.params for stage in stages) == graph.params.total
    for figure in ("macs", "flops"):
        told = [getattr(stage.cost, figure) for stage in stages]
        assert (None if None in told else sum(told)) == getattr(inspection, figure)
    assert sum(stage.gate_params for stage in stages) == inspection.params
    assert all(set(stage.gates) <= set(stage.nodes) for stage in stages)


@pytest.mark.parametrize(
    ("family", "sides"),
    [
        ("EfficientNetB0", [224, 112, 56, 28, 14, 7]),
        ("ResNet50", [224, 112, 56, 28, 14, 7]),
        ("InceptionV3", [299, 149, 73, 35, 17, 8]),
    ],
)
def test_a_stage_is_a_resolution(family: str, sides: list[int]) -> None:
    """Padding begins none, nor does what is lost at the rim; the head is the last."""
    *maps, head = stages_of(inspect_file(f"app:{family}"))
    assert [stage.extent.sizes for stage in maps] == [(side, side) for side in sides]
    assert head.extent.sizes == ()


def test_a_gate_is_where_its_map_is() -> None:
    """Not where it squeezes that to."""
    inspection = inspect_file("app:EfficientNetB0")
    for stage in stages_of(inspection):
        blocks = [block for block in inspection.blocks if block.nodes[-1] in stage.nodes]
        assert all(set(block.nodes) <= set(stage.gates) for block in blocks)
        assert {block.input_shape[1:3] for block in blocks} <= {stage.extent.sizes}
        assert stage.gate_params == sum(block.params for block in blocks)


def test_back_up_is_another_stage() -> None:
    """What a decoder enlarges is no encoder, though it is as large: it comes later."""
    net = Net(64, 64, 3)
    skip = net.conv(net.x, 8)
    x = net.conv(skip, 16, stride=2)
    x = net.call("UpSampling2D", x, shape=(None, 64, 64, 16), size=(2, 2))
    x = net.call("Concatenate", x, skip, shape=(None, 64, 64, 24))
    net.conv(x, 3)
    stages = find_stages(net.graph(), ())
    assert [stage.extent.sizes for stage in stages] == [(64, 64), (32, 32), (64, 64)]
    assert [len(stage.nodes) for stage in stages] == [2, 1, 3]


def test_a_branch_that_squeezes_does_not_end_a_stage() -> None:
    """Two branches that reach a resolution reach the same stage."""
    net = Net(64, 64, 3)
    one, other = net.conv(net.x, 8, stride=2), net.conv(net.x, 8, stride=2)
    net.add(one, other)
    assert sizes(net.graph()) == [(64, 64), (32, 32)]


def test_of_a_dynamic_size_strides_tell_what_is_left() -> None:
    """As a part of the input; of what does not say, nothing is known."""
    net = Net(None, None, 3)
    x = net.norm(net.conv(net.x, 8, stride=2))
    x = net.call("MaxPooling2D", x, pool_size=(2, 2))
    x = net.call("UpSampling2D", x, size=(2, 2))
    x = net.call("Concatenate", x, x, shape=(None, None, None, 16), axis=-1)
    net.call("Concatenate", x, x, axis=1)
    parts = [stage.extent.positions for stage in find_stages(net.graph(), ())]
    assert parts == [1, 1 / 4, 1 / 16, 1 / 4, None]


def test_what_cannot_be_known_is_a_stage_of_its_own() -> None:
    """Not even its rank is: nothing is made up."""
    net = Net(8, 8, 3)
    x = net.call("Mine>Odd", net.conv(net.x), shape=())
    net.call("Mine>Other", x, shape=())
    known, unknown = find_stages(net.graph(), ())
    assert (known.extent.sizes, len(known.nodes)) == ((8, 8), 2)
    assert (unknown.extent.positions, len(unknown.nodes)) == (None, 2)


def test_a_gate_within_a_gate_goes_with_the_outer_one() -> None:
    """Whatever the order in which they are told."""
    net = Net(8, 8, 3)
    x = net.call("GlobalAveragePooling2D", net.x, shape=(None, 3))
    x = net.call("Dense", x, shape=(None, 3))
    x = net.call("Reshape", x, shape=(None, 1, 1, 3))
    net.call("Multiply", net.x, x, shape=(None, 8, 8, 3))
    for gates in ([(1, 2), (2, 3, 4)], [(2, 3, 4), (1, 2)]):
        (stage,) = find_stages(net.graph(), gates)
        assert (stage.nodes, stage.gates) == ((0, 1, 2, 3, 4), (1, 2, 3, 4))


def test_what_only_pads_begins_no_stage() -> None:
    """Though of a small map it makes one of more than twice as many positions."""
    net = Net(4, 4, 8)
    x = net.call("ZeroPadding2D", net.x, shape=(None, 6, 6, 8))
    x = net.call("DepthwiseConv2D", x, shape=(None, 4, 4, 8), padding="valid")
    x = net.call("ZeroPadding2D", x, shape=(None, 6, 6, 8))
    net.call("DepthwiseConv2D", x, shape=(None, 2, 2, 8), strides=(2, 2), padding="valid")
    assert sizes(net.graph()) == [(4, 4), (2, 2)]


def test_channels_may_come_first() -> None:
    """Then the sizes are what comes behind them."""
    net = Net(3, 32, 32)
    first = {"data_format": "channels_first"}
    net.call("Conv2D", net.x, shape=(None, 8, 16, 16), strides=(2, 2), **first)
    assert sizes(net.graph()) == [(32, 32), (16, 16)]


def test_ups_and_downs_take_no_longer_than_a_way_down() -> None:
    """Each is a stage; which one it is, is not looked for among all."""
    net = Net(64, 64, 3)
    x = net.x
    for _ in range(4000):
        x = net.call("MaxPooling2D", x, shape=(None, 32, 32, 3), pool_size=(2, 2))
        x = net.call("UpSampling2D", x, shape=(None, 64, 64, 3), size=(2, 2))
    start = time.process_time()
    assert len(sizes(net.graph())) == 8001
    assert time.process_time() - start < 5
