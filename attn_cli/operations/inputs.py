"""How what a model is called with reaches its inputs: once, for all who follow a model's calls.

A model's inputs are one, a list or a dict, and so is what it is called with. Keras puts the two
together by the order, or by names where it is called with a dict. Of a dict, the order is that of
its keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.operations.base import Unknown
from attn_cli.operations.common import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Reached(NamedTuple):
    """What reaches a model's inputs, in their order; and what Keras takes for that, for shapes."""

    given: list[Any]
    noted: list[Any]


def reached(
    inputs: Any, args: Sequence[Any], kwargs: Mapping[str, Any], *, keras_2: bool = False
) -> Reached:
    """Return what of a call's arguments reaches each input of a model.

    `inputs` are their names, as the model has them: one, a list or a dict. Raises Unknown, with
    what is wrong, where Keras does not call it like this.
    """
    argument, names = _argument(args, kwargs, keras_2), flat(inputs)
    given = noted = flat(argument)
    if isinstance(argument, dict):
        is_dict, is_deep = isinstance(inputs, dict), not _is_shallow(inputs)
        # By a dict of more than tensors, Keras 3 looks for no keys.
        keys = sorted(inputs) if is_dict else names
        picked = [] if is_dict and is_deep and not keras_2 else _picked(argument, keys)
        if picked and len(picked) != len(names):
            raise Unknown(f"takes {_count(len(names))} and is called with {len(picked)}")
        if keras_2 and not is_deep:
            given = noted = picked
        elif not is_dict and is_deep and not keras_2:
            raise Unknown("takes a list of lists and is called with a dict")
        elif not (is_dict or is_deep):
            given = picked  # what it calculates with; of the shapes Keras 3 goes by the order
        if len(given) > len(names):  # by the order, and without the rest
            given = given[: len(names)]
        noted = noted[: len(names)]
    elif isinstance(inputs, dict) and list(inputs) != sorted(inputs) and not keras_2:
        raise Unknown("takes a dict whose keys are not in order, and is called with none")
    if len(given) != len(names):
        raise Unknown(f"takes {_count(len(names))} and is called with {len(given)}")
    if any(each is None for each in given):
        raise Unknown("is called with nothing for one of its inputs")
    return Reached(given, noted)


def flat(value: Any) -> list[Any]:
    """Return what stands in lists and dicts, in Keras' order: that of a dict's keys."""
    if isinstance(value, dict):
        return [each for key in sorted(value) for each in flat(value[key])]
    if isinstance(value, list) or type(value) is tuple:  # one of its own may tell a tensor
        return [each for inner in value for each in flat(inner)]
    return [value]


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], keras_2: bool) -> Any:
    """Return what a call hands to a model's inputs."""
    if len(args) > len(NAMES):
        raise Unknown(f"takes one argument for its inputs and is called with {len(args)}")
    named = dict(zip(NAMES, args, strict=False))
    # Keras 3 hands on whether it trains by name, and so a second time.
    if named.get("training") is not None and not keras_2:
        raise Unknown("takes one argument for its inputs and is called with more")
    for name, value in kwargs.items():
        if name not in NAMES or name in named:
            raise Unknown(f"is called with an argument {short(name)}, which it does not take")
        named[name] = value
    if "inputs" not in named:
        raise Unknown("is called with nothing for its inputs")
    return named["inputs"]


NAMES = ("inputs", "training", "mask")


def _picked(argument: Mapping[str, Any], keys: Sequence[Any]) -> list[Any]:
    for key in keys:
        if key not in argument:
            raise Unknown(f"is called with a dict that has no {short(key)}, which it takes")
    return [each for key in keys for each in flat(argument[key])]


def _is_shallow(inputs: Any) -> bool:
    inside = inputs.values() if isinstance(inputs, dict) else inputs
    return isinstance(inputs, str) or all(isinstance(each, str) for each in inside)


def _count(number: int) -> str:
    return "one input" if number == 1 else f"{number} inputs"
