"""What the blocks compute: TensorFlow against a reference written from the papers' equations."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from references import ACTIVATIONS, REFERENCES

from attn_cli.blocks import BLOCKS, find_block
from attn_cli.errors import AttnError, BadShape
from attn_cli.sources.block import trace
from attn_cli.tf.load import load_keras

pytestmark = pytest.mark.usefixtures("keras")

# What float32 may lose in a few dozen additions, of the largest number around.
TOLERANCE = 64 * float(np.finfo(np.float32).eps)

SIZES = st.integers(1, 12)
VALUES = {
    "bool": st.booleans(),
    "float": st.floats(0, 4, width=16),
    "int": st.integers(1, 9),
    "None": st.none(),
}


@cache
def words(name, option):
    """The names that an option takes, out of the activations and what its help mentions."""
    block = find_block(name)
    taken = []
    for word in sorted({*ACTIVATIONS, *re.findall(r"\w+", block.options[option].help)}):
        with suppress(AttnError):
            trace(block.build, (8, 8, 64), **{option: word})
            taken.append(word)
    return taken


@st.composite
def configurations(draw, name):
    """A shape (H, W, C) and options that the block takes."""
    block = find_block(name)
    shape = (draw(SIZES), draw(SIZES), draw(st.integers(1, 40)))
    options = {}
    for option in block.options.values():
        if draw(st.booleans()):
            kinds = [kind.strip() for kind in option.type.split("|")]
            options[option.name] = draw(
                st.sampled_from(words(name, option.name))
                if kinds == ["str"]
                else st.one_of([VALUES[kind] for kind in kinds])
            )
    try:
        trace(block.build, shape, **options)
    except AttnError:
        assume(False)
    return shape, options


def built(name, shape, options, seed=0, dtype=None):
    """A model of the block on its own, all of its weights drawn at random."""
    keras = load_keras()
    inputs = keras.Input(shape, dtype=dtype)
    model = keras.Model(inputs, find_block(name).build(inputs, name="block", **options))
    random = np.random.default_rng(seed)
    for weight in model.weights:
        draw = random.uniform(0.5, 1.5, weight.shape)
        if weight.name not in ("moving_variance", "gamma"):
            draw = random.normal(0, 1 / max(1, weight.shape[0]) ** 0.5, weight.shape)
        weight.assign(draw)
    return model


def weights_by_role(model):
    """The weights as `layer/weight`, without the block's own prefix."""
    return {
        weight.path.removeprefix("block_"): np.asarray(weight, np.float64)
        for weight in model.weights
    }


def test_every_block_has_a_reference():
    """A block that nobody wrote a reference for is not tested."""
    assert sorted(REFERENCES) == sorted(BLOCKS)


@pytest.mark.parametrize("name", BLOCKS)
def test_computes_what_its_paper_says(name):
    """Over drawn shapes and options, TensorFlow and the paper's equations give the same."""

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(configurations(name), st.integers(0, 2**32))
    def compare(configuration, seed):
        shape, options = configuration
        model = built(name, shape, options, seed)
        x = np.random.default_rng(seed).normal(size=(2, *shape)).astype(np.float32)
        everything = {**find_block(name).defaults, **options}
        wanted = REFERENCES[name](x.astype(np.float64), weights_by_role(model), **everything)
        got = np.asarray(model(x))
        assert got.shape == wanted.shape
        assert np.abs(got - wanted).max() <= TOLERANCE * max(1, np.abs(wanted).max())

    compare()


@pytest.fixture(params=["float16", "mixed_float16"])
def half_precision(request):
    """Keras set to half precision."""
    keras = load_keras()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.usefixtures("half_precision")
def test_is_finite_in_half_precision(name):
    """In float16, outputs are finite for unit-normal inputs, and are float16."""
    model = built(name, (56, 56, 64), {}, dtype="float16")
    output = np.asarray(model(np.random.default_rng(0).normal(size=(2, 56, 56, 64))))
    assert output.dtype == np.float16
    assert np.isfinite(output).all()


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.usefixtures("half_precision")
def test_a_pooled_mean_does_not_overflow(name):
    """In float16, whatever averages is right for 224 × 224 features of up to 60,000."""
    keras = load_keras()
    model = built(name, (224, 224, 16), {}, dtype="float16")
    x = np.random.default_rng(0).uniform(20_000, 60_000, (1, 224, 224, 16)).astype(np.float16)
    for operation in model.operations:
        if type(operation).__name__ not in MEANS:
            continue
        pooling = keras.Model(model.input, [operation.input, operation.output])
        before, after = (np.asarray(values) for values in pooling(x))
        axes = operation.get_config().get("axis", (1, 2))
        wanted = before.mean(axis=axes, dtype=np.float64).reshape(after.shape)
        np.testing.assert_allclose(after, wanted, rtol=2**-10)


MEANS = ("GlobalAveragePooling2D", "Mean")


@pytest.mark.parametrize("name", BLOCKS)
def test_computes_the_same_with_dynamic_sizes(name):
    """With an H and W that are known only in the run, the output is the same."""
    dynamic = (None, None, 32)
    try:
        trace(find_block(name).build, dynamic)
    except BadShape as refusal:
        with pytest.raises(BadShape, match=re.escape(str(refusal))):
            built(name, dynamic, {})
        return
    model = built(name, dynamic, {})
    for height, width in ((6, 9), (9, 6)):
        fixed = built(name, (height, width, 32), {})
        fixed.set_weights(model.get_weights())
        x = np.random.default_rng(0).normal(size=(2, height, width, 32)).astype(np.float32)
        np.testing.assert_allclose(model(x), fixed(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", BLOCKS)
def test_what_squares_states_its_limit(name):
    """A block that squares in float16 says in its docstring from which values on it overflows."""
    block = find_block(name)
    types = {node.layer.type for node in trace(block.build, (7, 6, 32)).nodes}
    squares = not types.isdisjoint({"Square", "Var"})
    assert squares == ("In float16" in block.section("In the wild"))
