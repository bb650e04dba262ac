"""One layer or op behind an input, in models of several builds."""

from __future__ import annotations

import inspect
import random
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from draw import (
    ARRAYS,
    LISTED,
    LISTS,
    OPERANDS,
    OWN,
    POOLS,
    SIZES,
    TENSORS,
    Place,
    options,
    parameters,
    second,
)
from truth import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ATTEMPTS = 16
PROBES = (0, 0, 0, 0.3, 0.5, 0.8)  # how many of the arguments are drawn that need not be


class Case(NamedTuple):
    """A call that Keras accepts: how it is written, the inputs, and the call itself."""

    text: str
    inputs: list[tuple[tuple[int, ...], str]]  # sizes and dtypes
    call: Callable[[list[Any]], Any]


def written(value: Any) -> str:
    """Return how an argument is written."""
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if hasattr(value, "get_config"):
        config = value.get_config()
        few = {k: v for k, v in config.items() if k in ("units", "filters", "return_sequences", "trainable")}
        inside = ", ".join(f"{key}={each!r}" for key, each in few.items() if each not in (None, True))
        return f"{type(value).__name__}({inside})"
    return repr(value)


def call_text(name: str, arguments: dict[str, Any], inputs: list[Any]) -> str:
    """Return a call on its inputs in one line."""
    inside = ", ".join(f"{key}={written(value)}" for key, value in arguments.items())
    sizes = ", ".join(f"{size} {dtype}" if dtype != "float32" else f"{size}" for size, dtype in inputs)
    return f"{name}({inside}) on {sizes}"


def drawn(world: Any, name: str, thing: Any, dice: random.Random) -> Case | None:
    """Draw a call of a layer's class or an op that Keras accepts; None where none is found."""
    fits = fitting(world, name, thing)
    for attempt in range(ATTEMPTS if fits else 0):
        rank, dtype = dice.choice(fits)
        place = Place(dice, dice.choice(SIZES[rank]), world)
        case = made(world, name, thing, place, dtype, 0.6 / (1 + attempt // 4))
        if case is not None:
            return case
    return None


@cache
def fitting(world: Any, name: str, thing: Any) -> list[tuple[int, str]]:
    """Return the ranks that a call accepts with as few arguments as possible, and the dtype."""
    dice = random.Random(name)
    for dtype in ("float32", "int32", "complex64", "bool", "string"):
        found = []
        for rank in SIZES:
            for much in PROBES:
                place = Place(dice, dice.choice(SIZES[rank]), world)
                if made(world, name, thing, place, dtype, much, bare):
                    found.append((rank, dtype))
                    break
        if found:
            return found
    return []


def made(
    world: Any,
    name: str,
    thing: Any,
    place: Place,
    dtype: str,
    much: float,
    build: Callable[[Any, Case], Any] | None = None,
) -> Case | None:
    """Return a call if Keras makes a model of it that TensorFlow can run."""
    make = layer_case if inspect.isclass(thing) else op_case
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case = make(name, thing, place, dtype, much)
            if case is None:
                return None
            model = (build or alone)(world, case)
            costs = count(model, [tensor.shape for tensor in model.inputs])
    except Exception:  # whatever Keras or TensorFlow has against it
        return None
    # Here and there Keras is wrong itself about what comes out.
    shapes = zip(costs.made, model.outputs, strict=True)
    if all(shape.is_compatible_with(tensor.shape) for shape, tensor in shapes):
        return case
    return None


def tensors(world: Any, value: Any) -> list[Any]:
    """Return the symbolic tensors in what a call returns."""
    kind = world.KerasTensor if hasattr(world, "KerasTensor") else type(world.Input((1,)))
    import tensorflow as tf

    return [each for each in tf.nest.flatten(value) if isinstance(each, kind)]


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
    if together or "query" in call_of or name in ("Attention", "AdditiveAttention", "HashedCrossing"):
        for _ in range(place.pick(1, 1, 2)):
            size = second(place)
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


def bare(world: Any, case: Case) -> Any:
    """Return a model of the call alone."""
    inputs = [world.Input(size, dtype=dtype) for size, dtype in case.inputs]
    return world.Model(inputs, tensors(world, case.call(inputs)))


def alone(world: Any, case: Case, open_sizes: bool = False) -> Any:
    """Return a model of the call, with a Dense behind each output of numbers."""
    inputs = [
        world.Input((None,) * (len(size) - 1) + size[-1:] if open_sizes else size, dtype=dtype)
        for size, dtype in case.inputs
    ]
    made = tensors(world, case.call(inputs))
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
    (size, dtype), = case.inputs
    probe = world.Input(size, dtype=dtype)
    (made,) = tensors(world, case.call([probe]))
    layer = world.Model(probe, made).layers[-1]
    rest = [world.layers.Dense(3, use_bias=False)] if made.shape[-1] else []
    model = world.Sequential([world.Input(size, dtype=dtype), type(layer).from_config(layer.get_config()), *rest])
    return model


def built(build: Callable[[Any, Case], Any], world: Any, case: Case) -> Any:
    """Return a model of a call; None where Keras needs to know more for it than it does there."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return build(world, case)
    except Exception:
        return None
