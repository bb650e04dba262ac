"""`attn inspect`: what is in a saved model, read and never run."""

from typing import Annotated

import typer

from attn_cli.analysis.inspect import Inspection, inspect_file
from attn_cli.cli.models import complete_model
from attn_cli.cli.options import (
    ChartFormatOption,
    InputOption,
    JsonOption,
    OutputOption,
    input_from,
)
from attn_cli.cli.output import emit, picked_format, write_error
from attn_cli.errors import AttnError, BadFile, BadShape
from attn_cli.graph import Shape
from attn_cli.views import formats_with
from attn_cli.views.inspect import files_report, layers_report, report


def inspect(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Files (.keras, .h5, .json of to_json()), or app:NAME of keras.applications.",
            autocompletion=complete_model,
        ),
    ],
    layers: Annotated[
        bool, typer.Option("--layers", help="Print all layers in place of the attention blocks.")
    ] = False,
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="With --layers: show models nested deeper than this in one row each."
        ),
    ] = None,
    input: InputOption = None,
    fail_if_none: Annotated[
        bool, typer.Option("--fail-if-none", help="Exit with 1 where a file has no attention.")
    ] = False,
    format: ChartFormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> int:
    """Show the attention in a saved model; nothing of it is run.

    \b
    attn inspect model.keras
    attn inspect export/*.keras app:EfficientNetB0 --format csv
    attn inspect model.h5 --layers --depth 1
    attn inspect app:MobileNetV3Large --input 224,224,3
    attn inspect model.keras -o model.html
    """
    if depth is not None and not layers:
        raise AttnError("--depth says how --layers shows nested models: give both")
    if depth is not None and depth < 0:
        raise AttnError(f"the depth is at least 0, not {depth}")
    if layers and len(files) > 1:
        raise AttnError("--layers shows the layers of one file")
    picked_format(format, json, output, formats_with("chart"))
    asked = input_from(input)
    if len(files) == 1:
        inspections = [inspect_file(files[0], asked)]
    else:
        told = [inspected_or_said(file, asked) for file in files]
        inspections = [each for each in told if each is not None]
    if not inspections:
        return 2
    if len(files) > 1:
        emit(files_report(inspections), format, json, output)
    elif layers:
        emit(layers_report(inspections[0], depth), format, json, output)
    else:
        emit(report(inspections[0]), format, json, output)
    if len(inspections) < len(files):
        return 2
    return int(fail_if_none and not all(inspection.blocks for inspection in inspections))


def inspected_or_said(file: str, asked: Shape | None) -> Inspection | None:
    """Return what one of several files holds; say why where it cannot be read."""
    try:
        return inspect_file(file, asked)
    except (BadFile, BadShape) as error:
        write_error(f"attn: {error}")
        return None
