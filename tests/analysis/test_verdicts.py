"""Verdicts: what holds, by how much, and what cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from attn_cli.analysis.check import (
    BOUNDS,
    GROUPED,
    Check,
    Expectation,
    Relative,
    Verdict,
    flattened,
    judge,
    known_figure,
    over_places,
    part_of,
)
from attn_cli.analysis.entry import Entry
from attn_cli.analysis.figures import FIGURES, figures
from attn_cli.errors import AttnError
from attn_cli.spec import parse_place, parse_spec
from attn_cli.views.records import figures_record

JUDGED = [
    ("<=", 10, 5, 5, True),
    ("<=", 10, 10, 0, True),
    ("<=", 10, 11, -1, False),
    ("<=", 0, 0, 0, True),
    (">=", 16, 16, 0, True),
    (">=", 16, 15, -1, False),
    ("<=", 0.3, 0.1 + 0.2, 0.0, False),
    ("<=", 0.12, 0.142, -0.022, False),
    ("==", 5, 5, None, True),
    ("==", 5, 5.0, None, True),
    ("==", 1, True, None, False),
    ("==", "se", "se", None, True),
    ("==", "none", None, None, None),
    ("==", None, None, None, True),
    ("==", None, 5, None, False),
    ("<=", 10, None, None, None),
]


@pytest.mark.parametrize(("relation", "bound", "got", "margin", "ok"), JUDGED)
def test_verdicts(relation: str, bound: Any, got: Any, margin: Any, ok: bool | None) -> None:
    """A bound holds up to itself; the margin is what is left."""
    (verdict,) = judge([Expectation("x", relation, bound)], {"x": got})
    assert verdict == Verdict("x", relation, bound, got, margin, ok)


def test_a_width_that_is_none_is_known() -> None:
    """ECA has no width: it is not 8, and that can be told."""
    expected = [Expectation("width", "==", 8), Expectation("blocks.0.kernel_size", "==", None)]
    verdicts = judge(expected, {"width": None, "blocks.0.kernel_size": None})
    assert [verdict.ok for verdict in verdicts] == [False, True]


def test_a_bound_that_is_not_known_is_not_met() -> None:
    """Relative to what cannot be known."""
    (verdict,) = judge([Expectation("macs", "<=", None, Relative("se", "se", 2))], {"macs": 5})
    assert verdict.ok is None


@pytest.mark.parametrize(
    ("told", "problem", "status"),
    [
        ([True, True], None, "passed"),
        ([True, False], None, "failed"),
        ([True, None], None, "unchecked"),
        ([False, None], None, "unchecked"),
        ([], "no such file", "unchecked"),
        ([True], "half of it", "unchecked"),
        ([], None, "unchecked"),
    ],
)
def test_status(told: list[bool | None], problem: str | None, status: str) -> None:
    """What could not be checked outranks what failed, and nothing checked is not passed."""
    verdicts = [Verdict("x", "<=", 1, 1, 0, ok) for ok in told]
    assert Check("a", "block", "se", problem=problem, verdicts=verdicts).status == status


def test_every_figure_of_json_has_a_name_here() -> None:
    """`--expect` takes what `--get` takes, and what JSON says."""
    record = figures_record(figures(parse_spec("se").trace((7, 7, 64))))
    assert set(flattened(record)) == set(FIGURES)
    others = {bound.figure for bound in BOUNDS.values()} - set(FIGURES)
    assert {figure for figure in others if not figure.startswith("added.")} == {
        "attention.count",
        "attention.share",
    }
    assert set(GROUPED.values()) <= set(FIGURES)


@pytest.mark.parametrize(
    ("name", "known"), [("params.total", "params"), (" kernel-size", "kernel_size")]
)
def test_known_figures(name: str, known: str) -> None:
    """JSON's names and dashes are understood."""
    assert known_figure(name, FIGURES) == known


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("shares", "no figure is called 'shares'; did you mean a.share? (a.share)"),
        ("a", "a is several figures; name one, as in a.share"),
        ("", "no figure is called '' (a.share)"),
    ],
)
def test_unknown_figures(name: str, line: str) -> None:
    """With the nearest, and what there is."""
    with pytest.raises(AttnError) as error:
        known_figure(name, ["a.share", "blocks.0.width"])
    assert str(error.value) == line


def test_leaves_of_a_record() -> None:
    """A list of records is numbered; a list of sizes is no figure."""
    record = {
        "params": {"total": 1, "trainable": 2, "non_trainable": 3},
        "blocks": [{"kind": "se", "input_shape": [None, 8]}, {"width": None}],
        "shape": (1, 2),
        "attention": {"share": 0.5},
    }
    assert flattened(record) == {
        "params": 1,
        "trainable": 2,
        "non_trainable": 3,
        "blocks.0.kind": "se",
        "blocks.1.width": None,
        "attention.share": 0.5,
    }


@pytest.mark.parametrize(
    ("factor", "value", "bound"),
    [(0.29, 100, 29), (1.1, 10, 11), (0.7, 10, 7), (2, 5, 10), (0.1, 8464, 846), (0.5, None, None)],
)
def test_factors_are_taken_as_they_are_written(factor: float, value: Any, bound: Any) -> None:
    """Not as the float that is nearest: 0.29 × 100 is 28.999999999999996 in floats."""
    assert part_of(factor, value) == bound


def entry(spec: str, place: str) -> Entry:
    parsed, at = parse_spec(spec), parse_place(place)
    found = figures(parsed.trace(at.shape), parsed.options)
    return Entry(parsed.block.name, spec, spec, parsed.options, at.shape, at.times, found)


def test_costs_add_up_over_places() -> None:
    """ResNet-50's sixteen places, whose kernels differ."""
    places = ("3@56,56,256", "4@28,28,512", "6@14,14,1024", "3@7,7,2048")
    eca = over_places([entry("eca", place) for place in places])
    assert (eca["params"], eca["kernel_size"], eca["width"]) == (86, [5, 7], None)
    assert over_places([entry("se:ratio=16", place) for place in places])["params"] == 2_530_992
    assert over_places([entry("eca", "6@14,14,1024")])["kernel_size"] == 5


def test_costs_are_unknown_where_one_is() -> None:
    """Params do not need a height."""
    figures = over_places([entry("se", "7,7,64"), entry("se", "None,None,64")])
    assert figures["flops"] is None
    assert figures["params"] == 2 * 2128
