"""Faces: a report in, text or a picture out. Dicts name them; each is imported when asked for."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attn_cli.errors import MissingPackage
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

# For each kind of picture the formats that it is drawn in, and by what: each is a function
# draw(report) -> str | bytes, which asks report.picture for its subject.
PICTURES = {
    "diagram": {
        "svg": "attn_cli.views.pictures.svg:draw",
        "png": "attn_cli.views.pictures.svg:png",
        "pdf": "attn_cli.views.pictures.svg:pdf",
        "dot": "attn_cli.views.pictures.dot:draw",
        "mermaid": "attn_cli.views.pictures.mermaid:draw",
    },
    "chart": {
        "svg": "attn_cli.views.pictures.vega:draw",
        "png": "attn_cli.views.pictures.vega:png",
        "pdf": "attn_cli.views.pictures.vega:pdf",
        "html": "attn_cli.views.pictures.page:draw",
    },
}

# What no terminal can show.
BINARY = frozenset(("png", "pdf"))

# The format that the suffix of an output file picks.
SUFFIXES = {
    ".json": "json", ".csv": "csv", ".md": "markdown", ".txt": "table", ".tsv": "plain",
    ".svg": "svg", ".png": "png", ".pdf": "pdf", ".html": "html", ".dot": "dot", ".mmd": "mermaid",
}  # fmt: skip


def formats_with(kind: str | None) -> tuple[str, ...]:
    """Return the formats of a report that has this kind of picture."""
    return (*FORMATS, *PICTURES[kind]) if kind else (*FORMATS,)


def offered(report: Report) -> tuple[str, ...]:
    """Return the formats that a report can be drawn in."""
    special = [name for name, (_, part) in SPECIAL.items() if getattr(report, part) is not None]
    return (*formats_with(report.picture and report.picture.kind), *special)


def render(
    report: Report, format: str, width: int | None = None, color: bool = False
) -> str | bytes:
    """Draw a report, or its picture; a table keeps to a width, where there is one.

    What stands in a report may be anybody's words: here they become ones that can be shown. JSON,
    which has escapes of its own, has them as they are.
    """
    from attn_cli.views.report import in_lines

    if format != "json":
        report = in_lines(report)
    drawn: str | bytes
    if format in FORMATS or format in SPECIAL:
        module = FORMATS[format] if format in FORMATS else SPECIAL[format][0]
        drawn = import_module(module).render(report, width, color)
        return drawn
    assert report.picture is not None
    module, _, function = PICTURES[report.picture.kind][format].partition(":")
    drawn = getattr(import_module(module), function)(report)
    return drawn


def absent(package: str) -> MissingPackage:
    """Return what there is to say where a picture needs a package that is not installed.

    The package itself, as ours asks for it: wherever that was had from, and without the rest of it.
    """
    from importlib.metadata import PackageNotFoundError, requires

    from attn_cli.errors import MissingPackage

    wanted = package
    with suppress(PackageNotFoundError):
        asked = [each.partition(";")[0].strip() for each in requires("attn-cli") or ()]
        wanted = next((each for each in asked if each.startswith(package)), package)
    return MissingPackage(
        f"{package} draws this picture, and is not installed: pip install '{wanted}'"
    )
