"""A preset is the code that it is named after: with the same weights it has the same outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from implementations import IMPLEMENTATIONS, in_keras_form

from attn_cli.blocks import PRESETS
from attn_cli.errors import BadOption
from attn_cli.spec import parse_spec

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_every_preset_has_an_implementation() -> None:
    """A preset that nobody wrote its source again for is not tested."""
    assert {spec.partition(":")[0] for spec in IMPLEMENTATIONS} >= set(PRESETS)


@pytest.mark.slow
@pytest.mark.parametrize("spec", IMPLEMENTATIONS)
def test_has_as_many_weights_at_any_width(spec: str) -> None:
    """Its rounding of widths, done in floats as theirs is, has at all channels what ours has.

    Where theirs makes a layer of no width, ours refuses.
    """
    known = IMPLEMENTATIONS[spec]
    for channels in [*range(4, 600), 768, 1024, 1536, 2048, 2736, 4000]:
        shapes, _ = known.module(channels)
        if any(0 in shape for shape in shapes.values()):
            with pytest.raises(BadOption, match="to a width of 0"):
                parse_spec(spec).trace((*known.size, channels))
            continue
        theirs = sum(int(np.prod(shape)) for shape in shapes.values())
        assert theirs == parse_spec(spec).trace((*known.size, channels)).params.total, channels


@pytest.fixture
def doubles(keras: Any) -> Iterator[Any]:
    """Keras set to float64, where an epsilon is seen."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield keras
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    ("spec", "channels"),
    [(spec, count) for spec, known in IMPLEMENTATIONS.items() for count in known.channels],
)
def test_computes_what_its_source_computes(spec: str, channels: int, doubles: Any) -> None:
    """Weights that were drawn for that code load into the preset, and give that code's outputs."""
    known = IMPLEMENTATIONS[spec]
    shapes, forward = known.module(channels)
    random = np.random.default_rng(channels)
    weights = {
        name: random.uniform(0.5, 1.5, shape)
        if name.endswith("running_var")
        # Small enough for an epsilon of a layer norm to count.
        else random.normal(0, 0.3, shape)
        for name, shape in shapes.items()
    }
    inputs = doubles.Input((*known.size, channels), dtype="float64")
    parsed = parse_spec(spec)
    model = doubles.Model(inputs, parsed.block.build(inputs, name="block", **parsed.given))
    ours = {weight.path.removeprefix("block_"): weight for weight in model.weights}
    assert set(ours) == set(known.names)
    assert set(shapes) == set(known.names.values())
    for role, name in known.names.items():
        ours[role].assign(in_keras_form(weights[name], tuple(ours[role].shape), known.torch))

    x = random.normal(size=(2, *known.size, channels))
    wanted = (
        forward(x.transpose(0, 3, 1, 2), weights).transpose(0, 2, 3, 1)
        if known.torch
        else forward(x, weights)
    )
    np.testing.assert_allclose(np.asarray(model(x)), wanted, rtol=1e-9, atol=1e-9)
    momenta = {each.momentum for each in model.layers if hasattr(each, "momentum")}
    assert momenta == (set() if known.momentum is None else {1 - known.momentum})


@pytest.mark.parametrize(
    ("name", "blocks", "params"),
    [
        ("EfficientNetB0", 16, 636_540),
        ("EfficientNetV2B0", 16, 1_044_944),
        ("MobileNetV3Small", 9, 461_640),
        ("MobileNetV3Large", 8, 1_512_280),
    ],
)
def test_is_each_se_block_of_keras_applications(
    name: str, blocks: int, params: int, keras: Any
) -> None:
    """Given a block's real channels and weights, it has the real model's parameters and outputs."""
    random = np.random.default_rng(0)
    network = getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3))
    counts = []
    for spec, scale in se_blocks(network):
        real = keras.Model(scale.input[0], scale.output)
        inputs = keras.Input(real.input.shape[1:])
        parsed = parse_spec(spec)
        ours = keras.Model(inputs, parsed.block.build(inputs, **parsed.given))
        drawn = [random.normal(0, 0.3, weight.shape) for weight in real.weights]
        real.set_weights(drawn)
        ours.set_weights(
            [
                values.reshape(weight.shape)
                for values, weight in zip(drawn, ours.weights, strict=True)
            ]
        )
        x = random.normal(size=(2, *inputs.shape[1:])).astype(np.float32)
        np.testing.assert_allclose(np.asarray(ours(x)), np.asarray(real(x)), rtol=1e-4, atol=1e-4)
        counts.append(parsed.trace(tuple(inputs.shape[1:])).params.trainable)
        assert counts[-1] == real.count_params()
    assert (len(counts), sum(counts)) == (blocks, params)


def se_blocks(network: Any) -> Iterator[tuple[str, Any]]:
    """Yield the preset's spec and the last layer of each SE block of a keras.applications model."""
    layers = {layer.name: layer for layer in network.layers}
    for name, layer in layers.items():
        if name.endswith("_se_excite"):
            # Where nothing expands, what enters is what is gated.
            enters = layers.get(f"{name.removesuffix('se_excite')}expand_conv", layer)
            first = enters.input[0] if enters is layer else enters.input
            yield f"se-efficientnet:input_channels={first.shape[-1]}", layer
        elif name.endswith("squeeze_excite_mul"):
            yield "se-mobilenetv3", layer
