"""Which arrays of a file are weights, and whose, by what Keras writes."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from configs import Config

from attn_cli import account
from attn_cli.analysis.inspect import inspect_file
from attn_cli.graph import Params
from attn_cli.sources.json_text import MAX_BYTES
from attn_cli.sources.owners import numbered_name, owner_by_group, owner_by_name, owners
from attn_cli.sources.saved import Model, read_model

if TYPE_CHECKING:
    from pathlib import Path

Arrays = dict[str, tuple[str, tuple[int, ...]]]  # the type and shape of each, by its path

ADAM: Arrays = {"vars/0": ("int64", ()), "vars/1": ("float32", ())} | {
    f"vars/{place}": ("float32", (3, 4)) for place in (2, 3)
}
DENSE: Arrays = {"vars/0": ("float32", (3, 4)), "vars/1": ("float32", (4,))}


def written(arrays: Arrays, names: dict[str, str] | None = None) -> bytes:
    """Return an HDF5 file; `names` are those that are noted, by the group."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.require_group("vars")
        for path, (dtype, shape) in arrays.items():
            file[path] = np.zeros(shape, dtype)
        for group, name in (names or {}).items():
            file.require_group(f"{group}/vars".lstrip("/")).attrs["name"] = name
    return stream.getvalue()


def below(group: str, arrays: Arrays) -> Arrays:
    return {f"{group}/{path}": array for path, array in arrays.items()}


def weights_file(path: Path, arrays: Arrays, names: dict[str, str] | None = None) -> Model:
    path.write_bytes(written(arrays, names))
    return read_model(path)


def keras_file(
    path: Path,
    config: Any,
    arrays: Arrays,
    names: dict[str, str] | None = None,
    version: str = "3.15.1",
) -> Model:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", written(arrays, names))
    return read_model(path)


def test_a_layer_of_a_name_like_a_generator_of_seeds_is_counted(tmp_path: Path) -> None:
    """By what it stores: weights, and no state."""
    arrays = below("layers/seed_generator_net", DENSE)
    model = weights_file(tmp_path / "m.weights.h5", arrays, {"layers/seed_generator_net": "seed"})
    assert (model.total, model.at_least) == (16, False)


def one(type: str, *shape: int, module: str = "keras.layers", **given: Any) -> dict[str, Any]:
    """Return the config of a model of one layer."""
    config = Config(*shape)
    return config.model(config.add(type, config.input, module=module, name="one", **given))


# What is no weight.


@pytest.mark.parametrize("names", [None, {"": "model"}, {"": "model", "z": "adam_3"}])
def test_an_optimizer_is_known_by_what_it_writes(
    tmp_path: Path, names: dict[str, str] | None
) -> None:
    """Its steps, its rate, and arrays as the weights have. A name that Keras gave it helps."""
    arrays = below("body", DENSE) | below("z", ADAM)
    read = weights_file(tmp_path / "m.weights.h5", arrays, names)
    assert (read.total, read.at_least) == (16, False)


@pytest.mark.parametrize(
    ("attribute", "arrays", "name"),
    [
        ("z", {**ADAM, "vars/2": ("float32", (9, 9))}, None),  # no weight looks like that
        ("z", {"vars/0": ("int64", ()), "vars/1": ("float32", (4,))}, None),  # a running mean?
        ("z", {"vars/0": ("int64", ())}, None),  # plain descent by a schedule, or a counter
        ("z", ADAM, "counting"),  # with a name that no optimizer of Keras has
    ],
)
def test_what_may_be_an_optimizer_is_left_out_and_said(
    tmp_path: Path, attribute: str, arrays: Arrays, name: str | None
) -> None:
    """The total is then a lower bound."""
    names = {"": "model", attribute: name} if name else None
    arrays = below("body", DENSE) | below(attribute, arrays)
    read = weights_file(tmp_path / "m.weights.h5", arrays, names)
    assert (read.total, read.at_least) == (16, True)
    assert read.warnings[1].endswith(f"not counted: {attribute}")


