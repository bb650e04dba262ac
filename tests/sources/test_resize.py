"""The same model at another input size: what follows is worked out anew, what does not stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from configs import Config
from drawn import described
from process import ROOT
from test_saved import WEIGHTS, keras_file, small

from attn_cli.cost import graph_cost
from attn_cli.errors import AttnError, BadArgument, BadFile, BadShape
from attn_cli.graph import UNKNOWN
from attn_cli.sources.applications import application_names
from attn_cli.sources.saved import Model, read_model

if TYPE_CHECKING:
    from pathlib import Path

    from configs import Tensor

    from attn_cli.graph import Shape

CONV = {"kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "filters": 4}


def saved(path: Path, config: Config, *outputs: Tensor) -> Path:
    """Write a model as `to_json()` does, with the shapes that Keras notes."""
    data = config.model(*outputs)
    graph = read(path, data).graph
    assert graph is not None
    shapes = {node.layer.path: node.output_shapes for node in graph.nodes}
    _note(data, shapes, "")
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def _note(data: dict[str, Any], shapes: dict[str, Any], within: str) -> None:
    """Note the shape of each tensor where it is used."""
    for layer in data["config"]["layers"]:
        if "layers" in layer["config"]:
            _note(layer, shapes, f"{layer['name']}/")
        for node in layer["inbound_nodes"]:
            for tensor in node["args"]:
                for each in tensor if isinstance(tensor, list) else [tensor]:
                    name, _, output = each["config"]["keras_history"]
                    if f"{within}{name}" in shapes:
                        each["config"]["shape"] = shapes[f"{within}{name}"][output]


def read(path: Path, data: Any, **given: Any) -> Model:
    """Return what a config says."""
    path.write_text(json.dumps(data), encoding="utf-8")
    return read_model(path, **given)


def outputs(model: Model) -> list[Shape]:
    """Return the shapes that come out."""
    assert model.graph is not None
    return [model.graph.shape_of(ref) for ref in model.graph.outputs]


def known(model: Model) -> Any:
    """Return all that is told of a model."""
    assert model.graph is not None
    return (model, described(model.graph), model.graph.inputs, model.graph.outputs)


def test_a_dynamic_model_gets_its_costs() -> None:
    """MobileNetV3's default input is dynamic; its published MACs are those at 224."""
    model = read_model("app:MobileNetV3Large", input_shape=(224, 224, 3))
    assert model.graph is not None
    assert graph_cost(model.graph).macs == 216_589_760
    assert model.total == 5_507_432
    assert model.noted_input == (None, None, None, 3)


@pytest.mark.parametrize("name", ["ConvNeXtTiny", "MobileNetV3Small", "NASNetMobile", "VGG16"])
def test_the_size_that_is_noted_changes_nothing(name: str) -> None:
    """Nor does it count as another one."""
    assert_nothing_changes(f"app:{name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", application_names())
def test_the_size_of_an_application_changes_nothing(name: str) -> None:
    """Of any of them, dynamic ones included."""
    assert_nothing_changes(f"app:{name}")


def assert_nothing_changes(path: str) -> None:
    before = read_model(path)
    assert before.graph is not None
    (place,) = before.graph.inputs
    after = read_model(path, input_shape=before.graph.nodes[place].output_shapes[0][1:])
    assert known(after)[1:] == known(before)[1:]
    assert after._replace(graph=None) == before._replace(graph=None)


