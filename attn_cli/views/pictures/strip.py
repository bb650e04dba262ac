"""A network as a strip from input to output: a block for each stage, lower where it has squeezed
the map, with attention where it sits.

Vega-Lite draws it. All that is decided here is where on a scale of pixels a call stands: each
stage has room for its words, and what is left is shared out by the number of calls.
"""

from __future__ import annotations

from itertools import pairwise
from math import log2
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.gates import UNNAMED
from attn_cli.analysis.stages import find_stages
from attn_cli.errors import AttnError
from attn_cli.showing import several
from attn_cli.views.pictures.vega import (
    COLORS,
    GREY,
    MAX_MARKS,
    PLAIN,
    SHAPES,
    STRONG,
    labelled,
)
from attn_cli.views.report import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from attn_cli.analysis.find import Attention, Hidden
    from attn_cli.analysis.stages import Extent, Stage
    from attn_cli.graph import Graph

Spec = dict[str, Any]

WIDTH = 860
ROOM = 78  # for the words of a stage
RIM = 6  # of a stage, which half a mark takes
HIGH, LOW = 84, 14  # the height of the largest map, and of the smallest
WORDS_ABOVE, WORDS_BELOW = 16, 20
BETWEEN = 72  # two strips
OTHER = "other gates"
HIDDEN = "hidden by layers that cannot be read"


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


def band(
    strips: Sequence[Strip],
    names: Sequence[str] = (),
    between: Callable[[float], Sequence[Spec]] | None = None,
) -> Spec:
    """Return the strips, one above the other, each under its name where it has one.

    What is drawn `between` two of them is told where the first one ends.
    """
    above = WORDS_ABOVE * (2 if names else 1)
    each = above + HIGH + WORDS_BELOW
    height = each * len(strips) + BETWEEN * (len(strips) - 1)
    middles = [above + HIGH / 2 + place * (each + BETWEEN) for place in range(len(strips))]
    width = max(strip.ends[-1] for strip in strips)
    layers = [*between(each)] if between else []
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
            "x": {**scaled("x", width), "axis": None},
            "y": {**scaled("y", height), "axis": None},
        },
        "layer": layers,
    }


def scaled(field: str, length: float) -> Spec:
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
    letters = {1: "N", 2: "HW", 3: "DHW"}.get(len(extent.sizes), "?" * len(extent.sizes))
    factor = f"/{1 / side:g}" if side < 1 else f"·{side:g}" if side > 1 else ""
    told = zip(letters, extent.sizes, strict=True)
    return " × ".join(f"{letter}{factor}" if size is None else str(size) for letter, size in told)


def counted(marks: Sequence[Mark]) -> str:
    """Return how many gates a stage has, and of what kind where they are of one."""
    kinds = {mark.kind for mark in marks}
    if not marks:
        return ""
    if len(kinds) == 1 and not kinds & {OTHER, HIDDEN}:
        return f"{len(marks)} {kinds.pop()}"
    return f"{len(marks)} gates"


def in_words(strip: Strip) -> str:
    """Return what a strip shows, for who does not see it."""
    told = []
    for place, stage in enumerate(strip.stages):
        words = counted([mark for mark in strip.marks if strip.stage_of[mark.node] == place])
        calls = f"{several(len(stage.nodes), 'call')}{f', {words}' if words else ''}"
        told.append(f"{extent_text(stage.extent)} ({calls})")
    return f"{several(len(told), 'stage')}, {'; '.join(told)}"
