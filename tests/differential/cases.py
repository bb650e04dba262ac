"""One layer or op behind an input, in models of several builds."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from draw import (
    ARRAYS,
    LISTED,
    LISTS,
    OPERANDS,
    OWN,
    POOLS,
    SIZED,
    SIZES,
    TENSORS,
    Place,
    options,
    parameters,
    second,
)
from truth import Counted, count, params_of, shape_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

ATTEMPTS = 16
FEW = (0, 0, 0.2, 0, 0.5, 0.8)
MUCH = (0.5, 0.5, 0.3, 0.3, 0.2, 0.1)
RANKS = [2, 1, 2, 3, 0, 2, 1, 4]
LAYER_DTYPES = ("int32", "int32", "string")
OP_DTYPES = ("int32", "int32", "int32", "complex64", "bool")


class Case(NamedTuple):
    """A call that Keras accepts: how it is written, the inputs, and the call itself."""

    text: str
    inputs: list[tuple[tuple[int, ...], str]]  # sizes and dtypes
    call: Callable[[list[Any]], Any]
    model: Any = None  # the call alone, with what that costs
    costs: Counted | None = None


def written(value: Any) -> str:
    """Return how an argument is written."""
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if hasattr(value, "get_config"):
        config = value.get_config()
        told = ("axis", "epsilon", "filters", "return_sequences", "trainable", "units")
        few = {
            key: each for key, each in config.items() if key in told and each not in (None, True)
        }
        inside = ", ".join(f"{key}={each!r}" for key, each in few.items())
        return f"{type(value).__name__}({inside})"
    return repr(value)


def call_text(name: str, arguments: dict[str, Any], inputs: list[Any]) -> str:
    """Return a call on its inputs in one line."""
    inside = ", ".join(f"{key}={written(value)}" for key, value in arguments.items())
    sizes = ", ".join(
        f"{size} {dtype}" if dtype != "float32" else f"{size}" for size, dtype in inputs
    )
    return f"{name}({inside}) on {sizes}"


class Fits:
    """The ranks and dtypes that a type has accepted, and those that it has not."""

    def __init__(self) -> None:
        self.good: list[tuple[int, str]] = []
        self.refused: Counter[tuple[int, str]] = Counter()

    def pick(self, dice: random.Random, attempt: int, others: tuple[str, ...]) -> tuple[int, str]:
        """Return what to try: mostly what was accepted, or else what was not often refused.

        What is no real number is tried where those have failed.
        """
        if self.good and dice.random() < 0.7:
            return dice.choice(self.good)
        dtype = self.good[0][1] if self.good else "float32"
        if not self.good and attempt > 8 and attempt % 2:
            dtype = dice.choice(others)
        ranks = [rank for rank in RANKS if self.refused[rank, dtype] < 3] or RANKS
        return dice.choice(ranks), dtype


def drawn(
    world: Any, name: str, thing: Any, dice: random.Random, fits: Fits | None = None
) -> Case | None:
    """Draw a call of a layer's class or an op that Keras accepts; None where none is found."""
    fits = fits or Fits()
    make, others = (op_case, OP_DTYPES)
    if inspect.isclass(thing):
        make, others = (layer_case, LAYER_DTYPES)
    for attempt in range(ATTEMPTS if fits.good else 2 * ATTEMPTS):
        rank, dtype = fits.pick(dice, attempt, others)
        place = Place(dice, dice.choice(SIZED.get(name) or SIZES[rank]), world)
        # One that has accepted nothing yet is given few arguments, and then again many.
        much = MUCH[attempt % len(MUCH)] if fits.good else FEW[attempt % len(FEW)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                case = make(name, thing, place, dtype, much)
                if case is None:
                    return None
                case = costed(world, case)
        except Exception:  # whatever Keras or TensorFlow has against it
            case = None
        if case is not None:
            fits.good += [(rank, dtype)] * ((rank, dtype) not in fits.good)
            return case
        fits.refused[rank, dtype] += 1
    return None


def costed(world: Any, case: Case) -> Case | None:
    """Return a call with its model, and what that costs; None where Keras is wrong about it."""
    model = alone(world, case)
    costs = costs_of(model)
    return None if costs is None else case._replace(model=model, costs=costs)


def costs_of(model: Any) -> Counted | None:
    """Return what a model costs; None where Keras does not foretell what TensorFlow makes."""
    params_of(model)  # whose sizes may be unknown
    costs = count(model, [shape_of(tensor) for tensor in model.inputs])
    shapes = zip(costs.made, model.outputs, strict=True)
    if all(shape.is_compatible_with(tensor.shape) for shape, tensor in shapes):
        return costs
    return None


def tensors(value: Any) -> list[Any]:
    """Return the symbolic tensors in what a call returns; there is one."""
    import tensorflow as tf

    found = [each for each in tf.nest.flatten(value) if type(each).__name__.endswith("KerasTensor")]
    if not found:
        raise ValueError("no tensor comes out")
    return found


def layer_case(name: str, kind: Any, place: Place, dtype: str, much: float) -> Case | None:
    arguments = options(name, kind, place, much)
    if arguments is None:
        return None
    if place.dice.random() < 0.15:
        arguments["dtype"] = place.pick("mixed_float16", "bfloat16", "float64", "float16")
    if place.dice.random() < 0.15:
        arguments["trainable"] = False
    call_of = list(inspect.signature(kind.call).parameters)
    base = {each.__name__ for each in kind.__mro__}
    inputs = [(place.size, dtype)]
    together = bool(base & {"Merge", "Concatenate", "_Merge"})
    if (
        together
        or "query" in call_of
        or name in ("Attention", "AdditiveAttention", "HashedCrossing")
    ):
        for _ in range(place.pick(1, 1, 2)):
            size = place.pick(place.size, second(place))
            inputs.append((size if isinstance(size, tuple) else place.size, dtype))
    apart = "query" in call_of

    def call(given: list[Any]) -> Any:
        layer = kind(**arguments)
        if apart:
            return layer(*given)
        return layer(given if len(given) > 1 else given[0])

    return Case(call_text(name, arguments, inputs), inputs, call)


def op_case(name: str, function: Any, place: Place, dtype: str, much: float) -> Case | None:
    arguments: dict[str, Any] = {}
    inputs: list[tuple[tuple[int, ...], str]] = []
    own = OWN.get(name, {})
    slots: list[tuple[str, Any]] = []  # a name, and the places of its tensors among the inputs
    for key, parameter in parameters(function).items():
        needed = parameter.default is parameter.empty
        if parameter.kind is parameter.VAR_KEYWORD or key == "name":
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            if key != "operands":
                return None
            many = str(arguments.get("subscripts", ",")).count(",") + 1
            start = len(inputs)
            for place_of in range(many):
                size = second(place) if place_of else place.size
                inputs.append((size if isinstance(size, tuple) else place.size, dtype))
            slots.append((key, list(range(start, len(inputs)))))
        elif needed and (key in LISTS or LISTED.get(name) == key):
            start = len(inputs)
            inputs += [(place.size, dtype)] * place.pick(1, 2, 3)
            slots.append((key, list(range(start, len(inputs)))))
        elif key in own:
            if needed or place.dice.random() < much:
                arguments[key] = own[key](place)
        elif key in TENSORS and (needed or place.dice.random() < much):
            size: Any = place.size
            if name.startswith("reduce_") and place.dice.random() < 0.2:
                slots.append((key, [len(inputs), len(inputs) + 1]))  # a list, which it stacks
                inputs += [(size, dtype)] * 2
                continue
            if inputs and (key in OPERANDS or place.dice.random() < 0.5):
                size = second(place)
            if isinstance(size, tuple):
                slots.append((key, len(inputs)))
                inputs.append((size, dtype))
            else:
                arguments[key] = size
        elif key in ARRAYS and (needed or (key not in POOLS and place.dice.random() < much)):
            arguments[key] = ARRAYS[key](place)
        elif key in POOLS:
            if needed or place.dice.random() < much:
                arguments[key] = POOLS[key](place)
        elif needed:
            return None
        elif isinstance(parameter.default, bool) and place.dice.random() < much:
            arguments[key] = not parameter.default
    if not inputs:
        return None

    def call(given: list[Any]) -> Any:
        named: dict[str, Any] = dict(arguments)
        rest: list[Any] = []
        for key, at in slots:
            value = [given[i] for i in at] if isinstance(at, list) else given[at]
            if key == "operands":
                rest = value
            else:
                named[key] = value
        if rest:
            return function(named.pop("subscripts"), *rest, **named)
        return function(**named)

    return Case(call_text(name, arguments, inputs), inputs, call)


def alone(world: Any, case: Case, open_sizes: bool = False) -> Any:
    """Return a model of the call, with a Dense behind each output of numbers."""
    inputs = [
        world.Input((None,) * (len(size) - 1) + size[-1:] if open_sizes else size, dtype=dtype)
        for size, dtype in case.inputs
    ]
    made = tensors(case.call(inputs))
    return world.Model(inputs, [*made, *behind(world, made)])


def behind(world: Any, made: list[Any]) -> Iterator[Any]:
    """Yield a dense layer's output for each tensor that one can stand behind."""
    for tensor in made[:2]:
        shape = tuple(tensor.shape)
        if len(shape) > 1 and shape[-1] and "float" in str(tensor.dtype):
            yield world.layers.Dense(3, use_bias=False)(tensor)


def nested(world: Any, case: Case) -> Any:
    """Return a model in which the call is made on other sizes than those that were noted."""
    inner = alone(world, case, open_sizes=True)
    inputs = [world.Input(size, dtype=dtype) for size, dtype in case.inputs]
    outputs = inner(inputs if len(inputs) > 1 else inputs[0])
    return world.Model(inputs, outputs)


def in_line(world: Any, case: Case) -> Any:
    """Return a Sequential of the call and a dense layer: Keras notes no shape in one."""
    ((size, dtype),) = case.inputs
    probe = world.Input(size, dtype=dtype)
    (made,) = tensors(case.call([probe]))
    layer = world.Model(probe, made).layers[-1]
    rest = [world.layers.Dense(3, use_bias=False)] if made.shape[-1] else []
    return world.Sequential(
        [world.Input(size, dtype=dtype), type(layer).from_config(layer.get_config()), *rest]
    )


def built(build: Callable[[Any, Case], Any], world: Any, case: Case) -> Any:
    """Return a model of a call; None where Keras needs to know more for it than it does there."""
    if build is alone:
        return case.model
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return build(world, case)
    except Exception:
        return None
