"""GitHub's workflow commands: an annotation on the line that asked for what does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attn_cli.views.report import Annotation, Report


def render(report: Report, width: int | None, color: bool) -> str:
    """Draw `::error` lines, which a runner shows in the changed files, and the last line."""
    lines = [_command(each) for each in report.annotations or ()]
    return "".join(f"{line}\n" for line in [*lines, *report.closing[-1:]])


def _command(annotation: Annotation) -> str:
    places = {"file": annotation.file, "line": annotation.line, "title": annotation.title}
    properties = ",".join(
        f"{key}={_property(str(value))}" for key, value in places.items() if value is not None
    )
    return f"::error {properties}::{_data(annotation.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
