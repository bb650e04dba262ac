"""Triplet attention."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.cbam import spatial_block
from attn_cli.blocks.options import feature_map, flag, odd, prefixed
from attn_cli.symbolic import namespace_of


def triplet_block(
    inputs: Any,
    *,
    kernel_size: int = 7,
    spatial: bool = True,
    name: str | None = None,
) -> Any:
    """Triplet Attention: gate each pair of axes by its pooled third, and average the three.

    Along the height, along the width and along the channels the feature map is pooled to its
    maximum and mean. Over each of the three resulting planes one convolution makes a gate, and the
    three gated feature maps are averaged.

    Domain: both
    Paper: Misra et al. 2021, arXiv 2010.03045, section 3.2
    Trainable: 6k² + 6, or 4k² + 4 with spatial=false; k = kernel_size

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        kernel_size: kernel of the convolutions, odd.
        spatial: gate also the plane of H and W.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The average of the scaled feature maps, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        This is the official code: convolutions without bias, each with a batch norm (epsilon 1e-5,
        and PyTorch's momentum 0.01, which is 0.99 in Keras), which the paper's count of 6k² leaves
        out. The code turns the whole feature map to pool another axis; this turns the pooled planes
        only, the same up to a transposition of the kernels.
    """
    keras = namespace_of(inputs)
    feature_map(inputs)
    odd("kernel_size", kernel_size)
    flag("spatial", spatial)
    named = prefixed(name)

    def gated(role: str, axis: int, turn: tuple[int, ...], back: tuple[int, ...]) -> Any:
        peak = keras.ops.max(inputs, axis=axis, keepdims=True)
        mean = keras.ops.mean(inputs, axis=axis, keepdims=True)
        s = keras.layers.Concatenate(axis=axis, name=named(f"{role}_concat"))([peak, mean])
        s = keras.layers.Permute(turn, name=named(f"{role}_turn"))(s)
        s = keras.layers.Conv2D(
            1, kernel_size, padding="same", use_bias=False, name=named(f"{role}_conv")
        )(s)
        s = keras.layers.BatchNormalization(
            momentum=0.99, epsilon=1e-5, name=named(f"{role}_norm")
        )(s)
        s = keras.layers.Activation("sigmoid", name=named(f"{role}_gate"))(s)
        s = keras.layers.Permute(back, name=named(f"{role}_turn_back"))(s)
        return keras.layers.Multiply(name=named(f"{role}_scale"))([inputs, s])  # (B, H, W, C)

    # (B, 2, W, C) is turned to (B, W, C, 2), and its gate (B, W, C, 1) back to (B, 1, W, C).
    branches = [gated("height", 1, (2, 3, 1), (3, 1, 2))]
    # (B, H, 2, C) is turned to (B, H, C, 2), and its gate (B, H, C, 1) back to (B, H, 1, C).
    branches.append(gated("width", 2, (1, 3, 2), (1, 3, 2)))
    if spatial:
        branches.append(spatial_block(inputs, kernel_size=kernel_size, name=named("spatial")))
    return keras.layers.Average(name=named("average"))(branches)
