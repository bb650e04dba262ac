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
DASHES = ([1, 0], [7, 4], [2, 3], [9, 3, 2, 3])
WIDTH = 190
BAND = 22
# How far a figure stands from its bar, and how wide a digit is.
BESIDE = 8
DIGIT = 6.6


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
            "labelExpr": labelled(names), "labelLimit": 420, "title": None, "ticks": False,
            "domain": False, "labelPadding": 8,
        } if is_first else None,
    }  # fmt: skip
    base = {"datum": low if log else 0}
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
    texts: list[Spec] = [
        # At the end of its bar; what is unknown, or none, where bars begin.
        {
            "transform": [
                {"filter": f"{'' if is_less else '!'}(datum.value < 0)"},
                {"calculate": f"isValid(datum.value) ? datum.value : {base['datum']}", "as": "at"},
            ],
            "mark": {"type": "text", "align": align, "dx": dx, "color": INK},
            "encoding": {"x": {**x, "field": "at"}, "text": {"field": "text"}},
        }
        for is_less, align, dx in ((False, "left", BESIDE), (True, "right", -BESIDE))
    ]
    if low < 0:
        zero = {"datum": 0, **{key: x[key] for key in ("type", "scale", "axis")}}
        texts.append(
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": RULE},
                "encoding": {"x": zero, "y": {"value": 0}, "y2": {"value": "height"}},
            }
        )
    return {
        "data": {"values": rows},
        "width": WIDTH,
        "height": {"step": BAND},
        "title": _heading(figure, log=log),
        "encoding": {"y": y},
        "layer": [*drawn, *texts],
    }


def lines(series: Sequence[Series], scale: Scale, figures: Sequence[Figure]) -> Spec:
    """Return panels one below the other: a line for each series, along the scale."""
    panels = [_lines(series, scale, figure, is_last=figure == figures[-1]) for figure in figures]
    return {"vconcat": panels, "spacing": 18}


def _lines(series: Sequence[Series], scale: Scale, figure: Figure, *, is_last: bool) -> Spec:
    values = [point[figure.key] for each in series for _, point in each.points]
    log = differ_tenfold(values)
    rows = [
        {"series": place, "at": at, "value": point[figure.key]}
        for place, each in enumerate(series)
        for at, point in each.points
    ]
    stops = sorted({at for each in series for at, _ in each.points})
    axis: Spec = {"title": scale.title if is_last else None, "labels": is_last}
    x: Spec = {"field": "at", "axis": axis}
    if scale.names is None:
        x |= {"type": "quantitative", "scale": {"zero": False, "nice": False}}
        if scale.base:
            x["scale"] |= {"type": "log", "base": scale.base}
            axis |= {"values": stops, "labelOverlap": "greedy"}
    else:
        x |= {"type": "ordinal", "scale": {"paddingOuter": 0.5}}
        axis |= {"labelExpr": labelled(scale.names), "labelAngle": -35, "labelLimit": 200}
    names = [each.name for each in series]
    legend = {"title": None, "labelExpr": labelled(names), "orient": "top", "columns": 4}

    def by_series(looks: Sequence[Any]) -> Spec:
        looks = [looks[place % len(looks)] for place in range(len(names))]
        return {
            "field": "series", "type": "nominal", "legend": legend if len(series) > 1 else None,
            "scale": {"domain": [*range(len(names))], "range": looks},
        }  # fmt: skip

    encoding = {
        "x": x,
        "y": {
            "field": "value",
            "type": "quantitative",
            # Where there is a 0, a scale that has one.
            "scale": {"type": ("symlog" if 0 in values else "log") if log else "linear"},
            "axis": {
                "title": None,
                "labelExpr": "format(datum.value, ',')",
                **({"values": _decades(values)} if log else {"tickCount": 5, "tickMinStep": 1}),
            },
        },
        "color": by_series(COLORS),
    }
    # Of lines and points that lie on each other, each is to be seen.
    line: Spec = {"type": "line", "strokeWidth": 1.5}
    if figure.key == "kernel_size":
        line["interpolate"] = "step-after"
    point = {"type": "point", "filled": False, "strokeWidth": 1.5, "opacity": 1, "size": 70}
    return {
        "data": {"values": rows},
        "title": _heading(figure, log=log),
        "width": 560,
        "height": 130,
        "encoding": encoding,
        "layer": [
            *[
                {
                    "transform": [{"filter": f"datum.series === {place}"}],
                    "mark": line | {"strokeDash": DASHES[place % len(DASHES)]},
                }
                for place in range(len(names))
            ],
            {"mark": point, "encoding": {"shape": by_series(SHAPES)}},
        ],
    }


def _heading(figure: Figure, *, log: bool) -> Spec:
    """Return what stands over a panel."""
    label = f"{figure.label} (log scale)" if log else figure.label
    return {"text": label, "fontSize": 12, "offset": 8}


def _decades(values: Sequence[int | None]) -> list[int]:
    """Return where a logarithmic scale has its marks: at each power of ten, and at 0 if it is."""
    known = [value for value in values if value]
    marks = [10**power for power in range(len(str(min(known))) - 1, len(str(max(known))) + 1)]
    # Beside a 0 there is no room for a 1.
    return [0, *[mark for mark in marks if mark > 1]] if 0 in values else marks


def differ_tenfold(values: Sequence[int | None]) -> bool:
    """Tell whether figures differ so much that a linear scale hides the small ones."""
    known = [value for value in values if value]
    return bool(known) and min(known) > 0 and max(known) > TENFOLD * min(known)


def _domain(values: Sequence[int | None], *, log: bool) -> tuple[float, float]:
    known = [value for value in values if value] or [1]
    low, high = min(known), max(known)
    if log:
        return 10.0 ** floor(log10(low)), high
    low, high = min(0, low), max(0, high)
    # A figure to the left of its bar is within the panel: beyond it are other words.
    longest = max([len(told(value)) for value in known if value < 0], default=0)
    room = BESIDE + DIGIT * longest if longest else 0
    return low - (high - low) * room / (WIDTH - room), high


def told(value: int | None) -> str:
    """Return a figure as it stands in a picture: exact, or unknown."""
    return "?" if value is None else f"{value:,}"
