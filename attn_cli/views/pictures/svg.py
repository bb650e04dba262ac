"""A diagram as SVG: laid out by Graphviz, in the fonts of whoever looks at it."""

from __future__ import annotations

from html import escape
from math import hypot
from typing import TYPE_CHECKING

from attn_cli.views.pictures.dot import caption_lines
from attn_cli.views.pictures.layout import lay_out
from attn_cli.views.pictures.raster import FONTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attn_cli.views.pictures.diagram import Arrow, Box, Diagram
    from attn_cli.views.pictures.layout import Point, Rectangle, Route
    from attn_cli.views.report import Report

MARGIN = 14
# How much wider another machine's sans may be.
WIDER = 1.25
LINE = 15

# Blue and orange are told apart by all eyes; dashes and round corners tell it without colour.
STYLE = """\
<style>
@media (prefers-color-scheme: dark) {
.attn-diagram .paper { fill: #14171c }
.attn-diagram text { fill: #e8eaed }
.attn-diagram .own rect { fill: #12304d; stroke: #7db8f0 }
.attn-diagram .gate rect { fill: #3a2710; stroke: #f0a95b }
.attn-diagram path { stroke: #c4c7cc }
.attn-diagram polygon { fill: #c4c7cc }
}
</style>
"""


def draw(report: Report) -> str:
    """Draw a report's diagram as SVG."""
    assert report.picture is not None
    return svg(report.picture.subject())


def png(report: Report) -> bytes:
    """Draw a report's diagram as PNG."""
    from attn_cli.views.pictures import raster

    return raster.png(_still(report, raster.FONT))


def pdf(report: Report) -> bytes:
    """Draw a report's diagram as PDF."""
    from attn_cli.views.pictures import raster

    return raster.pdf(_still(report, raster.FONT))


def _still(report: Report, font: str) -> str:
    assert report.picture is not None
    return svg(report.picture.subject(), font)


def svg(diagram: Diagram, fonts: str = FONTS) -> str:
    """Return a diagram as SVG, on a ground of its own: light, or dark where that is asked for."""
    layout = lay_out(diagram)
    width = max(layout.width, layout.caption_width * WIDER) + 2 * MARGIN
    height = layout.height + 2 * MARGIN
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="attn-diagram" role="img" '
            f'aria-labelledby="attn-title attn-description" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'font-family="{fonts}" font-size="12" fill="#1a1a1a">\n',
            f'<title id="attn-title">{escape(diagram.title)}</title>\n',
            f'<desc id="attn-description">{escape(diagram.description)}</desc>\n',
            STYLE,
            '<rect class="paper" width="100%" height="100%" fill="#ffffff"/>\n',
            f'<g transform="translate({MARGIN} {MARGIN})">\n',
            *_caption(diagram),
            *(
                _arrow(arrow, route)
                for arrow, route in zip(diagram.arrows, layout.routes, strict=True)
            ),
            *(_box(box, at) for box, at in zip(diagram.boxes, layout.boxes, strict=True)),
            "</g>\n</svg>\n",
        ]
    )


def _caption(diagram: Diagram) -> Iterator[str]:
    yield f'<text y="{LINE}" font-size="14" font-weight="bold">{escape(diagram.title)}</text>\n'
    for number, line in enumerate(caption_lines(diagram), start=2):
        yield f'<text y="{LINE * number}" font-size="11">{escape(line)}</text>\n'


def _box(box: Box, at: Rectangle) -> str:
    kind = "own" if box.own else "gate"
    look = (
        'fill="#e3effb" stroke="#0b5394" stroke-width="2"'
        if box.own
        else 'rx="9" fill="#fdf0df" stroke="#a85a00" stroke-dasharray="5 3"'
    )
    detail = f" {escape(box.detail)}" if box.detail else ""
    words = f'<tspan font-weight="bold">{escape(box.type)}</tspan>{detail}'
    lines = [_text(at.x, at.y + (-2 if box.figures else 4), words)]
    if box.figures:
        lines.append(_text(at.x, at.y + 11, escape(box.figures), ' font-size="10"'))
    return (
        f'<g class="{kind}"><title>{escape(box.name)}</title>\n'
        f'<rect x="{at.x - at.width / 2:.1f}" y="{at.y - at.height / 2:.1f}" '
        f'width="{at.width:.1f}" height="{at.height:.1f}" {look}/>\n{"".join(lines)}</g>\n'
    )


def _arrow(arrow: Arrow, route: Route) -> str:
    start, *rest = route.curve
    curve = f"M{_at(start)} C{' '.join(map(_at, rest))}"
    look = 'stroke-width="2"' if arrow.own else 'stroke-dasharray="5 3"'
    x, y = route.label
    label = _text(x, y + 3.5, escape(arrow.shape), ' font-size="10"')
    return (
        f'<path d="{curve}" fill="none" stroke="#3c4043" {look}/>\n'
        f'<polygon points="{_head(rest[-1], route.tip)}" fill="#3c4043"/>\n{label}'
    )


def _head(base: Point, tip: Point) -> str:
    """Return the corners of an arrow's head."""
    (x, y), (at, down) = base, tip
    along, across = at - x, down - y
    length = hypot(along, across) or 1
    side = (3 * across / length, 3 * along / length)
    return " ".join(map(_at, [tip, (x - side[0], y + side[1]), (x + side[0], y - side[1])]))


def _text(x: float, y: float, words: str, look: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle"{look}>{words}</text>\n'


def _at(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
