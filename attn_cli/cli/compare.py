"""`attn compare`: many blocks side by side."""

import sys
from typing import Annotated

import typer

from attn_cli.analysis.compare import SORT_KEYS, Entry
from attn_cli.analysis.compare import compare as compare_entries
from attn_cli.analysis.figures import figures
from attn_cli.cli.options import (
    ChannelsOption,
    FormatOption,
    JsonOption,
    OutputOption,
    complete_spec,
    completing,
    hint_channels_last,
    known_key,
)
from attn_cli.cli.output import emit
from attn_cli.errors import AttnError, BadOption, BadShape, BadSpec
from attn_cli.spec import Place, Spec, parse_channels, parse_place, parse_spec
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
    base = 0
    if baseline is not None:
        against = parse_spec(baseline)
        texts = [spec.text for spec in compared]
        if against.text not in texts:
            compared.insert(0, against)
        else:
            base = texts.index(against.text)
    entries = [[entry(spec, place) for spec in compared] for place in places]
    emit(report(compare_entries(entries, base, sort)), format, json, output)


def entry(spec: Spec, place: Place) -> Entry:
    """Return the figures of a block on one input."""
    options = spec.options
    try:
        graph = spec.trace(place.shape)
    except (BadOption, BadShape) as error:
        raise type(error)(f"{spec.text} on {place.text}: {error}") from None
    return Entry(
        block=spec.block.name,
        spec=spec.text,
        options=options,
        shape=place.shape,
        places=place.times,
        figures=figures(graph, options),
    )


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


def places_from(shapes: list[str] | None, channels: str | None) -> list[Place]:
    """Return the inputs that --shape and --channels name together."""
    count = None if channels is None else parse_channels(channels)
    if not shapes:
        if count is None:
            raise BadShape("no input is given: --shape H,W,C, or --channels C")
        return [Place((None, None, count))]
    places = [parse_place(text, count) for text in shapes]
    for place in places:
        hint_channels_last(place.shape)
    return places
