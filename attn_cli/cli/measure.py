"""The figures that checks are about: those of a block over its places, those of a saved model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.check import flattened, over_places
from attn_cli.analysis.entry import entry
from attn_cli.cost import reasons
from attn_cli.spec import NONE, parse_spec

if TYPE_CHECKING:
    from attn_cli.analysis.check import Check, Within
    from attn_cli.analysis.inspect import Inspection
    from attn_cli.analysis.network import Totals
    from attn_cli.cost import GraphCost
    from attn_cli.graph import Shape
    from attn_cli.sources.saved import Model
    from attn_cli.spec import Place


class Measured(NamedTuple):
    """Figures by name, None where unknown, and why those are."""

    figures: dict[str, Any]
    why: str


def measure(check: Check) -> Measured:
    """Return the figures of what a check is about. Raises AttnError where there are none."""
    if check.within is not None:
        return measure_in(check.spec or check.of, check.within, check.asked)
    if check.spec is not None:
        return measure_block(check.spec, check.places)
    return measure_model(check.of, check.asked)


@cache
def measure_block(text: str, places: tuple[Place, ...]) -> Measured:
    """Return the figures of a block, as a spec, over all its places."""
    spec = parse_spec(text)
    entries = [entry(spec, place) for place in places]
    unknown = [why for each in entries for why in each.figures.cost.unknown]
    return Measured(over_places(entries), reasons(unknown))


@cache
def measure_in(text: str, within: Within, asked: Shape | None = None) -> Measured:
    """Return the figures of a network with a block in it, and of what that adds.

    Raises BadFile where it cannot be read, and what naming places and blocks does.
    """
    from attn_cli.analysis.network import compare_in_file

    spec = None if text == NONE else parse_spec(text)
    compared = compare_in_file(within.model, [spec], within.at, within.skip, asked)
    (block,) = compared.blocks
    after, added = block.after, block.added
    figures = {
        "places": len(compared.chosen.places),
        **_figures("", after),
        **_figures("added.", added),
        "added.share": added.params.total / compared.before.params.total
        if compared.before.params.total
        else None,
    }
    return Measured(figures, _with_way_out(block.cost, compared.network.model))


def _figures(prefix: str, totals: Totals) -> dict[str, int | None]:
    return {
        f"{prefix}params": totals.params.total,
        f"{prefix}trainable": totals.params.trainable,
        f"{prefix}non_trainable": totals.params.non_trainable,
        f"{prefix}bytes": totals.bytes,
        f"{prefix}macs": totals.macs,
        f"{prefix}flops": totals.flops,
    }


@cache
def measure_model(path: str, asked: Shape | None = None) -> Measured:
    """Return the figures of a saved model, by the names that they have in JSON.

    Raises BadFile where it cannot be read.
    """
    from attn_cli.analysis.inspect import inspect_file
    from attn_cli.views.inspect import record

    inspection = inspect_file(path, asked)
    figures = flattened(record(inspection))
    hidden = _hidden(inspection)
    return Measured(figures | dict.fromkeys(hidden), _why(inspection))


def _hidden(inspection: Inspection) -> list[str]:
    """Return the figures that the file does not tell, whatever stands in their place."""
    hidden = []
    if inspection.model.graph is None:
        hidden += ["attention.count", "attention.params", "attention.share"]
    if inspection.model.at_least:
        hidden += ["params", "trainable", "non_trainable", "bytes"]
        hidden += ["attention.params", "attention.share"]
    return hidden


def _why(inspection: Inspection) -> str:
    model, cost = inspection.model, inspection.cost
    if model.graph is None or cost is None:
        return "the file does not tell the layers"
    if model.at_least:
        return "the file does not hold all weights"
    why = _with_way_out(cost, model)
    if model.params and model.params.either:
        split = "the file does not tell which weights are trained"
        return split if None not in (cost.macs, cost.flops) else f"{split}, and {why}"
    return why


def _with_way_out(cost: GraphCost, model: Model) -> str:
    """Return why figures of a model are unknown, with what makes them known where that can be."""
    from attn_cli.views.inspect import input_fixes
    from attn_cli.views.totals import why_unknown

    return why_unknown(cost, input_fixes(model))
