"""What options and inputs must be, checked alike on real and symbolic tensors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadOption, BadShape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What a name may be in every format that a model is saved in: TensorFlow's scopes take no other.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
MAX_FLOAT32 = (2 - 2**-23) * 2.0**127


class Default(int):
    """The default of an option, which can be told from the same number given by the caller."""


def feature_map(inputs: Any) -> tuple[int | None, int | None, int]:
    """Return height, width and channels of a feature map (B, H, W, C).

    Raises BadShape unless there are four dimensions, none of them empty, and C is known.
    """
    shape = tuple(inputs.shape)
    if len(shape) != 4:
        raise BadShape(f"an attention block takes a feature map (B, H, W, C), not {shape}")
    _, height, width, channels = shape
    if channels is None:
        raise BadShape(f"the number of channels must be known: (B, H, W, C) is {shape}")
    if 0 in (height, width, channels):
        raise BadShape(f"a feature map cannot be empty: (B, H, W, C) is {shape}")
    return height, width, channels


def fixed_feature_map(inputs: Any, why: str) -> tuple[int, int, int]:
    """Return height, width and channels for a block that must know them all; `why` says why."""
    height, width, channels = feature_map(inputs)
    if height is None or width is None:
        raise BadShape(
            f"this block {why}, so it needs a fixed H and W: (B, H, W, C) is {tuple(inputs.shape)}"
        )
    return height, width, channels


def integer(name: str, value: int, at_least: int = 1) -> int:
    """Check an option that counts something."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadOption(f"{name} is an integer, not {value!r}")
    if value < at_least:
        raise BadOption(f"{name} is at least {at_least}, not {value}")
    return value


def odd(name: str, value: int) -> int:
    """Check the size of a kernel that has a middle."""
    if integer(name, value) % 2 == 0:
        raise BadOption(f"{name} is odd, so that it has a middle, not {value}")
    return value


def number(name: str, value: float) -> float:
    """Check an option that is a finite number, in float32 too: a block may calculate with it."""
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not real or not abs(value) <= MAX_FLOAT32:  # NaN is not either
        raise BadOption(f"{name} is a finite number that float32 holds, not {value!r}")
    return value


def flag(name: str, value: bool) -> bool:
    """Check an option that is true or false."""
    if not isinstance(value, bool):
        raise BadOption(f"{name} is true or false, not {value!r}")
    return value


def text(name: str, value: str) -> str:
    """Check an option that is a name."""
    if not isinstance(value, str):
        raise BadOption(f"{name} is a name, not {value!r}")
    return value


def format_value(value: Any) -> str:
    """Return an option's value as it is written in a spec: `true`, `none`, `8`, `relu`."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Check an option that is one of a few names."""
    if value not in choices:
        raise BadOption(f"{name} is {' or '.join(choices)}, not {value!r}")
    return value


def fraction(name: str, value: float) -> float:
    """Check an option that is a number from 0 to 1."""
    if not 0 <= number(name, value) <= 1:
        raise BadOption(f"{name} is from 0 to 1, not {value:g}")
    return value


def positive(name: str, value: float) -> float:
    """Check an option that is a number above 0."""
    if number(name, value) <= 0:
        raise BadOption(f"{name} is above 0, not {value:g}")
    return value


def prefixed(name: str | None) -> Callable[[str], str | None]:
    """Return what names a layer after its role: `{name}_{role}`, or None for Keras' own name.

    Raises BadOption for a name that Keras would take, and TensorFlow refuse in a compiled model.
    """
    if name is not None and not (isinstance(name, str) and NAME.fullmatch(name)):
        raise BadOption(f"name is ASCII letters, digits, '_', '.' and '-', not {name!r}")
    return lambda role: None if name is None else f"{name}_{role}"


def squeezed_width(
    channels: int,
    ratio: int,
    divisor: int | None = None,
    round_limit: float = 0.0,
    at_least: int = 0,
) -> int:
    """Return C // ratio, or with a divisor C / ratio rounded to its nearest multiple, and not to 0.

    Where rounding leaves less than `round_limit` of C / ratio, it goes a multiple up. Raises
    BadOption where nothing would be left, not even `at_least`.
    """
    integer("ratio", ratio)
    fraction("round_limit", round_limit)
    if divisor is None:
        if round_limit:
            raise BadOption(f"round_limit={round_limit} says when to round up, and needs a divisor")
        if ratio > channels and not at_least:
            raise BadOption(
                f"ratio {ratio} squeezes {channels} channels to a width of 0; "
                f"the largest ratio here is {channels}"
            )
        return max(at_least, channels // ratio) if at_least else channels // ratio
    integer("divisor", divisor)
    # Halves up, in integers: exact at any size.
    twice = 2 * ratio * divisor
    rounded = max(at_least, divisor, (2 * channels + ratio * divisor) // twice * divisor)
    too_low = round_limit and rounded * ratio < round_limit * channels
    return rounded + divisor if too_low else rounded


def width_rule(options: Mapping[str, Any]) -> str:
    """Return how the squeezed width s follows from the channels C with a block's options."""
    if options.get("width") is not None:
        return f"s = {options['width']}"
    ratio, entering = options["ratio"], options.get("input_channels")
    least, divisor = options.get("min_width", 0), options.get("divisor")
    channels = "C" if entering is None else str(max(entering, ratio))
    if divisor is None:
        whole = "1" if channels == str(ratio) else f"{channels} // {ratio}"
        return f"s = max({least}, {whole})" if least else f"s = {whole}"
    step = "integer" if divisor == 1 else f"multiple of {divisor}"
    whole = f"{channels} / {ratio}"
    rule = f"s = {whole} to the nearest {step}, and {max(least, divisor)} at least"
    limit = options.get("round_limit")
    return f"{rule}; the next one where that is below {limit} of {whole}" if limit else rule
