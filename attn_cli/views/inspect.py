"""Saved models: what each one is, the attention in it, or all its layers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attn_cli.graph import FEATURE_MAP, UNKNOWN
from attn_cli.showing import several
from attn_cli.text import few
from attn_cli.views.records import layer_records, params_record
from attn_cli.views.report import (
    EXTRA,
    Column,
    Picture,
    Report,
    Table,
    chosen,
    map_text,
    percent_text,
    shape_text,
    size_text,
)
from attn_cli.views.summary import COLUMNS as LAYERS
from attn_cli.views.summary import SHOWN, layer_table
from attn_cli.views.totals import totals_line, unknown_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attn_cli.analysis.find import Attention, Hidden
    from attn_cli.analysis.inspect import Inspection
    from attn_cli.graph import Graph, Shape
    from attn_cli.sources.saved import Model
    from attn_cli.views.pictures.vega import Chart

# A row for each block, with what its file is; a file without any has one row.
ROWS = (
    Column("file", "file", "name"),
    Column("model", "model", "name", leaves=EXTRA),
    Column("model_params", "params", "int", leaves=1, missing="?"),
    Column("model_bytes", "bytes", "int", leaves=5, missing="?"),
    Column("model_macs", "MACs", "int", leaves=4, missing="?"),
    Column("model_flops", "FLOPs", "int", leaves=EXTRA, missing="?"),
    Column("attention_count", "blocks", "int", missing="?"),
    Column("attention_params", "attention params", "int", strong=True, missing="?"),
    Column("attention_share", "share", "percent", leaves=2, missing="?"),
    Column("hidden_count", "hidden", "int"),
    Column("row", "#", "index"),
    Column("kind", "kind"),
    Column("path", "at", "name"),
    Column("input_shape", "input", "shape"),
    Column("channels", "channels", "int"),
    Column("width", "width", "int"),
    Column("kernel_size", "kernel", "int"),
    Column("activation", "activation"),
    Column("gate", "gate"),
    Column("params", "params", "int"),
    Column("share", "share", "number"),
    Column("macs", "MACs", "int"),
    Column("flops", "FLOPs", "int"),
    Column("hidden_by", "hidden by", "refs"),
    Column("model_input_shape", "model input"),
)
OF_FILE = 10
OF_BLOCK = ROWS[OF_FILE + 1 : -1]
SHOWN_BLOCKS = (
    Column("row", "#", "index", leaves=5),
    Column("kind", "kind"),
    Column("path", "at", "name"),
    Column("input", "input", leaves=1, tells=("input_shape",)),
    Column("squeezed", "C → s", tells=("channels", "width")),
    Column("kernel_size", "kernel", "int", leaves=4),
    Column("gate", "gate", leaves=EXTRA),
    Column("params", "params", "int", strong=True),
    Column("share", "share", "percent", leaves=2),
    Column("macs", "MACs", "int", leaves=3, missing="?"),
)
SHOWN_HIDDEN = (
    Column("row", "#", "index", leaves=5),
    Column("kind", "kind", missing="?"),
    Column("path", "at", "name"),
    Column("hidden_by", "hidden by", "refs"),
    Column("input", "input", leaves=1, tells=("input_shape",)),
    Column("channels", "channels", "int", leaves=3, missing="?"),
    Column("params", "params", "int", leaves=2, strong=True),
)
FILES = (
    *ROWS[: OF_FILE - 3],
    Column("kinds", "kinds", leaves=3, tells=("kind",)),
    *ROWS[OF_FILE - 3 : OF_FILE],
)
MAX_TYPES = 6  # of layers that cannot be read, in one line


def report(inspection: Inspection) -> Report:
    """Return the report of a saved model: what it is, and its attention blocks."""
    blocks = inspection.blocks
    tables = []
    if blocks:
        tables.append(_shown(blocks, inspection, attention_line(inspection)))
    if inspection.unnamed:
        title = "other gates, of no kind that has a name (not counted above)"
        tables.append(_shown(inspection.unnamed, inspection, title))
    if inspection.hidden:
        tables.append(_hidden(inspection.hidden))
    return Report(
        record=lambda: record(inspection),
        rows=lambda: Table(ROWS, list(_rows(inspection))),
        tables=tables,
        heading=heading(inspection),
        closing=closing(inspection),
        picture=Picture("chart", lambda: _strip(inspection)),
    )


def layers_report(inspection: Inspection, depth: int | None) -> Report:
    """Return the report of all layers, nested models in one row each from a depth on."""
    graph, cost = inspection.model.graph, inspection.cost
    if graph is None or cost is None:
        return report(inspection)
    table = layer_table(graph, cost) if depth is None else _folded(inspection, depth)
    return Report(
        record=lambda: {**record(inspection), "layers": layer_records(graph, cost)},
        rows=lambda: table,
        tables=[chosen(table, SHOWN, fixed=False)],
        heading=heading(inspection),
        closing=closing(inspection),
        picture=Picture("chart", lambda: _strip(inspection)),
    )


def files_report(inspections: Sequence[Inspection]) -> Report:
    """Return the report of several files, a row each."""
    rows = []
    for inspection in inspections:
        *model, params, share, hidden = _of_file(inspection)
        named = ", ".join(f"{count} {kind}" for kind, count in kinds(inspection)) or None
        rows.append((*model, named, params, share, hidden or None))
    notes = [
        f"{each.file}{asked_text(each.model)}: {_noted(each.model)}"
        for each in inspections
        if each.model.noted_input
    ]
    notes += [
        f"{inspection.file}: {line}"
        for inspection in inspections
        for line in closing(inspection)
        if not line.startswith("no attention")
    ]
    return Report(
        record=lambda: {"files": [record(inspection) for inspection in inspections]},
        rows=lambda: Table(ROWS, [row for inspection in inspections for row in _rows(inspection)]),
        tables=[_without_empty(Table(FILES, rows))],
        closing=notes,
        picture=Picture("chart", lambda: _strips(inspections)),
    )


def _strip(inspection: Inspection) -> Chart:
    from attn_cli.views.pictures.networks import of_inspection

    return of_inspection(inspection, heading(inspection), closing(inspection))


def _strips(inspections: Sequence[Inspection]) -> Chart:
    from attn_cli.views.pictures.networks import of_inspections

    return of_inspections(inspections)


def record(inspection: Inspection) -> dict[str, Any]:
    """Return all that is known of a saved model."""
    model, params = inspection.model, inspection.model.params
    return {
        "file": inspection.file,
        "model": model_record(model),
        "params": params_record(params)
        if params
        else {"total": model.total, "trainable": None, "non_trainable": None},
        "at_least": model.at_least,
        "bytes": model.bytes,
        "macs": inspection.macs,
        "flops": inspection.flops,
        "blocks": [block_record(block, inspection) for block in inspection.blocks],
        "attention": {
            "count": None if inspection.params is None else len(inspection.blocks),
            "params": inspection.params,
            "share": inspection.share,
            "hidden": None if inspection.params is None else len(inspection.hidden),
        },
        "unnamed": [block_record(block, inspection) for block in inspection.unnamed],
        "hidden": [hidden_record(block) for block in inspection.hidden],
        "unread": [{"type": type, "count": count} for type, count in inspection.unread],
        "guesses": [guess._asdict() for guess in inspection.guesses],
        "warnings": list(model.warnings),
    }


def model_record(model: Model) -> dict[str, Any]:
    """Return what a file says of its model."""
    return {
        "format": model.format,
        "type": model.type or None,
        "name": model.name or None,
        "keras_version": model.keras_version,
        "inputs": shapes(model.graph, inputs=True),
        "noted_input": model.noted_input,
        "outputs": shapes(model.graph, inputs=False),
    }


def heading(inspection: Inspection) -> list[str]:
    """Return what a model is, in two lines."""
    model = inspection.model
    what = f'{model.type} "{model.name}"' if model.type else "weights alone"
    version = f", Keras {model.keras_version}" if model.keras_version else ""
    first = f"{inspection.file}   {what}{version}"
    if model.graph is not None:
        ends = [_listed(shapes(model.graph, inputs=each)) for each in (True, False)]
        first += f", {' → '.join(ends)}"
    if model.noted_input is not None:
        first += f"; {_noted(model)}"
    least = "at least " if model.at_least else ""
    totals = totals_line(
        model.params or model.total, model.bytes, inspection.macs, inspection.flops
    )
    second = f"{least}{totals}"
    return [first, second]


def closing(inspection: Inspection) -> list[str]:
    """Return what else is to be said: what is unknown, guessed, odd, or would act when loaded."""
    lines = []
    if inspection.cost is not None:
        if not inspection.blocks:
            lines.append("no attention blocks found")
        if inspection.unread:
            lines.append(unread_line(inspection))
        lines += unknown_lines(inspection.cost, input_fixes(inspection.model))
    lines += [
        f"a guess, from its weights alone: {guess.path} ({guess.type}, {guess.params:,} params) "
        f"may be {guess.kind}"
        for guess in inspection.guesses
    ]
    lines += [f"warning: {warning}" for warning in inspection.model.warnings]
    return lines


def input_fixes(model: Model) -> str:
    """Return what makes a figure known that a dynamic size hides."""
    maps = _feature_maps(model)
    if len(maps) == 1 and None in maps[0][1:-1]:
        return f"--input 224,224,{maps[0][-1] or 3} works them out"
    return "a model saved with a fixed input has them"


def asked_text(model: Model) -> str:
    """Return the size that a model is asked at, ` at 448 × 448 × 3`, where that is not its own."""
    return f" at {size_text(_feature_maps(model)[0][1:])}" if model.noted_input else ""


def inputs_text(model: Model) -> str | None:
    """Return what goes into a model, None where that is not known; each row of a report says it."""
    return _listed(shapes(model.graph, inputs=True)) or None


def _listed(shapes: Sequence[Shape | None]) -> str:
    return few(["?" if shape is None else shape_text(shape) for shape in shapes])


def _noted(model: Model) -> str:
    return f"the file notes {shape_text(model.noted_input or UNKNOWN)}"


def _feature_maps(model: Model) -> list[Shape]:
    """Return the shapes of the inputs that are feature maps."""
    return [
        shape for shape in shapes(model.graph, inputs=True) if shape and len(shape) == FEATURE_MAP
    ]


def unread_line(inspection: Inspection) -> str:
    """Return which layers cannot be read, in one line."""
    total = sum(count for _, count in inspection.unread)
    named = ", ".join(
        type if count == 1 else f"{count} {type}" for type, count in inspection.unread[:MAX_TYPES]
    )
    more = len(inspection.unread) - MAX_TYPES
    rest = f" and {more} more types" if more > 0 else ""
    return f"{several(total, 'layer')} that cannot be read may hide attention: {named}{rest}"


def attention_line(inspection: Inspection) -> str:
    """Return the attention of a model in one line."""
    named = ", ".join(several(count, f"{kind} block") for kind, count in kinds(inspection))
    share = "" if inspection.share is None else f", {percent_text(inspection.share)} of the model"
    return f"attention: {named}, {inspection.params:,} params{share}"


def kinds(inspection: Inspection) -> list[tuple[str, int]]:
    """Return how many blocks there are of each kind, the most frequent first."""
    return Counter([block.kind for block in inspection.blocks]).most_common()


def shapes(graph: Graph | None, inputs: bool) -> list[Shape | None]:
    """Return the shapes of what goes in or comes out, None where unknown."""
    if graph is None:
        return []
    found = (
        [graph.nodes[place].output_shapes[0] for place in graph.inputs]
        if inputs
        else graph.output_shapes
    )
    return [None if shape == UNKNOWN else shape for shape in found]


def _shown(blocks: Sequence[Attention], inspection: Inspection, title: str) -> Table:
    """Lay out blocks for people."""
    rows = []
    for place, block in enumerate(blocks):
        channels = "?" if block.channels is None else str(block.channels)
        rows.append(
            (
                place,
                block.kind,
                block.path,
                map_text(block.input_shape),
                channels if block.width is None else f"{channels} → {block.width}",
                block.kernel_size,
                block.gate,
                block.params,
                inspection.share_of(block.params),
                block.macs,
            )
        )
    return _without_empty(Table(SHOWN_BLOCKS, rows, title=title))


def _hidden(blocks: Sequence[Hidden]) -> Table:
    """Lay out hidden blocks for people."""
    rows = [
        (
            place,
            block.kind,
            block.path,
            block.layers,
            map_text(block.input_shape),
            block.channels,
            block.params,
        )
        for place, block in enumerate(blocks)
    ]
    return Table(SHOWN_HIDDEN, rows, title="hidden by layers that cannot be read (not counted)")


def _without_empty(table: Table) -> Table:
    """Return a table without the columns that have nothing to say, and say nothing unknown."""
    keys = [
        column.key
        for place, column in enumerate(table.columns)
        if column.missing or any(row[place] is not None for row in table.rows)
    ]
    return chosen(table, keys, fixed=False)


def _of_file(inspection: Inspection) -> tuple[Any, ...]:
    """Return what ROWS has of a file, in each of its rows."""
    model = inspection.model
    return (
        inspection.file,
        model.name or None,
        None if model.at_least else model.total,
        None if model.at_least else model.bytes,
        inspection.macs,
        inspection.flops,
        None if inspection.params is None else len(inspection.blocks),
        inspection.params,
        inspection.share,
        None if inspection.params is None else len(inspection.hidden),
    )


def _rows(inspection: Inspection) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each block, the hidden ones last, or one that says that there is none."""
    of_file, inputs = _of_file(inspection), inputs_text(inspection.model)
    records = [block_record(block, inspection) for block in inspection.blocks]
    records += [hidden_record(block) for block in inspection.hidden]
    for place, fields in enumerate(records):
        yield (*of_file, place, *(fields.get(column.key) for column in OF_BLOCK), inputs)
    if not records:
        yield (*of_file, None, *(None for _ in OF_BLOCK), inputs)


