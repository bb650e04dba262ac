"""Markdown: the heading, the tables and the closing lines, as for a pull-request comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.views.report import pretty

if TYPE_CHECKING:
    from attn_cli.views.report import Column, Report, Table


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw GitHub's tables; what Markdown would read as markup is escaped."""
    blocks = ["  \n".join(map(escape, report.heading))] if report.heading else []
    for table in report.tables:
        if table.title:
            blocks.append(f"**{escape(table.title)}**")
        blocks.append(_table(table))
    blocks += map(escape, report.closing)
    return "\n\n".join(blocks) + "\n"


def _table(table: Table) -> str:
    places = [place for place, column in enumerate(table.columns) if column.kind != "bar"]
    columns = [table.columns[place] for place in places]
    lines = [
        [escape(column.header) for column in columns],
        ["---:" if column.right else "---" for column in columns],
    ]
    lines += [
        [_cell(table.columns[place], row[place]) for place in places]
        for row in [*table.rows, *([table.total] if table.total else [])]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(column: Column, value: object) -> str:
    return escape(pretty(column, value))


def escape(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#~" else sign for sign in text)
