"""A saved model is what Keras would load, or one line says why it cannot be read."""

from __future__ import annotations

import copy
import csv
import io
import json
import math
import random
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from configs import Config
from process import ROOT, environment, run_here

from attn_cli.errors import BadFile
from attn_cli.graph import Params
from attn_cli.sources.saved import Model, read_model

if TYPE_CHECKING:
    from pathlib import Path

    from configs import Tensor

LAYERS = ("config", "layers")
SIZE = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "linear"}


def small() -> dict[str, Any]:
    """Return the config of a model of a convolution, a batch norm and a dense layer."""
    config = Config(8, 8, 3)
    x = config.add("Conv2D", config.input, filters=4, name="conv", use_bias=False, **SIZE)
    x = config.add("BatchNormalization", x, axis=-1, name="norm")
    x = config.add("GlobalAveragePooling2D", x, name="pool")
    return config.model(config.add("Dense", x, units=2, name="dense"))


WEIGHTS = {
    "layers/conv2d/vars/0": (3, 3, 3, 4),
    **{f"layers/batch_normalization/vars/{place}": (4,) for place in range(4)},
    "layers/dense/vars/0": (4, 2),
    "layers/dense/vars/1": (2,),
}


def keras_file(
    path: Path,
    config: Any,
    weights: dict[str, tuple[int, ...]] | None = None,
    names: dict[str, str] | None = None,
    dtype: str = "float32",
) -> Path:
    """Write a `.keras` file."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, shape in (WEIGHTS if weights is None else weights).items():
            file[name] = np.zeros(shape, dtype)
            if dtype == "V2":
                file[name].attrs["dtype"] = "bfloat16"
        for group, name in (names or {}).items():
            file.require_group(group).attrs["name"] = name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", stream.getvalue())
    return path


def json_file(path: Path, config: Any) -> Path:
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def changed(*path: Any, value: Any) -> dict[str, Any]:
    """Return the small config with one thing changed."""
    config = copy.deepcopy(small())
    place = config
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return config


def tensor(name: Any, call: Any = 0, output: Any = 0, shape: Any = None) -> list[Any]:
    history = {"shape": shape, "dtype": "float32", "keras_history": [name, call, output]}
    return [{"args": [{"class_name": "__keras_tensor__", "config": history}], "kwargs": {}}]


# What is known.


def test_a_keras_file_is_read(tmp_path: Path) -> None:
    """With its weights in their layers' roles."""
    model = read_model(keras_file(tmp_path / "m.keras", small()))
    assert (model.format, model.type, model.name) == ("keras", "Functional", "model")
    assert model.keras_version == "3.15.1"
    assert model.params == Params(108 + 8 + 10, 8)
    assert (model.total, model.bytes, model.at_least) == (134, 536, False)
    assert model.warnings == ()
    assert model.graph is not None
    assert [node.layer.name for node in model.graph.nodes] == [
        *("inputlayer_0", "conv", "norm", "pool", "dense"),
    ]
    assert [weight.name for weight in model.graph.nodes[2].layer.weights] == [
        *("gamma", "beta", "moving_mean", "moving_variance"),
    ]
    assert model.graph.shape_of(model.graph.outputs[0]) == (None, 2)


def test_a_config_alone_tells_the_weights_too(tmp_path: Path) -> None:
    """Where the types of all layers are known; else the totals are a lower bound."""
    with_weights = read_model(keras_file(tmp_path / "m.keras", small()))
    alone = read_model(json_file(tmp_path / "m.json", small()))
    assert alone.params == with_weights.params
    assert not alone.at_least
    custom = changed("config", "layers", 4, "module", value="mine")
    model = read_model(json_file(tmp_path / "c.json", custom))
    assert (model.total, model.at_least) == (124, True)
    assert "layers whose weights cannot be known: dense" in model.warnings


def test_steps_come_out_of_a_model_that_is_applied_to_each(tmp_path: Path) -> None:
    """Also where they are what comes out of the whole model; its layers have the shapes of one."""
    inner = Config(8, 3, name="inner")
    model = inner.model(inner.add("Dense", inner.input, units=2, name="dense"))
    config = Config(5, 8, 3)
    x = config.add("TimeDistributed", config.input, layer=model, name="steps")
    graph = read_model(json_file(tmp_path / "m.json", config.model(x))).graph
    assert graph is not None
    assert graph.output_shapes == ((None, 5, 8, 2),)
    assert graph.nodes[-1].output_shapes == ((None, 8, 2),)


