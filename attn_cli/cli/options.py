"""Options that several commands share. Their values stay texts: spec.py gives them their types."""

from collections.abc import Callable, Collection, Iterable
from typing import Annotated, Any

import typer

from attn_cli.blocks import BLOCKS, PRESETS, find_block
from attn_cli.errors import AttnError, BadShape, BadSpec, did_you_mean
from attn_cli.graph import Shape
from attn_cli.sources.block import misread
from attn_cli.spec import (
    Place,
    Spec,
    parse_channels,
    parse_place,
    parse_shape,
    parse_spec,
)
from attn_cli.views import FORMATS, formats_with

# What a spec can begin with.
NAMES = (*BLOCKS, *PRESETS)


def completing(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what completes one of these words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def complete_spec(incomplete: str) -> list[str]:
    """Complete the name of a block; behind a colon, its options."""
    name, colon, options = incomplete.partition(":")
    if not colon or name not in NAMES:
        return completing(NAMES)(incomplete)
    head = incomplete[: len(incomplete) - len(options.rpartition(",")[2])]
    return completing([f"{head}{option}=" for option in find_block(name).defaults])(incomplete)


SpecArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SPEC]",
        help="The block and its options: se, se:ratio=8, eca:gamma=3,b=2.",
        autocompletion=complete_spec,
    ),
]
BlockOption = Annotated[
    str | None,
    typer.Option(
        "--block",
        "-b",
        metavar="SPEC",
        help="SPEC, by name.",
        autocompletion=complete_spec,
    ),
]
ShapeOption = Annotated[
    str | None,
    typer.Option(
        "--shape",
        "-s",
        metavar="H,W,C",
        help="The input, channels last; None is a dynamic H or W.",
    ),
]
ChannelsOption = Annotated[
    str | None,
    typer.Option(
        "--channels",
        "-c",
        metavar="C",
        help="The channels; alone, with a dynamic H and W.",
    ),
]
RatioOption = Annotated[
    str | None, typer.Option("--ratio", metavar="N", help="The block's option ratio.")
]
BOption = Annotated[str | None, typer.Option("--b", metavar="X", help="The block's option b.")]
GammaOption = Annotated[
    str | None, typer.Option("--gamma", metavar="X", help="The block's option gamma.")
]


def format_option(*formats: str) -> Any:
    """Return the option that picks one of these formats."""
    return typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help=f"One of {', '.join(formats)}.",
        autocompletion=completing(formats),
    )


FormatOption = Annotated[str | None, format_option(*FORMATS)]
DiagramFormatOption = Annotated[str | None, format_option(*formats_with("diagram"))]
ChartFormatOption = Annotated[str | None, format_option(*formats_with("chart"))]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
InputOption = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="H,W,C",
        help="Ask the model at another input size: shapes and costs are worked out anew.",
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to a file; its suffix picks the format. - is stdout.",
    ),
]


def known_key(kind: str, key: str, known: Collection[str]) -> str:
    """Return a key in its own spelling. Raises AttnError, with the nearest, where it is unknown."""
    spelt = key.strip().replace("-", "_").lower()
    if spelt not in known:
        hint = did_you_mean(spelt, known)
        raise AttnError(f"no {kind} is called {key!r}{hint} ({', '.join(known)})")
    return spelt


def spec_from(
    spec: str | None, block: str | None, ratio: str | None, b: str | None, gamma: str | None
) -> Spec:
    """Return the spec that a block, by position or by name, and the everyday flags make."""
    text = block if spec is None else spec
    if text is None:
        raise BadSpec("no block is given: SPEC, as in se or se:ratio=8 (attn blocks lists them)")
    if spec is not None and block is not None:
        raise BadSpec(f"the block is given twice: {spec!r}, and --block {block}")
    flags = {"ratio": ratio, "b": b, "gamma": gamma}
    return parse_spec(text, {name: text for name, text in flags.items() if text is not None})


def shape_from(shape: str | None, channels: str | None) -> Shape:
    """Return the shape that --shape and --channels name together."""
    count = None if channels is None else parse_channels(channels)
    if shape is not None:
        parsed = parse_shape(shape, count)
        hint_channels_last(parsed)
        return parsed
    return dynamic(count)


def input_from(text: str | None) -> Shape | None:
    """Return the input size that --input asks a model at."""
    return None if text is None else shape_from(text, None)


def places_from(shapes: list[str] | None, channels: str | None) -> list[Place]:
    """Return the inputs that --shape and --channels name together."""
    count = None if channels is None else parse_channels(channels)
    if not shapes:
        return [Place(dynamic(count))]
    places = [parse_place(text, count) for text in shapes]
    for place in places:
        hint_channels_last(place.shape)
    return places


def dynamic(channels: int | None) -> Shape:
    """Return the input that --channels names alone."""
    if channels is None:
        raise BadShape("no input is given: --shape H,W,C, or --channels C")
    return (None, None, channels)


def hint_channels_last(shape: Shape, where: str = "") -> None:
    """Say on stderr how a shape is read that looks like C,H,W, and where it stands in a file."""
    if hint := misread(shape):
        from attn_cli.cli.output import write_error

        write_error(f"attn: note: {where}{hint}")
