"""`attn blocks`: the catalogue, and a page for each block."""

from typing import Annotated

import typer

from attn_cli.analysis.figures import figures, width
from attn_cli.blocks import Block, find_block
from attn_cli.cli.options import (
    NAMES,
    ChannelsOption,
    FormatOption,
    JsonOption,
    OutputOption,
    ShapeOption,
    completing,
    shape_from,
)
from attn_cli.cli.output import emit
from attn_cli.errors import BadOption, BadShape
from attn_cli.graph import Shape
from attn_cli.spec import Spec
from attn_cli.views.blocks import Card, catalogue, page

# What costs are compared at where no shape is given: a mid stage of ResNet-50.
COMMON = (28, 28, 512)
# An input whose sizes, and their sum and product, tell themselves apart, to be written in letters.
PROBE = (29, 31, 512)
LETTERS = {29: "h", 31: "w", 512: "c", 29 + 31: "h + w", 29 * 31: "h·w"}


def blocks(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A block.", autocompletion=completing(NAMES)),
    ] = None,
    shape: ShapeOption = None,
    channels: ChannelsOption = None,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """List the blocks and what they cost, or show all about one.

    \b
    attn blocks
    attn blocks cbam
    attn blocks eca -s 14,14,1024 --json
    """
    sized = shape_from(shape, channels) if shape or channels else COMMON
    if name is None:
        cards = [card(find_block(known), sized) for known in NAMES]
        report = catalogue(cards, sized)
    else:
        block = find_block(name)
        measured = shape is not None or channels is not None
        steps = Spec(block, {}).trace(sized if measured else PROBE)
        letters = {} if measured else LETTERS | {width(steps) or 0: "s"}
        beside = [card(each, sized) for each in dict.fromkeys((block, find_block("se")))]
        report = page(beside, sized, steps, letters)
    emit(report, format, json, output)


def card(block: Block, shape: Shape) -> Card:
    """Return a block with its default options on one input, or why it cannot take that."""
    try:
        graph = Spec(block, {}).trace(shape)
    except (BadOption, BadShape) as error:
        return Card(block, None, f"{block.name}: {error}")
    return Card(block, figures(graph, block.defaults))
