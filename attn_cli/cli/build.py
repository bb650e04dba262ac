"""`attn build`: a block as a file that others can use."""

from pathlib import Path
from typing import Annotated

import typer

from attn_cli.cli.options import (
    BlockOption,
    BOption,
    ChannelsOption,
    FormatOption,
    GammaOption,
    JsonOption,
    RatioOption,
    ShapeOption,
    SpecArgument,
    shape_from,
    spec_from,
)
from attn_cli.cli.output import emit, picked_format
from attn_cli.cli.progress import load_tensorflow
from attn_cli.tf.save import check_build, save_block
from attn_cli.views.saved import report


def build(
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .keras or .tflite file; without a suffix, a SavedModel folder.",
        ),
    ],
    spec: SpecArgument = None,
    block: BlockOption = None,
    shape: ShapeOption = None,
    channels: ChannelsOption = None,
    ratio: RatioOption = None,
    b: BOption = None,
    gamma: GammaOption = None,
    seed: Annotated[int, typer.Option(metavar="N", help="What the weights are drawn from.")] = 0,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name, and its layers' prefix.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    format: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Build a block in Keras, save it, and prove it by loading it.

    \b
    attn build eca -s 26,26,512 -o eca.keras
    attn build se:ratio=8 -s 56,56,256 -o se.tflite --seed 1
    """
    picked_format(format, json, None)
    chosen = spec_from(spec, block, ratio, b, gamma)
    sized = shape_from(shape, channels)
    path = Path(output)
    check_build(chosen, sized, path, seed=seed, name=name, force=force)
    load_tensorflow()
    saved = save_block(chosen, sized, path, seed=seed, name=name, force=force)
    emit(report(saved, chosen, sized), format, json, None)
