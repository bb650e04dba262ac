"""What real Keras saves is read as real Keras loads it, and every source yields one graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import applications
import pytest
from drawn import Random, counted, described
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from attn_cli.analysis.find import attention_params, find_attention
from attn_cli.blocks import BLOCKS, find_block
from attn_cli.cost import graph_cost
from attn_cli.graph import Params
from attn_cli.sources.block import trace
from attn_cli.sources.saved import read_model

if TYPE_CHECKING:
    from attn_cli.graph import Graph

DATA = Path(__file__).parents[1] / "data"


def assert_read_as_saved(model: Any, folder: Path, *suffixes: str) -> Graph:
    """Save a model, and compare what is read with what is there."""
    from attn_cli.tf.walk import walk

    live = walk(model)
    for suffix in suffixes or (".keras",):
        path = folder / f"model{suffix}"
        if suffix == ".json":
            path.write_text(model.to_json(), encoding="utf-8")
        else:
            model.save(path)
        read = read_model(path)
        assert read.warnings == ()
        assert read.params == counted(model)
        assert read.graph is not None
        assert described(read.graph) == described(live)
        assert read.graph.outputs == live.outputs
        assert read.graph.output_shapes == live.output_shapes
        assert graph_cost(read.graph) == graph_cost(live)
        assert find_attention(read.graph) == find_attention(live)
    return live


# Files of other versions, made once: 259 params, of which 236 are trained.
# They have a hard sigmoid spelt out, a shared nested model, models in a Sequential and in a
# TimeDistributed, a frozen layer that is called twice, slices and other ops, an optimizer's state.


@pytest.mark.parametrize("name", ["tf_keras", "keras_3_5"])
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".json"])
def test_other_versions_are_read(name: str, suffix: str) -> None:
    """tf_keras (Keras 2) and Keras 3.5, in each format."""
    model = read_model(DATA / f"{name}{suffix}")
    assert model.params == Params(236, 23)
    assert (model.bytes, model.at_least) == (1036, False)
    # Keras 3 writes ops into a .h5, and then asks for layers of their names.
    unloaded = suffix == ".h5" and name == "keras_3_5"
    assert [line.partition(":")[0] for line in model.warnings] == [OPS_IN_H5] * unloaded
    assert model.graph is not None
    cost = graph_cost(model.graph)
    assert (cost.macs, cost.flops) == (29_928, 65_926)
    blocks = find_attention(model.graph)
    assert [(block.kind, block.width, block.gate) for block in blocks] == [
        ("ese", None, "sigmoid"),
        ("se", 2, "hard_sigmoid"),
        ("se", 2, "hard_sigmoid"),
        ("spatial", None, "sigmoid"),
    ]
    assert attention_params(model.graph, blocks) == 60


@pytest.mark.parametrize("name", ["tf_keras", "keras_3_5"])
def test_weights_alone_tell_totals(name: str) -> None:
    """And no more: shapes alone cannot tell a block."""
    model = read_model(DATA / f"{name}.weights.h5")
    assert (model.total, model.bytes) == (259, 1036)
    assert (model.params, model.graph) == (None, None)


class Applications:
    """The models of keras.applications, saved, with what Keras counts."""

    def __init__(self, keras: Any, folder: Path) -> None:
        self.keras = keras
        self.folder = folder

    def save(self, name: str, suffix: str) -> tuple[Path, Params]:
        """Return a saved model, and its params."""
        path = self.folder / f"{name}{suffix}"
        if suffix == ".json":
            model = applications.build(self.keras, name)
            path.write_text(model.to_json(), encoding="utf-8")
        else:
            self.keras.backend.clear_session()
            side = SIDES.get(name)
            given = {"input_shape": (side, side, 3)} if side else {}
            model = getattr(self.keras.applications, name)(weights=None, **given)
            model.save(path)
        return path, counted(model)


OPS_IN_H5 = "ops, which Keras 3 does not load from a .h5"
# One whose own is open, and one of which a file of its own has 550 MB.
SIDES = {"MobileNetV3Small": 224, "MobileNetV3Large": 224, "VGG16": 32}


@pytest.fixture(scope="module")
def saved(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Applications:
    return Applications(keras, tmp_path_factory.mktemp("applications"))


# Params, SE blocks, their params, MACs: Keras' own sources and the papers, see docs/numbers.md.
KNOWN = {
    "EfficientNetB0": (5_330_571, 16, 636_540, 385_814_752),
    "EfficientNetV2B0": (7_200_312, 16, 1_044_944, 718_086_176),
    "MobileNetV3Small": (2_554_968, 9, 461_640, 56_510_400),
    "MobileNetV3Large": (5_507_432, 8, 1_512_280, 216_589_760),
    "ResNet50": (25_636_712, 0, 0, 3_857_973_248),
}
# None has attention.
OTHERS = (
    *("ConvNeXtTiny", "DenseNet121", "InceptionResNetV2", "InceptionV3", "MobileNet"),
    *("MobileNetV2", "NASNetMobile", "ResNet50V2", "VGG16", "Xception"),
)
LARGE = ("ConvNeXtXLarge", "EfficientNetV2S", "ResNet152V2", "VGG19")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [*[(name, ".keras") for name in KNOWN], ("EfficientNetB0", ".h5"), ("MobileNetV3Small", ".h5")],
)
def test_known_models_have_their_figures(saved: Applications, name: str, suffix: str) -> None:
    """To the last parameter and multiply-accumulate."""
    path, params = saved.save(name, suffix)
    model = read_model(path)
    total, count, attention, macs = KNOWN[name]
    assert model.params == params
    assert model.total == total
    unloaded = suffix == ".h5" and name.startswith("MobileNet")
    assert [line.partition(":")[0] for line in model.warnings] == [OPS_IN_H5] * unloaded
    assert model.graph is not None
    blocks = find_attention(model.graph)
    assert {block.kind for block in blocks} <= {"se"}
    assert len(blocks) == count
    assert attention_params(model.graph, blocks) == attention
    assert graph_cost(model.graph).macs == macs
    path.unlink()


@pytest.mark.parametrize("name", [*OTHERS, *LARGE])
def test_other_models_are_counted_and_have_what_they_have(saved: Applications, name: str) -> None:
    """From the config alone for the largest; EfficientNets apart, nothing is found in them."""
    path, params = saved.save(name, ".json" if name in LARGE else ".keras")
    model = read_model(path)
    assert model.params == params
    assert not model.at_least
    assert model.graph is not None
    found = {block.kind for block in find_attention(model.graph)}
    assert found == ({"se"} if name.startswith("Efficient") else set())
    assert graph_cost(model.graph).macs is not None
    path.unlink()


def test_a_dynamic_input_leaves_macs_unknown(keras: Any, tmp_path: Path) -> None:
    """And the params and blocks as they are; a static input outside makes them known."""
    inner = keras.applications.MobileNetV3Small(weights=None, include_top=False)
    inner.save(tmp_path / "inner.keras")
    model = read_model(tmp_path / "inner.keras")
    assert model.graph is not None
    assert graph_cost(model.graph).macs is None
    assert len(find_attention(model.graph)) == 9
    inputs = keras.Input((224, 224, 3))
    whole = keras.Model(inputs, inner(inputs))
    graph = assert_read_as_saved(whole, tmp_path)
    assert graph_cost(graph).macs is not None


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_the_same_traced_built_and_saved(keras: Any, tmp_path: Path, name: str) -> None:
    """And found as what it is in all three."""
    from attn_cli.tf.walk import build_model

    build = find_block(name).build
    traced = trace(build, (9, 8, 32))
    model = build_model(build, (9, 8, 32))
    assert_read_as_saved(model, tmp_path, ".keras", ".json")
    read = read_model(tmp_path / "model.keras")
    assert read.graph is not None
    assert described(read.graph) == described(traced)
    assert find_attention(read.graph) == find_attention(traced)
    assert [block.kind for block in find_attention(traced)] == [name]


# To shrink a model, which is built each time, takes minutes and shows little.
@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_random_models_are_read_as_they_are(
    keras: Any, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Nested, sequential, shared, frozen, in steps: the same graph, and Keras' own counts."""
    keras.backend.clear_session()
    model = Random(keras, data.draw).model()
    assert_read_as_saved(model, tmp_path_factory.mktemp("random"))


