"""Small models of several builds: wrappers, nested, shared and frozen parts, dtype policies."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

import catalogue
from cases import call_text, costs_of, written
from draw import OPERANDS, TENSORS, Place, inner_layer, options, parameters

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from truth import Counted

INPUTS = [(8, 8, 4), (8, 8, 4), (6, 5, 4), (5, 4), (6,), (4, 6, 6, 2)]
POLICIES = ("mixed_float16", "mixed_bfloat16", "float64", "float16")


class Mixed:
    """A model in the making, what it consists of so far, and how it came about in words."""

    def __init__(self, world: Any, dice: random.Random) -> None:
        self.world = world
        self.dice = dice
        self.name = world.__name__
        self.text: list[str] = []
        self.made: list[tuple[Any, str]] = []  # what can be called again

    def model(self, depth: int, sizes: list[tuple[int, ...]]) -> Any:
        """Return a functional model of a few steps."""
        inputs = [self.world.Input(size) for size in sizes]
        tensors = list(inputs)
        wanted = self.dice.randint(2, 7 if depth else 4)
        for _ in range(3 * wanted):
            if len(tensors) - len(inputs) < wanted:
                self.step(tensors, depth)
        outputs = [tensor for tensor in tensors if not any(tensor is each for each in inputs)]
        if not outputs:
            raise ValueError("nothing was done")
        count = self.dice.choice([1, 1, 1, 2, 3])
        return self.world.Model(inputs, outputs[-count:] if count > 1 else outputs[-1])

    def step(self, tensors: list[Any], depth: int) -> None:
        """Take a tensor further, if Keras lets us."""
        x = self.dice.choice(tensors[-3:])
        size = tuple(x.shape)[1:]
        if not size or None in size or len(size) > 4:
            return
        kinds = [self.layer, self.layer, self.layer, self.op, self.again, self.merge, self.wrapper]
        if depth:
            kinds += [self.nested, self.in_line]
        length = len(self.text)
        try:
            outputs = self.dice.choice(kinds)(x, size, tensors, depth)
        except Exception:  # whatever Keras has against it
            del self.text[length:]
            return
        flat = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        tensors += [each for each in flat if "float" in str(each.dtype)]

    def called(self, layer: Any, text: str, x: Any, many: bool = True) -> Any:
        """Call a layer on a tensor, and keep both in mind."""
        if self.dice.random() < 0.2:
            layer.trainable = False
            text += ".trainable=False"
        outputs = layer(x)
        self.made.append((layer, text))
        self.text.append(text)
        return outputs

    def layer(self, x: Any, size: Any, tensors: list[Any], depth: int) -> Any:
        kinds = catalogue.layers(self.name)
        name = self.dice.choice(COMMON if self.dice.random() < 0.7 else list(kinds))
        arguments = options(name, kinds[name], Place(self.dice, size, self.world), 0.3)
        if arguments is None:
            raise ValueError(name)
        if self.dice.random() < 0.1:
            arguments["dtype"] = self.dice.choice(POLICIES)
        text = call_text(name, arguments, [(size, "float32")])
        return self.called(kinds[name](**arguments), text, x)

    def op(self, x: Any, size: Any, tensors: list[Any], depth: int) -> Any:
        """An op of Keras 3, or what Python's signs call."""
        ops = catalogue.SIGNS if self.name == "tf_keras" else catalogue.ops()
        name = self.dice.choice(list(ops))
        place = Place(self.dice, size, self.world)
        given: dict[str, Any] = {}
        for key, parameter in parameters(ops[name]).items():
            if key in OPERANDS and given:
                given[key] = self.dice.choice([x, 2.0, self.dice.choice(tensors)])
            elif key in TENSORS and parameter.default is inspect.Parameter.empty:
                given[key] = x
        rest = options(name, ops[name], place, 0.3, leave=given)
        outputs = ops[name](**given, **(rest or {}))
        self.text.append(call_text(name, rest or {}, [(size, "float32")]))
        return outputs

    def again(self, x: Any, size: Any, tensors: list[Any], depth: int) -> Any:
        """A layer or a model that was called before."""
        layer, text = self.dice.choice(self.made)
        outputs = layer(x)
        self.text.append(f"again {text}")
        return outputs

    def merge(self, x: Any, size: Any, tensors: list[Any], depth: int) -> Any:
        kind = self.dice.choice(
            ["Add", "Multiply", "Average", "Concatenate", "Maximum", "Subtract"]
        )
        given = [x, self.dice.choice(tensors)]
        outputs = getattr(self.world.layers, kind)()(given)
        self.text.append(f"{kind} of {given[0].shape[1:]} and {given[1].shape[1:]}")
        return outputs

    def wrapper(self, x: Any, size: Any, tensors: list[Any], depth: int) -> Any:
        place = Place(self.dice, size, self.world)
        if self.dice.random() < 0.4:
            layers = self.world.layers
            kind = self.dice.choice([layers.GRU, layers.LSTM, layers.SimpleRNN])
            inner = kind(3, return_sequences=self.dice.random() < 0.5)
            mode = self.dice.choice(["concat", "sum", "mul", "ave"])
            return self.called(
                layers.Bidirectional(inner, merge_mode=mode), f"Bidirectional({written(inner)})", x
            )
        inner = inner_layer(place)
        text = f"TimeDistributed({written(inner)})"
        if depth and self.dice.random() < 0.4:
            inner, text = self.part(depth - 1, size[1:]), "TimeDistributed(a model)"
        return self.called(self.world.layers.TimeDistributed(inner), text, x)

    def nested(self, x: Any, size: Any, tensors: list[Any], depth: int) -> Any:
        part = self.part(depth - 1, size)
        return self.called(part, "a model", x)

    def part(self, depth: int, size: Any) -> Any:
        """Return a model in this one, which is told of in brackets."""
        outside, self.made = self.made, []
        self.text.append("[")
        model = self.model(depth, [size])
        self.text.append("]")
        self.made = outside
        return model

    def in_line(self, x: Any, size: Any, tensors: list[Any], depth: int) -> Any:
        layers = self.world.layers
        model = self.world.Sequential([self.world.Input(size)] if self.dice.random() < 0.7 else [])
        kinds = catalogue.layers(self.name)
        for _ in range(self.dice.randint(1, 3)):
            name = self.dice.choice(KEEPING)
            place = Place(self.dice, size, self.world)
            model.add(kinds[name](**(options(name, kinds[name], place, 0.2) or {})))
        model.add(layers.Dense(3, use_bias=False))
        inside = ", ".join(map(written, model.layers))
        return self.called(model, f"Sequential({inside}) on {size}", x)


