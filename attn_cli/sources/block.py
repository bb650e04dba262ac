"""A block on its own, traced without TensorFlow into a Graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadArgument, BadGraph
from attn_cli.graph import Graph, Shape
from attn_cli.symbolic import SymbolicTensor, Trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def trace(block: Callable[..., Any], shape: Shape, *sizes: NoReturn, **options: Any) -> Graph:
    """Return the graph that a block builder makes of an input (H, W, C), None where dynamic.

    >>> from attn_cli import se_block, trace
    >>> trace(se_block, (56, 56, 24), ratio=4).params.total
    318

    Raises BadShape or BadOption where the block cannot be built, BadGraph where Keras could not
    make a model of it, and BadArgument where these are no block and no shape.
    """
    if not callable(block):
        raise BadArgument(f"a block is a function, as se_block is, not {block!r}")
    if sizes or not isinstance(shape, (tuple, list)):
        given = ", ".join(map(repr, (shape, *sizes)))
        raise BadArgument(f"a shape is one tuple (H, W, C), as in (56, 56, 24), not {given}")
    tracing = Trace()
    output = block(tracing.input((None, *shape)), **options)
    if not isinstance(output, SymbolicTensor):
        raise BadArgument(f"a block returns one tensor, not {type(output).__name__}")
    graph = Graph(tracing.nodes, [output.ref])
    names = [node.layer.name for node in graph.nodes if not node.call]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise BadGraph(f"two layers of one model are called {twice!r}; give each a name of its own")
    return graph