def test_what_is_not_known_is_not_carried_over(tmp_path: Path) -> None:
    """A custom layer tells nothing of other shapes; where its input is as noted, so is the rest."""
    config = Config(8, 8, 3)
    x = config.add("Conv2D", config.input, name="conv", **CONV)
    pooled = config.add("GlobalAveragePooling2D", x, name="pool")
    behind = config.add("Own", pooled, name="behind", module="mine")
    on_map = config.add("Own", x, name="on_map", module="mine")
    after = config.add("Conv2D", on_map, name="after", **CONV)
    ends = (config.add("Dense", behind, units=5), config.add("Dropout", after, rate=0.5))
    data = config.model(*ends)
    noted = {
        "input": (None, 8, 8, 3), "conv": (None, 4, 4, 4), "pool": (None, 4),
        "behind": (None, 7), "on_map": (None, 4, 4, 6), "after": (None, 2, 2, 4),
    }  # fmt: skip
    _note(data, {config.input.name: [noted["input"]], **{k: [v] for k, v in noted.items()}}, "")
    path = tmp_path / "model.json"
    before = read(path, data)
    assert outputs(before) == [(None, 5), (None, 2, 2, 4)]
    asked = read(path, data, input_shape=(16, 16, 3))
    assert outputs(asked) == [(None, 5), UNKNOWN]
    assert asked.graph is not None
    cost = graph_cost(asked.graph)
    assert cost.macs is None
    assert "what mine>Own does is not known" in cost.unknown
    assert asked.total == before.total


# A model's steps, the size that is asked, and the line that answers.
def flattened(config: Config) -> Tensor:
    x = config.add("Flatten", config.input, name="flat")
    return config.add("Dense", x, units=5, name="dense")


def too_small(config: Config) -> Tensor:
    return config.add("Conv2D", config.input, name="conv", **{**CONV, "padding": "valid"})


def reshaped(config: Config) -> Tensor:
    return config.add("Reshape", config.input, target_shape=[64, 3], name="reshape")


def skipped(config: Config) -> Tensor:
    x = config.add("Conv2D", config.input, name="conv", **CONV)
    x = config.add("UpSampling2D", x, size=[2, 2], name="up")
    return config.add("Concatenate", [x, config.input], axis=-1, name="skip")


def added(config: Config) -> Tensor:
    x = config.add("Resizing", config.input, height=8, width=8, name="resize")
    return config.add("Add", [x, config.input], name="add")


def cropped(config: Config) -> Tensor:
    return config.add("Cropping2D", config.input, cropping=[[2, 2], [2, 2]], name="crop")


def normalised(config: Config) -> Tensor:
    return config.add("LayerNormalization", config.input, axis=[1, 2, 3], name="norm")


def taken(config: Config) -> Tensor:
    return config.op("GetItem", config.input, [None, 7], name="item")


OWN = "; the file notes an input of 8,8,3"
REFUSED = [
    (flattened, (9, 8, 3), f"at 9,8,3, Dense 'dense' would get (None, 216): its kernel of 192 × 5 would be one of 216 × 5{OWN}"),  # noqa: E501
    (flattened, (None, 8, 3), f"at None,8,3, Dense 'dense' would get (None, None): its kernel of 192 × 5 would be one of ? × 5{OWN}"),  # noqa: E501
    (too_small, (2, 8, 3), f"at 2,8,3, Conv2D 'conv' would get (None, 2, 8, 3): a kernel of 3 (dilation 1) does not fit the feature map{OWN}"),  # noqa: E501
    (reshaped, (8, 9, 3), f"at 8,9,3, Reshape 'reshape' would get (None, 8, 9, 3): (8, 9, 3) cannot be reshaped to (64, 3){OWN}"),  # noqa: E501
    (skipped, (9, 8, 3), f"at 9,8,3, Concatenate 'skip' would get (None, 10, 8, 4) and (None, 9, 8, 3): only axis 3 may differ in concatenating ((None, 10, 8, 4), (None, 9, 8, 3)){OWN}"),  # noqa: E501
    (added, (9, 8, 3), f"at 9,8,3, Add 'add' would get (None, 8, 8, 3) and (None, 9, 8, 3): (None, 8, 8, 3) and (None, 9, 8, 3) do not fit each other{OWN}"),  # noqa: E501
    (cropped, (8, 4, 3), f"at 8,4,3, Cropping2D 'crop' would get (None, 8, 4, 3): (2, 2) cannot be cropped off a size of 4{OWN}"),  # noqa: E501
    (normalised, (8, 4, 3), f"at 8,4,3, LayerNormalization 'norm' would get (None, 8, 4, 3): its gamma of 8 × 8 × 3 would be one of 8 × 4 × 3{OWN}"),  # noqa: E501
    (flattened, (8, 8, 4), "its input (None, 8, 8, 3) has 3 channels, and 8,8,4 has 4"),
    (flattened, (3, 8, 8), "its input (None, 8, 8, 3) has 3 channels, and 3,8,8 has 8"),
    (flattened, (8, 8), "an input is (H, W, C), as in (224, 224, 3), not (8, 8)"),
    (flattened, (8, 0, 3), "an input is (H, W, C), as in (224, 224, 3), not (8, 0, 3)"),
    (flattened, (8, 8, None), "an input is (H, W, C), as in (224, 224, 3), not (8, 8, None)"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "size", "line"), REFUSED, ids=range(len(REFUSED)))
