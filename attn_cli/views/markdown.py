"""Markdown: the heading, the tables and the closing lines, as for a pull-request comment.

What stands in them is shown as it is. What Markdown reads as markup is escaped; what GitHub makes
links of afterwards, whatever is escaped, stands in code: @names, addresses, #numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attn_cli.views.report import pretty

if TYPE_CHECKING:
    from attn_cli.views.report import Column, Report, Table


WORD = re.compile(r"\S+")
MARKUP = re.compile(r"[\\`*_\[\]<>|#~&$]")
LINKED = re.compile(r"@\w|://|\bwww\.|#\d|\bGH-\d|\b(?:mailto|xmpp):|:[\w+-]+:", re.IGNORECASE)
# What makes an item of a list of a line, or a heading of the one before.
BEGINS = re.compile(r"(\d*)([-+.)](?=\s|$)|[=-]+\s*$)")


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw GitHub's tables; what Markdown would read as markup is escaped."""
    blocks = ["  \n".join(map(_line, report.heading))] if report.heading else []
    for table in report.tables:
        if table.title:
            blocks.append(f"**{escape(table.title)}**")
        blocks.append(_table(table))
    blocks += map(_line, report.closing)
    return "\n\n".join(blocks) + "\n"


def _line(text: str) -> str:
    line = escape(text)
    begins = BEGINS.match(line)
    return f"{begins[1]}\\{line[begins.start(2) :]}" if begins else line


def _table(table: Table) -> str:
    places = [place for place, column in enumerate(table.columns) if column.kind != "bar"]
    columns = [table.columns[place] for place in places]
    lines = [
        [escape(column.header) for column in columns],
        ["---:" if column.right else "---" for column in columns],
    ]
    lines += [[_cell(table.columns[place], row[place]) for place in places] for row in table.lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(column: Column, value: object) -> str:
    return escape(pretty(column, value), "\\|")


def escape(text: str, bar: str = "|") -> str:
    """Return text that is shown as it is; `bar` is what a vertical bar in code is written as."""

    def shown(word: re.Match[str]) -> str:
        linked = LINKED.search(word[0])
        return _code(word[0], bar) if linked else MARKUP.sub(r"\\\g<0>", word[0])

    return WORD.sub(shown, text)


def _code(text: str, bar: str) -> str:
    """Return a word as code, in more backticks than stand in it."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in (text[0], text[-1]) else ""
    return f"{ticks}{space}{text.replace('|', bar)}{space}{ticks}"
