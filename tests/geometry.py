"""What of an SVG of ours stands where: boxes, texts, curves, and what is wrong with that."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator

SVG = "{http://www.w3.org/2000/svg}"
# Widths of Helvetica's signs from the space to ~, in thousandths of the font's size.
WIDTHS = [
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
]
BOLD = 1.1
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class Part(NamedTuple):
    """Something drawn: what kind, which text, in which box, and its corners."""

    kind: str
    text: str
    owner: int | None
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Part, slack: float = 0.5) -> bool:
        """Tell whether two overlap by more than a hair."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > slack
            and min(self.bottom, other.bottom) - max(self.top, other.top) > slack
        )

    def holds(self, other: Part, slack: float = 0.5) -> bool:
        """Tell whether another stands within this one."""
        return (
            self.left - slack <= other.left
            and other.right <= self.right + slack
            and self.top - slack <= other.top
            and other.bottom <= self.bottom + slack
        )


def parts(svg: str, wider: float = 1.0) -> list[Part]:
    """Return what is drawn, in the picture's own units, with letters so much wider."""
    root = ElementTree.fromstring(svg)
    group = root.find(f"{SVG}g")
    assert group is not None
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    right, down = map(float, NUMBER.findall(group.attrib["transform"]))
    found = [Part("paper", "", None, -right, -down, width - right, height - down)]
    for place, element in enumerate(group):
        if element.tag == f"{SVG}g":
            found += [_box(each, place) for each in element.iter(f"{SVG}rect")]
            found += [_words(each, place, wider) for each in element.iter(f"{SVG}text")]
        elif element.tag == f"{SVG}text":
            found.append(_words(element, None, wider))
    return found


def _box(element: ElementTree.Element, owner: int) -> Part:
    x, y, width, height = (float(element.attrib[key]) for key in ("x", "y", "width", "height"))
    return Part("box", "", owner, x, y, x + width, y + height)


def _words(element: ElementTree.Element, owner: int | None, wider: float) -> Part:
    size = float(element.get("font-size", 12))
    bold = element.get("font-weight") == "bold"
    width = size * wider * sum(
        _width(text) * (BOLD if bold or heavy else 1) for text, heavy in _runs(element)
    )  # fmt: skip
    x, y = float(element.get("x", 0)), float(element.attrib["y"])
    middle = element.get("text-anchor") == "middle"
    left = x - width / 2 if middle else x
    kind = "words" if owner is not None else "label" if middle else "caption"
    text = "".join(element.itertext())
    return Part(kind, text, owner, left, y - 0.75 * size, left + width, y + 0.22 * size)


def _runs(element: ElementTree.Element) -> Iterator[tuple[str, bool]]:
    yield element.text or "", False
    for span in element:
        yield span.text or "", span.get("font-weight") == "bold"
        yield span.tail or "", False


def _width(text: str) -> float:
    return sum(WIDTHS[ord(sign) - 32] if " " <= sign <= "~" else 600 for sign in text) / 1000


def curves(svg: str) -> list[list[tuple[float, float]]]:
    """Return points along each arrow."""
    root = ElementTree.fromstring(svg)
    found = []
    for path in root.iter(f"{SVG}path"):
        numbers = [float(each) for each in NUMBER.findall(path.attrib["d"])]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        corners = zip(points[:-1:3], points[1::3], points[2::3], points[3::3], strict=True)
        found.append([at(step / 20, *each) for each in corners for step in range(21)])
    return found


def at(t: float, *corners: tuple[float, float]) -> tuple[float, float]:
    """Return a point of a cubic Bézier curve."""
    while len(corners) > 1:
        corners = tuple((x + t * (u - x), y + t * (v - y)) for (x, y), (u, v) in pairwise(corners))
    return corners[0]


def faults(found: list[Part], lines: list[list[tuple[float, float]]]) -> list[str]:
    """Return what is cut off, what overlaps, and what is crossed out."""
    paper, *drawn = found
    boxes = {part.owner: part for part in drawn if part.kind == "box"}
    said = [f"cut off: {part}" for part in drawn if not paper.holds(part)]
    said += [
        f"out of its box: {part}"
        for part in drawn
        if part.owner is not None and not boxes[part.owner].holds(part)
    ]
    said += [
        f"overlap: {one} {other}"
        for one, other in combinations(drawn, 2)
        if one.meets(other) and not _belong(one, other)
    ]
    texts = [part for part in drawn if part.kind != "box"]
    said += [
        f"crossed out: {part}"
        for part in texts
        for line in lines
        if any(part.left < x < part.right and part.top < y < part.bottom for x, y in line)
    ]
    return said


def _belong(one: Part, other: Part) -> bool:
    return one.owner is not None and one.owner == other.owner and "box" in (one.kind, other.kind)


def measured(found: list[Part], boxes: list[tuple[float, float, float, float]]) -> list[Part]:
    """Return parts with their texts where somebody else says that these are."""
    said = iter(boxes)
    return [
        part
        if part.kind in ("paper", "box")
        else Part(part.kind, part.text, part.owner, *next(said))
        for part in found
    ]
