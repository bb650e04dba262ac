"""Mermaid: a diagram as text that pull requests and wikis draw."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attn_cli.views.pictures.diagram import Arrow, Box, Diagram
    from attn_cli.views.report import Report

CLASSES = """\
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
    title = " · ".join([diagram.title, *diagram.caption])
    return "".join(
        [
            # As JSON, which is YAML too; %%{ would begin an order to Mermaid wherever it stands.
            f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n---\n".replace("%", "\\u0025"),
            "flowchart TB\n",
            f"  accTitle: {_escaped(diagram.title)}\n",
            f"  accDescr: {_escaped(diagram.description)}\n",
            *(_box(place, box) for place, box in enumerate(diagram.boxes)),
            *map(_arrow, diagram.arrows),
            CLASSES,
        ]
    )


def _box(place: int, box: Box) -> str:
    lines = [f"{box.type} {box.detail}".rstrip(), *[box.figures] * bool(box.figures)]
    words = "<br/>".join(map(_escaped, lines))
    return f'  n{place}["{words}"]:::own\n' if box.own else f'  n{place}("{words}"):::gate\n'


def _arrow(arrow: Arrow) -> str:
    line = "==>" if arrow.own else "-.->"
    return f'  n{arrow.start} {line}|"{_escaped(arrow.shape)}"| n{arrow.end}\n'


def _escaped(text: str) -> str:
    """Return text in which nothing means something to Mermaid, or to the HTML that it makes."""
    return "".join(sign if sign.isalnum() or sign in PLAIN else f"#{ord(sign)};" for sign in text)
