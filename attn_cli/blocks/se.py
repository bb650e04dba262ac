"""Squeeze-and-excitation, and its form with one dense layer."""

from __future__ import annotations

from typing import Any

from attn_cli.blocks.options import (
    Default,
    feature_map,
    flag,
    integer,
    prefixed,
    squeezed_width,
    text,
)
from attn_cli.errors import BadOption
from attn_cli.symbolic import namespace_of


def se_block(
    inputs: Any,
    *,
    ratio: int = Default(4),
    width: int | None = None,
    input_channels: int | None = None,
    divisor: int | None = None,
    round_limit: float = 0.0,
    activation: str = "relu",
    gate: str = "sigmoid",
    use_bias: bool = True,
    name: str | None = None,
) -> Any:
    """Squeeze-and-Excitation: gate each channel by what the averages of all channels say.

    Each channel is squeezed to its mean over the feature map. Two dense layers, narrow in the
    middle, turn the means into a gate between 0 and 1 for each channel, and the channels are scaled
    by their gates.

    Domain: channel
    Paper: Hu, Shen & Sun 2018, arXiv 1709.01507, section 3
    Trainable: 2Cs + s + C, or 2Cs with use_bias=false; s = C // ratio

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        ratio: reduction; the squeezed width s is C // ratio. The paper's is 16.
        width: the squeezed width s itself, in place of ratio.
        input_channels: squeeze to a part of this many channels in place of the block's own.
        divisor: round C / ratio to the nearest multiple of this, and to one at least.
        round_limit: with divisor, go a multiple up where rounding leaves less than this part.
        activation: activation between the two dense layers.
        gate: activation at the end, which makes the gate.
        use_bias: give both dense layers a bias.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range, or both ratio and width are given.

    In the wild:
        The paper's text leaves the biases out of its count; its published models have them, and
        so has this block. keras.applications' EfficientNet squeezes to a quarter of the channels
        that enter the expansion (width=C_in // 4), with activation=silu. MobileNetV3 rounds with
        divisor=8, round_limit=0.9 and gates with hard_sigmoid. timm rounds with divisor=8 and
        ratio=16 and no limit. For ratio, the paper uses 16, and the tutorials mostly 4 or 8.
    """
    keras = namespace_of(inputs)
    _, _, channels = feature_map(inputs)
    width = se_width(channels, ratio, width, divisor, round_limit, input_channels)
    flag("use_bias", use_bias)
    named = prefixed(name)

    s = keras.layers.GlobalAveragePooling2D(name=named("squeeze"))(inputs)  # (B, C)
    s = keras.layers.Reshape((1, 1, channels), name=named("reshape"))(s)  # (B, 1, 1, C)
    s = keras.layers.Dense(width, use_bias=use_bias, name=named("reduce"))(s)  # (B, 1, 1, s)
    s = keras.layers.Activation(text("activation", activation), name=named("activation"))(s)
    s = keras.layers.Dense(channels, use_bias=use_bias, name=named("expand"))(s)  # (B, 1, 1, C)
    s = keras.layers.Activation(text("gate", gate), name=named("gate"))(s)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)


def ese_block(
    inputs: Any,
    *,
    gate: str = "hard_sigmoid",
    use_bias: bool = True,
    name: str | None = None,
) -> Any:
    """Effective Squeeze-and-Excitation: squeeze-and-excitation with one dense layer for two.

    Each channel is squeezed to its mean over the feature map. One dense layer as wide as the
    channels turns the means into gates, so that no narrow middle loses what they say.

    Domain: channel
    Paper: Lee & Park 2020, arXiv 1911.06667, on VoVNetV2
    Trainable: C² + C, or C² with use_bias=false

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        gate: activation at the end, which makes the gate.
        use_bias: give the dense layer a bias.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        The paper writes a sigmoid; its code (VoVNetV2) and timm gate with the piecewise linear one,
        relu6(x + 3) / 6, and so does this block. The detectors that took it over (PP-HGNet,
        D-FINE) gate with a true sigmoid: gate=sigmoid.
    """
    keras = namespace_of(inputs)
    _, _, channels = feature_map(inputs)
    flag("use_bias", use_bias)
    named = prefixed(name)

    s = keras.layers.GlobalAveragePooling2D(name=named("squeeze"))(inputs)  # (B, C)
    s = keras.layers.Reshape((1, 1, channels), name=named("reshape"))(s)  # (B, 1, 1, C)
    s = keras.layers.Dense(channels, use_bias=use_bias, name=named("excite"))(s)  # (B, 1, 1, C)
    s = keras.layers.Activation(text("gate", gate), name=named("gate"))(s)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)


def se_width(
    channels: int,
    ratio: int = Default(4),
    width: int | None = None,
    divisor: int | None = None,
    round_limit: float = 0.0,
    input_channels: int | None = None,
) -> int:
    """Return the squeezed width of an SE block; the options are those of `se_block`.

    >>> se_width(64, ratio=16), se_width(64, ratio=16, divisor=8), se_width(64, width=6)
    (4, 8, 6)
    """
    if width is not None:
        if not isinstance(ratio, Default):
            raise BadOption(f"give ratio or width, not both: ratio={ratio} and width={width}")
        if divisor is not None:
            raise BadOption(f"divisor rounds C / ratio, and width={width} is given outright")
        if round_limit:
            raise BadOption(
                f"round_limit={round_limit} goes with a divisor, not with width={width}"
            )
        if input_channels is not None:
            raise BadOption(f"input_channels makes the width, and width={width} is given outright")
        return integer("width", width)
    if input_channels is not None:
        # As EfficientNet's max(1, int(C / ratio)): here the ratio may be above the channels.
        channels = max(integer("input_channels", input_channels), integer("ratio", ratio))
    return squeezed_width(channels, ratio, divisor, round_limit)
