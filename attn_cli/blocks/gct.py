"""Gated channel transformation."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import feature_map, positive, prefixed
from attn_cli.symbolic import namespace_of


def gct_block(
    inputs: Any,
    *,
    epsilon: float = 1e-5,
    name: str | None = None,
) -> Any:
    """Gated Channel Transformation: let the channels compete, by how strong each is.

    The length of each channel (its l2 norm), compared with that of all channels, says how strong
    it is. Three weights for each channel turn that into a gate between 0 and 2, at first 1.

    Domain: channel
    Paper: Yang et al. 2020, arXiv 1909.11519, section 3
    Trainable: 3C

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        epsilon: added before each of the two square roots.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        This is the official code with its l2 norm. Its gamma and beta begin at 0 and its alpha at
        1, so a new block changes nothing, and alpha has no gradient until gamma has moved. Its
        other mode, with the l1 norm, is not here. In float16 the sum of a channel's squares must
        stay below 65,504: unit-normal features overflow above 255×255.
    """
    keras = namespace_of(inputs)
    feature_map(inputs)
    positive("epsilon", epsilon)
    named = prefixed(name)

    s = keras.ops.sum(keras.ops.square(inputs), axis=(1, 2), keepdims=True)  # (B, 1, 1, C)
    s = keras.ops.sqrt(keras.ops.add(s, epsilon))
    s = keras.layers.DepthwiseConv2D(
        1, use_bias=False, depthwise_initializer="ones", name=named("alpha")
    )(s)  # (B, 1, 1, C)

    n = keras.ops.mean(keras.ops.square(s), axis=-1, keepdims=True)  # (B, 1, 1, 1)
    s = keras.ops.divide(s, keras.ops.sqrt(keras.ops.add(n, epsilon)))

    s = keras.layers.DepthwiseConv2D(1, depthwise_initializer="zeros", name=named("gamma_beta"))(s)
    s = keras.layers.Activation("tanh", name=named("gate"))(s)
    s = keras.ops.add(s, 1.0)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)
