"""SVG as PNG and PDF, with letters that the converter brings: no font of a machine changes them."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from attn_cli.views import absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# In the converter itself, and as wide as the Helvetica that Graphviz measures.
FONT = "Liberation Sans"
# What an SVG names instead: the reader's own, as wide as that where a machine has them.
FONTS = "Helvetica, Arial, 'Liberation Sans', Arimo, sans-serif"
SCALE = 2
REFERENCE = re.compile(rb"\b(\d+) 0 R\b")
# What a dictionary names, a line each.
ENTRIES = re.compile(rb"(?<=<<\n)(?: +/\w+ \d+ 0 R\n)+")


def converter() -> Any:
    """Return what converts SVG, Vega and Vega-Lite."""
    try:
        return import_module("vl_convert")
    except ModuleNotFoundError:
        raise absent("vl-convert-python") from None


def png(svg: str) -> bytes:
    """Return an SVG as PNG, at twice its size in pixels."""
    drawn: bytes = converter().svg_to_png(svg, scale=SCALE)
    return drawn


def pdf(svg: str) -> bytes:
    """Return an SVG as PDF, whose text can be searched."""
    return in_order(converter().svg_to_pdf(svg))


def in_order(pdf: bytes) -> bytes:
    """Return a PDF with its objects in the order in which they are named, from the first one on.

    The converter writes fonts in an order of chance, and a picture is the same bytes each time.
    """
    start = int(pdf[pdf.rindex(b"startxref") :].split()[1])
    references, trailer = pdf[start:].split(b"trailer")
    # After a line for the object 0, which is none, a line for each that says where it begins.
    places = [int(line.split()[0]) for line in references.splitlines()[3:]]
    bodies = {}
    for number, place in enumerate(places, start=1):
        end = min((other for other in places if other > place), default=start)
        body = pdf[place:end].split(b" 0 obj", 1)[1]
        words, stream, content = body.partition(b"stream\n")
        bodies[number] = (ENTRIES.sub(_sorted, words), stream + content)
    order = [*_named(trailer, bodies)]
    new = {old: number for number, old in enumerate(order, start=1)}

    def renumbered(words: bytes) -> bytes:
        return REFERENCE.sub(lambda told: b"%d 0 R" % new[int(told[1])], words)

    written = pdf[: min(places)]
    table = [b"xref\n0 %d\n0000000000 65535 f \n" % (len(order) + 1)]
    for number, old in enumerate(order, start=1):
        words, content = bodies[old]
        table.append(b"%010d 00000 n \n" % len(written))
        written += b"%d 0 obj%s%s" % (number, renumbered(words), content)
    size = re.sub(rb"/Size \d+", b"/Size %d" % len(table), renumbered(trailer))
    ends = re.sub(rb"startxref\n\d+", b"startxref\n%d" % len(written), size)
    return written + b"".join(table) + b"trailer" + ends


def _sorted(entries: re.Match[bytes]) -> bytes:
    return b"".join(sorted(entries[0].splitlines(keepends=True)))


def _named(words: bytes, bodies: Mapping[int, tuple[bytes, bytes]]) -> Iterator[int]:
    """Yield the objects that words name, and those that these name, each once."""
    seen: set[int] = set()
    waiting = [words]
    while waiting:
        for named in map(int, REFERENCE.findall(waiting.pop(0))):
            if named not in seen:
                seen.add(named)
                waiting.append(bodies[named][0])
                yield named
