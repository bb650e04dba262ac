"""A live Keras model, walked into a Graph."""

from __future__ import annotations

import math
import re
import sys
from os import PathLike
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadArgument, BadGraph
from attn_cli.graph import UNKNOWN, Cost, Graph, Layer, Node, Params, Ref, Shape, Weight
from attn_cli.operations import bind
from attn_cli.operations.base import Constant, Unknown, reason
from attn_cli.operations.call import (
    Tensor,
    bind_call,
    fitted,
    input_tensor,
    repeated,
    steps_of,
    tell,
    with_steps,
    without_steps,
)
from attn_cli.operations.inputs import Reached, reached
from attn_cli.sources.plain import plain
from attn_cli.tf.load import load_keras

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


def build_model(block: Callable[..., Any], shape: Shape, **options: Any) -> Any:
    """Return a functional Keras model of a block on an input (H, W, C), None where dynamic.

    Its layers are named as in a fresh Keras.
    """
    keras = load_keras()
    keras.backend.clear_session(free_memory=False)
    inputs = keras.Input(shape)
    return keras.Model(inputs, block(inputs, **options))


def functional_of(model: Any) -> Any:
    """Return the functional model that a sequential one is; any other model itself."""
    return getattr(model, "_functional", None) or model


def is_model(operation: Any) -> bool:
    """Tell whether an operation is a functional or sequential model whose calls are recorded."""
    return hasattr(functional_of(operation), "_nodes_by_depth")


def recorded_calls(model: Any) -> Iterator[Any]:
    """Yield Keras' own record of each call in a model, the calls that feed others first."""
    by_depth = functional_of(model)._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from by_depth[depth]


def taken_by(call: Any) -> list[Any]:
    """Return the tensors that a call takes: those of a model in the order of its inputs.

    A model takes no masks, and not all that a dict holds. Raises BadGraph where it takes others.
    """
    return _reached(call).given if is_model(call.operation) else list(call.input_tensors)


def _reached(call: Any) -> Reached:
    functional = functional_of(call.operation)
    names = load_keras().tree.map_structure(lambda each: each.name, functional._inputs_struct)
    try:
        return reached(names, call.arguments.args, call.arguments.kwargs)
    except Unknown as unknown:
        raise BadGraph(f"{call.operation.name!r} {reason(unknown)}") from None


def structured(model: Any, inputs: Sequence[Any]) -> Any:
    """Return inputs as a model takes them: one, a list or a dict, as it was made."""
    struct = functional_of(model)._inputs_struct
    return load_keras().tree.pack_sequence_as(struct, list(inputs))


def walk(model: Any) -> Graph:
    """Return the graph of a functional or sequential Keras model.

    Models inside it stand in line, as often as they are called; what a TimeDistributed applies has
    the shapes of one step. Nothing is calculated, and the model stays as it is.

    >>> from attn_cli import find_attention, walk
    >>> find_attention(walk(model))  # doctest: +SKIP
    (<Attention se at stage1_se_scale: 64 → 4 channels, 580 params>,)

    Raises BadArgument where this is no Keras model, BadGraph where it does not tell its calls.
    """
    require_calls(model, "walk takes a model of Keras 3")
    walker = _Walker(model)
    outputs = walker.model(model, None, (), 1)
    return Graph(walker.nodes, [ref for ref, _ in outputs], [each.shape for _, each in outputs])


def calls_of(model: Any) -> list[Any]:
    """Return Keras' own record of each call, in the order of the nodes of the model's graph.

    A call inside a model that is called twice is one record at two places.
    """
    walker = _Walker(model)
    outputs = walker.model(model, None, (), 1)
    # The order follows from the wiring alone: numbered, each node says where it went.
    numbered = [
        node._replace(layer=Layer(str(place), "")) for place, node in enumerate(walker.nodes)
    ]
    graph = Graph(numbered, [ref for ref, _ in outputs])
    return [walker.calls[int(node.layer.name)] for node in graph.nodes]


