"""The formula of a block's trainable parameters is that of its own options, also a preset's."""

from __future__ import annotations

import re
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

import pytest
from drawing import GOOD_SHAPES, option_sets
from hypothesis import assume, given
from hypothesis import strategies as st

from attn_cli.analysis.figures import figures
from attn_cli.analysis.formula import formula, in_numbers, rules
from attn_cli.blocks import BLOCKS, PRESETS, find_block
from attn_cli.errors import AttnError
from attn_cli.spec import Spec, parse_spec

if TYPE_CHECKING:
    from attn_cli.graph import Graph, Shape


def valued(text: str, **letters: int) -> int:
    """Calculate what a formula comes to."""
    for letter, value in letters.items():
        text = text.replace(letter, f"*{value}")
    text = re.sub(r"(^|\+ )\*", r"\1", text).replace("·", "*")
    return int(eval(re.sub("[²³]", lambda sign: f"**{'²³'.index(sign[0]) + 2}", text)))


@st.composite
def drawn(draw: st.DrawFn, name: str) -> tuple[Spec, Shape, Graph]:
    """Draw a spec of a block or preset, and a shape that it takes."""
    spec = Spec(find_block(name), draw(option_sets(find_block(name))))
    shape = draw(GOOD_SHAPES)
    try:
        return spec, shape, spec.trace(shape)
    except (AttnError, TypeError):
        assume(False)
        raise


@pytest.mark.parametrize("name", BLOCKS)
@given(data=st.data())
def test_comes_to_what_the_trace_has(name: str, data: st.DataObject) -> None:
    """Whatever the options and the shape, with the numbers put in and without."""
    spec, shape, graph = data.draw(drawn(name))
    spec.given.pop("name", None)
    told = formula(spec)
    if told is None:
        # Next to a gamma of 0, a kernel that these few channels have is too long for more of them.
        assert name in ("eca", "ceca")
        return
    measured = figures(graph, spec.options)
    wanted = graph.params.trainable
    letters = {"C": shape[-1], "s": measured.width, "k": measured.kernel_size}
    assert valued(told.text, **{at: size for at, size in letters.items() if size}) == wanted
    numbers = in_numbers(spec, shape[-1], measured)
    assert numbers is not None
    if "k = " not in numbers:
        terms, _, total = numbers.rpartition(" = ")
        assert int(total.replace(",", "")) == wanted
        assert not terms or valued(terms) == wanted


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_comes_to_what_the_trace_has(name: str) -> None:
    """At channels that its rounding of widths takes up and down."""
    spec = parse_spec(name)
    told = formula(spec)
    assert told is not None
    for channels in (16, 24, 40, 88, 200, 2048):
        graph = spec.trace((14, 14, channels))
        measured = figures(graph, spec.options)
        sizes = {"C": channels, "s": measured.width or 0, "k": measured.kernel_size or 0}
        assert told.total(sizes) == graph.params.trainable


@pytest.mark.parametrize("name", BLOCKS)
def test_its_docstring_says_it(name: str) -> None:
    """What stands under `Trainable` is the formula of the defaults, and of the options it names."""
    text = find_block(name).section("Trainable")
    told = formula(parse_spec(name))
    assert told is not None
    assert re.split("[,;]", text)[0] == told.text
    for others, option in re.findall(r"or ([^,;]+) with ([^,;]+)", text):
        changed = formula(parse_spec(f"{name}:{option}"))
        assert changed is not None
        assert others == changed.text


