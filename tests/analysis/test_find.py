"""Every block is found as what it is, whatever its options, and in whatever it hides."""

from __future__ import annotations

import time
from typing import Any

import pytest
from configs import Config, Tensor
from drawing import GOOD_SHAPES, option_sets
from hypothesis import assume, given
from hypothesis import strategies as st

from attn_cli.analysis.calls import IN_A_GATE
from attn_cli.analysis.figures import figures
from attn_cli.analysis.find import Attention, attention_params, find_attention, search
from attn_cli.analysis.guess import Guess, guess_attention
from attn_cli.blocks import BLOCKS, find_block
from attn_cli.errors import AttnError
from attn_cli.graph import UNKNOWN, Graph, Layer, Node, Ref, Weight
from attn_cli.sources.block import trace
from attn_cli.sources.config import parse_config
from attn_cli.sources.unfold import unfold


def only(graph: Graph) -> Attention:
    """Return the one block of a graph."""
    blocks = find_attention(graph)
    assert len(blocks) == 1, [block.kind for block in blocks]
    return blocks[0]


@pytest.mark.parametrize("name", BLOCKS)
@given(data=st.data())
def test_a_block_is_found_as_what_it_is(name: str, data: st.DataObject) -> None:
    """With all of its calls, and so with its figures; nothing else is found in it."""
    block = find_block(name)
    shape = data.draw(GOOD_SHAPES)
    options = data.draw(option_sets(block))
    try:
        graph = trace(block.build, shape, **options)
    except (AttnError, TypeError):
        assume(False)
    if any(
        (node.layer.type, node.layer.function) == ("Activation", "softmax")
        and node.output_shapes[0][-1] == 1
        for node in graph.nodes
    ):
        # A softmax of one is 1: whatever the map is, the gate is the same.
        assert find_attention(graph) == ()
        return
    found = only(graph)
    # Of a circle without ends nothing is left.
    circular = any(node.layer.type == "Concatenate" for node in graph.nodes)
    # A gate that is no function of what was mixed has no name of its own.
    kind = "unnamed" if options.get("gate") == "linear" else name
    assert found.kind == ("eca" if name == "ceca" and not circular else kind)
    whole = figures(graph)
    assert (found.params, found.macs, found.flops) == (
        graph.params.total,
        whole.macs,
        whole.flops,
    )
    assert found.nodes == tuple(range(1, len(graph.nodes)))
    assert found.input_shape == (None, *shape)
    assert found.channels == shape[-1]
    assert attention_params(graph, [found]) == graph.params.total


class Disguise:
    """An SE block of 16 channels and width 4, spelt in one of many ways."""

    def __init__(self, draw: st.DrawFn, first: bool) -> None:
        self.pick = lambda *choices: draw(st.sampled_from(choices))
        self.first = first
        self.format = {"data_format": "channels_first" if first else "channels_last"}

    def shape(self, channels: int) -> tuple[int, int, int]:
        return (channels, 1, 1) if self.first else (1, 1, channels)

    def apply(self, config: Config, x: Tensor) -> Tensor:
        """Add the block."""
        space = (2, 3) if self.first else (1, 2)
        pool = self.pick("global", "keepdims", "op", "negative", "window")
        if pool == "global":
            s = config.add("GlobalAveragePooling2D", x, keepdims=False, **self.format)
            s = config.add("Reshape", s, target_shape=self.shape(16))
        elif pool == "keepdims":
            s = config.add("GlobalAveragePooling2D", x, keepdims=True, **self.format)
        elif pool == "window":
            size = {"pool_size": [6, 5], "strides": [6, 5], "padding": "valid"}
            s = config.add("AveragePooling2D", x, **size, **self.format)
        else:
            axis = [each - 4 if pool == "negative" else each for each in space]
            s = config.op("Mean", x, axis=axis, keepdims=True)
        # A dense layer mixes the last axis, wherever the channels stand.
        dense = not self.first and self.pick(True, False)
        s = self.mixed(config, s, 4, dense)
        if self.pick(True, False):
            s = config.add("BatchNormalization", s, axis=1 if self.first else -1)
        s = self.activated(config, s)
        s = self.mixed(config, s, 16, dense)
        s = self.gated(config, s)
        if self.pick(True, False):
            s = config.add("Reshape", s, target_shape=self.shape(16))
        factors = [x, s] if self.pick(True, False) else [s, x]
        if self.pick(True, False):
            return config.add("Multiply", factors)
        return config.op("Multiply", *factors)

    def mixed(self, config: Config, s: Tensor, filters: int, dense: bool) -> Tensor:
        bias = self.pick(True, False)
        if dense:
            return config.add("Dense", s, units=filters, use_bias=bias, activation="linear")
        size = {"kernel_size": [1, 1], "strides": [1, 1], "padding": "valid", "groups": 1}
        return config.add("Conv2D", s, filters=filters, use_bias=bias, **size, **self.format)

    def activated(self, config: Config, s: Tensor) -> Tensor:
        match self.pick("layer", "relu", "op"):
            case "layer":
                return config.add("Activation", s, activation="relu")
            case "relu":
                return config.add("ReLU", s, max_value=None, negative_slope=0.0, threshold=0.0)
            case _:
                return config.op("Relu", s)

    def gated(self, config: Config, s: Tensor) -> Tensor:
        match self.pick("layer", "op", "spelt"):
            case "layer":
                return config.add("Activation", s, activation="hard_sigmoid")
            case "op":
                return config.op("HardSigmoid", s)
            case _:
                s = config.op("Add", s, 3.0)
                s = config.add("ReLU", s, max_value=6.0, negative_slope=0.0, threshold=0.0)
                return self.pick(
                    lambda: config.op("Multiply", s, 1 / 6),
                    lambda: config.op("TrueDivide", s, 6.0),
                )()