def test_a_size_that_the_model_does_not_take_gets_one_line(
    steps: Any, size: Shape, line: str, tmp_path: Path
) -> None:
    """It names the layer, what that would get, and the size that the file notes."""
    config = Config(8, 8, 3)
    path = saved(tmp_path / "model.json", config, steps(config))
    assert read_model(path).graph is not None
    with pytest.raises(BadShape) as raised:
        read_model(path, input_shape=size)
    assert str(raised.value) == f"{path}: {line}"


def test_a_model_has_one_feature_map(tmp_path: Path) -> None:
    """Other inputs stay as they are; two maps, or none, are named."""
    config = Config(8, 8, 3)
    x = config.add("GlobalAveragePooling2D", config.input, name="pool")
    beside = config.new_input(3)
    path = saved(tmp_path / "model.json", config, config.add("Add", [x, beside], name="add"))
    asked = read_model(path, input_shape=(16, 16, 3))
    assert asked.graph is not None
    shapes = [asked.graph.nodes[place].output_shapes[0] for place in asked.graph.inputs]
    assert shapes == [(None, 16, 16, 3), (None, 3)]

    config = Config(8, 8, 3)
    other = config.new_input(8, 8, 3)
    path = saved(path, config, config.add("Add", [config.input, other], name="add"))
    with pytest.raises(BadShape, match=r"takes one feature map .* this takes inputlayer_0 .*, inp"):
        read_model(path, input_shape=(16, 16, 3))
    config = Config(8, 3)
    path = saved(path, config, config.add("Dense", config.input, units=3, name="dense"))
    with pytest.raises(BadShape, match=r"this takes inputlayer_0 \(None, 8, 3\)$"):
        read_model(path, input_shape=(16, 16, 3))


def test_a_model_whose_layers_are_not_told_cannot_be_asked() -> None:
    """Weights alone have no size."""
    with pytest.raises(BadShape, match=r"weights.h5: the file does not tell the layers"):
        read_model(ROOT / "tests/data/keras_3_5.weights.h5", input_shape=(16, 16, 3))
    with pytest.raises(BadFile, match="no application"):
        read_model("app:ResNet", input_shape=(16, 16, 3))


def test_what_is_no_shape_is_an_argument_that_is_none() -> None:
    """As for a block."""
    with pytest.raises(BadArgument, match=r"a shape is one tuple \(H, W, C\), .* not 224$"):
        read_model("app:ResNet50", input_shape=224)  # type: ignore[arg-type] # that is tested


def test_a_line_stays_a_line(tmp_path: Path) -> None:
    """However much a layer gets, and whatever a config says of channels."""
    config = Config(8, 8, 3)
    small = config.add("Resizing", config.input, height=8, width=8, name="r")
    odd = config.add("ReLU", config.input, name="odd", data_format=[])
    data = config.model(odd, config.add("Add", [small, *[config.input] * 999], name="add"))
    with pytest.raises(BadShape, match=r"'add' would get .* and .* and 998 more: ") as raised:
        read(tmp_path / "model.json", data, input_shape=(9, 9, 3))
    assert len(str(raised.value)) < 500 + len(str(tmp_path))


