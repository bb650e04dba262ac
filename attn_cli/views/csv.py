"""CSV: a header and the rows, bare integers, empty where a figure is unknown or meaningless.

A text that a spreadsheet would take for a formula has an apostrophe in front: names come from files
that somebody else wrote. So has one behind a semicolon, which separates cells where a comma is the
decimal point.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from attn_cli.views.report import bare

if TYPE_CHECKING:
    from attn_cli.views.report import Column, Report

# Where a cell can begin, for whatever a reader takes for its end, and what then is a formula if a
# letter or a digit comes behind.
FORMULA = re.compile(r"""((?:^|[;|\t])["'\s]*)(?=[=+\-@＝＋－＠])""")
UP_TO_LAST = re.compile(r".*\w", re.DOTALL)
NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?%?", re.IGNORECASE)


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw the rows, quoted where they must be."""
    table = report.rows()
    columns = table.columns
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows(list(map(cell, columns, row)) for row in table.rows)
    return out.getvalue()


def cell(column: Column, value: Any) -> str:
    """Return a value as text for machines, spreadsheets among them."""
    text = bare(column, value)
    return text if isinstance(value, (int, float)) else unformulated(text)


def unformulated(text: str) -> str:
    """Return a text that no spreadsheet calculates."""
    up_to = UP_TO_LAST.match(text)
    if up_to is None or NUMBER.fullmatch(text):
        return text
    return FORMULA.sub(r"\1'", up_to[0]) + text[up_to.end() :]
