"""A network as a strip from input to output: a block for each stage, lower where it has squeezed
the map, with attention where it sits, and below it what each stage costs.

Vega-Lite draws it. All that is decided here is where on a scale of pixels a call stands: each
stage has room for its words, and what is left is shared out by the number of calls.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import log2
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.diff import ADDED, CHANGED, REMOVED, SAME
from attn_cli.analysis.find import search
from attn_cli.analysis.gates import UNNAMED
from attn_cli.analysis.stages import find_stages
from attn_cli.analysis.where import WORDS
from attn_cli.errors import AttnError, BadFile
from attn_cli.views.pictures.vega import (
    COLORS,
    GREY,
    INK,
    MAX_MARKS,
    PLAIN,
    RULE,
    SHAPES,
    STRONG,
    STRONG_INK,
    Chart,
    apart,
    labelled,
    lines_of,
)
from attn_cli.views.report import percent_text, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from attn_cli.analysis.diff import Diff
    from attn_cli.analysis.find import Attention, Hidden
    from attn_cli.analysis.inspect import Inspection
    from attn_cli.analysis.network import Network
    from attn_cli.analysis.places import Place
    from attn_cli.analysis.stages import Extent, Stage
    from attn_cli.graph import Graph

Spec = dict[str, Any]
Figures = tuple[int | None, int | None]

WIDTH = 860
ROOM = 78  # for the words of a stage
RIM = 6  # of a stage, which half a mark takes
HIGH, LOW = 84, 14  # the height of the largest map, and of the smallest
WORDS_ABOVE, WORDS_BELOW = 16, 20
BAR = 60
OTHER = "other gates"
HIDDEN = "hidden by layers that cannot be read"
# How a change is told between two strips: a sign, and its colour.
SIGNS = {ADDED: ("+", COLORS[2]), REMOVED: ("−", STRONG), CHANGED: ("~", COLORS[3])}
BETWEEN = 72
MAX_STRIPS = 24


class Mark(NamedTuple):
    """A gate on the strip: what kind it is, and the call that applies it."""

    kind: str
    node: int


class Strip(NamedTuple):
    """The stages of a network, where each ends on the scale, where each call is, and the gates."""

    stages: tuple[Stage, ...]
    ends: tuple[float, ...]
    at: dict[int, float]
    stage_of: dict[int, int]
    marks: tuple[Mark, ...]


def of_inspection(inspection: Inspection, heading: Sequence[str], notes: Sequence[str]) -> Chart:
    """Return the strip of a model. Raises BadFile where its layers are not told."""
    graph = inspection.model.graph
    if graph is None:
        raise BadFile(
            f"{inspection.file}: the file does not tell the layers, only their weights: "
            "there is nothing to draw"
        )
    strip = strip_of(graph, inspection.blocks, (*inspection.unnamed, *inspection.hidden))
    model = inspection.model
    panels = [
        band([strip]),
        *costs(strip, "params", _params, model.total, at_least=model.at_least),
        *costs(strip, "MACs", _macs, inspection.macs),
        *costs(strip, "FLOPs", _flops, inspection.flops),
    ]
    told = f"{inspection.file}, from input to output: {_in_words(strip)}."
    return _chart(heading, told, notes, panels)


def of_inspections(inspections: Sequence[Inspection]) -> Chart:
    """Return the strips of several models, of those whose layers are told."""
    panels, told = [], []
    for each in inspections:
        if each.model.graph is not None:
            strip = strip_of(each.model.graph, each.blocks, (*each.unnamed, *each.hidden))
            panels.append({"title": {"text": each.file, "fontSize": 12}, **band([strip])})
            told.append(f"{each.file}: {_in_words(strip)}.")
    if not panels or len(panels) > MAX_STRIPS:
        raise AttnError(
            f"{len(panels)} files are too many for a picture ({MAX_STRIPS} at most)"
            if panels
            else "no file tells its layers, only their weights: there is nothing to draw"
        )
    resolved = {"color": "independent", "shape": "independent"}
    chart = _chart([f"{len(panels)} models"], " ".join(told), (), panels)
    return chart._replace(spec={**chart.spec, "resolve": {"legend": resolved, "scale": resolved}})


def of_places(
    network: Network, places: Sequence[Place], heading: Sequence[str], notes: Sequence[str]
) -> Chart:
    """Return the strip of a network with the places where a block can go."""
    found, hidden, _ = search(network.graph)
    named = [block for block in found if block.kind != UNNAMED]
    unnamed = [block for block in found if block.kind == UNNAMED]
    strip = strip_of(network.graph, named, (*unnamed, *hidden))
    counts = Counter(word for place in places for word in place.words or ("named",))
    rows = sorted(counts, key=lambda word: [*WORDS, word].index(word))
    told = ", ".join(f"{counts[word]} {word}" for word in rows) or "no place that has a word"
    panels = [band([strip]), *([_rows(strip, places, rows, counts)] if rows else [])]
    return _chart(heading, f"{network.file}: {_in_words(strip)}. Places: {told}.", notes, panels)


def of_diff(diff: Diff, heading: Sequence[str], notes: Sequence[str]) -> Chart:
    """Return the strips of two models, with what was added, removed and changed between them."""
    strips = []
    for each in (diff.before, diff.after):
        assert each.model.graph is not None
        strips.append(strip_of(each.model.graph, each.blocks, (*each.unnamed, *each.hidden)))
    before, after = strips
    rows = [
        {
            "status": change.status,
            "before": None if change.before is None else _at(before, change.before),
            "after": None if change.after is None else _at(after, change.after),
        }
        for change in diff.changes
    ]
    counts = Counter(row["status"] for row in rows)
    told = ", ".join(f"{counts[each]} {each}" for each in (ADDED, REMOVED, CHANGED, SAME))
    description = (
        f"Before, {diff.before.file}: {_in_words(before)}. After, {diff.after.file}: "
        f"{_in_words(after)}. Attention blocks: {told}."
    )
    signs = ", ".join(f"{sign} {status}" for status, (sign, _) in SIGNS.items())
    names = [f"before: {diff.before.file}", f"after: {diff.after.file}"]
    return _chart(heading, description, [*notes, signs], [band(strips, rows, names)])


def strip_of(
    graph: Graph, blocks: Sequence[Attention], others: Sequence[Attention | Hidden]
) -> Strip:
    """Return the strip of a graph with its gates."""
    stages = find_stages(graph, [each.nodes for each in blocks], [each.nodes for each in others])
    marks = [Mark(each.kind, max(each.nodes)) for each in blocks]
    marks += [Mark(OTHER if each.kind == UNNAMED else HIDDEN, max(each.nodes)) for each in others]
    if len(marks) > MAX_MARKS or len(stages) * ROOM > MAX_MARKS:
        raise AttnError(
            f"{len(stages)} stages with {len(marks)} blocks are too many for a picture; "
            "-o FILE.csv has them all"
        )
    calls = sum(len(stage.nodes) for stage in stages)
    shared = max(0, WIDTH - ROOM * len(stages))
    ends: list[float] = []
    at: dict[int, float] = {}
    stage_of: dict[int, int] = {}
    start = 0.0
    for place, stage in enumerate(stages):
        width = ROOM + shared * len(stage.nodes) / calls
        ends.append(round(start + width, 2))
        inside = width - 2 * RIM
        for order, node in enumerate(stage.nodes):
            at[node] = round(start + RIM + inside * (order + 0.5) / len(stage.nodes), 2)
            stage_of[node] = place
        start += width
    return Strip(stages, tuple(ends), at, stage_of, tuple(marks))


def band(strips: Sequence[Strip], changes: Sequence[Spec] = (), names: Sequence[str] = ()) -> Spec:
    """Return the strips, one above the other, and what became of each block between them."""
    above = WORDS_ABOVE * (2 if names else 1)
    each = above + HIGH + WORDS_BELOW
    height = each * len(strips) + BETWEEN * (len(strips) - 1)
    middles = [above + HIGH / 2 + place * (each + BETWEEN) for place in range(len(strips))]
    width = max(strip.ends[-1] for strip in strips)
    layers = _between(changes, each) if changes else []
    if names:
        rows = [
            {"x": 0, "y": place * (each + BETWEEN) + 8, "text": name}
            for place, name in enumerate(names)
        ]
        layers.append(
            {
                "data": {"values": rows},
                "mark": {"type": "text", "align": "left", "baseline": "middle", "limit": width},
                "encoding": {"text": {"field": "text"}},
            }
        )
    for strip, middle in zip(strips, middles, strict=True):
        layers += _stages(strip, middle)
    kinds = list(dict.fromkeys(mark.kind for strip in strips for mark in strip.marks))
    if kinds:
        layers.append(_marks(strips, middles, kinds))
    return {
        "width": width,
        "height": height,
        "encoding": {
            "x": {**_scaled("x", width), "axis": None},
            "y": {**_scaled("y", height), "axis": None},
        },
        "layer": layers,
    }


def _scaled(field: str, length: float) -> Spec:
    domain = [0, length] if field == "x" else [length, 0]
    return {
        "field": field, "type": "quantitative",
        "scale": {"domain": domain, "nice": False, "zero": False},
    }  # fmt: skip


def _stages(strip: Strip, middle: float) -> list[Spec]:
    """Return the blocks of the stages, with what there is in words above and below each."""
    levels = heights([stage.extent for stage in strip.stages])
    rows = []
    for place, stage in enumerate(strip.stages):
        start = strip.ends[place - 1] if place else 0.0
        marks = [mark for mark in strip.marks if strip.stage_of[mark.node] == place]
        rows.append(
            {
                "x": start + 1.5, "x2": strip.ends[place] - 1.5,
                "y": middle - levels[place] / 2, "y2": middle + levels[place] / 2,
                "middle": (start + strip.ends[place]) / 2,
                "above": middle - levels[place] / 2 - 8, "below": middle + levels[place] / 2 + 11,
                "size": extent_text(stage.extent), "count": counted(marks),
            }
        )  # fmt: skip
    return [
        {
            "data": {"values": rows},
            "mark": {
                "type": "rect", "fill": PLAIN, "fillOpacity": 0.15, "stroke": PLAIN,
                "strokeWidth": 1, "cornerRadius": 3,
            },
            "encoding": {"x2": {"field": "x2"}, "y2": {"field": "y2"}},
        },
        *[
            {
                "data": {"values": rows},
                "mark": {"type": "text", "baseline": "middle"},
                "encoding": {
                    "x": {"field": "middle", "type": "quantitative"},
                    "y": {"field": side, "type": "quantitative"},
                    "text": {"field": words},
                },
            }
            for side, words in (("above", "count"), ("below", "size"))
        ],
    ]  # fmt: skip


def _marks(strips: Sequence[Strip], middles: Sequence[float], kinds: Sequence[str]) -> Spec:
    """Return the gates, each where it sits, with a legend of the kinds that there are."""
    rows = [
        {"kind": kinds.index(mark.kind), "x": strip.at[mark.node], "y": middle}
        for strip, middle in zip(strips, middles, strict=True)
        for mark in strip.marks
    ]
    counts = [
        [sum(mark.kind == kind for mark in strip.marks) for strip in strips] for kind in kinds
    ]
    names = [
        f"{kind} × {' → '.join(map(str, count))}" for kind, count in zip(kinds, counts, strict=True)
    ]
    plain = [kind for kind in kinds if kind not in (OTHER, HIDDEN)]
    # Vermilion first: attention is what people look for.
    colors = [STRONG, COLORS[2], COLORS[3], PLAIN]
    looks = [
        (GREY, "triangle-down" if kind == OTHER else "cross")
        if kind not in plain
        else (colors[plain.index(kind) % 4], SHAPES[plain.index(kind) % len(SHAPES)])
        for kind in kinds
    ]
    legend = {"title": None, "orient": "top", "labelExpr": labelled(names), "columns": 6}
    domain = [*range(len(kinds))]

    def encoded(values: Sequence[str]) -> Spec:
        return {
            "field": "kind", "type": "nominal", "legend": legend,
            "scale": {"domain": domain, "range": [*values]},
        }  # fmt: skip

    return {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "opacity": 1, "size": _size(strips)},
        "encoding": {
            "color": encoded([color for color, _ in looks]),
            "shape": encoded([shape for _, shape in looks]),
        },
    }


def _size(strips: Sequence[Strip]) -> float:
    """Return how large the marks are so that those that are close together stay apart."""
    nearest = float(WIDTH)
    for strip in strips:
        places = sorted({strip.at[mark.node] for mark in strip.marks})
        gaps = [after - before for before, after in pairwise(places)]
        nearest = min([nearest, *gaps])
    return round(max(8.0, min(90.0, nearest**2)), 1)


def _between(changes: Sequence[Spec], top: float) -> list[Spec]:
    """Return what ties the blocks of two strips: a line for each, with a sign where one differs."""
    bottom = top + BETWEEN
    half = (top + bottom) / 2
    lines, signs = [], []
    for change in changes:
        before, after, status = change["before"], change["after"], change["status"]
        sign, color = SIGNS.get(status, ("", RULE))
        ends = [
            (before if before is not None else after, top if before is not None else half),
            (after if after is not None else before, bottom if after is not None else half),
        ]
        lines.append(
            {
                "x": ends[0][0], "y": ends[0][1], "x2": ends[1][0], "y2": ends[1][1],
                "color": color, "opacity": 1 if sign else 0.5,
            }
        )  # fmt: skip
        if sign:
            # Where a line ends half-way its sign stands at that end, else beside its beginning.
            along = {ADDED: 0.39, REMOVED: 0.61}.get(status, 0.1)
            aside = 8 if status == CHANGED else 0
            signs.append(
                {
                    "x": ends[0][0] + (ends[1][0] - ends[0][0]) * along + aside,
                    "y": top + BETWEEN * along, "text": sign, "color": color,
                }
            )  # fmt: skip
    colored = {"field": "color", "type": "nominal", "scale": None}
    return [
        {
            "data": {"values": lines},
            "mark": {"type": "rule", "strokeWidth": 1.5},
            "encoding": {
                "x2": {"field": "x2"}, "y2": {"field": "y2"}, "color": colored,
                "opacity": {"field": "opacity", "type": "quantitative", "scale": None},
            },
        },
        {
            "data": {"values": signs},
            "mark": {"type": "text", "fontSize": 17, "baseline": "middle"},
            "encoding": {"text": {"field": "text"}, "color": colored},
        },
    ]  # fmt: skip


def _params(stage: Stage) -> Figures:
    return stage.params, stage.gate_params


def _macs(stage: Stage) -> Figures:
    return stage.cost.macs, stage.gate_cost.macs


def _flops(stage: Stage) -> Figures:
    return stage.cost.flops, stage.gate_cost.flops


def costs(
    strip: Strip,
    name: str,
    figures: Callable[[Stage], Figures],
    total: int | None,
    *,
    at_least: bool = False,
) -> list[Spec]:
    """Return bars below the stages: what part of a total each has, and attention's part of it.

    Where there are `at_least` so many of them, no part of them is known. None are drawn where
    none of it is known, or there is none.
    """
    told = [figures(stage) for stage in strip.stages]
    if not any(whole for whole, _ in told):
        return []
    most = max([whole or 0 for whole, _ in told]) or 1
    rows = []
    for place, (whole, part) in enumerate(told):
        start = strip.ends[place - 1] if place else 0.0
        share = ""
        if whole is None:
            words = "?"
        elif at_least:
            words = f"≥ {whole:,}"
        else:
            words = percent_text(whole / total, 1) if whole and total else f"{whole:,}"
            if whole and part:
                share = f"attn {percent_text(part / whole, 1)}"
        rows.append(
            {
                "x": start + 6, "x2": strip.ends[place] - 6,
                "middle": (start + strip.ends[place]) / 2,
                "whole": (whole or 0) / most, "words": words,
                "part": (part or 0) / most if share else 0, "share": share,
            }
        )  # fmt: skip
    width = strip.ends[-1]
    x = {**_scaled("x", width), "axis": None}
    scale = {"domain": [0, 1.0], "nice": False}

    def bar(field: str, color: str, opacity: float) -> Spec:
        return {
            "mark": {"type": "rect", "color": color, "opacity": opacity},
            "encoding": {
                "x": x, "x2": {"field": "x2"}, "y2": {"datum": 0},
                "y": {"field": field, "type": "quantitative", "axis": None, "scale": scale},
            },
        }  # fmt: skip

    def text(field: str, color: str, up: float, where: str) -> Spec:
        return {
            "transform": [{"filter": where}],
            "mark": {"type": "text", "color": color, "dy": -up},
            "encoding": {
                "x": {**x, "field": "middle"},
                "y": {"field": "whole", "type": "quantitative", "axis": None, "scale": scale},
                "text": {"field": field},
            },
        }  # fmt: skip

    in_all = "unknown" if total is None else f"{total:,}"
    parts = "by stage"
    if any(row["share"] for row in rows):
        parts += ", and attention's part of each"
    panel = {
        "data": {"values": rows},
        "width": width,
        "height": BAR,
        "title": {
            "text": f"{name}: {'at least ' * at_least}{in_all}, {parts}",
            "fontSize": 12,
            "offset": 26,
        },
        "layer": [
            bar("whole", PLAIN, 0.75),
            bar("part", STRONG, 1),
            text("words", INK, 19, "datum.share"),
            text("words", INK, 6, "!datum.share"),
            text("share", STRONG_INK, 6, "datum.share"),
        ],
    }
    return [panel]


def _rows(
    strip: Strip, places: Sequence[Place], words: Sequence[str], counts: Counter[str]
) -> Spec:
    """Return a row for each word, with the places that it names."""
    rows = [
        {
            "x": strip.at[place.site.yields.node],
            "row": words.index(word),
        }
        for place in places
        for word in place.words or ("named",)
    ]
    names = [f"{word} × {counts[word]}" for word in words]
    width = strip.ends[-1]
    return {
        "data": {"values": rows},
        "width": width,
        "height": {"step": 22},
        "mark": {"type": "point", "filled": True, "opacity": 1, "size": 45, "color": PLAIN},
        "encoding": {
            "x": {**_scaled("x", width), "axis": None},
            "y": {
                "field": "row", "type": "ordinal", "scale": {"domain": [*range(len(words))]},
                "axis": {
                    "labelExpr": labelled(names), "title": None, "grid": True, "ticks": False,
                    "domain": False, "orient": "right", "labelLimit": 300,
                },
            },
        },
    }  # fmt: skip


def heights(extents: Sequence[Extent]) -> list[float]:
    """Return how high each stage is drawn: by how often its map was halved."""
    # Of what is only known as a part of the input, the input is as large as most are.
    levels = [
        log2(max(1.0, (each.positions or 0.0) * (2**16 if each.is_relative else 1)))
        for each in extents
    ]
    most = max(levels) or 1.0
    return [round(LOW + (HIGH - LOW) * level / most, 1) for level in levels]


def extent_text(extent: Extent) -> str:
    """Return how far a map extends, as people write it: 56 × 56, or H/4 × W/4."""
    if not extent.sizes:
        return "vector"
    if not extent.is_relative:
        return size_text(extent.sizes)
    if extent.positions is None:
        return "size unknown"
    side = extent.positions ** (1 / len(extent.sizes))
    letters = "HW" if len(extent.sizes) == 2 else "DHW"[: len(extent.sizes)]
    factor = f"/{1 / side:g}" if side < 1 else f"·{side:g}" if side > 1 else ""
    return " × ".join(f"{letter}{factor}" for letter in letters)


def counted(marks: Sequence[Mark]) -> str:
    """Return how many gates a stage has, and of what kind where they are of one."""
    kinds = {mark.kind for mark in marks}
    if not marks:
        return ""
    if len(kinds) == 1 and not kinds & {OTHER, HIDDEN}:
        return f"{len(marks)} {kinds.pop()}"
    return f"{len(marks)} gates"


def _at(strip: Strip, block: Attention) -> float:
    return strip.at[max(block.nodes)]


def _in_words(strip: Strip) -> str:
    """Return what a strip shows, for who does not see it."""
    told = []
    for place, stage in enumerate(strip.stages):
        words = counted([mark for mark in strip.marks if strip.stage_of[mark.node] == place])
        calls = f"{len(stage.nodes)} calls{f', {words}' if words else ''}"
        told.append(f"{extent_text(stage.extent)} ({calls})")
    return f"{len(told)} stages, {'; '.join(told)}"


def _chart(
    heading: Sequence[str], description: str, notes: Iterable[str], panels: Sequence[Spec]
) -> Chart:
    title, *others = map(apart, heading)
    return Chart(
        title, description, lines_of([*others, *notes]), {"vconcat": [*panels], "spacing": 14}
    )
