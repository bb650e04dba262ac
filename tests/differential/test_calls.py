"""What a model inside another is called with, held against what Keras calculates, by numbers.

Models that scale and subtract: what comes out tells which tensor went where.
"""

from __future__ import annotations

import json
import random
import secrets
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import mutants
import numpy as np
import pytest
from catalogue import world
from draw import handed, taking
from files import quiet, saved
from hypothesis import settings

from attn_cli.errors import AttnError
from attn_cli.graph import UNKNOWN
from attn_cli.sources.saved import read_model
from attn_cli.tf.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from attn_cli.graph import Graph

GIVEN = {"p": 1.0, "q": 10.0, "r": 100.0}


def inputs_of(keras: Any) -> list[Any]:
    return [keras.Input((4,), name=name) for name in GIVEN]


def calculated(graph: Graph) -> list[float]:
    """Return what comes out of a graph."""
    values: list[float] = []
    for node in graph.nodes:
        taken = [values[ref.node] for ref in node.inputs]
        match node.layer.type:
            case "InputLayer":
                values.append(GIVEN[node.layer.name])
            case "Rescaling":
                values.append(node.layer.config["scale"] * taken[0])
            case "Subtract":
                values.append(taken[0] - taken[1])
            case type:
                raise AssertionError(type)
    return [round(values[ref.node]) for ref in graph.outputs]


def true(keras: Any, model: Any) -> list[float]:
    """Return what comes out of a model."""
    flatten = keras.tree.flatten if hasattr(keras, "tree") else _flatten
    given = [np.full((1, *each.shape[1:]), GIVEN[each.name], "float32") for each in model.inputs]
    return [round(float(np.ravel(each)[0])) for each in flatten(model(given))]


def _flatten(value: Any) -> list[Any]:
    import tensorflow as tf

    flat: list[Any] = tf.nest.flatten(value)
    return flat


def loaded(keras: Any, path: Path) -> list[float] | None:
    """Return what comes out of the model that Keras loads, None where it refuses."""
    try:
        with mutants.bounded(2):
            if path.suffix == ".json":
                model = keras.models.model_from_json(path.read_text(encoding="utf-8"))
            else:
                model = keras.models.load_model(path)
            return true(keras, model)
    except Exception:  # whatever Keras has against it
        return None


def said(graph_of: Callable[[], Graph | None]) -> list[float] | None:
    """Return what comes out by a graph, None where there is none."""
    try:
        graph = graph_of()
    except AttnError:
        return None
    assert graph is not None
    return calculated(graph)


def inner_of(keras: Any, taken: Any) -> Any:
    """Return a model that takes its inputs like this, each scaled by a number of its own."""
    inputs = {name: keras.Input((4,), name=name) for name in ("a", "aa", "b", "ba")}

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        return [filled(each) for each in value] if isinstance(value, list) else inputs[value]

    struct = filled(taken)
    scales = dict(zip(inputs, (2.0, 3.0, 5.0, 7.0), strict=True))
    flat = [name for name in inputs if f"'{name}'" in str(taken) or name == taken]
    if isinstance(taken, dict):
        flat = [name for name in inputs if name in taken.values()]
    outputs = [keras.layers.Rescaling(scales[name])(inputs[name]) for name in flat]
    return keras.Model(struct, outputs, name="inner")


def drawn(keras: Any, dice: random.Random) -> tuple[str, Any]:
    """Return a model that calls another one, None where Keras does not, and how."""
    keras.backend.clear_session()
    taken, outer = taking(dice), inputs_of(keras)
    inner = inner_of(keras, taken)
    named = dict(zip(map(id, outer), GIVEN, strict=True))
    args, kwargs = handed(dice, taken, outer)
    text = f"{taken} called with {_shown((args, kwargs), named)}"
    try:
        flatten = keras.tree.flatten if hasattr(keras, "tree") else _flatten
        outputs = flatten(inner(*args, **kwargs))
        # Keras 3 loads no file in which an input is not needed; but one input has no other use.
        more = [keras.layers.Rescaling(1.0)(each) for each in outer]
        return text, keras.Model(outer, [*outputs, *more])
    except Exception:
        return text, None


def _shown(value: Any, named: dict[int, str]) -> Any:
    if isinstance(value, dict):
        return {key: _shown(each, named) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(each, named) for each in value]
    return named.get(id(value), value)


def wrong_in(name: str, folder: Path, found: Counter[str]) -> Iterator[str]:
    """Yield a line for each model of which attn tells another one than Keras loads."""
    keras, profile = world(name), settings()
    dice = random.Random(f"calls {name}" if profile.derandomize else secrets.token_hex(8))
    for number in range(profile.max_examples):
        text, model = drawn(keras, dice)
        if model is None:
            found["not made"] += 1
            continue
        path = folder / f"model{('.keras', '.h5', '.json')[number % 3]}"
        if not saved(model, path):
            continue
        is_so, told = loaded(keras, path), said(lambda: read_model(path).graph)  # noqa: B023
        found["same" if told == is_so else "refused"] += 1
        if told != is_so and (told is not None or _is_run(keras, model)):
            yield f"{text} [{path.suffix}]: said {told}, true {is_so}"
        if name == "keras" and _is_run(keras, model):
            walked = said(lambda: walk(model))  # noqa: B023
            if walked != true(keras, model):
                yield f"{text}, walked: said {walked}, true {true(keras, model)}"


