"""A file that two readers could read as two models is refused: Keras might load the other one."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from configs import Config, Tensor
from test_saved import keras_file

from attn_cli.errors import BadFile
from attn_cli.sources.saved import read_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def dense(units: int) -> dict[str, Any]:
    """Return the config of a model of one Dense layer on 8 numbers."""
    config = Config(8)
    return config.model(config.add("Dense", config.input, units=units, name="dense"))


def hdf5(units: int | None = None, user_block: int = 0) -> bytes:
    """Return weights, and with `units` the model that they are of, as a legacy file."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", userblock_size=user_block) as file:
        if units is None:
            file["layers/dense/vars/0"] = np.zeros((8, 1), "f4")
            file["layers/dense/vars/1"] = np.zeros(1, "f4")
        else:
            file.attrs["model_config"] = json.dumps(dense(units))
            weights = file.create_group("model_weights")
            weights.attrs["layer_names"] = ["dense"]
            group = weights.create_group("dense")
            group.attrs["weight_names"] = ["kernel", "bias"]
            group["kernel"] = np.zeros((8, units), "f4")
            group["bias"] = np.zeros(units, "f4")
    return stream.getvalue()


def member(name: str, extra: bytes = b"", comment: bytes = b"") -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.extra, info.comment = extra, comment
    return info


