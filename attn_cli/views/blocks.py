"""The catalogue of blocks, and the page of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.formula import formula, rules
from attn_cli.analysis.summary import summarise
from attn_cli.blocks import find_block
from attn_cli.blocks.options import format_value
from attn_cli.spec import Spec
from attn_cli.views.records import figures_record
from attn_cli.views.report import (
    EXTRA,
    Column,
    Picture,
    Report,
    Table,
    chosen,
    size_text,
    with_batch,
)
from attn_cli.views.totals import unknown_reasons

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from attn_cli.analysis.figures import Figures
    from attn_cli.blocks import Block, Preset
    from attn_cli.graph import Graph, Shape
    from attn_cli.views.pictures.diagram import Diagram

DOMAINS = {
    "channel": "channel attention: which channels",
    "spatial": "spatial attention: which positions",
    "both": "channel and spatial attention",
}
# A block has a title, a domain and a paper; a preset is a form of a block, and somebody's.
CATALOGUE = (
    Column("name", "block"),
    Column("title", "", "name"),
    Column("form", "of", leaves=EXTRA),
    Column("ratio", "ratio", "int", leaves=4),
    Column("width", "width", "int", leaves=3),
    Column("kernel_size", "kernel", "int", leaves=5),
    Column("params", "params", "int", strong=True, missing="?"),
    Column("macs", "MACs", "int", leaves=1, missing="?"),
    Column("flops", "FLOPs", "int", leaves=2, missing="?"),
    Column("whose", "whose", "prose", leaves=6, tells=("source",)),
    Column("source", "source"),
    Column("spec", "block", "name"),
    Column("domain", "domain"),
    Column("trainable", "trainable params"),
    Column("options", "options"),
    Column("paper", "paper"),
)
MEASURED = ("ratio", "width", "kernel_size", "params", "macs", "flops")
# What programs get of the catalogue: all but what stands for something longer.
LISTED = tuple(column.key for column in CATALOGUE if not column.tells)
OPTIONS = (
    Column("name", "option"),
    Column("type", "type", leaves=3),
    Column("default", "default", leaves=2),
    Column("value", "here"),
    Column("help", "meaning", "prose", leaves=1),
)
STEPS = (
    Column("layer", "step", "name"),
    Column("output", "output"),
    Column("params", "params", "int", strong=True),
)
# What programs get of a page: an option, a step, or what a block costs.
PARTS = (
    Column("part", "part"),
    *OPTIONS,
    *STEPS[:2],
    *(column for column in CATALOGUE if column.key in ("spec", *MEASURED)),
)


class Card(NamedTuple):
    """A block with its options on one input; no figures where it cannot take that."""

    spec: Spec
    figures: Figures | None
    refusal: str | None = None

    @property
    def block(self) -> Block:
        """The block without its options."""
        return self.spec.block

    @property
    def ratio(self) -> int | None:
        """The ratio that makes its width, where one does."""
        options = self.spec.options
        ratio: int | None = None if options.get("width") else options.get("ratio")
        return ratio


def catalogue(cards: Sequence[Card], shape: Shape, ratio: int) -> Report:
    """Return the report of all blocks, at one ratio, and of their presets, each at its own."""
    blocks = [card for card in cards if card.block.preset is None]
    presets = [card for card in cards if card.block.preset is not None]
    tables = []
    for domain, title in DOMAINS.items():
        within = [_row(card) for card in blocks if card.block.section("Domain") == domain]
        if within:
            table = Table(CATALOGUE, within, title=title)
            tables.append(chosen(table, ("name", "title", *MEASURED), fixed=False))
    forms = Table(CATALOGUE, list(map(_row, presets)), title="well-known forms")
    tables.append(chosen(forms, ("name", "form", *MEASURED, "whose"), fixed=False))
    ratios = f"blocks with a ratio are at ratio {ratio}, forms as they are"
    more = "more of each, with any options: attn blocks se:ratio=8"
    return Report(
        record=lambda: {
            "input_shape": with_batch(shape),
            "blocks": [_record(card) for card in blocks],
            "presets": [_preset_record(card) for card in presets],
        },
        rows=lambda: chosen(Table(CATALOGUE, [_row(card) for card in cards]), LISTED, fixed=False),
        tables=tables,
        closing=[f"costs at {size_text(shape)}; {ratios}", more, *_unknown(cards)],
    )


def page(
    cards: Sequence[Card],
    shape: Shape,
    steps: Graph,
    letters: Mapping[int, str],
    in_numbers: str | None,
    kernel_size: int | None = None,
) -> Report:
    """Return the report of the first block beside the others. Its steps are written in letters.

    `in_numbers` is the formula of its trainable parameters, worked out; `kernel_size` is that of
    the steps, where it follows from channels that are a letter.
    """
    card = cards[0]
    block, given = card.block, card.spec.given
    step_rows = [
        (
            node.layer.label,
            _in_letters(node.output_shapes[0], letters),
            # In letters there are no numbers.
            None if letters else node.params.total,
        )
        for node in steps.nodes
        if node.inputs
    ]
    option_rows = [
        (
            name,
            type.replace("None", "none"),
            format_value(default),
            format_value(given.get(name, default)),
            help,
        )
        for name, default, type, help in block.options.values()
    ]
    costs = chosen(Table(CATALOGUE, list(map(_row, cards))), ("spec", *MEASURED), fixed=False)
    told = [column.key for column in OPTIONS if given or column.key != "value"]
    start = _in_letters(steps.nodes[steps.inputs[0]].output_shapes[0], letters)
    where = f", where k = {kernel_size}" if kernel_size else ""
    tables = [
        chosen(
            Table(STEPS, step_rows, title=f"on {start}{where}"), ("layer", "output"), fixed=False
        ),
        chosen(Table(OPTIONS, option_rows, title="options"), told, fixed=False),
        costs._replace(title=f"at {size_text(shape)}"),
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
            "beside": [
                {"spec": other.spec.text, "ratio": other.ratio, **figures_record(other.figures)}
                for other in cards[1:]
            ],
        },
        rows=lambda: _parts(
            ("option", Table(OPTIONS, option_rows)),
            ("step", Table(STEPS, step_rows)),
            ("cost", costs),
        ),
        tables=[table for table in tables if table.rows],
        heading=list(_heading(card.spec, in_numbers)),
        closing=[*_unknown(cards), *_last_words(card.spec)],
        picture=Picture("diagram", lambda: _diagram(card.spec, None if letters else shape)),
    )


def _diagram(spec: Spec, shape: Shape | None) -> Diagram:
    from attn_cli.views.pictures.diagram import of_letters, of_summary

    return of_letters(spec) if shape is None else of_summary(summarise(spec, shape))


def _parts(*parts: tuple[str, Table]) -> Table:
    """Return the tables of a page as one, each row with the part of the page that it is."""
    rows = []
    for part, table in parts:
        keys = [column.key for column in table.columns]
        for row in table.rows:
            told = {"part": part, **dict(zip(keys, row, strict=True))}
            rows.append([told.get(column.key) for column in PARTS])
    return Table(PARTS, rows)


def _heading(spec: Spec, in_numbers: str | None) -> Iterator[str]:
    """Yield what a block is; of a user's own, what its docstring says."""
    block = spec.block
    yield f"{spec.text}  {block.title}"
    if block.preset:
        yield f"as in {block.preset.source}"
    if block.section("idea"):
        yield block.section("idea")
    facts = [
        ("trainable params", _trainable(spec)),
        ("" if _trainable(spec) else "trainable params", in_numbers),
        ("paper", block.section("Paper")),
    ]
    told = [f"{label:16}  {text}" for label, text in facts if text]
    yield from ["", *told] if told else []


