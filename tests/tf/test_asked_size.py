"""A network at another input size: in Keras as foretold, with the weights that it had."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import described
from process import run_here

from attn_cli.analysis.network import read_network
from attn_cli.errors import BadGraph
from attn_cli.sources.saved import read_model
from attn_cli.tf.anew import copied
from attn_cli.tf.loaded import load_as_foretold
from attn_cli.tf.walk import walk

if TYPE_CHECKING:
    from pathlib import Path

BYTES = 9


def backbone(keras: Any, x: Any) -> Any:
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    return keras.layers.BatchNormalization(name="norm")(x)


def functional(keras: Any) -> Any:
    inputs = keras.Input((8, 8, 3), name="picture")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(backbone(keras, inputs))
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(x), name="net")


def sequential(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 3), name="picture"),
            layers.Conv2D(4, 3, name="conv"),
            layers.GlobalMaxPooling2D(name="pool"),
        ]
    )


def nested(keras: Any) -> Any:
    """Called twice, with sizes of its own in between."""
    inner = keras.Input((8, 8, 6), name="map")
    inner = keras.Model(inner, keras.layers.DepthwiseConv2D(3, padding="same")(inner), name="inner")
    inputs = keras.Input((16, 16, 3), name="picture")
    x = inner(inner(backbone(keras, inputs)))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(x), name="net")


def in_steps(keras: Any) -> Any:
    """What a TimeDistributed applies is a model on rows of the map."""
    row = keras.Input((8, 6), name="row")
    inner = keras.Model(row, keras.layers.Conv1D(6, 3, padding="same")(row), name="inner")
    inputs = keras.Input((16, 16, 3), name="picture")
    x = keras.layers.TimeDistributed(inner, name="steps")(backbone(keras, inputs))
    return keras.Model(inputs, x, name="net")


def several(keras: Any) -> Any:
    inputs = {"a": keras.Input((4,), name="a"), "b": keras.Input((8, 8, 3), name="b")}
    x = keras.layers.GlobalAveragePooling2D(name="pool")(inputs["b"])
    out = keras.layers.Concatenate(name="both")([inputs["a"], x])
    return keras.Model(inputs, {"one": out, "two": x}, name="net")


def frozen(keras: Any) -> Any:
    model = functional(keras)
    model.trainable = False
    return model


def with_ops(keras: Any) -> Any:
    inputs = keras.Input((8, 8, 3), name="picture")
    x = keras.ops.mean(backbone(keras, inputs) ** 2, axis=(1, 2))
    return keras.Model(inputs, keras.layers.Reshape((1, -1), name="reshape")(x), name="net")


MODELS = (functional, sequential, nested, in_steps, several, frozen, with_ops)


@pytest.mark.parametrize("build", MODELS)
def test_it_is_as_foretold_and_has_its_weights(keras: Any, build: Any, tmp_path: Path) -> None:
    """The same layers, built on what they get at that size."""
    keras.backend.clear_session()
    model = build(keras)
    path = tmp_path / "model.keras"
    model.save(path)
    foretold = read_model(path, input_shape=(24, 40, 3)).graph
    assert foretold is not None
    inputs = [foretold.nodes[place] for place in foretold.inputs]
    made = copied(model, {node.layer.name: node.output_shapes[0] for node in inputs})
    assert described(walk(made)) == described(foretold)
    assert len(made.weights) == len(model.weights)
    for old, new in zip(model.weights, made.weights, strict=True):
        assert np.array_equal(old, new)
    again = tmp_path / "again.keras"
    made.save(again)
    read = read_model(again).graph
    assert read is not None
    assert described(read) == described(foretold)


def test_a_model_of_which_no_input_is_told(keras: Any, tmp_path: Path) -> None:
    """It begins with what is asked, under the name that is read."""
    layers = [keras.layers.ReLU(name="relu"), keras.layers.MaxPooling2D(name="pool")]
    path = tmp_path / "model.json"
    path.write_text(keras.Sequential(layers).to_json(), encoding="utf-8")
    network = read_network(str(path), (8, 6, 4))
    _, graph = load_as_foretold(str(path), network)
    assert described(graph) == described(network.graph)


def test_what_keras_does_not_make_gets_one_line(keras: Any) -> None:
    """With Keras' own reason."""
    inputs = keras.Input((8, 8, 3), name="picture")
    x = keras.layers.Dense(2)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, x, name="net")
    with pytest.raises(BadGraph, match=r"^Keras does not make 'net' anew on \(None, 9, 8, 3\) \("):
        copied(model, {"picture": (None, 9, 8, 3)})


def test_build_writes_the_network_at_that_size(keras: Any, tmp_path: Path) -> None:
    """With the block in it, held against what was foretold; outputs do not move.

    What is verified and timed is the network at that size too.
    """
    keras.backend.clear_session()
    path, target = tmp_path / "net.keras", tmp_path / "net-eca.keras"
    functional(keras).save(path)
    line = ["build", "eca", "--in", str(path), "--at", "norm", "--input", "24,40,3", "-o"]
    result = run_here([*line, str(target), "--json"])
    assert (result.code, result.err) == (0, "")
    model = read_model(target)
    assert model.graph is not None
    assert model.graph.nodes[0].output_shapes == ((None, 24, 40, 3),)
    assert model.total == read_model(path).total + 1
    assert '"moved": 0.0' in result.out
    place = ["--in", str(path), "--at", "norm", "--input", "24,40,3"]
    verified = run_here(["verify", "eca", *place])
    assert (verified.code, verified.err) == (0, "")
    benched = run_here(["bench", "eca", *place, "--runs", "2", "--warmup", "1", "--json"])
    assert (benched.code, benched.err) == (0, "")
    assert json.loads(benched.out)["input_shape"] == [1, 24, 40, 3]
    bad = run_here([*line[:-2], "24,40,4", "-o", str(tmp_path / "other.keras")])
    assert bad.code == 2
    assert bad.err.startswith("attn: ")
    assert "has 3 channels, and 24,40,4 has 4" in bad.err
    assert not (tmp_path / "other.keras").exists()
