"""Models asked at another input size, held against what Keras makes of them there.

What attn tells is what Keras has, or unknown; what one refuses, the other does not run.
"""

from __future__ import annotations

import random
import secrets
import warnings
from typing import TYPE_CHECKING, Any

import mixed
import numpy as np
import pytest
from catalogue import world
from drawn import described
from files import truth
from hypothesis import settings
from said import judge_model

from attn_cli.errors import AttnError, BadGraph, BadShape
from attn_cli.sources.saved import read_model
from attn_cli.tf.anew import copied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTED = (8, 8, 4)
SIZES = [(12, 12), (16, 5), (9, 8), (3, 3)]


def input_name(model: Any) -> str:
    """Return the name of the layer that is a model's only input."""
    (tensor,) = model.inputs
    return f"{tensor._keras_history.operation.name}"


def wrong_at(model: Any, size: tuple[int, int], folder: Path) -> Iterator[str]:
    """Yield what is told wrong of a model at another size."""
    path = folder / "model.json"
    path.write_text(model.to_json(), encoding="utf-8")
    shape = (*size, NOTED[-1])
    try:
        asked = read_model(path, input_shape=shape)
    except AttnError as error:
        asked, refused = None, str(error)
    try:
        made = copied(model, {input_name(model): (None, *shape)})
    except BadGraph as error:
        if asked is not None and knows_all(asked):
            yield f"told all of what Keras refuses: {error}"
        return
    if asked is not None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                true = truth(made, made)
        except Exception as error:
            if knows_all(asked) and runs(model, NOTED):
                yield f"told all of what does not run there: {error}"
            return
        yield from map(str, judge_model(asked, true).wrong)
    # What stands where is told by what layers say of it, and here they say anything.
    elif "channels" not in refused and runs(made, shape):
        yield f"refused what Keras runs: {refused}"


def knows_all(asked: Any) -> bool:
    """Tell whether nothing of a model is unknown: then it has been followed to its end."""
    return all(None not in node.cost[:2] for node in asked.graph.nodes)


def runs(model: Any, shape: tuple[int, ...]) -> bool:
    """Tell whether a model can be run."""
    try:
        model(np.zeros((2, *shape), "float32"))
    except Exception:
        return False
    return True