def test_no_number_of_others_hides_what_would_run(tmp_path: Path) -> None:
    """Some of each kind are named, in the order in which they stand."""
    config = Config(8)
    x = config.input
    for place in range(40):
        x = config.add("Mine", x, module=f"mine{place}")
    warnings = read_model(json_file(tmp_path / "m.json", config.model(config.add("Lambda", x))))
    acting = [line for line in warnings.warnings if "when loaded" in line or "and 2" in line]
    assert len(acting) == 21
    assert acting[0] == "Mine 'mine_1' would be imported from 'mine0' when loaded"
    assert acting[-2] == "Lambda 'lambda_41' would run Python code when loaded"
    assert acting[-1] == "and 21 more"


def test_a_scaled_norm_of_older_versions_has_no_shift(tmp_path: Path) -> None:
    """One weight for each channel, where nothing is stored that would tell."""
    config = Config(6, 4)
    x = config.add("LayerNormalization", config.input, axis=[-1], rms_scaling=True)
    assert read_model(json_file(tmp_path / "m.json", config.model(x))).total == 4


def test_flags(tmp_path: Path) -> None:
    """What is frozen is not trainable, and nothing is in a model that is."""
    frozen = changed("config", "layers", 1, "config", "trainable", value=False)
    model = read_model(keras_file(tmp_path / "m.keras", frozen))
    assert model.params == Params(18, 116)
    assert model.warnings == ()
    whole = changed("config", "trainable", value=False)
    assert read_model(keras_file(tmp_path / "f.keras", whole)).params == Params(0, 134)


def test_types_of_weights(tmp_path: Path) -> None:
    """Each in its own bytes."""
    assert read_model(keras_file(tmp_path / "m.keras", small(), dtype="float16")).bytes == 268
    # Two opaque bytes, and beside them what they are.
    path = keras_file(tmp_path / "b.keras", small(), dtype="V2")
    assert (read_model(path).total, read_model(path).bytes) == (134, 268)
    with pytest.raises(BadFile, match="weights of type compound"):
        read_model(keras_file(tmp_path / "c.keras", small(), dtype="complex64"))


def test_what_is_odd_is_a_warning(tmp_path: Path) -> None:
    """Other names, other shapes, weights that are missing or too many."""

    def warnings(weights: Any = None, names: Any = None, config: Any = None) -> tuple[str, ...]:
        path = keras_file(tmp_path / "m.keras", config or small(), weights, names)
        return read_model(path).warnings

    assert warnings(names={"layers/dense/vars": "dense", "vars": "model"}) == ()
    (line,) = warnings(names={"layers/dense/vars": "other"})
    assert line == "layers whose weights have another layer's name: dense (other in layers/dense)"
    unknown = changed(*LAYERS, 3, "module", value="mine")
    line = warnings({**WEIGHTS, "layers/dense/vars/0": (4, 3)}, config=unknown)[-1]
    assert line.startswith("layers with other weights than their type has")
    assert line.endswith(": dense")
    (line,) = warnings({**WEIGHTS, "layers/dense_1/vars/0": (4, 3)})
    assert line == "weights of no layer, not counted: layers/dense_1/vars/0"
    missing = {name: shape for name, shape in WEIGHTS.items() if "conv2d" not in name}
    (line,) = warnings(missing)
    assert line == "layers whose weights are not in the file, so Keras does not load it: conv"
    lora = changed("config", "layers", 4, "config", "lora_rank", value=2)
    assert any("LoRA" in line for line in warnings(config=lora))


