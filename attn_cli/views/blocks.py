"""The catalogue of blocks, and the page of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.blocks import find_block
from attn_cli.blocks.options import format_value
from attn_cli.spec import Spec
from attn_cli.views.records import figures_record
from attn_cli.views.report import EXTRA, Column, Report, Table, chosen, size_text, with_batch
from attn_cli.views.summary import unknown_reasons

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from attn_cli.analysis.figures import Figures
    from attn_cli.blocks import Block
    from attn_cli.graph import Graph, Shape

DOMAINS = {
    "channel": "channel attention: which channels",
    "spatial": "spatial attention: which positions",
    "both": "channel and spatial attention",
}
CATALOGUE = (
    Column("name", "block"),
    Column("title", "", "name"),
    Column("domain", "domain"),
    Column("params", "params", "int", strong=True, missing="?"),
    Column("macs", "MACs", "int", leaves=1, missing="?"),
    Column("flops", "FLOPs", "int", leaves=2, missing="?"),
    Column("trainable", "trainable params", leaves=EXTRA),
    Column("options", "options", leaves=EXTRA + 2),
    Column("paper", "paper", leaves=EXTRA + 1),
)
OPTIONS = (
    Column("name", "option"),
    Column("type", "type", leaves=3),
    Column("default", "default", leaves=2),
    Column("help", "meaning", "prose", leaves=1),
)
PRESETS = (
    Column("name", "block"),
    Column("form", "of", leaves=EXTRA),
    Column("params", "params", "int", strong=True, missing="?"),
    Column("macs", "MACs", "int", leaves=1, missing="?"),
    Column("flops", "FLOPs", "int", leaves=2, missing="?"),
    Column("source", "whose", "prose", leaves=3),
)
STEPS = (
    Column("layer", "step", "name"),
    Column("output", "output"),
    Column("params", "params", "int", strong=True),
)


class Card(NamedTuple):
    """A block with its default options on one input; no figures where it cannot take that."""

    block: Block
    figures: Figures | None
    refusal: str | None = None


def catalogue(cards: Sequence[Card], shape: Shape) -> Report:
    """Return the report of all blocks, a table for each domain, and of their presets."""
    blocks = [card for card in cards if card.block.preset is None]
    presets = [card for card in cards if card.block.preset is not None]
    shown = [column.key for column in CATALOGUE if column.key != "domain"]
    tables = []
    for domain, title in DOMAINS.items():
        within = [_row(card) for card in blocks if card.block.section("Domain") == domain]
        if within:
            table = Table(CATALOGUE, within, title=title)
            tables.append(chosen(table, shown, fixed=False))
    tables.append(Table(PRESETS, [_preset_row(card) for card in presets], title="well-known forms"))
    cost = f"costs at {size_text(shape)} with the default options; attn blocks NAME tells more"
    return Report(
        record=lambda: {
            "input_shape": with_batch(shape),
            "blocks": [_record(card) for card in blocks],
            "presets": [_preset_record(card) for card in presets],
        },
        rows=Table(CATALOGUE, [_row(card) for card in cards]),
        tables=tables,
        closing=[cost, *_unknown(cards)],
    )


def page(
    cards: Sequence[Card],
    shape: Shape,
    steps: Graph,
    letters: Mapping[int, str],
    in_numbers: str | None,
) -> Report:
    """Return the report of the first block beside the others. Its steps are written in letters.

    `in_numbers` is the formula of its trainable parameters, worked out.
    """
    card = cards[0]
    block = card.block
    step_rows = [
        (node.layer.label, _in_letters(node.output_shapes[0], letters), node.params.total)
        for node in steps.nodes
        if node.inputs
    ]
    option_rows = [
        (name, type.replace("None", "none"), format_value(default), help)
        for name, default, type, help in block.options.values()
    ]
    start = _in_letters(steps.nodes[steps.inputs[0]].output_shapes[0], letters)
    tables = [
        chosen(Table(STEPS, step_rows, title=f"on {start}"), ("layer", "output"), fixed=False),
        Table(OPTIONS, option_rows, title="options"),
        chosen(
            Table(CATALOGUE, list(map(_row, cards)), title=f"at {size_text(shape)}"),
            ("name", "params", "macs", "flops"),
            fixed=False,
        ),
    ]
    return Report(
        record=lambda: {
            "input_shape": with_batch(shape),
            **_record(card),
            "in_numbers": in_numbers,
            "steps": [
                {column.key: cell for column, cell in zip(STEPS, row, strict=True)}
                for row in step_rows
            ],
        },
        rows=Table(OPTIONS, option_rows),
        tables=[table for table in tables if table.rows],
        heading=list(_heading(block, in_numbers)),
        closing=[*_unknown(cards), *_last_words(block)],
    )


def _heading(block: Block, in_numbers: str | None) -> Iterator[str]:
    """Yield what a block is; of a user's own, what its docstring says."""
    yield f"{block.name}  {block.title}"
    if block.preset:
        yield f"as in {block.preset.source}"
    if block.section("idea"):
        yield block.section("idea")
    facts = {
        "trainable params": block.section("Trainable"),
        "": in_numbers,
        "paper": block.section("Paper"),
    }
    told = [f"{label:16}  {text}" for label, text in facts.items() if text]
    yield from ["", *told] if told else []


