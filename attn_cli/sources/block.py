"""A block on its own, traced without TensorFlow into a Graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadGraph
from attn_cli.graph import Cost, Graph, Layer, Node, Ref, Shape
from attn_cli.operations.base import Constant
from attn_cli.operations.call import Bound, Tensor, input_tensor, tell
from attn_cli.symbolic import SymbolicTensor, new_trace

if TYPE_CHECKING:
    from collections.abc import Callable


def trace(block: Callable[..., Any], shape: Shape, **options: Any) -> Graph:
    """Return the graph that a block builder makes of an input (H, W, C), None where dynamic.

    >>> from attn_cli import se_block, trace
    >>> trace(se_block, (56, 56, 24), ratio=4).params.total
    318

    Raises BadShape or BadOption where the block cannot be built, BadGraph where Keras could not
    make a model of it.
    """
    tracing = new_trace()
    output = block(tracing.input((None, *shape)), **options)
    if not isinstance(output, SymbolicTensor):
        raise TypeError(f"a block returns one tensor, not {type(output).__name__}")
    layers: dict[int, Layer] = {}
    nodes = []
    tensors: list[Tensor] = []
    for called, inputs, operands, shape in tracing.calls:
        does = called.does
        layer = layers.get(id(called))
        if layer is None:
            layer = Layer(called.name, does.type, does.config, called.weights)
            layers[id(called)] = layer
        if inputs:
            taken = [
                tensors[each.call] if isinstance(each, SymbolicTensor) else Constant((), each)
                for each in operands
            ]
            bound = Bound(does, taken)
            (made,), cost = tell(bound, (shape,))
            numbers = bound.numbers
        else:
            made, cost, numbers = input_tensor(shape), Cost(0, 0), ()
        tensors.append(made)
        refs = tuple([Ref(tensor.call) for tensor in inputs])
        shapes = tuple([tensor.shape for tensor in inputs])
        nodes.append(Node(layer, refs, shapes, (shape,), cost=cost, operands=numbers))
    graph = Graph(nodes, [Ref(output.call)])
    names = [node.layer.name for node in graph.nodes if not node.call]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise BadGraph(f"two layers of one model are called {twice!r}; give each a name of its own")
    return graph
