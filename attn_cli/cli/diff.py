"""`attn diff`: what changed between two saved models."""

from typing import Annotated

import typer

from attn_cli.analysis.diff import diff as diff_models
from attn_cli.analysis.inspect import Inspection, inspect_file
from attn_cli.cli.models import complete_model
from attn_cli.cli.options import ChartFormatOption, JsonOption, OutputOption
from attn_cli.cli.output import emit, picked_format
from attn_cli.errors import BadFile
from attn_cli.views import formats_with
from attn_cli.views.diff import report


def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="BEFORE",
            help="A saved model, or app:NAME of keras.applications.",
            autocompletion=complete_model,
        ),
    ],
    after: Annotated[
        str,
        typer.Argument(
            metavar="AFTER", help="Another, or what it became.", autocompletion=complete_model
        ),
    ],
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 where anything differs.")
    ] = False,
    format: ChartFormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> int:
    """Compare two saved models: attention added, removed, changed.

    \b
    attn diff before.keras after.keras
    attn diff before.keras after.keras --format markdown --exit-code
    """
    picked_format(format, json, output, formats_with("chart"))
    changes = diff_models(layered(before), layered(after))
    emit(report(changes), format, json, output)
    return int(exit_code and changes.is_different)


def layered(file: str) -> Inspection:
    """Return what a file holds. Raises BadFile where it cannot be read, or tells no layers."""
    inspection = inspect_file(file)
    if inspection.model.graph is None:
        raise BadFile(f"{inspection.file}: the file does not tell the layers, only their weights")
    return inspection
