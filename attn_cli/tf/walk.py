"""A live Keras model, walked into a Graph."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attn_cli.graph import Graph, Layer, Node, Params, Ref, Shape, Weight
from attn_cli.tf.load import load_keras

if TYPE_CHECKING:
    from collections.abc import Callable


def build_model(block: Callable[..., Any], shape: Shape, **options: Any) -> Any:
    """Return a functional Keras model of a block on an input (H, W, C), None where dynamic.

    Its layers are named as in a fresh Keras.
    """
    keras = load_keras()
    keras.backend.clear_session(free_memory=False)
    inputs = keras.Input(shape)
    return keras.Model(inputs, block(inputs, **options))


def walk(model: Any) -> Graph:
    """Return the graph of a functional Keras model."""
    calls = [node for depth in model._nodes_by_depth.values() for node in depth]
    places = {id(call): place for place, call in enumerate(calls)}
    layers = {id(call.operation): _layer(call.operation) for call in calls}

    def ref(tensor: Any) -> Ref:
        operation, call, output = tensor._keras_history
        return Ref(places[id(operation._inbound_nodes[call])], output)

    nodes = [
        Node(
            layers[id(call.operation)],
            tuple(ref(tensor) for tensor in call.input_tensors),
            tuple(tuple(tensor.shape) for tensor in call.input_tensors),
            tuple(tuple(tensor.shape) for tensor in call.output_tensors),
        )
        for call in calls
    ]
    return Graph(nodes, [ref(tensor) for tensor in model.outputs])


def _layer(operation: Any) -> Layer:
    # Ops have no variables.
    variables = getattr(operation, "weights", ())
    trainable = {id(variable) for variable in getattr(operation, "trainable_weights", ())}
    weights = tuple(
        Weight(variable.name, tuple(variable.shape), variable.dtype, id(variable) in trainable)
        for variable in variables
    )
    return Layer(operation.name, type(operation).__name__, operation.get_config(), weights)


def versions() -> str:
    """Return which Keras and TensorFlow build the models."""
    keras = load_keras()
    import tensorflow as tf

    return f"Keras {keras.__version__} on TensorFlow {tf.__version__}"


def count_params(model: Any) -> Params:
    """Return the parameters of a model as Keras counts them."""
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return Params(trainable, model.count_params() - trainable)
