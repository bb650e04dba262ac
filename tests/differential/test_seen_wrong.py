"""Models of which attn once told something wrong, each in the smallest form that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from catalogue import world
from files import judged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAP = (8, 8, 4)


def folded(keras: Any, x: Any) -> Any:
    """Places that become samples, as the windows of window attention do."""
    return keras.layers.Dense(5)(keras.ops.reshape(x, (-1, 16, 4)))


def joined(keras: Any, x: Any) -> Any:
    """Samples put behind each other by a layer, which are twice as many."""
    return keras.layers.Dense(5)(keras.layers.Concatenate(axis=0)([x, keras.layers.ReLU()(x)]))


def padded_output(keras: Any, x: Any) -> Any:
    """A size that depends on an option that few give."""
    return keras.layers.Conv2DTranspose(3, 3, strides=2, output_padding=1)(x)


def by_a_constant(keras: Any, x: Any) -> Any:
    """A matrix that is no weight and no tensor."""
    return keras.ops.matmul(x, np.ones((4, 3), "float32"))


def by_a_larger_constant(keras: Any, x: Any) -> Any:
    """A tensor that becomes larger by what it is multiplied with."""
    small = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    return keras.layers.Dense(5)(small * np.ones((1, 8, 8, 4), "float32"))


def folded_2(keras: Any, x: Any) -> Any:
    import tensorflow as tf

    return keras.layers.Dense(5)(tf.reshape(x, (-1, 16, 4)))


def split_2(keras: Any, x: Any) -> Any:
    """One part has the rest."""
    import tensorflow as tf

    return keras.layers.Dense(3)(tf.split(keras.layers.Dense(15)(x), [10, -1], axis=-1)[1])


def stacked_2(name: str) -> Callable[[Any, Any], Any]:
    """Return a reduction of a list of tensors, which is of one tensor more of rank."""

    def build(keras: Any, x: Any) -> Any:
        import tensorflow as tf

        return keras.layers.Dense(4)(getattr(tf, name)([x, keras.layers.ReLU()(x)], axis=0))

    return build


def transposed_2(**which: bool) -> Callable[[Any, Any], Any]:
    """Return a product of a matrix with itself, on its side."""

    def build(keras: Any, x: Any) -> Any:
        import tensorflow as tf

        rows = keras.layers.Reshape((16, 16))(x)
        return keras.layers.Dense(2)(tf.matmul(rows[:, :, :6], rows[:, :, :6], **which))

    return build


def weighing(keras: Any, x: Any) -> Any:
    """An activation that has weights."""
    return keras.layers.Dense(5, activation=keras.layers.PReLU())(x)


def steps(keras: Any, x: Any) -> Any:
    """What comes out of a model that is applied to each step."""
    inputs = keras.Input(MAP[1:])
    inner = keras.Model(inputs, keras.layers.Dense(5)(inputs))
    return keras.layers.TimeDistributed(inner)(x)


CASES: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "places folded into the batch": ("keras", folded),
    "samples joined by a layer": ("keras", joined),
    "samples joined by a layer in Keras 2": ("tf_keras", joined),
    "output_padding": ("keras", padded_output),
    "an activation with weights in Keras 2": ("tf_keras", weighing),
    "steps of a model": ("keras", steps),
    "steps of a model in Keras 2": ("tf_keras", steps),
    "matmul by a constant": ("keras", by_a_constant),
    "a larger constant": ("keras", by_a_larger_constant),
    "tf.reshape into the batch": ("tf_keras", folded_2),
    "tf.split with a rest": ("tf_keras", split_2),
    "a larger constant in Keras 2": ("tf_keras", by_a_larger_constant),
    "tf.matmul(transpose_a)": ("tf_keras", transposed_2(transpose_a=True)),
    "tf.matmul(transpose_b)": ("tf_keras", transposed_2(transpose_b=True)),
    **{
        f"tf.{name} of a list": ("tf_keras", stacked_2(name))
        for name in ("reduce_mean", "reduce_sum", "reduce_max")
    },
}


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".json"])
@pytest.mark.parametrize("name", CASES)
def test_nothing_is_wrong_any_more(name: str, suffix: str, tmp_path: Path) -> None:
    """Each figure is Keras' own, or unknown for its true reason; also inside another model."""
    keras, build = world(CASES[name][0]), CASES[name][1]
    inputs = keras.Input(MAP)
    model = keras.Model(inputs, build(keras, inputs))
    outside = keras.Input(MAP)
    for each in (model, keras.Model(outside, model(outside))):
        wrong = judged(keras, each, suffix, tmp_path).wrong
        assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("suffix", [".keras", ".json"])
def test_a_norm_over_nothing_costs_nothing(keras: Any, suffix: str, tmp_path: Path) -> None:
    """An axis of size 0 is no number to divide by."""
    inputs = keras.Input((0, 4))
    model = keras.Model(inputs, keras.layers.LayerNormalization(axis=1)(inputs))
    wrong = judged(keras, model, suffix, tmp_path).wrong
    assert not wrong, "\n".join(map(str, wrong))
