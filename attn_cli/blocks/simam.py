"""Simple, parameter-free attention."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import fixed_feature_map, positive, prefixed
from attn_cli.errors import BadShape
from attn_cli.symbolic import namespace_of


def simam_block(
    inputs: Any,
    *,
    e_lambda: float = 1e-4,
    name: str | None = None,
) -> Any:
    """Simple Parameter-Free Attention: gate each value by how far it stands out in its channel.

    A neuron that differs from the others of its channel says the most: its squared distance from
    their mean, in units of their variance, makes its gate. There is nothing to train.

    Domain: both
    Paper: Yang et al. 2021, ICML (PMLR 139), section 3
    Trainable: 0

    Args:
        inputs: a feature map, (B, H, W, C), with known H and W and two positions at least.
        e_lambda: added to the variance: the paper's lambda.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with all but B known, or H·W is 1.
        BadOption: an option is out of range.

    In the wild:
        This is the official code: the variance is divided by H·W - 1, as in its listing, and not
        by H·W, as in the paper's equation. The two factors on the variance, 4 and H·W / (H·W - 1),
        are multiplied in one step. In float16 no value may be 255 from the mean of its channel, for
        its square is at most 65,504.
    """
    keras = namespace_of(inputs)
    height, width, _ = fixed_feature_map(inputs, "counts the positions")
    others = height * width - 1
    if not others:
        raise BadShape("this block compares positions, and a feature map of 1×1 has only one")
    positive("e_lambda", e_lambda)
    named = prefixed(name)

    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name=named("mean"))(inputs)
    d = keras.ops.square(keras.ops.subtract(inputs, mean))  # (B, H, W, C)
    v = keras.ops.mean(d, axis=(1, 2), keepdims=True)  # (B, 1, 1, C)
    v = keras.ops.add(keras.ops.multiply(v, 4 * (others + 1) / others), 4 * e_lambda)
    s = keras.ops.add(keras.ops.divide(d, v), 0.5)
    s = keras.layers.Activation("sigmoid", name=named("gate"))(s)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)