COMMON = [
    *("Dense", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "Conv1D"),
    *("BatchNormalization", "LayerNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU"),
    *("GlobalAveragePooling2D", "GlobalAveragePooling1D", "MaxPooling2D", "AveragePooling2D"),
    *("Flatten", "Reshape", "Permute", "UpSampling2D", "ZeroPadding2D", "Cropping2D", "Dropout"),
    *("GRU", "LSTM", "SimpleRNN", "Softmax", "EinsumDense", "GroupNormalization", "RepeatVector"),
]
# What leaves the rank as it is.
KEEPING = ["Dense", "BatchNormalization", "ReLU", "LayerNormalization", "Dropout", "Activation"]


def drawn(world: Any, dice: random.Random) -> tuple[Any, Counted, str]:
    """Return a model, what it costs, and how it came about."""
    while True:
        mixed = Mixed(world, dice)
        sizes = [dice.choice(INPUTS) for _ in range(dice.choice([1, 1, 2, 3]))]
        policy = dice.choice(POLICIES) if dice.random() < 0.15 else "float32"
        policies = world.config if hasattr(world, "config") else world.mixed_precision
        set_policy: Callable[[str], None] = (
            getattr(policies, "set_dtype_policy", None) or policies.set_global_policy
        )
        set_policy(policy)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = mixed.model(2, sizes)
                costs = costs_of(model)
        except Exception:  # whatever Keras or TensorFlow has against it
            continue
        finally:
            set_policy("float32")
        inputs = ", ".join(map(str, sizes))
        if costs is None:
            continue
        return (
            model,
            costs,
            f"{policy if policy != 'float32' else ''} {inputs}: {'; '.join(mixed.text)}",
        )
