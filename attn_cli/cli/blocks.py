"""`attn blocks`: the catalogue, and a page for each block."""

from typing import Annotated

import typer

from attn_cli.analysis.figures import figures, width
from attn_cli.analysis.formula import worked_out
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
from attn_cli.cli.output import emit, write
from attn_cli.errors import AttnError, BadOption, BadShape
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
    source: Annotated[
        bool, typer.Option("--source", help="Print a block's own Keras code, to paste and run.")
    ] = False,
    format: FormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """List the blocks and what they cost, or show all about one.

    \b
    attn blocks
    attn blocks cbam
    attn blocks eca -s 14,14,1024 --json
    attn blocks se --source
    """
    if source:
        if name is None:
            raise AttnError("--source prints the code of one block: name it")
        if json or any(each is not None for each in (shape, channels, format, output)):
            raise AttnError("--source prints code: it takes no input, format or file")
        from attn_cli.blocks.source import keras_source

        write(keras_source(find_block(name)))
        return
    measured = shape is not None or channels is not None
    sized = shape_from(shape, channels) if measured else COMMON
    if name is None:
        cards = [card(find_block(known), sized) for known in NAMES]
        report = catalogue(cards, sized)
    else:
        block = find_block(name)
        steps = Spec(block, {}).trace(sized if measured else PROBE)
        letters = {} if measured else LETTERS | {width(steps) or 0: "s"}
        beside = [card(each, sized) for each in dict.fromkeys((block, find_block("se")))]
        count, figured = sized[-1], beside[0].figures
        in_numbers = worked_out(block, count, figured) if measured and count and figured else None
        report = page(beside, sized, steps, letters, in_numbers)
    emit(report, format, json, output)


def card(block: Block, shape: Shape) -> Card:
    """Return a block with its default options on one input, or why it cannot take that."""
    try:
        graph = Spec(block, {}).trace(shape)
    except (BadOption, BadShape) as error:
        return Card(block, None, f"{block.name}: {error}")
    return Card(block, figures(graph, block.defaults))
