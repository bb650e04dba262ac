"""A live Keras model, walked into a Graph."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attn_cli.graph import Graph, Layer, Node, Params, Ref, Shape, Weight
from attn_cli.sources.text import plain
from attn_cli.tf.load import load_keras

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def build_model(block: Callable[..., Any], shape: Shape, **options: Any) -> Any:
    """Return a functional Keras model of a block on an input (H, W, C), None where dynamic.

    Its layers are named as in a fresh Keras.
    """
    keras = load_keras()
    keras.backend.clear_session(free_memory=False)
    inputs = keras.Input(shape)
    return keras.Model(inputs, block(inputs, **options))


def walk(model: Any) -> Graph:
    """Return the graph of a functional or sequential Keras model.

    Models inside it stand in line, as often as they are called; what a TimeDistributed applies has
    the shapes of one step.
    """
    walker = _Walker()
    outputs = walker.model(model, None, (), 1)
    return Graph(walker.nodes, [ref for ref, _ in outputs])


_Value = tuple[Ref, Shape]


class _Walker:
    def __init__(self) -> None:
        self.keras = load_keras()
        self.nodes: list[Node] = []
        self.layers: dict[int, Layer] = {}

    def model(
        self,
        model: Any,
        given: Sequence[_Value] | None,
        within: tuple[str, ...],
        times: int | None,
    ) -> list[_Value]:
        """Walk a model's calls: on its own inputs, or on what it is called with."""
        model = getattr(model, "_functional", None) or model
        values: dict[int, _Value] = {}
        if given is not None:
            values = dict(zip(map(id, model.inputs), given, strict=False))
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for call in model._nodes_by_depth[depth]:
                tensors = call.output_tensors
                if all(id(tensor) in values for tensor in tensors):
                    continue  # an input that is given
                inputs = [values[id(tensor)] for tensor in call.input_tensors]
                outputs = self.call(call, inputs, within, times)
                values.update(zip(map(id, tensors), outputs, strict=True))
        return [values[id(tensor)] for tensor in model.outputs]

    def call(
        self, call: Any, inputs: list[_Value], within: tuple[str, ...], times: int | None
    ) -> list[_Value]:
        """Walk one call, into the model or the steps that it may stand for."""
        operation = call.operation
        if hasattr(getattr(operation, "_functional", None) or operation, "_nodes_by_depth"):
            return self.model(operation, inputs, (*within, operation.name), times)
        if isinstance(operation, self.keras.layers.TimeDistributed):
            return self.steps(operation, inputs[0], within, times)
        return self.leaf(operation, inputs, self.shapes(call, inputs), within, times)

    def steps(
        self, operation: Any, value: _Value, within: tuple[str, ...], times: int | None
    ) -> list[_Value]:
        """Walk what a TimeDistributed applies to each step of (B, T, …)."""
        ref, (batch, steps, *rest) = value
        layer, one, below = operation.layer, (batch, *rest), (*within, operation.name)
        each = None if steps is None or times is None else times * steps
        if hasattr(getattr(layer, "_functional", None) or layer, "_nodes_by_depth"):
            outputs = self.model(layer, [(ref, one)], (*below, layer.name), each)
        else:
            shapes = (tuple(layer.compute_output_shape(one)),)
            outputs = self.leaf(layer, [(ref, one)], shapes, below, each)
        return [(ref, (shape[0], steps, *shape[1:])) for ref, shape in outputs]

    def leaf(
        self,
        operation: Any,
        inputs: list[_Value],
        shapes: tuple[Shape, ...],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[_Value]:
        """Add the call of a layer or an op."""
        if id(operation) not in self.layers:
            self.layers[id(operation)] = _layer(operation, within)
        refs = tuple(ref for ref, _ in inputs)
        taken = tuple(shape for _, shape in inputs)
        place = len(self.nodes)
        self.nodes.append(Node(self.layers[id(operation)], refs, taken, shapes, times=times))
        return [(Ref(place, output), shape) for output, shape in enumerate(shapes)]

    def shapes(self, call: Any, inputs: list[_Value]) -> tuple[Shape, ...]:
        """Return what comes out: as recorded, or else as Keras works it out for these inputs."""
        recorded = [tuple(tensor.shape) for tensor in call.input_tensors]
        outputs = call.output_tensors
        if recorded != [shape for _, shape in inputs]:
            tensors = {
                id(tensor): self.keras.KerasTensor(shape, dtype=tensor.dtype)
                for tensor, (_, shape) in zip(call.input_tensors, inputs, strict=True)
            }
            args, kwargs = call.arguments.fill_in(tensors)
            outputs = self.keras.tree.flatten(call.operation.compute_output_spec(*args, **kwargs))
        return tuple(tuple(tensor.shape) for tensor in outputs)


def _layer(operation: Any, within: tuple[str, ...]) -> Layer:
    # Ops have no variables.
    variables = getattr(operation, "weights", ())
    trainable = {id(variable) for variable in getattr(operation, "trainable_weights", ())}
    weights = tuple(
        Weight(variable.name, tuple(variable.shape), variable.dtype, id(variable) in trainable)
        for variable in variables
    )
    config = operation.get_config()
    kind = type(operation)
    name = kind.__name__
    if kind.__module__.split(".")[0] != "keras":
        registered: str = load_keras().saving.get_registered_name(kind)
        name = registered if ">" in registered else f"{kind.__module__}>{name}"
    return Layer(operation.name, name, {**config, **plain(config)}, weights, within)


def count_params(model: Any) -> Params:
    """Return the parameters of a model as Keras counts them."""
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return Params(trainable, model.count_params() - trainable)
