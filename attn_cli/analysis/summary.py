"""A block as it is summarised: what was asked for, its graph, its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.figures import Figures, figures
from attn_cli.showing import Small, shown_small

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attn_cli.graph import Graph, Shape
    from attn_cli.spec import Spec


@shown_small
class Summary(NamedTuple):
    """A block on one input. `explanation` works out a figure; `source` says who built it."""

    block: str
    title: str
    spec: str
    as_given: str
    options: Mapping[str, Any]
    graph: Graph
    figures: Figures
    explanation: str | None = None
    source: str | None = None

    def _small(self) -> Small:
        """Show the spec, and the block's graph."""
        small = self.graph._small()
        return small._replace(heading=f"Summary of {self.as_given}: {small.heading}")


def summarise(spec: Spec, shape: Shape) -> Summary:
    """Return the summary of a block on an input (H, W, C), traced."""
    return summary_of(spec, spec.trace(shape), "traced, without TensorFlow")


def summary_of(spec: Spec, graph: Graph, source: str) -> Summary:
    """Return the summary of a block's graph, wherever that comes from."""
    block, options = spec.block, spec.options
    channels = graph.nodes[graph.inputs[0]].output_shapes[0][-1]
    return Summary(
        block=block.name,
        title=block.title,
        spec=spec.text,
        as_given=spec.as_given,
        options=options,
        graph=graph,
        figures=figures(graph, options),
        explanation=block.explain(channels, **options) if block.explain else None,
        source=source,
    )