def test_a_layer_in_a_list_of_layers_is_none(tmp_path: Path) -> None:
    """Whatever it counts, and however it is called."""
    counter: Arrays = {"vars/0": ("int64", ()), "vars/1": ("float32", ())}
    arrays = below("layers/optimizer_like", counter) | below("layers/dense", DENSE)
    read = weights_file(tmp_path / "m.weights.h5", arrays)
    assert (read.total, read.at_least) == (18, False)


def test_what_is_within_an_optimizer_is_part_of_it(tmp_path: Path) -> None:
    """As the one that a LossScaleOptimizer has."""
    arrays = (
        below("body", DENSE)
        | below("d_optimizer", {"vars/0": ("int32", ()), "vars/1": ("float32", ())})
        | below("d_optimizer/inner", ADAM)
    )
    read = weights_file(tmp_path / "m.weights.h5", arrays)
    assert (read.total, read.at_least) == (16, False)


def test_a_model_whose_parts_are_known_may_have_optimizers_too(tmp_path: Path) -> None:
    """Beside its layers, and beside those of a model within it."""
    config = one("Dense", 3, units=4)
    layers = below("layers/dense", DENSE)
    for attribute in ("d_optimizer", "layers/functional/optimizer", "opt"):
        read = keras_file(tmp_path / "m.keras", config, layers | below(attribute, ADAM))
        assert (read.params, read.at_least, read.warnings) == (Params(16), False, ())
    odd: Arrays = {**ADAM, "vars/2": ("float32", (9,))}
    read = keras_file(tmp_path / "m.keras", config, layers | below("opt", odd))
    assert (read.total, read.at_least) == (16, True)
    read = keras_file(tmp_path / "m.keras", config, layers | below("extra", DENSE))
    assert (read.total, read.at_least) == (16, True)
    assert read.warnings == ("weights of no layer, not counted: extra/vars/0, extra/vars/1",)


def test_metrics_of_keras_2_do_not_count(tmp_path: Path) -> None:
    """Where it keeps them; where it may be one it is a lower bound. Keras 3 stores none."""
    mean: Arrays = {"vars/0": ("float32", ()), "vars/1": ("float32", ())}
    layer: Any = {"class_name": "Dense", "config": {"name": "one", "units": 4}}
    layer["config"]["batch_input_shape"] = [None, 3]
    config = {"class_name": "Sequential", "config": {"name": "model", "layers": [layer]}}
    layers = below("layers/dense", DENSE)
    arrays = layers | below("metrics/mean", mean)
    read = keras_file(tmp_path / "m.keras", config, arrays, version="2.15.0")
    assert (read.total, read.at_least, read.warnings) == (16, False, ())
    arrays = layers | below("tracker", mean)
    read = keras_file(tmp_path / "m.keras", config, arrays, version="2.15.0")
    assert (read.total, read.at_least) == (16, True)
    read = weights_file(tmp_path / "m.weights.h5", arrays)
    assert (read.total, read.at_least) == (16, True)
    read = weights_file(tmp_path / "m.weights.h5", arrays, {"": "model"})
    assert (read.total, read.at_least) == (18, False)


def test_what_a_layer_stores_of_its_own_is_left_out_and_said(tmp_path: Path) -> None:
    """Keras numbers weights."""
    config = one("Mine", 3, module="mine")
    more: Arrays = {"vars/extra": ("float32", (2,))}
    for extra in (more, {"vars/7": ("float32", (2,))}, {"vars/a/b": ("float32", (2,))}):
        arrays = below("layers/mine", DENSE | extra)
        read = keras_file(tmp_path / "m.keras", config, arrays)
        assert (read.total, read.at_least) == (16, True)
        assert any("a way of their own" in line for line in read.warnings)
    read = weights_file(tmp_path / "m.weights.h5", below("mine", DENSE | more))
    assert (read.total, read.at_least) == (16, True)


