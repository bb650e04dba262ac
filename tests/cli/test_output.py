"""What holds of all that is printed: sums, whole numbers, widths, colours, files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from process import attn, environment, run_here

from attn_cli.analysis.figures import FIGURES
from attn_cli.views import FORMATS, SUFFIXES, formats_with

if TYPE_CHECKING:
    from pathlib import Path

SUMMARIES = (
    ("summary", "-b", "eca", "-s", "26,26,512"),
    ("summary", "-b", "cbam", "-s", "56,56,256"),
    ("summary", "-b", "bam", "-s", "999,999,100000"),
)
COMPARED = ("compare", "se", "se:ratio=16,activation=hard_silu,use_bias=false", "bam", "simam")
COMPARISONS = (
    (*COMPARED, "-s", "26,26,512"),
    (*COMPARED, "-s", "9999,9999,65536", "-s", "999999@56,56,256", "--baseline", "simam"),
)
KERNELS = ("kernel-size", "64", "2048", "--format", "table")
WIDTHS = (20, 40, 60, 80, 100, 200)
# A number with its thousands separated, or bare; a size within a shape is one too.
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def document(*args: str) -> Any:
    """Return what a command prints with --json."""
    return json.loads(run_here([*args, "--json"]).out)


def rows(*args: str) -> list[dict[str, str]]:
    """Return what a command prints as CSV, a dict for each row."""
    return list(csv.DictReader(io.StringIO(run_here([*args, "--format", "csv"]).out)))


@pytest.mark.parametrize("args", SUMMARIES)
def test_columns_sum_to_totals(args: tuple[str, ...]) -> None:
    """In the table, in JSON and in CSV: one truth in three faces."""
    record = document(*args)
    layers = record["layers"]
    table = run_here([*args, "--columns", "params,trainable,non_trainable,macs,flops"]).out
    # Its last part but one is the row of totals, its last one the totals in words, the long ones
    # in short as well.
    total, words = [[int(each.replace(",", "")) for each in NUMBER.findall(part)]
                    for part in re.sub(r"\(.*?\)", "", table).split("\n\n")[-2:]]  # fmt: skip
    params = {key: sum(layer["params"][key] for layer in layers) for key in record["params"]}
    assert params == record["params"]
    sums = [*params.values(), *(sum(layer[key] for layer in layers) for key in ("macs", "flops"))]
    assert sums[3:] == [record["macs"], record["flops"]]
    assert total == sums
    assert words == [*sums[:3], record["bytes"], *sums[3:]]
    columns = ("params", "trainable", "non_trainable", "macs", "flops")
    assert [sum(int(row[column]) for row in rows(*args)) for column in columns] == sums


@pytest.mark.parametrize("args", COMPARISONS)
def test_places_sum_to_totals(args: tuple[str, ...]) -> None:
    """A block's total is each of its rows times its places, exactly, however large."""
    record = document(*args)
    for total in record["totals"]:
        of_it = [row for row in record["rows"] if row["spec"] == total["spec"]]
        assert total["places"] == sum(row["places"] for row in of_it)
        for key in ("bytes", "macs", "flops"):
            assert total[key] == sum(row["places"] * row[key] for row in of_it)
        for key in total["params"]:
            assert total["params"][key] == sum(row["places"] * row["params"][key] for row in of_it)


@pytest.mark.parametrize("args", [SUMMARIES[0], SUMMARIES[2], *COMPARISONS, ("blocks",)])
def test_numbers_are_never_cut(args: tuple[str, ...]) -> None:
    """Every number in a narrow table is one of the wide table's, whole; more room, more of them."""
    wide = attn(*args).out
    whole = set(NUMBER.findall(wide))
    counts = []
    for columns in WIDTHS:
        drawn = attn(*args, columns=columns, env={"NO_COLOR": "1"})
        assert (drawn.code, drawn.err) == (0, "")
        # A name may be shortened, and end in the middle of an option's number.
        lines = [re.sub(r"\S*…", "", line) for line in drawn.out.splitlines()]
        numbers = [number for line in lines for number in NUMBER.findall(line)]
        assert set(numbers) <= whole, columns
        counts.append(len(numbers))
    # At the widest, rows are named where they were numbered.
    assert counts[:-1] == sorted(counts[:-1])


@pytest.mark.parametrize("columns", [40, 60, 61, 80, 120])
@pytest.mark.parametrize(
    "args", [SUMMARIES[1], COMPARISONS[0], ("blocks",), ("blocks", "bam"), KERNELS]
)
def test_no_line_is_wider_than_the_terminal(args: tuple[str, ...], columns: int) -> None:
    """From 40 columns up; a number that needs more than that has it."""
    drawn = attn(*args, columns=columns, env={"NO_COLOR": "1"}).out
    assert [line for line in drawn.splitlines() if len(line) > columns] == []


