"""Plain: a header and the rows, separated by tabs, for cut and awk; no cell is a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.views.csv import cell

if TYPE_CHECKING:
    from attn_cli.views.report import Report


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw the rows; nothing is quoted, and white space within a value becomes a space."""
    table = report.rows()
    columns = table.columns
    lines = [[column.key for column in columns]]
    lines += [list(map(cell, columns, row)) for row in table.rows]
    return "".join("\t".join(" ".join(cell.split()) for cell in line) + "\n" for line in lines)
