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
    make a model of it, and BadArgument where these are no block and no shape. Warns of a shape that
    looks like C,H,W.
    """
    if not callable(block):
        raise BadArgument(f"a block is a function, as se_block is, not {block!r}")
    if sizes or not isinstance(shape, (tuple, list)):
        given = ", ".join(map(repr, (shape, *sizes)))
        raise BadArgument(f"a shape is one tuple (H, W, C), as in (56, 56, 24), not {given}")
    graph = graph_of(block, shape, **options)
    warn_of(shape)
    return graph


def graph_of(block: Callable[..., Any], shape: Shape, **options: Any) -> Graph:
    """Return the graph of a block where there is nothing to be said of its input: as `trace`."""
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


def misread(shape: Shape) -> str:
    """Return what there is to say of a shape that looks like C,H,W; nothing of any other.

    Such has a square at its end, or is an image of three colours. It may be meant as it is read.
    """
    first, second, third = shape if len(shape) == 3 else (None, None, None)
    if first is None or second is None or third is None or first == second:
        return ""
    if second != third and not (first == 3 and min(second, third) >= 32):
        return ""
    return (
        f"{first},{second},{third} is read as H,W,C; "
        f"channels come last, so C,H,W is written {second},{third},{first}"
    )


def warn_of(shape: Shape) -> None:
    """Warn whoever called what calls this of a shape that looks like C,H,W."""
    if hint := misread(shape):
        import warnings

        warnings.warn(hint, stacklevel=3)
