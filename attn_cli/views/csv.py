"""CSV: a header and the rows, bare integers, empty where a figure is unknown or meaningless.

A text that a spreadsheet would take for a formula has an apostrophe in front: names come from files
that somebody else wrote.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from attn_cli.views.report import bare

if TYPE_CHECKING:
    from attn_cli.views.report import Column, Report

FORMULA = re.compile(r"[=+\-@].*\w")


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw the rows, quoted where they must be."""
    columns = report.rows.columns
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows(list(map(_cell, columns, row)) for row in report.rows.rows)
    return out.getvalue()


def _cell(column: Column, value: Any) -> str:
    text = bare(column, value)
    return f"'{text}" if isinstance(value, str) and FORMULA.match(text) else text
