"""A block as it is summarised: what was asked for, its graph, its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attn_cli.analysis.figures import Figures
    from attn_cli.graph import Graph


class Summary(NamedTuple):
    """A block on one input. `explanation` works out a figure; `source` says who built it."""

    block: str
    title: str
    spec: str
    options: Mapping[str, Any]
    graph: Graph
    figures: Figures
    explanation: str | None = None
    source: str | None = None
