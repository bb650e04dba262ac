"""Style-based recalibration."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import feature_map, fixed_feature_map, flag, number, prefixed
from attn_cli.errors import BadOption, BadShape
from attn_cli.symbolic import namespace_of


def srm_block(
    inputs: Any,
    *,
    unbiased: bool = False,
    epsilon: float = 1e-5,
    name: str | None = None,
) -> Any:
    """Style-based Recalibration: gate each channel by its own mean and standard deviation.

    The mean and the standard deviation of each channel are its style. Two weights for each channel
    and a batch norm make the gate of it, and no channel hears of another.

    Domain: channel
    Paper: Lee, Kim & Nam 2019, arXiv 1903.10829, section 3
    Trainable: 4C

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic unless unbiased.
        unbiased: divide the variance by H·W - 1 in place of H·W.
        epsilon: added to the variance before the square root.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C, or unbiased with unknown H or W.
        BadOption: an option is out of range.

    In the wild:
        The paper divides the variance by H·W, and so does this block; the official code by
        H·W - 1, as PyTorch's std does (unbiased=true). The code is in circulation with this epsilon
        and without one (epsilon=0): PyTorch calls the gradient of a standard deviation of 0 zero,
        where TensorFlow has NaN. The batch norm has epsilon 1e-5 and PyTorch's momentum 0.1, which
        is 0.9 in Keras. The weights of the style begin at zero, as in the code. In float16 the
        standard deviation of a channel must stay below 255, for its square is at most 65,504.
    """
    keras = namespace_of(inputs)
    feature_map(inputs)
    flag("unbiased", unbiased)
    if number("epsilon", epsilon) < 0:
        raise BadOption(f"epsilon is at least 0, not {epsilon:g}")
    named = prefixed(name)

    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name=named("mean"))(inputs)
    std = keras.ops.var(inputs, axis=(1, 2), keepdims=True)  # (B, 1, 1, C)
    if unbiased:
        height, width, _ = fixed_feature_map(inputs, "counts the positions")
        if height * width == 1:
            raise BadShape("an unbiased variance takes two positions at least, and H·W is 1")
        std = keras.ops.multiply(std, height * width / (height * width - 1))
    if epsilon:
        std = keras.ops.add(std, epsilon)
    std = keras.ops.sqrt(std)
    s = keras.layers.Concatenate(axis=1, name=named("style"))([mean, std])  # (B, 2, 1, C)
    s = keras.layers.DepthwiseConv2D(
        (2, 1), use_bias=False, depthwise_initializer="zeros", name=named("integrate")
    )(s)  # (B, 1, 1, C)
    s = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=named("norm"))(s)
    s = keras.layers.Activation("sigmoid", name=named("gate"))(s)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)