def test_the_kernel_of_a_spectral_normalisation_is_stored_twice(tmp_path: Path) -> None:
    """And counted once; where it only looks like one, a lower bound."""
    arrays: Arrays = below(
        "s", {"vars/0": ("float32", (3, 4)), "vars/1": ("float32", (1, 4))}
    ) | below("s/layer", DENSE)
    names = {"": "model", "s": "spectral_normalization_2"}
    read = weights_file(tmp_path / "m.weights.h5", arrays, names)
    assert (read.total, read.at_least) == (20, False)
    read = weights_file(tmp_path / "m.weights.h5", arrays, {"": "model"})
    assert (read.total, read.at_least) == (20, True)


# Whose a weight is.


def test_a_layer_is_found_by_its_name_where_its_class_has_another(tmp_path: Path) -> None:
    """A class may be exported or registered under other names than Python's."""
    config = one("Exported", 3, module="mine")
    arrays = below("layers/python_class", DENSE)
    read = keras_file(tmp_path / "m.keras", config, arrays, {"layers/python_class": "one"})
    assert (read.total, read.at_least) == (16, False)
    read = keras_file(tmp_path / "m.keras", config, arrays)
    assert (read.total, read.at_least) == (0, True)


def test_groups_are_called_as_keras_calls_classes() -> None:
    """Counted in the order of the list, in Keras 2 with a word for private ones."""
    used: dict[str, int] = {}
    names = [numbered_name(name, used) for name in ("Conv2D", "ReLU", "Conv2D", "pack>Conv2D")]
    assert names == ["conv2d", "re_lu", "conv2d_1", "conv2d_2"]
    assert numbered_name("GroupQueryAttention", used) == "grouped_query_attention"
    assert numbered_name("_Mine", used, keras_2=True) == "private__mine"


def test_owners_of_layers_within_layers() -> None:
    """By their groups and by their names; each with the flag that trains it."""

    def layer(type: str, name: str, **config: Any) -> dict[str, Any]:
        return {
            "module": "keras.layers",
            "class_name": type,
            "config": {"name": name, **config},
            "registered_name": None,
        }

    cells = layer("StackedRNNCells", "cells", cells=[layer("GRUCell", "a", trainable=False)] * 2)
    config = {
        "layer": layer("RNN", "forward_rnn", cell=cells),
        "backward_layer": layer("LSTM", "back", trainable=False),
    }
    found = owners("Bidirectional", "both", config, True, keras_2=False)
    assert [(owner.group, owner.type, owner.trains) for owner in found] == [
        ("forward_layer/cell/cells/gru_cell/", "GRUCell", False),
        ("forward_layer/cell/cells/gru_cell_1/", "GRUCell", False),
        ("backward_layer/cell/", "LSTMCell", False),
    ]
    assert owner_by_group(found, "backward_layer/cell/vars/0") == found[2]
    assert owner_by_group(found, "backward_layer/vars/0") is None
    assert owner_by_name(found, "both/back/lstm_cell/kernel") == found[2]
    assert owner_by_name(found, "both/forward_rnn/cells/a/kernel") is None  # of either
    attention = owners("MultiHeadAttention", "m", {}, False, keras_2=False)
    assert [owner.trains for owner in attention] == [True] * 4
    assert owner_by_group(attention, "_query_dense/vars/0") == attention[0]
    attention = owners("MultiHeadAttention", "m", {}, False, keras_2=True)
    assert [owner.trains for owner in attention] == [False] * 4


# Whatever the file.


def test_layers_within_layers_that_double_take_no_time(tmp_path: Path) -> None:
    """A Bidirectional makes two layers of one; each may be one in its turn."""
    inner: dict[str, Any] = {"class_name": "GRU", "config": {"name": "gru"}}
    for _ in range(60):
        inner = {"class_name": "Bidirectional", "config": {"name": "both", "layer": inner}}
    config = one("Bidirectional", 4, 3, layer=inner)
    start = time.process_time()
    arrays = below("layers/bidirectional/forward_layer", DENSE)
    read = keras_file(tmp_path / "m.keras", config, arrays)
    assert time.process_time() - start < 1
    assert read.params == Params(0, 0, 16)


