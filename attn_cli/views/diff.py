"""What changed between two models: their blocks, and what they and their attention cost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attn_cli.analysis.diff import ADDED, CHANGED, FIELDS, ORDER, REMOVED, SAME
from attn_cli.blocks.options import format_value
from attn_cli.graph import UNKNOWN
from attn_cli.views.inspect import asked_text, block_record, input_fixes, inputs_text, shapes
from attn_cli.views.report import Column, Picture, Report, Table, map_text
from attn_cli.views.totals import unknown_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from attn_cli.analysis.diff import Change, Diff, Total
    from attn_cli.analysis.find import Attention
    from attn_cli.views.pictures.vega import Chart

FIGURES = {
    "count": "blocks",
    "params": "params",
    "bytes": "bytes",
    "macs": "MACs",
    "flops": "FLOPs",
}
COSTS = ("params", "macs", "flops")
KINDS = {"input_shape": "shape", "channels": "int", "width": "int", "kernel_size": "int"}
# A row for each block that is not the same, then one for the attention and one for the model.
ROWS = (
    Column("status", "status"),
    Column("fields", "fields", "refs"),
    *(
        Column(f"{field}{when}", f"{field}{when}", KINDS.get(field, "text"))
        for field in FIELDS
        for when in ("", "_before")
    ),
    *(
        Column(f"{figure}{when}", f"{figure}{when}", "int")
        for figure in FIGURES
        for when in ("", "_before", "_difference")
    ),
)
BLOCKS = (
    Column("mark", "", "mark", tells=("status",)),
    Column("kind", "kind"),
    Column("path", "at", "name"),
    Column("what", "what changed", "phrase", tells=("fields",)),
    Column("params_difference", "params", "difference", strong=True),
    Column("macs_difference", "MACs", "difference", leaves=1),
    Column("flops_difference", "FLOPs", "difference", leaves=2),
)
TOTALS = (
    Column("figure", "", tells=("kind",)),
    Column("before", "before", "int", leaves=2, missing="?", tells=("params_before",)),
    Column("after", "after", "int", missing="?", tells=("params",)),
    Column(
        "difference",
        "difference",
        "difference",
        leaves=1,
        strong=True,
        missing="?",
        tells=("params_difference",),
    ),
)
MARKS = {ADDED: "+", REMOVED: "-", CHANGED: "~"}
WORDS = {"input_shape": "input", "kernel_size": "kernel"}
TOTAL = "total"


def report(diff: Diff) -> Report:
    """Return the report of what changed from one model to another."""
    changes = [change for change in diff.changes if change.status != SAME]
    tables = []
    if changes:
        tables.append(Table(BLOCKS, [row for change in changes for row in _shown(change)]))
    if diff.is_different:
        totals = [
            (f"{whose} {FIGURES[name]}", *total, total.difference)
            for whose, figures in (("attention", diff.attention), ("model", diff.model))
            for name, total in figures.items()
        ]
        tables.append(Table(TOTALS, totals))
    heading = [" → ".join(f"{e.file}{asked_text(e.model)}" for e in (diff.before, diff.after))]
    closing = [_counted(diff), *_other_inputs(diff), *_unknown(diff)]
    return Report(
        record=lambda: _record(diff),
        rows=lambda: Table(ROWS, list(_rows(diff))),
        tables=tables,
        heading=heading,
        closing=closing,
        picture=Picture("chart", lambda: _strips(diff, heading, closing)),
    )


def _strips(diff: Diff, heading: Sequence[str], notes: Sequence[str]) -> Chart:
    from attn_cli.views.pictures.networks import of_diff

    return of_diff(diff, heading, notes)


def _other_inputs(diff: Diff) -> Iterator[str]:
    """Yield that the models were not asked at one size: then costs differ by that as well."""
    models = (diff.before.model, diff.after.model)
    before, after = (shapes(each.graph, inputs=True) for each in models)
    if before != after:
        texts = [inputs_text(each) or "?" for each in models]
        yield f"their inputs differ, and costs with them: {' → '.join(texts)}"


def _shown(change: Change) -> Iterator[tuple[Any, ...]]:
    """Yield a line for each thing that changed; whose it is, and what it costs, in the first."""
    block = change.after or change.before
    assert block is not None
    what, *others = _differences(change)
    differences = [change.difference(figure) for figure in COSTS]
    figures = [UNKNOWN if each is None else each for each in differences]
    yield (MARKS[change.status], block.kind, block.path, what, *figures)
    for other in others:
        yield (None, None, None, other, *(None for _ in figures))


def _differences(change: Change) -> Iterator[str]:
    """Yield what changed, one thing after the other; of a block that came or went, what it is."""
    before, after = change.before, change.after
    if before is None or after is None:
        yield ", ".join(_described(before or after))
        return
    for field in change.fields:
        if field == ORDER:
            yield "moved"
        elif field == "path":
            yield f"was at {before.path}"
        else:
            texts = [_text(field, getattr(block, field)) for block in (before, after)]
            yield f"{WORDS.get(field, field)} {' → '.join(texts)}"


def _described(block: Attention | None) -> Iterator[str]:
    """Yield what a block is."""
    assert block is not None
    yield map_text(block.input_shape)
    if block.width is not None:
        yield f"width {block.width}"
    if block.kernel_size is not None:
        yield f"kernel {block.kernel_size}"


def _text(field: str, value: Any) -> str:
    return map_text(value) if field == "input_shape" else format_value(value)


def _counted(diff: Diff) -> str:
    """Return in a line how many blocks came, went, changed and stayed."""
    if not diff.is_different:
        return "no difference"
    counts = Counter([change.status for change in diff.changes])
    told = [f"{counts[status]} {status}" for status in (ADDED, REMOVED, CHANGED) if counts[status]]
    same = f"{counts[SAME]} the same"
    return f"attention blocks: {', '.join([*told, same])}"


def _unknown(diff: Diff) -> list[str]:
    return [
        f"{each.file}: {line}"
        for each in (diff.before, diff.after)
        if each.cost is not None
        for line in unknown_lines(each.cost, input_fixes(each.model))
    ]


def _rows(diff: Diff) -> Iterator[tuple[Any, ...]]:
    """Yield ROWS: of blocks their fields and costs, of attention and the model their totals."""
    for change in diff.changes:
        if change.status != SAME:
            both = [("", change.after), ("_before", change.before)]
            cells = {
                f"{field}{when}": getattr(block, field) or None
                for when, block in both
                if block is not None
                for field in FIELDS
            }
            cells |= {
                f"{figure}{when}": getattr(block, figure)
                for when, block in both
                if block is not None
                for figure in COSTS
            }
            cells |= {f"{figure}_difference": change.difference(figure) for figure in COSTS}
            fields = change.fields or None
            yield _row({"status": change.status, "fields": fields, **cells})
    for whose, figures in (("attention", diff.attention), ("model", diff.model)):
        cells = {}
        for figure, total in figures.items():
            cells[figure], cells[f"{figure}_before"] = total.after, total.before
            cells[f"{figure}_difference"] = total.difference
        yield _row({"status": TOTAL, "kind": whose, **cells})


def _row(cells: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple([cells.get(column.key) for column in ROWS])


def _record(diff: Diff) -> dict[str, Any]:
    return {
        "before": diff.before.file,
        "after": diff.after.file,
        "inputs": {
            "before": shapes(diff.before.model.graph, inputs=True),
            "after": shapes(diff.after.model.graph, inputs=True),
        },
        "different": diff.is_different,
        "same": sum(change.status == SAME for change in diff.changes),
        "changes": [
            {
                "status": change.status,
                "fields": list(change.fields),
                "before": change.before and block_record(change.before, diff.before),
                "after": change.after and block_record(change.after, diff.after),
                "difference": {
                    figure: change.difference(figure) for figure in ("params", "macs", "flops")
                },
            }
            for change in diff.changes
            if change.status != SAME
        ],
        "attention": _totals(diff.attention),
        "model": _totals(diff.model),
    }


def _totals(totals: Mapping[str, Total]) -> dict[str, Any]:
    return {
        name: {"before": total.before, "after": total.after, "difference": total.difference}
        for name, total in totals.items()
    }
