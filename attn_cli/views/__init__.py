"""Faces: a report in, text out. One dict names the formats, and each is imported when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attn_cli.views.report import Report

# Each module has render(report, width, color) -> str, and ends in a newline.
FORMATS = {
    "table": "attn_cli.views.table",
    "json": "attn_cli.views.json",
    "csv": "attn_cli.views.csv",
    "markdown": "attn_cli.views.markdown",
    "plain": "attn_cli.views.plain",
}

# What draws a part that not every report has, and the part.
SPECIAL = {"github": ("attn_cli.views.github", "annotations")}

# The format that the suffix of an output file picks.
SUFFIXES = {".json": "json", ".csv": "csv", ".md": "markdown", ".txt": "table", ".tsv": "plain"}


def offered(report: Report) -> tuple[str, ...]:
    """Return the formats that a report can be drawn in."""
    special = [name for name, (_, part) in SPECIAL.items() if getattr(report, part) is not None]
    return (*FORMATS, *special)


def render(report: Report, format: str, width: int | None = None, color: bool = False) -> str:
    """Draw a report; a table keeps to a width, where there is one.

    What stands in a report may be anybody's words: here they become ones that can be shown.
    """
    from attn_cli.views.report import in_lines

    module = FORMATS[format] if format in FORMATS else SPECIAL[format][0]
    report = in_lines(report)
    text: str = import_module(module).render(report, width, color)
    return text