@given(data=st.data(), first=st.booleans())
def test_se_is_found_in_all_disguises(data: st.DataObject, first: bool) -> None:
    """Dense or convolution, layer or op, with or without batch norm, channels first or last."""
    config = Config(*((16, 6, 5) if first else (6, 5, 16)))
    x = config.add("Activation", config.input, activation="relu")
    output = data.draw(st.composite(lambda draw: Disguise(draw, first).apply(config, x))())
    found = only(graph_of(config, output))
    assert (found.kind, found.channels, found.width) == ("se", 16, 4)
    assert (found.activation, found.gate) == ("relu", "hard_sigmoid")
    assert found.macs == 2 * 4 * 16


def graph_of(config: Config, *outputs: Tensor) -> Graph:
    """Return the graph of a config."""
    return unfold(parse_config(config.model(*outputs), "json"), None).graph


def se(config: Config, x: Tensor, channels: int = 16, width: int = 4) -> Tensor:
    """Add a plain SE block."""
    s = config.add("GlobalAveragePooling2D", x, keepdims=True)
    s = config.add("Dense", s, units=width, activation="relu")
    s = config.add("Dense", s, units=channels, activation="sigmoid")
    return config.add("Multiply", [x, s])


def test_a_block_that_is_used_twice_is_two_places() -> None:
    """And one set of weights."""
    inner = Config(6, 6, 16, name="stage")
    scaled = se(inner, inner.input)
    config = Config(6, 6, 16)
    first = config.nested(inner, [scaled], config.input)
    second = config.call("stage", first)
    graph = graph_of(config, second._replace(call=2))
    blocks = find_attention(graph)
    assert [block.path for block in blocks] == [f"stage/{scaled.name}", f"stage/{scaled.name}:1"]
    assert [block.params for block in blocks] == [148, 148]
    assert attention_params(graph, blocks) == 148


def test_a_block_in_a_time_distributed_is_found() -> None:
    """Its MACs are those of all steps."""
    inner = Config(6, 6, 16, name="stage")
    scaled = se(inner, inner.input)
    config = Config(10, 6, 6, 16)
    output = config.add("TimeDistributed", config.input, name="each", layer=inner.model(scaled))
    found = only(graph_of(config, output))
    assert found.path == f"each/stage/{scaled.name}"
    assert found.input_shape == (None, 6, 6, 16)
    assert found.macs == 10 * 2 * 4 * 16


