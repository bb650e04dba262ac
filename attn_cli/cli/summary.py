"""`attn summary`: what a block looks like and costs."""

from typing import Annotated

import typer

from attn_cli.analysis.figures import FIGURES, Figures
from attn_cli.analysis.summary import Summary, summarise, summary_of
from attn_cli.cli.options import (
    BlockOption,
    BOption,
    ChannelsOption,
    DiagramFormatOption,
    GammaOption,
    JsonOption,
    OutputOption,
    RatioOption,
    ShapeOption,
    SpecArgument,
    completing,
    known_key,
    shape_from,
    spec_from,
)
from attn_cli.cli.output import emit, write
from attn_cli.cost import reasons
from attn_cli.errors import AttnError
from attn_cli.graph import Shape
from attn_cli.spec import Spec
from attn_cli.views.summary import COLUMNS, report

COLUMN_KEYS = tuple(column.key for column in COLUMNS)


def summary(
    spec: SpecArgument = None,
    block: BlockOption = None,
    shape: ShapeOption = None,
    channels: ChannelsOption = None,
    ratio: RatioOption = None,
    b: BOption = None,
    gamma: GammaOption = None,
    get: Annotated[
        str | None,
        typer.Option(
            metavar="FIGURE",
            help=f"Print one bare figure: {', '.join(FIGURES)}.",
            autocompletion=completing(FIGURES),
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help=f"Choose columns, separated by commas: {', '.join(COLUMN_KEYS)}.",
            autocompletion=completing(COLUMN_KEYS),
        ),
    ] = None,
    build: Annotated[
        bool, typer.Option("--build", help="Build the block in TensorFlow and summarise that.")
    ] = False,
    format: DiagramFormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show a block's layers, shapes, parameters, MACs and FLOPs.

    \b
    attn summary eca -s 26,26,512
    attn summary se:ratio=8 -s 56,56,256 --columns name,params,macs
    attn summary cbam -s 26,26,512 --json
    attn summary se -c 512 --get width
    attn summary eca -s 26,26,512 -o eca.svg
    """
    chosen = spec_from(spec, block, ratio, b, gamma)
    sized = shape_from(shape, channels)
    if get is not None:
        if json or any(each is not None for each in (format, columns, output)):
            raise AttnError("--get prints one bare figure: it takes no format, columns or file")
        get = known_key("figure", get, FIGURES)
    keys = None if columns is None else columns_from(columns)
    summarised = built(chosen, sized) if build else summarise(chosen, sized)
    if get is not None:
        write(f"{figure(summarised.figures, get, chosen.text)}\n")
    else:
        emit(report(summarised, keys), format, json, output)


def columns_from(text: str) -> list[str]:
    """Return the columns that --columns names, in its order."""
    keys = [known_key("column", key, COLUMN_KEYS) for key in text.split(",")]
    for key in keys:
        if keys.count(key) > 1:
            raise AttnError(f"column {key} is named twice in {text!r}")
    return keys


def built(spec: Spec, shape: Shape) -> Summary:
    """Return the summary of a block as Keras builds it."""
    from attn_cli.cli.progress import load_tensorflow
    from attn_cli.tf.load import versions
    from attn_cli.tf.memory import check_weights
    from attn_cli.tf.walk import build_model, walk

    check_weights(spec.trace(shape))
    load_tensorflow()
    graph = walk(build_model(spec.block.build, shape, **spec.given))
    used = versions()
    return summary_of(
        spec, graph, f"built with Keras {used['keras']} on TensorFlow {used['tensorflow']}"
    )


def figure(figures: Figures, key: str, spec: str) -> int:
    """Return one figure. Raises AttnError where it is unknown or meaningless."""
    value = FIGURES[key](figures)
    if value is None:
        why = f"is unknown: {reasons(figures.cost.unknown)}"
        if key in ("width", "kernel_size"):
            why = "means nothing: it has none"
        raise AttnError(f"{key} of {spec} {why}")
    return value