def block_record(block: Attention, inspection: Inspection) -> dict[str, Any]:
    """Return all that is known of a block of a model."""
    return {
        "kind": block.kind,
        "path": block.path,
        "input_shape": block.input_shape or None,
        "channels": block.channels,
        "width": block.width,
        "kernel_size": block.kernel_size,
        "activation": block.activation,
        "gate": block.gate,
        "params": block.params,
        "share": inspection.share_of(block.params),
        "macs": block.macs,
        "flops": block.flops,
    }


def hidden_record(block: Hidden) -> dict[str, Any]:
    """Return all that is known of a hidden block."""
    return {
        "kind": block.kind,
        "path": block.path,
        "hidden_by": list(block.layers),
        "input_shape": block.input_shape or None,
        "channels": block.channels,
        "params": block.params,
    }


def _folded(inspection: Inspection, depth: int) -> Table:
    """Return the layer table with each nested model below a depth in one row."""
    graph, cost = inspection.model.graph, inspection.cost
    assert graph is not None
    assert cost is not None
    whole = layer_table(graph, cost)
    keys = [
        (node.layer.within[: depth + 1], node.call) if len(node.layer.within) > depth else place
        for place, node in enumerate(graph.nodes)
    ]
    order = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    number = [order[key] for key in keys]
    columns = [column.key for column in LAYERS]
    rows: list[list[Any]] = []
    for place, (node, row) in enumerate(zip(graph.nodes, whole.rows, strict=True)):
        values = dict(zip(columns, row, strict=True))
        sources = [number[ref.node] for ref in node.inputs if number[ref.node] != number[place]]
        values["row"], values["from"] = number[place], sources
        if len(node.layer.within) > depth:
            path = "/".join(node.layer.within[: depth + 1])
            values["name"] = f"{path}:{node.call}" if node.call else path
            values["type"] = "model"
        if number[place] == len(rows):
            rows.append(list(values.values()))
            continue
        before = dict(zip(columns, rows[number[place]], strict=True))
        for key in ("params", "trainable", "non_trainable", "macs", "flops"):
            known = None not in (before[key], values[key])
            before[key] = before[key] + values[key] if known else None
        before["output_shape"] = values["output_shape"]
        before["from"] = sorted({*before["from"], *sources})
        rows[number[place]] = list(before.values())
    names = [row[columns.index("name")] for row in rows]
    for row in rows:
        row[columns.index("inputs")] = [names[each] for each in row[columns.index("from")]]
    return Table(whole.columns, rows, total=whole.total)