def cases(keras: Any) -> dict[str, Any]:
    """Return what follows from a size in a way of its own: functions of a tensor."""
    layers, ops = keras.layers, keras.ops

    def skip(x: Any) -> Any:
        down = layers.Conv2D(6, 3, strides=2, padding="same")(x)
        return layers.Concatenate()([x, layers.Conv2DTranspose(4, 2, strides=2)(down)])

    def windows(x: Any) -> Any:
        """4 × 4 of them, folded into the batch, as many as the noted size has."""
        x = ops.reshape(x, (-1, 2, 4, 2, 4, 4))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 16, 4))
        return layers.Dense(5)(layers.MultiHeadAttention(2, 3)(x, x))

    def tokens(x: Any) -> Any:
        x = layers.Reshape((-1, 4))(x)
        return layers.MultiHeadAttention(2, 3)(x, x)

    def positions(x: Any) -> Any:
        return tokens(x + np.ones((1, 8, 8, 4), "float32"))

    def gate(x: Any) -> Any:
        return x * ops.reshape(ops.sigmoid(ops.mean(x, axis=(1, 2))), (-1, 1, 1, 4))

    def rows(x: Any) -> Any:
        return layers.TimeDistributed(layers.LSTM(3))(x)

    def shared(x: Any) -> Any:
        same = layers.Dense(8)
        return same(layers.Permute((1, 3, 2))(x)), same(layers.Permute((2, 3, 1))(x))

    return {
        "flatten": lambda x: layers.Dense(3)(layers.Flatten()(x)),
        "flatten alone": lambda x: layers.Flatten()(x),
        "reshape": lambda x: layers.Reshape((8, 32))(x),
        "reshape the rest": lambda x: layers.Reshape((-1, 8))(x),
        "permute": lambda x: layers.Dense(3)(layers.Permute((3, 1, 2))(x)),
        "permute and shared": shared,
        "resize": lambda x: layers.Conv2D(3, 3)(layers.Resizing(6, 5)(x)),
        "resize and add": lambda x: x + layers.Resizing(8, 8)(x),
        "centre": lambda x: layers.Dense(3)(layers.Flatten()(layers.CenterCrop(4, 4)(x))),
        "up": lambda x: layers.Conv2D(3, 3)(layers.UpSampling2D((2, 3))(x)),
        "up smoothly": lambda x: layers.UpSampling2D(2, interpolation="bilinear")(x),
        "skip": skip,
        "transposed": lambda x: layers.Conv2DTranspose(3, 3, strides=2, padding="same")(x),
        "transposed, padded": lambda x: layers.Conv2DTranspose(
            3, 3, strides=3, padding="valid", output_padding=(1, 2)
        )(x),
        "transposed, dilated": lambda x: layers.Conv2DTranspose(3, 3, dilation_rate=2)(x),
        "dilated": lambda x: layers.Conv2D(3, 3, dilation_rate=(2, 3))(x),
        "pooled": lambda x: layers.MaxPooling2D(3, strides=2)(layers.AveragePooling2D(2)(x)),
        "adaptive": lambda x: layers.Dense(3)(
            layers.Flatten()(layers.AdaptiveAveragePooling2D((2, 3))(x))
        ),
        "cropped": lambda x: layers.Cropping2D(((1, 2), (2, 2)))(x),
        "padded": lambda x: layers.ZeroPadding2D(((0, 1), (2, 0)))(x),
        "norm of all": lambda x: layers.LayerNormalization(axis=(1, 2, 3))(x),
        "norm of rows": lambda x: layers.BatchNormalization(axis=1)(x),
        "slopes": lambda x: layers.PReLU()(x),
        "slopes of channels": lambda x: layers.PReLU(shared_axes=(1, 2))(x),
        "einsum, open": lambda x: layers.EinsumDense("abcd,de->abce", (None, None, 5))(x),
        "einsum, told": lambda x: layers.EinsumDense("abcd,de->abce", (8, 8, 5))(x),
        "einsum, rows": lambda x: layers.EinsumDense("abcd,bde->ace", (8, 5), bias_axes="e")(x),
        "matrix": lambda x: ops.matmul(np.ones((3, 8), "float32"), x),
        "its own product": lambda x: ops.einsum("bhwc,bhwd->bcd", x, x),
        "item": lambda x: x[:, 7],
        "item from the end": lambda x: x[:, -2, :, 1:],
        "slice": lambda x: x[:, 2:8:2, :-1],
        "squeezed": lambda x: ops.squeeze(x[:, :1], axis=1),
        "split": lambda x: ops.split(x, 2, axis=1)[1],
        "split at": lambda x: ops.split(x, [3, 5], axis=2),
        "unstacked": lambda x: ops.unstack(x, axis=1)[2],
        "stretched": lambda x: ops.broadcast_to(x[:, :1], (1, 8, 8, 4)),
        "repeated": lambda x: ops.repeat(x, [1, 2, 1, 2, 1, 1, 1, 1], axis=1),
        "tiled": lambda x: ops.tile(x, (1, 2, 1, 3)),
        "stacked": lambda x: ops.stack([x, ops.transpose(x, (0, 2, 1, 3))], axis=1),
        "one of a batch of one": lambda x: layers.Add()([ops.max(x, axis=0, keepdims=True), x]),
        "added to itself, turned": lambda x: layers.Add()([x, layers.Permute((2, 1, 3))(x)]),
        "averaged rows": lambda x: layers.Dot((1, 1))([layers.Reshape((-1, 4))(x)] * 2),
        "depth": lambda x: ops.depth_to_space(ops.space_to_depth(x, 2), 2),
        "windows": windows,
        "tokens": tokens,
        "positions": positions,
        "gate": gate,
        "rows": rows,
        "both ways": lambda x: layers.Bidirectional(layers.GRU(3))(layers.Reshape((-1, 4))(x)),
        "lstm of maps": lambda x: layers.ConvLSTM1D(3, 3)(x),
        "causal": lambda x: layers.Conv1D(3, 3, padding="causal")(layers.Reshape((-1, 8))(x)),
    }  # fmt: skip


