"""Options that several commands share. Their values stay texts: spec.py gives them their types."""

from collections.abc import Collection, Iterator
from typing import Annotated

import typer

from attn_cli.blocks import BLOCKS, PRESETS
from attn_cli.errors import AttnError, BadShape, did_you_mean
from attn_cli.graph import Shape
from attn_cli.spec import Spec, looks_channels_first, parse_channels, parse_shape, parse_spec
from attn_cli.views import FORMATS


def complete_spec(incomplete: str) -> Iterator[str]:
    """Complete the name of a block."""
    return (name for name in (*BLOCKS, *PRESETS) if name.startswith(incomplete))


def complete_format(incomplete: str) -> Iterator[str]:
    """Complete the name of a format."""
    return (name for name in FORMATS if name.startswith(incomplete))


BlockOption = Annotated[
    str,
    typer.Option(
        "--block",
        "-b",
        metavar="SPEC",
        help="The block and its options: se, se:ratio=8, eca:gamma=3,b=2.",
        autocompletion=complete_spec,
    ),
]
ShapeOption = Annotated[
    str | None,
    typer.Option(
        "--shape",
        "-s",
        metavar="H,W,C",
        help="The input, channels last; None is a dynamic height or width.",
    ),
]
ChannelsOption = Annotated[
    str | None,
    typer.Option(
        "--channels",
        "-c",
        metavar="C",
        help="The channels; alone, with a dynamic height and width.",
    ),
]
RatioOption = Annotated[
    str | None, typer.Option("--ratio", metavar="N", help="The block's option ratio.")
]
BOption = Annotated[str | None, typer.Option("--b", metavar="X", help="The block's option b.")]
GammaOption = Annotated[
    str | None, typer.Option("--gamma", metavar="X", help="The block's option gamma.")
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help=f"One of {', '.join(FORMATS)}.",
        autocompletion=complete_format,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
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


def spec_from(block: str, ratio: str | None, b: str | None, gamma: str | None) -> Spec:
    """Return the spec that a block and the everyday flags name together."""
    flags = {"ratio": ratio, "b": b, "gamma": gamma}
    return parse_spec(block, {name: text for name, text in flags.items() if text is not None})


def shape_from(shape: str | None, channels: str | None) -> Shape:
    """Return the shape that --shape and --channels name together."""
    count = None if channels is None else parse_channels(channels)
    if shape is not None:
        parsed = parse_shape(shape, count)
        hint_channels_last(parsed)
        return parsed
    if count is None:
        raise BadShape("no input is given: --shape H,W,C, or --channels C")
    return (None, None, count)


def hint_channels_last(shape: Shape) -> None:
    """Say on stderr how a shape is read that looks like C,H,W."""
    if looks_channels_first(shape):
        from attn_cli.cli.output import write_error

        first, height, width = shape
        write_error(
            f"attn: note: {first},{height},{width} is read as H,W,C; "
            f"channels come last, so C,H,W is written {height},{width},{first}"
        )
