"""CSV: a header and the rows, bare integers, empty where a figure is unknown or meaningless."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from attn_cli.views.report import bare

if TYPE_CHECKING:
    from attn_cli.views.report import Report


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw the rows, quoted where they must be."""
    columns = report.rows.columns
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows(list(map(bare, columns, row)) for row in report.rows.rows)
    return out.getvalue()
