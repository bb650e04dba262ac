"""Figures read elsewhere and computed here: of the tutorial, the papers, the libraries."""

from __future__ import annotations

from fractions import Fraction
from math import log2
from typing import Any

import pytest

from attn_cli import eca_kernel_size, se_width
from attn_cli.cost import graph_cost
from attn_cli.graph import Params
from attn_cli.spec import parse_place, parse_shape, parse_spec

# ResNet-50's sixteen places, and SENet's and ECA-Net's.
RESNET50 = ["3@56,56,256", "4@28,28,512", "6@14,14,1024", "3@7,7,2048"]


def rows(spec: str, shape: str) -> list[tuple[Any, ...]]:
    """Return the layer table after the input, as the tutorial prints it."""
    nodes = parse_spec(spec).trace(parse_shape(shape)).nodes[1:]
    return [(node.layer.label, node.output_shapes[0], node.params.total) for node in nodes]


def over_places(spec: str, places: list[str]) -> int:
    """Return the parameters of a block in all places of a network."""
    each = [parse_place(place) for place in places]
    return sum(place.times * parse_spec(spec).trace(place.shape).params.total for place in each)


def test_the_tutorials_table_of_se() -> None:
    assert rows("se:ratio=4", "56,56,24") == [
        ("GlobalAveragePooling2D", (None, 24), 0),
        ("Reshape", (None, 1, 1, 24), 0),
        ("Dense", (None, 1, 1, 6), 150),
        ("Activation relu", (None, 1, 1, 6), 0),
        ("Dense", (None, 1, 1, 24), 168),
        ("Activation sigmoid", (None, 1, 1, 24), 0),
        ("Multiply", (None, 56, 56, 24), 0),
    ]
    graph = parse_spec("se").trace((56, 56, 24))
    assert graph.params == Params(318, 0)
    assert graph.bytes == 4 * 318


def test_the_tutorials_table_of_eca() -> None:
    assert rows("eca:b=1,gamma=2", "26,26,512") == [
        ("GlobalAveragePooling2D", (None, 512), 0),
        ("Reshape", (None, 512, 1), 0),
        ("Conv1D", (None, 512, 1), 5),
        ("Activation sigmoid", (None, 512, 1), 0),
        ("Reshape", (None, 1, 1, 512), 0),
        ("Multiply", (None, 26, 26, 512), 0),
    ]
    assert parse_spec("eca").trace((26, 26, 512)).params == Params(5, 0)


def test_the_tutorials_other_forms_of_se() -> None:
    """EfficientNet's: swish between the dense layers. MobileNetV3's: relu, then hard sigmoid."""
    swish = [label for label, *_ in rows("se:activation=swish", "56,56,24")]
    hard = [label for label, *_ in rows("se:gate=hard_sigmoid", "56,56,24")]
    assert swish[3::2] == ["Activation silu", "Activation sigmoid"]
    assert hard[3::2] == ["Activation relu", "Activation hard_sigmoid"]


def test_ecas_kernel_at_every_number_of_channels() -> None:
    steps = {1: 1, 8: 3, 128: 5, 2048: 7, 32768: 9}
    kernel = 0
    for channels in range(1, 40_001):
        kernel = steps.get(channels, kernel)
        assert eca_kernel_size(channels) == kernel, channels


def test_ecas_kernel_is_the_papers_nearest_odd_number() -> None:
    """Up to 4096 channels, where halfway between two goes up."""
    for channels in range(1, 4097):
        t = (log2(channels) + 1) / 2
        assert eca_kernel_size(channels) == min(range(1, 99, 2), key=lambda k: (abs(k - t), -k))


@pytest.mark.parametrize("power", range(31))
def test_ecas_kernel_is_exact_at_powers_of_two(power: int) -> None:
    """Also where a quotient of natural logarithms is not: that of 2^29 is more than 29."""
    for b in (1, 2, -3, -31):
        for gamma in (1, 2, 3, 5):
            t = abs(power + b) // gamma
            assert eca_kernel_size(2**power, b, gamma) == t + (t + 1) % 2


