"""Small Keras models of any build, drawn; and what is told of a graph, whatever its source."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from attn_cli.graph import Params

if TYPE_CHECKING:
    from attn_cli.graph import Graph


def described(graph: Graph) -> list[Any]:
    """Return all that sources must have in common, but what configs say beside that."""
    return [
        (
            node.layer.path,
            node.layer.type,
            node.layer.function,
            node.call,
            node.cost,
            node.inputs,
            node.input_shapes,
            node.output_shapes,
            node.layer.params,
            node.layer.bytes,
            [weight.shape for weight in node.layer.weights],
            [weight.trainable for weight in node.layer.weights],
        )
        for node in graph.nodes
    ]


def counted(model: Any) -> Params:
    """Return what Keras counts."""
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return Params(trainable, model.count_params() - trainable)


class Random:
    """A small model of any build: nested, sequential, shared, in steps."""

    def __init__(self, keras: Any, draw: st.DrawFn) -> None:
        self.keras = keras
        self.layers = keras.layers
        self.draw = draw

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def layer(self) -> Any:
        """Return a layer that keeps (4, 4, 6) as it is."""
        make = {
            "conv": lambda: self.layers.Conv2D(
                6, 3, padding="same", use_bias=self.pick(True, False)
            ),
            "norm": lambda: self.layers.BatchNormalization(
                scale=self.pick(True, False), center=self.pick(True, False)
            ),
            "layer norm": lambda: self.layers.LayerNormalization(),
            "dense": lambda: self.layers.Dense(6, activation=self.pick("relu", "silu", None)),
            "depthwise": lambda: self.layers.DepthwiseConv2D(3, padding="same"),
            "separable": lambda: self.layers.SeparableConv2D(6, 3, padding="same"),
            "transposed": lambda: self.layers.Conv2DTranspose(6, 3, padding="same"),
            "prelu": lambda: self.layers.PReLU(shared_axes=self.pick(None, [1, 2])),
            "group": lambda: self.layers.Conv2D(6, 1, groups=self.pick(1, 2, 3)),
            "dropout": lambda: self.layers.Dropout(0.5, seed=self.pick(None, 1)),
            "relu": lambda: self.layers.ReLU(self.pick(None, 6.0)),
            "pool": lambda: self.layers.MaxPooling2D(2, strides=1, padding="same"),
        }
        layer = make[self.pick(*make)]()
        layer.trainable = self.pick(True, True, False)
        return layer

    def module(self, depth: int) -> Any:
        """Return a layer or a model that keeps (4, 4, 6) as it is."""
        kind = self.pick("layer", "layer", "functional", "sequential") if depth else "layer"
        if kind == "layer":
            return self.layer()
        if kind == "sequential":
            inner = [self.module(depth - 1) for _ in range(self.pick(1, 2))]
            model = self.keras.Sequential([self.layers.Input((4, 4, 6)), *inner])
        else:
            inputs = self.keras.Input((4, 4, 6))
            model = self.keras.Model(inputs, self.chain(inputs, depth - 1))
        if self.pick(True, False, False):
            model.trainable = False
        return model

    def chain(self, x: Any, depth: int) -> Any:
        """Apply a few modules, some of them twice, and merge."""
        for _ in range(self.pick(1, 2, 3)):
            module = self.module(depth)
            y = module(x)
            if self.pick(True, False):
                y = module(y)
            match self.pick("next", "add", "op", "gate", "concat"):
                case "add":
                    y = self.layers.Add()([x, y])
                case "op":
                    y = x * 0.5 + y
                case "gate":
                    s = self.layers.GlobalAveragePooling2D(keepdims=True)(y)
                    s = self.layers.Dense(2, activation="relu")(s)
                    y = self.layers.Multiply()([y, self.layers.Dense(6, activation="sigmoid")(s)])
                case "concat":
                    y = self.layers.Concatenate()([x, y])
                    y = self.layers.Conv2D(6, 1)(y)
            x = y
        return x

    def model(self) -> Any:
        """Return a whole model."""
        if self.pick(True, False, False):
            inputs = self.keras.Input((3, 4, 4, 6))
            x = self.layers.TimeDistributed(self.module(1))(inputs)
            x = self.keras.ops.mean(x, axis=1)
        else:
            inputs = x = self.keras.Input((4, 4, 6))
        x = self.chain(x, 2)
        if self.pick(True, False):
            x = self.layers.Dense(2)(self.layers.Flatten()(x))
        return self.keras.Model(inputs, x)
