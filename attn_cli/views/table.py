"""Tables for a terminal, drawn with Rich: calm, and with every number whole."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from attn_cli.views.report import EXTRA, chosen, pretty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attn_cli.views.report import Column, Report, Table

GAP = 2
SHORTEST_NAME = 8
BAR = 10
# One rule under the header, nothing else.
RULE = Box("\n".join(["    ", "    ", " ── ", "    ", "    ", "    ", "    ", "    "]))


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw heading, tables and closing lines; without a width nothing is left out or shortened."""
    out = StringIO()
    console = Console(
        file=out,
        width=width or 10_000,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for place, line in enumerate(report.heading):
        console.print(Text(line, "" if place else "bold"), soft_wrap=True)
    left_out: dict[str, None] = {}
    for place, table in enumerate(report.tables):
        if place or report.heading:
            console.print()
        if table.title:
            console.print(Text(table.title, "bold"), soft_wrap=True)
        shown, widths, gone = fit(table, width)
        left_out |= dict.fromkeys(gone)
        console.print(_drawn(shown, widths), soft_wrap=True)
    if report.closing and report.tables:
        console.print()
    for line in report.closing:
        console.print(Text(line), soft_wrap=True)
    if left_out:
        gone_text = f"left out at this width: {', '.join(left_out)} (--columns chooses)"
        console.print(Text(gone_text, "dim"), soft_wrap=True)
    # Rich pads the last column; here a line ends where its text does.
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().split("\n")[:-1])


def fit(table: Table, width: int | None) -> tuple[Table, list[int], list[str]]:
    """Return the table that a width has room for, its columns' widths, and the headers left out."""
    natural = {
        column.key: max(cell_len(cell) for cell in _cells(table, place))
        for place, column in enumerate(table.columns)
    }
    for hidden, shorten in _variants(table.columns):
        columns = [column for column in table.columns if column.key not in hidden]
        widths = [natural[column.key] for column in columns]
        spare = None if width is None else width - sum(widths) - GAP * (len(widths) - 1)
        if spare is not None and spare < 0 and shorten:
            widths = _shortened(columns, widths, -spare)
            spare = width - sum(widths) - GAP * (len(widths) - 1) if width else None
        if spare is None or spare >= 0:
            break
    gone = [
        column.header
        for column in table.columns
        if column.key in hidden and 0 < column.leaves < EXTRA
    ]
    return chosen(table, [column.key for column in columns]), widths, gone


def _variants(columns: Sequence[Column]) -> Iterator[tuple[set[str], bool]]:
    """Yield what to hide and whether to shorten names, from the widest look to the narrowest.

    The extras leave first, and what stands for them comes; then names are shortened; then figures
    leave, in the order that their columns say.
    """
    yield {column.key for column in columns if column.stands_for}, False
    hidden = {column.key for column in columns if column.leaves >= EXTRA}
    yield set(hidden), False
    yield set(hidden), True
    for level in sorted({c.leaves for c in columns if 0 < c.leaves < EXTRA}, reverse=True):
        hidden |= {column.key for column in columns if column.leaves == level}
        yield set(hidden), True


def _shortened(columns: Sequence[Column], widths: list[int], excess: int) -> list[int]:
    """Take an excess off the widths of the names, the longest first, down to SHORTEST_NAME."""
    widths = list(widths)
    names = [place for place, column in enumerate(columns) if column.kind == "name"]
    for _ in range(excess):
        longest = max(names, key=widths.__getitem__, default=None)
        if longest is None or widths[longest] <= SHORTEST_NAME:
            break
        widths[longest] -= 1
    return widths


def _drawn(table: Table, widths: Sequence[int]) -> RichTable:
    drawn = RichTable(
        box=RULE, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), header_style=""
    )
    for column, width in zip(table.columns, widths, strict=True):
        drawn.add_column(
            Text(column.header, "dim"),
            justify="right" if column.right else "left",
            width=width,
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in table.rows:
        drawn.add_row(*map(_styled, table.columns, row))
    if table.total:
        drawn.add_row()
        drawn.add_row(*map(_styled, table.columns, table.total))
    return drawn


def _styled(column: Column, value: Any) -> Text:
    if value == 0 and column.right and column.kind != "index":
        return Text(_cell(column, value), "dim")
    return Text(_cell(column, value), "bold" if column.strong else "")


def _cells(table: Table, place: int) -> Iterator[str]:
    column = table.columns[place]
    yield column.header
    for row in [*table.rows, *([table.total] if table.total else [])]:
        yield _cell(column, row[place])


def _cell(column: Column, value: Any) -> str:
    if column.kind == "bar":
        return bar(value)
    return pretty(column, value)


def bar(share: float | None) -> str:
    """Draw a share of 1 as a bar, to an eighth of a character."""
    eighths = round((share or 0) * BAR * 8)
    if share and not eighths:
        eighths = 1
    return "█" * (eighths // 8) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
