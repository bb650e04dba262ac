"""A config's parts, unfolded into a Graph: nested models stand in line, with their path.

A model that is called twice stands there twice, with one set of weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.account import charge, memory_of
from attn_cli.errors import BadFile
from attn_cli.graph import ITEM_SIZES, UNKNOWN, Cost, Graph, Layer, Node, Ref, Weight
from attn_cli.operations import HOLDING, bind, roles_of
from attn_cli.operations.base import Opaque, Unknown, reason
from attn_cli.operations.call import (
    Bound,
    Tensor,
    believed,
    bind_call,
    fitted,
    input_tensor,
    repeated,
    steps_of,
    tell,
    with_steps,
    without_steps,
)
from attn_cli.operations.inputs import NAMES, Reached, reached
from attn_cli.sources.config import CONSTANTS, Kind, Source, is_frozen, trainable_parts
from attn_cli.sources.owners import flag_of_all, owners
from attn_cli.sources.plain import plain
from attn_cli.sources.variants import holds_more, is_changed
from attn_cli.text import few, quote, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from attn_cli.graph import Shape
    from attn_cli.operations.base import Operation
    from attn_cli.operations.call import Operand
    from attn_cli.sources.config import Call, Part

Key = tuple[str, int]  # of a call: the name of a layer, and which of its calls


class Value(NamedTuple):
    """A tensor: where it comes from, and what is known of it there."""

    ref: Ref
    tensor: Tensor


class Called(NamedTuple):
    """What a part is called with: its tensors in order, and all its arguments."""

    values: Sequence[Value]
    args: list[Any]
    kwargs: dict[str, Any]


class Told(NamedTuple):
    """What comes out of a call, the shapes of that, and what the call costs.

    `is_noted_alone` is whether the file's word is all that there is for the shapes.
    """

    outputs: Sequence[Tensor]
    shapes: tuple[Shape, ...]
    cost: Cost
    is_noted_alone: bool


class Unfolded(NamedTuple):
    """A graph, with the layer that each part became, by the part's id.

    `counted` are the ids of the parts whose weights are known, `noted` the names of those for whose
    shapes the file's word is all that there is.
    """

    graph: Graph
    layers: dict[int, Layer]
    counted: set[int]
    noted: list[str]


def unfold(root: Part, stored: Mapping[int, tuple[Weight, ...]] | None) -> Unfolded:
    """Return the graph of a model.

    `stored` are the weights by the part's id; without it, they are worked out from the configs
    and the shapes. Raises BadFile where the parts make no graph, or too large a one.
    """
    return Unfolder(stored, root).unfolded()


class Unfolder:
    """Calls the parts of a model, each as often as it is called."""

    def __init__(self, stored: Mapping[int, tuple[Weight, ...]] | None, root: Part) -> None:
        self.stored = stored
        self.root = root
        self.trainable = trainable_parts(root)
        self.nodes: list[Node] = []
        self.layers: dict[int, Layer] = {}
        self.first: dict[int, Sequence[Shape]] = {}  # what a layer is called on at first
        self.others: dict[Kind, bool] = {}  # those that may have other weights than their type
        self.counted: set[int] = set()
        self.plans: dict[int, Plan] = {}
        self.names: dict[int, str] = {}  # as they can be shown
        self.sizes: dict[Kind, int] = {}
        self.plain: dict[Kind, dict[str, Any]] = {}
        # What was foretold of weights and told of calls, for those that are alike.
        self.foretold: dict[tuple[Any, ...], tuple[Weight, ...] | None] = {}
        self.told: dict[tuple[Any, ...], Told] = {}
        self.noted: dict[int, str] = {}  # those of which the shape is as noted, and no more
        self.named: list[int] = []  # how much each node takes to name, in all places

    def unfolded(self) -> Unfolded:
        """Call the model on inputs of its own."""
        if self.root.entries is None:
            raise BadFile(f"a {self.root.type} is a layer, not a model")
        outputs = self.model(self.root, None, (), 1)
        shapes = [value.tensor.shape for value in outputs]
        graph = Graph(self.nodes, [value.ref for value in outputs], shapes)
        return Unfolded(graph, self.layers, self.counted, [*self.noted.values()])

    def part(
        self,
        part: Part,
        called: Called,
        recorded: Sequence[Shape | None],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        """Call a part; `recorded` are the shapes that are noted for what comes out."""
        if part.entries is not None:
            return self.model(part, called.values, (*within, self.name(part)), times)
        if part.wrapped is not None:
            return self.steps(part, part.wrapped, called, recorded, within, times)
        return self.leaf(part, called, recorded, within, times)

    def steps(
        self,
        part: Part,
        wrapped: Part,
        called: Called,
        recorded: Sequence[Shape | None],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        """Call what a TimeDistributed applies to each step of (B, T, …)."""
        if not called.values:
            raise BadFile(f"{quote(part.name)} is called with no input")
        charge(8 + len(within) + 2 * len(called.values))
        whole = called.values[0].tensor
        first = called.args[0] if called.args else called.kwargs.get("inputs")
        if isinstance(first, dict) or (isinstance(first, list) and not self.root.keras_2):
            raise BadFile(f"{quote(part.name)} is called with more than a tensor")
        # What goes with it is a mask.
        count = len(first) if isinstance(first, list) else 1
        masked = len(called.values) > count
        inner = [
            Value(ref, without_steps(tensor)._replace(masked=tensor.masked or masked))
            for ref, tensor in called.values[:count]
        ]
        outside = [shape and without_steps(Tensor(shape)).shape for shape in recorded]
        one = Called(inner, [value.tensor for value in inner], {})
        below = (*within, self.name(part))
        values = self.part(wrapped, one, outside, below, steps_of(whole, times))
        return [Value(ref, with_steps(tensor, whole)) for ref, tensor in values]

    def leaf(
        self,
        part: Part,
        called: Called,
        recorded: Sequence[Shape | None],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        """Call a layer or an op."""
        bound = self.bound(part, called)
        shapes = tuple([value.tensor.shape for value in called.values])
        layer = self.layer(part, bound.operation, shapes, within, called.kwargs)
        refs = tuple([value.ref for value in called.values])
        charge(self.said(part) + sum([self.named[ref.node] for ref in refs]))
        outputs, noted, cost, is_noted_alone = self.tell(part, bound, recorded)
        if is_noted_alone:
            self.noted[id(part)] = layer.name
        if layer.weights and not all(weight.name for weight in layer.weights):
            cost = Cost(why=f"the weights of {layer.name} are not those of a {layer.type}")
        cost = repeated(cost, times)
        place = self.add(Node(layer, refs, shapes, noted, cost=cost, operands=bound.numbers))
        return [Value(Ref(place, i), tensor) for i, tensor in enumerate(outputs)]

    def name(self, part: Part) -> str:
        """Return the name of a part as it can be shown."""
        if id(part) not in self.names:
            self.names[id(part)] = shown(part.name)
        return self.names[id(part)]

    def tell(self, part: Part, bound: Bound, recorded: Sequence[Shape | None]) -> Told:
        """Return what a call tells: the same as others of its kind, on the same tensors."""
        operation, operands, more = bound
        key = None
        # What holds numbers is not told apart by what it is equal to; functions are bound anew.
        if operation is part.operation and all(map(_is_plain, operands)):
            key = (part.kind, more, tuple(operands), tuple(recorded))
            known = self.told.get(key)
            if known is not None:
                return known
        trusted, is_noted_alone = believed(bound, recorded)
        outputs, cost = tell(bound, trusted)
        told = Told(outputs, tuple([tensor.shape for tensor in outputs]), cost, is_noted_alone)
        if key is not None:
            self.told[key] = told
        return told

    def said(self, part: Part) -> int:
        """Return how much the config of a part says: each of its calls goes through it."""
        kind = part.kind
        if kind not in self.sizes:
            self.sizes[kind] = _size(kind.config)
        return self.sizes[kind]

    def add(self, node: Node) -> int:
        """Add a node, and return its place."""
        path = memory_of(*node.layer.within, node.layer.name) // 8
        self.named.append(4 + path)
        charge(40 + path + sum([4 + len(shape) for shape in node.output_shapes]))
        self.nodes.append(node)
        return len(self.nodes) - 1

    def bound(self, part: Part, called: Called) -> Bound:
        """Return what a call does, with its operands."""
        tensors = [value.tensor for value in called.values]
        args, kwargs = called.args, called.kwargs
        if part.is_function:
            from attn_cli.operations.tensorflow import bind_function

            try:
                first = args[0] if args else None
                operation, args = bind_function(part.config["function"], first, kwargs)
            except Unknown as unknown:
                return Bound(Opaque(part.type, reason(unknown)), tensors)
            return bind_call(operation, args, {}, tensors, is_op=True)
        old = part.kind.keras_2 is not False
        return bind_call(part.operation, args, kwargs, tensors, is_op=part.is_op, keras_2=old)

    def layer(
        self,
        part: Part,
        operation: Operation,
        shapes: Sequence[Shape],
        within: tuple[str, ...],
        named: Mapping[str, Any],
    ) -> Layer:
        """Return the layer of a part: the same at each of its calls.

        `named` are the arguments of the call: those of a function and some of an op stand there.
        """
        layer = self.layers.get(id(part))
        if layer is not None and layer.weights and shapes != self.first[id(part)]:
            self.require_same(part, layer, shapes)
        if layer is None:
            self.first[id(part)] = shapes
            config = part.config
            known: tuple[Weight, ...] | None
            if part.is_op or part.batch_shape is not None:
                known = ()
                if isinstance(operation, Opaque):
                    config = {**config, **named} if part.is_function else config
                elif part.is_function or operation.at_call:
                    config = operation.config
            else:
                known = self.weights(part, shapes)
            if known is not None:
                self.counted.add(id(part))
            layer = Layer(
                self.name(part), part.type, self.shown(part.kind, config), known or (), within
            )
            self.layers[id(part)] = layer
        return layer

    def shown(self, kind: Kind, config: dict[str, Any]) -> dict[str, Any]:
        """Return what a graph shows of a config: one for all of a kind."""
        if config is not kind.config:
            return plain(config)
        if kind not in self.plain:
            self.plain[kind] = plain(config)
        return self.plain[kind]

    def weights(self, part: Part, shapes: Sequence[Shape]) -> tuple[Weight, ...] | None:
        """Return the weights of a layer: those that are stored, or else those that it will have.

        Keras makes the second, and takes no others for them: where they differ it is refused.
        """
        will_be = self.predicted(part, shapes)
        if will_be and part.built_on not in (None, shapes):
            built = self.predicted(part, part.built_on)
            if built is not None and shapes_of(built) != shapes_of(will_be):
                raise BadFile(
                    f"{quote(part.name)} is built on {_listed(part.built_on)} and called on "
                    f"{_listed(shapes)}, for which it has other weights"
                )
        if self.stored is None:
            return will_be
        stored = self.stored.get(id(part), ())
        if will_be is None or not stored or part.type in COUNTING:
            return stored
        if shapes_of(stored) != shapes_of(will_be):
            raise BadFile(
                f"the weights stored for {quote(part.name)} are not those of its config: "
                f"{_spelt(stored)}, not {_spelt(will_be)}"
            )
        return stored

    def require_same(self, part: Part, layer: Layer, shapes: Sequence[Shape]) -> None:
        """Refuse a call of a layer for which it has other weights: its first call decides."""
        would_be = self.predicted(part, shapes)
        if would_be is None or part.type in COUNTING:
            return
        if shapes_of(would_be) != shapes_of(layer.weights):
            raise BadFile(
                f"{quote(part.name)} is called on {_listed(self.first[id(part)])} and on "
                f"{_listed(shapes)}, for which it has other weights"
            )

    def predicted(self, part: Part, shapes: Sequence[Shape]) -> tuple[Weight, ...] | None:
        """Return the weights that a layer has where it is called on shapes, None where unknown."""
        key = (part.kind, id(part) in self.trainable, *shapes)
        if key not in self.foretold:
            self.foretold[key] = (
                None
                if self.is_other(part.kind)
                else predicted(part.operation, shapes, self.trains(part))
            )
        return self.foretold[key]

    def is_other(self, kind: Kind) -> bool:
        """Tell whether a layer may have other weights than its type tells."""
        if kind not in self.others:
            config = kind.config
            self.others[kind] = is_changed(config) or holds_more(config, self.root.keras_2)
        return self.others[kind]

    def trains(self, part: Part) -> bool | None:
        """Tell whether the weights of a part train; None where that differs among them."""
        flag = id(part) in self.trainable
        inside = owners(part.type, part.name, part.config, flag, self.root.keras_2)
        return False if is_frozen(self.root) else flag_of_all(inside)

    def model(
        self,
        part: Part,
        inputs: Sequence[Value] | None,
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        """Call a model: the outermost one (without inputs) on inputs of its own."""
        plan = self.plans.get(id(part))
        if plan is None:
            plan = self.plans[id(part)] = plan_of(part)
        charge(10 + len(within) + len(part.inputs) + len(part.outputs))
        given = self.inputs(part, inputs)
        # Keras 3 notes what would come out of the tensors as they are, and computes another shape.
        is_open = not self.root.keras_2 and _are_fitted(inputs, given)
        # A model may be called on other shapes than those that its config notes.
        entries = part.entries or {}
        notes = all(
            value.tensor.shape == (entries[source.name].part.batch_shape or UNKNOWN)
            for source, value in zip(part.inputs, given, strict=False)
        )
        by_name = dict(zip([source.name for source in part.inputs], given, strict=False))
        values = {
            key: [by_name.get(key[0]) or self.input(of, within)] for key, of in plan.inputs.items()
        }
        for step in plan.steps:
            charge(step.size)
            tensors = {source: self.value(values, source, part) for source in step.call.tensors}
            # What comes out follows from what goes in: where that is as noted, so is the rest.
            as_noted = notes or _as_noted(part, tensors)
            recorded = step.recorded if as_noted else [None] * len(step.recorded)
            if step.given is None:
                filled = [_filled(each, tensors) for each in (step.call.args, step.call.kwargs)]
                called = Called([tensors[source] for source in step.call.tensors], *filled)
                values[step.key] = self.part(step.part, called, recorded, within, times)
            else:
                given = [tensors[source] for source in step.given]
                made = self.part(step.part, Called(given, [], {}), recorded, within, times)
                noted = [tensors[source] for source in step.noted]
                values[step.key] = made if _same_shapes(given, noted) else _without_shapes(made)
        outputs = [self.value(values, source, part) for source in part.outputs]
        return _without_shapes(outputs) if is_open else outputs

    def inputs(self, part: Part, inputs: Sequence[Value] | None) -> list[Value]:
        """Return the inputs of a model, those that are given or its own."""
        entries = part.entries or {}
        for source in part.inputs:
            if entries[source.name].part.batch_shape is None and (
                entries[source.name].part.type != "InputLayer"
            ):
                raise BadFile(f"an input of {quote(part.name)} is not an InputLayer")
        if inputs is None:
            return [self.input(entries[source.name].part, ()) for source in part.inputs]
        if len(inputs) != len(part.inputs):  # of a TimeDistributed, which gives it one
            raise BadFile(
                f"{quote(part.name)} takes {len(part.inputs)} inputs and is called with "
                f"{len(inputs)}"
            )
        given = []
        for source, value in zip(part.inputs, inputs, strict=True):
            of = entries[source.name].part
            tensor = fitted(value.tensor, of.batch_shape)
            takes = self.takes(of, tensor.shape)
            # Keras 2 warns, and goes on.
            if takes and not self.root.keras_2 and not _could_be(takes, tensor.shape):
                called = value.tensor.shape
                raise BadFile(f"{quote(part.name)} takes {takes} and is called on {called}")
            given.append(Value(value.ref, tensor))
        return given

    def input(self, part: Part, within: tuple[str, ...]) -> Value:
        tensor = input_tensor(self.input_shape(part))
        layer = self.layer(part, INPUT, (), within, {})
        place = self.add(Node(layer, (), (), (tensor.shape,), cost=Cost(0, 0)))
        return Value(Ref(place), tensor)

    def takes(self, part: Part, shape: Shape) -> Shape | None:
        """Return what an input of a model inside another takes, where it is given this shape."""
        return part.batch_shape

    def input_shape(self, part: Part) -> Shape | None:
        """Return the shape of an input, None where it is not told."""
        return part.batch_shape

    def value(
        self, values: Mapping[tuple[str, int], list[Value]], source: Source, part: Part
    ) -> Value:
        found = values.get((source.name, source.call))
        if found is None:
            raise BadFile(
                f"{quote(part.name)} uses call {source.call} of {quote(source.name)}, "
                f"which is not there"
            )
        if source.output < len(found):
            return found[source.output]
        raise BadFile(
            f"{quote(part.name)} uses output {source.output} of {quote(source.name)}, "
            f"which has {len(found)}"
        )


INPUT = bind("InputLayer", {})
# What of their weights is stored depends on the version.
COUNTING = ("Normalization",)


def shapes_of(weights: Sequence[Weight]) -> list[Shape]:
    """Return the shapes of weights, whatever their order."""
    return sorted([weight.shape for weight in weights])


def _is_plain(operand: Operand) -> bool:
    """Tell whether an operand is a tensor of which no numbers are known."""
    return isinstance(operand, Tensor) and operand.numbers is None


def _could_be(noted: Shape, given: Shape) -> bool:
    """Tell whether a model that notes a shape for its input takes a tensor of another one."""
    if given == UNKNOWN:
        return True
    return len(noted) == len(given) and all(
        None in (one, other) or one == other
        for one, other in zip(noted[1:], given[1:], strict=True)
    )


def _are_fitted(inputs: Sequence[Value] | None, given: Sequence[Value]) -> bool:
    """Tell whether a model takes one of its inputs with another rank than it is given."""
    return any(
        value.tensor is not taken.tensor for value, taken in zip(inputs or (), given, strict=False)
    )


def _without_shapes(values: Sequence[Value]) -> list[Value]:
    return [Value(ref, tensor._replace(shape=UNKNOWN)) for ref, tensor in values]


def _same_shapes(some: Sequence[Value], others: Sequence[Value]) -> bool:
    """Tell whether Keras 3 goes by the shapes of what it calculates with."""
    both = zip(some, others, strict=True)
    return all(one.tensor.shape == other.tensor.shape for one, other in both)


def _listed(shapes: Sequence[Shape]) -> str:
    return few([*map(str, shapes)], between=" with ") or "nothing"


def _spelt(weights: Sequence[Weight]) -> str:
    return few([str(weight.shape) for weight in weights])


def _as_noted(part: Part, tensors: Mapping[Source, Value]) -> bool:
    """Tell whether the tensors of a call have the shapes that the config of a model notes."""
    return all(part.recorded.get(source) == value.tensor.shape for source, value in tensors.items())


class Step(NamedTuple):
    """A call in a model; `recorded` are the shapes noted for what comes out, `size` its values.

    Of the call of a model, `given` is what reaches its inputs, and `noted` what Keras takes for
    that where it notes shapes.
    """

    key: Key
    part: Part
    call: Call
    recorded: Sequence[Shape | None]
    size: int
    given: Sequence[Source] | None
    noted: Sequence[Source] = ()


class Plan(NamedTuple):
    """The calls in a model in an order in which they can be made, and its inputs by their keys."""

    steps: list[Step]
    inputs: dict[Key, Part]


def plan_of(part: Part) -> Plan:
    """Return in which order the calls in a model can be made, once for all calls of the model.

    Raises BadFile where there is none.
    """
    entries = part.entries or {}
    noted: dict[Key, dict[int, Shape]] = {}
    outputs: dict[Key, int] = {}
    for source, shape in part.recorded.items():
        noted.setdefault(source[:2], {})[source.output] = shape
    for source in part.used:
        outputs[source[:2]] = max(outputs.get(source[:2], 0), source.output)
    inside = {source.name for source in part.inputs}
    inputs: dict[Key, Part] = {}
    waiting: dict[Key, int] = {}
    readers: dict[Key, list[Key]] = {}
    ready: list[Key] = []
    for name, entry in entries.items():
        is_input = entry.part.batch_shape is not None or name in inside
        if entry.part.type == "InputLayer" and entry.calls and not part.keras_2:
            raise BadFile(f"{quote(name)} is an input of {quote(part.name)}, and is called")
        if is_input and not entry.calls and (name, 0) in outputs:
            inputs[name, 0] = entry.part
        for index, call in enumerate(entry.calls):
            key = (name, index)
            needs = {source[:2] for source in call.tensors}
            if index:  # the calls of a layer are made in their order
                needs.add((name, index - 1))
            waiting[key] = len(needs)
            for need in needs:
                readers.setdefault(need, []).append(key)
            if not needs:
                ready.append(key)
    steps: list[Step] = []

    def made(key: Key) -> None:
        for reader in readers.get(key, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)

    for key in inputs:
        made(key)
    ready.reverse()
    while ready:
        key = ready.pop()
        entry, here = entries[key[0]], noted.get(key, {})
        call, count = entry.calls[key[1]], 1 + outputs.get(key, -1)
        charge(count)  # one of them may be said to be any
        recorded = [here.get(place) for place in range(count)]
        size = 4 * count + _size(call.args) + _size(call.kwargs)
        given = _reached(entry.part, call) if entry.part.entries is not None else (None,)
        steps.append(Step(key, entry.part, call, recorded, size, *given))
        made(key)
    left = [key for key, count in waiting.items() if count]
    if left:
        _refuse(part, left, inputs.keys() | {step.key for step in steps})
    return Plan(steps, inputs)


def _reached(part: Part, call: Call) -> Reached:
    """Return what of a call of a model reaches its inputs. Raises BadFile."""
    kwargs = call.kwargs
    if part.type not in HOLDING:  # a class of one's own may take more
        kwargs = {name: value for name, value in kwargs.items() if name in NAMES}
    try:
        given = reached(part.takes, call.args, kwargs, keras_2=part.keras_2)
    except Unknown as unknown:
        raise BadFile(f"{quote(part.name)} {reason(unknown)}") from None
    if not all(isinstance(each, Source) for each in given.given):
        raise BadFile(f"{quote(part.name)} is called with something that is no tensor")
    return given


def _refuse(part: Part, left: Sequence[Key], made: Collection[Key]) -> None:
    """Say why calls are left that can never be made."""
    entries = part.entries or {}
    for name, index in left:
        for source in entries[name].calls[index].tensors:
            calls = entries[source.name].calls
            if source[:2] not in made and source.call >= len(calls):
                raise BadFile(
                    f"{quote(name)} uses call {source.call} of {quote(source.name)}, "
                    f"which is not there"
                )
    raise BadFile(
        f"the layers of {quote(part.name)} feed each other in a circle, through {quote(left[0][0])}"
    )


def _size(value: Any) -> int:
    """Return how much a config or the arguments of a call say: values, and long texts."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, str):
        return 1 + memory_of(value) // 8
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _filled(value: Any, tensors: Mapping[Source, Value]) -> Any:
    """Return the arguments of a call with its tensors in place of where they come from."""
    if isinstance(value, Source):
        return tensors[value].tensor
    if isinstance(value, list):
        return [_filled(each, tensors) for each in value]
    if isinstance(value, dict) and value.get("class_name") not in CONSTANTS:
        return {key: _filled(each, tensors) for key, each in value.items()}
    return value


def predicted(
    operation: Operation, shapes: Sequence[Shape], trainable: bool | None
) -> tuple[Weight, ...] | None:
    """Return the weights that a layer will have; None where a size or their type is unknown."""
    roles, dtype = roles_of(operation, *shapes), operation.dtype_of_weights
    if roles is None or dtype not in ITEM_SIZES:
        return None
    weights = []
    for role in roles:
        sizes = [dim for dim in role.dims or () if dim is not None]
        if role.dims is None or len(sizes) < len(role.dims):
            return None
        flag = role.trainable and trainable
        weights.append(Weight(role.name, tuple(sizes), role.dtype or dtype, flag))
    return tuple(weights)
