"""What changed between two models: their blocks, and what they and their attention cost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attn_cli.analysis.diff import ADDED, CHANGED, FIELDS, ORDER, REMOVED, SAME
from attn_cli.blocks.options import format_value
from attn_cli.views.inspect import block_record
from attn_cli.views.report import Column, Report, Table, size_text
from attn_cli.views.summary import unknown_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from attn_cli.analysis.diff import Change, Diff, Total
    from attn_cli.analysis.find import Attention
    from attn_cli.graph import Shape

ROWS = (
    Column("status", "status"),
    Column("kind", "kind"),
    Column("path", "at"),
    Column("kind_before", "kind before"),
    Column("path_before", "at before"),
    Column("input_shape", "input", "shape"),
    Column("input_shape_before", "input before", "shape"),
    Column("width", "width", "int"),
    Column("width_before", "width before", "int"),
    Column("kernel_size", "kernel", "int"),
    Column("kernel_size_before", "kernel before", "int"),
    Column("gate", "gate"),
    Column("gate_before", "gate before"),
    Column("params", "params", "int"),
    Column("macs", "MACs", "int"),
    Column("flops", "FLOPs", "int"),
)
BLOCKS = (
    Column("mark", ""),
    Column("kind", "kind"),
    Column("path", "at", "name"),
    Column("what", "what changed", "prose"),
    Column("params", "params", "difference", strong=True, missing="?"),
    Column("macs", "MACs", "difference", leaves=1, missing="?"),
    Column("flops", "FLOPs", "difference", leaves=2, missing="?"),
)
TOTALS = (
    Column("figure", ""),
    Column("before", "before", "int", missing="?"),
    Column("after", "after", "int", missing="?"),
    Column("difference", "difference", "difference", strong=True, missing="?"),
)
MARKS = {ADDED: "+", REMOVED: "-", CHANGED: "~"}
WORDS = {
    "path": "at",
    "input_shape": "input",
    "kernel_size": "kernel",
}
FIGURES = {
    "count": "blocks",
    "params": "params",
    "bytes": "bytes",
    "macs": "MACs",
    "flops": "FLOPs",
}


def report(diff: Diff) -> Report:
    """Return the report of what changed from one model to another."""
    changes = [change for change in diff.changes if change.status != SAME]
    tables = []
    if changes:
        tables.append(Table(BLOCKS, [_shown(change) for change in changes]))
    if diff.is_different:
        totals = [
            (f"{whose} {FIGURES[name]}", *total, total.difference)
            for whose, figures in (("attention", diff.attention), ("model", diff.model))
            for name, total in figures.items()
        ]
        tables.append(Table(TOTALS, totals))
    return Report(
        record=lambda: _record(diff),
        rows=Table(ROWS, [_flat(change) for change in changes]),
        tables=tables,
        heading=[f"{diff.before.file} → {diff.after.file}"],
        closing=[_counted(diff), *_unknown(diff)],
    )


def _shown(change: Change) -> tuple[Any, ...]:
    block = change.after or change.before
    assert block is not None
    what = "; ".join(_differences(change)) or ", ".join(_described(block))
    return (
        MARKS[change.status],
        block.kind,
        block.path,
        what,
        *(change.difference(figure) for figure in ("params", "macs", "flops")),
    )


def _described(block: Attention) -> Iterator[str]:
    """Yield what a block is that came or went."""
    yield _size(block.input_shape)
    if block.width is not None:
        yield f"width {block.width}"
    if block.kernel_size is not None:
        yield f"kernel {block.kernel_size}"


def _differences(change: Change) -> Iterator[str]:
    before, after = change.before, change.after
    for field in change.fields:
        if field == ORDER:
            yield "moved"
            continue
        texts = [_text(field, getattr(block, field)) for block in (before, after)]
        yield f"{WORDS.get(field, field)} {texts[0]} → {texts[1]}"


def _text(field: str, value: Any) -> str:
    return _size(value) if field == "input_shape" else format_value(value)


def _size(shape: Shape) -> str:
    return size_text(shape[1:]).replace("None", "?") or "?"


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
        for line in unknown_lines(each.cost)
    ]


def _flat(change: Change) -> tuple[Any, ...]:
    def of(block: Attention | None, field: str) -> Any:
        return None if block is None else getattr(block, field) or None

    cells = {
        f"{field}{suffix}": of(block, field)
        for field in FIELDS
        for suffix, block in (("", change.after), ("_before", change.before))
    }
    figures = {figure: change.difference(figure) for figure in ("params", "macs", "flops")}
    cells |= {"status": change.status, **figures}
    return tuple([cells[column.key] for column in ROWS])


def _record(diff: Diff) -> dict[str, Any]:
    return {
        "before": diff.before.file,
        "after": diff.after.file,
        "different": diff.is_different,
        "same": sum(change.status == SAME for change in diff.changes),
        "changes": [
            {
                "status": change.status,
                "fields": list(change.fields),
                "before": change.before and block_record(change.before),
                "after": change.after and block_record(change.after),
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