@pytest.mark.parametrize(
    ("spec", "text", "rule", "channels", "numbers"),
    [
        ("se", "2Cs + s + C", "s = C // 4", 24, "2·24·6 + 6 + 24 = 318"),
        ("se-senet", "2Cs + s + C", "s = C // 16", 24, "2·24·1 + 1 + 24 = 73"),
        ("se:width=1,use_bias=false", "2Cs", "s = 1", 24, "2·24·1 = 48"),
        ("se:ratio=1", "2Cs + s + C", "s = C // 1", 8, "2·8·8 + 8 + 8 = 144"),
        ("coord:ratio=1", "3Cs + 3s + 2C", "s = max(8, C // 1)", 2, "3·2·8 + 3·8 + 2·2 = 76"),
        (
            "se-timm",
            "2Cs + s + C",
            "s = C / 16 to the nearest multiple of 8, and 8 at least",
            200,
            "2·200·16 + 16 + 200 = 6,616",
        ),
        (
            "se-mobilenetv3",
            "2Cs + s + C",
            "s = C / 4 to the nearest multiple of 8, and 8 at least; "
            "the next one where that is below 0.9 of C / 4",
            88,
            "2·88·24 + 24 + 88 = 4,336",
        ),
        ("se-efficientnet:input_channels=16", "2Cs + s + C", "s = 16 // 4", 96, None),
        ("se:input_channels=1", "2Cs + s + C", "s = 1", 96, "2·96·1 + 1 + 96 = 289"),
        (
            "cbam-timm",
            "2Cs + 2k² + 2",
            "s = C / 16 to the nearest integer, and 1 at least; k = 7",
            40,
            "2·40·3 + 2·7² + 2 = 340",
        ),
        ("coord", "3Cs + 3s + 2C", "s = max(8, C // 32)", 64, None),
        ("triplet:kernel_size=1", "6k² + 6", "k = 1", 8, "6·1² + 6 = 12"),
        ("eca:kernel_size=9", "k", "k = 9", 64, "kernel_size = 9, given: k = 9"),
        (
            "eca-timm",
            "k",
            "k is the odd one of t and t + 1, and 3 at least, with t = int(|log2 C + 1| / 2)",
            4,
            None,
        ),
        (
            "eca:b=-0.5,gamma=-3",
            "k",
            "k is the odd one of t and t + 1, with t = int(|log2 C - 0.5| / 3)",
            4,
            None,
        ),
        ("simam", "0", "", 8, "0"),
    ],
)
def test_is_that_of_the_options(
    spec: str, text: str, rule: str, channels: int, numbers: str | None
) -> None:
    """Each letter is a number of this block on this input."""
    parsed = parse_spec(spec)
    told = formula(parsed)
    assert told is not None
    assert (told.text, "; ".join(rules(parsed, told))) == (text, rule)
    if numbers:
        graph = parsed.trace((14, 14, channels))
        measured = figures(graph, parsed.options)
        assert in_numbers(parsed, channels, measured) == numbers


@pytest.mark.parametrize("name", ["se", "gc", "cbam", "bam", "scse", "coord"])
@given(data=st.data())
def test_the_rule_of_a_width_gives_the_width(name: str, data: st.DataObject) -> None:
    """Read as it is written, it gives the width of the trace."""
    spec, shape, graph = data.draw(drawn(name))
    spec.given.pop("name", None)
    told = formula(spec)
    assert told is not None
    rule = next(rule for rule in rules(spec, told) if rule.startswith("s = "))
    assert width_by(rule.removeprefix("s = "), shape[-1] or 0) == figures(graph, spec.options).width


def width_by(rule: str, channels: int) -> int:
    """Calculate a width as its rule says."""
    match = re.fullmatch(
        r"(C|\d+) / (\d+) to the nearest (?:integer|multiple of (\d+)), and (\d+) at least"
        r"(?:; the next one where that is below (.*) of \1 / \2)?",
        rule,
    )
    if match is None:
        return int(eval(rule, {"C": channels, "max": max}))
    whole = Fraction(channels if match[1] == "C" else int(match[1]), int(match[2]))
    step = int(match[3] or 1)
    nearest = max(int(match[4]), floor(whole / step + Fraction(1, 2)) * step)
    too_low = match[5] and nearest * int(match[2]) < float(match[5]) * (whole * int(match[2]))
    return nearest + step if too_low else nearest
