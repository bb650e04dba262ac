"""JSON: the whole record, integers exact, null where a figure is unknown or meaningless."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attn_cli.views.report import Report

SCHEMA = 1


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw the record, indented, in ASCII."""
    return json.dumps({"schema": SCHEMA, **report.record()}, indent=2, allow_nan=False) + "\n"
