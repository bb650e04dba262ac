"""Node and Graph: what every source yields and every reader takes.

A graph knows nothing of where it came from or how it is drawn.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import BadGraph
from attn_cli.showing import Small, cell, one, shown_small
from attn_cli.text import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Shape = tuple[int | None, ...]

# The shape of a tensor of which not even the rank is known. No tensor has it: all have a batch.
UNKNOWN: Shape = ()
FEATURE_MAP = 4  # how many sizes (B, H, W, C) has

# Bytes of one element of each dtype that Keras stores weights in.
ITEM_SIZES = {
    "bool": 1, "uint8": 1, "int8": 1, "float8_e4m3fn": 1, "float8_e5m2": 1,
    "uint16": 2, "int16": 2, "float16": 2, "bfloat16": 2,
    "uint32": 4, "int32": 4, "float32": 4,
    "uint64": 8, "int64": 8, "float64": 8, "complex64": 8, "complex128": 16,
}  # fmt: skip


class Weight(NamedTuple):
    """One variable of a layer; `trainable` is None where it is not known."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    trainable: bool | None = True

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


class Params(NamedTuple):
    """Counts of parameters: trained, frozen, and those of which it is not known."""

    trained: int = 0
    frozen: int = 0
    either: int = 0

    def __repr__(self) -> str:
        """Show the counts by the names that they go by."""
        kinds = f"trainable={self.trainable}, non_trainable={self.non_trainable}"
        return f"Params(total={self.total}, {kinds})"

    @property
    def total(self) -> int:
        """All of them, as Keras' `count_params()`."""
        return self.trained + self.frozen + self.either

    @property
    def trainable(self) -> int | None:
        """Those that are trained; None where it is not known of all."""
        return None if self.either else self.trained

    @property
    def non_trainable(self) -> int | None:
        """Those that are not trained; None where it is not known of all."""
        return None if self.either else self.frozen


def params_of(weights: Iterable[Weight]) -> Params:
    """Return how many numbers weights hold."""
    counts = {True: 0, False: 0, None: 0}
    for weight in weights:
        counts[weight.trainable] += weight.size
    return Params(counts[True], counts[False], counts[None])


class Layer(NamedTuple):
    """A layer or an op: it owns weights, and may be called several times."""

    name: str
    type: str
    config: Mapping[str, Any] = {}
    weights: tuple[Weight, ...] = ()
    within: tuple[str, ...] = ()  # the names of the models that it stands in, outermost first

    def __repr__(self) -> str:
        """Show what it is; `config` and `weights` tell the rest."""
        params = one(self.params.total, "params")
        return f"<Layer {escaped(self.path)}: {escaped(self.label)}, {params}>"

    @property
    def path(self) -> str:
        """Its name, after those of the models that it stands in."""
        return "/".join((*self.within, self.name))

    @property
    def function(self) -> str | None:
        """The activation function inside it, or None where there is none to speak of."""
        function = self.config.get("activation")
        return function if isinstance(function, str) and function != "linear" else None

    @property
    def label(self) -> str:
        """Its type, with its activation function where it has one."""
        return f"{self.type} {self.function}" if self.function else self.type

    @property
    def params(self) -> Params:
        """The sizes of its weights."""
        return params_of(self.weights)

    @property
    def bytes(self) -> int:
        """The sizes of its weights in the dtype that each is stored in."""
        return sum(weight.size * ITEM_SIZES[weight.dtype] for weight in self.weights)


class Cost(NamedTuple):
    """What one call costs for one sample; None is unknown, and `why` says why."""

    macs: int | None = None
    flops: int | None = None
    why: str = ""

    def __repr__(self) -> str:
        """Show the figures, and why where one is unknown."""
        why = f", why={self.why!r}" if self.why else ""
        return f"Cost(macs={self.macs}, flops={self.flops}{why})"


class Ref(NamedTuple):
    """An output of a node: the node's place in the graph, and which of its outputs."""

    node: int
    output: int = 0