@pytest.mark.parametrize("kind", [list, tuple])
def test_what_is_given_by_name_goes_where_that_says(keras: Any, tmp_path: Path, kind: Any) -> None:
    """In whatever order: Keras goes by the names of a model's inputs where a dict is given."""
    keras.backend.clear_session()
    layers, shape = keras.layers, (4, 4, 2)
    a, b = keras.Input(shape, name="a"), keras.Input(shape, name="b")
    made = [layers.Conv2D(3, 1, name="of_a")(a), layers.Conv2D(3, 1, name="of_b")(b)]
    inner = keras.Model(kind([b, a]), made, name="inner")
    first, second = keras.Input(shape, name="first"), keras.Input(shape, name="second")
    twice = inner({"a": first, "b": first})
    model = keras.Model([first, second], [inner({"a": first, "b": second}), twice])
    graph = assert_read_as_saved(model, tmp_path, ".keras", ".json")
    nodes = [node for node in graph.nodes if node.inputs]
    reads = sorted([(node.layer.name, graph.nodes[node.inputs[0].node].name) for node in nodes])
    assert reads == [("of_a", "first"), ("of_a", "first"), ("of_b", "first"), ("of_b", "second")]


def read_back(model: Any, folder: Path, suffix: str = ".keras") -> Any:
    """Save a model, and return what is read."""
    model.save(folder / f"odd{suffix}")
    return read_model(folder / f"odd{suffix}")


