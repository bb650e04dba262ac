"""The convolutional block attention module, and its spatial gate alone."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import (
    choice,
    feature_map,
    flag,
    fraction,
    odd,
    prefixed,
    squeezed_width,
)
from attn_cli.symbolic import namespace_of


def cbam_block(
    inputs: Any,
    *,
    ratio: int = 16,
    divisor: int | None = None,
    kernel_size: int = 7,
    use_bias: bool = True,
    batch_norm: bool = True,
    momentum: float = 0.99,
    stack: str = "max_mean",
    name: str | None = None,
) -> Any:
    """Convolutional Block Attention Module: gate the channels first, then the positions.

    The channels' means and maxima go through one shared pair of dense layers and, added, gate the
    channels. The mean and the maximum over the channels then go through one convolution, which
    gates each position of the feature map.

    Domain: both
    Paper: Woo et al. 2018, arXiv 1807.06521, section 3
    Trainable: 2Cs + 2k² + s + C + 2, or 2Cs + 2k² + 2 with use_bias=false; s = C // ratio,
        k = kernel_size

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        ratio: reduction of the shared dense layers; their width s is C // ratio.
        divisor: round C / ratio to the nearest multiple of this, and to one at least.
        kernel_size: kernel of the spatial gate's convolution, odd.
        use_bias: give the shared dense layers biases.
        batch_norm: normalise the spatial gate's convolution.
        momentum: how much of its old statistics the batch norm keeps at each step of training.
        stack: the order of the two maps before the spatial convolution, max_mean or mean_max.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        This is the official code: dense layers with biases, a convolution without one, and a batch
        norm behind it (epsilon 1e-5, and PyTorch's momentum 0.01, which is 0.99 in Keras) that the
        paper does not mention. timm's dense layers have no biases (use_bias=false), their width is
        rounded (divisor=1), its momentum is 0.9, and its spatial gate has the mean before the
        maximum (stack=mean_max), as the paper has. Many Keras ports leave the batch norm out
        (batch_norm=false).
    """
    keras = namespace_of(inputs)
    _, _, channels = feature_map(inputs)
    width = squeezed_width(channels, ratio, divisor)
    odd("kernel_size", kernel_size)
    flag("use_bias", use_bias)
    named = prefixed(name)

    reduce = keras.layers.Dense(width, use_bias=use_bias, name=named("reduce"))
    relu = keras.layers.Activation("relu", name=named("activation"))
    expand = keras.layers.Dense(channels, use_bias=use_bias, name=named("expand"))

    mean = keras.layers.GlobalAveragePooling2D(name=named("squeeze_mean"))(inputs)  # (B, C)
    peak = keras.layers.GlobalMaxPooling2D(name=named("squeeze_max"))(inputs)  # (B, C)
    s = keras.layers.Add(name=named("add"))(
        [expand(relu(reduce(mean))), expand(relu(reduce(peak)))]
    )
    s = keras.layers.Activation("sigmoid", name=named("channel_gate"))(s)
    s = keras.layers.Reshape((1, 1, channels), name=named("reshape"))(s)  # (B, 1, 1, C)
    x = keras.layers.Multiply(name=named("channel_scale"))([inputs, s])  # (B, H, W, C)
    return spatial_block(
        x,
        kernel_size=kernel_size,
        batch_norm=batch_norm,
        momentum=momentum,
        stack=stack,
        name=name if name is None else f"{name}_spatial",
    )


def spatial_block(
    inputs: Any,
    *,
    kernel_size: int = 7,
    batch_norm: bool = True,
    momentum: float = 0.99,
    stack: str = "max_mean",
    name: str | None = None,
) -> Any:
    """Spatial attention: gate each position by the mean and the maximum over its channels.

    At each position the channels are pooled to their mean and their maximum. One convolution over
    the two maps makes a gate for each position, shared by all channels.

    Domain: spatial
    Paper: Woo et al. 2018, arXiv 1807.06521, section 3, "Spatial attention module"
    Trainable: 2k² + 2, or 2k² with batch_norm=false; k = kernel_size

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        kernel_size: kernel of the convolution, odd.
        batch_norm: normalise the convolution.
        momentum: how much of its old statistics the batch norm keeps at each step of training.
        stack: the order of the two maps before the spatial convolution, max_mean or mean_max.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        This is CBAM's spatial gate as in the official code, which stacks the maximum before the
        mean. The paper and timm have the mean first (stack=mean_max): the same up to a swap of
        the kernel's two input channels, and with weights of the other order not the same.
    """
    keras = namespace_of(inputs)
    feature_map(inputs)
    odd("kernel_size", kernel_size)
    flag("batch_norm", batch_norm)
    fraction("momentum", momentum)
    choice("stack", stack, ("max_mean", "mean_max"))
    named = prefixed(name)

    peak = keras.ops.max(inputs, axis=-1, keepdims=True)  # (B, H, W, 1)
    mean = keras.ops.mean(inputs, axis=-1, keepdims=True)  # (B, H, W, 1)
    maps = [peak, mean] if stack == "max_mean" else [mean, peak]
    s = keras.layers.Concatenate(name=named("concat"))(maps)  # (B, H, W, 2)
    s = keras.layers.Conv2D(1, kernel_size, padding="same", use_bias=False, name=named("conv"))(
        s
    )  # (B, H, W, 1)
    if batch_norm:
        # Keras' momentum weighs the old statistics, PyTorch's the new batch: what is left of 1.
        s = keras.layers.BatchNormalization(momentum=momentum, epsilon=1e-5, name=named("norm"))(s)
    s = keras.layers.Activation("sigmoid", name=named("gate"))(s)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)
