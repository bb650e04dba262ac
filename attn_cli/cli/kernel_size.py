"""`attn kernel-size`: the rule of ECA, for scripts and for the curious."""

from typing import Annotated, Any

import typer

from attn_cli.blocks import find_block
from attn_cli.blocks.eca import eca_kernel_size
from attn_cli.cli.options import BOption, ChartFormatOption, GammaOption, JsonOption, OutputOption
from attn_cli.cli.output import emit, write
from attn_cli.spec import parse_channels, parse_spec
from attn_cli.views.report import Column, Picture, Report, Table

COLUMNS = (
    Column("channels", "channels", "int"),
    Column("kernel_size", "kernel", "int", strong=True),
    Column("steps", "how", "prose", leaves=1),
)


def kernel_size(
    channels: Annotated[
        list[str], typer.Argument(metavar="CHANNELS...", help="Numbers of channels; a line each.")
    ],
    b: BOption = None,
    gamma: GammaOption = None,
    format: ChartFormatOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Print the kernel size that ECA's rule gives to channels.

    \b
    attn kernel-size 512
    attn kernel-size 512 --b 2 --gamma 3
    attn kernel-size 64 128 256 512 1024 2048 --format table
    attn kernel-size 64 512 2048 -o kernels.svg
    """
    flags = {name: text for name, text in (("b", b), ("gamma", gamma)) if text is not None}
    spec = parse_spec("eca", flags)
    rule: dict[str, Any] = {name: spec.options[name] for name in ("b", "gamma")}
    counts = [parse_channels(text) for text in channels]
    kernels = [eca_kernel_size(count, **rule) for count in counts]
    if format is None and not json and output is None:
        write("".join(f"{kernel}\n" for kernel in kernels))
        return
    explain = find_block("eca").explain
    assert explain is not None
    steps = [explain(count, **spec.options) for count in counts]
    table = Table(COLUMNS, list(zip(counts, kernels, steps, strict=True)))
    keys = [column.key for column in COLUMNS]
    rows = [dict(zip(keys, row, strict=True)) for row in table.rows]
    picture = Picture("chart", lambda: staircase(rule, list(zip(counts, kernels, strict=True))))
    report = Report(lambda: {**rule, "rows": rows}, lambda: table, [table], picture=picture)
    emit(report, format, json, output)


def staircase(rule: dict[str, Any], asked: list[tuple[int, int]]) -> Any:
    """Return the chart of a rule, with what was asked for on it."""
    from attn_cli.views.pictures.staircase import of_kernels

    options = "  ".join(f"{name}={value:g}" for name, value in rule.items())
    return of_kernels(lambda channels: eca_kernel_size(channels, **rule), asked, options)