def _last_words(block: Block) -> Iterator[str]:
    """Yield where implementations disagree, and where the code is; a user's own says neither."""
    if block.section("In the wild"):
        yield f"In the wild. {_paragraph(block.section('In the wild'))}"
    if not block.is_own:
        yield f"attn blocks {block.name} --source prints it as Keras code, to paste and run"


def _unknown(cards: Sequence[Card]) -> list[str]:
    """Return why figures are missing: what a block refuses, or what its cost depends on."""
    reasons = unknown_reasons(card.figures.cost for card in cards if card.figures)
    return [*reasons, *(f"? {card.refusal}" for card in cards if card.refusal)]


def _in_letters(shape: Shape, letters: Mapping[int, str]) -> str:
    """Return a shape without its batch, in brackets: [1, 1, c]."""
    sizes = [str(size) if size is None else letters.get(size, str(size)) for size in shape[1:]]
    return f"[{', '.join(sizes)}]"


def _paragraph(text: str) -> str:
    return " ".join(text.split())


def _row(card: Card) -> tuple[Any, ...]:
    block = card.block
    return (
        block.name,
        block.title,
        block.section("Domain"),
        *_costs(card),
        block.section("Trainable"),
        ", ".join(
            f"{option.name}: {option.type} = {format_value(option.default)}"
            for option in block.options.values()
        ),
        block.section("Paper"),
    )


def _preset_row(card: Card) -> tuple[Any, ...]:
    preset = card.block.preset
    assert preset is not None
    form = Spec(find_block(preset.block), preset.options).text
    return card.block.name, form, *_costs(card), preset.source


def _costs(card: Card) -> tuple[int | None, int | None, int | None]:
    figures = card.figures
    return (figures.params.total, figures.macs, figures.flops) if figures else (None, None, None)


def _preset_record(card: Card) -> dict[str, Any]:
    preset = card.block.preset
    assert preset is not None
    return {
        "name": card.block.name,
        "block": preset.block,
        "options": dict(preset.options),
        "source": preset.source,
        **figures_record(card.figures),
    }


def _record(card: Card) -> dict[str, Any]:
    block = card.block
    return {
        "name": block.name,
        "title": block.title,
        "summary": block.summary,
        "domain": block.section("Domain"),
        "trainable": block.section("Trainable"),
        "paper": block.section("Paper"),
        "idea": block.section("idea"),
        "in_the_wild": _paragraph(block.section("In the wild")),
        "options": [option._asdict() for option in block.options.values()],
        **figures_record(card.figures),
    }
