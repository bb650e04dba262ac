"""What Keras would refuse is told: arguments, types of number, classes, what holds layers.

Whether it is what Keras refuses is held to Keras itself in tests/differential/test_refused.py.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from configs import Config

from attn_cli.operations import HOLDING, LAYERS, OPS, bind, entry
from attn_cli.operations.base import Opaque
from attn_cli.sources.saved import Model, read_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = [*((name, False) for name in (*LAYERS, *HOLDING)), *((name, True) for name in OPS)]


@pytest.mark.parametrize(("name", "is_op"), NAMES)
def test_what_an_argument_is_by_default_is_what_it_may_be(name: str, is_op: bool) -> None:
    """An entry works out what it understands when it is first bound, and refuses a bad default."""
    kind = entry(name, is_op=is_op)
    assert kind is not None
    kind.ready()


def why(type: str, config: dict[str, Any], keras_2: bool | None = False) -> str:
    """Return why a layer is not understood, and nothing where it is."""
    bound = bind(type, config, keras_2=keras_2)
    return bound.why if isinstance(bound, Opaque) else ""


DENSE = {"units": 3}
POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float16"}}
QUANTISED = {
    **POLICY,
    "class_name": "QuantizedDTypePolicy",
    "config": {"mode": "int8", "source_name": "float32"},
}
ZEROS = {"module": "keras.initializers", "class_name": "Zeros", "config": {}}
MINE = {"module": "mine", "class_name": "Mine", "config": {}, "registered_name": "Mine"}

TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("Dense", {"dtype": None}),
    ("Dense", {"dtype": "mixed_float16"}),
    ("Dense", {"dtype": POLICY}),
    ("Dense", {"dtype": {**POLICY, "config": {}}}),
    ("Dense", {"dtype": QUANTISED}),
    ("Dense", {"dtype": "int8_from_float32"}),
    ("Dense", {"dtype": {**POLICY, "module": "mine", "class_name": "Own"}}),
    ("Dense", {"bias_initializer": ZEROS, "kernel_regularizer": MINE}),
    ("Dense", {"bias_initializer": "zeros", "kernel_regularizer": "l2"}),
    ("Flatten", {"dtype": "int32"}),
    ("InputLayer", {"dtype": "string", "more": 3}),
]


@pytest.mark.parametrize(("type", "config"), TAKEN)
def test_what_keras_takes_is_understood(type: str, config: dict[str, Any]) -> None:
    assert why(type, {**(DENSE if type == "Dense" else {}), **config}) == ""


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Dense", {"unitss": 3}, "Dense has no argument 'unitss' that is known"),
    ("Dense", {"gamma_initializer": ZEROS}, "Dense has no argument 'gamma_initializer'"),
    ("ReLU", {"kernel_initializer": ZEROS}, "ReLU has no argument 'kernel_initializer'"),
    ("Dense", {"dynamic": False}, "Dense has no argument 'dynamic'"),
    ("RandomFlip", {"modes": "horizontal"}, "RandomFlip has no argument 'modes'"),
    ("RandomRotation", {"units": 3}, "RandomRotation has no argument 'units'"),
    ("RandomRotation", {"seed": None}, "RandomRotation: its factor is not told"),
    ("Dense", {"dtype": "float31"}, "Dense: Keras has no dtype 'float31'"),
    ("Dense", {"dtype": "half"}, "Dense: Keras has no dtype 'half'"),
    ("Dense", {"dtype": 3}, "Dense: Keras has no dtype 3"),
    ("Dense", {"dtype": {**POLICY, "class_name": "Policy"}}, "Dense: Keras has no dtype {"),
    ("Dense", {"dtype": {**POLICY, "config": {"x": 1}}}, "Dense: Keras has no dtype {"),
    ("Dense", {"dtype": {**POLICY, "module": None}}, "Dense: Keras has no dtype {"),
    ("Dense", {"dtype": "int32"}, "Dense: what it makes in int32 is not known"),
    ("InputLayer", {"dtype": "mixed_float16"}, "InputLayer: Keras has no tensors of 'mixed"),
    ("Dense", {"kernel_initializer": [1]}, r"Dense: Keras has no initializer [1]"),
    ("Dense", {"kernel_initializer": "x"}, "Dense: Keras has no initializer 'x'"),
    ("Dense", {"bias_constraint": ZEROS}, "Dense: Keras has no constraint {"),
    ("Dense", {"activity_regularizer": {}}, "Dense: Keras has no regularizer {}"),
    ("Dropout", {"rate": 3}, "Dropout: rate is a number from 0 to 1, not 3"),
    ("BatchNormalization", {"momentum": []}, "BatchNormalization: momentum is a number, not []"),
    ("Functional", {"name": "m", "layers": [1]}, "Functional: its input_layers is not told"),
]


@pytest.mark.parametrize(("type", "config", "line"), REFUSED)
def test_what_keras_refuses_is_unknown_and_why(
    type: str, config: dict[str, Any], line: str
) -> None:
    """Whatever is told, what a layer needs is there."""
    assert why(type, {**(DENSE if type == "Dense" else {}), **config}).startswith(line)


@pytest.mark.parametrize(
    ("type", "config"),
    [
        ("Dense", {"units": 3, "dtype": "half", "dynamic": False}),
        ("GRU", {"units": 3, "time_major": False}),
        (
            "SeparableConv2D",
            {"filters": 2, "kernel_size": 3, "groups": 1, "kernel_regularizer": "x"},
        ),
        (
            "Functional",
            {"name": "m", "layers": [1], "input_layers": [1], "output_layers": [1], "x": 1},
        ),
    ],
)
def test_what_keras_2_takes_is_not_unknown_because_keras_3_does_not(
    type: str, config: dict[str, Any]
) -> None:
    """Nor where it is not known which of the two wrote it."""
    assert why(type, config, keras_2=True) == why(type, config, keras_2=None) == ""
    assert why(type, config, keras_2=False)


def read(path: Path, model: dict[str, Any]) -> Model:
    path.write_text(json.dumps(model), encoding="utf-8")
    return read_model(path)


def small(**more: Any) -> dict[str, Any]:
    config = Config(4)
    return config.model(config.add("Dense", config.input, name="dense", units=3, **more))


def with_own(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Return a small model that is changed."""
    model = small()
    change(model)
    return model


