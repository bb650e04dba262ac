"""What an argument of a layer or an op may be, and what an entry works with in its place."""

from __future__ import annotations

from typing import Any

from attn_cli.errors import BadOption, NotModelled, did_you_mean
from attn_cli.operations.base import REQUIRED, Argument
from attn_cli.operations.common import is_number, short

# The names that keras.activations.get() takes, with what Keras saves an alias as.
ACTIVATIONS = dict.fromkeys(
    (
        *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu"),
        *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu"),
        *("relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign"),
        *("sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink"),
        "threshold",
    )
) | {"swish": "silu", "hard_swish": "hard_silu"}

INITIALIZERS = ("glorot_uniform", "ones", "zeros")

# What an activation is that is no function of Keras': it may be anything, and has no figure.
OTHER = "(a function that is not Keras' own)"


def free(default: Any = REQUIRED) -> Any:
    """Return an argument that changes nothing that is counted."""
    return Argument(None, default)


def fraction(default: Any = REQUIRED) -> Any:
    """Return a number from 0 to 1."""
    return Argument(_fraction, default)


def inert(default: Any = None) -> Any:
    """Return an argument that changes nothing that is counted, and that a block leaves alone."""
    return Argument(None, default, only_default, told=False)


def only(default: Any) -> Any:
    """Return an argument that is understood with its default alone."""
    return Argument(only_default, default, told=False)


def elsewhere(default: Any = None, check: Any = None, *, of_keras_2: bool = False) -> Any:
    """Return an argument of other versions of Keras, which a block cannot use.

    It changes nothing that is counted, or else is understood as `check` says.
    """
    return Argument(check, default, _refused, told=False, of_keras_2=of_keras_2)


def initializer(default: str) -> Any:
    """Return what weights begin with: it changes no shape and no count."""
    return Argument(None, default, _initializer, told=False)


def count(default: Any = REQUIRED) -> Any:
    """Return a positive integer."""
    return Argument(_positive, default)


def counts(default: Any = REQUIRED) -> Any:
    """Return a positive integer for each dimension between batch and channels."""
    return Argument(_positives, default)


def optional_counts() -> Any:
    """Return a positive integer for each dimension, or None."""
    return Argument(_optional_positives, None)


def flag(default: bool = True) -> Any:
    """Return True or False."""
    return Argument(is_flag, default)


def function(default: Any = None) -> Any:
    """Return the name of an activation function."""
    return Argument(_read_activation, default, _activation)


def padding(*more: str) -> Any:
    """Return how the ends of a map are padded: valid, same, or what else a layer takes."""

    def check(name: str, value: Any, entry: Any) -> Any:
        if value not in ("valid", "same", *more):
            raise NotModelled(f"{name} is {' or '.join(('valid', 'same', *more))}, not {value!r}")
        return value

    return Argument(check, "valid")


def data_format() -> Any:
    """Return where the channels stand."""
    return Argument(_data_format, None)


def axis(default: Any = REQUIRED) -> Any:
    """Return the place of a dimension."""
    return Argument(_axis, default)


def axes(default: Any = None) -> Any:
    """Return the places of dimensions: one, several, or None for what Keras takes it for."""
    return Argument(_axes, default)


def channel_axis() -> Any:
    """Return the places of the dimensions that there are weights for; a block's is the last."""
    return Argument(_axes, -1, only_default, told=False)


def integers(default: Any = REQUIRED) -> Any:
    """Return a list of integers, or None where that is the default."""
    return Argument(_integers, default)


def is_integer(value: Any) -> bool:
    """Tell whether a value is an integer, and not True or False."""
    return isinstance(value, int) and not isinstance(value, bool)


def only_default(name: str, value: Any, entry: Any) -> Any:
    default = entry.arguments[name].default
    if value != default:
        raise NotModelled(f"{name} is modelled as {default!r}, not {short(value)}")
    return value


def _refused(name: str, value: Any, entry: Any) -> Any:
    raise NotModelled(f"{name} is not modelled")


def _initializer(name: str, value: Any, entry: Any) -> Any:
    if value not in INITIALIZERS:
        raise BadOption(f"an initializer is one of {', '.join(INITIALIZERS)}, not {value!r}")
    return value


def _fraction(name: str, value: Any, entry: Any) -> Any:
    if not is_number(value) or not 0 <= value <= 1:
        raise BadOption(f"{name} is a number from 0 to 1, not {short(value)}")
    return value


def _positive(name: str, value: Any, entry: Any) -> int:
    if not isinstance(value, int) or value <= 0:
        raise BadOption(f"{name} is a positive integer, not {short(value)}")
    return value


def _positives(name: str, value: Any, entry: Any) -> tuple[int, ...]:
    length = max(0, (entry.rank or 0) - 2)
    if isinstance(value, int):
        value = (value,) * length
    elif not isinstance(value, (list, tuple)) or len(value) != length:
        raise BadOption(f"{name} is an integer or {length} of them, not {short(value)}")
    return tuple([_positive(name, each, entry) for each in value])


def _optional_positives(name: str, value: Any, entry: Any) -> tuple[int, ...] | None:
    return None if value is None else _positives(name, value, entry)


def is_flag(name: str, value: Any, entry: Any) -> bool:
    if value not in (True, False):
        raise NotModelled(f"{name} is True or False, not {short(value)}")
    return bool(value)


def _activation(name: str, value: Any, entry: Any) -> str:
    if value is None:
        return "linear"
    if not isinstance(value, str) or value not in ACTIVATIONS:
        hint = did_you_mean(str(value), ACTIVATIONS)
        raise BadOption(f"Keras knows no activation {value!r}{hint}")
    return ACTIVATIONS[value] or value


def _read_activation(name: str, value: Any, entry: Any) -> str:
    """Return the name of a function in a config, where it is one of Keras' own."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        value = value.get("config")
    if value is None:
        return "linear"
    if isinstance(value, str) and value in ACTIVATIONS:
        return ACTIVATIONS[value] or value
    return OTHER


def _data_format(name: str, value: Any, entry: Any) -> str:
    if value is None:
        return "channels_last"
    if value not in ("channels_last", "channels_first"):
        raise BadOption(f"{name} is channels_last or channels_first, not {short(value)}")
    return str(value)


def _axis(name: str, value: Any, entry: Any) -> int:
    if not is_integer(value):
        raise BadOption(f"{name} is an integer, not {short(value)}")
    return int(value)


def _axes(name: str, value: Any, entry: Any) -> int | tuple[int, ...] | None:
    if value is None or is_integer(value):
        return value  # type: ignore[no-any-return] # seen to be one
    if not isinstance(value, (list, tuple)) or not all(map(is_integer, value)):
        raise BadOption(f"{name} is an integer or several, not {short(value)}")
    return tuple(value)


def _integers(name: str, value: Any, entry: Any) -> tuple[int, ...] | None:
    if value is None and entry.arguments[name].default is None:
        return None
    if not isinstance(value, (list, tuple)) or not all(map(is_integer, value)):
        raise BadOption(f"{name} is a list of integers, not {short(value)}")
    return tuple(value)