def test_what_would_act_when_loaded_is_listed_and_does_not(tmp_path: Path) -> None:
    """Whatever the config names, it is only named."""
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
    layers = [
        ("Lambda", "keras.layers", {"function": code}, "would run Python code"),
        ("system", "os", {"command": f"touch {tmp_path / 'evil'}"}, "imported from 'os'"),
        ("TFSMLayer", "keras.layers", {"filepath": "/etc"}, "load and run a SavedModel"),
        ("TorchModuleWrapper", "keras.layers", {"state": "gASV"}, "unpickle"),
        ("StringLookup", "keras.layers", {"vocabulary": "/etc/passwd"}, "'/etc/passwd'"),
    ]
    for type, module, given, words in layers:
        config = Config(8, 8, 3)
        output = config.add(type, config.input, module=module, **given)
        path = keras_file(tmp_path / "m.keras", config.model(output), {"layers/x/vars/0": (1,)})
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("../evil", "x")
        result = run_here(["inspect", str(path)])
        assert result.code == 0, result.err
        assert words in result.out
        assert "'../evil' would be written outside" in result.out
    assert {each.name for each in tmp_path.iterdir()} == {"m.keras"}


@pytest.mark.slow
def test_what_acts_is_listed_in_bounded_time(tmp_path: Path) -> None:
    """However large is what stands for a class, at each of many levels; however many act."""
    inner: Any = {"class_name": ["x" * 30] * 200_000}
    for _ in range(180):
        inner = {"class_name": inner}
    path = json_file(tmp_path / "m.json", changed("config", "inner", value=inner))
    start = time.process_time()
    odd = "Functional has no argument 'inner' that is known, so Keras may not load it: model"
    assert read_model(path).warnings == (odd,)
    assert time.process_time() - start < 2
    acting = [{"class_name": "Lambda", "config": {"name": f"{i % 30_000}"}} for i in range(40_000)]
    path = json_file(tmp_path / "n.json", changed("config", "inner", value=acting))
    *warnings, last = read_model(path).warnings
    assert last == odd
    assert len(warnings) == 21
    assert warnings[-1] == "and 29,980 more"


EVIL = "\x1b[2J\u202eevil\n[bold]x\u200b"


@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown", "plain"])
def test_names_are_shown_harmlessly(tmp_path: Path, format: str) -> None:
    """Escapes, bidirectional controls and line ends never reach the output."""
    config = Config(8, 8, 3, name=EVIL)
    s = config.add("GlobalAveragePooling2D", config.input, keepdims=True, name=f"{EVIL}0")
    s = config.add("Dense", s, units=2, activation=EVIL, name=f"{EVIL}1")
    s = config.add("Dense", s, units=3, activation="sigmoid", name=f"{EVIL}2")
    x = config.add("Multiply", [config.input, s], name=f"{EVIL}3")
    x = config.add(f"Evil{EVIL}", x, name=f"{EVIL}4", module=EVIL)
    path = keras_file(tmp_path / "m.keras", config.model(x), {f"layers/{EVIL}/vars/0": (1,)})
    for options in ([], ["--layers"]):
        result = run_here(["inspect", str(path), "--format", format, *options])
        assert result.code == 0
        for sign in "\x1b\u202e\u200b":
            assert sign not in result.out
            assert sign not in result.err
        assert "\\x1b" in result.out
        assert "[bold]" in result.out.replace("\\[", "[").replace("\\]", "]")


@pytest.mark.parametrize("name", ['=HYPERLINK("http://evil")', "+1+cmd|x", "-1-a", "@SUM(a)"])
def test_a_name_is_no_formula_in_a_spreadsheet(tmp_path: Path, name: str) -> None:
    """An apostrophe keeps a cell of CSV a text; JSON has the name as it is."""
    config = Config(8, 8, 3)
    s = config.add("GlobalAveragePooling2D", config.input, keepdims=True)
    s = config.add("Dense", s, units=3, activation="sigmoid")
    path = json_file(tmp_path / "m.json", config.model(config.op("Multiply", s, name=name)))
    result = run_here(["inspect", str(path), "--layers", "--format", "csv"])
    cells = [cell for row in csv.reader(result.out.splitlines()) for cell in row]
    assert f"'{name}" in cells
    assert name not in cells
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@")]
    result = run_here(["inspect", str(path), "--layers", "--json"])
    assert json.dumps(name) in result.out


# What is refused.


def circle() -> dict[str, Any]:
    config = changed("config", "layers", 1, "inbound_nodes", value=tensor("norm"))
    config["config"]["output_layers"] = [["dense", 0, 0]]
    return config