def test_cbam_is_one_block_and_se_before_a_spatial_gate_is_two() -> None:
    """What stands before the spatial gate tells."""

    def spatial(config: Config, x: Tensor) -> Tensor:
        pools = [config.op(pool, x, axis=-1, keepdims=True) for pool in ("Mean", "Max")]
        s = config.op("Concatenate", pools, axis=-1)
        size = {"kernel_size": [7, 7], "strides": [1, 1], "padding": "same"}
        s = config.add("Conv2D", s, filters=1, activation="sigmoid", use_bias=False, **size)
        return config.op("Multiply", x, s)

    def channel(config: Config, x: Tensor) -> Tensor:
        reduce = expand = None
        gates = []
        for pool in ("Average", "Max"):
            s = config.add(f"Global{pool}Pooling2D", x, keepdims=True)
            if reduce is None or expand is None:
                reduce = config.add("Dense", s, units=4, activation="relu")
                expand = config.add("Dense", reduce, units=16, activation="linear")
                gates.append(expand)
            else:
                gates.append(config.call(expand.name, config.call(reduce.name, s)))
        s = config.op("Sigmoid", config.op("Add", *gates))
        return config.op("Multiply", x, s)

    config = Config(6, 6, 16)
    assert only(graph_of(config, spatial(config, channel(config, config.input)))).kind == "cbam"
    config = Config(6, 6, 16)
    assert only(graph_of(config, channel(config, config.input))).kind == "unnamed"
    config = Config(6, 6, 16)
    blocks = find_attention(graph_of(config, spatial(config, se(config, config.input))))
    assert [block.kind for block in blocks] == ["se", "spatial"]
    # With something between the two they are no CBAM.
    config = Config(6, 6, 16)
    x = config.add("BatchNormalization", channel(config, config.input), axis=-1)
    blocks = find_attention(graph_of(config, spatial(config, x)))
    assert [block.kind for block in blocks] == ["unnamed", "spatial"]


def test_what_is_no_attention_is_not_found() -> None:
    """Activations spelt out, gates of something else, classifiers, products of two maps."""
    config = Config(6, 6, 16)
    x = config.input
    size = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}
    swish = config.add("Multiply", [x, config.add("Activation", x, activation="sigmoid")])
    six = config.add("ReLU", config.op("Add", x, 3.0), max_value=6.0)
    hard = config.op("Multiply", x, config.op("Multiply", six, 1 / 6))
    other = config.add("Conv2D", x, filters=16, **size)
    pooled = config.add("GlobalAveragePooling2D", config.new_input(6, 6, 16), keepdims=True)
    gate = config.add("Dense", pooled, units=16, activation="sigmoid")
    crossed = config.add("Multiply", [x, gate])
    scaled = config.op("Multiply", x, 0.5)
    squared = config.op("Multiply", x, x)
    dropped = config.add("Multiply", [x, config.add("Dropout", x, rate=0.1)])
    head = config.add("Dense", config.add("GlobalAveragePooling2D", x), units=16)
    product = config.add("Multiply", [other, x])
    outputs = (swish, hard, crossed, scaled, squared, dropped, head, product)
    assert find_attention(graph_of(config, *outputs)) == ()


@pytest.mark.parametrize("scaled", [True, False])
def test_what_hands_on_its_input_hides_nothing(scaled: bool) -> None:
    """A dropout before the pool, whether or not what it hands on is what is scaled."""
    config = Config(6, 6, 16)
    dropped = config.add("Dropout", config.input, rate=0.1)
    s = config.add("GlobalAveragePooling2D", dropped, keepdims=True)
    s = config.add("Dense", s, units=4, activation="relu")
    s = config.add("Dense", s, units=16, activation="sigmoid")
    x = dropped if scaled else config.input
    found = only(graph_of(config, config.add("Multiply", [x, s])))
    assert (found.kind, found.width) == ("se", 4)


@pytest.mark.slow
@pytest.mark.parametrize("squares", [True, False])
def test_long_chains_take_no_time(squares: bool) -> None:
    """Thousands of multiplications, each of what the one before made."""
    config = Config(6, 6, 16)
    x = config.input
    for place in range(5000):
        x = config.add("Multiply", [x, x if squares else config.input], name=f"m{place}")
    graph = graph_of(config, x)
    start = time.process_time()
    assert find_attention(graph) == ()
    assert time.process_time() - start < 2


@pytest.mark.slow
def test_a_product_of_thousands_takes_no_time() -> None:
    """Each factor could be a gate."""
    config = Config(6, 6, 16)
    gates = [
        config.add("Activation", config.input, activation="sigmoid", name=f"a{place}")
        for place in range(3000)
    ]
    graph = graph_of(config, config.add("Multiply", [config.input, *gates]))
    start = time.process_time()
    assert find_attention(graph) == ()
    assert time.process_time() - start < 2


def test_custom_layers_are_a_guess() -> None:
    """What only the shapes of a custom layer's weights suggest is no finding."""

    def graph(*shapes: tuple[int, ...]) -> Graph:
        weights = tuple([Weight("", shape) for shape in shapes])
        source = Node(Layer("in", "InputLayer"), (), (), ((None, 6, 6, 16),))
        custom = Layer("attend", "my>Attend", {}, weights)
        return Graph([source, Node(custom, (Ref(0),), (), (UNKNOWN,))], [Ref(1)])

    squeezing = graph((16, 4), (4,), (4, 16), (16,))
    assert find_attention(squeezing) == ()
    assert guess_attention(squeezing) == (Guess("attend", "my>Attend", "se", 148),)
    assert [guess.kind for guess in guess_attention(graph((3, 1, 1)))] == ["eca"]
    assert guess_attention(graph((3, 3, 16, 16))) == ()


