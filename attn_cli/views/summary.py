"""A block: its heading, its layers, its totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.blocks.options import format_value
from attn_cli.cost import reasons
from attn_cli.graph import Params
from attn_cli.operations.base import DYNAMIC
from attn_cli.views.report import (
    EXTRA,
    Column,
    Picture,
    Report,
    Table,
    chosen,
    counted,
    shape_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from attn_cli.analysis.summary import Summary
    from attn_cli.cost import GraphCost
    from attn_cli.graph import Graph
    from attn_cli.views.pictures.diagram import Diagram

COLUMNS = (
    Column("row", "#", "index", leaves=4),
    Column("name", "name", "name", leaves=EXTRA),
    Column("type", "type", "name"),
    Column("output_shape", "output shape", "shape", leaves=1),
    Column("params", "params", "int", strong=True),
    Column("trainable", "trainable", "int", missing="?"),
    Column("non_trainable", "non-trainable", "int", missing="?"),
    Column("macs", "MACs", "int", leaves=2, missing="?"),
    Column("flops", "FLOPs", "int", leaves=3, missing="?"),
    Column("from", "from", "refs", leaves=4, stands_for="inputs"),
    Column("inputs", "inputs", "refs", leaves=EXTRA),
)
# What makes a figure known that a dynamic size hides.
SHAPE_FIXES = "--shape H,W,C fixes them"
SHOWN = ("row", "name", "type", "output_shape", "params", "macs", "flops", "from", "inputs")


def report(summary: Summary, columns: Sequence[str] | None = None) -> Report:
    """Return the report of a block; `columns` chooses among COLUMNS, by key."""
    graph, figures = summary.graph, summary.figures
    layers = layer_table(graph, figures.cost)
    shown = chosen(layers, columns) if columns else chosen(layers, SHOWN, fixed=False)
    return Report(
        record=lambda: _record(summary),
        rows=lambda: chosen(layers, columns) if columns else layers,
        tables=[shown],
        heading=_heading(summary),
        closing=[
            totals_line(figures.params, figures.bytes, figures.macs, figures.flops),
            *unknown_lines(figures.cost, SHAPE_FIXES),
        ],
        picture=Picture("diagram", lambda: _diagram(summary)),
    )


def layer_table(graph: Graph, cost: GraphCost) -> Table:
    """Return a row for each call, with all columns that there are, and the totals."""
    rows = []
    names = [node.name for node in graph.nodes]
    for place, node in enumerate(graph.nodes):
        params = node.params
        rows.append(
            (
                place,
                names[place],
                node.layer.label,
                node.output_shapes[0],
                params.total,
                params.trainable,
                params.non_trainable,
                node.cost.macs,
                node.cost.flops,
                [ref.node for ref in node.inputs],
                [names[ref.node] for ref in node.inputs],
            )
        )
    params = graph.params
    counts = (params.total, params.trainable, params.non_trainable, cost.macs, cost.flops)
    return Table(COLUMNS, rows, total=(None, "", "total", None, *counts, None, None))


def totals_line(
    params: Params | int, bytes: int, macs: int | None = None, flops: int | None = None
) -> str:
    """Return totals in words: of the parameters the two kinds, where they are known."""
    words = params_words(params) if isinstance(params, Params) else counted(params, "params")
    figures = [(bytes, "bytes"), (macs, "MACs"), (flops, "FLOPs")]
    known = [counted(figure, what) for figure, what in figures if figure is not None]
    return "; ".join([words, *known])


def params_words(params: Params) -> str:
    """Return counts of parameters in words."""
    if params.trainable is None:
        return f"{counted(params.total, 'params')}: ? trainable, ? non-trainable"
    kinds = f"{params.trained:,} trainable, {params.frozen:,} non-trainable"
    return f"{counted(params.total, 'params')}: {kinds}"


def unknown_lines(cost: GraphCost, fixes: str) -> list[str]:
    """Return why a total is unknown, what is known of it, and what would fix a dynamic size."""
    missing = [name for name in ("macs", "flops") if getattr(cost, name) is None]
    if not missing:
        return []
    names = {"macs": "MACs", "flops": "FLOPs"}
    what = " and ".join(names[name] for name in missing)
    known = " and ".join(f"{getattr(cost.at_least, name):,} {names[name]}" for name in missing)
    return [f"? {what}: {why_unknown(cost, fixes)}; at least {known}"]


def unknown_reasons(costs: Iterable[GraphCost]) -> list[str]:
    """Return why totals of several blocks are unknown, each reason once."""
    why = dict.fromkeys([why_unknown(cost, SHAPE_FIXES) for cost in costs if cost.unknown])
    return [f"? unknown: {each}" for each in why]


def why_unknown(cost: GraphCost, fixes: str) -> str:
    """Return why figures are unknown, with the way out where there is one."""
    return reasons([f"{why} ({fixes})" if why == DYNAMIC else why for why in cost.unknown])


def _heading(summary: Summary) -> list[str]:
    graph = summary.graph
    input_shape = graph.nodes[graph.inputs[0]].output_shapes[0]
    lines = [
        f"{summary.block}  {summary.title}   "
        f"{shape_text(input_shape)} → {shape_text(graph.output_shapes[0])}",
    ]
    indent = " " * (len(summary.block) + 2)
    if summary.options:
        options = [f"{name}={format_value(value)}" for name, value in summary.options.items()]
        lines.append(indent + "  ".join(options))
    if summary.explanation:
        lines.append(indent + summary.explanation)
    if summary.source:
        lines.append(indent + summary.source)
    return lines


def _diagram(summary: Summary) -> Diagram:
    from attn_cli.views.pictures.diagram import of_summary

    return of_summary(summary)


def _record(summary: Summary) -> dict[str, Any]:
    from attn_cli.views.records import figures_record, layer_records

    graph, figures = summary.graph, summary.figures
    return {
        "block": summary.block,
        "spec": summary.spec,
        "as_given": summary.as_given,
        "options": dict(summary.options),
        "input_shape": graph.nodes[graph.inputs[0]].output_shapes[0],
        "output_shape": graph.output_shapes[0],
        **figures_record(figures),
        "layers": layer_records(graph, figures.cost),
    }
