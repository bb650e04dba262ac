"""How blocks begin: nothing moves by a bit, and no layer is scaled that something else reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from attn_cli.analysis.places import select_places
from attn_cli.spec import parse_spec
from attn_cli.tf.insert import insert_blocks
from attn_cli.tf.loaded import drawn_inputs, outputs_of
from attn_cli.tf.start import Started, neutral_start, start_quietly
from attn_cli.tf.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def fresh(keras: Any) -> None:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)


def drawn(model: Any) -> Any:
    """Give a model weights that all matter: norms do not begin with shifts, convolutions do."""
    random = np.random.default_rng(1)
    for weight in model.weights:
        low, high = (0.5, 1.5) if "gamma" in weight.name or "variance" in weight.name else (-1, 1)
        weight.assign(random.uniform(low, high, weight.shape))
    return model


def values(model: Any) -> dict[str, Any]:
    return {weight.path: np.asarray(weight.value).astype("float64") for weight in model.weights}


class Outcome:
    """A model with blocks that start quietly: what was scaled, and how far its outputs are."""

    def __init__(self, model: Any, spec: str, *at: str) -> None:
        drawn(model)
        before = values(model)
        inputs = drawn_inputs(model, 0)
        wanted = outputs_of(model, inputs)
        graph, parsed = walk(model), parse_spec(spec)
        sites = [place.site for place in select_places(graph, at)]
        self.inserted = insert_blocks(model, graph, sites, parsed)
        self.started: Started = start_quietly(model, graph, self.inserted, parsed)
        self.same = all(
            np.array_equal(ours, theirs)
            for ours, theirs in zip(outputs_of(self.inserted.model, inputs), wanted, strict=True)
        )
        # The factor of each weight of the network that has one.
        self.factors = {
            path: float((after / before[path]).max())
            for path, after in values(model).items()
            if not np.array_equal(after, before[path])
        }

    @property
    def reasons(self) -> dict[str, str]:
        return dict(self.started.moving)


def head(keras: Any, x: Any) -> Any:
    """End a network with what is not linear: nothing behind a place can make up for a factor."""
    return keras.layers.Activation("silu", name="head")(x)


def model_of(keras: Any, build: Callable[[Any, Any], Any], shape: Any = (8, 8, 4)) -> Any:
    inputs = keras.Input(shape, name="image")
    return keras.Model(inputs, build(keras.layers, inputs))


def conv(layers: Any, name: str = "conv", **given: Any) -> Any:
    return layers.Conv2D(4, 3, padding="same", name=name, **given)


# Each form of gate, with the factor that it takes to undo it.
@pytest.mark.parametrize(
    ("spec", "factor"),
    [
        *(("se:ratio=2", 2), ("eca", 2), ("ese", 2), ("ceca", 2), ("srm", 2), ("cbam:ratio=2", 4)),
        *(("spatial", 2), ("se-mobilenetv3", 2), ("coord", 4), ("gc:ratio=2", 1), ("gct", 1)),
    ],
)
def test_the_layer_before_makes_up_for_gates(keras: Any, spec: str, factor: int) -> None:
    model = model_of(
        keras,
        lambda layers, x: head(
            keras, layers.ReLU(name="relu")(layers.BatchNormalization(name="bn")(conv(layers)(x)))
        ),
    )
    neutral = neutral_start(parse_spec(spec), 4)
    if neutral is None:
        pytest.fail("it has no start that changes nothing")
    assert neutral.factor == factor
    outcome = Outcome(model, spec, "relu")
    assert outcome.same
    assert outcome.reasons == {}
    scaled = {"bn/gamma": factor, "bn/beta": factor} if factor > 1 else {}
    assert outcome.factors == scaled


@pytest.mark.parametrize("spec", ["bam:ratio=2", "triplet", "simam"])
def test_a_block_without_such_a_start_is_left_as_it_is(keras: Any, spec: str) -> None:
    model = model_of(keras, lambda layers, x: head(keras, conv(layers)(x)))
    outcome = Outcome(model, spec, "conv")
    assert outcome.reasons == {"conv": "the block has no start that changes nothing"}
    assert outcome.factors == {}


# What stands before a place, and what is scaled for a gate behind it.
BEFORE: dict[str, tuple[Callable[[Any, Any], Any], dict[str, float]]] = {
    "a convolution": (
        lambda layers, x: layers.ReLU(name="at")(conv(layers)(x)),
        {"conv/kernel": 2, "conv/bias": 2},
    ),
    "its own activation": (
        lambda layers, x: conv(layers, "at", activation="relu")(x),
        {"at/kernel": 2, "at/bias": 2},
    ),
    "a norm without a shift": (
        lambda layers, x: layers.BatchNormalization(center=False, name="at")(conv(layers)(x)),
        {"at/gamma": 2},
    ),
    "a layer norm": (
        lambda layers, x: layers.LayerNormalization(name="at")(conv(layers)(x)),
        {"at/gamma": 2, "at/beta": 2},
    ),
    "depthwise": (
        lambda layers, x: layers.DepthwiseConv2D(3, name="at")(conv(layers)(x)),
        {"at/kernel": 2, "at/bias": 2},
    ),
    "separable": (
        lambda layers, x: layers.SeparableConv2D(4, 3, name="at")(conv(layers)(x)),
        {"at/pointwise_kernel": 2, "at/bias": 2},
    ),
    "transposed": (
        lambda layers, x: layers.Conv2DTranspose(4, 3, name="at")(conv(layers)(x)),
        {"at/kernel": 2, "at/bias": 2},
    ),
    "pooled, padded and leaky": (
        lambda layers, x: layers.Dropout(0.5, name="at")(
            layers.LeakyReLU(0.3)(layers.MaxPooling2D()(layers.ZeroPadding2D()(conv(layers)(x))))
        ),
        {"conv/kernel": 2, "conv/bias": 2},
    ),
}


@pytest.mark.parametrize("name", BEFORE)
def test_what_is_scaled_before_a_place(keras: Any, name: str) -> None:
    build, scaled = BEFORE[name]
    outcome = Outcome(model_of(keras, lambda layers, x: head(keras, build(layers, x))), "eca", "at")
    assert outcome.same
    assert outcome.reasons == {}
    assert outcome.factors == scaled


def test_a_scale_that_is_named_by_nobody_makes_up_for_it(keras: Any) -> None:
    """ConvNeXt's own: Keras only counts its weight."""
    from keras.src.applications.convnext import LayerScale

    def build(layers: Any, x: Any) -> Any:
        return head(keras, LayerScale(0.5, 4, name="at")(layers.Activation("silu")(x)))

    model = model_of(keras, build)
    assert [weight.name for weight in walk(model).nodes[2].layer.weights] == ["gamma"]
    outcome = Outcome(model, "eca", "at")
    assert outcome.same
    assert outcome.reasons == {}
    assert list(outcome.factors.values()) == [2]


