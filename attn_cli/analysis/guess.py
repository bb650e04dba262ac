"""Custom layers that may be attention blocks: a guess, apart from what is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.analysis.calls import is_opaque

if TYPE_CHECKING:
    from attn_cli.graph import Graph


class Guess(NamedTuple):
    """A layer of a custom type whose weights have the shapes of a block's: a guess, no finding."""

    path: str
    type: str
    kind: str
    params: int


def guess_attention(graph: Graph) -> tuple[Guess, ...]:
    """Return the custom layers that may be attention blocks, by the shapes of their weights."""
    guesses = []
    for node in graph.nodes:
        layer = node.layer
        if node.call or not layer.weights or not is_opaque(layer):
            continue
        shapes = [_core(weight.shape) for weight in layer.weights if len(weight.shape) > 1]
        kind = ""
        if len(shapes) == 2 and shapes[0][::-1] == shapes[1] and len(shapes[0]) == 2:
            kind = "se" if shapes[0][0] > shapes[0][1] else ""
        elif len(shapes) == 1 and len(layer.weights) == 1:
            (size, *rest) = layer.weights[0].shape
            kind = "eca" if rest == [1, 1] and size % 2 else ""
        if kind:
            guesses.append(Guess(node.name, layer.type, kind, layer.params.total))
    return tuple(guesses)


def _core(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a kernel's shape without the sides of 1×1 convolutions."""
    return shape[2:] if len(shape) == 4 and shape[:2] == (1, 1) else shape
