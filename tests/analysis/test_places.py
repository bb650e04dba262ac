"""Where a block can go in a network, by what the network computes."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from configs import Config
from nets import FAMILIES, Net

from attn_cli import read_model
from attn_cli.analysis.places import choose_places, find_places, select_places
from attn_cli.analysis.where import ATTENTION, DEPTHWISE, POST, RESIDUAL, STAGE, parse_block
from attn_cli.errors import AttnError, BadOption, BadShape
from attn_cli.sources.config import parse_config
from attn_cli.sources.unfold import unfold

if TYPE_CHECKING:
    from attn_cli.graph import Graph, Ref


def application(name: str) -> Graph:
    graph = read_model(f"app:{name}").graph
    assert graph is not None
    return graph


def names(graph: Graph, *at: str, skip: tuple[str, ...] = ()) -> list[str]:
    try:
        return [place.name for place in select_places(graph, at, skip)]
    except BadOption:
        return []


# How often each network has what its paper says: 16 bottlenecks, 17 depthwise convolutions, …
COUNTS = {
    "ConvNeXtTiny": {RESIDUAL: 18, POST: 18, DEPTHWISE: 18, STAGE: 4},
    "DenseNet121": {STAGE: 5},
    "EfficientNetB0": {RESIDUAL: 9, POST: 9, DEPTHWISE: 16, STAGE: 5, ATTENTION: 16, "se": 16},
    "EfficientNetV2B0": {RESIDUAL: 15, POST: 15, DEPTHWISE: 16, STAGE: 5, ATTENTION: 16, "se": 16},
    "InceptionResNetV2": {RESIDUAL: 40, POST: 40, STAGE: 7},
    "MobileNet": {DEPTHWISE: 13, STAGE: 5},
    "MobileNetV2": {RESIDUAL: 10, POST: 10, DEPTHWISE: 17, STAGE: 5},
    "MobileNetV3Large": {RESIDUAL: 10, POST: 10, DEPTHWISE: 15, ATTENTION: 8, "se": 8},
    "ResNet50": {RESIDUAL: 16, POST: 16, STAGE: 5},
    "ResNet50V2": {RESIDUAL: 16, POST: 16, STAGE: 5},
    "ResNet152": {RESIDUAL: 50, POST: 50, STAGE: 5},
    "VGG16": {STAGE: 6},
    "Xception": {RESIDUAL: 12, POST: 12, STAGE: 6},
}


@pytest.mark.parametrize("name", COUNTS)
def test_networks_have_the_places_of_their_papers(name: str) -> None:
    places = find_places(application(name))
    assert Counter(word for place in places for word in place.words) == COUNTS[name]
    assert {place.problem for place in places} == {None}


@pytest.mark.parametrize(
    ("name", "at", "first", "last"),
    [
        ("ResNet50", RESIDUAL, "conv2_block1_3_bn", "conv5_block3_3_bn"),
        ("ResNet50", POST, "conv2_block1_out", "conv5_block3_out"),
        ("ResNet50V2", RESIDUAL, "conv2_block1_3_conv", "conv5_block3_3_conv"),
        ("MobileNetV2", RESIDUAL, "block_2_project_BN", "block_15_project_BN"),
        ("MobileNetV2", DEPTHWISE, "expanded_conv_depthwise_relu", "block_16_depthwise_relu"),
        ("EfficientNetB0", RESIDUAL, "block2b_project_bn", "block6d_project_bn"),
        ("EfficientNetB0", "se", "block1a_se_excite", "block7a_se_excite"),
        (
            "ConvNeXtTiny",
            RESIDUAL,
            "convnext_tiny_stage_0_block_0_pointwise_conv_2",
            "convnext_tiny_stage_3_block_2_pointwise_conv_2",
        ),
        ("ResNet50", STAGE, "conv1_relu", "conv5_block3_out"),
        ("VGG16", STAGE, "block1_conv2", "block5_pool"),
    ],
)
def test_places_are_where_they_are_meant(name: str, at: str, first: str, last: str) -> None:
    found = names(application(name), at)
    assert (found[0], found[-1]) == (first, last)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_every_application_has_a_usual_place(name: str) -> None:
    """For every block, and it is one that it has; or its size is dynamic."""
    graph = application(name)
    dynamic = name.startswith("MobileNetV3")
    assert choose_places(graph, [parse_block("se")], ()).places
    if dynamic:
        with pytest.raises(BadOption, match="no place is stage"):
            choose_places(graph, [parse_block("bam")], ())
    else:
        assert choose_places(graph, [parse_block("bam")], ()).at == (STAGE,)


def bottleneck(net: Net, x: Ref, end: str = "norm") -> Ref:
    y = net.relu(net.norm(net.conv(x)))
    y = net.conv(y)
    return net.norm(y) if end == "norm" else y


def test_what_is_added_to_its_own_source_is_a_branch() -> None:
    """Whichever comes first; a projection on the other side is the shortcut."""
    net = Net(8, 8, 4)
    x = net.conv(net.x)
    first = bottleneck(net, x)
    second = bottleneck(net, y := net.relu(net.add(first, x)))
    added = net.relu(net.add(net.norm(net.conv(y)), second))
    graph = net.graph(added)
    assert names(graph, RESIDUAL) == [net.name(first), net.name(second)]
    assert names(graph, POST) == [net.name(y), net.name(added)]


def test_a_branch_ends_before_what_drops_or_scales_it() -> None:
    net = Net(8, 8, 4)
    end = bottleneck(net, net.x, "conv")
    dropped = net.call("StochasticDepth", net.call("LayerScale", net.call("Dropout", end)))
    assert names(net.graph(net.add(net.x, dropped)), RESIDUAL) == [net.name(end)]


def test_what_is_no_branch() -> None:
    """Two branches alike, two halves of a pyramid, a gate, what only drops."""
    net = Net(8, 8, 4)
    x = net.conv(net.x)
    alike = net.add(net.norm(net.conv(x)), net.norm(net.conv(x)))
    small = net.conv(alike, stride=2)
    large = net.call("UpSampling2D", small, shape=(None, 8, 8, 4))
    pyramid = net.add(net.conv(alike), large)
    gate = net.call(
        "Multiply", pyramid, net.call("Activation", net.conv(pyramid), activation="sigmoid")
    )
    dropped = net.add(gate, net.call("Dropout", gate))
    graph = net.graph(dropped)
    assert names(graph, RESIDUAL) == names(graph, POST) == []


def test_a_depthwise_convolution_ends_with_its_activation() -> None:
    """Where that alone reads it; also one that is spelt out, or a grouped convolution."""
    net = Net(8, 8, 4)
    x = net.depthwise(net.x)
    one = net.relu(net.norm(x))
    two = net.norm(net.depthwise(one))
    spelt = net.call("Add", two)
    spelt = net.call("Activation", spelt, activation="relu6")
    spelt = net.call("Multiply", two, net.call("Multiply", spelt))
    three = net.conv(spelt, groups=4)
    four = net.depthwise(three)
    graph = net.graph(net.conv(four))
    found = names(graph, DEPTHWISE)
    assert found == [net.name(one), net.name(spelt), net.name(three), net.name(four)]


def test_an_activation_that_not_all_readers_see_is_behind_the_place() -> None:
    net = Net(8, 8, 4)
    x = net.norm(net.depthwise(net.x))
    graph = net.graph(net.call("Concatenate", x, net.relu(x), shape=(None, 8, 8, 8)))
    assert names(graph, DEPTHWISE) == [net.name(x)]


def test_stages_are_what_nothing_goes_around() -> None:
    """The last of each resolution; padding is on its way to the next."""
    net = Net(8, 8, 4)
    padded = net.call("ZeroPadding2D", net.x, shape=(None, 10, 10, 4))
    x = net.conv(padded)
    one = net.add(x, net.conv(x))
    x = net.conv(one, stride=2)
    two = net.call("Concatenate", x, net.conv(x), shape=(None, 5, 5, 8))
    padded = net.call("ZeroPadding2D", two, shape=(None, 7, 7, 8))
    three = net.conv(padded, stride=4)
    pooled = net.call("AveragePooling2D", three, shape=(None, 1, 1, 8))
    graph = net.graph(net.conv(pooled))
    assert names(graph, STAGE) == [net.name(one), net.name(two), net.name(three)]


def test_words_add_up_and_patterns_take_away() -> None:
    """Each place once, in the order of the graph."""
    graph = application("ResNet50")
    assert len(names(graph, RESIDUAL, POST, STAGE)) == 33
    assert names(graph, "conv[45]_*_3_bn", skip=("conv4_*",)) == [
        "conv5_block1_3_bn",
        "conv5_block2_3_bn",
        "conv5_block3_3_bn",
    ]
    assert len(names(graph, RESIDUAL, POST, skip=(POST,))) == 16


def test_what_is_there_is_said() -> None:
    """Before a gate, and in its place."""
    places = find_places(application("EfficientNetB0"))
    there = [place for place in places if place.there]
    assert Counter(place.words for place in there) == {("depthwise",): 16, ("se", "attention"): 16}
    before, gate = there[:2]
    assert gate.site.takes == before.site.yields
    assert gate.site.replaces
    assert not before.site.replaces


@pytest.mark.parametrize(
    ("at", "skip", "told"),
    [
        (["residul"], [], "no layer is called 'residul', and no word; did you mean residual?"),
        (["conv2_block1_3_bnn"], [], "did you mean conv2_block1_3_bn"),
        (["fc*"], [], ""),
        (["predictions"], [], "predictions yields (None, 1000): no feature map"),
        (["se"], [], "no place is se: it has no attention"),
        (["attention"], [], "no place is attention: it has no attention"),
        (["depthwise"], [], "no place is depthwise: there is no depthwise convolution"),
        (["residual"], ["conv9*"], "nothing is skipped by 'conv9*'"),
        (["residual"], ["*"], "every place is skipped"),
    ],
)
def test_bad_names(at: list[str], skip: list[str], told: str) -> None:
    with pytest.raises(AttnError) as caught:
        select_places(application("ResNet50"), at, skip)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_block_of_another_kind_is_not_there() -> None:
    with pytest.raises(BadOption, match="no place is eca: its attention is se"):
        select_places(application("EfficientNetB0"), ["eca"])


def test_where_no_block_can_go_is_said() -> None:
    """Inside a TimeDistributed, in a model that is called twice, channels first."""
    net = Net(4, 8, 8, 3)
    net.within = ("steps",)
    net.call("Conv2D", net.x, shape=(None, 8, 8, 3), name="inside")
    net.nodes[-1] = net.nodes[-1]._replace(input_shapes=((None, 8, 8, 3),))
    with pytest.raises(BadShape, match=r"steps/inside: it stands in a TimeDistributed \(steps\)"):
        select_places(net.graph(), ["steps/inside"])

    net = Net(8, 8, 3)
    net.within = ("twin",)
    x = net.conv(net.x)
    net.call("Conv2D", x, layer=net.nodes[x.node].layer)
    with pytest.raises(BadShape, match="it stands in a model that is called more than once"):
        select_places(net.graph(), ["twin/*"])

    net = Net(3, 8, 8)
    net.conv(net.x, data_format="channels_first")
    with pytest.raises(BadShape, match="channels first"):
        select_places(net.graph(), ["conv*"])


def test_a_place_of_unknown_shape_is_none() -> None:
    """Neither where it is listed, nor where it is named; and why is said."""
    config = Config(8, 8, 4)
    x = config.add("Conv2D", config.input, name="conv", filters=4, kernel_size=[1, 1])
    gate = config.add("GlobalAveragePooling2D", x)
    gate = config.add("Reshape", gate, target_shape=["c", 1, 4])
    gate = config.add("Dense", gate, units=2, activation="relu")
    gate = config.add("Dense", gate, units=4, activation="sigmoid")
    x = config.add("Multiply", [x, gate], name="scaled")
    x = config.add("DepthwiseConv2D", x, kernel_size=[1, 1], name="deep")
    x = config.add("Conv2D", x, filters=4, kernel_size=[1, 1], groups=4)
    graph = unfold(parse_config(config.model(x), "json"), None).graph
    assert [place.name for place in find_places(graph)] == ["conv"]
    with pytest.raises(BadOption, match="no place is depthwise: its shape is not known"):
        select_places(graph, ["depthwise"])
    for where in ("scaled", "se", ATTENTION):
        with pytest.raises(BadShape, match="scaled: its shape is not known"):
            select_places(graph, [where])


def test_a_wrong_name_among_thousands_of_long_ones_takes_no_time() -> None:
    """The nearest is found all the same, and what is too long to be typed is no hint."""
    net = Net(8, 8, 4)
    x = net.call("Conv2D", net.x, name="early_one")
    for place in range(4000):
        x = net.call("Activation", x, name=f"{'ab' * 90}_{place}", activation="relu")
    for place in range(4000):
        x = net.call("Activation", x, name=f"conv_{place}", activation="relu")
    graph = net.graph()
    start = time.process_time()
    with pytest.raises(BadOption, match=r"did you mean early_one\?"):
        select_places(graph, ["erly_one"])
    with pytest.raises(BadOption) as caught:
        select_places(graph, ["ab" * 90])
    assert "did you mean" not in str(caught.value)
    assert time.process_time() - start < 2