ODD: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (
        lambda model: model["config"].update(dtype="float32"),
        "Functional has no argument 'dtype' that is known, so Keras may not load it: model",
    ),
    (
        lambda model: model["config"].pop("name"),
        "Functional: its name is not told, so Keras may not load it: Functional",
    ),
    (
        lambda model: model["config"]["layers"][0]["config"].update(dtype="x"),
        "InputLayer: Keras has no tensors of 'x', so Keras may not load it: inputlayer_0",
    ),
    (
        lambda model: model.update(module="mine", class_name="Net", registered_name="Net"),
        "mine>Net is no class of Keras', and may do more than its config tells, so Keras may not "
        "load it: model",
    ),
]


@pytest.mark.parametrize(("change", "line"), ODD)
def test_what_holds_layers_has_a_line_of_its_own(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], line: str
) -> None:
    """It has no costs that could say it."""
    assert read(tmp_path / "m.json", small()).warnings == ()
    warnings = read(tmp_path / "m.json", with_own(change)).warnings
    assert [each for each in warnings if "when loaded" not in each] == [line]


@pytest.mark.parametrize(
    ("type", "module"),
    [("Dense", "keras.ops"), ("Dense", None), ("Add", "keras"), ("Dense", "keras.initializers")],
)
def test_a_class_is_known_in_its_own_place_alone(
    tmp_path: Path, type: str, module: str | None
) -> None:
    """Keras looks for it where the file says, and nowhere where it says that it is not Keras'."""
    model = small()
    model["config"]["layers"][1] |= {"class_name": type, "module": module}
    graph = read(tmp_path / "m.json", model).graph
    assert graph is not None
    assert graph.nodes[-1].layer.type == f"{module or 'Custom'}>{type}"


def test_a_model_that_is_not_where_keras_has_it_tells_no_layers(tmp_path: Path) -> None:
    assert read(tmp_path / "m.json", {**small(), "module": "keras"}).graph is None


def test_a_shape_that_is_only_noted_is_said_to_be(tmp_path: Path) -> None:
    """Behind a layer that is not known: what follows from it is counted all the same."""
    config = Config(4)
    x = config.add("Mine", config.input, name="mine", module="mine")
    model = config.model(config.add("Dense", x, units=3))
    noted = model["config"]["layers"][2]["inbound_nodes"][0]["args"][0]["config"]
    assert not any("notes" in line for line in read(tmp_path / "m.json", model).warnings)
    noted["shape"] = [None, 7]
    found = read(tmp_path / "m.json", model)
    line = "layers of which what they do is not known, and the shape is as the file notes it: mine"
    assert line in found.warnings
    assert found.total == 24


@pytest.mark.parametrize("swapped", [False, True])
def test_weights_in_another_order_than_that_of_the_layers_are_said_to_be(
    tmp_path: Path, swapped: bool
) -> None:
    """Keras goes by the order in a legacy file, and not by the names."""
    inner, outer = Config(4, name="inner"), Config(4)
    x = inner.add("Dense", inner.input, name="one", units=3)
    x = outer.nested(inner, [inner.add("Dense", x, name="two", units=2)], outer.input)
    shapes = {"one/kernel": (4, 3), "one/bias": (3,), "two/kernel": (3, 2), "two/bias": (2,)}
    names = sorted(shapes, reverse=swapped, key=lambda name: name.split("/")[0])
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["keras_version"] = "3.8.0"
        file.attrs["model_config"] = outer.json(x)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"inputlayer_0", b"inner"]
        group.create_group("inputlayer_0").attrs["weight_names"] = np.array([], "S")
        weights = group.create_group("inner")
        weights.attrs["weight_names"] = [name.encode() for name in names]
        for name, shape in shapes.items():
            weights[name] = np.zeros(shape, "float32")
    found = read_model(tmp_path / "m.h5")
    line = "models whose weights are not in the order of their layers, in which Keras takes them"
    assert found.warnings == ((f"{line}: inner",) if swapped else ())
    assert (found.total, found.at_least) == (23, False)
