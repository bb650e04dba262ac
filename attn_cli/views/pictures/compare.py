"""Blocks side by side as a chart, which answers the question that the comparison asks.

On one input, bars; along several inputs, or along a sweep of one option, lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import AttnError
from attn_cli.text import shown
from attn_cli.views.pictures.figures import Figure, Scale, Series, Spec, bars, lines, told
from attn_cli.views.pictures.vega import Chart
from attn_cli.views.report import size_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.analysis.compare import Comparison
    from attn_cli.analysis.entry import Entry
    from attn_cli.analysis.network import NetworkComparison

COSTS = (Figure("params", "params"), Figure("macs", "MACs"), Figure("flops", "FLOPs"))
SIZES = (Figure("width", "width"), Figure("kernel_size", "kernel"))
ADDED = (
    Figure("params", "params added"), Figure("macs", "MACs added"), Figure("flops", "FLOPs added"),
)  # fmt: skip
# Fewer points than these make no line.
MIN_POINTS = 3
MAX_BARS = 100
MAX_LINES = 24


def of_comparison(comparison: Comparison, notes: Sequence[str]) -> Chart:
    """Return the chart of blocks on their own."""
    entries = [row.entry for row in comparison.rows]
    shapes = list(dict.fromkeys((entry.shape, entry.places) for entry in entries))
    title, spec = (
        _along_places(entries, shapes) if len(shapes) > 1 else _on_one(entries, shapes[0][0])
    )
    costs = [_told(entry, alone=len(shapes) == 1) for entry in entries[:MAX_BARS]]
    return Chart(shown(title), f"{title}. {'; '.join(costs)}.", notes, spec)


def of_network(comparison: NetworkComparison, notes: Sequence[str]) -> Chart:
    """Return the chart of what blocks add to a network."""
    blocks = comparison.blocks
    _limited(len(blocks), MAX_BARS, "blocks")
    values = [
        {
            "params": block.added.params.total,
            "macs": block.added.macs,
            "flops": block.added.flops,
        }
        for block in blocks
    ]
    title = f"what blocks add to {comparison.network.file}"
    names = [shown(block.spec) for block in blocks]
    what = "; ".join(map(_in_words, names, values))
    return Chart(shown(title), f"{title}: {what}.", notes, bars(names, values, ADDED))


def _told(entry: Entry, *, alone: bool) -> str:
    """Return what an entry costs, for who does not see it."""
    name = shown(entry.as_given)
    return _in_words(name if alone else f"{name} on {size_text(entry.shape)}", _values(entry))


def _in_words(name: str, values: Mapping[str, int | None]) -> str:
    figures = [f"{told(values[figure.key])} {figure.label}" for figure in COSTS]
    return f"{name} {', '.join(figures)}"


def _on_one(entries: Sequence[Entry], shape: Sequence[int | None]) -> tuple[str, Spec]:
    """Return the chart of blocks on one input: of a sweep a line, else bars."""
    size = size_text(tuple(shape))
    swept = _swept(entries)
    if swept is not None:
        by_block: dict[str, list[tuple[float, Mapping[str, int | None]]]] = {}
        for entry in sorted(entries, key=lambda entry: float(entry.options[swept])):
            by_block.setdefault(entry.block, []).append((entry.options[swept], _values(entry)))
        series = [Series(block, points) for block, points in by_block.items()]
        points = [at for each in series for at, _ in each.points]
        title = f"{', '.join(by_block)} on {size}, by {swept}"
        return title, lines(series, Scale(swept, base=_base(points)), _told_of(entries, swept))
    _limited(len(entries), MAX_BARS, "blocks")
    names = [shown(entry.as_given) for entry in entries]
    return f"blocks on {size}", bars(names, [_values(entry) for entry in entries], COSTS)


def _along_places(
    entries: Sequence[Entry], shapes: Sequence[tuple[Sequence[int | None], int]]
) -> tuple[str, Spec]:
    """Return the chart of blocks along their inputs: numbers of channels, or places."""
    blocks: dict[str, list[Entry]] = {}
    for entry in entries:
        blocks.setdefault(entry.as_given, []).append(entry)
    _limited(len(blocks), MAX_LINES, "blocks on several shapes")
    _limited(len(shapes), MAX_BARS, "shapes")
    sides = {tuple(shape[:2]) for shape, _ in shapes}
    is_sweep = (
        len(shapes) >= MIN_POINTS and len(sides) == 1 and all(places == 1 for _, places in shapes)
    )
    if is_sweep:
        series = [
            Series(
                name, sorted([(entry.shape[-1] or 0, _values(entry)) for entry in each], key=_at)
            )
            for name, each in blocks.items()
        ]
        channels = [at for at, _ in series[0].points]
        size = size_text((*next(iter(sides)), "C"))  # type: ignore[arg-type]
        scale = Scale("channels C", base=_base(channels))
        return f"blocks on {size}, by channels", lines(series, scale, _told_of(entries, "channels"))
    at = {shape: place for place, shape in enumerate(shapes)}
    names = [
        f"{places} × ({size_text(tuple(shape))})" if places > 1 else size_text(tuple(shape))
        for shape, places in shapes
    ]
    series = [
        Series(name, [(at[entry.shape, entry.places], _values(entry)) for entry in each])
        for name, each in blocks.items()
    ]
    title = f"blocks along {len(shapes)} inputs, each block on its own"
    return title, lines(series, Scale("input", names), COSTS)


def _at(point: tuple[float, Any]) -> float:
    return point[0]


def _swept(entries: Sequence[Entry]) -> str | None:
    """Return the one option that differs, by numbers, among enough entries of each block."""
    by_block: dict[str, list[Entry]] = {}
    for entry in entries:
        by_block.setdefault(entry.block, []).append(entry)
    names = set()
    for alike in by_block.values():
        differing = [
            name
            for name in alike[0].options
            if len({repr(entry.options[name]) for entry in alike}) > 1
        ]
        if len(alike) < MIN_POINTS or len(differing) != 1:
            return None
        values = [entry.options[differing[0]] for entry in alike]
        if len(set(values)) < len(values) or any(type(v) not in (int, float) for v in values):
            return None
        names.add(differing[0])
    return names.pop() if len(names) == 1 else None


def _values(entry: Entry) -> dict[str, int | None]:
    figures = entry.figures
    return {
        "params": figures.params.total,
        "macs": figures.macs,
        "flops": figures.flops,
        "width": figures.width,
        "kernel_size": figures.kernel_size,
    }


def _told_of(entries: Sequence[Entry], swept: str) -> list[Figure]:
    """Return what a sweep is drawn of: what it costs, and a size that it changes."""
    values = [_values(entry) for entry in entries]
    changed = [
        size
        for size in SIZES
        if size.key != swept and len({each[size.key] for each in values} - {None}) > 1
    ]
    return [*COSTS, *changed]


def _base(points: Sequence[float]) -> int | None:
    """Return the base of the scale that numbers are spread over, None for a linear one."""
    return 2 if min(points) > 0 and max(points) >= 8 * min(points) else None


def _limited(count: int, most: int, what: str) -> None:
    if count > most:
        raise AttnError(
            f"{count} {what} are too many for a picture ({most} at most); -o FILE.csv has them all"
        )