def _is_run(keras: Any, model: Any) -> bool:
    try:
        true(keras, model)
    except Exception:
        return False
    return True


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_a_model_gets_what_keras_gives_it(name: str, tmp_path: Path) -> None:
    """By order, by names, with keys too many: each input gets the tensor that it calculates on."""
    found: Counter[str] = Counter()
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        wrong = list(wrong_in(name, tmp_path, found))
    assert not wrong, "\n".join(["", *wrong])
    assert found["same"] > found.total() // 4, found


def twice(keras: Any, kind: str) -> Any:
    """Return the config of a model that calls another one twice."""
    keras.backend.clear_session()
    p, q, _ = inputs_of(keras)
    scale = keras.layers.Rescaling(2.0, name="scale")
    if kind == "Sequential":
        inner = keras.Sequential([keras.Input((4,), name="x"), scale], name="inner")
    else:
        x = keras.Input((4,), name="x")
        inner = keras.Model(x, scale(x), name="inner")
    first, second = inner(p), inner(keras.layers.Rescaling(3.0, name="behind")(q))
    outputs = [keras.layers.Subtract(name="both")([first, second]), first, second]
    return json.loads(keras.Model([p, q], outputs).to_json())


def as_lists(config: Any, one: int, other: int) -> None:
    """Write the calls as Keras 2 does, the two calls of the model inside by these numbers."""
    calls = {
        "behind": [[["q", 0, 0, {}]]],
        "inner": [[["p", 0, 0, {}]], [["behind", 0, 0, {}]]],
        "both": [[["inner", one, 0, {}], ["inner", other, 0, {}]]],
    }
    for layer in config["config"]["layers"]:
        layer["inbound_nodes"] = calls.get(layer["config"]["name"], [])


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("kind", ["Functional", "Sequential"])
@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_calls_of_a_model_are_counted_as_keras_counts_them(
    name: str, kind: str, tmp_path: Path
) -> None:
    """In calls and in outputs, in lists and in objects: from none or from one on."""
    keras, path, wrong = world(name), tmp_path / "m.json", []
    for lists in (True, False):
        for one in range(3):
            for other in range(3):
                config = twice(keras, kind)
                outputs = config["config"]["output_layers"]
                if lists:
                    as_lists(config, one, other)
                else:
                    outputs[1][1], outputs[2][1] = one, other
                path.write_text(json.dumps(config), encoding="utf-8")
                is_so, told = loaded(keras, path), said(lambda: read_model(path).graph)
                refused = told is None and not (lists and one != other)
                if told != is_so and not refused:
                    wrong.append(f"{lists} {one} {other}: said {told}, true {is_so}")
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.usefixtures("keras")
def test_what_stands_with_the_last_tensor_is_what_a_call_has(tmp_path: Path) -> None:
    """Of several tensors in a list, Keras forgets what stands with the others."""
    import tensorflow as tf

    keras, path = world("tf_keras"), tmp_path / "m.json"
    p, q = keras.Input((3, 4), name="p"), keras.Input((3, 4), name="q")
    config = json.loads(keras.Model([p, q], tf.stack([p, q], axis=1)).to_json())
    (layer,) = [each for each in config["config"]["layers"] if each["inbound_nodes"]]
    for named in ([{"axis": 2}], []), ([{"axis": 2}], [{"axis": 1}]), ([], [{"axis": 3}]):
        both = zip("pq", named, strict=True)
        layer["inbound_nodes"] = [[[name, 0, 0, *more] for name, more in both]]
        path.write_text(json.dumps(config), encoding="utf-8")
        graph = read_model(path).graph
        model = keras.models.model_from_json(path.read_text(encoding="utf-8"))
        assert graph is not None
        assert graph.output_shapes in (tuple(tuple(each.shape) for each in model.outputs), UNKNOWN)


def test_a_live_model_with_a_fitted_rank_is_the_one_in_its_file(keras: Any, tmp_path: Path) -> None:
    """A last axis of 1 is added, or dropped, before anything else; and a mask is no operand."""
    layers = keras.layers
    x = keras.Input((4, 1), name="x")
    inner = keras.Model(x, layers.Dense(3)(x))
    p, steps, mask = keras.Input((4,)), keras.Input((4, 1)), keras.Input((4,), dtype="bool")
    fitted = keras.Model(p, layers.Dense(2)(layers.Flatten()(inner(p))))
    masked = keras.Model([steps, mask], layers.TimeDistributed(layers.Dense(3))(steps, mask=mask))
    for model in (fitted, masked):
        path = tmp_path / "m.keras"
        model.save(path)
        read = read_model(path).graph
        assert read is not None
        walked = walk(model)
        assert [(node.inputs, node.output_shapes) for node in walked.nodes] == [
            (node.inputs, node.output_shapes) for node in read.nodes
        ]
    assert (None, 4, 3) in [shape for node in walk(fitted).nodes for shape in node.output_shapes]
