"""Concurrent spatial and channel squeeze-and-excitation."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import choice, feature_map, prefixed
from attn_cli.blocks.se import se_block
from attn_cli.symbolic import namespace_of


def scse_block(
    inputs: Any,
    *,
    ratio: int = 2,
    fuse: str = "max",
    name: str | None = None,
) -> Any:
    """Spatial and Channel SE: gate the channels, gate the positions, and keep the stronger.

    Squeeze-and-excitation scales the channels. Beside it, one 1×1 convolution gates each position
    by all of its channels; of the two scaled feature maps, each value is the larger or the sum.

    Domain: both
    Paper: Roy, Navab & Wachinger 2018, arXiv 1803.02579, section 2
    Trainable: 2Cs + s + 2C + 1; s = C // ratio

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        ratio: reduction of the channel gate's dense layers; their width s is C // ratio.
        fuse: how the two scaled feature maps become one, max or add.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        The paper adds the two (fuse=add); the authors' code and their later paper (arXiv
        1808.08127), which tried both, take the maximum, and so does this block.
        segmentation_models.pytorch adds them, with ratio=16.
    """
    keras = namespace_of(inputs)
    feature_map(inputs)
    choice("fuse", fuse, ("max", "add"))
    named = prefixed(name)

    c = se_block(inputs, ratio=ratio, name=named("channel"))  # (B, H, W, C)

    s = keras.layers.Conv2D(1, 1, name=named("conv"))(inputs)  # (B, H, W, 1)
    s = keras.layers.Activation("sigmoid", name=named("gate"))(s)
    s = keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)

    merge = keras.layers.Maximum if fuse == "max" else keras.layers.Add
    return merge(name=named("fuse"))([c, s])
