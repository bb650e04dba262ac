"""`attn compare`: many blocks side by side."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, TypeVar

import typer

from attn_cli.analysis.compare import SORT_KEYS
from attn_cli.analysis.compare import compare as compare_blocks
from attn_cli.analysis.where import parse_block
from attn_cli.cli.network import (
    AtOption,
    InOption,
    SkipMisfitsOption,
    SkipOption,
    refuse_input_alone,
    refuse_with_network,
    refuse_without_network,
)
from attn_cli.cli.options import (
    ChannelsOption,
    ChartFormatOption,
    InputOption,
    JsonOption,
    OutputOption,
    complete_spec,
    completing,
    input_from,
    known_key,
    places_from,
)
from attn_cli.cli.output import emit, picked_format
from attn_cli.errors import AttnError, BadSpec
from attn_cli.files import note_read
from attn_cli.spec import A_MODEL, A_SHAPE, expanded, parse_spec, way_of
from attn_cli.views import formats_with
from attn_cli.views.compare import report

T = TypeVar("T")


def compare(
    specs: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC...",
            help="Blocks and their options; - reads them from stdin, a line each.",
            autocompletion=complete_spec,
        ),
    ],
    shape: Annotated[
        list[str] | None,
        typer.Option(
            "--shape",
            "-s",
            metavar="[N@]H,W,C",
            help="The input, channels last, and how many places have it; can be repeated.",
        ),
    ] = None,
    channels: ChannelsOption = None,
    within: InOption = None,
    at: AtOption = None,
    skip: SkipOption = None,
    skip_misfits: SkipMisfitsOption = False,
    input: InputOption = None,
    places: Annotated[
        bool, typer.Option("--places", help="With --in: show each place in a row.")
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="What to compare with, in place of the first block.",
            autocompletion=complete_spec,
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help=f"{', '.join(SORT_KEYS)}; -KEY for the largest first.",
            autocompletion=completing(SORT_KEYS),
        ),
    ] = None,
    format: ChartFormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Compare blocks side by side, on inputs or in a network.

    \b
    attn compare se:ratio={4,8,16} eca cbam -s 56,56,256 --sort params
    attn compare se:ratio=16 eca cbam -s 56,56,256 -o blocks.svg
    attn compare se:ratio=16 eca cbam --in app:ResNet50 --at residual
    attn compare eca none --in app:EfficientNetB0 --at se
    attn compare se:ratio=16 eca -s 4@28,28,512 -s 6@14,14,1024 --format csv
    seq 1 64 | sed s/^/se:width=/ | attn compare - -s 56,56,256 -f plain
    """
    if within is not None:
        refuse_with_network(shape=shape, channels=channels, baseline=baseline, sort=sort)
        picked_format(format, json, output, formats_with("chart"))
        blocks = all_specs(specs, parse_block)
        # A comparison of blocks on their own has no need of what reads a model.
        from attn_cli.analysis.network import compare_in_file
        from attn_cli.views.network import report as network_report

        asked = input_from(input)
        in_it = compare_in_file(
            within, blocks, at or (), skip or (), asked, skip_misfits=skip_misfits
        )
        emit(network_report(in_it, places), format, json, output)
        return
    refuse_without_network(at=at, skip=skip, skip_misfits=skip_misfits, places=places)
    refuse_input_alone(input)
    if sort is not None:
        sort = sort[: sort.startswith("-")] + known_key("sort key", sort.lstrip("-"), SORT_KEYS)
    for text in specs:
        if A_SHAPE.fullmatch(text) or A_MODEL.fullmatch(text):
            raise BadSpec(f"{text!r} is no block; {way_of(text)}")
    inputs = places_from(shape, channels)
    compared = all_specs(specs, parse_spec)
    comparison = compare_blocks(compared, inputs, baseline=baseline, sort=sort)
    emit(report(comparison), format, json, output)


def all_specs(texts: list[str], parse: Callable[[str], T]) -> list[T]:
    """Return what all arguments are parsed to. Raises BadSpec where that is nothing."""
    specs = [spec for text in texts for spec in read_specs(text, parse)]
    if not specs:
        raise BadSpec("no block is given: stdin has no line with one")
    return specs


def read_specs(text: str, parse: Callable[[str], T]) -> list[T]:
    """Return what an argument is parsed to; of -, each line of stdin (# starts a comment)."""
    if text != "-":
        return [parse(spec) for spec in expanded(text)]
    if sys.stdin is None:
        raise BadSpec("cannot read specs from standard input: it is closed")
    with suppress(OSError, ValueError):  # it may be no file at all
        note_read(os.fstat(sys.stdin.fileno()))
    specs = []
    for number, line in enumerate(sys.stdin.buffer, start=1):
        # What is no UTF-8 becomes signs that no block has: the line is named, as for other errors.
        spec = line.decode("utf-8-sig", "surrogateescape").partition("#")[0].strip()
        if spec:
            try:
                specs += [parse(each) for each in expanded(spec)]
            except AttnError as error:
                raise BadSpec(f"stdin, line {number}: {error}") from None
    return specs
