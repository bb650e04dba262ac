"""Whose the weights in a file are and which of them train, held against Keras after loading.

Keras 3 and tf_keras, Keras 2, save models and load them again; what the loaded model counts is
true. What is read is equal to it, or is said to be unknown or a lower bound, with the reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from attn_cli.graph import Params
from attn_cli.sources.saved import Model, read_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore")  # that formats are old, that optimizers are new
SUFFIXES = (".keras", ".h5")


@pytest.fixture(params=["3", "2"])
def either(request: pytest.FixtureRequest, keras: Any) -> Any:
    """Keras 3, and Keras 2."""
    return keras if request.param == "3" else pytest.importorskip("tf_keras")


def counted(model: Any) -> Params:
    """Return what Keras counts."""
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return Params(trainable, model.count_params() - trainable)


def held(either: Any, model: Any, folder: Path, suffix: str, **given: Any) -> tuple[Model, Params]:
    """Save a model, load it, and hold what is read against what is loaded."""
    path = folder / f"model{suffix}"
    if suffix == ".json":
        path.write_text(model.to_json(), encoding="utf-8")
        true = counted(either.models.model_from_json(model.to_json(), **given))
    else:
        model.save(path)
        true = counted(either.models.load_model(path, **given))
    read = read_model(path)
    if read.at_least:
        assert read.total <= true.total
        assert read.warnings
    else:
        assert read.total == true.total
    if read.params is not None and read.params.trainable is not None:
        if read.at_least:
            assert read.params.trained <= true.trained
            assert read.params.frozen <= true.frozen
        else:
            assert read.params == true
    elif read.params is not None:
        assert read.params.trained <= true.trained
        assert read.params.frozen <= true.frozen
        assert read.warnings
    return read, true


def exact(either: Any, model: Any, folder: Path, *suffixes: str, **given: Any) -> Params:
    """Hold that all is known, and return it."""
    for suffix in suffixes or SUFFIXES:
        read, true = held(either, model, folder, suffix, **given)
        assert (read.params, read.at_least) == (true, False), (suffix, read.warnings)
    return true


def self_attention(layer: Any, x: Any) -> Any:
    return layer(x, x)


COMPOSITES: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "Bidirectional": lambda L, g: L.Bidirectional(L.GRU(3), **g),
    "Bidirectional of a frozen one": lambda L, g: L.Bidirectional(L.GRU(3, **g)),
    "Bidirectional of cells": lambda L, g: L.Bidirectional(L.RNN(L.LSTMCell(2, **g))),
    "Bidirectional of two": lambda L, g: L.Bidirectional(
        L.LSTM(2, **g), backward_layer=L.LSTM(2, go_backwards=True)
    ),
    "GRU": lambda L, g: L.GRU(3, **g),
    "LSTM": lambda L, g: L.LSTM(3, **g),
    "SimpleRNN": lambda L, g: L.SimpleRNN(3, **g),
    "RNN": lambda L, g: L.RNN(L.GRUCell(3), **g),
    "RNN of a frozen cell": lambda L, g: L.RNN(L.GRUCell(3, **g)),
    "RNN of cells": lambda L, g: L.RNN([L.GRUCell(3), L.GRUCell(2, **g), L.LSTMCell(2)]),
    "TimeDistributed": lambda L, g: L.TimeDistributed(L.Dense(3), **g),
    "TimeDistributed of a frozen one": lambda L, g: L.TimeDistributed(L.Dense(3, **g)),
    "MultiHeadAttention": lambda L, g: L.MultiHeadAttention(2, 3, **g),
    "without biases": lambda L, g: L.MultiHeadAttention(2, 3, use_bias=False, **g),
    "EinsumDense": lambda L, g: L.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d", **g),
}
# Of Keras 3 alone, or which tf_keras cannot build beside Keras 3.
OF_3: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "GroupQueryAttention": lambda L, g: L.GroupQueryAttention(3, 4, 2, **g),
    "with a gate": lambda L, g: L.GroupQueryAttention(3, 4, 2, use_gate=True, **g),
    "SpectralNormalization": lambda L, g: L.SpectralNormalization(L.Dense(3), **g),
    "of a frozen one": lambda L, g: L.SpectralNormalization(L.Dense(3, **g)),
    "RMSNormalization": lambda L, g: L.RMSNormalization(**g),
    "TimeDistributed norm": lambda L, g: L.TimeDistributed(
        L.SpectralNormalization(L.Dense(1), **g)
    ),
}


@pytest.mark.parametrize("way", ["made so", "set so", "trained"])
@pytest.mark.parametrize("name", [*COMPOSITES, *OF_3])
def test_a_flag_counts_for_what_keras_says_it_does(
    either: Any, tmp_path: Path, name: str, way: str
) -> None:
    """Of the layer that owns a weight in Keras 3, of all around it in Keras 2."""
    if name in OF_3 and not either.__version__.startswith("3"):
        pytest.skip("of Keras 3 alone")
    inputs = either.Input((4, 6))
    make = COMPOSITES.get(name) or OF_3[name]
    layer = make(either.layers, {"trainable": False} if way == "made so" else {})
    x = self_attention(layer, inputs) if "Attention" in type(layer).__name__ else layer(inputs)
    if way == "set so":
        layer.trainable = False
    model = either.Model(inputs, x)
    exact(either, model, tmp_path)
    held(either, model, tmp_path, ".json")


def test_the_figures_of_frozen_composites(keras: Any, tmp_path: Path) -> None:
    """As they were once seen: Keras forgets the flag of what holds layers when it loads."""
    layers = keras.layers
    frozen = {"trainable": False}
    for layer, true in (
        (layers.Bidirectional(layers.GRU(3, **frozen)), Params(0, 162)),
        (layers.Bidirectional(layers.GRU(3), **frozen), Params(162)),
        (layers.RNN(layers.LSTMCell(4), **frozen), Params(144)),
        (layers.TimeDistributed(layers.Dense(3), **frozen), Params(15)),
    ):
        inputs = keras.Input((5, 4))
        assert exact(keras, keras.Model(inputs, layer(inputs)), tmp_path) == true


@pytest.mark.parametrize("part", ["root", "inner", "layer", "sequential", "the root, one"])
def test_flags_of_models(either: Any, tmp_path: Path, part: str) -> None:
    """Those of nested models are forgotten, and that of the outermost one in Keras 2."""
    layers = either.layers
    inputs = either.Input((4,))
    inner = either.Model(inputs, layers.BatchNormalization()(layers.Dense(3)(inputs)))
    row = either.Sequential([either.Input((3,)), layers.Dense(3)])
    outer = either.Input((4,))
    model = either.Model(outer, row(inner(outer)))
    if part == "the root, one":
        model = either.Sequential([either.Input((4,)), layers.Dense(3), layers.Dense(2)])
    # What is set afterwards differs from what the model says.
    model_of = {"root": model, "inner": inner, "sequential": row, "the root, one": model}
    if part == "layer":
        inner.layers[1].trainable = False
    else:
        model_of[part].trainable = False
        model_of[part].layers[-1].trainable = True
    exact(either, model, tmp_path, ".keras", ".h5", ".json")


class Drawn:
    """A layer within layers, with flags here and there."""

    def __init__(self, either: Any, draw: st.DrawFn) -> None:
        self.either = either
        self.layers = either.layers
        self.draw = draw

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def flag(self) -> dict[str, Any]:
        return {"trainable": False} if self.pick(True, False, False) else {}

    def cell(self) -> Any:
        kind = self.pick("GRUCell", "LSTMCell", "SimpleRNNCell")
        return getattr(self.layers, kind)(
            self.pick(1, 2), use_bias=self.pick(True, False), **self.flag()
        )

    def recurrent(self, sequences: bool) -> Any:
        given = {"return_sequences": sequences, **self.flag()}
        kind = self.pick("GRU", "LSTM", "SimpleRNN", "RNN", "RNN of cells")
        if kind == "RNN":
            return self.layers.RNN(self.cell(), **given)
        if kind == "RNN of cells":
            return self.layers.RNN([self.cell() for _ in range(self.pick(1, 2, 3))], **given)
        return getattr(self.layers, kind)(self.pick(1, 2), **given)

    def dense(self) -> Any:
        return self.layers.Dense(self.pick(1, 3), use_bias=self.pick(True, False), **self.flag())

    def model(self) -> Any:
        """Return a model that keeps (steps, features)."""
        x = inputs = self.either.Input((4, 3))
        for _ in range(self.pick(1, 2, 3)):
            kind = self.pick("dense", "steps", "both", "one", "attention", "norm", "row", "inner")
            if kind == "attention":
                x = self.layers.MultiHeadAttention(2, 1, **self.flag())(x, x)
                continue
            if kind == "row":
                layer = self.either.Sequential([self.dense(), self.dense()])
                layer.trainable = self.pick(True, False)
            elif kind == "inner":
                inner = self.either.Input((4, x.shape[-1]))
                y = self.layers.BatchNormalization(**self.flag())(self.dense()(inner))
                layer = self.either.Model(inner, y)
                if self.pick(True, False):
                    layer.trainable = self.pick(True, False)
                    layer.layers[-1].trainable = self.pick(True, False)
            else:
                layer = {
                    "dense": self.dense,
                    "steps": lambda: self.layers.TimeDistributed(self.dense(), **self.flag()),
                    "both": lambda: self.layers.Bidirectional(self.recurrent(True), **self.flag()),
                    "one": lambda: self.recurrent(True),
                    "norm": lambda: self.layers.BatchNormalization(**self.flag()),
                }[kind]()
            x = layer(x)
            if self.pick(True, False, False):
                layer.trainable = self.pick(True, False)
        model = self.either.Model(inputs, x)
        if self.pick(True, False, False):
            model.trainable = False
        return model


@settings(max_examples=50, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
@pytest.mark.parametrize("version", ["3", "2"])
def test_drawn_flags_count_as_they_do_in_keras(
    keras: Any, tmp_path_factory: pytest.TempPathFactory, version: str, data: st.DataObject
) -> None:
    """Wherever they stand: layers within layers within models."""
    either = keras if version == "3" else pytest.importorskip("tf_keras")
    either.backend.clear_session()
    model, folder = Drawn(either, data.draw).model(), tmp_path_factory.mktemp("drawn")
    exact(either, model, folder)
    held(either, model, folder, ".json")


# What is not a layer's.


def gan(either: Any, built: bool, names: tuple[str, str] = ("d_optimizer", "g_optimizer")) -> Any:
    """Return a model of two parts, each with an optimizer of its own, as they are written."""

    class Gan(either.Model):  # type: ignore[name-defined,misc]
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            for name, sizes in (("discriminator", (3, 3, 1)), ("generator", (2, 3))):
                x = inputs = either.Input((sizes[0],))
                for size in sizes[1:]:
                    x = either.layers.Dense(size)(x)
                setattr(self, name, either.Model(inputs, x))

        def compile(self, first: Any, second: Any) -> None:
            super().compile()
            setattr(self, names[0], first)
            setattr(self, names[1], second)

        def call(self, x: Any) -> Any:
            return self.discriminator(self.generator(x))

        def get_config(self) -> dict[str, Any]:
            return {}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return cls()

        def compile_from_config(self, config: Any) -> None:
            pass

    model = Gan()
    first, second = either.optimizers.Adam(), either.optimizers.SGD(momentum=0.9)
    model.compile(first, second)
    model(np.zeros((1, 2)))
    if built:
        first.build(model.discriminator.trainable_variables)
        second.build(model.generator.trainable_variables)
    return model


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize("names", [("d_optimizer", "g_optimizer"), ("d_opt", "g_opt"), ("a", "b")])
def test_optimizers_do_not_count(
    either: Any, tmp_path: Path, built: bool, names: tuple[str, str]
) -> None:
    """Under any name; where what one holds could be a layer's it is left out, and that is said."""
    model = gan(either, built, names)
    model.save(tmp_path / "gan.keras")
    model.save_weights(tmp_path / "gan.weights.h5")
    for name in ("gan.keras", "gan.weights.h5"):
        read = read_model(tmp_path / name)
        assert read.total == 25 == model.count_params()
        # Keras 2 notes no names and no learning rate.
        told = either.__version__.startswith("3") or "optimizer" in names[0]
        assert read.at_least == (not told)
        assert read.at_least == any("optimizer's state" in line for line in read.warnings)


