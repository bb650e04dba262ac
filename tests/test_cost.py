"""What a call costs, against TensorFlow's own profiler: each entry of the dict, and whole blocks.

The profiler is silent about ops that it has no statistic for, so each comparison also asserts that
nothing calculated is left uncounted.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import pytest
from drawing import TOO_LARGE, option_sets
from hypothesis import assume, event, given, reject, settings
from hypothesis import strategies as st

from attn_cli.blocks import BLOCKS, find_block
from attn_cli.cost import graph_cost
from attn_cli.errors import AttnError
from attn_cli.operations import LAYERS, OPS
from attn_cli.operations.arguments import ACTIVATIONS as NAMES
from attn_cli.operations.forms import FUNCTIONS
from attn_cli.sources.block import trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from attn_cli.graph import Graph


Case = tuple[tuple[int, ...], "Callable[[Any, Any], Any]"]

MAP = (8, 6, 4)  # a feature map (H, W, C)
ROW = (9, 4)


def layer(name: str, *args: Any, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda keras, x: getattr(keras.layers, name)(*args, **options)(x)


def merge(name: str, many: int) -> Callable[[Any, Any], Any]:
    return lambda keras, x: getattr(keras.layers, name)()([x] * many)


def gate(name: str) -> Callable[[Any, Any], Any]:
    """Return a merge of a map with one value a channel, which is stretched."""

    def build(keras: Any, x: Any) -> Any:
        return getattr(keras.layers, name)()([x, keras.ops.max(x, axis=(1, 2), keepdims=True)])

    return build


def gates(name: str) -> Callable[[Any, Any], Any]:
    """Return a merge of two small tensors and a map, which costs little for the first pair."""

    def build(keras: Any, x: Any) -> Any:
        peak = keras.ops.max(x, axis=(1, 2), keepdims=True)
        return getattr(keras.layers, name)()([peak, peak, x])

    return build


def op(name: str, *args: Any, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda keras, x: getattr(keras.ops, name)(x, *args, **options)


def pair(name: str) -> Callable[[Any, Any], Any]:
    return lambda keras, x: getattr(keras.ops, name)(x, x)


CASES: dict[str, list[Case]] = {
    "InputLayer": [(MAP, op("max"))],
    "Activation": [(MAP, layer("Activation", "relu")), (ROW, layer("Activation", "linear"))],
    "Dense": [
        ((7,), layer("Dense", 5)),
        ((7,), layer("Dense", 5, use_bias=False, activation="relu")),
        ((1, 1, 7), layer("Dense", 5)),
        (MAP, layer("Dense", 3, activation="sigmoid")),
    ],
    "Conv1D": [
        (ROW, layer("Conv1D", 5, 3)),
        (ROW, layer("Conv1D", 5, 3, padding="same", use_bias=False)),
        (ROW, layer("Conv1D", 2, 4, strides=2, padding="same")),
    ],
    "Conv2D": [
        (MAP, layer("Conv2D", 5, 3)),
        (MAP, layer("Conv2D", 5, (3, 1), padding="same", use_bias=False, activation="tanh")),
        (MAP, layer("Conv2D", 5, 3, strides=2, padding="same")),
        ((1, 1, 4), layer("Conv2D", 1, 7, padding="same")),
    ],
    "Conv3D": [((5, 4, 3, 2), layer("Conv3D", 3, 2))],
    "Conv1DTranspose": [(ROW, layer("Conv1DTranspose", 5, 3, strides=2, padding="same"))],
    "Conv2DTranspose": [(MAP, layer("Conv2DTranspose", 5, 3, strides=2, padding="same"))],
    "DepthwiseConv1D": [(ROW, layer("DepthwiseConv1D", 3))],
    "DepthwiseConv2D": [
        (MAP, layer("DepthwiseConv2D", 3)),
        (MAP, layer("DepthwiseConv2D", 3, padding="same", depth_multiplier=2, use_bias=False)),
        (MAP, layer("DepthwiseConv2D", 1)),
    ],
    "SeparableConv1D": [(ROW, layer("SeparableConv1D", 5, 3))],
    "SeparableConv2D": [
        (MAP, layer("SeparableConv2D", 5, 3)),
        (MAP, layer("SeparableConv2D", 5, 3, depth_multiplier=2, strides=2, padding="same")),
    ],
    "BatchNormalization": [
        (MAP, layer("BatchNormalization")),
        (MAP, layer("BatchNormalization", scale=False)),
        (MAP, layer("BatchNormalization", center=False)),
        (MAP, layer("BatchNormalization", center=False, scale=False)),
        ((7,), layer("BatchNormalization")),
        ((1, 1, 5), layer("BatchNormalization")),
    ],
    "LayerNormalization": [
        (MAP, layer("LayerNormalization")),
        ((1, 1, 5), layer("LayerNormalization")),
        (ROW, layer("LayerNormalization", scale=False)),
        (ROW, layer("LayerNormalization", center=False)),
        (ROW, layer("LayerNormalization", center=False, scale=False)),
        (MAP, layer("LayerNormalization", axis=(1, 2, 3))),
        (MAP, layer("LayerNormalization", axis=1, scale=False)),
    ],
    "Normalization": [
        (MAP, layer("Normalization", mean=1.0, variance=2.0)),
        (MAP, layer("Normalization", mean=1.0, variance=2.0, axis=None)),
        (MAP, layer("Normalization", axis=(1, 3))),
    ],
    "Rescaling": [(MAP, layer("Rescaling", 1 / 255, offset=-1.0))],
    "GroupNormalization": [
        (MAP, layer("GroupNormalization", groups=2)),
        (MAP, layer("GroupNormalization", groups=2, scale=False)),
        (MAP, layer("GroupNormalization", groups=-1, center=False)),
        (ROW, layer("GroupNormalization", groups=3, axis=1)),
    ],
    "Gelu": [(MAP, op("gelu", approximate=True))],
    "GlobalAveragePooling1D": [(ROW, layer("GlobalAveragePooling1D"))],
    "GlobalAveragePooling2D": [
        (MAP, layer("GlobalAveragePooling2D")),
        ((1, 1, 3), layer("GlobalAveragePooling2D", keepdims=True)),
    ],
    "GlobalMaxPooling1D": [(ROW, layer("GlobalMaxPooling1D"))],
    "GlobalMaxPooling2D": [(MAP, layer("GlobalMaxPooling2D"))],
    "AveragePooling1D": [(ROW, layer("AveragePooling1D", 3))],
    "AveragePooling2D": [(MAP, layer("AveragePooling2D", (3, 2), strides=1, padding="same"))],
    "MaxPooling1D": [(ROW, layer("MaxPooling1D", 3))],
    "MaxPooling2D": [(MAP, layer("MaxPooling2D", (3, 2), strides=2))],
    "Mean": [(MAP, op("mean", axis=-1, keepdims=True)), (MAP, op("mean", axis=(1, 2)))],
    "Max": [(MAP, op("max", axis=-1, keepdims=True)), (MAP, op("max", axis=(1, 2)))],
    "Sum": [(MAP, op("sum", axis=-1)), (MAP, op("sum", axis=(1, 2), keepdims=True))],
    "Var": [(MAP, op("var", axis=(1, 2))), (MAP, op("var", axis=-1, keepdims=True))],
    "Std": [(MAP, op("std", axis=(1, 2)))],
    "Add": [
        (MAP, merge("Add", 2)),
        (MAP, merge("Add", 3)),
        (MAP, gate("Add")),
        (MAP, op("add", 2.0)),
        (MAP, pair("add")),
    ],
    "Average": [(MAP, merge("Average", 2)), (MAP, merge("Average", 3))],
    "Divide": [(MAP, op("divide", 2.0)), (MAP, pair("divide"))],
    "Maximum": [(MAP, merge("Maximum", 2)), (MAP, merge("Maximum", 3)), (MAP, pair("maximum"))],
    "Minimum": [(MAP, merge("Minimum", 2)), (MAP, pair("minimum"))],
    "Multiply": [
        (MAP, merge("Multiply", 2)),
        (MAP, merge("Multiply", 3)),
        (MAP, gate("Multiply")),
        (MAP, gates("Multiply")),
        (MAP, op("multiply", 2.0)),
    ],
    "Subtract": [(MAP, merge("Subtract", 2)), (MAP, pair("subtract"))],
    "TrueDivide": [(MAP, pair("true_divide"))],
    "ReLU": [(MAP, layer("ReLU")), (MAP, layer("ReLU", max_value=6))],
    "Relu": [(MAP, op("relu"))],
    "Relu6": [(MAP, op("relu6"))],
    "Sigmoid": [(MAP, op("sigmoid"))],
    "Sqrt": [(MAP, op("sqrt"))],
    "Square": [(MAP, op("square"))],
    "Tanh": [(MAP, op("tanh"))],
    "HardSigmoid": [(MAP, op("hard_sigmoid"))],
    "HardSilu": [(MAP, op("hard_silu"))],
    "Silu": [(MAP, op("silu"))],
    "Softmax": [(MAP, layer("Softmax")), (MAP, op("softmax"))],
    "Matmul": [((5, 5), pair("matmul")), ((3, 5, 5), pair("matmul"))],
    "Cast": [(MAP, op("cast", "float16"))],
    "Concatenate": [(MAP, merge("Concatenate", 3)), (MAP, lambda k, x: k.ops.concatenate([x, x]))],
    "Cropping1D": [(ROW, layer("Cropping1D", (1, 2)))],
    "Cropping2D": [(MAP, layer("Cropping2D", ((1, 2), (0, 1))))],
    "Dropout": [(MAP, layer("Dropout", 0.5))],
    "ExpandDims": [(MAP, op("expand_dims", 1))],
    "Flatten": [(MAP, layer("Flatten"))],
    "GaussianDropout": [(MAP, layer("GaussianDropout", 0.5))],
    "GaussianNoise": [(MAP, layer("GaussianNoise", 0.5))],
    "GetItem": [(MAP, lambda keras, x: x[:, 1:4, :, 0])],
    "Identity": [(MAP, layer("Identity"))],
    "Permute": [(MAP, layer("Permute", (3, 1, 2)))],
    "Reshape": [(MAP, layer("Reshape", (4, 48))), (MAP, op("reshape", (-1, 4, 48)))],
    "SpatialDropout1D": [(ROW, layer("SpatialDropout1D", 0.5))],
    "SpatialDropout2D": [(MAP, layer("SpatialDropout2D", 0.5))],
    "Split": [(MAP, lambda keras, x: keras.ops.split(x, 2, axis=-1)[1])],
    "Squeeze": [((1, 1, 4), op("squeeze", 1))],
    "Stack": [(MAP, lambda keras, x: keras.ops.stack([x, x], axis=1))],
    "Transpose": [(MAP, op("transpose", (0, 3, 1, 2)))],
    "UpSampling2D": [],
    "ZeroPadding1D": [(ROW, layer("ZeroPadding1D", 2))],
    "ZeroPadding2D": [(MAP, layer("ZeroPadding2D", 2))],
}


def costed(keras: Any, shape: tuple[int, ...], build: Callable[[Any, Any], Any]) -> Any:
    """Return a model with its graph, what cost.py says of it, and what the profiler does."""
    from attn_cli.tf.profile import profiled_flops
    from attn_cli.tf.walk import walk

    inputs = keras.Input(shape)
    model = keras.Model(inputs, build(keras, inputs))
    graph = walk(model)
    return graph, graph_cost(graph), profiled_flops(model, shape)


@pytest.mark.parametrize("type", CASES)
def test_an_entry_counts_as_the_profiler_does(keras: Any, type: str) -> None:
    """Each entry of the dict, in several forms of its layer or op, to the last FLOP."""
    for shape, build in CASES[type]:
        graph, ours, profile = costed(keras, shape, build)
        assert type in {node.layer.type for node in graph.nodes}
        assert profile.uncounted == ()
        assert ours.flops == profile.flops, graph.nodes[-1]
        assert ours.unknown == ()


def test_what_is_compared_is_in_the_table() -> None:
    """The cases above name entries; all entries are held to Keras in tests/differential."""
    assert set(CASES) | set(APPLICATIONS) <= set(LAYERS) | set(OPS)


def scaled_sum(keras: Any, x: Any) -> Any:
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    return CustomScaleLayer(0.1)([x, x])


def layer_scale(keras: Any, x: Any) -> Any:
    from keras.src.applications.convnext import LayerScale

    return LayerScale(1e-6, x.shape[-1])(x)


def stochastic_depth(keras: Any, x: Any) -> Any:
    from keras.src.applications.convnext import StochasticDepth

    return StochasticDepth(0.5)(x)


# Layers of keras.applications' own.
APPLICATIONS = {
    "CustomScaleLayer": scaled_sum,
    "LayerScale": layer_scale,
    "StochasticDepth": stochastic_depth,
}


@pytest.mark.parametrize("type", APPLICATIONS)
def test_an_entry_for_whole_models_counts_as_the_profiler_does(keras: Any, type: str) -> None:
    graph, ours, profile = costed(keras, MAP, APPLICATIONS[type])
    assert graph.nodes[-1].layer.type == type
    assert profile.uncounted == ()
    assert ours.flops == profile.flops


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_counts_as_the_profiler_does(keras: Any, name: str) -> None:
    """Each function alone on a map, and inside a layer with weights."""
    for build in (layer("Activation", name), layer("Conv2D", 3, 1, activation=name)):
        _, ours, profile = costed(keras, MAP, build)
        assert profile.uncounted == ()
        assert ours.flops == profile.flops


@pytest.mark.parametrize("name", sorted({NAMES[name] or name for name in NAMES} - set(FUNCTIONS)))
def test_an_activation_without_an_entry_is_unknown(keras: Any, name: str) -> None:
    """Such a function is named and makes the total unknown; what is known is still told."""
    from attn_cli.tf.walk import walk

    inputs = keras.Input(MAP)
    ours = graph_cost(walk(keras.Model(inputs, keras.layers.Dense(4, activation=name)(inputs))))
    assert ours.flops is None
    assert ours.unknown == (f"no FLOPs are known for the activation {name}",)
    assert ours.macs == 8 * 6 * 4 * 4


def test_a_layer_without_an_entry_is_unknown(keras: Any) -> None:
    """A total with an unknown part is None; what is known of it is told as at least."""

    def build(keras: Any, x: Any) -> Any:
        return keras.layers.UnitNormalization()(keras.layers.Dense(4)(x))

    _, ours, _ = costed(keras, MAP, build)
    assert (ours.macs, ours.flops) == (768, None)
    assert ours.at_least[:2] == (768, 2 * 768 + 192)
    assert ours.unknown == ("no FLOPs are known for UnitNormalization",)


@pytest.mark.parametrize(
    "build",
    [
        layer("ReLU", max_value=2),
        layer("ReLU", negative_slope=0.1),
        layer("ReLU", threshold=1),
        layer("Softmax", axis=(1, 2)),
        layer("UpSampling2D", 2, interpolation="bilinear"),
    ],
)
def test_a_form_that_is_not_counted_is_unknown(
    keras: Any, build: Callable[[Any, Any], Any]
) -> None:
    """Options that make another calculation of a layer take its figure away, not falsify it."""
    _, ours, _ = costed(keras, MAP, build)
    assert ours.flops is None
    assert len(ours.unknown) == 1


def test_a_root_mean_square_is_unknown(keras: Any) -> None:
    """The deprecated form of a layer norm calculates something else."""
    with pytest.warns(UserWarning, match="rms_scaling"):
        _, ours, _ = costed(keras, MAP, layer("LayerNormalization", rms_scaling=True))
    assert len(ours.unknown) == 1


def test_a_dynamic_size_is_unknown(keras: Any) -> None:
    """How often a kernel is applied is hidden; what no kernel stands in costs no MACs."""
    from attn_cli.tf.walk import walk

    inputs = keras.Input((None, 6, 4))
    merged = keras.layers.Add()([inputs, inputs, inputs])
    graph = walk(keras.Model(inputs, keras.layers.Conv2D(3, 3)(merged)))
    assert [node.cost[:2] for node in graph.nodes] == [(0, 0), (0, None), (None, None)]
    assert graph_cost(graph).unknown == ("H or W is dynamic",)


# Where the profiler and cost.py part on purpose.


def padding_flops(graph: Graph) -> int:
    """Return what the profiler counts of dilated convolutions beyond what is calculated.

    It counts places up to the next multiple of the dilation.
    """
    beyond = 0
    for node in graph.nodes:
        dilation = node.layer.config.get("dilation_rate", (1,))
        if node.layer.type.startswith("Conv") and set(dilation) != {1}:
            space = [size or 0 for size in node.output_shapes[0][1:-1]]
            rounded = [-(-size // rate) * rate for size, rate in zip(space, dilation, strict=True)]
            kernel = prod(node.layer.weights[0].shape)
            beyond += 2 * kernel * (prod(rounded) - prod(space))
    return beyond


@pytest.mark.parametrize("options", [{"padding": "same", "dilation_rate": 4}, {"dilation_rate": 2}])
def test_the_profiler_counts_the_padding_of_dilated_convolutions(keras: Any, options: Any) -> None:
    graph, ours, profile = costed(keras, (9, 7, 4), layer("Conv2D", 5, 3, **options))
    positions = prod(graph.nodes[-1].output_shapes[0][1:3])
    assert ours.macs == positions * 3 * 3 * 4 * 5
    assert ours.flops == 2 * ours.macs + positions * 5
    assert padding_flops(graph) > 0
    assert profile.flops == ours.flops + padding_flops(graph)


def test_the_profiler_says_0_of_grouped_convolutions(keras: Any) -> None:
    _, ours, profile = costed(keras, MAP, layer("Conv2D", 6, 3, groups=2, padding="same"))
    assert ours.macs == 8 * 6 * 3 * 3 * 2 * 6
    assert ours.flops == 2 * ours.macs + 8 * 6 * 6
    assert profile.flops == 8 * 6 * 6
    assert profile.uncounted == ("StatefulPartitionedCall",)


def test_the_profiler_counts_what_transposed_convolutions_crop(keras: Any) -> None:
    """It multiplies the kernel by the places that come out, and divides by the strides."""
    for stride, padding in ((1, "valid"), (2, "valid"), (2, "same")):
        build = layer("Conv2DTranspose", 5, 3, strides=stride, padding=padding, use_bias=False)
        graph, ours, profile = costed(keras, MAP, build)
        kernel = 3 * 3 * 4 * 5
        assert ours.macs == 8 * 6 * kernel
        assert ours.flops == 2 * ours.macs
        out = prod(graph.nodes[-1].output_shapes[0][1:3])
        assert profile.flops == 2 * kernel * out // stride**2
    _, ours, profile = costed(keras, ROW, layer("Conv1DTranspose", 5, 3, strides=2))
    assert (ours.flops, profile.flops) == (2 * 9 * 60 + 19 * 5, 2 * 60 * 19 // 2 + 19 * 5)
    _, ours, profile = costed(keras, (4, 4, 4, 2), layer("Conv3DTranspose", 5, 3))
    assert ours.flops == 2 * 4**3 * 3**3 * 2 * 5 + 6**3 * 5
    assert (profile.flops, profile.uncounted) == (6**3 * 5, ("Conv3DBackpropInputV2",))


@pytest.mark.parametrize(
    ("build", "scalars"), [(layer("UpSampling2D", 2), 2), (layer("Softmax", axis=1), 2)]
)
def test_the_profiler_counts_scalars_of_bookkeeping(
    keras: Any, build: Callable[[Any, Any], Any], scalars: int
) -> None:
    """Sizes and axes that are calculated in the graph, a few scalars whatever the map."""
    for shape in (MAP, (16, 12, 8)):
        _, ours, profile = costed(keras, shape, build)
        assert profile.uncounted == ()
        assert profile.flops == ours.flops + scalars


STATIC_SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 33))


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", BLOCKS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_block_counts_as_the_profiler_does(name: str, data: st.DataObject) -> None:
    """Whatever its options and shape: the traced block's FLOPs are those of the built one."""
    from attn_cli.tf.profile import profiled_flops
    from attn_cli.tf.walk import build_model

    block = find_block(name)
    options = data.draw(option_sets(block), label="options")
    shape = data.draw(STATIC_SHAPES, label="shape")
    try:
        graph = trace(block.build, shape, **options)
    except (AttnError, TypeError):
        reject()
    assume(all(node.layer.params.total <= TOO_LARGE for node in graph.nodes))
    ours = graph_cost(graph)
    if ours.flops is None:
        assert ours.unknown
        event("unknown")
        return
    profile = profiled_flops(build_model(block.build, shape, **options), shape)
    assert profile.uncounted == ()
    assert profile.flops == ours.flops + padding_flops(graph)
    event("equal")


def test_the_profile_names_what_is_silent(keras: Any) -> None:
    """An op type without a statistic, and an op of a dynamic size, are named and not 0."""
    from attn_cli.errors import BadShape
    from attn_cli.tf.profile import profiled_flops

    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.ops.exp(inputs) + 1)
    assert profiled_flops(model, (4,)) == (4, {"AddV2": 4}, ("Exp",))
    with pytest.raises(BadShape, match="every size"):
        profiled_flops(model, (None,))


def test_statistics_that_the_profile_relies_on_exist(keras: Any) -> None:
    """Each type that is said to be counted has a statistic, and none that is said to be free."""
    from tensorflow.python.framework import ops

    from attn_cli.tf import profile

    profile._register_statistics()
    registry = ops._stats_registry._registry
    for type in profile.COUNTED | profile.REGISTERED:
        assert f"{type},flops" in registry
    for type in profile.FREE:
        assert f"{type},flops" not in registry
    assert not profile.FREE & (profile.COUNTED | profile.REGISTERED)
