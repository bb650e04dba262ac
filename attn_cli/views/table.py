"""Tables for a terminal, drawn with Rich: calm, and with every number whole."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.box import Box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from attn_cli.views.fit import GAP, Fitted, fit, wrapped
from attn_cli.views.report import cell

if TYPE_CHECKING:
    from attn_cli.views.report import Column, Report

# One rule under the header, nothing else.
RULE = Box("\n".join(["    ", "    ", " ── ", "    ", "    ", "    ", "    ", "    "]))


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw heading, tables and closing lines; without a width nothing is left out or shortened."""
    out = StringIO()
    console = Console(
        file=out,
        # What is printed was fitted before: Rich is to cut nothing, on a dumb terminal either.
        width=10_000,
        height=25,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )

    def say(line: str, style: str = "") -> None:
        for part in wrapped(line, width):
            console.print(Text(part, style), soft_wrap=True)

    for place, line in enumerate(report.heading):
        say(line, "" if place else "bold")
    left_out: dict[str, None] = {}
    for place, table in enumerate(report.tables):
        if place or report.heading:
            console.print()
        if table.title:
            say(table.title, "bold")
        fitted = fit(table, width)
        left_out |= dict.fromkeys(fitted.left_out)
        console.print(_drawn(fitted), soft_wrap=True)
    if report.closing and report.tables:
        console.print()
    for line in report.closing:
        say(line)
    if left_out:
        say(f"left out at this width: {', '.join(left_out)} (--format plain has all)", "dim")
    # Rich pads the last column; here a line ends where its text does.
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().split("\n")[:-1])


def _drawn(fitted: Fitted) -> RichTable:
    table = fitted.table
    drawn = RichTable(box=RULE, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for column, width in zip(table.columns, fitted.widths, strict=True):
        drawn.add_column(
            Text(column.header, "dim"),
            justify="right" if column.right else "left",
            width=width,
            no_wrap=column.kind != "prose",
            overflow="fold" if column.kind == "prose" else "ellipsis",
        )
    for row in table.rows:
        drawn.add_row(*map(_styled, table.columns, row))
    if table.total:
        drawn.add_row()
        drawn.add_row(*map(_styled, table.columns, table.total))
    return drawn


def _styled(column: Column, value: Any) -> Text:
    if value == 0 and column.right and column.kind != "index":
        return Text(cell(column, value), "dim")
    return Text(cell(column, value), "bold" if column.strong else "")
