"""A Keras model anew, with something in it that differs: Keras' record of its calls, gone over.

There is one way to do that, and two who do: a copy has layers of its own, here; blocks are put
between the layers that there are, in insert.py.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadGraph
from attn_cli.tf.load import load_keras
from attn_cli.tf.reason import told
from attn_cli.tf.walk import functional_of, is_model, recorded_calls, taken_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.graph import Shape


class Anew:
    """Makes the calls of a model, and of those in it, once more where something has changed.

    That is where another operation is called, or on another tensor; a subclass says what these are.
    """

    def __init__(self) -> None:
        self.keras = load_keras()
        self.operations: dict[int, Any] = {}  # what is called now, by the id of what was

    def operation(self, old: Any, shapes: Sequence[Shape]) -> Any:
        """Return what is called in place of an operation, which takes these shapes at first."""
        raise NotImplementedError

    def behind(self, tensor: Any, call: Any, tensors: Mapping[int, Any]) -> Any:
        """Return what is read in place of a tensor of a call, of which the new one is there."""
        return tensors[id(tensor)]

    def once(self, old: Any, shapes: Sequence[Shape]) -> Any:
        """Return what is called in place of an operation: the same at each of its calls."""
        if id(old) not in self.operations:
            self.operations[id(old)] = self.operation(old, shapes)
        return self.operations[id(old)]

    def model(self, model: Any, inputs: Sequence[Any]) -> Any:
        """Return a functional model on these inputs; the same one where nothing has changed."""
        functional = functional_of(model)
        # What stands for each tensor of the model, by its id.
        tensors = dict(zip(map(id, functional.inputs), inputs, strict=True))
        for call in recorded_calls(functional):
            self.call(call, tensors)
        outputs = [tensors[id(tensor)] for tensor in functional.outputs]
        if all(new is old for new, old in zip(outputs, functional.outputs, strict=True)):
            return model
        pack = self.keras.tree.pack_sequence_as
        return self.keras.Model(
            pack(functional._inputs_struct, inputs),
            pack(functional._outputs_struct, outputs),
            name=model.name,
        )

    def call(self, call: Any, tensors: dict[int, Any]) -> None:
        """Make a call once more, if something has changed, and say what stands for its outputs."""
        outputs = [tensors.get(id(tensor), tensor) for tensor in call.output_tensors]
        if call.input_tensors:
            shapes = [tuple(tensors[id(tensor)].shape) for tensor in taken_by(call)]
            new = self.once(call.operation, shapes)
            changed = any(tensors[id(tensor)] is not tensor for tensor in call.input_tensors)
            if changed or new is not call.operation:
                args, kwargs = call.arguments.fill_in(tensors)
                outputs = self.keras.tree.flatten(new(*args, **kwargs))
        # How many come out of an op may follow from the size of what it takes.
        for tensor, output in zip(call.output_tensors, outputs, strict=False):
            tensors[id(tensor)] = output
            tensors[id(tensor)] = self.behind(tensor, call, tensors)


def copied(model: Any, shapes: Mapping[str, Shape] | None = None) -> Any:
    """Return a functional model like another one, with layers of its own in the same state.

    `shapes` are those of its inputs, by name and with the batch, where they are to be others: each
    layer is built on what it takes there. Models in it become functional too; it is not compiled.
    Raises BadGraph, with Keras' reason, where Keras does not make it.
    """
    on = f" on {', '.join(map(str, shapes.values()))}" if shapes else ""
    with told(BadGraph, lambda why: f"Keras does not make {model.name!r} anew{on} ({why})"):
        if shapes and not is_model(model):  # a Sequential of which no input is told
            model = _begun(model, shapes)
        copier = _Copier(shapes is not None)
        asked = [shapes[layer.name] for layer in _inputs_of(model)] if shapes else None
        made = copier.model(model, copier.inputs(model, asked))
        for old, new in copier.layers:
            _carry(old, new)
        return made


def _begun(model: Any, shapes: Mapping[str, Shape]) -> Any:
    keras = load_keras()
    inputs = [keras.Input(batch_shape=shape, name=name) for name, shape in shapes.items()]
    return keras.Sequential([*inputs, *model.layers], model.trainable, model.name)


class _Copier(Anew):
    def __init__(self, resizes: bool) -> None:
        super().__init__()
        self.resizes = resizes
        self.layers: list[tuple[Any, Any]] = []  # each layer and its copy

    def model(self, model: Any, inputs: Sequence[Any]) -> Any:
        """Return a copy of a model, frozen where that is."""
        made = super().model(model, inputs)
        if not model.trainable:
            made.trainable = False
        return made

    def inputs(self, model: Any, shapes: Sequence[Shape] | None) -> list[Any]:
        """Return copies of a model's inputs, of other shapes where some are given."""
        layers = _inputs_of(model)
        return [
            type(layer).from_config({**layer.get_config(), "batch_shape": shape}).output
            for layer, shape in zip(layers, shapes or _shapes_of(layers), strict=True)
        ]

    def operation(self, old: Any, shapes: Sequence[Shape]) -> Any:
        """Return a copy of an operation."""
        if is_model(old):
            return self.model(old, self.inputs(old, self.resized(old, shapes)))
        config = old.get_config()
        if isinstance(old, self.keras.layers.TimeDistributed) and is_model(old.layer):
            # Each step has the shape of the whole without the steps.
            steps = [(*shape[:1], *shape[2:]) for shape in shapes]
            del config["layer"]
            return type(old)(self.once(old.layer, steps), **config)
        made = type(old).from_config(config)
        if isinstance(old, self.keras.layers.Layer):
            self.layers.append((old, made))
        return made

    def resized(self, model: Any, shapes: Sequence[Shape]) -> list[Shape] | None:
        """Return what a model inside is made on: what it takes first; open where it was."""
        if not self.resizes:
            return None
        return [
            tuple([size and given for size, given in zip(noted, shape, strict=True)])
            for noted, shape in zip(_shapes_of(_inputs_of(model)), shapes, strict=True)
        ]


def _inputs_of(model: Any) -> list[Any]:
    return [tensor._keras_history.operation for tensor in functional_of(model).inputs]


def _shapes_of(layers: Sequence[Any]) -> list[Shape]:
    return [tuple(layer.batch_shape) for layer in layers]


def _carry(old: Any, new: Any) -> None:
    """Give a layer the state of another one: what Keras writes to a file, and its variables.

    The first is more in layers that work something out of them, or hold tables; and less in those
    that write themselves simpler than they are, or draw.
    """
    import numpy as np

    for theirs, ours in zip(old._flatten_layers(), new._flatten_layers(), strict=True):
        store: dict[str, Any] = {}
        theirs.save_own_variables(store)
        ours.load_own_variables({key: np.asarray(value) for key, value in store.items()})
        ours.trainable = theirs.trainable
        if hasattr(theirs, "save_assets"):
            with TemporaryDirectory(prefix="attn-") as folder:
                theirs.save_assets(folder)
                ours.load_assets(folder)
    for theirs, ours in zip(old.variables, new.variables, strict=True):
        ours.assign(theirs)
        ours.trainable = theirs.trainable
