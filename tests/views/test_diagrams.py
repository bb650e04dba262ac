"""Diagrams of blocks: every call is once there, and what is drawn can be read."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from chromium import MISSING, PROGRAM, Browser
from drawing import GOOD_SHAPES, option_sets
from geometry import SVG, curves, faults, measured, parts
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from process import run_here

from attn_cli.analysis.formula import in_letters
from attn_cli.analysis.path import own_path
from attn_cli.analysis.summary import summarise
from attn_cli.blocks import BLOCKS, PRESETS, find_block
from attn_cli.errors import AttnError, BadGraph
from attn_cli.graph import Graph, Layer, Node, Ref
from attn_cli.spec import Spec, parse_spec
from attn_cli.text import shown
from attn_cli.views.pictures import layout
from attn_cli.views.pictures.diagram import Arrow, Box, Diagram, of_letters, of_summary
from attn_cli.views.pictures.dot import dot
from attn_cli.views.pictures.mermaid import mermaid
from attn_cli.views.pictures.svg import svg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = (*BLOCKS, *PRESETS)
DRAWN = {
    "se": ("summary", "se", "-s", "56,56,24"),
    "eca": ("summary", "eca", "-s", "26,26,512"),
    "cbam": ("blocks", "cbam"),
    "dynamic": ("summary", "gc", "-c", "64"),
}
# What would end a text, or begin something else, in one of the formats.
HOSTILE = (
    *('"', "'", "\\", '\\"', "\\N", "<", "&amp;", "</svg><script>alert(1)</script>", "]]>", "-->"),
    *("`", "]", ")]", "%%", "%%{init: {'theme':'dark'}}%%", "#", "#quot;", "; click n0 call x()"),
    *("\nclick n0 href", "|", "end", "{", "{{", "\x00", "\x1b[31m", "\u202e", "\ud800", "\ufffe"),
    *("---", "Größe 变量", "x" * 300),
)


def diagrams(name: str) -> list[Diagram]:
    """Return a block's pictures: in letters, and on a small and a large input."""
    spec = parse_spec(name)
    shapes = ((26, 26, 512), (224, 224, 2048))
    return [of_letters(spec), *(of_summary(summarise(spec, shape)) for shape in shapes)]


@pytest.mark.parametrize("format", ["dot", "mermaid"])
@pytest.mark.parametrize("name", DRAWN)
def test_diagrams_are_as_they_were(
    name: str, format: str, golden: Callable[[str, str], None]
) -> None:
    """A change of the output is a change to look at."""
    result = run_here([*DRAWN[name], "--format", format])
    assert (result.code, result.err) == (0, "")
    golden(f"diagrams/{name}.{format}", result.out)


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
@settings(max_examples=50)  # each starts a process that lays it out
@given(data=st.data())
def test_every_call_is_once_there(name: str, data: st.DataObject) -> None:
    """In DOT, which Graphviz reads; its shapes and costs are the trace's, and sum to its totals."""
    spec = Spec(find_block(name), data.draw(option_sets(find_block(name))))
    try:
        summary = summarise(spec, data.draw(GOOD_SHAPES))
    except (AttnError, TypeError):
        assume(False)
        raise
    graph, diagram = summary.graph, of_summary(summary)
    laid = layout.lay_out(diagram)
    assert len(laid.boxes) == len(diagram.boxes) == len(graph.nodes)
    assert len(laid.routes) == len(diagram.arrows)
    assert [box.name for box in diagram.boxes] == [shown(node.name) for node in graph.nodes]
    assert Counter((arrow.start, arrow.end) for arrow in diagram.arrows) == Counter(
        (ref.node, place) for place, node in enumerate(graph.nodes) for ref in node.inputs
    )
    for arrow in diagram.arrows:
        sizes = [None if size == "None" else int(size) for size in arrow.shape.split(" × ")]
        assert (None, *sizes) in graph.nodes[arrow.start].output_shapes
    assert summed(diagram, "params") == graph.params.total
    if summary.figures.macs is not None:
        assert summed(diagram, "MACs") == summary.figures.macs
        assert f"{summary.figures.macs:,} MACs" in " ".join(diagram.caption)
    assert f"{graph.params.total:,} params" in " ".join(diagram.caption)
    text = mermaid(diagram)
    assert re.findall(r"^  (n\d+)[(\[]", text, re.MULTILINE) == [
        f"n{place}" for place in range(len(graph.nodes))
    ]
    assert len(re.findall(r"^  n\d+ [-=.]+>\|", text, re.MULTILINE)) == len(diagram.arrows)


