"""Copies of Keras models: layers of their own, and all else as it was, whatever the model is."""

from __future__ import annotations

import gc
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import described

from attn_cli.tf.anew import copied
from attn_cli.tf.loaded import drawn_inputs
from attn_cli.tf.walk import structured, walk

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (8, 8, 4)


def adapted(keras: Any) -> Any:
    """What a layer works out of its weights, and what it looks up in a table."""
    norm, lookup = keras.layers.Normalization(), keras.layers.IntegerLookup()
    norm.adapt(np.random.default_rng(0).random((9, *SIZE)) * 50 + 7)
    lookup.adapt(np.arange(2))
    image, label = keras.Input(SIZE), keras.Input((1,), dtype="int64")
    x = keras.layers.Reshape((1, 1, 4))(keras.layers.Embedding(5, 4)(lookup(label)))
    return keras.Model([image, label], norm(image) + x)


def drawing(keras: Any) -> Any:
    """What draws goes on where the other one is."""
    inputs = keras.Input(SIZE)
    model = keras.Model(inputs, keras.layers.Dropout(0.5)(keras.layers.Dense(3)(inputs)))
    model(np.ones((1, *SIZE), "float32"), training=True)
    return model


def adapting(keras: Any) -> Any:
    """Weights that a layer merges into others where it is written to a file."""
    inputs = keras.Input(SIZE)
    conv = keras.layers.Conv2D(3, 1)
    model = keras.Model(inputs, conv(inputs))
    conv.enable_lora(2)
    return model


def quantised(keras: Any) -> Any:
    inputs = keras.Input(SIZE)
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    model.quantize("int8")
    return model


def of_types(keras: Any) -> Any:
    """Computed in several types, one of them that of a model inside."""
    x = inputs = keras.Input(SIZE)
    for policy in ("mixed_float16", "bfloat16", "float64"):
        x = keras.Sequential([keras.Input(SIZE), keras.layers.Conv2D(4, 1, dtype=policy)])(x)
    return keras.Model(inputs, x)


def masked(keras: Any) -> Any:
    """Through a model that takes a mask, and one that has its own."""
    layers = keras.layers
    inputs = keras.Input((8, 4))
    first = [keras.Input((8, 4)), layers.LSTM(4, return_sequences=True)]
    then = [keras.Input((8, 4)), layers.Masking(), layers.GRU(4, return_sequences=True)]
    x = keras.Sequential(first)(layers.Masking()(inputs))
    return keras.Model(inputs, keras.Sequential(then)(x))


def shared(keras: Any) -> Any:
    """A layer and an op, inside a model and beside it, twice."""
    inputs, inner = keras.Input(SIZE), keras.Input(SIZE)
    once = keras.layers.Conv2D(4, 1)
    inner = keras.Model(inner, once(inner) * 2)
    return keras.Model(inputs, inner(once(inputs)) + once(inner(inputs)))


def structured_anyhow(keras: Any) -> Any:
    """Tensors in dicts and tuples, and some that are given by their names."""
    a, b, c = (keras.Input(SIZE, name=name) for name in "abc")
    conv = keras.layers.Conv2D(4, 3, padding="same")
    inner = keras.Model({"a": a, "b": (b, c)}, {"sum": a + b, "conv": (conv(c),)})
    named = keras.Model([c, a], [conv(c), a])
    made = inner({"a": a, "b": (conv(b), b)})
    first, second = named({"a": made["sum"], "c": made["conv"][0]})
    return keras.Model({"b": b, "a": a}, {"two": (first,), "one": second})


def told_whether_it_trains(keras: Any) -> Any:
    inputs = keras.Input(SIZE)
    x = keras.layers.Dropout(0.5, seed=1)(inputs, training=True)
    return keras.Model(inputs, keras.layers.BatchNormalization()(x, training=False))


def partly_frozen(keras: Any) -> Any:
    """A model that is frozen, but for a layer; a layer, but for a weight; and one weight."""
    inputs, x = keras.Input(SIZE), keras.Input(SIZE)
    inner = keras.Model(x, keras.layers.Dense(4, name="b")(keras.layers.Dense(4, name="a")(x)))
    last = keras.layers.Dense(3, name="last")
    model = keras.Model(inputs, last(inner(inputs)))
    inner.trainable = False
    inner.get_layer("b").trainable = True
    last.kernel.trainable = False
    return model


def frozen_as_a_whole(keras: Any) -> Any:
    """Whatever a layer of it says."""
    model = partly_frozen(keras)
    model.trainable = False
    model.get_layer("last").trainable = True
    return model


def optional(keras: Any) -> Any:
    inputs = keras.Input(SIZE), keras.Input(SIZE, optional=True)
    return keras.Model(inputs, keras.layers.Dense(3)(inputs[0]))


MODELS: tuple[Callable[[Any], Any], ...] = (
    *(adapted, adapting, drawing, frozen_as_a_whole, masked, of_types, optional, partly_frozen),
    *(quantised, shared, structured_anyhow, told_whether_it_trains),
)


@pytest.mark.parametrize("build", MODELS)
def test_a_copy_is_as_what_it_is_of(keras: Any, build: Any) -> None:
    """Its graph, its weights and flags, and what it makes of inputs, also where that is drawn."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Keras thinks of such models
        model = build(keras)
        for weight in model.trainable_weights:
            weight.assign(weight.value + 0.125)
        made = copied(model)
        assert described(walk(made)) == described(walk(model))
        for ours, theirs in zip(made.variables, model.variables, strict=True):
            assert ours is not theirs
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
        for counted in (made, model):
            trained = sum(np.prod(weight.shape) for weight in counted.trainable_weights)
            assert trained == walk(model).params.trained
        assert [each.get_config() for each in inputs_of(made)] == [
            each.get_config() for each in inputs_of(model)
        ]
        inputs = structured(model, drawn_inputs(model, 0))
        for training in (False, True):
            wanted, got = [each(inputs, training=training) for each in (model, made)]
            keras.tree.assert_same_structure(wanted, got)
            for ours, theirs in zip(*map(keras.tree.flatten, (got, wanted)), strict=True):
                np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def inputs_of(model: Any) -> list[Any]:
    return [tensor._keras_history.operation for tensor in model.inputs]


def test_a_copy_is_let_go(keras: Any) -> None:
    """What it was made of holds nothing of it: not its weights, through an op that both call."""
    inputs = keras.Input(SIZE)
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs * 2) + 1)
    made = weakref.ref(copied(model).layers[-1])
    gc.collect()
    assert made() is None


def test_what_takes_a_mask_is_made_at_another_size(keras: Any) -> None:
    keras.backend.clear_session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = masked(keras)
        (name,) = [layer.name for layer in inputs_of(model)]
        made = copied(model, {name: (None, 5, 4)})
        assert made.outputs[0].shape == (None, 5, 4)
        values = np.random.default_rng(0).standard_normal((2, 5, 4)).astype("float32")
        values[:, 3:] = 0
        assert made(values).shape == (2, 5, 4)
