"""Efficient channel attention, with an end to the channels or without one."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Any

from attn_cli.blocks.options import feature_map, integer, number, odd, prefixed
from attn_cli.errors import BadOption
from attn_cli.symbolic import namespace_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def eca_block(
    inputs: Any,
    *,
    b: float = 1,
    gamma: float = 2,
    kernel_size: int | None = None,
    min_kernel_size: int = 1,
    name: str | None = None,
) -> Any:
    """Efficient Channel Attention: gate each channel by its own average and its neighbours'.

    Each channel is squeezed to its mean over the feature map. One short convolution along the
    channels, its k weights shared by all of them, turns the means into gates: no narrow middle,
    and hardly a parameter.

    Domain: channel
    Paper: Wang et al. 2020, arXiv 1910.03151, section 3.2
    Trainable: k, the odd one of t and t + 1, with t = int(|(log2 C + b) / gamma|)

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        b: offset in the rule for the kernel size.
        gamma: divisor in the rule for the kernel size; not 0.
        kernel_size: the kernel size itself, odd, in place of the rule.
        min_kernel_size: the least kernel size that the rule may give, odd.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        The rule is the official code's: cut to an integer, then up to the next odd one. The
        paper's "nearest odd" is the same up to 4096 channels. timm takes no kernel below 3
        (min_kernel_size=3). The paper's 80 parameters for ResNet-50 come from kernels picked by
        hand (3, 5, 5, 7 by stage); the rule gives 86.
    """
    keras = namespace_of(inputs)
    _, _, channels = feature_map(inputs)
    k = eca_kernel_size(channels, b, gamma, kernel_size, min_kernel_size)
    named = prefixed(name)

    s = keras.layers.GlobalAveragePooling2D(name=named("squeeze"))(inputs)  # (B, C)
    s = keras.layers.Reshape((channels, 1), name=named("sequence"))(s)  # (B, C, 1)
    s = keras.layers.Conv1D(1, k, padding="same", use_bias=False, name=named("conv"))(s)
    s = keras.layers.Activation("sigmoid", name=named("gate"))(s)
    s = keras.layers.Reshape((1, 1, channels), name=named("reshape"))(s)  # (B, 1, 1, C)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)


def ceca_block(
    inputs: Any,
    *,
    b: float = 1,
    gamma: float = 2,
    kernel_size: int | None = None,
    min_kernel_size: int = 3,
    name: str | None = None,
) -> Any:
    """Circular Efficient Channel Attention: ECA with the first and last channels as neighbours.

    Each channel is squeezed to its mean over the feature map. One short convolution along the
    channels turns the means into gates; the channels stand in a circle, so that those at the ends
    have as many neighbours as the others.

    Domain: channel
    Paper: Wang et al. 2020, arXiv 1910.03151, section 3.2; the circle is timm's
    Trainable: k, the odd one of t and t + 1, and 3 at least, with t = int(|(log2 C + b) / gamma|)

    Args:
        inputs: a feature map, (B, H, W, C); H and W may be dynamic.
        b: offset in the rule for the kernel size.
        gamma: divisor in the rule for the kernel size; not 0.
        kernel_size: the kernel size itself, odd, in place of the rule; at most 2C + 1.
        min_kernel_size: the least kernel size that the rule may give, odd.
        name: prefix of the layers' names; Keras' own names where None.

    Returns:
        The scaled feature map, (B, H, W, C).

    Raises:
        BadShape: inputs are not (B, H, W, C) with known C.
        BadOption: an option is out of range.

    In the wild:
        timm's CecaModule is the only well-known one, and this is it: no kernel below 3, no bias.
        The paper and its code pad with zeros, which is the block eca.
    """
    keras = namespace_of(inputs)
    _, _, channels = feature_map(inputs)
    k = eca_kernel_size(channels, b, gamma, kernel_size, min_kernel_size)
    reach = k // 2
    if reach > channels:
        raise BadOption(
            f"a kernel of {k} goes round {channels} channels more than once; "
            f"the largest here is {2 * channels + 1}"
        )
    named = prefixed(name)

    s = keras.layers.GlobalAveragePooling2D(name=named("squeeze"))(inputs)  # (B, C)
    s = keras.layers.Reshape((channels, 1), name=named("sequence"))(s)  # (B, C, 1)
    if reach and reach == channels:
        s = keras.layers.Concatenate(axis=1, name=named("circle"))([s, s, s])  # (B, 3C, 1)
    elif reach:
        head = keras.layers.Cropping1D((0, channels - reach), name=named("head"))(s)
        tail = keras.layers.Cropping1D((channels - reach, 0), name=named("tail"))(s)
        s = keras.layers.Concatenate(axis=1, name=named("circle"))([tail, s, head])
    s = keras.layers.Conv1D(1, k, use_bias=False, name=named("conv"))(s)  # (B, C, 1)
    s = keras.layers.Activation("sigmoid", name=named("gate"))(s)
    s = keras.layers.Reshape((1, 1, channels), name=named("reshape"))(s)  # (B, 1, 1, C)
    return keras.layers.Multiply(name=named("scale"))([inputs, s])  # (B, H, W, C)


def eca_kernel_size(
    channels: int,
    b: float = 1,
    gamma: float = 2,
    kernel_size: int | None = None,
    min_kernel_size: int = 1,
) -> int:
    """Return the kernel size k of an ECA block; the options are those of `eca_block`.

    >>> [eca_kernel_size(channels) for channels in (64, 512, 2048)]
    [3, 5, 7]
    """
    integer("channels", channels)
    least = odd("min_kernel_size", min_kernel_size)
    t = int(_rule(channels, b, gamma))
    return max(least, t | 1) if kernel_size is None else odd("kernel_size", kernel_size)


def kernel_rule(options: Mapping[str, Any]) -> str:
    """Return how a kernel size k follows from the channels C with a block's options."""
    if options["kernel_size"] is not None:
        return f"k = {options['kernel_size']}"
    least = options["min_kernel_size"]
    least = f", and {least} at least" if least > 1 else ""
    t = f"|log2 C {_offset(options['b'])}| / {abs(options['gamma']):g}"
    return f"k is the odd one of t and t + 1{least}, with t = int({t})"


