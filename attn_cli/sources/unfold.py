"""A config's parts, unfolded into a Graph: nested models stand in line, with their path.

A model that is called twice stands there twice, with one set of weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.errors import BadFile
from attn_cli.graph import UNKNOWN, Graph, Layer, Node, Ref, Shape, Weight
from attn_cli.sources.config import trainable_parts
from attn_cli.sources.kinds import output_shapes, predicted, variable_dtype, weight_roles
from attn_cli.sources.text import plain, quote, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.sources.config import Call, Part, Source

MAX_CALLS = 40_000
MAX_TENSORS = 200_000
# Deeper than the JSON is nested: a model may be named in another in place of being spelt out.
MAX_NESTED = 100


class Value(NamedTuple):
    """A tensor: where it comes from, and its shape there."""

    ref: Ref
    shape: Shape


class Unfolded(NamedTuple):
    """A graph, with the layer that each part became, by the part's id.

    `counted` are the ids of the parts whose weights are known.
    """

    graph: Graph
    layers: dict[int, Layer]
    counted: set[int]


def unfold(root: Part, stored: Mapping[int, tuple[Weight, ...]] | None) -> Unfolded:
    """Return the graph of a model.

    `stored` are the weights by the part's id; without it, they are worked out from the configs
    and the shapes. Raises BadFile where the parts make no graph, or too large a one.
    """
    unfolder = _Unfolder(stored, trainable_parts(root))
    if root.entries is None:
        raise BadFile(f"a {root.type} is a layer, not a model")
    outputs = unfolder.model(root, None, (), 1)
    graph = Graph(unfolder.nodes, [value.ref for value in outputs])
    return Unfolded(graph, unfolder.layers, unfolder.counted)


class _Unfolder:
    def __init__(
        self, stored: Mapping[int, tuple[Weight, ...]] | None, trainable: set[int]
    ) -> None:
        self.stored = stored
        self.trainable = trainable
        self.nodes: list[Node] = []
        self.layers: dict[int, Layer] = {}
        self.counted: set[int] = set()
        self.calls = 0
        self.tensors = 0

    def part(
        self,
        part: Part,
        inputs: Sequence[Value],
        recorded: Sequence[Shape | None],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        """Call a part; `recorded` are the shapes that are noted for what comes out."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise BadFile(f"unfolded, its nested models make more than {MAX_CALLS:,} calls")
        if len(within) > MAX_NESTED:
            raise BadFile(f"models are nested more than {MAX_NESTED} deep in it")
        if part.entries is not None:
            return self.model(part, inputs, (*within, shown(part.name)), times)
        if part.wrapped is not None:
            return self.steps(part, part.wrapped, inputs, recorded, within, times)
        return self.leaf(part, inputs, recorded, within, times)

    def steps(
        self,
        part: Part,
        wrapped: Part,
        inputs: Sequence[Value],
        recorded: Sequence[Shape | None],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        """Call what a TimeDistributed applies to each step of (B, T, …)."""
        shapes = [value.shape for value in inputs]
        if not all(len(shape) > 2 for shape in shapes):
            steps, inner = None, [Value(value.ref, UNKNOWN) for value in inputs]
        else:
            steps = shapes[0][1] if shapes else None
            inner = [Value(value.ref, (value.shape[0], *value.shape[2:])) for value in inputs]
        outside = [shape and (shape[0], *shape[2:]) for shape in recorded]
        each = None if steps is None or times is None else times * steps
        values = self.part(wrapped, inner, outside, (*within, shown(part.name)), each)
        return [
            Value(ref, (shape[0], steps, *shape[1:]) if shape else UNKNOWN) for ref, shape in values
        ]

    def leaf(
        self,
        part: Part,
        inputs: Sequence[Value],
        recorded: Sequence[Shape | None],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        """Call a layer or an op."""
        shapes = tuple([value.shape for value in inputs])
        layer = self.layer(part, shapes, within)
        if None in recorded or not recorded:
            told = output_shapes(layer.type, part.config, shapes)
            count = max(len(told), len(recorded), 1)
            outputs = tuple(
                [
                    (recorded[i] if i < len(recorded) else None)
                    or (told[i] if i < len(told) else UNKNOWN)
                    for i in range(count)
                ]
            )
        else:
            outputs = tuple([shape or UNKNOWN for shape in recorded])
        refs = tuple([value.ref for value in inputs])
        return self.add(Node(layer, refs, shapes, outputs, times=times))

    def add(self, node: Node) -> list[Value]:
        self.nodes.append(node)
        place = len(self.nodes) - 1
        return [Value(Ref(place, i), shape) for i, shape in enumerate(node.output_shapes)]

    def layer(self, part: Part, shapes: Sequence[Shape], within: tuple[str, ...]) -> Layer:
        """Return the layer of a part: the same at each of its calls."""
        layer = self.layers.get(id(part))
        if layer is None:
            config = plain(part.config)
            known: tuple[Weight, ...] | None
            if part.is_op or part.batch_shape is not None:
                known = ()
            elif self.stored is not None:
                known = self.stored.get(id(part), ())
            else:
                roles = weight_roles(part.type, part.config, shapes[0] if shapes else UNKNOWN)
                known = predicted(roles, variable_dtype(part.config), id(part) in self.trainable)
            if known is not None:
                self.counted.add(id(part))
            weights = known or ()
            layer = Layer(shown(part.name), part.type, config, weights, within)
            self.layers[id(part)] = layer
        return layer

    def model(
        self,
        part: Part,
        inputs: Sequence[Value] | None,
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        """Call a model: the outermost one (without inputs) on inputs of its own."""
        entries = part.entries or {}
        given = self.inputs(part, inputs)
        values: dict[tuple[str, int], list[Value]] = {}
        # A nested model may be called on other shapes than those that its config notes.
        notes = inputs is None or all(
            value.shape == entries[source.name].part.batch_shape
            for source, value in zip(part.inputs, given, strict=False)
        )
        noted: dict[tuple[str, int], dict[int, Shape]] = {}
        used: dict[tuple[str, int], int] = {}
        for source, shape in part.recorded.items():
            if notes:
                noted.setdefault(source[:2], {})[source.output] = shape
        for source in part.used:
            used[source[:2]] = max(used.get(source[:2], 0), source.output)

        waiting: dict[tuple[str, int], int] = {}
        readers: dict[tuple[str, int], list[tuple[str, int]]] = {}
        ready: list[tuple[str, int]] = []
        given_by_name = dict(zip([source.name for source in part.inputs], given, strict=False))
        for name, entry in entries.items():
            if not entry.calls and (entry.part.batch_shape is not None or name in given_by_name):
                value = given_by_name.get(name)
                values[name, 0] = [value or self.input(entry.part, within)]
            for index, call in enumerate(entry.calls):
                key = (name, index)
                needs = {source[:2] for source in call.tensors}
                waiting[key] = len(needs)
                for need in needs:
                    readers.setdefault(need, []).append(key)
                if not needs:
                    ready.append(key)
        for key in values:
            for reader in readers.get(key, ()):
                waiting[reader] -= 1
                if not waiting[reader]:
                    ready.append(reader)
        ready.reverse()
        while ready:
            key = ready.pop()
            entry = entries[key[0]]
            call = entry.calls[key[1]]
            tensors = [self.value(values, source, part) for source in call.tensors]
            notes_here = noted.get(key, {})
            count = 1 + used.get(key, -1)
            self.tensors += count
            if self.tensors > MAX_TENSORS:
                raise BadFile(f"its calls have more than {MAX_TENSORS:,} outputs")
            recorded = [notes_here.get(i) for i in range(count)]
            values[key] = self.call(entry.part, call, tensors, recorded, within, times)
            for reader in readers.get(key, ()):
                waiting[reader] -= 1
                if not waiting[reader]:
                    ready.append(reader)
        left = [key for key, count in waiting.items() if count]
        if left:
            self.refuse(part, left, values)
        return [self.value(values, source, part) for source in part.outputs]

    def call(
        self,
        part: Part,
        call: Call,
        tensors: list[Value],
        recorded: Sequence[Shape | None],
        within: tuple[str, ...],
        times: int | None,
    ) -> list[Value]:
        if part.is_op and call.arguments and part.config.get("function"):
            # TensorFlow's functions in Keras 2 have their arguments at the call.
            part.config = {**part.config, **call.arguments}
        return self.part(part, tensors, recorded, within, times)

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
        if len(inputs) < len(part.inputs):
            raise BadFile(
                f"{quote(part.name)} takes {len(part.inputs)} inputs and is called with "
                f"{len(inputs)}"
            )
        return list(inputs[: len(part.inputs)])

    def input(self, part: Part, within: tuple[str, ...]) -> Value:
        shape = part.batch_shape or UNKNOWN
        return self.add(Node(self.layer(part, (), within), (), (), (shape,)))[0]

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

    def refuse(
        self,
        part: Part,
        left: Sequence[tuple[str, int]],
        values: Mapping[tuple[str, int], list[Value]],
    ) -> None:
        """Say why calls are left that can never be made."""
        entries = part.entries or {}
        for name, index in left:
            for source in entries[name].calls[index].tensors:
                calls = entries[source.name].calls
                if source[:2] not in values and source.call >= len(calls):
                    raise BadFile(
                        f"{quote(name)} uses call {source.call} of {quote(source.name)}, "
                        f"which is not there"
                    )
        raise BadFile(
            f"the layers of {quote(part.name)} feed each other in a circle, through "
            f"{quote(left[0][0])}"
        )