def summed(diagram: Diagram, unit: str) -> int:
    """Return what the boxes of a diagram say of a unit, together."""
    said = [re.findall(rf"([\d,]+) {unit}", box.figures) for box in diagram.boxes]
    return sum(int(figure.replace(",", "")) for figures in said for figure in figures)


@pytest.mark.parametrize("name", NAMES)
def test_letters_come_to_what_the_trace_has(name: str) -> None:
    """Each call's MACs and each layer's parameters, with numbers for the letters."""
    spec = parse_spec(name)
    lettered = in_letters(spec)
    assert lettered.total_macs is not None
    for height, width, channels in ((14, 7, 64), (5, 9, 4096)):
        summary = summarise(spec, (height, width, channels))
        sizes = {"H": height, "W": width, "C": channels}
        sizes |= {"s": summary.figures.width or 0, "k": summary.figures.kernel_size or 0}
        for node, params, macs in zip(
            summary.graph.nodes, lettered.params, lettered.macs, strict=True
        ):
            assert (params and params.total(sizes)) == node.layer.params.total
            assert (macs and macs.total(sizes)) == node.cost.macs
        trainable, frozen = lettered.trainable, lettered.frozen
        assert (trainable and trainable.total(sizes)) == summary.figures.params.trained
        assert (frozen and frozen.total(sizes)) == summary.figures.params.frozen
        assert lettered.total_macs.total(sizes) == summary.figures.macs


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
@given(data=st.data())
def test_letters_hold_for_other_options(name: str, data: st.DataObject) -> None:
    """Whatever letters say of costs and shapes with some options is what any input has."""
    spec = Spec(find_block(name), data.draw(option_sets(find_block(name))))
    spec.given.pop("name", None)
    try:
        summary = summarise(spec, data.draw(GOOD_SHAPES))
        lettered = in_letters(spec)
    except (AttnError, TypeError):
        assume(False)
        raise
    graph, figures = summary.graph, summary.figures
    height, width, channels = graph.nodes[0].output_shapes[0][1:]
    sizes = {"H": height, "W": width, "C": channels, "s": figures.width, "k": figures.kernel_size}
    known = {letter: size for letter, size in sizes.items() if size is not None}
    if [node.layer.type for node in graph.nodes] != [
        node.layer.type for node in lettered.graph.nodes
    ]:
        return
    assert None not in lettered.macs
    assert None not in lettered.params
    for node, params, macs in zip(graph.nodes, lettered.params, lettered.macs, strict=True):
        for told, figure in ((params, node.layer.params.total), (macs, node.cost.macs)):
            if told is not None and figure is not None and told.letters <= {*known}:
                assert told.total(known) == figure
    diagram, numbers = of_letters(spec), of_summary(summary)
    for lettered_arrow, arrow in zip(diagram.arrows, numbers.arrows, strict=True):
        for told, size in zip(
            lettered_arrow.shape.split(" × "), arrow.shape.split(" × "), strict=True
        ):
            assert told != "?"
            assert told not in known or str(known[told]) == size
            assert not told.isdecimal() or told == size


OWN = """\
from attn_cli import namespace_of

def block(inputs, *, ratio=3, kernel_size=3):
    assert (ratio, kernel_size) == (3, 3)
    layers = namespace_of(inputs).layers
    channels = inputs.shape[-1]
    s = layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    s = layers.Dense({width}, activation="relu")(s)
    s = layers.Dense(channels, activation="sigmoid")(s)
    return layers.Multiply()([inputs, s])
"""


