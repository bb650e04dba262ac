"""Where the boxes and arrows of a diagram stand. Graphviz says that; nothing here lays out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import AttnError, BadGraph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from attn_cli.views.pictures.diagram import Diagram

# Always this one, and no `dot` that stands on the path: one input, one picture, on any machine.
PACKAGE = "graphviz-pure"
# What is laid out in less than a second; a person reads a tenth of it.
MOST = 1000
SECONDS = 60
INCH = 72

Point = tuple[float, float]


class Rectangle(NamedTuple):
    """A box by its middle and its sides, in points, y downwards."""

    x: float
    y: float
    width: float
    height: float


class Route(NamedTuple):
    """An arrow: a Bézier curve, its tip, and the middle of its label."""

    curve: list[Point]
    tip: Point
    label: Point


class Layout(NamedTuple):
    """A diagram laid out, in points; its caption stands above the rest and is this wide."""

    width: float
    height: float
    caption_width: float
    boxes: list[Rectangle]
    routes: list[Route]


def lay_out(diagram: Diagram) -> Layout:
    """Return where a diagram's parts stand, in their order."""
    import json

    if len(diagram.boxes) > MOST:
        raise BadGraph(
            f"a diagram of {len(diagram.boxes):,} boxes is too large to be laid out "
            f"({MOST:,} at most): -o FILE.dot writes it as text, for other programs"
        )
    from attn_cli.views.pictures.dot import dot

    told = json.loads(_run(dot(diagram)))
    _, _, width, height = _numbers(told["bb"])

    def place(text: str) -> Point:
        x, y = _numbers(text)
        return x, height - y

    boxes = [
        Rectangle(*place(each["pos"]), INCH * float(each["width"]), INCH * float(each["height"]))
        for each in told["objects"]
    ]
    routes = []
    for each in told.get("edges", ()):
        end, *curve = each["pos"].removeprefix("e,").split()
        routes.append(Route([*map(place, curve)], place(end), place(each["lp"])))
    return Layout(width, height, INCH * float(told["lwidth"]), boxes, routes)


def _numbers(text: str) -> Iterator[float]:
    return map(float, text.split(","))


def _run(dot: str) -> bytes:
    """Return what Graphviz says of a graph, as JSON."""
    import subprocess

    try:
        done = subprocess.run(
            [_program(), "-Tjson0"], input=dot.encode(), capture_output=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise BadGraph(
            f"this diagram is not laid out after {SECONDS} seconds: "
            "-o FILE.dot writes it as text, for other programs"
        ) from None
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise AttnError(f"{PACKAGE} cannot lay this out: {why}")
    return done.stdout


def _program() -> Path:
    """Return where the package has put its program, on the path or not."""
    from importlib.metadata import PackageNotFoundError, files
    from pathlib import Path

    from attn_cli.views import absent

    try:
        listed: Any = files(PACKAGE) or ()
    except PackageNotFoundError:
        raise absent(PACKAGE) from None
    for file in listed:
        found = Path(file.locate())
        if found.stem == PACKAGE and found.is_file():
            return found
    raise absent(PACKAGE)