def require_calls(model: Any, wanted: str) -> None:
    """Raise BadArgument for what is no Keras model, BadGraph for one that tells no calls."""
    # Where there is a model of Keras, Keras is loaded: nothing else need be, to refuse something.
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        kind = type(model)
        why = f"{kind.__name__} is none"
        if model is None:
            why = "None is none: the file does not tell the layers"
        if isinstance(getattr(model, "graph", None), Graph):
            why = f"this {kind.__name__} has a graph: its graph"
        elif isinstance(model, (str, PathLike)):
            why = f"a file is read: read_model({str(model)!r})"
        elif any(base.__module__.startswith("tf_keras.") for base in kind.__mro__):
            why = "this is one of Keras 2: save it, and read_model reads the file"
        raise BadArgument(f"{wanted}, and {why}")
    if not is_model(model):
        if isinstance(model, keras.Sequential):
            raise BadGraph(f"{model.name!r} is not built yet: begin it with keras.Input(shape)")
        raise BadGraph(
            f"{model.name!r} is a subclassed model: how its layers are connected stands in its code"
        )


_Value = tuple[Ref, Tensor]


class _Walker:
    def __init__(self, root: Any) -> None:
        self.keras = load_keras()
        # What is frozen as a whole trains nothing, whatever its layers say of themselves.
        self.frozen = not root.trainable
        self.nodes: list[Node] = []
        self.calls: dict[int, Any] = {}  # Keras' own record of each node, by the node's place
        self.layers: dict[int, Layer] = {}

    def model(
        self,
        model: Any,
        given: Sequence[_Value] | None,
        within: tuple[str, ...],
        times: int | None,
    ) -> list[_Value]:
        """Walk a model's calls: on its own inputs, or on what it is called with."""
        model = functional_of(model)
        values: dict[int, _Value] = {}
        is_open = False
        if given is not None:
            taken = [
                (ref, fitted(tensor, tuple(of.shape)))
                for of, (ref, tensor) in zip(model.inputs, given, strict=True)
            ]
            values = dict(zip(map(id, model.inputs), taken, strict=True))
            # Keras notes what would come out of them as they are, and computes another shape.
            is_open = _shapes(taken) != _shapes(given)
        for call in recorded_calls(model):
            tensors = call.output_tensors
            if all(id(tensor) in values for tensor in tensors):
                continue  # an input that is given
            outputs = self.call(call, values, within, times)
            values.update(zip(map(id, tensors), outputs, strict=True))
        outputs = [values[id(tensor)] for tensor in model.outputs]
        return _without_shapes(outputs) if is_open else outputs

    def call(
        self,
        call: Any,
        values: Mapping[int, _Value],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[_Value]:
        """Walk one call, into the model or the steps that it may stand for."""
        self.calls[len(self.nodes)] = call  # of the first node that comes of it
        operation = call.operation
        if is_model(operation):
            given, noted = [[values[id(each)] for each in some] for some in _reached(call)]
            outputs = self.model(operation, given, (*within, operation.name), times)
            return outputs if _shapes(given) == _shapes(noted) else _without_shapes(outputs)
        inputs = [values[id(tensor)] for tensor in call.input_tensors]
        if isinstance(operation, self.keras.layers.TimeDistributed):
            (ref, tensor), *masks = inputs
            taken = tensor._replace(masked=tensor.masked or bool(masks))
            return self.steps(operation, (ref, taken), within, times)
        if not inputs:
            shape = tuple(call.output_tensors[0].shape)
            return self.add(operation, inputs, [input_tensor(shape)], Cost(0, 0), within)
        tensors = dict(
            zip(map(id, call.input_tensors), [tensor for _, tensor in inputs], strict=True)
        )
        args, kwargs = call.arguments.fill_in(tensors)
        return self.leaf(
            operation, inputs, list(args), kwargs, self.shapes(call, inputs), within, times
        )

    def steps(
        self, operation: Any, value: _Value, within: tuple[str, ...], times: int | None
    ) -> list[_Value]:
        """Walk what a TimeDistributed applies to each step of (B, T, …)."""
        ref, tensor = value
        layer, below = operation.layer, (*within, operation.name)
        one, each = without_steps(tensor), steps_of(tensor, times)
        if is_model(layer):
            outputs = self.model(layer, [(ref, one)], (*below, layer.name), each)
        else:
            is_told = one.shape != UNKNOWN
            shapes = (tuple(layer.compute_output_shape(one.shape)) if is_told else UNKNOWN,)
            outputs = self.leaf(layer, [(ref, one)], [one], {}, shapes, below, each)
        return [(ref, with_steps(made, tensor)) for ref, made in outputs]

    def leaf(
        self,
        operation: Any,
        inputs: list[_Value],
        args: list[Any],
        kwargs: dict[str, Any],
        shapes: tuple[Shape, ...],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[_Value]:
        """Add the call of a layer or an op."""
        is_op = not isinstance(operation, self.keras.layers.Layer)
        does = bind(_type(operation), _config(operation), is_op=is_op)
        tensors = [tensor for _, tensor in inputs]
        bound = bind_call(does, _written(args), _written(kwargs), tensors, is_op=is_op)
        outputs, cost = tell(bound, shapes)
        cost = repeated(cost, times)
        return self.add(operation, inputs, outputs, cost, within, bound.numbers)

    def add(
        self,
        operation: Any,
        inputs: list[_Value],
        outputs: Sequence[Tensor],
        cost: Cost,
        within: tuple[str, ...],
        operands: tuple[float | None, ...] = (),
    ) -> list[_Value]:
        """Add a node, and return what comes out of it."""
        if id(operation) not in self.layers:
            self.layers[id(operation)] = _layer(operation, within, self.frozen)
        refs = tuple(ref for ref, _ in inputs)
        taken = tuple(tensor.shape for _, tensor in inputs)
        made = tuple(tensor.shape for tensor in outputs)
        place = len(self.nodes)
        layer = self.layers[id(operation)]
        self.nodes.append(Node(layer, refs, taken, made, cost=cost, operands=operands))
        return [(Ref(place, output), tensor) for output, tensor in enumerate(outputs)]

    def shapes(self, call: Any, inputs: list[_Value]) -> tuple[Shape, ...]:
        """Return what comes out: as recorded, or else as Keras works it out for these inputs."""
        recorded = [tuple(tensor.shape) for tensor in call.input_tensors]
        outputs = call.output_tensors
        given = _shapes(inputs)
        if UNKNOWN in given and recorded != given:
            return (UNKNOWN,) * len(outputs)
        if recorded != given:
            tensors = {
                id(theirs): self.keras.KerasTensor(ours.shape, dtype=theirs.dtype)
                for theirs, (_, ours) in zip(call.input_tensors, inputs, strict=True)
            }
            args, kwargs = call.arguments.fill_in(tensors)
            outputs = self.keras.tree.flatten(call.operation.compute_output_spec(*args, **kwargs))
        return tuple(tuple(tensor.shape) for tensor in outputs)


def _shapes(values: Sequence[_Value]) -> list[Shape]:
    return [tensor.shape for _, tensor in values]


def _without_shapes(values: Sequence[_Value]) -> list[_Value]:
    return [(ref, tensor._replace(shape=UNKNOWN)) for ref, tensor in values]


def _layer(operation: Any, within: tuple[str, ...], frozen: bool) -> Layer:
    # Ops have no variables.
    variables = getattr(operation, "weights", ())
    trains = () if frozen else getattr(operation, "trainable_weights", ())
    trainable = {id(variable) for variable in trains}
    weights = tuple(
        Weight(
            _name(operation, variable),
            tuple(variable.shape),
            variable.dtype,
            id(variable) in trainable,
        )
        for variable in variables
    )
    config = _config(operation)
    return Layer(operation.name, _type(operation), {**config, **plain(config)}, weights, within)


def _name(operation: Any, variable: Any) -> str:
    """Return the name of a weight; of one that Keras only counts, that of its attribute."""
    name: str = variable.name
    if not re.fullmatch(r"variable(_\d+)?", name):
        return name
    return next((key for key, value in vars(operation).items() if value is variable), name)


def _config(operation: Any) -> dict[str, Any]:
    """Return the config of a layer or an op; empty where a layer of somebody's own has none."""
    try:
        config: dict[str, Any] = operation.get_config()
    except NotImplementedError:
        return {}
    return config


def _type(operation: Any) -> str:
    """Return the type of a layer or an op, as a saved model names it."""
    kind = type(operation)
    if kind.__module__.split(".")[0] == "keras":
        return kind.__name__
    registered: str = load_keras().saving.get_registered_name(kind)
    return registered if ">" in registered else f"{kind.__module__}>{kind.__name__}"


def _written(value: Any) -> Any:
    """Return the arguments of a call as a config has them, arrays by their shapes."""
    if isinstance(value, Tensor) or value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_written(each) for each in value]
    if isinstance(value, dict):
        return {key: _written(each) for key, each in value.items()}
    if isinstance(value, slice):
        return {"start": value.start, "stop": value.stop, "step": value.step}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__"}
    return Constant(tuple(getattr(value, "shape", ())))


def count_params(model: Any) -> Params:
    """Return the parameters of a model as Keras counts them."""
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return Params(trainable, model.count_params() - trainable)
