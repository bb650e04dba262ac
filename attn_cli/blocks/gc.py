"""Global context."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import choice, feature_map, positive, prefixed, squeezed_width
from attn_cli.symbolic import namespace_of


def gc_block(
    inputs: Any,
    *,
    ratio: int = 16,
    divisor: int | None = None,
    pool: str = "attention",
    fuse: str = "add",
    epsilon: float = 1e-5,
    name: str | None = None,
) -> Any:
    """Global Context: sum up the positions that matter, and add what they say to all.

    A softmax over all positions weighs them, and their weighted mean is one context for the whole
    feature map. Two dense layers, narrow in the middle, transform it, and it is added to the input.

    Domain: channel
    Paper: Cao et al. 2019, arXiv 1904.11492, section 4.3
    Trainable: 2Cs + 2C + 3s + 1, or 2Cs + 3s + C with pool=mean; s = C // ratio

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        ratio: reduction; the squeezed width s is C // ratio.
        divisor: round C / ratio to the nearest multiple of this, and to one at least.
        pool: what the context is, a mean weighted by a softmax (attention) or a plain one (mean).
        fuse: what the context does to the input, add to it or gate it (multiply).
        epsilon: what the layer norm adds to the variance.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The feature map with its context, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        This is the official code: the context is added, and the last dense layer begins at zero,
        so that a new block changes nothing. It can also gate with a sigmoid (fuse=multiply). timm
        does so by default, with ratio=8, C / ratio rounded to the nearest (divisor=1),
        epsilon=1e-6, and a last layer that does not begin at zero. The bias before the softmax is
        in both, counts for one and changes nothing, as a softmax takes it out again. On a feature
        map of 1×1 the softmax is always 1, and Keras warns that it is.
    """
    keras = namespace_of(inputs)
    _, _, channels = feature_map(inputs)
    width = squeezed_width(channels, ratio, divisor)
    choice("pool", pool, ("attention", "mean"))
    choice("fuse", fuse, ("add", "multiply"))
    positive("epsilon", epsilon)
    named = prefixed(name)

    if pool == "attention":
        s = keras.layers.Conv2D(1, 1, name=named("conv"))(inputs)  # (B, H, W, 1)
        s = keras.layers.Reshape((1, -1), name=named("places"))(s)  # (B, 1, H·W)
        s = keras.layers.Activation("softmax", name=named("attention"))(s)
        x = keras.layers.Reshape((-1, channels), name=named("sequence"))(inputs)  # (B, H·W, C)
        s = keras.ops.matmul(s, x)  # (B, 1, C)
    else:
        s = keras.layers.GlobalAveragePooling2D(name=named("squeeze"))(inputs)  # (B, C)
    s = keras.layers.Reshape((1, 1, channels), name=named("reshape"))(s)  # (B, 1, 1, C)
    s = keras.layers.Dense(width, name=named("reduce"))(s)  # (B, 1, 1, s)
    s = keras.layers.LayerNormalization(epsilon=epsilon, name=named("norm"))(s)
    s = keras.layers.Activation("relu", name=named("activation"))(s)
    s = keras.layers.Dense(channels, kernel_initializer="zeros", name=named("expand"))(s)
    if fuse == "add":
        return keras.layers.Add(name=named("add"))([inputs, s])  # (B, H, W, C)
    s = keras.layers.Activation("sigmoid", name=named("gate"))(s)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)