def doubling(depth: int) -> dict[str, Any]:
    """Return a model that calls a model twice, which calls a model twice, and so on."""
    config = Config(4, 4, 1, name="m0")
    model = config.model(config.add("ReLU", config.input))
    for level in range(1, depth):
        inner = {**model, "name": model["config"]["name"], "inbound_nodes": []}
        config = Config(4, 4, 1, name=f"m{level}")
        config.layers.append(inner)
        first = config.call(inner["name"], config.input)
        second = config.call(inner["name"], first)
        model = config.model(second._replace(call=2))
    return model


def within_itself() -> dict[str, Any]:
    """Return a model that holds, as the same object, itself."""
    config = small() | {"name": "model", "shared_object_id": 7}
    config["config"]["layers"].append({**config, "config": {}, "inbound_nodes": []})
    return config


def sequential(*layers: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}


def without_input() -> dict[str, Any]:
    """Return a model of a TimeDistributed that is called on nothing."""
    config = Config(8, 3)
    dense = {"class_name": "Dense", "config": {"name": "dense", "units": 2}}
    return config.model(config.add("TimeDistributed", layer=dense, name="steps"))


BAD = {
    "a list": ([], "this is JSON, but not what model.to_json() writes"),
    "no class": ({"config": {}}, "this is JSON, but not what model.to_json() writes"),
    "a number for a class": ({"class_name": 3, "config": {}}, "the config has no class_name"),
    "no config": ({"class_name": "Functional"}, "the config of the config is not an object"),
    "a text for a config": (
        changed("config", value="x"),
        "the config of the config is not an object",
    ),
    "a layer": (small()["config"]["layers"][1], "the config of a Conv2D layer, not of a model"),
    "a null layer": (changed(*LAYERS, 1, value=None), "layer 1 of 'model' is not an object"),
    "a nameless class": (
        changed(*LAYERS, 1, "class_name", value=None),
        "layer 1 of 'model' has no class_name",
    ),
    "a number for a name": (
        changed(*LAYERS, 1, "name", value=7),
        "the name of layer 1 of 'model' is not a text",
    ),
    "a list for a module": (
        changed(*LAYERS, 1, "module", value=["keras", "layers"]),
        "the module of a layer of the class 'Conv2D' is not a text",
    ),
    "a number for a registered name": (
        changed(*LAYERS, 1, "registered_name", value=7),
        "the registered_name of a layer of the class 'Conv2D' is not a text",
    ),
    "one name for two": (
        changed(*LAYERS, 1, value=small()["config"]["layers"][2]),
        "two layers of 'model' are called 'norm'",
    ),
    "two names for one": (
        changed(*LAYERS, 1, "name", value="norm"),
        "layer 1 of 'model' has two names, 'norm' and 'conv'",
    ),
    "calls that are no list": (
        changed(*LAYERS, 1, "inbound_nodes", value={}),
        "the inbound_nodes of layer 1 of 'model' are not a list",
    ),
    "a call that is a text": (
        changed(*LAYERS, 1, "inbound_nodes", value=["x"]),
        "a call of 'conv' is neither an object nor a list",
    ),
    "an unknown layer": (
        changed(*LAYERS, 1, "inbound_nodes", value=tensor("gone")),
        "a call of 'conv' refers to a layer 'gone' that its model does not hold",
    ),
    "a text for a call": (
        changed(*LAYERS, 1, "inbound_nodes", value=tensor("norm", "0")),
        "a call of 'conv' refers to a tensor by something else than [name, call, output]",
    ),
    "a negative call": (
        changed(*LAYERS, 1, "inbound_nodes", value=tensor("norm", -1)),
        "a call of 'conv' refers to a tensor by something else than [name, call, output]",
    ),
    "true for a call": (
        changed(*LAYERS, 1, "inbound_nodes", value=tensor("norm", True)),
        "a call of 'conv' refers to a tensor by something else than [name, call, output]",
    ),
    "a call that is not there": (
        changed(*LAYERS, 2, "inbound_nodes", value=tensor("conv", 5)),
        "'norm' uses call 5 of 'conv', which is not there",
    ),
    "an output that is not there": (
        changed("config", "output_layers", value=[["pool", 9, 0]]),
        "'model' uses call 9 of 'pool', which is not there",
    ),
    "outputs by the thousand": (
        changed(*LAYERS, 2, "inbound_nodes", value=tensor("conv", 0, 10**9)),
        "reading it takes more than",
    ),
    "a text for a shape": (
        changed(*LAYERS, 1, "inbound_nodes", value=tensor("inputlayer_0", shape="8x8")),
        "a shape in a call of 'conv' is not a list of sizes",
    ),
    "a negative size": (
        changed(*LAYERS, 0, "config", "batch_shape", value=[None, -1, 8, 3]),
        "the shape of input 'inputlayer_0' is not a list of sizes",
    ),
    "a huge size": (
        changed(*LAYERS, 0, "config", "batch_shape", value=[None, 10**30, 8, 3]),
        "the shape of input 'inputlayer_0' is not a list of sizes",
    ),
    "a float for a size": (
        changed(*LAYERS, 0, "config", "batch_shape", value=[None, 8.0, 8, 3]),
        "the shape of input 'inputlayer_0' is not a list of sizes",
    ),
    "a shape of a thousand sizes": (
        changed(*LAYERS, 0, "config", "batch_shape", value=[8] * 1000),
        "the shape of input 'inputlayer_0' is not a list of sizes",
    ),
    "no outputs": (changed("config", "output_layers", value=[]), "'model' has no outputs"),
    "outputs that are a text": (
        changed("config", "output_layers", value="dense"),
        "the output_layers of 'model' are not a list of [name, call, output]",
    ),
    "an unknown output": (
        changed("config", "output_layers", value=["gone", 0, 0]),
        "the output_layers of 'model' refers to a layer 'gone' that its model does not hold",
    ),
    "an input that is none": (
        changed("config", "input_layers", value=[["conv", 0, 0]]),
        "an input of 'model' is not an InputLayer",
    ),
    "a circle": (circle(), "the layers of 'model' feed each other in a circle, through"),
    "an empty sequential": (sequential(), "'s' has no layers"),
    "a sequential of nothing": (sequential(None), "layer 0 of 's' is not an object"),
    "a TimeDistributed of nothing": (
        sequential({"class_name": "TimeDistributed", "config": {"name": "t", "layer": 3}}),
        "what 't' applies is not an object",
    ),
    "models that double": (
        doubling(28),
        "reading it takes more than",
    ),
    "a model within itself": (within_itself(), "two different things in it share the id 7"),
    "a TimeDistributed of no input": (
        without_input(),
        "'steps' is called with no input",
    ),
    "a TimeDistributed of itself": (
        sequential(
            {
                **(itself := {"class_name": "TimeDistributed", "shared_object_id": 7}),
                "config": {"name": "t", "layer": {**itself, "config": {"name": "t"}}},
            }
        ),
        "two different things in it share the id 7",
    ),
}