def explain_eca(
    channels: int,
    *,
    b: float,
    gamma: float,
    kernel_size: int | None,
    min_kernel_size: int,
) -> str:
    """Return the kernel size of an ECA block worked out in numbers, on one line."""
    k = eca_kernel_size(channels, b, gamma, kernel_size, min_kernel_size)
    if kernel_size is not None:
        return f"kernel_size = {kernel_size}, given: k = {k}"
    exact = _rule(channels, b, gamma)
    t = int(exact)
    logarithm = log2(channels)
    steps = [
        f"log2 {channels} = {logarithm:.4g}",
        f"|{logarithm:.4g} {_offset(b)}| / {abs(gamma):g} = {exact:.4g}",
    ]
    if t != exact:
        steps.append(f"cut to {t}")
    steps.append("odd" if t % 2 else f"even, so {t + 1}")
    if k > t | 1:
        steps.append(f"at least {min_kernel_size}")
    return " → ".join([*steps, f"k = {k}"])


explain_ceca = explain_eca


def _offset(b: float) -> str:
    return f"+ {b:g}" if b >= 0 else f"- {-b:g}"


def _rule(channels: int, b: float, gamma: float) -> float:
    """Return t, before it is cut to an integer and made odd (section 3.2.3, equation 12)."""
    if number("gamma", gamma) == 0:
        raise BadOption("gamma divides in the rule for the kernel size: it cannot be 0")
    # log2, and not log(C, 2), is exact at powers of two.
    t = abs((log2(channels) + number("b", b)) / gamma)
    if t >= 2**31:
        raise BadOption(
            f"b={b:g} and gamma={gamma:g} make a kernel of {t:.3g}; it must be below 2^31"
        )
    return t
