"""`attn blocks`: like beside like, and any block with any options."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from process import run_here

from attn_cli.blocks import find_block
from attn_cli.spec import parse_spec


def record(*args: str) -> Any:
    """Return what a call of attn blocks says in JSON."""
    result = run_here(["blocks", *args, "--json"])
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


@pytest.mark.parametrize(("channels", "ratio"), [(512, 16), (24, 16), (8, 8)])
def test_the_overview_compares_at_one_ratio(channels: int, ratio: int) -> None:
    """Every block that has a ratio stands at the same, which is said, and none at its own."""
    shape = f"28,28,{channels}"
    widths = set()
    for block in record("-s", shape)["blocks"]:
        spec = parse_spec(block["spec"])
        assert block["params"]["total"] == spec.trace((28, 28, channels)).params.total
        if "ratio" in find_block(block["name"]).options:
            assert spec.options["ratio"] == ratio
            if block["name"] != "coord":  # which has a least width
                widths.add(block["width"])
    assert widths == {channels // ratio}
    drawn = run_here(["blocks", "-s", shape]).out
    assert f"blocks with a ratio are at ratio {ratio}" in drawn
    assert "\n?" not in drawn.partition("well-known forms")[0]


def test_forms_stand_at_their_own_ratio() -> None:
    """A preset is what it is, its ratio beside it."""
    for form in record()["presets"]:
        spec = parse_spec(form["name"])
        assert form["spec"] == form["name"]
        assert form["params"]["total"] == spec.trace((28, 28, 512)).params.total


def test_the_overview_is_read_in_a_pipe_too() -> None:
    """What a block's options are called is on its own page."""
    lines = run_here(["blocks"]).out.splitlines()
    assert max(map(len, lines)) <= 180


@pytest.mark.parametrize("format", ["csv", "plain"])
def test_formats_for_machines_have_every_column(format: str) -> None:
    """Also those that the tables leave out, and of the forms whose they are and of what."""
    out = run_here(["blocks", "--format", format]).out
    rows = list(csv.DictReader(out.splitlines(), delimiter="," if format == "csv" else "\t"))
    shown = {"name", "title", "form", "ratio", "width", "kernel_size", "params", "macs", "flops"}
    assert shown | {"source", "spec", "domain", "trainable", "options", "paper"} == {*rows[0]}
    se, timm = rows[0], next(row for row in rows if row["name"] == "se-timm")
    assert (se["spec"], se["ratio"], se["form"], se["source"]) == ("se:ratio=16", "16", "", "")
    whose = "timm's SEModule: a sixteenth, rounded to a multiple of 8"
    assert (timm["form"], timm["source"]) == ("se:ratio=16,divisor=8", whose)


def test_a_page_is_whole_in_formats_for_machines() -> None:
    """Its options, its steps and what it costs, and beside what."""
    rows = list(csv.DictReader(run_here(["blocks", "cbam", "--format", "csv"]).out.splitlines()))
    assert list(dict.fromkeys(row["part"] for row in rows)) == ["option", "step", "cost"]
    costs = [(row["spec"], row["params"]) for row in rows if row["part"] == "cost"]
    assert costs == [("cbam", "33414"), ("se:ratio=16", "33312")]
    (beside,) = record("cbam")["beside"]
    assert (beside["spec"], beside["params"]["total"]) == ("se:ratio=16", 33312)


def test_steps_in_letters_have_no_numbers() -> None:
    """Of an input that is given, they have."""
    assert {step["params"] for step in record("se")["steps"]} == {None}
    assert sum(step["params"] for step in record("se", "-s", "7,7,64")["steps"]) == 2128


@pytest.mark.parametrize(
    "spec", ["se:ratio=8", "cbam-timm:kernel_size=3", "gc:pool=mean", "eca:b=3", "bam:ratio=1024"]
)
def test_a_block_is_shown_with_options(spec: str) -> None:
    """Its page is that of these options: their figures, values and formula."""
    page = record(spec, "-s", "26,26,2048")
    parsed = parse_spec(spec)
    assert page["spec"] == spec
    assert page["name"] == parsed.block.name
    assert page["params"]["total"] == parsed.trace((26, 26, 2048)).params.total
    assert {option["name"]: option["value"] for option in page["options"]} == parsed.options
    assert {option["name"]: option["default"] for option in page["options"]} == (
        parsed.block.defaults
    )
    assert record(spec)["trainable"] == page["trainable"]


def test_a_page_sets_se_at_the_same_ratio_beside_it() -> None:
    """Like beside like: bam at 8 beside se at 8, and what has no ratio beside the papers' 16."""
    assert "\nse:ratio=8 " in run_here(["blocks", "bam:ratio=8", "-s", "26,26,512"]).out
    assert "\nse:ratio=16 " in run_here(["blocks", "eca"]).out
    assert "\nse " in run_here(["blocks", "se-mobilenetv3"]).out


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("se:ratoi=8",), "attn: se has no option 'ratoi'; "),
        (("see:ratio=8",), "attn: no block is called 'see'; did you mean se, or ese?"),
        (("se:ratio=8", "-s", "7,7,4"), "attn: ratio 8 squeezes 4 channels to a width of 0"),
    ],
)
def test_a_bad_spec_gets_its_line(args: tuple[str, ...], line: str) -> None:
    result = run_here(["blocks", *args])
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(line)