def test_a_compiled_model_within_another_has_its_optimizer(either: Any, tmp_path: Path) -> None:
    """As where a discriminator is trained by itself, and frozen behind a generator."""
    layers = either.layers
    inputs = either.Input((4,))
    inner = either.Model(inputs, layers.Dense(3)(inputs))
    inner.compile("adam", "mse")
    inner.train_on_batch(np.zeros((1, 4)), np.zeros((1, 3)))
    outer = either.Input((2,))
    model = either.Model(outer, inner(layers.Dense(4)(outer)))
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(np.zeros((1, 2)), np.zeros((1, 3)))
    assert exact(either, model, tmp_path, ".keras") == Params(27)


def test_what_may_be_a_metric_of_keras_2_is_not_counted(tmp_path: Path, keras: Any) -> None:
    """It notes no names: two numbers may be a mean, or the weights of a layer."""
    tf_keras = pytest.importorskip("tf_keras")

    class Tracked(tf_keras.Model):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.trunk = tf_keras.layers.Dense(3)
            self.total_tracker = tf_keras.metrics.Mean()
            self.z_auc = tf_keras.metrics.AUC()

        def call(self, x: Any) -> Any:
            return self.trunk(x)

    model = Tracked()
    model(np.zeros((1, 2)))
    model.save_weights(tmp_path / "m.weights.h5")
    read = read_model(tmp_path / "m.weights.h5")
    assert (read.total, read.at_least) == (9, True)