LARGE = ("models that double",)


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.slow] * (case in LARGE)) for case in BAD]
)
def test_a_bad_config_gets_its_line(tmp_path: Path, case: str) -> None:
    """One line that says what is wrong."""
    config, line = BAD[case]
    with pytest.raises(BadFile) as refusal:
        read_model(json_file(tmp_path / "m.json", config))
    assert line in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).isprintable()


ODD = [
    math.inf,
    math.nan,
    1e300,
    1.5,
    -1,
    10**18,
    True,
    None,
    "x",
    [],
    [[]],
    [None],
    ["x"],
    [1.5],
    [0, 0],
    {"x": 1},
]
OPTIONS = {
    "Mean": ("axis", "keepdims"),
    "AveragePooling2D": ("pool_size", "strides", "padding", "data_format"),
    "Conv2D": ("kernel_size", "filters", "strides", "dilation_rate", "groups", "use_bias"),
    "Conv1D": ("kernel_size", "filters", "data_format"),
    "DepthwiseConv2D": ("kernel_size", "depth_multiplier", "strides"),
    "Dense": ("units", "activation", "dtype"),
    "ReLU": ("max_value",),
    "BatchNormalization": ("axis", "scale", "center"),
    "LayerNormalization": ("axis", "epsilon"),
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "Concatenate": ("axis",),
    "UpSampling2D": ("size", "data_format"),
    "Cropping2D": ("cropping",),
    "Softmax": ("axis",),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("type", "option"), [(type, option) for type, options in OPTIONS.items() for option in options]
)
def test_an_option_of_a_wrong_type_is_read_or_refused(
    tmp_path: Path, type: str, option: str
) -> None:
    """In a gate, where the options of a layer tell what it is."""
    for value in ODD:
        config = Config(8, 8, 4)
        given = {"filters": 1, "kernel_size": [3, 3], "units": 4, "axis": [1, 2], "keepdims": True}
        x = config.input
        s = config.add(type, x, **given | {option: value})
        s = config.add("Dense", s, units=4, activation="sigmoid")
        pooled = config.op("Mean", x, axis=-1, keepdims=True)
        outputs = [
            config.add("Multiply", [x, s]),
            config.add("Multiply", [x, config.add(type, x, **given | {option: value})]),
            config.add("Multiply", [x, config.add(type, pooled, **given | {option: value})]),
        ]
        refusal(json_file(tmp_path / "m.json", config.model(*outputs)))


