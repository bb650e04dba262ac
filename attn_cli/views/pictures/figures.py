"""Figures side by side, as bars, and figures along a scale, as lines: one panel for each figure."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.views.pictures.vega import COLORS, INK, PLAIN, RULE, SHAPES, labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Spec = dict[str, Any]

# From here on a linear scale hides what is small.
TENFOLD = 10
WIDTH = 190
BAND = 22


class Figure(NamedTuple):
    """What a panel shows: the key of its values, and what they are called."""

    key: str
    label: str


class Scale(NamedTuple):
    """What lines go along: a title, and names of places, or else numbers, to whatever base."""

    title: str
    names: Sequence[str] | None = None
    base: int | None = None


class Series(NamedTuple):
    """What a line tells: a name, and values by figure at each point of the scale."""

    name: str
    points: Sequence[tuple[float, Mapping[str, int | None]]]


def bars(
    names: Sequence[str], values: Sequence[Mapping[str, int | None]], figures: Sequence[Figure]
) -> Spec:
    """Return panels side by side: a row for each name, its figure beside its bar."""
    panels = [
        _bars(names, [each[figure.key] for each in values], figure, is_first=not place)
        for place, figure in enumerate(figures)
    ]
    return {"hconcat": panels, "spacing": 16}


def _bars(
    names: Sequence[str], values: Sequence[int | None], figure: Figure, *, is_first: bool
) -> Spec:
    log = differ_tenfold(values)
    rows = [
        {"row": row, "value": value if value or not log else None, "text": told(value)}
        for row, value in enumerate(values)
    ]
    low, high = _domain(values, log=log)
    x = {
        "field": "value",
        "type": "quantitative",
        # What is told stands beside the bar, and takes room as well.
        "scale": {"type": "log" if log else "linear", "domain": [low, high], "nice": False},
        "axis": None,
    }
    y = {
        "field": "row",
        "type": "ordinal",
        "sort": None,
        "scale": {"paddingInner": 0.35},
        "axis": {
            "labelExpr": labelled(names), "labelLimit": 300, "title": None, "ticks": False,
            "domain": False, "labelPadding": 8,
        } if is_first else None,
    }  # fmt: skip
    base = {"datum": low}
    known = {"filter": "isValid(datum.value)"}
    drawn: list[Spec] = [
        {
            "transform": [known],
            "mark": {"type": "bar", "color": PLAIN},
            "encoding": {"x": x, "x2": base},
        }
    ]
    if log:
        # The length of a bar says nothing on such a scale: its end does.
        drawn = [
            {
                "transform": [known],
                "mark": {"type": "rule", "color": RULE, "strokeDash": [2, 3]},
                "encoding": {"x": x, "x2": base},
            },
            {
                "transform": [known],
                "mark": {"type": "point", "filled": True, "size": 80, "color": PLAIN, "opacity": 1},
                "encoding": {"x": x},
            },
        ]
    text = {
        "transform": [{"calculate": f"isValid(datum.value) ? datum.value : {low}", "as": "at"}],
        "mark": {"type": "text", "align": "left", "dx": 8, "color": INK},
        "encoding": {"x": {**x, "field": "at"}, "text": {"field": "text"}},
    }
    return {
        "data": {"values": rows},
        "width": WIDTH,
        "height": {"step": BAND},
        "title": {
            "text": f"{figure.label} (log scale)" if log else figure.label,
            "fontSize": 12,
            "offset": 6,
        },
        "encoding": {"y": y},
        "layer": [*drawn, text],
    }


def lines(series: Sequence[Series], scale: Scale, figures: Sequence[Figure]) -> Spec:
    """Return panels one below the other: a line for each series, along the scale."""
    panels = [_lines(series, scale, figure, is_last=figure == figures[-1]) for figure in figures]
    return {"vconcat": panels, "spacing": 18}


def _lines(series: Sequence[Series], scale: Scale, figure: Figure, *, is_last: bool) -> Spec:
    values = [point[figure.key] for each in series for _, point in each.points]
    log = differ_tenfold(values)
    rows = [
        {"series": place, "at": at, "value": point[figure.key], "text": told(point[figure.key])}
        for place, each in enumerate(series)
        for at, point in each.points
        if point[figure.key] is not None and (point[figure.key] or not log)
    ]
    stops = sorted({at for each in series for at, _ in each.points})
    axis: Spec = {"title": scale.title if is_last else None, "labels": is_last}
    x: Spec = {"field": "at", "axis": axis}
    if scale.names is None:
        x |= {"type": "quantitative", "scale": {"zero": False, "nice": False}}
        if scale.base:
            x["scale"] |= {"type": "log", "base": scale.base}
            axis |= {"values": stops, "labelOverlap": True}
    else:
        x |= {"type": "ordinal", "scale": {"paddingOuter": 0.5}}
        axis |= {"labelExpr": labelled(scale.names), "labelAngle": -35, "labelLimit": 200}
    names = [each.name for each in series]
    label = f"{figure.label} (log scale)" if log else figure.label
    legend = {"title": None, "labelExpr": labelled(names), "orient": "top", "columns": 3}
    stepped = {"interpolate": "step-after"} if figure.key == "kernel_size" else {}
    encoding = {
        "x": x,
        "y": {
            "field": "value",
            "type": "quantitative",
            "scale": {"type": "log" if log else "linear", "zero": not log},
            "axis": {"title": label, "format": "~s", "tickCount": 5},
        },
        "color": {
            "field": "series", "type": "nominal", "legend": legend if len(series) > 1 else None,
            "scale": {"domain": [*range(len(names))], "range": _cycled(COLORS, len(names))},
        },
        "shape": {
            "field": "series", "type": "nominal", "legend": legend if len(series) > 1 else None,
            "scale": {"domain": [*range(len(names))], "range": _cycled(SHAPES, len(names))},
        },
    }  # fmt: skip
    return {
        "data": {"values": rows},
        "width": 560,
        "height": 130,
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 1.5, **stepped}},
            {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 1}},
        ],
    }


def _cycled(values: Sequence[str], count: int) -> list[str]:
    return [values[place % len(values)] for place in range(count)]


def differ_tenfold(values: Sequence[int | None]) -> bool:
    """Tell whether figures differ so much that a linear scale hides the small ones."""
    known = [value for value in values if value]
    return bool(known) and min(known) > 0 and max(known) > TENFOLD * min(known)


def _domain(values: Sequence[int | None], *, log: bool) -> tuple[float, float]:
    known = [value for value in values if value] or [1]
    low, high = min(known), max(known)
    return (10.0 ** floor(log10(low)), high) if log else (min(0, low), max(0, high))


def told(value: int | None) -> str:
    """Return a figure as it stands in a picture: exact, or unknown."""
    return "?" if value is None else f"{value:,}"