@pytest.mark.parametrize("nested", [True, False])
def test_weights_of_a_subclassed_model_have_a_total(
    either: Any, tmp_path: Path, nested: bool
) -> None:
    """Whatever its attributes are called, and however they nest."""

    class Body(either.layers.Layer):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = either.layers.Dense(3)
            self.rows = [either.layers.Dense(2), either.layers.BatchNormalization()]

        def build(self, shape: Any) -> None:
            self.first.build((None, 4))
            self.rows[0].build((None, 3))
            self.rows[1].build((None, 2))

        def call(self, x: Any) -> Any:
            return self.rows[1](self.rows[0](self.first(x)))

    class Whole(either.Model):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.a_body = Body() if nested else either.layers.Dense(2)
            self.b_head = either.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.b_head(self.a_body(x))

    model = Whole()
    model(np.zeros((1, 4)))
    model.save_weights(tmp_path / "m.weights.h5")
    read = read_model(tmp_path / "m.weights.h5")
    assert (read.total, read.at_least, read.params) == (model.count_params(), False, None)


def test_one_of_several_files_of_weights_is_said_to_be_one(keras: Any, tmp_path: Path) -> None:
    """What it holds is a lower bound."""
    inputs = keras.Input((64,))
    model = keras.Model(inputs, keras.layers.Dense(64)(keras.layers.Dense(64)(inputs)))
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=20_000 / 2**30)
    shards = sorted(tmp_path.glob("m_*.weights.h5"))
    assert len(shards) > 1
    for shard in shards:
        read = read_model(shard)
        assert read.total < model.count_params()
        assert read.at_least