@pytest.mark.parametrize(
    ("width", "first", "second", "totals"),
    [
        (
            "channels // 3 + 5",
            *("Cs + s params · Cs MACs", "Cs + C params · Cs MACs"),
            ["2Cs + s + C trainable params", "2Cs MACs", "s is the squeezed width"],
        ),
        # No letter stands for either width: what is theirs is not told, however near it looks.
        (
            "channels // 3 + 5)(s)\n    s = layers.Dense(channels // 5 + 1",
            *("Cs + s params · Cs MACs", "? params · ? MACs"),
            ["? trainable params", "? MACs"],
        ),
    ],
    ids=["one width", "two widths"],
)
def test_a_block_of_ones_own_in_letters(
    width: str, first: str, second: str, totals: list[str], tmp_path: Path
) -> None:
    """What letters say of one input holds for all, or is not said. Its options mean anything."""
    file = tmp_path / "own.py"
    file.write_text(OWN.format(width=width), encoding="utf-8")
    result = run_here(["blocks", f"{file}:block", "-f", "dot"])
    assert (result.code, result.err) == (0, "")
    assert re.findall(r'"10">(.*?)<', result.out)[:2] == [first, second]
    said = re.findall(r'<td align="left" balign="left">(.*?)</td>', result.out)
    assert said[2:] == totals
    shapes = re.findall(r'label="    (.*?)    "', result.out)
    assert shapes[1:] == [
        *("1 × 1 × C", "1 × 1 × s", *["1 × 1 × ?"] * (totals[0][0] == "?")),
        *("H × W × C", "1 × 1 × C"),
    ]


def test_the_numbers_of_a_call_are_told() -> None:
    """Rounded, and said to be so; in letters only what is the same on any input."""
    letters, small, _ = diagrams("simam")
    told = [[box.detail for box in each.boxes if box.detail] for each in (small, letters)]
    assert told == [["≈ 4.006", "0.0004", "0.5", "sigmoid"], ["?", "0.0004", "0.5", "sigmoid"]]


@pytest.mark.parametrize(
    ("spec", "cropped"), [("ceca:kernel_size=1", 0), ("ceca:kernel_size=9", 2), ("ceca", 2)]
)
def test_a_letter_stands_where_any_number_would(spec: str, cropped: int) -> None:
    """A kernel of 1 pads nothing: the block with it is another one than with k."""
    types = [box.type for box in of_letters(parse_spec(spec)).boxes]
    assert types.count("Cropping1D") == cropped


def test_a_block_that_is_several_is_not_one_picture(tmp_path: Path) -> None:
    """Other layers for other channels: one line says what there is a picture of."""
    file = tmp_path / "own.py"
    width = "8)(s)\n    s = layers.Activation('relu')(s) if channels > 600 else layers.Dense(8"
    file.write_text(OWN.format(width=width), encoding="utf-8")
    result = run_here(["blocks", f"{file}:block", "-f", "dot"])
    assert (result.code, result.out) == (2, "")
    assert "has other layers where the channels are others" in result.err
    assert run_here(["blocks", f"{file}:block", "-f", "dot", "-s", "4,4,64"]).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("se", "InputLayer Multiply"),
        ("eca", "InputLayer Multiply"),
        ("cbam", "InputLayer Multiply Multiply"),
        ("bam", "InputLayer Add"),
        ("gc", "InputLayer Add"),
        ("scse", "InputLayer Multiply Maximum"),
        ("triplet", "InputLayer Multiply Average"),
    ],
)
def test_the_own_path_is_what_is_left_without_the_gates(name: str, own: str) -> None:
    """Straight down in the picture, told apart by line and shape and not by colour alone."""
    diagram = diagrams(name)[1]
    assert [box.type for box in diagram.boxes if box.own] == own.split()
    assert sum(arrow.own for arrow in diagram.arrows) == len(own.split()) - 1
    root = ElementTree.fromstring(svg(diagram))
    own_boxes = [part for part in parts(svg(diagram)) if part.kind == "box"]
    middles = {
        round(part.left + part.right)
        for part, box in zip(own_boxes, diagram.boxes, strict=True)
        if box.own
    }
    assert max(middles) - min(middles) <= 2
    dashed = [rect.get("stroke-dasharray") for rect in root.iter(f"{SVG}rect")]
    assert dashed == [None, *(None if box.own else "5 3" for box in diagram.boxes)]


