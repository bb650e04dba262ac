"""Networks with blocks in them as files: weights kept, as foretold, and nothing else touched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import described
from process import run_here

from attn_cli import find_attention, insert, read_model
from attn_cli.analysis.network import compare_in, read_network
from attn_cli.errors import BadFile, BadOption
from attn_cli.spec import parse_spec
from attn_cli.tf import network as building
from attn_cli.tf.network import SavedNetwork, check_build_in, save_network

if TYPE_CHECKING:
    from pathlib import Path


def build(
    model: Path | str,
    spec: str | None,
    path: Path,
    *at: str,
    seed: int = 0,
    start: str = "same",
    force: bool = False,
) -> SavedNetwork:
    given: dict[str, Any] = {"seed": seed, "start": start, "force": force}
    asked = check_build_in(str(model), spec and parse_spec(spec), at, (), path, **given)
    return save_network(str(model), asked, path, **given)


def weights(path: Path) -> dict[str, Any]:
    """Return the weights of a file by their paths."""
    import keras

    loaded = keras.saving.load_model(path, compile=False)
    return {weight.path: np.asarray(weight.value) for weight in loaded.weights}


@pytest.fixture
def network(keras: Any, tmp_path: Path) -> Path:
    """A trained residual network, saved with the state of its optimizer."""
    layers = keras.layers
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((8, 8, 4), name="image")
    for name in ("a", "b"):
        y = layers.Conv2D(4, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
        y = layers.BatchNormalization(name=f"{name}_bn")(y)
        x = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
    x = layers.Dense(3, name="top")(layers.GlobalAveragePooling2D(name="pool")(x))
    model = keras.Model(inputs, x, name="trained")
    model.compile("adam", "mse")
    model.fit(np.random.default_rng(0).random((8, 8, 8, 4)), np.zeros((8, 3)), verbose=0)
    path = tmp_path / "trained.keras"
    model.save(path)
    return path


def test_every_weight_is_kept(network: Path, tmp_path: Path) -> None:
    """To the bit, but for the norms before the gates, which are doubled; outputs do not move."""
    new = tmp_path / "new.keras"
    made = build(network, "se:ratio=2", new, "residual")
    assert (made.moved, made.difference) == (0.0, 0.0)
    assert made.started is not None
    assert made.started.quiet == ("a_bn", "b_bn")
    before, after = weights(network), weights(new)
    for path, value in before.items():
        factor = 2 if path.split("/")[1] in ("gamma", "beta") else 1
        np.testing.assert_array_equal(after[path], value * factor)
    added = sum(after[path].size for path in after.keys() - before.keys())
    assert added == made.block.added.params.total == 2 * 22
    fresh = tmp_path / "fresh.keras"
    assert build(network, "se:ratio=2", fresh, "residual", start="fresh").moved > 0.01
    kept = weights(fresh)
    for path, value in before.items():
        np.testing.assert_array_equal(kept[path], value)


def test_it_is_the_graph_that_was_foretold(network: Path, tmp_path: Path) -> None:
    """By `compare`, and by `insert` of the graph that the file has; dtypes and all."""
    new = tmp_path / "new.keras"
    build(network, "cbam:ratio=2", new, "residual", "post")
    before, after = read_model(network), read_model(new)
    assert before.graph is not None
    assert after.graph is not None
    foretold = insert(before.graph, "cbam:ratio=2", ["residual", "post"])
    assert described(after.graph) == described(foretold)
    assert after.graph.outputs == foretold.outputs
    specs = [parse_spec("cbam:ratio=2")]
    compared = compare_in(read_network(str(network)), specs, ["residual", "post"])
    assert compared.blocks[0].after.params == after.params


def test_what_was_built_can_be_built_on(network: Path, tmp_path: Path) -> None:
    """Where the end of a branch is now a gate, behind that; before the gate; and all taken out."""
    names = ("first", "second", "third", "none")
    paths = [network, *[tmp_path / f"{name}.keras" for name in names]]
    first, second, third = [
        build(source, "eca", target, at)
        for source, target, at in zip(
            paths, paths[1:], ("residual", "residual", "?_bn"), strict=False
        )
    ]
    assert first.moved == third.moved == 0.0
    assert second.started is not None
    assert dict(second.started.moving) == {
        "a_bn_eca_scale": "a Multiply stands before it",
        "b_bn_eca_scale": "a Multiply stands before it",
    }
    found = find_attention(third.network.graph)
    assert [each.path for each in found] == [
        "a_bn_eca_scale", "a_bn_eca_scale_eca_scale",
        "b_bn_eca_scale", "b_bn_eca_scale_eca_scale",
    ]  # fmt: skip
    assert "a_bn_eca_1_scale" in [node.name for node in read_network(str(paths[3])).graph.nodes]
    build(paths[3], None, paths[4], "attention")
    assert described(read_network(str(paths[4])).graph) == described(first.network.graph)


def test_the_optimizer_is_left_out_and_the_name_kept(
    keras: Any, network: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.keras"
    build(network, "eca", new, "residual")
    loaded = keras.saving.load_model(new)
    assert loaded.name == "trained"
    assert not loaded.compiled
    assert [each.name for each in loaded.inputs] == ["image"]


def test_a_seed_draws_the_same_weights(network: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.keras" for number in range(3)]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        build(network, "se:ratio=2", path, "residual", seed=seed)
    first, same, other = [weights(path)["a_bn_se_reduce/kernel"] for path in paths]
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", ["new.tflite", "new"])
def test_other_formats_compute_the_same(network: Path, tmp_path: Path, name: str) -> None:
    made = build(network, "eca", tmp_path / name, "residual")
    assert made.moved == 0.0
    assert made.difference < 1e-5
    assert sorted(os.listdir(tmp_path)) == sorted([name, "trained.keras"])


def test_several_outputs_are_written_as_keras_alone(keras: Any, tmp_path: Path) -> None:
    inputs = [keras.Input((8, 8, 4), name=name) for name in ("first", "second")]
    x = keras.layers.Conv2D(4, 1, name="conv")(keras.layers.Add(name="sum")(inputs))
    several = tmp_path / "several.keras"
    keras.Model(inputs, [x, keras.layers.ReLU(name="relu")(x)]).save(several)
    made = build(several, "eca", tmp_path / "new.keras", "conv")
    assert (made.moved, made.difference) == (0.0, 0.0)
    with pytest.raises(BadFile, match=r"several inputs or outputs is written as \.keras"):
        build(several, "eca", tmp_path / "new.tflite", "conv")
    assert sorted(os.listdir(tmp_path)) == ["new.keras", "several.keras"]


def test_the_model_that_is_read_is_never_written(network: Path, tmp_path: Path) -> None:
    """By whatever name it goes; nor the folder that holds it. TensorFlow has no part in that."""
    before = network.read_bytes()
    (tmp_path / "soft.keras").symlink_to(network)
    (tmp_path / "hard.keras").hardlink_to(network)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    inside = tmp_path / "saved" / "inside.keras"
    inside.write_bytes(before)
    names = ("trained.keras", "soft.keras", "hard.keras")
    pairs = [(source, target) for source in names for target in names]
    for source, target in [*pairs, ("saved/inside.keras", "saved")]:
        line = f"build eca --in {source} -o {target} --force"
        result = run_here(line.split(), cwd=tmp_path)
        assert (result.code, result.out) == (2, ""), line
        assert result.err.count("\n") == 1
        assert f"'{target}' " in result.err
        assert "this reads" in result.err or "is left alone" in result.err
    assert network.read_bytes() == inside.read_bytes() == before


def test_what_is_there_stays_without_force(network: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.keras"
    taken.write_text("mine")
    with pytest.raises(BadFile, match="exists; --force replaces it"):
        build(network, "eca", taken, "residual")
    assert taken.read_text() == "mine"
    build(network, "eca", taken, "residual", force=True)
    assert read_model(taken).graph is not None


def test_refuses_a_start_and_a_seed(network: Path, tmp_path: Path) -> None:
    for given, line in (({"start": "slow"}, "a start is same or fresh"), ({"seed": -1}, "a seed")):
        with pytest.raises(BadOption, match=line):
            build(network, "eca", tmp_path / "new.keras", "residual", **given)
    assert os.listdir(tmp_path) == ["trained.keras"]


UNLOADED = """
import keras

