"""Tables for a terminal, drawn with Rich: calm, and with every number whole."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from attn_cli.views.fit import GAP, WRAPPED, Fitted, fit, shortened, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attn_cli.views.report import Column, Report

# Text and its style.
Part = tuple[str, str]
# Signs that say how it is, and what colour says it again.
SIGNS = {
    "✔": "green",
    "✘": "red",
    "?": "yellow",
    "+": "green",
    "-": "red",
    "~": "yellow",
    "warning:": "yellow",
}
# How the line begins that names the columns that have left. What shows all goes by what the reader
# has at hand: a pipe is as wide as need be.
NO_ROOM = "no room for: "


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
        sign = line.partition(" ")[0]
        for part in wrapped(line, width):
            text = Text(part, style)
            text.stylize(SIGNS.get(sign, ""), 0, len(sign) if part.startswith(sign) else 0)
            console.print(text, soft_wrap=True)

    for place, line in enumerate(report.heading):
        say(line, "" if place else "bold")
    left_out: dict[str, None] = {}
    for place, (table, fitted) in enumerate(
        zip(report.tables, fit(report.tables, width), strict=True)
    ):
        if place or report.heading:
            console.print()
        if table.title:
            say(table.title, "bold")
        left_out |= dict.fromkeys(fitted.left_out)
        if color:
            console.print(Text.assemble(*_drawn(fitted)), soft_wrap=True, end="")
        else:
            out.writelines(text for text, _ in _drawn(fitted))
    if report.closing and report.tables:
        console.print()
    for line in report.closing:
        say(line)
    if left_out:
        say(f"{NO_ROOM}{', '.join(left_out)} (| less -S shows all)", "dim")
    # A line ends where its text does, also where its last cells are empty.
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().split("\n")[:-1])


def _drawn(fitted: Fitted) -> Iterator[Part]:
    """Yield a table's text in parts, each with its style.

    Rich's own tables measure and wrap every cell again: 0.25 ms a row, a hundred times this.
    """
    table, widths = fitted.table, fitted.widths
    header, *texts = fitted.texts
    yield from _row(fitted, header, ["bold dim"] * len(header))
    yield ("─" * (sum(widths) + GAP * (len(widths) - 1)) + "\n", "dim")
    for line, written in zip(table.lines, texts, strict=True):
        if line is table.total:
            yield ("\n", "")
        styles = list(map(_style, table.columns, line, written))
        yield from _row(fitted, written, styles)


def _row(fitted: Fitted, texts: Sequence[str], styles: Sequence[str]) -> Iterator[Part]:
    """Yield a row: one line, or as many as its longest prose takes."""
    columns, widths = fitted.table.columns, fitted.widths
    cells = []
    for column, width, gave, text in zip(columns, widths, fitted.gave, texts, strict=True):
        if not gave:
            cells.append([text])
        else:
            cells.append(
                wrapped(text, width) if column.kind in WRAPPED else [shortened(text, width)]
            )
    for place in range(max(map(len, cells))):
        gap = 0
        for column, width, style, within in zip(columns, widths, styles, cells, strict=True):
            text = within[place] if place < len(within) else ""
            space = max(0, width - cell_len(text))  # a text may go beyond its column
            yield (" " * (gap + space * column.right), "")
            yield (text, style)
            gap = GAP + space * (not column.right)
        yield ("\n", "")


def _style(column: Column, value: Any, text: str) -> str:
    if column.kind == "mark" or text == "?":
        return SIGNS.get(text, "")
    if value == 0 and column.right and column.kind != "index":
        return "dim"
    return "bold" if column.strong else ""