OTHERS = {
    "model.pkl": (b"\x80\x04\x95", "this is a Python pickle, which could run anything"),
    "open.json": (b'{"class_name": ', "the file is not JSON"),
    "empty.keras": (b"", "the file is empty"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_get_their_line(tmp_path: Path, name: str) -> None:
    """With the name in front, exit code 2 and nothing on stdout."""
    data, line = OTHERS[name]
    path = tmp_path / name
    path.write_bytes(data)
    result = run_here(["inspect", str(path)])
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"attn: {path}: {line}")
    assert result.err.count("\n") == 1


def test_hdf5_of_something_else_gets_its_line(tmp_path: Path) -> None:
    """HDF5 without a model or weights; a config that is no text."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.zeros(3)
    with pytest.raises(BadFile, match="neither a model nor weights that Keras saved"):
        read_model(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.attrs["model_config"] = 3
    with pytest.raises(BadFile, match="model_config is not a text"):
        read_model(tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(small())
        file.create_group("model_weights")
    with pytest.raises(BadFile, match="do not say which layers they belong to"):
        read_model(tmp_path / "c.h5")


VALUES = [
    None,
    True,
    -1,
    0,
    3,
    1.5,
    math.inf,
    math.nan,
    10**30,
    "x",
    "",
    [],
    {},
    [[]],
    {"class_name": "x"},
    [None] * 40,
]


def test_mutants_are_read_or_refused(tmp_path: Path) -> None:
    """Wrong types everywhere, thousands of times: never anything but a model or one line."""
    drawn = random.Random(5)
    originals = [small(), nested(), doubling(3)]
    path = tmp_path / "m.json"
    read = refused = 0
    for _ in range(1000):
        config = copy.deepcopy(drawn.choice(originals))
        for _ in range(drawn.randint(1, 3)):
            place, key = drawn.choice(list(places(config)))
            place[key] = copy.deepcopy(drawn.choice(VALUES))
        line = refusal(json_file(path, config))
        assert line is None or line.isprintable()
        refused += line is not None
        read += line is None
    assert read > 50
    assert refused > 100


def refusal(path: Path) -> str | None:
    """Return why a file is refused; None where it is read, and all is done with it."""
    try:
        model = read_model(path)
    except BadFile as error:
        return str(error)
    inspected(model)
    return None


def nested() -> dict[str, Any]:
    """Return a config with a nested model, a TimeDistributed, and ops."""
    inner = Config(8, 8, 4, name="inner")
    s = inner.add("GlobalAveragePooling2D", inner.input, keepdims=True)
    s = inner.add("Conv2D", s, filters=2, **SIZE)
    s = inner.op("Sigmoid", inner.add("Conv2D", s, filters=4, **SIZE))
    scaled = inner.op("Multiply", inner.input, s)
    config = Config(5, 8, 8, 4)
    x = config.add("TimeDistributed", config.input, layer=inner.model(scaled))
    x = config.op("Mean", x, axis=[1], keepdims=False)
    y: Tensor = config.add("MaxPooling2D", x, pool_size=[2, 2], strides=[2, 2], padding="valid")
    y = config.add("UpSampling2D", y, size=[2, 2], interpolation="nearest")
    x = config.add("Concatenate", [x, y], axis=-1)
    x = config.add("Reshape", x, target_shape=[-1, 8])
    return config.model(config.add("LSTM", x, units=3))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a config that can be changed."""
    found = []
    stack = [value]
    while stack:
        place = stack.pop()
        keys = place.keys() if isinstance(place, dict) else range(len(place))
        for key in keys:
            found.append((place, key))
            if isinstance(place[key], (dict, list)):
                stack.append(place[key])
    return found


def inspected(model: Model) -> None:
    """Do with a model all that is done with one."""
    from attn_cli.analysis.inspect import inspect
    from attn_cli.views import FORMATS, render
    from attn_cli.views.inspect import files_report, layers_report, report

    inspection = inspect("m.json", model)
    for format in FORMATS:
        render(report(inspection), format)
    render(files_report([inspection]), "table")
    render(layers_report(inspection, None), "plain")
    render(layers_report(inspection, 0), "table")


WATCH = """
import os, sys
seen = []
def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            seen.append(f"write {path}")
    elif event.split(".")[0] in ("socket", "subprocess", "shutil", "tempfile", "pickle", "ctypes"):
        seen.append(event)
    elif event in ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.mkdir", "os.remove"):
        seen.append(event)
sys.addaudithook(watch)
from attn_cli.cli.app import run
codes = [run(["inspect", path, *options]) for path in sys.argv[1:] for options in ([], ["--json"])]
heavy = {"tensorflow", "keras", "numpy", "h5py", "zipfile"} & sys.modules.keys()
print("seen:", codes, seen, sorted(heavy), file=sys.stderr)
"""


def test_inspecting_only_reads(tmp_path: Path) -> None:
    """No write, no socket, no process, and none of the heavy modules, whatever the file."""
    lambdas = Config(8, 8, 3)
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}
    output = lambdas.add("Lambda", lambdas.input, function=code)
    paths = [
        keras_file(tmp_path / "good.keras", small()),
        keras_file(tmp_path / "acting.keras", lambdas.model(output), {"layers/x/vars/0": (1,)}),
        json_file(tmp_path / "bad.json", circle()),
        *sorted((ROOT / "tests/data").glob("*.h5")),
    ]
    command = [sys.executable, "-c", WATCH, *map(str, paths)]
    # What Python compiles by itself is no write of attn's.
    env = environment({"PYTHONDONTWRITEBYTECODE": "1"})
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    codes = [0, 0, 0, 0, 2, 2, *[0] * 2 * (len(paths) - 3)]
    assert done.stderr.splitlines()[-1] == f"seen: {codes} [] []"