def scaled_by_hand(config: Config, scale: str, **options: Any) -> Tensor:
    """Add a plain SE block to an input, that a layer of some type applies."""
    s = config.add("GlobalAveragePooling2D", config.input, keepdims=True)
    s = config.add("Dense", s, units=4, activation="relu")
    s = config.add("Dense", s, units=16, activation="sigmoid")
    return config.add(scale, [config.input, s], name="scaled", **options)


@pytest.mark.parametrize(
    ("scale", "module"),
    [("Lambda", "keras.layers"), ("Scale", "mine"), ("Scale", None)],
)
def test_what_a_lambda_multiplies_is_hidden(scale: str, module: str | None) -> None:
    """It is no finding, and it is said what it would be."""
    config = Config(6, 6, 16)
    graph = graph_of(config, scaled_by_hand(config, scale, module=module, trainable=True))
    found = search(graph)
    type = f"{module}>{scale}" if module == "mine" else scale
    assert found.blocks == ()
    assert found.unread == ((type, 1),)
    (hidden,) = found.hidden
    assert (hidden.kind, hidden.path, hidden.layers) == ("se", "scaled", ("scaled",))
    assert (hidden.input_shape, hidden.channels, hidden.params) == ((None, 6, 6, 16), 16, 148)


def test_a_lambda_in_a_gate_hides_what_it_is() -> None:
    """And a layer that is alone on its way is no gate that could be hidden."""
    config = Config(6, 6, 16)
    pooled = config.add("Lambda", config.input, name="pool")
    s = config.add("Conv2D", pooled, filters=1, kernel_size=[7, 7], activation="sigmoid")
    alone = config.add("Lambda", config.input, name="alone")
    added = config.add("Add", [config.input, config.add("Lambda", config.input, name="other")])
    found = search(graph_of(config, config.add("Multiply", [config.input, s]), alone, added))
    assert found.blocks == ()
    assert [(block.kind, block.layers) for block in found.hidden] == [(None, ("pool",))]
    assert found.unread == (("Lambda", 3),)


@given(data=st.data())
def test_whatever_a_config_says_there_is_an_answer(data: st.DataObject) -> None:
    """Nonsense in the layers of a block is no block, or one, and never an exception."""
    block = find_block(data.draw(st.sampled_from(sorted(BLOCKS))))
    graph = trace(block.build, (6, 6, 16))
    place = data.draw(st.integers(0, len(graph.nodes) - 1))
    node = graph.nodes[place]
    nonsense = st.one_of(
        st.none(),
        st.integers(-3, 9),
        st.text(max_size=3),
        st.lists(st.integers(-3, 9), max_size=5).map(tuple),
        st.just((slice(None), None, Ellipsis)),
    )
    keys = (*node.layer.config, "axis", "key", "subscripts", "axes", "repeats", "newshape")
    config = {**node.layer.config, data.draw(st.sampled_from(keys)): data.draw(nonsense)}
    types = st.sampled_from((node.layer.type, *sorted(IN_A_GATE)))
    layer = node.layer._replace(config=config, type=data.draw(types))
    shapes = st.one_of(
        st.just(node.output_shapes),
        st.just((UNKNOWN,)),
        st.lists(st.integers(0, 9), max_size=5).map(lambda sizes: (tuple(sizes),)),
    )
    nodes = list(graph.nodes)
    nodes[place] = node._replace(layer=layer, output_shapes=data.draw(shapes))
    search(Graph(nodes, graph.outputs))


@pytest.mark.parametrize("name", [name for name in BLOCKS if name != "gc"])
def test_what_multiplies_cannot_hide_that_there_is_a_block(name: str) -> None:
    """Each block is hidden where its products are, and told as long as they are not in its gate."""
    graph = trace(find_block(name).build, (6, 6, 16))
    nodes = [
        node._replace(layer=node.layer._replace(type="Lambda"))
        if node.layer.type == "Multiply" and len(node.inputs) > 1
        else node
        for node in graph.nodes
    ]
    found = search(Graph(nodes, graph.outputs))
    assert found.blocks == ()
    assert [block.kind for block in found.hidden] == [None if name == "bam" else name]
