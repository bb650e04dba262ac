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

# The format that the suffix of an output file picks.
SUFFIXES = {".json": "json", ".csv": "csv", ".md": "markdown", ".txt": "table", ".tsv": "plain"}


def render(report: Report, format: str, width: int | None = None, color: bool = False) -> str:
    """Draw a report; a table keeps to a width, where there is one."""
    text: str = import_module(FORMATS[format]).render(report, width, color)
    return text
