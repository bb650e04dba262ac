"""Charts drawn by Vega-Lite: a specification in, which is plain data; an SVG, PNG or PDF out."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.showing import several
from attn_cli.text import shown
from attn_cli.views.fit import wrapped
from attn_cli.views.pictures import raster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.views.report import Report

# Blue, vermilion, green and purple of Okabe and Ito's palette: told apart by all eyes, and each
# stands out by 3:1 from white and from black. What they tell, a shape or a word tells too.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
PLAIN = COLORS[0]
STRONG = COLORS[1]
GREY = "#767676"
# The texts of a drawing, and what it stands on; a page gives them its own colours.
INK = "#1a1a1a"
STRONG_INK = "#b34700"
PAPER = "#ffffff"
RULE = "#8c8c8c"
# As many as there are lines at most, so that with four colours no two look the same.
SIX = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
SHAPES = tuple([SIX[(place + place // 12) % 6] for place in range(24)])
CONFIG = {
    "font": raster.FONT,
    "view": {"stroke": None},
    "title": {
        "anchor": "start", "color": INK, "subtitleColor": INK, "fontSize": 14, "fontWeight": 400,
        "subtitleFontSize": 11, "subtitlePadding": 4, "offset": 12, "frame": "group",
    },
    "axis": {
        "labelColor": INK, "titleColor": INK, "titleFontWeight": 400, "titleFontSize": 11,
        "labelFontSize": 11, "tickColor": RULE, "domainColor": RULE, "gridColor": "#8c8c8c",
        "gridOpacity": 0.25,
    },
    "legend": {
        "labelColor": INK, "titleColor": INK, "labelFontSize": 11, "titleFontWeight": 400,
        "labelLimit": 320, "symbolSize": 90,
    },
    "text": {"color": INK, "fontSize": 11},
}  # fmt: skip
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# What a picture can hold and still be looked at.
MAX_MARKS = 20_000
MAX_NOTE, MAX_LINES = 480, 12
# What fits above a chart in the widest letters that a reader may have, and above a strip.
NARROW, WIDE = 84, 120
# Where the reader's screen is dark, so is the picture; what is drawn in colour holds on both.
STYLE = f"""<style>@media screen and (prefers-color-scheme: dark) {{
.attn-chart > rect {{ fill: #14171c }}
.attn-chart text[fill="{INK}"] {{ fill: #e8eaed }}
.attn-chart text[fill="{STRONG_INK}"] {{ fill: #ff9d5c }}
}}</style>"""


class Chart(NamedTuple):
    """A chart: its title, what it shows in a sentence, notes under the title, its Vega-Lite.

    `columns` are the letters that a note has room for in a line.
    """

    title: str
    description: str
    notes: Sequence[str]
    spec: Mapping[str, Any]
    columns: int = NARROW


def draw(report: Report) -> str:
    """Draw a report's chart as an SVG."""
    return svg(_chart(report))


def png(report: Report) -> bytes:
    """Draw a report's chart as a PNG."""
    return raster.png(still(_chart(report)))


def pdf(report: Report) -> bytes:
    """Draw a report's chart as a PDF."""
    return raster.pdf(still(_chart(report)))


def svg(chart: Chart, named: str | None = None) -> str:
    """Return a chart as an SVG in the reader's fonts and colours.

    It says what it shows to whoever cannot see it, by its own title or another one.
    """
    opening, _, drawn = still(chart).partition(">")
    opening = opening.replace('class="marks"', 'class="attn-chart" role="img"')
    told = f"<title>{escape(named or chart.title)}</title><desc>{escape(chart.description)}</desc>"
    fonts = drawn.replace(f' font-family="{raster.FONT}"', f' font-family="{raster.FONTS}"')
    return f"{opening}>{told}{STYLE}{fonts}\n"


def still(chart: Chart) -> str:
    """Return a chart as an SVG in letters that are the same on all machines."""
    # A title is larger than a note, by a quarter.
    title: dict[str, Any] = {"text": broken(chart.title, chart.columns * 4 // 5)}
    if chart.notes:
        title["subtitle"] = lines_of(chart.notes, chart.columns)
    spec = {
        "$schema": SCHEMA,
        "background": PAPER,
        "padding": 12,
        **({"title": title} if chart.title else {}),
        "config": CONFIG,
        **chart.spec,
    }
    # Nothing is fetched: a specification holds all that is drawn.
    text = json.dumps(spec)
    drawn: str = raster.converter().vegalite_to_svg(text, vl_version="6.4", allowed_base_urls=[])
    return drawn


def apart(line: str) -> str:
    """Return a line with a sign where a terminal has a gap."""
    return re.sub(r" {2,}", " · ", line.strip())


def broken(line: str, columns: int) -> list[str]:
    """Return a line in lines of at most so many letters, as a terminal breaks it.

    What is one is broken where it is longer than a line: a picture has an edge.
    """
    return [
        part[start : start + columns]
        for part in wrapped(line, columns)
        for start in range(0, len(part), columns)
    ]


def lines_of(notes: Sequence[str], columns: int) -> list[str]:
    """Return notes in lines of at most so many letters, and not too many."""
    told = [shown(apart(note), MAX_NOTE) for note in notes]
    lines = [line for note in told for line in broken(note, columns)]
    more = len(lines) - MAX_LINES
    return lines if more <= 0 else [*lines[:MAX_LINES], f"and {several(more, 'more line')}"]


def labelled(names: Sequence[str]) -> str:
    """Return Vega's expression for the name of a value that is its place among names."""
    return f"{json.dumps(list(names))}[datum.value]"


def _chart(report: Report) -> Chart:
    assert report.picture is not None
    chart: Chart = report.picture.subject()
    return chart