def read_twice(layers: Any, x: Any) -> Any:
    bn = layers.BatchNormalization(name="bn")(conv(layers)(x))
    return [layers.ReLU(name="at")(bn), layers.Activation("silu")(bn)]


def shared(layers: Any, x: Any) -> Any:
    once = conv(layers)
    return [layers.ReLU(name="at")(once(x)), once(layers.ReLU()(x))]


def shared_norm(layers: Any, x: Any) -> Any:
    norm = layers.BatchNormalization(name="bn")
    return [layers.ReLU(name="at")(norm(conv(layers)(x))), norm(conv(layers, "other")(x))]


# What must not be scaled, and why.
REFUSED: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "read by others": (read_twice, "bn is read by others too"),
    "a shared convolution": (shared, "conv is called more than once"),
    "a shared norm": (shared_norm, "bn is called more than once"),
    "a norm without a scale": (
        lambda layers, x: layers.BatchNormalization(scale=False, name="at")(conv(layers)(x)),
        "at has no gamma",
    ),
    "bounded": (
        lambda layers, x: layers.ReLU(6, name="at")(conv(layers)(x)),
        "a ReLU up to 6 stands before it",
    ),
    "a threshold": (
        lambda layers, x: layers.ReLU(threshold=0.5, name="at")(conv(layers)(x)),
        "a ReLU stands before it",
    ),
    "curved": (
        lambda layers, x: layers.Activation("silu", name="at")(conv(layers)(x)),
        "an Activation silu stands before it",
    ),
    "curved inside": (
        lambda layers, x: conv(layers, "at", activation="tanh")(x),
        "a Conv2D tanh stands before it",
    ),
    "an addition": (lambda layers, x: layers.Add(name="at")([x, conv(layers)(x)]), "an Add stands"),
    "a gate": (
        lambda layers, x: layers.Multiply(name="at")([x, layers.Activation("sigmoid")(x)]),
        "a Multiply stands before it",
    ),
    "the input": (lambda layers, x: layers.ReLU(name="at")(x), "an InputLayer stands before it"),
    "noise": (
        lambda layers, x: layers.GaussianNoise(1.0, name="at")(conv(layers)(x)),
        "a GaussianNoise stands before it",
    ),
    "a constraint": (
        lambda layers, x: conv(layers, "at", kernel_constraint="unit_norm")(x),
        "at holds its weights to a constraint",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_scaled(keras: Any, name: str) -> None:
    """Then nothing is, the block is fresh, and the place is named with the reason."""
    build, reason = REFUSED[name]

    def ended(layers: Any, x: Any) -> Any:
        at, *beside = keras.tree.flatten(build(layers, x))
        return [head(keras, at), *beside]

    outcome = Outcome(model_of(keras, ended), "eca", "at")
    assert list(outcome.reasons) == ["at"]
    assert outcome.reasons["at"].startswith(reason)
    assert outcome.factors == {}
    assert outcome.started.quiet == ()


@pytest.mark.parametrize("name", REFUSED)
def test_the_layers_behind_make_up_for_it(keras: Any, name: str) -> None:
    """All that read the place, by their kernels alone: shifts come later."""
    build, _ = REFUSED[name]

    def behind(layers: Any, x: Any) -> Any:
        at, *beside = keras.tree.flatten(build(layers, x))
        first = conv(layers, "first", activation="tanh")(layers.MaxPooling2D(2)(at))
        pooled = layers.GlobalAveragePooling2D()(layers.ReLU()(at))
        dense = layers.Dense(3, name="dense", activation="silu")(pooled)
        return [head(keras, layers.Flatten()(first)), dense, *beside]

    outcome = Outcome(model_of(keras, behind), "eca", "at")
    assert outcome.same
    assert outcome.reasons == {}
    assert outcome.factors == {"first/kernel": 2, "dense/kernel": 2}


def test_one_reader_that_is_curved_is_enough_to_refuse(keras: Any) -> None:
    def build(layers: Any, x: Any) -> Any:
        at = layers.Activation("silu", name="at")(conv(layers)(x))
        return layers.Add()([conv(layers, "first")(at), layers.Activation("silu")(at)])

    outcome = Outcome(model_of(keras, build), "eca", "at")
    assert outcome.reasons == {"at": "an Activation silu stands before it"}
    assert outcome.factors == {}


def test_an_output_on_the_way_is_not_scaled(keras: Any) -> None:
    """Neither before nor behind; a place that is itself an output is, as the block stands there."""

    def build(layers: Any, x: Any) -> Any:
        bn = layers.BatchNormalization(name="bn")(conv(layers)(x))
        return [bn, head(keras, layers.ReLU(name="at")(bn))]

    outcome = Outcome(model_of(keras, build), "eca", "at")
    assert outcome.reasons == {"at": "bn is read by others too"}
    assert outcome.factors == {}
    outcome = Outcome(model_of(keras, build), "eca", "bn")
    assert outcome.same
    assert outcome.factors == {"bn/gamma": 2, "bn/beta": 2}


def test_places_one_behind_the_other_add_up(keras: Any) -> None:
    """Two blocks of two gates: a factor of 16 in one norm; or what reads a place does its part."""

    def build(layers: Any, x: Any) -> Any:
        bn = layers.BatchNormalization(name="bn")(conv(layers)(x))
        relu = layers.ReLU(name="relu")(bn)
        silu = layers.Activation("silu", name="silu")(relu)
        return head(keras, conv(layers, "last")(silu))

    outcome = Outcome(model_of(keras, build), "cbam:ratio=2", "bn", "relu", "silu")
    assert outcome.same
    assert outcome.reasons == {}
    assert outcome.factors == {"bn/gamma": 16, "bn/beta": 16, "last/kernel": 4}


def test_a_place_that_is_read_by_others_is_a_good_one(keras: Any) -> None:
    """All readers see the block: the norm before it may be scaled."""

    def build(layers: Any, x: Any) -> Any:
        bn = layers.BatchNormalization(name="at")(conv(layers)(x))
        return layers.Add()([layers.Activation("silu")(bn), bn])

    outcome = Outcome(model_of(keras, build), "eca", "at")
    assert outcome.same
    assert outcome.factors == {"at/gamma": 2, "at/beta": 2}


def test_nested_models(keras: Any) -> None:
    """Within one, through its end, and never a layer that another model calls as well."""
    layers = keras.layers

    def outer(call_again: bool) -> Any:
        inputs = keras.Input((8, 8, 4))
        once = conv(layers, "once")
        inner = keras.Sequential(
            [layers.Input((8, 8, 4)), once, layers.ReLU(name="relu")], name="inner"
        )
        x = layers.MaxPooling2D(2, name="pool")(inner(inputs))
        x = head(keras, x)
        if call_again:
            x = layers.Add()([x, once(layers.MaxPooling2D(2)(inputs))])
        return keras.Model(inputs, x)

    for at in ("inner/relu", "pool"):
        outcome = Outcome(outer(call_again=False), "cbam:ratio=2", at)
        assert outcome.same
        assert set(outcome.factors.values()) == {4}
        assert len(outcome.factors) == 2
        outcome = Outcome(outer(call_again=True), "cbam:ratio=2", at)
        assert outcome.reasons == {at: "inner/once is called more than once"}
        assert outcome.factors == {}


def test_a_sequential_model(keras: Any) -> None:
    layers = keras.layers
    parts = [conv(layers), layers.BatchNormalization(name="bn"), layers.ReLU(name="relu")]
    model = keras.Sequential([layers.Input((8, 8, 4)), *parts, layers.Activation("silu")])
    outcome = Outcome(model, "se:ratio=2", "relu")
    assert outcome.same
    assert set(outcome.factors) == {"bn/gamma", "bn/beta"} or len(outcome.factors) == 2


def test_what_is_replaced_is_fresh_and_what_stands_beside_it_is_quiet(keras: Any) -> None:
    """The layer before serves the new block at the other place alone."""

    def build(layers: Any, x: Any) -> Any:
        bn = layers.BatchNormalization(name="bn")(conv(layers)(x))
        s = layers.GlobalAveragePooling2D(keepdims=True)(bn)
        s = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(s)
        return head(keras, layers.Multiply(name="scale")([bn, s]))

    outcome = Outcome(model_of(keras, build), "eca", "attention", "bn")
    assert outcome.reasons == {"scale": "what stood there is gone"}
    assert outcome.started.quiet == ("bn",)
    assert outcome.factors == {"bn/gamma": 2, "bn/beta": 2}


def test_what_it_takes_may_depend_on_the_channels(keras: Any, tmp_path: Path) -> None:
    """A block of somebody's with one gate on few channels, two on more, and none on the most."""
    path = tmp_path / "own.py"
    path.write_text(
        "from attn_cli import namespace_of\n"
        "def gates(inputs, *, name=None):\n"
        "    layers = namespace_of(inputs).layers\n"
        "    x, channels = inputs, inputs.shape[-1]\n"
        "    for number in range(channels // 4):\n"
        "        label = f'{name or str()}{number}'\n"
        "        act = 'sigmoid' if channels < 12 else 'tanh'\n"
        "        s = layers.Conv2D(1, 1, activation=act, name=f'{label}_gate')(x)\n"
        "        x = layers.Multiply(name=f'{label}_scale')([x, s])\n"
        "    return x\n"
    )

    def build(layers: Any, x: Any) -> Any:
        for name, filters in (("one", 4), ("two", 8), ("three", 12)):
            x = layers.Activation("silu")(layers.Conv2D(filters, 1, name=name)(x))
        return x

    outcome = Outcome(model_of(keras, build), f"{path}:gates", "one", "two", "three")
    assert outcome.reasons == {"three": "the block has no start that changes nothing"}
    assert outcome.factors == {"one/kernel": 2, "one/bias": 2, "two/kernel": 4, "two/bias": 4}


POLICIES = ("float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("spec", ["se:ratio=2", "eca", "cbam:ratio=2"])
def test_factors_of_2_are_exact_in_every_type(keras: Any, spec: str, policy: str) -> None:
    """Before and behind a place."""
    keras.config.set_dtype_policy(policy)
    try:
        layers = keras.layers
        inputs = keras.Input((8, 8, 4))
        x = layers.BatchNormalization(name="bn")(conv(layers)(inputs))
        x = layers.Activation("silu", name="silu")(layers.ReLU(name="relu")(x))
        x = layers.Dense(3)(layers.GlobalAveragePooling2D()(conv(layers, "last")(x)))
        model = keras.Model(inputs, x)
    finally:
        keras.config.set_dtype_policy("float32")
    outcome = Outcome(model, spec, "relu", "silu")
    assert outcome.same
    assert outcome.reasons == {}
    factor = 4.0 if spec.startswith("cbam") else 2.0
    assert outcome.factors == {
        "bn/gamma": factor, "bn/beta": factor, "last/kernel": factor,
    }  # fmt: skip


def test_the_gates_that_are_closed_to_one_half_learn(keras: Any) -> None:
    """What is 0 has a gradient; a step later so has all that stands before it."""
    import tensorflow as tf

    model = model_of(keras, lambda layers, x: head(keras, conv(layers)(x)))
    outcome = Outcome(model, "se:ratio=2", "conv")
    made = outcome.inserted.model
    inputs = np.random.default_rng(0).standard_normal((2, 8, 8, 4), dtype=np.float32)
    alive = []
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(made(inputs, training=True)))
        own = [weight for weight in made.trainable_weights if "_se_" in weight.path]
        gradients = tape.gradient(loss, [weight.value for weight in own])
        alive.append([bool(np.abs(each).max() > 0) for each in gradients])
        for weight, gradient in zip(own, gradients, strict=True):
            weight.assign_sub(0.01 * gradient)
    assert alive == [[False, False, True, True], [True, True, True, True]]