def test_the_own_path_of_a_chain_is_the_chain() -> None:
    """Where nothing is beside it, all is on it; and of a gate of no layers, not the gate."""
    shapes = [(None, 4, 4, 8), (None, 8), (None, 2)]
    assert path(shapes, [(), (0,), (1,)]) == ["n0", "n1", "n2"]
    shapes = [(None, 4, 4, 8), (None, 4, 4, 8), (None, 1, 1, 8), (None, 4, 4, 8)]
    assert path(shapes, [(), (0,), (0,), (2, 1)]) == ["n0", "n1", "n3"]


def path(shapes: list[tuple[int | None, ...]], inputs: list[tuple[int, ...]]) -> list[str]:
    """Return the own path of a graph of calls with these outputs, by name."""
    nodes = [
        Node(
            Layer(f"n{place}", "Any"),
            tuple(Ref(each) for each in given),
            tuple(shapes[each] for each in given),
            (shape,),
        )
        for place, (shape, given) in enumerate(zip(shapes, inputs, strict=True))
    ]
    graph = Graph(nodes, [Ref(len(nodes) - 1)])
    return [graph.nodes[place].name for place in own_path(graph)]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_svg_is_a_drawing(name: str) -> None:
    """It is XML, says what it is, has all texts, and nothing is cut off, crossed out or covered.

    With the letters that Graphviz measures, and on machines whose sans is a fifth wider.
    """
    for diagram in diagrams(name):
        drawn = svg(diagram)
        root = ElementTree.fromstring(drawn)
        title, description = root[:2]
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert (title.text, description.text) == (diagram.title, diagram.description)
        texts = Counter("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
        for box in diagram.boxes:
            assert texts[f"{box.type} {box.detail}".rstrip()]
            assert not box.figures or texts[box.figures]
        assert all(texts[arrow.shape] for arrow in diagram.arrows)
        assert " ".join(diagram.caption).split() == [
            word
            for part in parts(drawn)
            if part.kind == "caption" and part.text != diagram.title
            for word in part.text.split()
        ]
        for wider in (1, 1.2):
            assert faults(parts(drawn, wider), curves(drawn)) == []


def luminance(color: str) -> float:
    """Return how light a colour is, as WCAG has it."""
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return how much two colours differ, from 1 to 21."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.slow
def test_colours_hold_on_light_and_dark() -> None:
    """Letters have a contrast of 7 to what is under them, lines of 3."""
    drawn = svg(diagrams("se")[1])
    dark = {
        name: re.findall("#[0-9a-f]{6}", rule)
        for name, rule in re.findall(r"\.attn-diagram \.?(.*?) {(.*?)}", drawn)
    }
    root = ElementTree.fromstring(drawn)
    rects = {kind: root.find(f".//{SVG}g[@class='{kind}']/{SVG}rect") for kind in ("own", "gate")}
    light = {
        f"{kind} rect": [rect.get("fill", ""), rect.get("stroke", "")]
        for kind, rect in rects.items()
        if rect is not None
    }
    light |= {"text": [root.get("fill", "")], "paper": ["#ffffff"], "path": ["#3c4043"]}
    for colors in (light, dark):
        (text,), (paper,), (line,) = colors["text"], colors["paper"], colors["path"]
        assert contrast(line, paper) > 3
        assert contrast(text, paper) > 7
        for kind in ("own rect", "gate rect"):
            fill, stroke = colors[kind]
            assert contrast(text, fill) > 7
            assert contrast(stroke, paper) > 3
            assert contrast(stroke, fill) > 3


@pytest.mark.slow
def test_faults_are_seen() -> None:
    """The eyes of the test above are open."""
    drawn = svg(diagrams("cbam")[1])
    said = Counter(fault.partition(":")[0] for fault in faults(parts(drawn, 2), curves(drawn)))
    assert {*said} == {"cut off", "out of its box", "overlap", "crossed out"}


# Where a browser has each text of each drawing.
TEXTS = """[...document.querySelectorAll("svg")].map(svg => [...svg.querySelectorAll("text")]
  .map(text => text.getBBox()).map(({x, y, width, height}) => [x, y, x + width, y + height]))"""


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_a_browser_draws_them_so(tmp_path: Path) -> None:
    """In the fonts that the machine has."""
    drawn = [svg(diagram) for name in NAMES for diagram in diagrams(name)]
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{''.join(drawn)}", encoding="utf-8")
    with closing(Browser(tmp_path / "profile")) as browser:
        browser.show(page)
        boxes = browser.run(TEXTS)
    assert len(boxes) == len(drawn)
    for each, measures in zip(drawn, boxes, strict=True):
        assert faults(measured(parts(each), measures), curves(each)) == []


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_stay_words(text: str) -> None:
    """In all formats: Graphviz, an XML reader and Mermaid's grammar see one text."""
    said = shown(text)
    boxes = [Box(said, said, said, said, True), Box(said, said, "", "", False)]
    diagram = Diagram(said, [said], boxes, [Arrow(0, 1, said, True)])
    laid = layout.lay_out(diagram)
    assert (len(laid.boxes), len(laid.routes)) == (2, 1)
    root = ElementTree.fromstring(svg(diagram))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "title", "desc", "style", "rect", "g", "text", "tspan", "path", "polygon")
    }
    texts = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    assert f"{said} {said}" in texts
    lines = mermaid(diagram).splitlines()
    assert len(lines) == 4 + 3 + 2 + 2 + 1 + 3
    assert json.loads(lines[1].removeprefix("title: ")) == said
    quoted = re.compile(
        r'  \w+(\["|\(")([^"]*)("\]|"\)):::(caption|own|gate)|  n0 ==>\|"([^"]*)"\| n1'
    )
    for line in (lines[7], *lines[9:12]):
        told = quoted.fullmatch(line)
        assert told is not None
        words = (told[2] or told[5] or "").replace("<br/>", " ")
        assert not re.search(r"[\"<>`%{}\[\]\\;&](?<!\d;)", words)
        assert "%%" not in line


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_in_a_file_of_ones_own(text: str, tmp_path: Path) -> None:
    """The name of a layer and the words of a docstring come from the user."""
    file = tmp_path / "own.py"
    file.write_text(
        "from attn_cli import namespace_of\n"
        "def block(inputs):\n"
        "    keras = namespace_of(inputs)\n"
        "    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)\n"
        "    return keras.layers.Multiply()([inputs, s])\n"
        f"block.__doc__ = {text!r}\n"
    )
    for args in (("blocks", f"{file}:block"), ("summary", f"{file}:block", "-s", "4,4,8")):
        result = run_here([*args, "-f", "svg"])
        assert (result.code, result.err) == (0, "")
        assert ElementTree.fromstring(result.out).get("role") == "img"