@pytest.mark.slow
def test_many_arrays_in_one_layer_take_no_time(tmp_path: Path) -> None:
    """Numbered or not; in many cells or not."""
    cell = {"class_name": "GRUCell", "config": {"name": "a"}}
    cells = {"class_name": "StackedRNNCells", "config": {"cells": [cell] * 4_000}}
    arrays: Arrays = {f"vars/{place}": ("float32", (1,)) for place in range(4_000)}
    arrays |= {f"vars/x{place}": ("float32", (1,)) for place in range(4_000)}
    for name, model in (
        ("mine", one("Mine", 3, module="mine")),
        ("rnn", one("RNN", 4, 3, cell=cells)),
    ):
        keras_file(tmp_path / "m.keras", model, below(f"layers/{name}", arrays))
        start = time.process_time()
        read = read_model(tmp_path / "m.keras")
        assert time.process_time() - start < 3
        assert (read.total, read.at_least) == (4_000, True)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_30_000_layers_are_within_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """They are read with all that Keras says of each, and their attention is looked for.

    A tenth of them here, without what a file of any size may take: then ten times as many are in
    it too. That 30,000 are read is seen in test_bounds.py, without weights.
    """
    path = tmp_path / f"large{suffix}"
    assert 10 * large_file(path, 1000) < MAX_BYTES
    assert 10 * path.stat().st_size < account.MOST_BYTES
    monkeypatch.setattr(account, "AT_LEAST", 0)
    inspection = inspect_file(str(path))
    assert inspection.model.graph is not None
    assert len(inspection.model.graph.nodes) == 3001
    assert (inspection.model.params, inspection.model.at_least) == (Params(10_000, 4000), False)
    assert inspection.blocks == ()


def large_file(path: Path, blocks: int) -> int:
    """Write a model of convolutions, norms and activations, with all that Keras says of each.

    Return how long its config is.
    """
    null = dict.fromkeys(("kernel_constraint", "bias_constraint", "kernel_regularizer"))
    none = dict.fromkeys(("gamma_constraint", "beta_constraint", "beta_regularizer"))
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}
    start = {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": 1}}
    common = {"trainable": True, "dtype": policy}
    config = Config(8, 8, 2)
    x = config.input
    conv = {"filters": 2, "kernel_size": [1, 1], "strides": [1, 1], "padding": "valid"}
    arrays: dict[str, dict[str, tuple[int, ...]]] = {"inputlayer_0": {}}
    for place in range(blocks):
        names = [f"{kind}_{place}" for kind in ("conv2d", "batch_normalization", "re_lu")]
        x = config.add(
            "Conv2D", x, name=names[0], kernel_initializer=start, **conv, **null, **common
        )
        x = config.add(
            "BatchNormalization",
            x,
            name=names[1],
            axis=-1,
            gamma_initializer=start,
            **none,
            **common,
        )
        x = config.add("ReLU", x, name=names[2], max_value=None, **common)
        arrays[names[0]] = {"kernel": (1, 1, 2, 2), "bias": (2,)}
        arrays[names[1]] = dict.fromkeys(("gamma", "beta", "mean", "variance"), (2,))
        arrays[names[2]] = {}
    text = json.dumps(config.model(x))
    if path.suffix == ".keras":
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            for name, own in arrays.items():
                group = file.create_group(f"layers/{name.removesuffix('_0')}/vars")
                group.attrs["name"] = name
                for place, shape in enumerate(own.values()):
                    group[str(place)] = np.zeros(shape, "float32")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", text)
            archive.writestr("model.weights.h5", stream.getvalue())
        return len(text)
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = text.encode()
        weights = file.create_group("model_weights")
        for part, names in enumerate(np.array_split(np.array([*arrays], "S"), 40)):
            weights.attrs[f"layer_names{part}"] = names
        for name, own in arrays.items():
            group = weights.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{each}".encode() for each in own]
            for each, shape in own.items():
                group[f"{name}/{each}"] = np.zeros(shape, "float32")
    return len(text)
