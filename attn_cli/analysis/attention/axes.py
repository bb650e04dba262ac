"""What the axes of a feature map are, where nothing says it: by who makes it and what reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.analysis.attention.back import MAX_TURNS
from attn_cli.analysis.calls import (
    MOVING,
    REDUCING,
    hands_on,
    integers,
    is_channels_first,
    option,
)
from attn_cli.analysis.layout import Atom
from attn_cli.graph import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attn_cli.analysis.attention.candidates import Candidate
    from attn_cli.analysis.layout import Layout
    from attn_cli.graph import Node, Ref


def layouts_of(
    nodes: Sequence[Node], candidate: Candidate, calls: Sequence[Node]
) -> Iterator[Layout]:
    """Yield what the axes of a feature map can be: all that is likely, the likeliest first."""
    root = candidate.root
    shapes = [root.shape] if root.shape != UNKNOWN else [(None,) * rank for rank in (4, 3, 5)]
    for shape in shapes:
        if not 3 <= len(shape) <= 5:
            continue
        space = "dhw"[5 - len(shape) :]
        first = has_channels_first(nodes, root.ref, candidate.chain, calls, len(shape))
        labels = ["b", "c", *space] if first else ["b", *space, "c"]
        yield tuple([(Atom(label, size),) for label, size in zip(labels, shape, strict=True)])


def has_channels_first(
    nodes: Sequence[Node], root: Ref, chain: Sequence[Ref], calls: Sequence[Node], rank: int
) -> bool:
    """Tell whether the channels of a feature map stand before its space."""
    ref = root
    for _ in range(MAX_TURNS):
        maker = nodes[ref.node]
        if "data_format" in maker.layer.config:
            return is_channels_first(maker)
        if not maker.inputs or (maker.layer.type in MOVING and not hands_on(maker)):
            break
        ref = maker.inputs[0]
    if any(is_channels_first(call) for call in calls):
        return not chain
    # Where only ops pool: over the last two of four axes.
    return any(
        call.layer.type in REDUCING
        and call.inputs[0] == root
        and {each % rank for each in integers(option(call, "axis"))} == set(range(2, rank))
        for call in calls
        if rank > 3
    )
