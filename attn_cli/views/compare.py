"""Blocks side by side: a table for each input, and the totals over all places."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from attn_cli.views.records import costs_record, figures_record
from attn_cli.views.report import EXTRA, Column, Picture, Report, Table, size_text, with_batch
from attn_cli.views.totals import unknown_reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.compare import Comparison, Row, Total
    from attn_cli.views.pictures.vega import Chart

ROWS = (
    Column("as_given", "block", "name"),
    Column("spec", "spec", "name"),
    Column("input_shape", "input", "shape"),
    Column("places", "places", "int"),
    Column("params", "params", "int"),
    Column("trainable", "trainable", "int"),
    Column("non_trainable", "non-trainable", "int"),
    Column("bytes", "bytes", "int"),
    Column("macs", "MACs", "int"),
    Column("flops", "FLOPs", "int"),
    Column("width", "width", "int"),
    Column("kernel_size", "kernel", "int"),
    Column("difference", "difference", "int"),
    Column("factor", "factor", "number"),
)
# What makes blocks differ is the last to leave.
SIZES = (
    Column("width", "width", "int", leaves=1),
    Column("kernel_size", "kernel", "int", leaves=2),
)
FIGURES = (
    Column("params", "params", "int", strong=True),
    Column("difference", "difference", "difference", leaves=6),
    Column("factor", "factor", "factor", leaves=5, missing="-"),
    Column("bar", "", "bar", leaves=EXTRA, tells=("params",)),
    Column("macs", "MACs", "int", leaves=3, missing="?"),
    Column("flops", "FLOPs", "int", leaves=4, missing="?"),
)


def report(comparison: Comparison) -> Report:
    """Return the report of a comparison; totals are shown where there is more than one place."""
    groups = [
        list(rows)
        for _, rows in groupby(comparison.rows, key=lambda row: (row.entry.shape, row.entry.places))
    ]
    baseline = comparison.baseline
    tables = [_shape_table(baseline.as_given, rows) for rows in groups]
    if comparison.totals[0].places > 1:
        tables.append(_totals_table(baseline.as_given, comparison.totals))
    closing = unknown_reasons(row.entry.figures.cost for row in comparison.rows)
    return Report(
        record=lambda: {
            "baseline": baseline.text,
            "baseline_as_given": baseline.as_given,
            "rows": [_row_record(row) for row in comparison.rows],
            "totals": [_total_record(total) for total in comparison.totals],
        },
        rows=lambda: Table(ROWS, [_flat(row) for row in comparison.rows]),
        tables=tables,
        closing=closing,
        picture=Picture("chart", lambda: _chart(comparison, closing)),
    )


def _chart(comparison: Comparison, notes: Sequence[str]) -> Chart:
    from attn_cli.views.pictures.compare import of_comparison

    return of_comparison(comparison, notes)


def _shape_table(baseline: str, rows: Sequence[Row]) -> Table:
    """Lay out the blocks on one input."""
    first = rows[0].entry
    most = max(row.entry.figures.params.total for row in rows)
    columns = (ROWS[0], *SIZES, *FIGURES)
    cells = []
    for row in rows:
        figures = row.entry.figures
        params = figures.params.total
        cells.append(
            (
                row.entry.as_given,
                figures.width,
                figures.kernel_size,
                params,
                row.difference,
                row.factor,
                params / most if most else 0,
                figures.macs,
                figures.flops,
            )
        )
    each = f", each of {first.places:,} places" if first.places > 1 else ""
    return Table(columns, cells, title=f"{size_text(first.shape)}{each}{_against(baseline, rows)}")


def _totals_table(baseline: str, totals: Sequence[Total]) -> Table:
    """Lay out the blocks over all places."""
    most = max(total.params.total for total in totals)
    cells = [
        (
            total.as_given,
            total.params.total,
            total.difference,
            total.factor,
            total.params.total / most if most else 0,
            total.macs,
            total.flops,
        )
        for total in totals
    ]
    title = f"all {totals[0].places:,} places{_against(baseline, totals)}"
    return Table((ROWS[0], *FIGURES), cells, title=title)


def _against(baseline: str, rows: Sequence[Row] | Sequence[Total]) -> str:
    """Return what the differences are from, where there is more than that."""
    return f", params against {baseline}" if len(rows) > 1 else ""


def _flat(row: Row) -> tuple[Any, ...]:
    entry, figures = row.entry, row.entry.figures
    params = figures.params
    return (
        entry.as_given,
        entry.spec,
        with_batch(entry.shape),
        entry.places,
        params.total,
        params.trainable,
        params.non_trainable,
        figures.bytes,
        figures.macs,
        figures.flops,
        figures.width,
        figures.kernel_size,
        row.difference,
        row.factor,
    )


def _row_record(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "block": entry.block,
        "spec": entry.spec,
        "as_given": entry.as_given,
        "options": dict(entry.options),
        "input_shape": with_batch(entry.shape),
        "places": entry.places,
        **figures_record(entry.figures),
        "difference": row.difference,
        "factor": row.factor,
    }


def _total_record(total: Total) -> dict[str, Any]:
    return {
        "block": total.block,
        "spec": total.spec,
        "as_given": total.as_given,
        "places": total.places,
        **costs_record(total),
        "difference": total.difference,
        "factor": total.factor,
    }
