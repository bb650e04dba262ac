"""A block: its heading, its layers, its totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.blocks.options import format_value
from attn_cli.views.report import (
    EXTRA,
    Column,
    Picture,
    Report,
    Table,
    chosen,
    shape_text,
)
from attn_cli.views.totals import SHAPE_FIXES, totals_line, unknown_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

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