# Layers of others.


def test_which_weights_of_a_custom_layer_train_is_unknown(either: Any, tmp_path: Path) -> None:
    """The file does not tell; what is frozen in all, is."""

    class Scaled(either.layers.Layer):  # type: ignore[name-defined,misc]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(shape[-1],), name="scale")
            self.count = self.add_weight(shape=(3,), name="count", trainable=False)

        def call(self, x: Any) -> Any:
            return x * self.scale

    inputs = either.Input((4,))
    layer = Scaled()
    model = either.Model(inputs, layer(either.layers.Dense(4)(inputs)))
    given = {"custom_objects": {"Scaled": Scaled}}
    for suffix in SUFFIXES:
        read, true = held(either, model, tmp_path, suffix, **given)
        assert true == Params(24, 3)
        assert read.params == Params(20, 0, 7)
        assert not read.at_least
        (line,) = [line for line in read.warnings if "trained" in line]
        assert line.endswith(": scaled")
    layer.trainable = False
    exact(either, model, tmp_path, **given)


def test_a_layer_that_stores_more_than_its_weights(either: Any, tmp_path: Path) -> None:
    """What it stores under names of its own does not count, and that is said."""

    class Storing(either.layers.Layer):  # type: ignore[name-defined,misc]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(shape[-1],), name="scale")

        def call(self, x: Any) -> Any:
            return x * self.scale

        def save_own_variables(self, store: Any) -> None:
            super().save_own_variables(store)
            store["extra"] = np.zeros(2)

        def load_own_variables(self, store: Any) -> None:
            self.scale.assign(store["0"])

    inputs = either.Input((4,))
    model = either.Model(inputs, Storing()(inputs))
    read, true = held(either, model, tmp_path, ".keras", custom_objects={"Storing": Storing})
    assert (read.total, read.at_least) == (4, True)
    assert true.total == 4
    assert any("a way of their own" in line for line in read.warnings)


