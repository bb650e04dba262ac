"""What the config of any layer may say: its dtype, and how its weights begin and are held.

Keras looks all of it up when it loads a layer, and refuses what it has not.
"""

from __future__ import annotations

from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import NotModelled
from attn_cli.graph import ITEM_SIZES

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SHORT = 40


def short(value: Any) -> str:
    """Return a value as it can stand in a sentence."""
    text = repr(value)
    return text if len(text) <= MAX_SHORT else f"{text[: MAX_SHORT - 1]}…"


def is_of_keras(module: Any) -> bool:
    """Tell whether a module is Keras' own."""
    return isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras")


def anything(name: str, value: Any, entry: Any) -> Any:
    """Take an argument, whatever it is."""
    return value


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, and not True or False."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _of(kind: Callable[[Any], bool], what: str) -> Callable[[str, Any, Any], Any]:
    def check(name: str, value: Any, entry: Any) -> Any:
        if not kind(value):
            raise NotModelled(f"{name} is {what}, not {short(value)}")
        return value

    return check


def _is_number(value: Any) -> bool:
    # Keras 2 may write one as an array.
    return is_number(value) or (isinstance(value, dict) and value.get("class_name") == "__numpy__")


# What an argument may be whose values are all alike, by the type that an entry notes for it.
OF_TYPE = {
    "float": _of(_is_number, "a number"),
    "float | None": _of(lambda value: value is None or _is_number(value), "a number or None"),
    "int": _of(lambda value: type(value) is int, "an integer"),
    "int | None": _of(lambda value: value is None or type(value) is int, "an integer or None"),
    "bool | None": _of(lambda value: value in (None, True, False), "True, False or None"),
    "bool": _of(lambda value: value in (True, False), "True or False"),
    "str": _of(lambda value: isinstance(value, str), "a text"),
    "str | None": _of(lambda value: value is None or isinstance(value, str), "a text or None"),
    "dict[str, Any] | None": _of(
        lambda value: value is None or (isinstance(value, dict) and "module" in value),
        "a class or None",
    ),
    "list[int | None] | None": _of(
        lambda value: value is None or isinstance(value, (list, tuple, dict)),
        "a list of sizes or None",
    ),
    "int | dict[str, Any] | None": _of(
        lambda value: value is None or isinstance(value, (int, dict)), "an integer or None"
    ),
}

# What a layer of Keras 2 has besides.
OF_LAYERS_2 = {
    "batch_input_shape": _of(lambda value: isinstance(value, (list, tuple, dict)), "a shape"),
    "dynamic": OF_TYPE["bool"],
}


class Policy(NamedTuple):
    """What is known of a dtype: `weights` is None where the file does not tell their type."""

    weights: str | None = "float32"
    quantised: bool = False


FLOAT32 = Policy()
MIXED = ("mixed_float16", "mixed_bfloat16")  # with weights in float32
TYPES = frozenset((*ITEM_SIZES, "string"))
# What Keras 2 takes besides: TensorFlow's names, and what follows from what goes in.
OF_KERAS_2 = {"half": "float16", "float": "float32", "double": "float64"}
INFERRED = ("_infer", "infer")

# The classes of policies: with a name, in Keras 3 and 2, and with a mode, of quantised layers.
NAMED = ("DTypePolicy", "FloatDTypePolicy")
NAMED_2 = ("Policy", "PolicyV1")
WITH_MODE = frozenset(
    (
        *("QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "Int4DTypePolicy"),
        *("GPTQDTypePolicy", "AWQDTypePolicy"),
    )
)
OF_MODE = frozenset(("mode", "source_name", "amax_history_length"))
MODES = ("int8", "int4", "float8", "gptq", "awq")  # how the modes begin


def policy_of(dtype: Any, keras_2: bool | None = None) -> Policy:
    """Return what a dtype says: a name, or a policy. Raises NotModelled where Keras has none.

    `keras_2` is whether Keras 2 wrote it, None where that is not known.
    """
    if isinstance(dtype, str) and dtype.startswith(MODES):
        if "_from_" in dtype:
            return Policy(None, True)
        if keras_2 is False:  # which looks for what it is made from
            raise NotModelled(f"Keras has no dtype {short(dtype)}")
    if dtype is None or isinstance(dtype, str):
        return _named(dtype, keras_2)
    module = dtype.get("module", "keras") if isinstance(dtype, dict) else None
    if isinstance(module, str):
        if not is_of_keras(module):
            return Policy(None)
        kind, told = dtype.get("class_name"), dtype.get("config")
        keys = told.keys() if isinstance(told, dict) else {""}
        known = (keras_2 is not True and kind in NAMED) or (
            keras_2 is not False and kind in NAMED_2
        )
        if known and keys <= {"name"} and isinstance(told.get("name"), (str, NoneType)):
            return _named(told.get("name"), keras_2)
        if kind in WITH_MODE and keys <= OF_MODE and str(told.get("mode")).startswith(MODES):
            return Policy(None, True)
        if kind == "DTypePolicyMap":
            return Policy(None, any(mode in str(told) for mode in MODES))
    raise NotModelled(f"Keras has no dtype {short(dtype)}")


@lru_cache(64)
def _named(name: str | None, keras_2: bool | None) -> Policy:
    if name is None or name in MIXED:
        return FLOAT32
    if name in TYPES:
        return Policy(name)
    if keras_2 is not False and (name in INFERRED or name in OF_KERAS_2):
        return Policy(OF_KERAS_2.get(name, "float32"))
    raise NotModelled(f"Keras has no dtype {short(name)}")


# Keras' classes that say how weights begin, what they are regularised by and held to.
HELD = {
    "initializer": frozenset(
        (
            *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity"),
            *("LecunNormal", "LecunUniform", "Ones", "Orthogonal", "OrthogonalInitializer"),
            *("RandomNormal", "RandomUniform", "STFT", "STFTInitializer", "TruncatedNormal"),
            *("VarianceScaling", "Zeros", "Normal", "One", "Uniform", "Zero"),
        )
    ),
    "regularizer": frozenset(("L1", "L1L2", "L2", "OrthogonalRegularizer")),
    "constraint": frozenset(("MaxNorm", "MinMaxNorm", "NonNeg", "RadialConstraint", "UnitNorm")),
}
WORDS = {kind: {name.lower() for name in names} for kind, names in HELD.items()}


def hold(kind: str, value: Any, keras_2: bool | None = None) -> None:
    """Take what weights begin with or are held to, which changes nothing that is counted.

    What is not of Keras' own may be anything. Raises NotModelled where Keras has none like it.
    """
    if isinstance(value, str):
        if keras_2 is not False or value.lower().replace("_", "") in WORDS[kind]:
            return
    elif isinstance(value, dict) and isinstance(value.get("class_name"), str):
        name, module = value["class_name"], value.get("module", "keras")
        is_own = is_of_keras(module) and (keras_2 is False or "module" in value)
        if name == "function" or (module is not None if name in HELD[kind] else not is_own):
            return
    raise NotModelled(f"Keras has no {kind} {short(value)}")
