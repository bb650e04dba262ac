"""Whatever stands for an argument of a layer, a file is inspected and drawn, or gets one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from process import run_here

from attn_cli.operations import LAYERS, OPS, entry
from attn_cli.views import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

HUGE = 2**31 - 1
INTEGERS = st.sampled_from([0, -1, 1, 2, 3, 7, 16, HUGE, -HUGE, HUGE + 1, 2**63, 10**38])
SIMPLE = st.one_of(
    INTEGERS,
    st.sampled_from([None, True, False, 0.0, -0.5, 1e308, -1e308, 1e-308]),
    st.sampled_from(
        ["", "same", "valid", "channels_first", "relu", "ab,bc->ac", "x" * 1000, "\x1b"]
    ),
)
LARGE = st.sampled_from(
    [[HUGE] * 16, [HUGE] * 500, [1] * 10_000, [0] * 3, list(range(100_000)), ["a"] * 300, [[]] * 20]
)
VALUES = st.one_of(
    SIMPLE,
    st.lists(INTEGERS, max_size=6),
    st.lists(SIMPLE, max_size=4),
    st.lists(st.lists(INTEGERS, max_size=3), max_size=4),
    st.dictionaries(st.sampled_from(["class_name", "config", "name", "x"]), SIMPLE, max_size=3),
    LARGE,
)
SHAPES = st.lists(st.sampled_from([None, 0, 1, 2, 8, 8, 8, 16, HUGE]), min_size=0, max_size=6).map(
    lambda sizes: [None, *sizes]
)
KINDS = [*((name, False) for name in LAYERS), *((name, True) for name in OPS)]


def tensor(name: str) -> dict[str, Any]:
    history = {"shape": None, "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": history}


def layer(
    type: str,
    name: str,
    config: dict[str, Any],
    args: Sequence[Any],
    is_op: bool = False,
    **more: Any,
) -> dict[str, Any]:
    return {
        "class_name": type,
        "module": "keras.src.ops.numpy" if is_op else "keras.layers",
        "name": name,
        "config": {"name": name, **({} if is_op else {"trainable": True}), **config},
        "inbound_nodes": [{"args": args, "kwargs": more}] if args else [],
    }


def model_of(layers: Sequence[Any], outputs: Sequence[str], input: str) -> dict[str, Any]:
    ends = {"input_layers": [[input, 0, 0]], "output_layers": [[name, 0, 0] for name in outputs]}
    return {
        "class_name": "Functional",
        "module": "keras.src.models.functional",
        "config": {"name": "m", "layers": layers, **ends},
    }


@st.composite
def models(draw: st.DrawFn, kinds: Sequence[tuple[str, bool]] = KINDS) -> dict[str, Any]:
    """Draw a model of a few layers, each with arguments of its own, that may gate what goes in."""
    shape = draw(SHAPES)
    layers = [layer("InputLayer", "i", {"batch_shape": shape}, ())]
    names = ["i"]
    for place in range(draw(st.integers(1, 4))):
        type, is_op = draw(st.sampled_from(kinds))
        known = entry(type, is_op=is_op)
        assert known is not None
        known.ready()
        arguments = [*known.arguments, "dtype", "activation"]
        config = draw(st.dictionaries(st.sampled_from(arguments), VALUES, max_size=4))
        for required in known.required:
            if draw(st.booleans()):
                config.setdefault(required, draw(VALUES))
        given = [draw(st.sampled_from(names)) for _ in range(draw(st.integers(1, 3)))]
        args: list[Any] = [tensor(name) for name in given]
        if draw(st.booleans()):
            args = [args]
        if draw(st.integers(0, 3)) == 0:
            args.append(draw(VALUES))
        at_call = {name: draw(VALUES) for name in known.at_call if draw(st.booleans())}
        name = f"x{place}"
        made = layer(type, name, config, args, is_op, **at_call)
        if not is_op and draw(st.integers(0, 5)) == 0:
            inner = {key: value for key, value in made.items() if key != "inbound_nodes"}
            made = layer("TimeDistributed", name, {"layer": inner}, args)
        layers.append(made)
        names.append(name)
    layers.append(layer("Multiply", "g", {}, [[tensor("i"), tensor(names[-1])]]))
    return model_of(layers, ["g", *names[1:]], "i")


# Gates, each a layer a line: its type, its arguments, what it is called on; "x" is the feature map.
GATES: dict[str, list[tuple[str, dict[str, Any], list[Any]]]] = {
    "se": [
        ("GlobalAveragePooling2D", {"keepdims": True}, ["x"]),
        ("Dense", {"units": 2, "activation": "relu"}, [0]),
        ("Dense", {"units": 8, "activation": "sigmoid"}, [1]),
        ("Multiply", {}, [["x", 2]]),
    ],
    "eca": [
        ("GlobalAveragePooling2D", {}, ["x"]),
        ("Reshape", {"target_shape": [-1, 1]}, [0]),
        ("Conv1D", {"filters": 1, "kernel_size": [3], "strides": [1], "padding": "same"}, [1]),
        ("Activation", {"activation": "sigmoid"}, [2]),
        ("Permute", {"dims": [2, 1]}, [3]),
        ("Reshape", {"target_shape": [1, 1, 8]}, [4]),
        ("Multiply", {}, [["x", 5]]),
    ],
    "spatial": [
        ("ops.Mean", {"axis": -1, "keepdims": True}, ["x"]),
        ("ops.Max", {"axis": -1, "keepdims": True}, ["x"]),
        ("Concatenate", {"axis": -1}, [[0, 1]]),
        ("ZeroPadding2D", {"padding": [[1, 1], [1, 1]]}, [2]),
        ("Conv2D", {"filters": 1, "kernel_size": [3, 3], "activation": "sigmoid"}, [3]),
        ("ops.Multiply", {}, ["x", 4]),
    ],
    "ops": [
        ("ops.Sum", {"axis": [1, 2], "keepdims": False}, ["x"]),
        ("ops.Divide", {}, [0, 64]),
        ("ops.ExpandDims", {"axis": [1, 2]}, [1]),
        ("ops.Pad", {"pad_width": [[0, 0], [0, 0], [0, 0], [1, 1]], "mode": "constant"}, [2]),
        ("ops.GetItem", {}, [3, [{"class_name": "__ellipsis__", "config": {}}, 1]]),
        ("ops.Einsum", {"subscripts": "bij,bijc->bijc"}, [4, "x"]),
        ("ops.Sigmoid", {}, [5]),
        ("ops.Split", {"indices_or_sections": 2, "axis": -1}, [6]),
        ("ops.Tile", {"repeats": [1, 1, 1, 2]}, [7]),
        ("ops.Transpose", {"axes": [0, 1, 2, 3]}, [8]),
        ("ops.Repeat", {"repeats": 1, "axis": 1}, [9]),
        ("ops.BroadcastTo", {"shape": [None, 8, 8, 8]}, [10]),
        ("ops.Multiply", {}, ["x", 11]),
    ],
    "einsum": [
        ("EinsumDense", {"equation": "bhwc,cs->bhws", "output_shape": [8, 8, 2]}, ["x"]),
        ("LayerNormalization", {"axis": [-1]}, [0]),
        ("Softmax", {"axis": [1, 2]}, [1]),
        ("UpSampling2D", {"size": [1, 1]}, [2]),
        ("Cropping2D", {"cropping": [[0, 0], [0, 0]]}, [3]),
        ("Dense", {"units": 8, "activation": "sigmoid"}, [4]),
        ("Multiply", {}, [["x", 5]]),
    ],
}


@st.composite
def gates(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a gate with one to three of its values changed."""
    layers = [
        layer("InputLayer", "x", {"batch_shape": draw(SHAPES | st.just([None, 8, 8, 8]))}, ())
    ]
    for place, (type, config, args) in enumerate(GATES[draw(st.sampled_from(sorted(GATES)))]):
        name = type.removeprefix("ops.")
        given = [named(each) for each in args]
        layers.append(layer(name, f"y{place}", {**config}, given, is_op=name != type))
    for _ in range(draw(st.integers(1, 3))):
        changed = draw(st.sampled_from(layers[1:]))
        config, nodes = changed["config"], changed["inbound_nodes"]
        names = sorted(set(config) - {"name", "trainable"})
        if names and draw(st.integers(0, 4)):
            config[draw(st.sampled_from(names))] = draw(VALUES)
        elif nodes:
            args = nodes[0]["args"]
            args[draw(st.integers(0, len(args) - 1))] = draw(VALUES)
    return model_of(layers, [each["name"] for each in reversed(layers[1:])], "x")


def named(value: Any) -> Any:
    """Return an argument of GATES as Keras writes it."""
    if isinstance(value, list) and not any(isinstance(each, dict) for each in value):
        return [named(each) for each in value]
    if value == "x":
        return tensor("x")
    return tensor(f"y{value}") if isinstance(value, int) and value < 20 else value


@pytest.mark.slow
@settings(max_examples=400)
@given(
    model=st.one_of(models(), gates()), format=st.sampled_from(list(FORMATS)), layers=st.booleans()
)
def test_any_value_is_drawn_or_refused(
    tmp_path_factory: pytest.TempPathFactory, model: dict[str, Any], format: str, layers: bool
) -> None:
    """In every format, without any exception but ours."""
    path = tmp_path_factory.getbasetemp() / "m.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    code, out, err = run_here(["inspect", str(path), "--format", format, *["--layers"] * layers])
    assert code in (0, 2)
    assert err.count("\n") == (code == 2)
    assert "\x1b" not in out + err
