"""JSON: the whole record, integers exact, null where a figure is unknown or meaningless."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attn_cli.views.report import Report

SCHEMA = 1


# What JSON leaves as it is: the last control character, and what a runner of CI takes for a command
# wherever it stands. Both can only stand in texts, where they can be written otherwise.
RAW = re.compile(r"\x7f|#(?=#\w*\[)")


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw the record, indented, in ASCII."""
    # Written piece by piece: the pieces of a large record take ten times its text.
    out = StringIO()
    json.dump({"schema": SCHEMA, **report.record()}, out, indent=2, allow_nan=False)
    return RAW.sub(lambda sign: f"\\u{ord(sign[0]):04x}", out.getvalue()) + "\n"