@pytest.mark.parametrize("name", ["tf_keras", "keras_3_5"])
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_damaged_files_are_read_or_refused(tmp_path: Path, name: str, suffix: str) -> None:
    """Bytes changed, cut out and put in: never anything but a model or one line."""
    original = (ROOT / "tests/data" / f"{name}{suffix}").read_bytes()
    drawn = random.Random(f"{name}{suffix}")
    path = tmp_path / "damaged"
    refused = 0
    for _ in range(300):
        data = bytearray(original)
        for _ in range(drawn.choice([1, 1, 3, 40])):
            place = drawn.randrange(len(data))
            match drawn.randrange(4):
                case 0 | 1:
                    data[place] = drawn.randrange(256)
                case 2:
                    del data[place : place + drawn.randrange(1, 200)]
                case 3:
                    data[place:place] = data[: drawn.randrange(1, 100)]
        path.write_bytes(data)
        line = refusal(path)
        assert line is None or line.isprintable()
        refused += line is not None
    assert refused > 100


@pytest.mark.slow
def test_models_are_costed_in_no_time(tmp_path: Path) -> None:
    """The largest config that is read, in less than the two seconds that any file may take."""
    config = Config(8, 8, 3)
    x = config.input
    for place in range(9000):
        x = config.op("Multiply", x, config.input, name=f"m{place}")
    path = json_file(tmp_path / "chain.json", config.model(x))
    start = time.process_time()
    assert refusal(path) is None
    assert time.process_time() - start < 8  # drawn in every format, on a slow machine