@keras.saving.register_keras_serializable("mine")
class Scaled(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2
"""


@pytest.mark.parametrize("kind", ["lambda", "custom"])
def test_a_model_that_keras_does_not_load(keras: Any, tmp_path: Path, kind: str) -> None:
    """Keras' reason in one line, nothing is written, and what a block would cost is told."""
    names: dict[str, Any] = {}
    exec(UNLOADED, names)
    layer = keras.layers.Lambda(lambda x: x * 2) if kind == "lambda" else names["Scaled"]()
    inputs = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    path = tmp_path / f"{kind}.keras"
    keras.Model(inputs, keras.layers.ReLU(name="relu")(layer(x))).save(path)
    keras.saving.get_custom_objects().clear()
    with pytest.raises(BadFile, match=r"Keras does not load it \(.*\); what a block") as raised:
        build(path, "eca", tmp_path / "new.keras", "conv")
    assert "\n" not in str(raised.value)
    assert os.listdir(tmp_path) == [path.name]
    compared = compare_in(read_network(str(path)), [parse_spec("eca")], ["conv", "relu"])
    assert compared.blocks[0].added.params.total == 2


def test_nothing_stands_there_that_was_not_foretold(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where Keras makes another model, nor where the file holds another one."""
    right = building.walk
    monkeypatch.setattr(
        building, "walk", lambda model: insert(right(model), "eca", model.layers[1].name)
    )
    with pytest.raises(BadFile, match=r"^the model has '.*' where '.*' was foretold"):
        build(network, "eca", tmp_path / "new.keras", "residual")
    monkeypatch.undo()
    read = building.read_model

    def other(path: Any) -> Any:
        model = read(path)
        return model._replace(graph=insert(model.graph, "eca", "a_conv"))

    monkeypatch.setattr(building, "read_model", other)
    with pytest.raises(BadFile, match=r"^'new\.keras' has '.*' where '.*' was foretold"):
        build(network, "eca", tmp_path / "new.keras", "residual")
    assert os.listdir(tmp_path) == ["trained.keras"]


def test_architectures_and_configs_begin_with_fresh_weights(
    keras: Any, network: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(keras.saving.load_model(network, compile=False).to_json())
    made = build(config, "eca", tmp_path / "new.keras", "residual")
    assert made.network.model.format == "json"
    assert made.moved == 0.0