def test_what_follows_from_a_size_does(keras: Any, tmp_path: Path) -> None:
    """Each alone, at each size."""
    wrong = []
    for name, build in cases(keras).items():
        keras.backend.clear_session()
        inputs = keras.Input(NOTED)
        model = keras.Model(inputs, build(inputs))
        for size in SIZES:
            wrong += [f"{name} at {size}: {each}" for each in wrong_at(model, size, tmp_path)]
    assert not wrong, "\n".join(["", *wrong])


def drawn_models(name: str, share: int) -> Iterator[tuple[Any, random.Random, str]]:
    """Yield models with wrappers, nested, shared and frozen parts, and how they came about."""
    keras, profile = world(name), settings()
    for number in range(profile.max_examples // share):
        dice = random.Random(f"{number if profile.derandomize else secrets.token_hex(8)}")
        keras.backend.clear_session()
        drawn = mixed.Mixed(keras, dice)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = drawn.model(dice.choice([0, 1, 1, 2]), [NOTED])
                model.to_json()
        except Exception:  # whatever Keras or TensorFlow has against it
            continue
        yield model, dice, "; ".join(drawn.text)


@pytest.mark.usefixtures("keras")
def test_drawn_models_are_as_keras_makes_them(tmp_path: Path) -> None:
    """What attn tells of them at another size, and what it refuses."""
    wrong = []
    for model, dice, text in drawn_models("keras", 10):
        size = dice.choice(SIZES)
        wrong += [f"{text} at {size}: {each}" for each in wrong_at(model, size, tmp_path)]
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", ["keras", "tf_keras"])
def test_the_size_that_is_noted_changes_nothing(name: str, tmp_path: Path) -> None:
    """In no format: not what is known, and not what is unknown."""
    for model, dice, text in drawn_models(name, 2):
        path = tmp_path / f"model{dice.choice(('.keras', '.h5', '.json'))}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                path.write_text(model.to_json()) if path.suffix == ".json" else model.save(path)
                before = read_model(path)
            except Exception:  # what is not saved, or not read, at its own size
                continue
        assert before.graph is not None
        # Whatever layers say of where channels stand, that is where they are.
        for size in (NOTED, (NOTED[1], NOTED[2], NOTED[0])):
            try:
                after = read_model(path, input_shape=size)
            except BadShape:
                continue
            assert after.graph is not None
            assert described(after.graph) == described(before.graph), text
            assert after._replace(graph=None) == before._replace(graph=None), text
            break
        else:
            pytest.fail(f"its own size is refused: {text}")


@pytest.mark.parametrize("name", ["functional", "sequential"])
def test_a_judge_that_can_be_wrong(keras: Any, name: str, tmp_path: Path) -> None:
    """A model that is asked at one size and judged at another is told wrong."""
    layers = [keras.Input(NOTED), keras.layers.Conv2D(3, 3)]
    model = keras.Sequential(layers)
    if name == "functional":
        model = keras.Model(model.inputs, model.outputs)
    path = tmp_path / "model.json"
    path.write_text(model.to_json(), encoding="utf-8")
    made = copied(model, {input_name(model): (None, 9, 9, 4)})
    told = judge_model(read_model(path, input_shape=(12, 9, 4)), truth(made, made))
    assert {each.what for each in told.wrong} >= {"macs", "flops"}
