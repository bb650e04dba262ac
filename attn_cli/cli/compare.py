"""`attn compare`: many blocks side by side."""

import sys
from typing import Annotated

import typer

from attn_cli.analysis.compare import SORT_KEYS
from attn_cli.analysis.compare import compare as compare_blocks
from attn_cli.cli.options import (
    ChannelsOption,
    FormatOption,
    JsonOption,
    OutputOption,
    complete_spec,
    completing,
    known_key,
    places_from,
)
from attn_cli.cli.output import emit
from attn_cli.errors import AttnError, BadSpec
from attn_cli.spec import Spec, parse_spec
from attn_cli.views.compare import report


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
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Compare blocks side by side, on one input or on many.

    \b
    attn compare se:ratio={4,8,16} eca cbam -s 56,56,256 --sort params
    attn compare se:ratio=16 eca -s 4@28,28,512 -s 6@14,14,1024 --format csv
    seq 1 64 | sed s/^/se:width=/ | attn compare - -s 56,56,256 -f plain
    """
    if sort is not None:
        sort = sort[: sort.startswith("-")] + known_key("sort key", sort.lstrip("-"), SORT_KEYS)
    places = places_from(shape, channels)
    compared = [spec for text in specs for spec in read_specs(text)]
    if not compared:
        raise BadSpec("no block is given: stdin has no line with one")
    comparison = compare_blocks(compared, places, baseline=baseline, sort=sort)
    emit(report(comparison), format, json, output)


def read_specs(text: str) -> list[Spec]:
    """Return the spec of an argument; of -, those on the lines of stdin (# starts a comment)."""
    if text != "-":
        return [parse_spec(text)]
    if sys.stdin is None:
        raise BadSpec("cannot read specs from standard input: it is closed")
    specs = []
    for number, line in enumerate(sys.stdin.buffer, start=1):
        # What is no UTF-8 becomes signs that no block has: the line is named, as for other errors.
        spec = line.decode("utf-8-sig", "surrogateescape").partition("#")[0].strip()
        if spec:
            try:
                specs.append(parse_spec(spec))
            except AttnError as error:
                raise BadSpec(f"stdin, line {number}: {error}") from None
    return specs