class Node(NamedTuple):
    """One call of a layer. Shapes are (B, H, W, C), with None where a size is dynamic.

    Inside a TimeDistributed, shapes are those of one step; the cost is that of all steps.
    `operands` are all that it is called with, in order: the numbers, and None for all else.
    """

    layer: Layer
    inputs: tuple[Ref, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    call: int = 0
    cost: Cost = Cost(why="it was not asked for")
    operands: tuple[float | None, ...] = ()

    def __repr__(self) -> str:
        """Show the call in a line, as a row of its graph does."""
        taken = f"{', '.join(map(_shape_text, self.input_shapes))} → " if self.inputs else ""
        made = ", ".join(map(_shape_text, self.output_shapes))
        figures = [(self.params.total, "params"), (self.cost.macs, "MACs")]
        figures.append((self.cost.flops, "FLOPs"))
        told = ", ".join([one(figure, what) for figure, what in figures])
        return f"<Node {escaped(self.name)}: {escaped(self.layer.label)}, {taken}{made}, {told}>"

    @property
    def name(self) -> str:
        """The layer's path, with the number of the call from the second on: `dense:1`."""
        return f"{self.layer.path}:{self.call}" if self.call else self.layer.path

    @property
    def params(self) -> Params:
        """The layer's parameters at its first call, none at the others: a layer counts once."""
        return Params() if self.call else self.layer.params


@shown_small
class Graph:
    """Nodes in one canonical order, the same for every source.

    The order is topological, with a branch kept together: each node stands as soon as its inputs
    do, first input first. The calls of a layer are numbered in that order.

    Raises BadGraph where the nodes feed each other in a circle.
    """

    __slots__ = ("inputs", "nodes", "output_shapes", "outputs")

    def __init__(
        self,
        nodes: Sequence[Node],
        outputs: Iterable[Ref],
        output_shapes: Iterable[Shape] | None = None,
    ) -> None:
        """Take nodes in any order (their `inputs` are places in it); drop what no output needs.

        `output_shapes` are those of the outputs where steps are put together behind the nodes, as
        a TimeDistributed does.
        """
        outputs = tuple(outputs)
        order = _canonical_order(nodes, outputs)
        place = {old: new for new, old in enumerate(order)}
        in_order = order == list(range(len(order)))
        calls: dict[int, int] = {}
        placed = []
        for old in order:
            node = nodes[old]
            layer = node.layer
            call = calls.get(id(layer), 0)
            calls[id(layer)] = call + 1
            inputs = node.inputs
            if not in_order:
                inputs = tuple([Ref(place[each], output) for each, output in inputs])
            moved = inputs != node.inputs or call != node.call
            placed.append(node._replace(inputs=inputs, call=call) if moved else node)
        self.nodes: tuple[Node, ...] = tuple(placed)
        self.inputs: tuple[int, ...] = tuple(
            [index for index, node in enumerate(self.nodes) if not node.inputs]
        )
        self.outputs: tuple[Ref, ...] = tuple(
            [Ref(place[node], output) for node, output in outputs]
        )
        shapes = map(self.shape_of, self.outputs) if output_shapes is None else output_shapes
        self.output_shapes: tuple[Shape, ...] = tuple(shapes)

    def _small(self) -> Small:
        """Show a row for each call, and the total of the parameters."""
        inputs = ", ".join([_shape_text(self.shape_of(Ref(place))) for place in self.inputs])
        outputs = ", ".join(map(_shape_text, self.output_shapes))
        rows = [
            (
                node.name,
                node.layer.label,
                ", ".join(map(_shape_text, node.output_shapes)),
                node.params.total,
                node.cost.macs,
                node.cost.flops,
            )
            for node in self.nodes
        ]
        params = self.params
        kinds = f"{cell(params.trainable)} trainable, {cell(params.non_trainable)} non-trainable"
        return Small(
            f"Graph {inputs} → {outputs}",
            ("name", "type", "output shape", "params", "MACs", "FLOPs"),
            rows,
            f"{one(params.total, 'params')}: {kinds}",
        )

    @property
    def params(self) -> Params:
        """The parameters of all layers, each counted once."""
        layers = [node.layer for node in self.nodes if node.layer.weights and not node.call]
        return params_of([weight for layer in layers for weight in layer.weights])

    @property
    def bytes(self) -> int:
        """The weights of all layers in the dtype that they are stored in, each counted once."""
        return sum(node.layer.bytes for node in self.nodes if node.layer.weights and not node.call)

    @property
    def size(self) -> int:
        """About how many bytes a file takes that says as much: what it allows its readers."""
        return sum([200 + 20 * len(node.inputs) for node in self.nodes])

    def shape_of(self, ref: Ref) -> Shape:
        """Return the shape that a node gives out."""
        return self.nodes[ref.node].output_shapes[ref.output]


def _shape_text(shape: Shape) -> str:
    return "?" if shape == UNKNOWN else str(shape)


def _canonical_order(nodes: Sequence[Node], outputs: tuple[Ref, ...]) -> list[int]:
    order: list[int] = []
    placed: set[int] = set()
    entered: set[int] = set()
    # Depth first with a stack of its own: a model can be thousands of calls deep.
    stack = [node for node, _ in reversed(outputs)]
    while stack:
        current = stack[-1]
        if current in placed:
            stack.pop()
            continue
        waiting = [node for node, _ in nodes[current].inputs if node not in placed]
        if not waiting:
            stack.pop()
            placed.add(current)
            order.append(current)
            continue
        entered.add(current)
        if not entered.isdisjoint(waiting):
            name = nodes[current].layer.name
            raise BadGraph(f"the layers feed each other in a circle, through {name!r}")
        stack.extend(reversed(waiting))
    return order
