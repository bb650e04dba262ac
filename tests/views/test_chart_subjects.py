"""What a chart is of, before it is drawn: which figures, along what, in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attn_cli.analysis.check import Verdict
from attn_cli.analysis.compare import compare
from attn_cli.analysis.stages import Extent
from attn_cli.blocks.eca import eca_kernel_size
from attn_cli.cli.kernel_size import staircase
from attn_cli.views.pictures.checks import LONGEST, part
from attn_cli.views.pictures.compare import of_comparison
from attn_cli.views.pictures.staircase import steps
from attn_cli.views.pictures.strip import extent_text, heights

if TYPE_CHECKING:
    from attn_cli.graph import Shape


@given(b=st.integers(-24, 24), gamma=st.integers(3, 90), asked=st.integers(1, 10**7))
def test_each_step_is_the_rule_s(b: int, gamma: int, asked: int) -> None:
    """From end to end, without a gap, and as asked; where the offset is negative it falls first."""
    rule = {"b": b / 2, "gamma": gamma / 20}
    chart = staircase(rule, [(asked, eca_kernel_size(asked, **rule))])
    line, points, *_ = [layer["data"]["values"] for layer in chart.spec["layer"]]
    pairs = list(zip(line[::2], line[1::2], strict=True))
    assert pairs[0][0]["channels"] == 1
    for (first, last), following in zip(pairs, [*pairs[1:], None], strict=True):
        ends = first["channels"], last["channels"] - 1
        assert {eca_kernel_size(end, **rule) for end in ends} == {first["kernel"]}
        assert following is None or following[0]["channels"] == last["channels"]
    assert pairs[-1][1]["channels"] > asked
    counted = [first["kernel"] for first, last in pairs for _ in range(*ends_of(first, last))]
    assert counted == [eca_kernel_size(channels, **rule) for channels in range(1, 600)]
    assert [each["kernel"] for each in points] == [eca_kernel_size(asked, **rule)]


def ends_of(first: dict[str, int], last: dict[str, int]) -> tuple[int, int]:
    """Return the numbers of channels of a step, of the first few hundred."""
    return first["channels"], min(last["channels"], 600)


def test_a_step_is_as_long_as_it_is() -> None:
    """Found by halving, the same as by counting."""
    counted: dict[int, list[int]] = {}
    for channels in range(1, 5000):
        counted.setdefault(eca_kernel_size(channels), []).append(channels)
    expected = [(each[0], each[-1], kernel) for kernel, each in counted.items()]
    assert list(steps(eca_kernel_size, 1, 4999)) == expected


@pytest.mark.parametrize(
    ("specs", "shapes", "title"),
    [
        (["se", "eca"], ["7,7,64"], "blocks on 7 × 7 × 64"),
        (["se:ratio=2", "se:ratio=4", "se:ratio=8"], ["7,7,64"], "se on 7 × 7 × 64, by ratio"),
        (["se:ratio=2", "se:ratio=4"], ["7,7,64"], "blocks on 7 × 7 × 64"),
        (["se:ratio=2", "se:ratio=4", "se:width=8"], ["7,7,64"], "blocks on 7 × 7 × 64"),
        (
            [f"{block}:ratio={ratio}" for block in ("se", "cbam") for ratio in (2, 4, 8)],
            ["7,7,64"],
            "se, cbam on 7 × 7 × 64, by ratio",
        ),
        (["eca"], ["7,7,8", "7,7,64", "7,7,512"], "blocks on 7 × 7 × C, by channels"),
        (["eca"], ["7,7,8", "7,7,64"], "blocks along 2 inputs, each block on its own"),
        (
            ["eca"],
            ["2@7,7,8", "7,7,64", "7,7,512"],
            "blocks along 3 inputs, each block on its own",
        ),
        (
            ["eca"],
            ["9,9,8", "7,7,64", "7,7,512"],
            "blocks along 3 inputs, each block on its own",
        ),
    ],
)
def test_what_is_asked_decides_what_is_drawn(
    specs: list[str], shapes: list[str], title: str
) -> None:
    """Bars on one input, a line along a sweep, a line along places."""
    assert of_comparison(compare(specs, shapes), ()).title == title


def test_a_sweep_shows_the_size_that_it_changes() -> None:
    """The kernel along the channels, in steps; the width along the ratio."""
    chart = of_comparison(compare(["eca"], ["7,7,8", "7,7,64", "7,7,512"]), ())
    panels = [panel["title"]["text"] for panel in chart.spec["vconcat"]]
    assert panels == ["params", "MACs (log scale)", "FLOPs (log scale)", "kernel"]
    marks = [panel["layer"][0]["mark"].get("interpolate") for panel in chart.spec["vconcat"]]
    assert marks == [None, None, None, "step-after"]


@pytest.mark.parametrize(
    ("sizes", "positions", "text"),
    [
        ((56, 28), 56 * 28, "56 × 28"),
        ((128,), 128, "128"),
        ((), 1, "vector"),
        ((None, None), 1, "H × W"),
        ((None, None), 1 / 16, "H/4 × W/4"),
        ((None, 7), 1 / 4, "H/2 × 7"),
        ((None, None), 4, "H·2 × W·2"),
        ((None, None, None), 1 / 8, "D/2 × H/2 × W/2"),
        ((None,), 1 / 2, "N/2"),
        ((None, None), None, "size unknown"),
    ],
)
def test_a_stage_says_how_far_it_extends(sizes: Shape, positions: float | None, text: str) -> None:
    """In numbers, or as a part of the input."""
    assert extent_text(Extent(sizes, positions)) == text


def test_a_stage_is_lower_where_the_map_is_smaller() -> None:
    """By the same each time that it is halved; of what is unknown nothing is made up."""
    sides = [heights([Extent((side, side), side * side) for side in (64, 32, 16, 1)])][0]
    assert sides[0] - sides[1] == pytest.approx(sides[1] - sides[2], abs=0.2)
    assert sides == sorted(sides, reverse=True)
    high, low = heights([Extent((8, 8), 64), Extent((None,), None)])
    assert low < high


@pytest.mark.parametrize(
    ("got", "bound", "share"),
    [
        (5, 10, 0.5),
        (10, 10, 1.0),
        (500, 10, LONGEST),
        (0, 10, 0.0),
        (5, 0, None),
        (None, 10, None),
        ("se", "eca", None),
        (True, True, None),
        (0.5, 1, 0.5),
    ],
)
def test_a_figure_is_a_part_of_its_bound(got: object, bound: object, share: float | None) -> None:
    """Where both are numbers, and the bound is one to have a part of."""
    assert part(Verdict("params", "<=", bound, got, None, None)) == share
