"""`attn bench`: how long blocks take in TensorFlow on this machine."""

from typing import Annotated

import typer

from attn_cli.analysis.figures import figures
from attn_cli.analysis.where import parse_block
from attn_cli.cli.network import (
    AtOption,
    InOption,
    SkipOption,
    refuse_input_alone,
    refuse_with_network,
    refuse_without_network,
)
from attn_cli.cli.options import (
    ChannelsOption,
    FormatOption,
    InputOption,
    JsonOption,
    OutputOption,
    ShapeOption,
    complete_spec,
    input_from,
    shape_from,
)
from attn_cli.cli.output import emit, picked_format
from attn_cli.cli.progress import Progress, load_tensorflow
from attn_cli.spec import expanded, parse_spec
from attn_cli.tf import time as timing
from attn_cli.views.bench import Timed, network_report, report


def bench(
    specs: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC...", help="Blocks and their options.", autocompletion=complete_spec
        ),
    ],
    shape: ShapeOption = None,
    channels: ChannelsOption = None,
    within: InOption = None,
    at: AtOption = None,
    skip: SkipOption = None,
    input: InputOption = None,
    batch: Annotated[int, typer.Option(metavar="N", help="Samples in a call.")] = 1,
    runs: Annotated[int, typer.Option(metavar="N", help="How often each block is timed.")] = 100,
    warmup: Annotated[int, typer.Option(metavar="N", help="Runs before those.")] = 10,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Time blocks in TensorFlow, alone or in a network.

    \b
    attn bench se eca cbam -s 26,26,512
    attn bench se eca --in app:MobileNetV2 --at depthwise --runs 30
    attn bench se:ratio={4,16} -s 56,56,256 --batch 8 --runs 30
    """
    picked_format(format, json, output)
    if within is not None:
        refuse_with_network(shape=shape, channels=channels)
        blocks = [parse_block(spec) for text in specs for spec in expanded(text)]
        compared = timing.check_in(
            within, blocks, at or (), skip or (), batch, runs, warmup, input_from(input)
        )
        load_tensorflow()
        with Progress(warmup + runs) as progress:
            benched = timing.bench_in(within, blocks, compared, batch, runs, warmup, progress.show)
        emit(network_report(compared, blocks, benched), format, json, output)
        return
    refuse_without_network(at=at, skip=skip)
    refuse_input_alone(input)
    parsed = [parse_spec(spec) for text in specs for spec in expanded(text)]
    sized = shape_from(shape, channels)
    timing.check(parsed, sized, batch, runs, warmup)
    load_tensorflow()
    with Progress(warmup + runs) as progress:
        benched = timing.bench(parsed, sized, batch, runs, warmup, progress.show)
    rows = [Timed(spec, figures(spec.trace(sized), spec.options)) for spec in parsed]
    emit(report(rows, benched), format, json, output)
