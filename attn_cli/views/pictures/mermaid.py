"""Mermaid: a diagram as text that pull requests and wikis draw."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.views.pictures.diagram import Arrow, Box, Diagram
    from attn_cli.views.report import Report

HEAD = """\
config: {flowchart: {wrappingWidth: 420}}
---
flowchart TB
"""
CLASSES = """\
  classDef caption fill:none,stroke:none
  classDef own fill:#e3effb,stroke:#0b5394,stroke-width:2px,color:#111111
  classDef gate fill:#fdf0df,stroke:#a85a00,stroke-dasharray:5 3,color:#111111
"""
PLAIN = frozenset(" ,.+-−×·→()/=_|²³")


def draw(report: Report) -> str:
    """Draw a report's diagram as Mermaid."""
    assert report.picture is not None
    return mermaid(report.picture.subject())


def mermaid(diagram: Diagram) -> str:
    """Return a diagram in Mermaid: n0, n1, … are its boxes, in the order of `attn summary`."""
    # As JSON, which is YAML too; %%{ would begin an order to Mermaid wherever it stands.
    title = json.dumps(diagram.title, ensure_ascii=False).replace("%", "\\u0025")
    return "".join(
        [
            f"---\ntitle: {title}\n{HEAD}",
            f"  accTitle: {_escaped(diagram.title)}\n",
            f"  accDescr: {_escaped(diagram.description)}\n",
            # A title is one line, however long; a box without sides is broken into lines.
            f'  caption["{_lines(diagram.caption)}"]:::caption\n  caption ~~~ n0\n',
            *(_box(place, box) for place, box in enumerate(diagram.boxes)),
            *map(_arrow, diagram.arrows),
            CLASSES,
        ]
    )


def _box(place: int, box: Box) -> str:
    words = _lines([f"{box.type} {box.detail}".rstrip(), *[box.figures] * bool(box.figures)])
    return f'  n{place}["{words}"]:::own\n' if box.own else f'  n{place}("{words}"):::gate\n'


def _arrow(arrow: Arrow) -> str:
    line = "==>" if arrow.own else "-.->"
    return f'  n{arrow.start} {line}|"{_escaped(arrow.shape)}"| n{arrow.end}\n'


def _lines(lines: Sequence[str]) -> str:
    return "<br/>".join(map(_escaped, lines))


def _escaped(text: str) -> str:
    """Return text in which nothing means something to Mermaid, or to the HTML that it makes."""
    return "".join(sign if sign.isalnum() or sign in PLAIN else f"#{ord(sign)};" for sign in text)