def archive(units: int = 1, **more: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    """Return a `.keras` file, with more members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        file.writestr("config.json", json.dumps(dense(units)))
        file.writestr("model.weights.h5", hdf5())
        for info, data in more.values():
            file.writestr(info, data)
    return stream.getvalue()


def with_hidden_hdf5() -> bytes:
    """Return a zip archive in which h5py finds a model: behind a user block, of the zip's own."""
    info = member("filler")
    size = 1 << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("config.json", json.dumps(dense(1)))
        file.writestr("model.weights.h5", hdf5())
        start = stream.tell() + 30 + len(info.filename)
        file.writestr(info, bytes(size - start) + hdf5(50, size)[size:])
    return stream.getvalue()


def named_anew(version: int = 1, name: bytes = b"config.json") -> bytes:
    """Return an archive with a member that has another name in a Unicode path field."""
    plain = b"notes.txt"
    field = struct.pack("<HHBL", 0x7075, 5 + len(name), version, zlib.crc32(plain)) + name
    return archive(more=(member(plain.decode(), field), json.dumps(dense(50)).encode()))


def with_two_directories() -> bytes:
    """Return an archive whose last member has a directory of its own for a comment.

    With zip64 records behind it, which Python follows also where nothing says that they are there.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        file.writestr("config.json", json.dumps(dense(1)))
        file.writestr("model.weights.h5", hdf5())
        begin = stream.tell() + 30 + len("other")
        other = bytearray(archive(50))
        end = other.rindex(b"PK\x05\x06")
        count, size, start = struct.unpack_from("<8xHHII", other, end)[1:]
        at = start
        for _ in range(count):
            (header,) = struct.unpack_from("<I", other, at + 42)
            struct.pack_into("<I", other, at + 42, header + begin)
            at += 46 + sum(struct.unpack_from("<HHH", other, at + 28))
        file.writestr(member("other"), other[:start])
        # The comment, of which the last part is what comes before the end record.
        place = stream.tell() + sum(46 + len(each.filename) for each in file.infolist())
        numbers = (44, 45, 45, 0, 0, count, count, size, place)
        record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", *numbers)
        locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, place + size, 1)
        file.infolist()[-1].comment = bytes(other[start:end]) + record + locator
    return stream.getvalue()


def with_text(name: str, value: Any, old: bytes, new: bytes) -> bytes:
    """Return a legacy file with an attribute of the model, some bytes of it exchanged."""
    stream = io.BytesIO(hdf5(1))
    with h5py.File(stream, "r+") as file:
        file.attrs[name] = value
    assert stream.getvalue().count(old) == 1
    return stream.getvalue().replace(old, new)


def with_two_shapes() -> bytes:
    """Return a legacy file with an array of which a second message tells the shape."""
    fill_value, shape = struct.pack("<HHB", 5, 8, 1), struct.pack("<HHB", 1, 8, 1)
    assert fill_value in hdf5(1)
    return hdf5(1).replace(fill_value, shape)


TWO_READINGS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "HDF5 with a zip behind it": (
        "model.keras",
        lambda: hdf5(1) + archive(50),
        "this is an HDF5 file and a zip archive at once",
    ),
    "HDF5 with a zip and its comment behind it": (
        "model.keras",
        lambda: hdf5(1) + archive(50)[:-2] + b"\x04\x00note",
        "this is an HDF5 file and a zip archive at once",
    ),
    "a zip with HDF5 in it, named .h5": (
        "model.h5",
        with_hidden_hdf5,
        "this is a zip archive, and Keras would read it as HDF5",
    ),
    "a zip with HDF5 in it, named .hdf5": (
        "model.hdf5",
        with_hidden_hdf5,
        "this is a zip archive, and Keras would read it as HDF5",
    ),
    "a zip with HDF5 in it, named otherwise": (
        "model",
        with_hidden_hdf5,
        "this is a zip archive and an HDF5 file at once",
    ),
    "a member with a second name": (
        "model.keras",
        named_anew,
        "'notes.txt' in the archive has a second name, 'config.json'",
    ),
    "an attribute whose name ends early": (
        "model.h5",
        lambda: with_text("model_config.x", "{}", b"model_config.x", b"model_config\0x"),
        "a text holds a NUL",
    ),
    "a text that ends early": (
        "model.h5",
        lambda: with_text("keras_version", np.bytes_("2.15.0"), b"2.15.0", b"2.\0005.0"),
        "a text holds a NUL",
    ),
    "an array of two shapes": ("model.h5", with_two_shapes, "is described twice"),
    "two directories": (
        "model.keras",
        with_two_directories,
        "bytes stand in the archive where none belong",
    ),
}


@pytest.mark.parametrize("case", TWO_READINGS)
def test_two_readings_are_refused(tmp_path: Path, case: str) -> None:
    """Whichever of them is the harmless one."""
    name, make, line = TWO_READINGS[case]
    path = tmp_path / name
    path.write_bytes(make())
    with pytest.raises(BadFile, match=line):
        read_model(path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.h5", hdf5(1)),
        ("model.keras", hdf5(1)),  # as Keras 2 wrote it before 2.12
        ("model", hdf5(1)),
        ("model.keras", archive()),
        ("model", archive()),
        ("model.h5", hdf5(1) + archive(50)),  # nobody looks for a zip in it
        ("model.keras", with_hidden_hdf5()),  # nobody looks for HDF5 in it
        ("model.keras", named_anew(name=b"notes.txt")),
    ],
)
def test_one_reading_is_read(tmp_path: Path, name: str, data: bytes) -> None:
    """By whatever name, as long as all agree."""
    path = tmp_path / name
    path.write_bytes(data)
    assert read_model(path).total == 9


# Configs that Keras reads as another model than the one that they seem to be.


def called(name: str) -> dict[str, Any]:
    """Return the config of a model of a layer that has another name in its place."""
    config = dense(1)
    config["config"]["layers"][1]["name"] = name
    return config


def row(*, shape: list[int | None] | None = None, **more: Any) -> dict[str, Any]:
    """Return a Sequential of a Dense layer that is built on 8 numbers."""
    layer = dense(1)["config"]["layers"][1] | {"inbound_nodes": []}
    if shape:
        layer["config"]["batch_input_shape"] = shape
    inside = {"name": "row", "layers": [layer], "build_input_shape": [None, 8], **more}
    return {"module": "keras", "class_name": "Sequential", "config": inside}


def input_of(**more: Any) -> dict[str, Any]:
    config = dense(1)
    config["config"]["layers"][0]["config"] |= more
    return config


def sharing(**other: Any) -> dict[str, Any]:
    """Return a model of two layers under one id."""
    config = Config(8)
    x = config.add("Dense", config.input, units=8, name="a")
    model = config.model(config.add("Dense", x, units=8, name="b"))
    for layer in model["config"]["layers"][1:]:
        layer["shared_object_id"] = 7
    model["config"]["layers"][2] |= other
    return model


def hiding() -> dict[str, Any]:
    """Return a model with a layer under the id of another one, in the place of a function."""
    model = dense(1)
    layer = model["config"]["layers"][1]
    hidden = {**layer, "config": {"name": "dense", "units": 50}, "shared_object_id": 7}
    before = {**layer, "name": "before", "config": {"name": "before", "units": 8}}
    before["config"]["kernel_initializer"] = hidden
    layer["shared_object_id"] = 7
    model["config"]["layers"].insert(1, before)
    return model


def called_before() -> dict[str, Any]:
    """Return a model whose output is a call of a nested model that is before its first."""
    inner, outer = Config(8, name="inner"), Config(8)
    first = outer.nested(inner, [inner.add("ReLU", inner.input)], outer.input)
    outer.call("inner", first)
    return outer.model(first)


def built_on(build: Any) -> dict[str, Any]:
    """Return a model of a norm that is built before it is called."""
    config = Config(8)
    model = config.model(config.add("LayerNormalization", config.input, axis=[-1], name="norm"))
    model["config"]["layers"][1]["build_config"] = build
    return model


def called_twice() -> dict[str, Any]:
    """Return a model of a norm that is called on one number, and on eight."""
    config = Config(1)
    other = config.new_input(8)
    config.add("LayerNormalization", config.input, axis=[-1], name="norm")
    return config.model(Tensor("norm"), config.call("norm", other))


def nested_on(size: int) -> dict[str, Any]:
    inner, outer = Config(size, name="inner"), Config(8)
    x = inner.add("LayerNormalization", inner.input, axis=[-1], name="norm")
    return outer.model(outer.nested(inner, [x], outer.input)._replace(call=1))


def without(index: int, *path: str) -> dict[str, Any]:
    """Return a model with a layer that lacks what Keras looks for."""
    config = Config(8)
    model = config.model(config.add("Dense", config.input, units=1))
    *way, last = path
    place = model["config"]["layers"][index]
    for key in way:
        place = place[key]
    del place[last]
    return model


def unlisted() -> dict[str, Any]:
    config = Config(8)
    model = config.model(config.add("Add", [config.input, config.new_input(8)]))
    del model["config"]["input_layers"][1]
    return model


def needless() -> dict[str, Any]:
    config = Config(8)
    x = config.add("Dense", config.input, units=1)
    config.add("Dense", config.input, units=50, name="other")
    return config.model(x)


def input_at(call: int, output: int) -> dict[str, Any]:
    """Return a model with an input that is another call of it, and a layer that nothing needs."""
    model = needless()
    model["config"]["input_layers"][0][1:] = [call, output]
    return model


CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "a functional model without outputs": (
        row() | {"class_name": "Functional", "module": "keras.src.models.functional"},
        "'row' has no outputs",
    ),
    "a Sequential without a list": (row(layers={}), "the layers of 'row' are not a list"),
    "a first layer on something else": (
        row(shape=[None, 100]),
        "the shape of the input of 'row' is noted in different ways",
    ),
    "an input of two shapes": (
        input_of(batch_input_shape=[None, 100]),
        "the shape of input 'inputlayer_0' is noted in different ways",
    ),
    "two names": (called("other"), "two names, 'other' and 'dense'"),
    "two layers under one id": (sharing(), "two different things in it share the id 7"),
    "an id that is none": (
        sharing(shared_object_id="x"),
        "a shared_object_id of its config is not a whole number",
    ),
    "a layer hidden in another": (hiding(), "two different things in it share the id 7"),
    "a layer built on something else": (
        built_on({"input_shape": [None, 1]}),
        r"'norm' is built on \(None, 1\) and called on \(None, 8\), for which it has other weights",
    ),
    "a layer built on something else, by name": (
        built_on({"shapes_dict": {"input_shape": [None, 1]}}),
        r"'norm' is built on \(None, 1\) and called on \(None, 8\), for which it has other weights",
    ),
    "a layer that is said to be built": (
        built_on({"x": 1}),
        "what layer 1 of 'model' is built on is not told as Keras does",
    ),
    "a layer that is said to be built, by a list": (
        built_on([1]),
        "what layer 1 of 'model' is built on is not told as Keras does",
    ),
    "a layer without a name beside its config": (
        without(1, "name"),
        "layer 1 of 'model' has no name or no inbound_nodes beside its config",
    ),
    "a layer without calls": (
        without(0, "inbound_nodes"),
        "layer 0 of 'model' has no name or no inbound_nodes beside its config",
    ),
    "an input without a shape": (
        without(0, "config", "batch_shape"),
        "no shape is noted for input 'inputlayer_0'",
    ),
    "an input that is not listed": (unlisted(), "'inputlayer_1' is an InputLayer of 'model'"),
    "a layer that nothing needs": (needless(), "no output of 'model' needs its layer 'other'"),
    "an input of another call": (
        input_at(5, 0),
        "an input of 'model' is call 5 of 'inputlayer_0' and output 0, where an input has one",
    ),
    "an input of another output": (
        input_at(0, 1),
        "an input of 'model' is call 0 of 'inputlayer_0' and output 1, where an input has one",
    ),
    "a layer called on something else": (
        called_twice(),
        r"'norm' is called on \(None, 1\) and on \(None, 8\), for which it has other weights",
    ),
    "a model called on something else": (
        nested_on(1),
        r"'inner' takes \(None, 1\) and is called on \(None, 8\)",
    ),
    "an input behind others": (
        row(layers=dense(1)["config"]["layers"][::-1]),
        "an input of 'row' is not its first layer",
    ),
    "a version that did not write it": (
        dense(1) | {"keras_version": "2.15.0"},
        "not as Keras 2 notes them, which is said to have written the file",
    ),
    "a flag that is none": (
        input_of(trainable="false"),
        "whether layer 0 of 'model' is trained is told by something else than true or false",
    ),
    "a call before the first": (
        called_before(),
        "refers to a call of 'inner' before the first",
    ),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_config_of_two_readings_is_refused(tmp_path: Path, case: str) -> None:
    """Keras goes by one of its words, and who looks at it by another."""
    config, line = CONFIGS[case]
    path = tmp_path / "model.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BadFile, match=line):
        read_model(path)


def test_a_sequential_is_read_as_one(tmp_path: Path) -> None:
    """Its layers in their order, whatever else its config says of how they are connected."""
    config = Config(8)
    first = config.add("Dense", config.input, units=8)
    config.add("Dense", config.input, units=3)
    path = tmp_path / "model.json"
    model = config.model(first) | {"class_name": "Sequential", "registered_name": None}
    path.write_text(json.dumps(model), encoding="utf-8")
    graph = read_model(path).graph
    assert graph is not None
    assert [node.output_shapes for node in graph.nodes] == [((None, n),) for n in (8, 8, 3)]


def test_a_call_on_nothing_is_told_as_one(tmp_path: Path) -> None:
    """The first call decides of the weights, and takes no tensor; those that are stored differ."""
    model = dense(5)
    model["config"]["layers"][1]["inbound_nodes"].insert(0, {"args": [], "kwargs": {}})
    model["config"]["output_layers"] = [["dense", 0, 0], ["dense", 1, 0]]
    weights = {"layers/dense/vars/0": (8, 1), "layers/dense/vars/1": (1,)}
    path = keras_file(tmp_path / "model.keras", model, weights)
    line = r"'dense' is called on nothing and on \(None, 8\), for which it has other weights"
    with pytest.raises(BadFile, match=line):
        read_model(path)


@pytest.mark.parametrize("units", [2, 50])
def test_weights_of_another_layer_are_refused(tmp_path: Path, units: int) -> None:
    """Keras makes the weights that the config says, and takes no others for them."""
    for name, data in (("model.keras", archive(units)), ("model.h5", hdf5(1))):
        path = tmp_path / name
        path.write_bytes(data.replace(b'"units": 1', b'"units": 5') if name == "model.h5" else data)
        with pytest.raises(BadFile, match="the weights stored for 'dense' are not those of its co"):
            read_model(path)


def alone(tmp_path: Path, config: Any) -> tuple[int, bool]:
    """Return how many params a config has, and whether there may be more."""
    path = tmp_path / "alone.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    model = read_model(path)
    return model.total, model.at_least


def test_a_size_of_a_vocabulary_is_no_shape(tmp_path: Path) -> None:
    """An Embedding that is first has a word for it that once told the shape of what goes in."""
    layer = {"class_name": "Embedding", "config": {"name": "e", "input_dim": 9, "output_dim": 2}}
    inside = {"name": "row", "layers": [layer], "build_input_shape": [None, 8]}
    assert alone(tmp_path, {"class_name": "Sequential", "config": inside}) == (18, False)


@pytest.mark.parametrize(
    ("policy", "size"),
    [
        (None, 36),
        ("float16", 18),
        ("mixed_float16", 36),
        ("half", 0),
        ({"class_name": "DTypePolicy", "config": {"name": "float64"}}, 72),
        ({"class_name": "DTypePolicyMap", "config": {"default_policy": "float16"}}, 0),
    ],
)
def test_weights_are_of_a_type_that_is_known(tmp_path: Path, policy: Any, size: int) -> None:
    """Or nothing is told of them."""
    model = dense(1)
    model["config"]["layers"][1]["config"]["dtype"] = policy
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    read = read_model(path)
    assert (read.bytes, read.at_least) == (size, not size)


def test_what_is_not_known_to_be_an_op_may_have_weights(tmp_path: Path) -> None:
    """A module of ops that is not Keras' own; a layer that leaves out what ops do not have."""
    model = dense(1)
    model["config"]["layers"][1]["module"] = "mine.ops.dense"
    assert alone(tmp_path, model) == (0, True)
    model = dense(1)
    model["config"]["layers"][1]["module"] = "keras.src.ops.function_test"  # which has Dense
    assert alone(tmp_path, model) == (0, True)
    layer: Any = {"class_name": "Dense", "config": {"units": 1, "batch_input_shape": [None, 8]}}
    model = {"class_name": "Sequential", "config": {"name": "row", "layers": [layer]}}
    assert alone(tmp_path, model) == (9, False)


@pytest.mark.parametrize(
    ("key", "value", "known"),
    [
        ("activation", {"class_name": "LeakyReLU", "config": {}}, True),
        ("activation", {"class_name": "PReLU", "config": {}}, True),
        ("activation", {"class_name": "PReLU", "config": {}, "build_config": {}}, False),
        ("kernel_regularizer", {"class_name": "L2", "config": {"l2": 0.1}}, True),
        ("kernel_regularizer", {"class_name": "Dense", "config": {"units": 9}}, False),
        ("kernel_regularizer", {"class_name": "Sequential", "config": {}}, False),
    ],
)
def test_a_layer_in_place_of_a_function_may_count(
    tmp_path: Path, key: str, value: Any, known: bool
) -> None:
    """Keras tracks it like any other."""
    model = dense(1)
    model["config"]["layers"][1]["config"][key] = value
    assert alone(tmp_path, model) == ((9, False) if known else (0, True))


def test_a_class_of_one_s_own_is_not_keras_own(tmp_path: Path) -> None:
    """By whatever of its names it is taken for one."""
    model = dense(1)
    model["config"]["layers"][1]["registered_name"] = "mine>Dense"
    assert alone(tmp_path, model) == (0, True)


def test_shapes_are_those_that_keras_makes(tmp_path: Path) -> None:
    """Where another one is noted, what follows from it is not known."""
    config = Config(8)
    x = config.add("Dense", config.input, units=2)
    model = config.model(config.add("Dense", x, units=1))
    assert alone(tmp_path, model) == (18 + 3, False)
    (node,) = model["config"]["layers"][2]["inbound_nodes"]
    node["args"][0]["config"]["shape"] = [None, 2]
    assert alone(tmp_path, model) == (18 + 3, False)
    node["args"][0]["config"]["shape"] = [None, 100]
    assert alone(tmp_path, model) == (18, True)


def test_no_shape_is_believed_behind_one_that_is_not(tmp_path: Path) -> None:
    """Nor where a layer is told something that it cannot be told."""
    config = Config(8)
    x = config.add("Dense", config.input, units=2)
    x = config.add("ReLU", x)
    model = config.model(config.add("Dense", x, units=1))
    nodes = [layer["inbound_nodes"][0]["args"][0] for layer in model["config"]["layers"][2:]]
    for node in nodes:
        node["config"]["shape"] = [None, 100]
    assert alone(tmp_path, model) == (18, True)
    nodes[0]["config"]["shape"] = [None, 2]
    model["config"]["layers"][2]["config"]["max_value"] = ["x"]
    model["config"]["layers"][2]["config"]["shape"] = 3
    assert alone(tmp_path, model) == (18, True)


@pytest.mark.parametrize(
    ("type", "config", "shape", "noted"),
    [
        ("Conv2D", {"filters": 4, "kernel_size": [3, 3]}, (None, None, 4), [None, 8, 8, 4]),
        ("Conv2D", {"filters": 4, "kernel_size": [9, 9]}, (8, 8, 4), [None, 8, 8, 4]),
        ("Reshape", {"target_shape": [7, 7]}, (8, 8, 4), [None, 3, 3, 3]),
        ("Permute", {"dims": [1, 2]}, (8, 8, 4), [None, 3, 3, 3]),
        ("Cropping2D", {"cropping": [[5, 5], [0, 0]]}, (8, 8, 4), [None, 8, 8, 4]),
        ("UpSampling2D", {"size": [2**30, 2**30]}, (8, 8, 4), [None, 8, 8, 4]),
    ],
)
def test_no_shape_is_believed_that_a_layer_cannot_make(
    tmp_path: Path, type: str, config: dict[str, Any], shape: Any, noted: list[int | None]
) -> None:
    """Where it leaves a size open, refuses what it gets, or makes more than there is."""
    made = Config(*shape)
    x = made.add("Flatten", made.add(type, made.input, name="x", **config))
    model = made.model(made.add("Dense", x, units=3))
    for layer, told in zip(model["config"]["layers"][2:], (noted, [None, 256]), strict=True):
        layer["inbound_nodes"][0]["args"][0]["config"]["shape"] = told
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    read = read_model(path)
    assert read.at_least
    assert read.graph is not None
    assert {node.cost.macs for node in read.graph.nodes if node.layer.type == "Dense"} == {None}


def test_of_outputs_that_are_not_there_nothing_is_noted(tmp_path: Path) -> None:
    """A Dense has one."""
    config = Config(4)
    x = config.add("Dense", config.input, name="d", units=3)
    model = config.model(config.add("Dense", x._replace(output=1), units=2))
    model["config"]["layers"][2]["inbound_nodes"][0]["args"][0]["config"]["shape"] = [None, 999]
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    with pytest.raises(BadFile, match="uses output 1 of 'd', which has 1"):
        read_model(path)


def test_weights_in_another_format_are_said_to_be_there(tmp_path: Path) -> None:
    """Keras reads them: they are those of the config."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps(dense(1)))
        file.writestr("model.weights.npz", b"")
    model = read_model(path)
    assert model.total == 9
    (line,) = model.warnings
    assert line.startswith("its weights are in model.weights.npz, which is not read")


def test_what_a_layer_is_built_on_is_ignored_without_a_module(tmp_path: Path) -> None:
    """As Keras does: it reads such a layer in the way of Keras 2, which noted none."""
    path = tmp_path / "m.json"
    model = built_on({"input_shape": [None, 1]})
    del model["config"]["layers"][1]["module"]
    path.write_text(json.dumps(model))
    assert read_model(path).total == 16


def test_a_name_of_a_layer_and_an_op_is_the_layer_without_a_module(tmp_path: Path) -> None:
    """Concatenate without an axis joins the last one as a layer, the first one as an op."""
    config = Config(4)
    model = config.model(config.add("Concatenate", [config.input, config.input]))
    del model["config"]["layers"][1]["module"]
    model["config"]["layers"][1]["config"] = {"name": model["config"]["layers"][1]["name"]}
    path = tmp_path / "m.json"
    path.write_text(json.dumps(model))
    graph = read_model(path).graph
    assert graph is not None
    assert graph.output_shapes == ((None, 8),)


def test_an_input_that_no_output_needs_is_named(tmp_path: Path) -> None:
    """Keras' model takes it too: whoever calls it has to hand it in."""
    config = Config(4)
    other = config.new_input(4)
    path = tmp_path / "m.json"
    path.write_text(json.dumps(config.model(config.add("ReLU", config.input))))
    assert read_model(path).warnings == (f"inputs that no output needs: {other.name}",)


def test_an_input_that_is_taken_twice_is_named(tmp_path: Path) -> None:
    config = Config(4)
    model = config.model(config.add("ReLU", config.input))
    model["config"]["input_layers"] *= 2
    path = tmp_path / "m.json"
    path.write_text(json.dumps(model))
    assert read_model(path).warnings == (f"inputs that it takes twice: {config.input.name}",)