def test_a_diagram_too_large_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and the text of it is still there."""
    monkeypatch.setattr(layout, "MOST", 7)
    result = run_here([*DRAWN["se"], "-f", "svg"])
    assert result == (
        *(2, ""),
        "attn: a diagram of 8 boxes is too large to be laid out (7 at most): "
        "-o FILE.dot writes it as text, for other programs\n",
    )
    assert run_here([*DRAWN["se"], "-f", "dot"]).code == 0


@pytest.mark.slow
def test_a_diagram_that_takes_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody waits for ever."""
    monkeypatch.setattr(layout, "SECONDS", 0)
    with pytest.raises(BadGraph, match=r"not laid out after 0 seconds: -o FILE\.dot"):
        svg(diagrams("triplet")[0])


@pytest.mark.slow
def test_the_largest_diagram_is_laid_out() -> None:
    """A chain of as many boxes as there may be, with gates, in seconds."""
    boxes = [Box(f"n{place}", "Dense", "", "", place % 7 == 0) for place in range(layout.MOST)]
    arrows = [Arrow(place, place + 1, "7 × 7", False) for place in range(len(boxes) - 1)]
    arrows += [Arrow(place, place + 7, "7 × 7", True) for place in range(0, len(boxes) - 7, 7)]
    assert len(ElementTree.fromstring(svg(Diagram("x", [], boxes, arrows)))) == 5


def test_dot_is_what_graphviz_is_given() -> None:
    """What -o x.dot writes is what is laid out."""
    assert run_here([*DRAWN["se"], "-f", "dot"]).out == dot(
        of_summary(summarise(parse_spec("se"), (56, 56, 24)))
    )