def test_what_leaves_a_narrow_table_is_named() -> None:
    """Nothing disappears in silence."""
    drawn = attn(*COMPARISONS[0], columns=60, env={"NO_COLOR": "1"}).out
    assert "factor" not in drawn.splitlines()[1]
    assert re.search(r"no room for: .*factor", drawn)
    assert "no room for" not in attn(*COMPARISONS[0], columns=200).out


DYNAMIC = "? unknown: H or W is dynamic (--shape H,W,C fixes them)"
UNCOUNTED = "? unknown: no FLOPs are known for the activation gelu"
BOTH = "; ".join((DYNAMIC, UNCOUNTED.removeprefix("? unknown: ")))


@pytest.mark.parametrize(
    ("args", "reasons"),
    [
        (("compare", "se", "-s", "7,7,64"), []),
        (("compare", "se", "eca", "-c", "64"), [DYNAMIC]),
        (("compare", "se:activation=gelu", "se", "-s", "7,7,64"), [UNCOUNTED]),
        (("compare", "se:activation=gelu", "se", "-c", "64"), [BOTH, DYNAMIC]),
        (("blocks", "-s", "7,7,64"), []),
        (("blocks", "eca", "-c", "64"), [DYNAMIC]),
    ],
)
def test_what_is_unknown_has_its_reason_below(args: tuple[str, ...], reasons: list[str]) -> None:
    """A ? in a table is explained under it, by what makes it unknown here."""
    lines = run_here(args).out.splitlines()
    assert [line for line in lines if line.startswith("? unknown")] == reasons


@pytest.mark.parametrize("args", SUMMARIES[:2])
def test_json_integers_are_the_tables(args: tuple[str, ...]) -> None:
    """Row by row: the table separates thousands, and changes nothing else."""
    table = run_here([*args, "--format", "table", "--columns", "params,macs,flops"]).out
    drawn = [
        [int(cell.replace(",", "")) for cell in line.split()]
        for line in table.split("─\n")[1].split("\n\n")[0].splitlines()
    ]
    layers = document(*args)["layers"]
    assert drawn == [[layer["params"]["total"], layer["macs"], layer["flops"]] for layer in layers]
    for row, layer in zip(rows(*args), layers, strict=True):
        assert [int(row["params"]), int(row["macs"]), int(row["flops"])] == [
            layer["params"]["total"],
            layer["macs"],
            layer["flops"],
        ]


def test_figures_that_are_got_are_the_records() -> None:
    """`--get` and `params` print a bare integer and a newline, the one in the JSON."""
    args = ("summary", "-b", "cbam", "-s", "26,26,512")
    record = document(*args)
    counts = record["params"]
    flat = {**record, **counts, "params": counts["total"]}
    for figure in FIGURES:
        assert run_here([*args, "--get", figure]) == (0, f"{flat[figure]}\n", "")
    assert run_here(["params", *args[1:]]) == (0, f"{counts['total']}\n", "")
    assert run_here([*args, "--get", "kernel-size"]) == run_here([*args, "--get", "kernel_size"])


def test_columns_choose_and_order() -> None:
    """In the table, in CSV and in plain text; JSON stays the whole record."""
    args = ("summary", "-b", "se", "-s", "7,7,64")
    chosen = ("--columns", "params,Output-Shape,name")
    assert rows(*args, *chosen)[0].keys() == {"params", "output_shape", "name"}
    plain = attn(*args, *chosen, "-f", "plain").out.splitlines()
    assert plain[0] == "params\toutput_shape\tname"
    assert plain[1] == "0\t(None, 7, 7, 64)\tinput_layer"
    assert document(*args, *chosen) == document(*args)
    header = attn(*args, *chosen, columns=40, env={"NO_COLOR": "1"}).out.partition("params  ")[2]
    assert header.split("\n")[0].split() == ["output", "shape", "name"]


def test_a_pipe_gets_everything() -> None:
    """Never cropped, never wrapped, whatever the terminal around it says."""
    for args in (SUMMARIES[0], COMPARISONS[0], ("blocks",)):
        piped = attn(*args)
        assert attn(*args, env={"COLUMNS": "30", "TERM": "dumb"}) == piped
        assert "…" not in piped.out
        assert "\x1b" not in piped.out


