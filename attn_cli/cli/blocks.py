"""`attn blocks`: the catalogue, and a page for each block."""

from typing import Annotated

import typer

from attn_cli.analysis.figures import figures, kernel_size
from attn_cli.analysis.formula import in_numbers, probe
from attn_cli.blocks import Block, find_block
from attn_cli.cli.options import (
    NAMES,
    ChannelsOption,
    DiagramFormatOption,
    JsonOption,
    OutputOption,
    ShapeOption,
    complete_spec,
    shape_from,
)
from attn_cli.cli.output import emit, picked_format, write
from attn_cli.errors import AttnError, BadOption, BadShape
from attn_cli.graph import Shape
from attn_cli.spec import Spec, parse_spec
from attn_cli.views import FORMATS, formats_with
from attn_cli.views.blocks import Card, catalogue, page
from attn_cli.views.report import Report

# What costs are compared at where no shape is given: a mid stage of ResNet-50, at the ratio that
# most papers take.
COMMON = (28, 28, 512)
RATIO = 16


def blocks(
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="[SPEC]",
            help="A block, and its options: se, se:ratio=8.",
            autocompletion=complete_spec,
        ),
    ] = None,
    shape: ShapeOption = None,
    channels: ChannelsOption = None,
    source: Annotated[
        bool, typer.Option("--source", help="Print a block as Keras code, to paste and run.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="With --source: all of its options, and its checks.")
    ] = False,
    format: DiagramFormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """List the blocks and what they cost, or show all about one.

    \b
    attn blocks
    attn blocks cbam
    attn blocks se:ratio=8 -s 14,14,1024 --json
    attn blocks se --source
    attn blocks cbam -o cbam.svg
    """
    if full and not source:
        raise AttnError("--full is about the code of a block: --source --full")
    if source:
        if spec is None:
            raise AttnError("--source prints the code of one block: name it")
        if json or any(each is not None for each in (shape, channels, format, output)):
            raise AttnError("--source prints code: it takes no input, format or file")
        write(code_of(parse_spec(spec), full))
        return
    measured = shape is not None or channels is not None
    sized = shape_from(shape, channels) if measured else COMMON
    if spec is None:
        picked = picked_format(format, json, output, formats_with("diagram"))
        if picked not in FORMATS:
            raise AttnError(f"{picked} is a picture of one block: name it, as in attn blocks se")
        ratio = min(RATIO, sized[-1] or RATIO)
        cards = [card(at_ratio(find_block(name), ratio), sized) for name in NAMES]
        report = catalogue(cards, sized, ratio)
    else:
        report = one_page(parse_spec(spec), sized, measured)
    emit(report, format, json, output)


def code_of(spec: Spec, full: bool) -> str:
    """Return a block as code: all of it, or what is left of it with its options put in."""
    if full:
        from attn_cli.blocks.source import full_source

        return full_source(spec.block, spec.given)
    from attn_cli.blocks.short import short_source

    return short_source(spec.block, spec.given)


def one_page(spec: Spec, shape: Shape, measured: bool) -> Report:
    """Return the page of a block, beside SE at its ratio; in letters where no input was given."""
    letters: dict[int, str] = {}
    kernel = None
    if measured:
        steps = spec.trace(shape)
    else:
        steps, sizes = probe(spec)
        letters = {size: letter for letter, size in reversed(sizes.items())}
        # Padded by hand, the channels show the kernel that follows from how many they are.
        padding = (kernel_size(steps) or 1) - 1
        if padding and any(sizes["c"] + padding in node.output_shapes[0] for node in steps.nodes):
            letters[sizes["c"] + padding] = f"c + {padding}"
            kernel = padding + 1
    first = card(spec, shape)
    rival = at_ratio(find_block("se"), first.ratio or RATIO)
    cards = [first] if spec.block.name == "se" else [first, card(rival, shape)]
    count, figured = shape[-1], first.figures
    told = in_numbers(spec, count, figured) if measured and count and figured else None
    return page(cards, shape, steps, letters, told, kernel)


def at_ratio(block: Block, ratio: int) -> Spec:
    """Return a block at this ratio, where it has one and is no preset."""
    return Spec(block, {"ratio": ratio} if "ratio" in block.defaults and not block.preset else {})


def card(spec: Spec, shape: Shape) -> Card:
    """Return a block on one input, or why it cannot take that."""
    try:
        graph = spec.trace(shape)
    except (BadOption, BadShape) as error:
        return Card(spec, None, f"{spec.text}: {error}")
    return Card(spec, figures(graph, spec.options))
