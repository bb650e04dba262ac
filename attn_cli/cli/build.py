"""`attn build`: a block as a file that others can use."""

from pathlib import Path
from typing import Annotated

import typer

from attn_cli.cli.network import (
    AtOption,
    InOption,
    SkipOption,
    refuse_beside_none,
    refuse_input_alone,
    refuse_with_network,
    refuse_without_network,
)
from attn_cli.cli.options import (
    BlockOption,
    BOption,
    ChannelsOption,
    FormatOption,
    GammaOption,
    InputOption,
    JsonOption,
    RatioOption,
    ShapeOption,
    SpecArgument,
    completing,
    input_from,
    shape_from,
    spec_from,
)
from attn_cli.cli.output import emit, picked_format
from attn_cli.cli.progress import load_tensorflow
from attn_cli.spec import NONE
from attn_cli.tf.network import check_build_in, save_network
from attn_cli.tf.save import check_build, save_block
from attn_cli.tf.start import SAME, STARTS
from attn_cli.views.saved import network_report, report


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
    within: InOption = None,
    at: AtOption = None,
    skip: SkipOption = None,
    input: InputOption = None,
    start: Annotated[
        str,
        typer.Option(
            metavar="START",
            help="With --in: same, so that outputs do not move, or fresh, as Keras initialises.",
            autocompletion=completing(STARTS),
        ),
    ] = SAME,
    seed: Annotated[int, typer.Option(metavar="N", help="What the weights are drawn from.")] = 0,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name, and its layers' prefix.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    format: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Build a block in Keras, alone or in a network, and save it.

    \b
    attn build eca -s 26,26,512 -o eca.keras
    attn build se:ratio=8 -s 56,56,256 -o se.tflite --seed 1
    attn build eca --in model.keras --at residual -o model-eca.keras
    """
    picked_format(format, json, None)
    path = Path(output)
    if within is not None:
        refuse_with_network(shape=shape, channels=channels, name=name)
        flags = {"ratio": ratio, "b": b, "gamma": gamma}
        if NONE in (spec, block):
            refuse_beside_none(block=block if spec == NONE else spec, **flags)
            put = None
        else:
            put = spec_from(spec, block, **flags)
        asked = check_build_in(
            within,
            put,
            at or (),
            skip or (),
            path,
            input_shape=input_from(input),
            seed=seed,
            start=start,
            force=force,
        )
        load_tensorflow()
        made = save_network(within, asked, path, seed=seed, start=start, force=force)
        emit(network_report(made), format, json, None)
        return
    refuse_without_network(at=at, skip=skip, start=start != SAME)
    refuse_input_alone(input)
    chosen = spec_from(spec, block, ratio, b, gamma)
    sized = shape_from(shape, channels)
    check_build(chosen, sized, path, seed=seed, name=name, force=force)
    load_tensorflow()
    saved = save_block(chosen, sized, path, seed=seed, name=name, force=force)
    emit(report(saved, chosen, sized), format, json, None)
