"""Networks as charts: one that is inspected, or several; its places; what changed in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attn_cli.account import one_account
from attn_cli.analysis.diff import ADDED, CHANGED, REMOVED, SAME
from attn_cli.analysis.find import search
from attn_cli.analysis.gates import UNNAMED
from attn_cli.analysis.where import WORDS
from attn_cli.errors import AttnError, BadFile
from attn_cli.views.pictures.strip import BETWEEN, Strip, band, in_words, scaled, strip_of
from attn_cli.views.pictures.vega import (
    COLORS,
    INK,
    MAX_MARKS,
    PLAIN,
    RULE,
    STRONG,
    STRONG_INK,
    WIDE,
    Chart,
    apart,
    labelled,
)
from attn_cli.views.report import percent_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from attn_cli.analysis.diff import Diff
    from attn_cli.analysis.find import Attention
    from attn_cli.analysis.inspect import Inspection
    from attn_cli.analysis.network import Network
    from attn_cli.analysis.places import Place
    from attn_cli.analysis.stages import Stage

Spec = dict[str, Any]
Figures = tuple[int | None, int | None]

BAR = 60
MAX_STRIPS = 24
# How a change is told between two strips: a sign, and its colour.
SIGNS = {ADDED: ("+", COLORS[2]), REMOVED: ("−", STRONG), CHANGED: ("~", COLORS[3])}


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
    bars = [
        *costs(strip, "params", _params, model.total, at_least=model.at_least),
        *costs(strip, "MACs", _macs, inspection.macs),
        *costs(strip, "FLOPs", _flops, inspection.flops),
    ]
    told = [f"{inspection.file}, from input to output: {in_words(strip)}."]
    for panel in bars:
        rows = panel["data"]["values"]
        parts = [" ".join(filter(None, (row["words"], row["share"]))) for row in rows]
        told.append(f"{panel['title']['text']}: {'; '.join(parts)}.")
    return _chart(heading, " ".join(told), notes, [band([strip]), *bars])


def of_inspections(inspections: Sequence[Inspection]) -> Chart:
    """Return the strips of several models, of those whose layers are told."""
    panels, told = [], []
    for each in inspections:
        if each.model.graph is not None:
            strip = strip_of(each.model.graph, each.blocks, (*each.unnamed, *each.hidden))
            panels.append({"title": {"text": each.file, "fontSize": 12}, **band([strip])})
            told.append(f"{each.file}: {in_words(strip)}.")
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
    with one_account(network.file):
        found, hidden, _ = search(network.graph)
    named = [block for block in found if block.kind != UNNAMED]
    unnamed = [block for block in found if block.kind == UNNAMED]
    strip = strip_of(network.graph, named, (*unnamed, *hidden))
    counts = Counter(word for place in places for word in place.words or ("named",))
    rows = sorted(counts, key=lambda word: [*WORDS, word].index(word))
    told = ", ".join(f"{counts[word]} {word}" for word in rows) or "no place that has a word"
    panels = [band([strip]), *([_rows(strip, places, rows, counts)] if rows else [])]
    return _chart(heading, f"{network.file}: {in_words(strip)}. Places: {told}.", notes, panels)


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
        f"Before, {diff.before.file}: {in_words(before)}. After, {diff.after.file}: "
        f"{in_words(after)}. Attention blocks: {told}."
    )
    signs = ", ".join(f"{sign} {status}" for status, (sign, _) in SIGNS.items())

    def between(top: float) -> list[Spec]:
        return _between(rows, top)

    names = [f"before: {diff.before.file}", f"after: {diff.after.file}"]
    return _chart(heading, description, [*notes, signs], [band(strips, names, between)])


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
    x = {**scaled("x", width), "axis": None}
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


def _params(stage: Stage) -> Figures:
    return stage.params, stage.gate_params


def _macs(stage: Stage) -> Figures:
    return stage.cost.macs, stage.gate_cost.macs


def _flops(stage: Stage) -> Figures:
    return stage.cost.flops, stage.gate_cost.flops


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
    if len(rows) > MAX_MARKS:
        raise AttnError(f"{len(rows)} places are too many for a picture; -o FILE.csv has them all")
    names = [f"{word} × {counts[word]}" for word in words]
    width = strip.ends[-1]
    return {
        "data": {"values": rows},
        "width": width,
        "height": {"step": 22},
        "mark": {"type": "point", "filled": True, "opacity": 1, "size": 45, "color": PLAIN},
        "encoding": {
            "x": {**scaled("x", width), "axis": None},
            "y": {
                "field": "row", "type": "ordinal", "scale": {"domain": [*range(len(words))]},
                "axis": {
                    "labelExpr": labelled(names), "title": None, "grid": True, "ticks": False,
                    "domain": False, "orient": "right", "labelLimit": 300,
                },
            },
        },
    }  # fmt: skip


def _at(strip: Strip, block: Attention) -> float:
    return strip.at[max(block.nodes)]


def _chart(
    heading: Sequence[str], description: str, notes: Iterable[str], panels: Sequence[Spec]
) -> Chart:
    title, *others = map(apart, heading)
    return Chart(title, description, [*others, *notes], {"vconcat": [*panels], "spacing": 14}, WIDE)
