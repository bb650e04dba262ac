"""The bottleneck attention module."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import choice, feature_map, integer, prefixed, squeezed_width
from attn_cli.symbolic import namespace_of


def bam_block(
    inputs: Any,
    *,
    ratio: int = 16,
    dilation: int = 4,
    fuse: str = "multiply",
    name: str | None = None,
) -> Any:
    """Bottleneck Attention Module: gate channels and positions at once, and add the input back.

    One branch says from the channels' means how much each channel counts; the other looks at each
    position through two dilated convolutions. The two, fused, gate every value, and the gated
    feature map is added to the input.

    Domain: both
    Paper: Park et al. 2018, arXiv 1807.06514, section 3
    Trainable: 3Cs + 18s² + 13s + C + 1; s = C // ratio

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        ratio: reduction in both branches; their width s is C // ratio.
        dilation: dilation of the two 3×3 convolutions.
        fuse: what the gate is made from, the product of the branches (multiply) or their sum (add).
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The input plus the gated input, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        The paper adds the two branches (fuse=add); its official code multiplies them, and so does
        this block. As in the code, each convolution and the first dense layer have a bias and a
        batch norm (epsilon 1e-5, and PyTorch's momentum 0.1, which is 0.9 in Keras). The paper
        draws one batch norm at the end of each branch, and counts for it 2(C + 1) in place of 8s.
        The official code pools a square, as high as wide; this pools all of the feature map.
    """
    keras = namespace_of(inputs)
    _, _, channels = feature_map(inputs)
    width = squeezed_width(channels, ratio)
    integer("dilation", dilation)
    choice("fuse", fuse, ("multiply", "add"))
    named = prefixed(name)

    def norm(x: Any, role: str) -> Any:
        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=named(f"{role}_norm"))(
            x
        )
        return keras.layers.Activation("relu", name=named(f"{role}_activation"))(x)

    c = keras.layers.GlobalAveragePooling2D(name=named("squeeze"))(inputs)  # (B, C)
    c = keras.layers.Reshape((1, 1, channels), name=named("reshape"))(c)  # (B, 1, 1, C)
    c = norm(keras.layers.Dense(width, name=named("reduce"))(c), "reduce")  # (B, 1, 1, s)
    c = keras.layers.Dense(channels, name=named("expand"))(c)  # (B, 1, 1, C)

    p = keras.layers.Conv2D(width, 1, name=named("place"))(inputs)  # (B, H, W, s)
    p = norm(p, "place")
    for role in ("context1", "context2"):
        p = keras.layers.Conv2D(width, 3, padding="same", dilation_rate=dilation, name=named(role))(
            p
        )
        p = norm(p, role)
    p = keras.layers.Conv2D(1, 1, name=named("place_expand"))(p)  # (B, H, W, 1)

    merge = keras.layers.Multiply if fuse == "multiply" else keras.layers.Add
    s = merge(name=named("fuse"))([c, p])  # (B, H, W, C)
    s = keras.layers.Activation("sigmoid", name=named("gate"))(s)
    x = keras.layers.Multiply(name=named("scale"))([inputs, s])
    return keras.layers.Add(name=named("add"))([inputs, x])
