"""DOT, Graphviz' language: a diagram as text, which needs nothing installed to be written."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from attn_cli.views.fit import wrapped

if TYPE_CHECKING:
    from attn_cli.views.pictures.diagram import Arrow, Box, Diagram
    from attn_cli.views.report import Report

# Blue and orange are told apart by all eyes; dashes and round corners tell it without colour.
OWN = 'style="filled,bold" fillcolor="#e3effb" color="#0b5394"'
GATE = 'style="filled,rounded,dashed" fillcolor="#fdf0df" color="#a85a00"'
CAPTION_WIDTH = 64
# Between an arrow and its label, for machines whose letters are wider than Graphviz thinks.
ROOM = "    "

HEAD = """\
digraph attn {
  graph [rankdir=TB nodesep=0.45 ranksep=0.3 labelloc=t labeljust=l fontname="Helvetica" fontsize=11
    bgcolor="#ffffff" pad=0.2
    label=<<table border="0" cellspacing="0" cellpadding="1">
"""
DEFAULTS = """\
  node [shape=box margin="0.28,0.08" fontname="Helvetica" fontsize=12 fontcolor="#111111"]
  edge [fontname="Helvetica" fontsize=10 fontcolor="#333333" color="#333333" arrowsize=0.7]
"""


def draw(report: Report) -> str:
    """Draw a report's diagram as DOT."""
    assert report.picture is not None
    return dot(report.picture.subject())


def dot(diagram: Diagram) -> str:
    """Return a diagram in DOT: n0, n1, … are its boxes, in the order of `attn summary`."""
    lines = [f'<font point-size="14"><b>{escape(diagram.title)}</b></font>']
    lines += map(escape, caption_lines(diagram))
    caption = "".join(
        f'      <tr><td align="left" balign="left">{line}</td></tr>\n' for line in lines
    )
    return "".join(
        [
            f"{HEAD}{caption}    </table>>]\n{DEFAULTS}",
            *(
                _box(place, box, group)
                for place, (box, group) in enumerate(
                    zip(diagram.boxes, columns(diagram), strict=True)
                )
            ),
            *map(_arrow, diagram.arrows),
            "}\n",
        ]
    )


def caption_lines(diagram: Diagram) -> list[str]:
    """Return the lines of a caption, broken where they are too long."""
    return [each for line in diagram.caption for each in wrapped(line, CAPTION_WIDTH)]


def columns(diagram: Diagram) -> list[int]:
    """Return for each box the first of those that stand in one line above it."""
    leaving = Counter(arrow.start for arrow in diagram.arrows)
    entering = Counter(arrow.end for arrow in diagram.arrows)
    groups = list(range(len(diagram.boxes)))
    own = next(place for place, box in enumerate(diagram.boxes) if box.own)
    for start, end, _, _ in diagram.arrows:
        if diagram.boxes[end].own:
            groups[end] = own
        elif entering[end] == leaving[start] == 1:
            groups[end] = groups[start]
    return groups


def _box(place: int, box: Box, group: int) -> str:
    what = " ".join([f"<b>{escape(box.type)}</b>", *[escape(box.detail)] * bool(box.detail)])
    if box.figures:
        what += f'<br/><font point-size="10">{escape(box.figures)}</font>'
    style = OWN if box.own else GATE
    return f"  n{place} [label=<{what}> tooltip={_quoted(box.name)} group={group} {style}]\n"


def _arrow(arrow: Arrow) -> str:
    style = "weight=100 penwidth=2" if arrow.own else "style=dashed"
    return (
        f"  n{arrow.start} -> n{arrow.end} [label={_quoted(ROOM + arrow.shape + ROOM)} {style}]\n"
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
