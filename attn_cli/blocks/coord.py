"""Coordinate attention."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import (
    fixed_feature_map,
    flag,
    integer,
    prefixed,
    squeezed_width,
    text,
)
from attn_cli.symbolic import namespace_of


def coord_block(
    inputs: Any,
    *,
    ratio: int = 32,
    divisor: int | None = None,
    min_width: int = 8,
    use_bias: bool = True,
    activation: str = "hard_silu",
    name: str | None = None,
) -> Any:
    """Coordinate Attention: gate by row and by column, so that a channel knows where.

    Each channel is pooled to a mean for each row and a mean for each column. A shared 1×1
    convolution mixes them, and one convolution each turns them into a gate for every row and one
    for every column.

    Domain: both
    Paper: Hou, Zhou & Feng 2021, arXiv 2103.02907, section 3.2
    Trainable: 3Cs + 3s + 2C, or 3Cs + 2s with use_bias=false; s = max(min_width, C // ratio)

    Args:
        inputs: a feature map, (B, H, W, C), with known H and W.
        ratio: reduction; the squeezed width s is C // ratio.
        divisor: round C / ratio to the nearest multiple of this, and to one at least.
        min_width: the least squeezed width.
        use_bias: give the three convolutions a bias.
        activation: activation after the shared convolution.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with all but B known.
        BadOption: an option is out of range.

    In the wild:
        This is the official code: ratio 32 and a width of 8 at least, biases beside the batch norm
        (epsilon 1e-5, and PyTorch's momentum 0.1, which is 0.9 in Keras), hard_silu between. The
        paper's text has no least width; many ports leave out the batch norm, or take another ratio.
        timm has no biases (use_bias=false), and a width that is two thirds of a sixteenth of the
        channels, rounded (ratio=24, divisor=8).
    """
    keras = namespace_of(inputs)
    height, breadth, channels = fixed_feature_map(inputs, "takes rows and columns apart")
    least = integer("min_width", min_width)
    width = squeezed_width(channels, ratio, divisor, at_least=least)
    flag("use_bias", use_bias)
    named = prefixed(name)

    def conv(x: Any, filters: int, role: str) -> Any:
        return keras.layers.Conv2D(filters, 1, use_bias=use_bias, name=named(role))(x)

    rows = keras.ops.mean(inputs, axis=2, keepdims=True)  # (B, H, 1, C)
    columns = keras.ops.mean(inputs, axis=1, keepdims=True)  # (B, 1, W, C)
    columns = keras.layers.Permute((2, 1, 3), name=named("turn"))(columns)  # (B, W, 1, C)
    s = keras.layers.Concatenate(axis=1, name=named("concat"))([rows, columns])  # (B, H + W, 1, C)
    s = conv(s, width, "reduce")  # (B, H + W, 1, s)
    # Keras' momentum weighs the old statistics, PyTorch's the new batch: what is left of 1.
    s = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=named("norm"))(s)
    s = keras.layers.Activation(text("activation", activation), name=named("activation"))(s)

    # The first H are the rows, the others the columns.
    rows = keras.layers.Cropping2D(((0, breadth), (0, 0)), name=named("take_rows"))(s)
    columns = keras.layers.Cropping2D(((height, 0), (0, 0)), name=named("take_columns"))(s)
    columns = keras.layers.Permute((2, 1, 3), name=named("turn_back"))(columns)  # (B, 1, W, s)
    rows = conv(rows, channels, "rows")  # (B, H, 1, C)
    rows = keras.layers.Activation("sigmoid", name=named("rows_gate"))(rows)
    columns = conv(columns, channels, "columns")  # (B, 1, W, C)
    columns = keras.layers.Activation("sigmoid", name=named("columns_gate"))(columns)
    return keras.layers.Multiply(name=named("scale"))([inputs, columns, rows])  # (B, H, W, C)