def test_resnet50s_sixteen_places() -> None:
    """SE as in SENet's prototxt, ECA by its rule; by hand-picked kernels as in its paper, 80."""
    assert over_places("se:ratio=16", RESNET50) == 2_530_992
    assert over_places("eca", RESNET50) == 86
    picked = zip((3, 5, 5, 7), RESNET50, strict=True)
    assert sum(over_places(f"eca:kernel_size={k}", [place]) for k, place in picked) == 80


def test_the_se_papers_formula_is_weights_and_macs() -> None:
    """(2/r) · Σ N_s · C_s², which is what SE adds without its biases, and multiplies."""
    formula = Fraction(2, 16) * (3 * 256**2 + 4 * 512**2 + 6 * 1024**2 + 3 * 2048**2)
    assert formula == 2_514_944
    assert over_places("se:ratio=16,use_bias=false", RESNET50) == formula
    places = [parse_place(place) for place in RESNET50]
    macs = [graph_cost(parse_spec("se:ratio=16").trace(place.shape)).macs for place in places]
    assert sum(p.times * m for p, m in zip(places, macs, strict=True) if m) == formula


@pytest.mark.parametrize(
    ("spec", "params", "macs", "flops"),
    [
        ("se:ratio=16", 33_312, 32_768, 758_848),
        ("eca", 5, 2_560, 697_856),
        ("cbam", 33_414, 2 * 32_768 + 66_248, 2_344_450),
        ("cbam:batch_norm=false", 33_410, 2 * 32_768 + 66_248, 2_343_092),
    ],
)
def test_one_block_at_26_26_512(spec: str, params: int, macs: int, flops: int) -> None:
    """Parameters with the batch norm's statistics; FLOPs as TensorFlow's profiler says."""
    graph = parse_spec(spec).trace((26, 26, 512))
    cost = graph_cost(graph)
    assert (graph.params.total, cost.macs, cost.flops) == (params, macs, flops)


@pytest.mark.parametrize(
    ("spec", "trainable"),
    [
        ("se:ratio=16", 580),
        ("se:ratio=16,use_bias=false", 512),
        ("se:ratio=16,divisor=8", 1096),
        ("se-timm", 1096),
        ("cbam", 680),
        ("cbam:use_bias=false", 612),
    ],
)
def test_one_block_at_64_channels(spec: str, trainable: int) -> None:
    assert parse_spec(spec).trace((None, None, 64)).params.trainable == trainable


def test_a_dynamic_size_hides_flops_and_no_parameter() -> None:
    known, dynamic = (parse_spec("cbam").trace(shape) for shape in ((7, 9, 64), (None, 9, 64)))
    assert dynamic.params == known.params
    assert graph_cost(dynamic).flops is None
    assert graph_cost(dynamic).macs is None
    assert graph_cost(parse_spec("se").trace((None, None, 64))).macs == 2 * 64 * 16


def test_timms_rounding_of_the_width() -> None:
    """Its make_divisible: the nearest multiple of 8, and 8 at least, with no limit."""
    for channels in range(1, 4097):
        width = max(8, int(channels / 16 + 4) // 8 * 8)
        assert se_width(channels, ratio=16, divisor=8) == width


def test_mobilenetv3s_rounding_of_the_width(keras: Any) -> None:
    """Keras' own rounding, which goes a multiple up where it would lose a tenth."""
    from keras.src.applications.mobilenet_v3 import _depth

    for channels in range(1, 4097):
        expected = _depth(channels * 0.25)
        assert se_width(channels, ratio=4, divisor=8, round_limit=0.9) == expected, channels


@pytest.mark.parametrize(
    ("model", "spec"),
    [("MobileNetV3Small", "se-mobilenetv3"), ("MobileNetV3Large", "se-mobilenetv3")],
)
def test_mobilenetv3s_widths(keras: Any, model: str, spec: str) -> None:
    """Of every SE block in the network that Keras ships."""
    network = getattr(keras.applications, model)(weights=None, input_shape=(224, 224, 3))
    squeezed = [layer for layer in network.layers if layer.name.endswith("squeeze_excite_conv")]
    assert len(squeezed) == {"MobileNetV3Small": 9, "MobileNetV3Large": 8}[model]
    for layer in squeezed:
        channels = layer.input.shape[-1]
        graph = parse_spec(spec).trace((7, 7, channels))
        assert next(n for n in graph.nodes if n.params.total).output_shapes[0][-1] == layer.filters