def _trainable(spec: Spec) -> str:
    """Return the formula of the trainable parameters.

    With the defaults it is what the docstring says, which tells of other options too; with others,
    a preset's among them, it is their own.
    """
    block = spec.block
    own = formula(spec) if (spec.given or block.preset) and not block.is_own else None
    if own is None:
        return _paragraph(block.section("Trainable"))
    return "; ".join([own.text, *rules(spec, own)])


def _last_words(spec: Spec) -> Iterator[str]:
    """Yield where implementations disagree, and where the code is; a user's own says neither."""
    block = spec.block
    if block.section("In the wild"):
        yield f"In the wild. {_paragraph(block.section('In the wild'))}"
    if not block.is_own:
        yield f"attn blocks {spec.text} --source prints it as Keras code, to paste and run"


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
    block, figures, preset = card.block, card.figures, card.block.preset
    return (
        block.name,
        block.title,
        preset and _form(preset),
        card.ratio,
        figures and figures.width,
        figures and figures.kernel_size,
        *_costs(card),
        preset and preset.source.partition(":")[0],
        preset and preset.source,
        card.spec.text,
        block.section("Domain"),
        _trainable(card.spec),
        ", ".join(
            f"{option.name}: {option.type} = {format_value(option.default)}"
            for option in block.options.values()
        ),
        block.section("Paper"),
    )


def _form(preset: Preset) -> str:
    """Return the spec of the block that a preset is a form of."""
    return Spec(find_block(preset.block), preset.options).text


def _costs(card: Card) -> tuple[int | None, int | None, int | None]:
    figures = card.figures
    return (figures.params.total, figures.macs, figures.flops) if figures else (None, None, None)


def _preset_record(card: Card) -> dict[str, Any]:
    preset = card.block.preset
    assert preset is not None
    return {
        "name": card.block.name,
        "spec": card.spec.text,
        "form": _form(preset),
        "trainable": _trainable(card.spec),
        "block": preset.block,
        "options": dict(preset.options),
        "source": preset.source,
        **figures_record(card.figures),
    }


def _record(card: Card) -> dict[str, Any]:
    block = card.block
    return {
        "name": block.name,
        "spec": card.spec.text,
        "title": block.title,
        "summary": block.summary,
        "domain": block.section("Domain"),
        "trainable": _trainable(card.spec),
        "paper": block.section("Paper"),
        "idea": block.section("idea"),
        "in_the_wild": _paragraph(block.section("In the wild")),
        "options": [
            {**option._asdict(), "value": card.spec.options[option.name]}
            for option in block.options.values()
        ],
        **figures_record(card.figures),
    }