def test_channels_may_stand_first(tmp_path: Path) -> None:
    """They tell where they stand: (H, W, C) is asked either way."""
    config = Config(3, 8, 8)
    x = config.add("Conv2D", config.input, name="conv", data_format="channels_first", **CONV)
    path = saved(tmp_path / "model.json", config, x)
    assert outputs(read_model(path, input_shape=(32, 16, 3))) == [(None, 4, 16, 8)]


def test_a_model_in_a_model_is_asked_with_it(tmp_path: Path) -> None:
    """Where it is open it may be called at several sizes; else at the one that it gets first."""

    def twice(*size: int | None) -> Path:
        inner = Config(*size, name="inner")
        padding = {"pool_size": [2, 2], "strides": [1, 1], "padding": "valid"}
        pooled = inner.add("AveragePooling2D", inner.input, name="pool", **padding)
        config = Config(8, 8, 3)
        x = config.nested(inner, [pooled], config.input)
        x = config.add("ZeroPadding2D", x, padding=[[0, 1], [0, 1]], name="pad")
        # Back to what the file notes: at another size the second call gets another one.
        x = config.add("Resizing", x, height=8, width=8, name="resize") if size[0] else x
        x = config.add("ReLU", config.call("inner", x), name="relu")
        return saved(tmp_path / "model.json", config, x)

    path = twice(None, None, 3)
    assert outputs(read_model(path)) == [(None, 7, 7, 3)]
    assert outputs(read_model(path, input_shape=(32, 16, 3))) == [(None, 31, 15, 3)]
    with pytest.raises(AttnError, match="'inner/pool' would get"):
        read_model(path, input_shape=(1, 16, 3))
    path = twice(8, 8, 3)
    assert outputs(read_model(path)) == [(None, 7, 7, 3)]
    with pytest.raises(AttnError, match=r"'inner' takes .* and is called on .*, 8, 8, 3\)$"):
        read_model(path, input_shape=(16, 16, 3))


@pytest.mark.parametrize("stored", [True, False])
def test_an_input_that_is_not_told_is_what_is_asked(tmp_path: Path, stored: bool) -> None:
    """The weights are those of that size, and those that are stored must be."""
    config = small()
    first, *layers = config["config"]["layers"]
    layers = [{key: layer[key] for key in layer if key != "inbound_nodes"} for layer in layers]
    data = {"class_name": "Sequential", "config": {"name": "bare", "layers": layers}}
    assert first["class_name"] == "InputLayer"
    path = tmp_path / ("bare.keras" if stored else "bare.json")
    path.write_text(json.dumps(data), encoding="utf-8")
    if stored:
        keras_file(path, data, WEIGHTS)
    told = read_model(path, input_shape=(8, 9, 3))
    assert told.graph is not None
    assert (outputs(told), told.params) == (
        [(None, 2)],
        read_model(keras_file(tmp_path / "told.keras", small(), WEIGHTS)).params,
    )
    if stored:
        line = "at 8,9,5, the weights stored for 'conv' are not those of its config"
        with pytest.raises(BadShape, match=line):
            read_model(path, input_shape=(8, 9, 5))
    else:
        assert read_model(path, input_shape=(8, 9, 5)).total == told.total + 2 * 9 * 4


def test_the_weights_of_a_file_stay(tmp_path: Path) -> None:
    """At any size, those that are stored."""
    path = keras_file(tmp_path / "small.keras", small(), WEIGHTS)
    before = read_model(path)
    assert before.format == "keras"
    after = read_model(path, input_shape=(24, 40, 3))
    assert (after.params, after.bytes) == (before.params, before.bytes)
    assert after.noted_input == (None, 8, 8, 3)
    assert known(read_model(path, input_shape=(8, 8, 3)))[1:] == known(before)[1:]