def test_quantised_and_lora_layers_are_said_to_be_so(keras: Any, tmp_path: Path) -> None:
    """Quantised ones are counted as stored, LoRA's own weights as they are made."""
    inputs = keras.Input((16,))
    model = keras.Model(inputs, keras.layers.Dense(8)(inputs))
    model.layers[1].enable_lora(2)
    read = read_back(model, tmp_path)
    assert (read.params, read.at_least) == (Params(56, 128), False)
    assert any("LoRA" in line for line in read.warnings)
    model = keras.Model(inputs, keras.layers.Dense(8)(inputs))
    model.layers[1].quantize("int8")
    read = read_back(model, tmp_path)
    assert read.params == Params(8, 136)
    assert any("quantised" in line for line in read.warnings)
    assert graph_cost(read.graph).macs is None


@pytest.mark.parametrize("policy", ["bfloat16", "float16", "mixed_bfloat16", "float64"])
def test_weights_are_counted_in_their_own_bytes(keras: Any, tmp_path: Path, policy: str) -> None:
    """Those of a mixed policy are stored in float32."""
    inputs = keras.Input((16,))
    model = keras.Model(inputs, keras.layers.Dense(8, dtype=policy)(inputs))
    size = {"bfloat16": 2, "float16": 2, "mixed_bfloat16": 4, "float64": 8}[policy]
    for suffix in (".keras", ".h5"):
        if (policy, suffix) != ("bfloat16", ".h5"):  # which Keras cannot write
            assert read_back(model, tmp_path, suffix).bytes == 136 * size


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_layers_that_hold_layers_are_counted_once(keras: Any, tmp_path: Path, suffix: str) -> None:
    """Wrappers, recurrent layers, preprocessing with a state; names beyond an attribute's size."""
    layers = keras.layers
    inputs = x = keras.Input((8, 8, 3))
    x = layers.RandomFlip()(layers.Dropout(0.2, seed=3)(layers.Rescaling(1 / 255)(x)))
    x = layers.SpectralNormalization(layers.Conv2D(4, 3))(layers.GroupNormalization(3)(x))
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(layers.Reshape((6, 24))(x))
    x = layers.MultiHeadAttention(2, 3)(layers.LSTM(4, return_sequences=True)(x), x)
    model = keras.Model(inputs, layers.Embedding(5, 2)(layers.Flatten()(x)))
    assert read_back(model, tmp_path, suffix).total == model.count_params()
    inputs = x = keras.Input((1,))
    for place in range(200):
        x = layers.Dense(1, name=f"{'a_long_name_' * 30}{place}")(x)
    model = keras.Model(inputs, x)
    assert read_back(model, tmp_path, suffix).params == counted(model)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize(("noted", "given"), [((4,), (4, 1)), ((4, 1), (4,)), ((None, 1), (4,))])
@pytest.mark.parametrize("version", [2, 3])
def test_a_model_inside_is_called_on_another_rank(
    keras: Any, tmp_path: Path, noted: tuple[int | None, ...], given: tuple[int, ...], version: int
) -> None:
    """Keras drops the last axis of 1, or adds one: the weights are those of the model's own."""
    if version == 2:
        import tf_keras as keras
    inside, outside = keras.Input(noted), keras.Input(given)
    inner = keras.Model(inside, keras.layers.Dense(5)(inside))
    x = keras.layers.Dense(3)(inner(outside))
    model = keras.Model(outside, x)
    for suffix in (".keras", ".h5", ".json"):
        path = tmp_path / f"model{suffix}"
        if suffix == ".json":
            path.write_text(model.to_json(), encoding="utf-8")
        else:
            model.save(path)
        read = read_model(path)
        # What is behind it has no weights in a config alone: Keras 3 notes two shapes for them.
        is_open = suffix == ".json" and version == 3
        assert read.total == model.count_params() - (18 if is_open else 0)
        assert read.at_least == is_open
