"""One block on one input: what a comparison has rows of, and a check its figures from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.figures import Figures, figures
from attn_cli.errors import BadOption, BadShape
from attn_cli.showing import one
from attn_cli.spec import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attn_cli.graph import Shape
    from attn_cli.spec import Spec


class Entry(NamedTuple):
    """One block on one input (H, W, C), at so many places of a network.

    `spec` is the canonical form, `as_given` the text that named it.
    """

    block: str
    spec: str
    as_given: str
    options: Mapping[str, Any]
    shape: Shape
    places: int
    figures: Figures

    def __repr__(self) -> str:
        """Show the block, its input and what it costs there, in a line."""
        figures = self.figures
        told = [(figures.params.total, "params"), (figures.macs, "MACs"), (figures.flops, "FLOPs")]
        costs = ", ".join([one(figure, what) for figure, what in told])
        return f"<Entry {self.as_given} on {Place(self.shape, self.places).text}: {costs}>"


def entry(spec: Spec, place: Place) -> Entry:
    """Return the figures of a block on one input."""
    options = spec.options
    try:
        graph = spec.trace(place.shape)
    except (BadOption, BadShape) as error:
        raise type(error)(f"{spec.as_given} on {place.text}: {error}") from None
    return Entry(
        block=spec.block.name,
        spec=spec.text,
        as_given=spec.as_given,
        options=options,
        shape=place.shape,
        places=place.times,
        figures=figures(graph, options),
    )
