"""A Keras model at another input size: its layers made anew, and their weights carried over.

Each layer is built on what it gets at that size: some keep what they were built on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadFile
from attn_cli.tf.load import load_keras, quiet
from attn_cli.tf.memory import is_out_of_memory
from attn_cli.tf.save import reason_of
from attn_cli.tf.walk import functional_of, is_model, recorded_calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.graph import Shape


def resized(model: Any, shapes: Mapping[str, Shape]) -> Any:
    """Return a functional model with the layers and weights of another, on inputs of these shapes.

    They are given by the names of the inputs, with the batch. Raises BadFile, with Keras' reason,
    where it is not made.
    """
    resizer = _Resizer()
    try:
        with quiet():
            if not is_model(model):  # a Sequential of which no input is told
                model.build(next(iter(shapes.values())))
            inputs = functional_of(model).inputs
            made = resizer.model(model, [shapes[tensor.name] for tensor in inputs])
            for old, new in resizer.layers.values():
                new.set_weights(old.get_weights())
            if not model.trainable:
                for layer in made.layers:
                    layer.trainable = False
    except Exception as error:
        if is_out_of_memory(error):
            raise
        sizes = ", ".join(map(str, shapes.values()))
        raise BadFile(f"Keras does not make it on {sizes} ({reason_of(error)})") from error
    return made


class _Resizer:
    def __init__(self) -> None:
        self.keras = load_keras()
        self.models: dict[int, Any] = {}
        # Each layer and the one made anew, by the id of the first.
        self.layers: dict[int, tuple[Any, Any]] = {}

    def model(self, model: Any, shapes: Sequence[Shape]) -> Any:
        """Return a model on inputs of these shapes."""
        functional = functional_of(model)
        inputs = [
            self.keras.Input(batch_shape=shape, dtype=tensor.dtype, name=tensor.name)
            for tensor, shape in zip(functional.inputs, shapes, strict=True)
        ]
        # Each tensor of the model, and what stands for it now.
        tensors = dict(zip(map(id, functional.inputs), inputs, strict=True))
        for call in recorded_calls(functional):
            if call.is_input:
                continue
            args, kwargs = call.arguments.fill_in(tensors)
            operation = self.operation(call, tensors)
            outputs = self.keras.tree.flatten(operation(*args, **kwargs))
            # How many come out of an op may follow from the size.
            tensors.update(zip(map(id, call.output_tensors), outputs, strict=False))
        pack = self.keras.tree.pack_sequence_as
        outputs = [tensors[id(tensor)] for tensor in functional.outputs]
        return self.keras.Model(
            pack(functional._inputs_struct, inputs),
            pack(functional._outputs_struct, outputs),
            name=model.name,
        )

    def operation(self, call: Any, tensors: dict[int, Any]) -> Any:
        """Return what a call calls now: the same at each of its calls."""
        operation = call.operation
        shapes = [tuple(tensors[id(each)].shape) for each in call.input_tensors]
        if is_model(operation):
            return self.nested(operation, shapes)
        wrapped = getattr(operation, "layer", None)
        if is_model(wrapped) and isinstance(operation, self.keras.layers.TimeDistributed):
            # Each step has the shape of the whole without the steps.
            inner = self.nested(wrapped, [(*shape[:1], *shape[2:]) for shape in shapes])
            return self.wrapper(operation, inner)
        if not isinstance(operation, self.keras.layers.Layer):
            return operation  # an op has no state
        if id(operation) not in self.layers:
            made = type(operation).from_config(operation.get_config())
            self.layers[id(operation)] = (operation, made)
        return self.layers[id(operation)][1]

    def nested(self, model: Any, shapes: Sequence[Shape]) -> Any:
        """Return a model inside a model, on what it is given first; open where it was."""
        if id(model) not in self.models:
            noted = [tuple(tensor.shape) for tensor in functional_of(model).inputs]
            first = [
                tuple([size and given for size, given in zip(*both, strict=True)])
                for both in zip(noted, shapes, strict=True)
            ]
            self.models[id(model)] = self.model(model, first)
        return self.models[id(model)]

    def wrapper(self, wrapper: Any, inner: Any) -> Any:
        """Return what applies a model to each step."""
        if id(wrapper) not in self.models:
            config = {key: wrapper.get_config()[key] for key in ("name", "trainable", "dtype")}
            self.models[id(wrapper)] = type(wrapper)(inner, **config)
        return self.models[id(wrapper)]