@pytest.mark.parametrize(
    ("env", "columns", "coloured"),
    [
        ({}, 80, True),
        ({}, None, False),
        ({"NO_COLOR": "1"}, 80, False),
        ({"NO_COLOR": ""}, 80, True),
        ({"TERM": "dumb"}, 80, False),
        ({"FORCE_COLOR": "1"}, None, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, None, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, None, False),
        ({"FORCE_COLOR": ""}, None, False),
    ],
)
def test_colour_is_asked_for(env: dict[str, str], columns: int | None, coloured: bool) -> None:
    """Only a terminal that can is coloured, unless the environment says otherwise."""
    drawn = attn(*SUMMARIES[0], env=env, columns=columns)
    assert ("\x1b[" in drawn.out) is coloured
    assert attn(*SUMMARIES[0], "--json", env=env, columns=columns).out.isascii()
    # Colour carries nothing alone: without it the text is the same.
    bare = re.sub(r"\x1b\[[\d;]*m", "", drawn.out)
    bare = "".join(f"{line.rstrip()}\n" for line in bare.splitlines())
    assert bare == attn(*SUMMARIES[0], env={"NO_COLOR": "1"}, columns=columns).out


@pytest.mark.parametrize("columns", ["60", "80"])
def test_columns_in_the_environment_win(columns: str) -> None:
    """COLUMNS is how wide a terminal says it is; what is no width is passed over."""
    plain = {"NO_COLOR": "1"}
    at_width = attn(*SUMMARIES[0], columns=int(columns), env=plain)
    assert attn(*SUMMARIES[0], columns=200, env={**plain, "COLUMNS": columns}) == at_width
    for nonsense in ("", "0", "-5", "wide"):
        said = {**plain, "COLUMNS": nonsense}
        assert attn(*SUMMARIES[0], columns=int(columns), env=said) == at_width


TEXTS = {
    suffix: format
    for suffix, format in SUFFIXES.items()
    if format in (*FORMATS, "dot", "mermaid") and format in formats_with("diagram")
}


@pytest.mark.parametrize(
    ("suffix", "format"), [*TEXTS.items(), (".JSON", "json"), (".DOT", "dot"), ("", "table")]
)
def test_the_suffix_picks_the_format(suffix: str, format: str, tmp_path: Path) -> None:
    """And --format wins over it. A file has what a pipe would have."""
    target = tmp_path / f"figures{suffix}"
    assert attn(*SUMMARIES[0], "-o", str(target)) == (0, "", "")
    assert target.read_text() == attn(*SUMMARIES[0], "--format", format).out
    assert attn(*SUMMARIES[0], "-f", "csv", "-o", str(target), env={"FORCE_COLOR": "1"}).code == 0
    assert target.read_text() == attn(*SUMMARIES[0], "-f", "csv").out


def test_a_dash_is_stdout(tmp_path: Path) -> None:
    """Also by its names in /dev, which are no files to rename to."""
    expected = attn(*SUMMARIES[0], "--json")
    for name in ("-", "/dev/stdout", "/dev/fd/1"):
        assert attn(*SUMMARIES[0], "--json", "-o", name, cwd=tmp_path) == expected
    assert os.listdir(tmp_path) == []


def test_a_file_keeps_its_links_and_its_mode(tmp_path: Path) -> None:
    """What is written anew is the file, not its name: a link stays, and so do permissions."""
    target, link = tmp_path / "figures.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    assert run_here([*SUMMARIES[0], "-o", str(link)]).code == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["block"] == "eca"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["figures.json", "link.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only files")
def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    """Its folder could be written; that does not make it ours."""
    target = tmp_path / "figures.json"
    target.write_text("old")
    target.chmod(0o444)
    result = run_here([*SUMMARIES[0], "-o", str(target)])
    assert result == (2, "", f"attn: cannot write {str(target)!r}: Permission denied\n")
    assert target.read_text() == "old"


def test_runs_with_warnings_as_errors() -> None:
    """Nothing here is about to be removed from Python, and no file is left open."""
    for args in (SUMMARIES[0], COMPARISONS[0], ("params", "-b", "se", "-c", "8")):
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-m", "attn_cli", *args],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        ("params ecaa -s 1,2,8", "\x1b[31mattn:\x1b[0m no block is called 'ecaa'"),
        ("params eca -s 3,224,224", "\x1b[33mattn: note:\x1b[0m 3,224,224 is read as H,W,C"),
    ],
)
def test_an_error_does_not_look_like_a_note(line: str, begins: str) -> None:
    """In colour; without, the words say it."""
    forced = {"FORCE_COLOR": "1"}
    assert attn(*line.split(), env=forced).err.startswith(begins)
    plain = re.sub(r"\x1b\[\d+m", "", begins)
    for env in ({}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}):
        assert attn(*line.split(), env=env).err.startswith(plain)
