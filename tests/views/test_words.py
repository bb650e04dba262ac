"""How things are said: specs as they were given, figures that say what they are, one schema."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from models import save_json
from process import run_here

from attn_cli import eca_block, namespace_of, se_block
from attn_cli.views import render
from attn_cli.views.report import (
    Column,
    Report,
    Table,
    counted,
    percent_text,
    pretty,
    time_text,
)

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = ("-s", "56,56,256")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_sweep_shows_its_own_values() -> None:
    """The default too, where it was typed; the canonical form stands beside it for programs."""
    given = ["se:ratio=4", "se:ratio=8", "se:use_bias=true,ratio=4", "eca"]
    canonical = ["se", "se:ratio=8", "se", "eca"]
    args = ("compare", *given, *SHAPE)
    table = run_here(args).out.splitlines()
    assert table[0] == "56 × 56 × 256, params against se:ratio=4"
    assert [line.split()[0] for line in table[3:]] == given
    document = json.loads(run_here((*args, "--json")).out)
    assert (document["baseline"], document["baseline_as_given"]) == ("se", "se:ratio=4")
    for key in ("rows", "totals"):
        assert [row["as_given"] for row in document[key]] == given
        assert [row["spec"] for row in document[key]] == canonical
    read = rows(run_here((*args, "--format", "csv")).out)
    assert [(row["as_given"], row["spec"]) for row in read] == [*zip(given, canonical, strict=True)]


def test_flags_are_part_of_what_was_given() -> None:
    """As the spec that says the same."""
    args = ("summary", "-s", "7,7,64", "--json")
    flag = json.loads(run_here((*args, "-b", "se", "--ratio", "4")).out)
    assert (flag["spec"], flag["as_given"]) == ("se", "se:ratio=4")
    both = json.loads(run_here((*args, "-b", "se:gate=tanh", "--ratio", "4")).out)
    assert (both["spec"], both["as_given"]) == ("se:gate=tanh", "se:gate=tanh,ratio=4")


def test_a_check_shows_its_block_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the block that a bound is relative to."""
    (tmp_path / "attn.toml").write_text(
        '[[check]]\nname = "a"\nblock = "se:ratio=4"\nshape = [7, 7, 64]\n'
        'max_params_of = { block = "se:ratio=4", factor = 1 }\n',
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    assert re.search(r"^✔  a +se:ratio=4 .*\n.* = 1 × se:ratio=4$", run_here(("check",)).out, re.M)
    (check,) = json.loads(run_here(("check", "--json")).out)["checks"]
    assert (check["of"], check["spec"]) == ("se:ratio=4", "se")
    assert check["verdicts"][0]["relative"] == {"spec": "se", "as_given": "se:ratio=4", "factor": 1}


def gated(inputs: Any) -> Any:
    keras = namespace_of(inputs)
    x = se_block(keras.layers.Conv2D(64, 3)(inputs))
    return eca_block(keras.layers.Conv2D(128, 3)(x))


def plain(inputs: Any) -> Any:
    return namespace_of(inputs).layers.Conv2D(8, 3)(inputs)


def test_one_schema_for_any_number_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A glob may match once or twice; a file without attention has a row that says so."""
    monkeypatch.chdir(tmp_path)
    save_json(gated, (32, 32, 3), tmp_path / "gated.json")
    save_json(plain, (32, 32, 3), tmp_path / "plain.json")
    one, none, both = (
        rows(run_here(("inspect", *files, "--format", "csv")).out)
        for files in (("gated.json",), ("plain.json",), ("gated.json", "plain.json"))
    )
    assert both == one + none
    assert [row["kind"] for row in both] == ["se", "eca", ""]
    assert [row["attention_count"] for row in both] == ["2", "2", "0"]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.00%"),
        (1e-9, "<0.01%"),
        (0.00004, "<0.01%"),
        (0.00005, "0.01%"),
        (0.1194, "11.94%"),
        (0.999999, ">99.99%"),
        (1, "100.00%"),
        (1.0000001, "<100.01%"),
        (9.5, "950.00%"),
    ],
)
def test_nearly_nothing_and_nearly_all_say_so(share: float, text: str) -> None:
    """No share is shown as one that it is not."""
    assert percent_text(share) == text


@pytest.mark.parametrize(
    ("factor", "text"), [(0.5, "50.00%"), (9.9, "990.00%"), (12.34, "12.3×"), (26342.4, "26,342×")]
)
def test_large_factors_are_times(factor: float, text: str) -> None:
    """2,634,240.00% tells nobody anything."""
    assert pretty(Column("factor", "factor", "factor"), factor) == text


@pytest.mark.parametrize(
    ("figure", "what", "text"),
    [
        (0, "MACs", "0 MACs"),
        (999_999, "MACs", "999,999 MACs"),
        (1_000_000, "MACs", "1,000,000 MACs (1.00 M)"),
        (999_999_999, "FLOPs", "999,999,999 FLOPs (1.00 G)"),
        (3_857_973_248, "MACs", "3,857,973,248 MACs (3.86 G)"),
        (21_322_284, "bytes", "21,322,284 bytes (21.3 MB)"),
        (10**20, "MACs", "100,000,000,000,000,000,000 MACs (100,000 P)"),
    ],
)
def test_long_totals_have_a_short_form(figure: int, what: str, text: str) -> None:
    """Beside the exact one, never in its place."""
    assert counted(figure, what) == text


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (999, "999 ns"),
        (1000, "1.00 µs"),
        (87_432, "87.4 µs"),
        (999_600, "1.00 ms"),
        (61 * 10**9, "61.0 s"),
    ],
)
def test_times_have_three_digits(time: int, text: str) -> None:
    """In the unit that suits them."""
    assert time_text(time) == text


def test_passed_and_failed_do_not_look_alike() -> None:
    """In colour and without."""
    table = Table([Column("ok", "", "mark", missing="?")], [(True,), (False,), (None,)])
    report = Report(dict, lambda: table, [table])
    assert render(report, "table").split()[-3:] == ["✔", "✘", "?"]
    coloured = render(report, "table", color=True)
    assert re.findall(r"\x1b\[(\d+)m([✔✘?])", coloured) == [("32", "✔"), ("31", "✘"), ("33", "?")]
