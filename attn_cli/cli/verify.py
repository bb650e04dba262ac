"""`attn verify`: what the traces say, held against TensorFlow."""

from collections.abc import Sequence
from typing import Annotated

import typer

from attn_cli.analysis.network import NetworkComparison
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
    complete_spec,
    input_from,
    shape_from,
)
from attn_cli.cli.output import emit, picked_format
from attn_cli.cli.progress import Progress, load_tensorflow
from attn_cli.errors import BadSpec
from attn_cli.spec import expanded, parse_spec
from attn_cli.tf import verify as verifying
from attn_cli.tf.load import versions
from attn_cli.tf.verify_in import prepare_in
from attn_cli.views.verify import report


def verify(
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPEC]...", help="Blocks and their options.", autocompletion=complete_spec
        ),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            "--shape", "-s", metavar="H,W,C", help="The input, channels last; can be repeated."
        ),
    ] = None,
    channels: ChannelsOption = None,
    within: InOption = None,
    at: AtOption = None,
    skip: SkipOption = None,
    input: InputOption = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every block and preset, with each option changed.")
    ] = False,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> int:
    """Check what is said of a block, alone or in a network.

    \b
    attn verify eca se:ratio=8 -s 26,26,512
    attn verify eca --in app:MobileNetV2 --at depthwise
    attn verify --all
    """
    picked_format(format, json, output)
    if within is not None:
        refuse_with_network(shape=shape, channels=channels, all=every)
    if every and specs:
        raise BadSpec(f"--all is every block: leave {specs[0]!r} out, or --all")
    if not every and not specs:
        raise BadSpec("no block is given: name some, or --all")
    if within is not None:
        blocks = [parse_block(spec) for text in specs or () for spec in expanded(text)]
        compared, in_it = prepare_in(within, blocks, at or (), skip or (), input_from(input))
        return _emit(_run(in_it), compared, format, json, output)
    refuse_without_network(at=at, skip=skip)
    refuse_input_alone(input)
    parsed = [parse_spec(spec) for text in specs or () for spec in expanded(text)]
    shapes = [shape_from(text, channels) for text in shape or ()]
    if channels is not None and not shapes:
        shapes = [shape_from(None, channels)]
    cases = [
        verifying.prepare(spec, sized)
        for sized in shapes or verifying.SHAPES
        for spec in (verifying.every_spec(sized) if every else parsed)
    ]
    return _emit(_run(cases), None, format, json, output)


def _run(cases: Sequence[verifying.Case]) -> list[verifying.Verification]:
    """Verify one after the other, and show how far that is."""
    load_tensorflow()
    verified: list[verifying.Verification] = []
    with Progress(len(cases)) as progress:
        for case in cases:
            progress.show(len(verified), case.as_given)
            verified.append(verifying.run(case))
    return verified


def _emit(
    verified: list[verifying.Verification],
    compared: NetworkComparison | None,
    format: str | None,
    json: bool,
    output: str | None,
) -> int:
    emit(report(verified, versions(), compared), format, json, output)
    return 0 if all(each.ok for each in verified) else 1
