"""Checks as a chart: what each figure is of its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.errors import AttnError
from attn_cli.views.pictures.vega import (
    GREY,
    INK,
    PLAIN,
    RULE,
    STRONG,
    Chart,
    apart,
    labelled,
)
from attn_cli.views.verdicts import margin, phrase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.analysis.check import Check, Verdict
    from attn_cli.views.pictures.figures import Spec

# A bar ends here: how much longer it would be stands beside it.
LONGEST = 2.0
WIDTH = 320
MAX_BARS = 100
# In words: the letters that a picture brings have no ticks and crosses.
SAID = {True: "holds", False: "fails", None: "unknown"}
COLORS = {True: PLAIN, False: STRONG, None: GREY}


def of_checks(checks: Sequence[Check], heading: Sequence[str], notes: Sequence[str]) -> Chart:
    """Return the chart of checks: a row for each verdict."""
    told = [(check.name or check.of, verdict) for check in checks for verdict in check.verdicts]
    if not told or len(told) > MAX_BARS:
        raise AttnError(
            f"{len(told)} verdicts are too many for a picture ({MAX_BARS} at most); "
            "-o FILE.csv has them all"
            if told
            else "no check could be made: there is nothing to draw"
        )
    words = [_words(verdict) for _, verdict in told]
    rows = [
        {"row": row, "part": part(verdict), "color": COLORS[verdict.ok], "words": words[row]}
        for row, (_, verdict) in enumerate(told)
    ]
    title, *others = map(apart, heading or ["checks"])
    said = [f"{name}: {each}" for (name, _), each in zip(told, words, strict=True)]
    return Chart(
        title,
        f"{title}. {'; '.join(said)}.",
        [*others, *notes, "each figure as a part of its bound"],
        _bars(rows, [name for name, _ in told]),
    )


def part(verdict: Verdict) -> float | None:
    """Return what part of its bound a figure is; None where that has no meaning."""
    got, bound = verdict.got, verdict.bound
    if any(isinstance(each, bool) or not isinstance(each, (int, float)) for each in (got, bound)):
        return None
    if bound <= 0 or got < 0:
        return None
    return float(min(LONGEST, got / bound))


def _words(verdict: Verdict) -> str:
    apart = margin(verdict)
    return f"{SAID[verdict.ok]}: {phrase(verdict)}{f', {apart}' if apart else ''}"


def _bars(rows: Sequence[Spec], names: Sequence[str]) -> Spec:
    words = [row["words"] for row in rows]
    x: Spec = {
        "field": "part",
        "type": "quantitative",
        "scale": {"domain": [0, LONGEST], "nice": False},
        "axis": {"title": None, "format": "%", "values": [0, 0.5, 1, 1.5], "orient": "top"},
    }
    axis = {
        "labelExpr": labelled(names), "labelLimit": 300, "title": None, "ticks": False,
        "domain": False, "labelPadding": 8,
    }  # fmt: skip
    y = {
        "field": "row", "type": "ordinal", "sort": None, "scale": {"paddingInner": 0.4},
        "axis": axis,
    }  # fmt: skip
    color = {"field": "color", "type": "nominal", "scale": None}
    return {
        "data": {"values": [*rows]},
        # Room for letters that are wider than those that this is measured in.
        "padding": {
            **dict.fromkeys(("left", "top", "bottom"), 12),
            "right": 12 + max(map(len, words)),
        },
        "width": WIDTH,
        "height": {"step": 26},
        "encoding": {"y": y},
        "layer": [
            {
                "transform": [{"filter": "isValid(datum.part)"}],
                "mark": "bar",
                "encoding": {"x": x, "color": color},
            },
            {
                "mark": {"type": "rule", "color": RULE, "strokeWidth": 2, "strokeDash": [5, 3]},
                "encoding": {"x": _at(x, 1), "y": None},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 10, "color": INK},
                "encoding": {
                    "x": _at(x, LONGEST),
                    "text": {"field": "words"},
                },
            },
        ],
    }


def _at(x: Spec, value: float) -> Spec:
    """Return a place on a scale that is no row's."""
    return {**{key: told for key, told in x.items() if key != "field"}, "datum": value}