def test_a_layer_is_found_whatever_its_class_is_registered_as(keras: Any, tmp_path: Path) -> None:
    """Groups are called by the class, configs name what it is registered as."""

    @keras.saving.register_keras_serializable("pack", "Renamed")
    class Scaled(keras.layers.Layer):  # type: ignore[name-defined,misc]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(shape[-1],))

        def call(self, x: Any) -> Any:
            return x * self.scale

    inputs = keras.Input((4,))
    read, _ = held(keras, keras.Model(inputs, Scaled()(inputs)), tmp_path, ".keras")
    assert (read.total, read.at_least) == (4, False)


# Quantised, and with LoRA.


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_quantised_layers(keras: Any, tmp_path: Path, mode: str, use_bias: bool) -> None:
    """Kernels, scales and all else are frozen, biases train; Float8 trains all."""
    layers = keras.layers
    axes = "d" if use_bias else None
    for layer, shape in (
        (layers.Dense(8, use_bias=use_bias), (16,)),
        (layers.EinsumDense("abc,cd->abd", (None, 8), bias_axes=axes), (4, 16)),
        (layers.Embedding(10, 8), (4,)),
        (layers.Dense(8, use_bias=use_bias, trainable=False), (16,)),
    ):
        if mode == "float8" and isinstance(layer, layers.Embedding):
            continue
        inputs = keras.Input(shape)
        model = keras.Model(inputs, layer(inputs))
        layer.quantize(mode)
        exact(keras, model, tmp_path, ".keras")
        if mode != "float8":  # which Keras cannot load
            exact(keras, model, tmp_path, ".h5")
        read, _ = held(keras, model, tmp_path, ".json")
        assert (read.total, read.at_least) == (0, True)


@pytest.mark.parametrize("rank", [1, 3])
def test_lora_is_counted_as_loaded(keras: Any, tmp_path: Path, rank: int) -> None:
    """Its matrices are made then, and the kernel is frozen."""
    layers = keras.layers
    for layer, shape in (
        (layers.Dense(8), (16,)),
        (layers.Dense(8, use_bias=False), (16,)),
        (layers.EinsumDense("abc,cde->abde", (None, 4, 2), bias_axes="e"), (4, 16)),
        (layers.Embedding(10, 8), (4,)),
        (layers.Conv2D(4, 3), (8, 8, 3)),
        (layers.Conv1D(6, 3, groups=3), (8, 3)),
    ):
        inputs = keras.Input(shape)
        model = keras.Model(inputs, layer(inputs))
        layer.enable_lora(rank)
        exact(keras, model, tmp_path)
    for mode in ("int8", "int4"):
        layer = layers.Dense(8)
        inputs = keras.Input((16,))
        model = keras.Model(inputs, layer(inputs))
        layer.quantize(mode)
        layer.enable_lora(rank)
        read, _ = held(keras, model, tmp_path, ".keras")
        assert read.at_least == (mode == "int4")


def test_lookups_and_normalisations_have_no_trained_weights(keras: Any, tmp_path: Path) -> None:
    """What a lookup stores of its own is not a weight."""
    layers = keras.layers
    inputs = keras.Input((4,))
    normalise = layers.Normalization()
    normalise.adapt(np.ones((3, 4)))
    exact(keras, keras.Model(inputs, normalise(inputs)), tmp_path, ".keras")
    words = keras.Input((1,), dtype="string")
    lookup = layers.StringLookup(output_mode="tf_idf", vocabulary=["a", "b"], idf_weights=[1, 2])
    read, _ = held(keras, keras.Model(words, lookup(words)), tmp_path, ".keras")
    assert read.total == 0
