"""One rule for all tables: nothing is left out in silence, nothing is cut, formats have it all."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from models import save_json
from process import run_here
from rich.cells import cell_len

from attn_cli import cbam_block, eca_block, namespace_of, se_block
from attn_cli.analysis.figures import figures
from attn_cli.analysis.network import compare_in, read_network
from attn_cli.cli import output
from attn_cli.cli.app import COMMANDS
from attn_cli.graph import Params
from attn_cli.spec import parse_spec
from attn_cli.tf.network import SavedNetwork
from attn_cli.tf.save import Saved
from attn_cli.tf.start import Started
from attn_cli.tf.time import Bench, Timing
from attn_cli.tf.verify import Check, Verification
from attn_cli.views import bench, render, saved, verify
from attn_cli.views.fit import WHOLE, WRAPPED, fit, shortened, wrapped
from attn_cli.views.pictures.vega import lines_of
from attn_cli.views.report import Report, Table, cell
from attn_cli.views.table import NO_ROOM

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "se:ratio=16,activation=hard_silu,use_bias=false"
COMPARED = ("compare", "se:ratio=4", LONG, f"{LONG},gate=tanh", "cbam:ratio=16", "simam", "eca")
# Each view, by what has it drawn; files are those that `folder` makes.
DRAWN = {
    "summary": ("summary", "-b", "cbam", "-s", "26,26,512"),
    "summary-large": ("summary", "-b", "bam", "-s", "999,999,100000"),
    "compare": (*COMPARED, "-s", "56,56,256"),
    "compare-places": (*COMPARED, "-s", "56,56,256", "-s", "3@7,7,2048", "--baseline", "simam"),
    "compare-unknown": ("compare", "se", "eca", "-c", "64"),
    "kernel-size": ("kernel-size", "64", "2048", "--format", "table"),
    "blocks": ("blocks",),
    "block": ("blocks", "bam"),
    "inspect": ("inspect", "after.json"),
    "inspect-dynamic": ("inspect", "dynamic.json"),
    "inspect-hidden": ("inspect", "hidden.json"),
    "inspect-files": ("inspect", "before.json", "hidden.json", "none.json", "unknown.json"),
    "inspect-layers": ("inspect", "after.json", "--layers"),
    "diff": ("diff", "before.json", "after.json"),
    "check": ("check", "--config", "attn.toml"),
    "check-block": ("check", "-b", "se:ratio=4", "-s", "26,26,512", "--max-params", "5"),
    "places": ("places", "app:MobileNetV2"),
    "compare-in": ("compare", "se:ratio=16", "eca", "--in", "app:MobileNetV2"),
    "compare-in-places": ("compare", "se:ratio=16", "eca", "--in", "app:MobileNetV2", "--places"),
}
# Commands that print a bare number, and have nothing to draw.
BARE = {"params"}
WIDTHS = (20, 30, *range(40, 131), 160, 200)
CONFIG = """\
[[check]]
name = "a stage with a rather long name"
block = "se:ratio=4"
shape = [26, 26, 512]
max_params = 1000000
max_params_of = { block = "se:ratio=4,activation=relu", factor = 0.5 }

[[check]]
name = "the model"
model = "after.json"
max_share = 0.00001

[[check]]
name = "unknown"
block = "ecaa"
"""


def convolved(inputs: Any, filters: int) -> Any:
    layer = namespace_of(inputs).layers.Conv2D(filters, 3, padding="same", activation="relu")
    return layer(inputs)


def none(inputs: Any) -> Any:
    """No attention."""
    return convolved(inputs, 8)


def before(inputs: Any) -> Any:
    x = se_block(convolved(inputs, 64), ratio=16, name="stage1_with_a_long_name_se")
    return se_block(convolved(eca_block(convolved(x, 128)), 256))


def after(inputs: Any) -> Any:
    x = cbam_block(convolved(inputs, 64))
    x = se_block(x, ratio=8, name="stage1_with_a_long_name_se")
    return eca_block(convolved(eca_block(convolved(x, 128)), 256))


def by_hand() -> dict[str, Report]:
    """Return the reports that need TensorFlow, of figures that somebody made up."""
    spec, shape = parse_spec("se:ratio=4"), (26, 26, 512)
    timing = Timing([1_000, 206_000, 3_000_000])
    machine = {"processor": "a processor", "architecture": "x", "cpus": 2}
    versions = {"keras": "3.0", "tensorflow": "2.0"}
    benched = Bench(shape, 1, 10, timing, [timing], machine, versions)
    checks = (
        Check("params", 33088, 33088, True),
        Check("FLOPs", 1, 2, False, "the profiler counts more"),
        Check("parts", 1, 2, True, "a grouped convolution counts 0 there"),
    )
    verified = Verification(spec, shape, checks)
    kept = Saved(Path("se.keras"), "keras", 1_600_000, Params(33_000, 88), 0, 1e-7)
    specs = [spec, None]
    compared = compare_in(read_network("app:EfficientNetB0"), specs, ["se"])
    in_it = [Verification(each, (), checks) for each in specs]
    put_in = SavedNetwork(
        *(Path("new.keras"), "Keras", 1_600_000, compared.network, compared.chosen),
        *(
            compared.blocks[0],
            0,
            "same",
            Started((), (("block1a_se_excite", "it is gone"),)),
            0.5,
            1e-7,
        ),
    )
    return {
        "bench-in": bench.network_report(compared, specs, benched._replace(blocks=[timing] * 2)),
        "verify-in": verify.report(in_it, versions, compared),
        "verify-in-all": verify.report(in_it * 2, versions, compared),
        "build-in": saved.network_report(put_in),
        "bench": bench.report(
            [bench.Timed(spec, figures(spec.trace(shape), spec.options))], benched
        ),
        "verify": verify.report([verified], versions),
        "verify-all": verify.report([verified] * 5, versions),
        "build": saved.report(kept, spec, shape),
    }


@cache
def reports() -> dict[str, Report]:
    """Return the report of each view."""
    caught: list[Report] = []

    def catch(report: Report, *_: Any, **__: Any) -> str:
        caught.append(report)
        return ""

    found = by_hand()
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        for net, shape in ((before, (32, 32, 3)), (after, (32, 32, 3)), (none, (8, 8, 3))):
            save_json(net, shape, Path(name, f"{net.__name__}.json"), net.__name__)
        save_json(before, (None, None, 3), Path(name, "dynamic.json"))
        text = Path(name, "after.json").read_text(encoding="utf-8")
        unknown, hidden = (
            text.replace('"Conv2D"', '"Mine"', 1),
            text.replace('"Multiply"', '"Lambda"', 2),
        )
        Path(name, "unknown.json").write_text(unknown, encoding="utf-8")
        Path(name, "hidden.json").write_text(hidden, encoding="utf-8")
        Path(name, "attn.toml").write_text(CONFIG, encoding="utf-8")
        patch.chdir(name)
        patch.setattr(output, "render", catch)
        for view, args in DRAWN.items():
            run_here(args)
            found[view] = caught.pop()
            assert not caught
    return found


BY_HAND = (
    *("bench", "bench-in", "verify", "verify-all", "verify-in", "verify-in-all"),
    *("build", "build-in"),
)
VIEWS = (*DRAWN, *BY_HAND)


def test_every_command_is_here() -> None:
    """A view that is added is held to the rule the same day."""
    drawn = {args[0] for args in DRAWN.values()} | {view.partition("-")[0] for view in BY_HAND}
    assert set(COMMANDS) - BARE == drawn
    assert set(reports()) == set(VIEWS)


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_each_column_is_there_or_named(view: str) -> None:
    """Whatever made it leave; one that stands in for another is no column that could be missed."""
    report = reports()[view]
    for width in WIDTHS:
        drawn = render(report, "table", width)
        _, _, named = drawn.partition(NO_ROOM)
        left = " ".join(named.split()).partition(" (|")[0].split(", ") if named else []
        expected: dict[str, None] = {}
        for table, fitted in zip(report.tables, fit(report.tables, width), strict=True):
            there = [column.key for column in fitted.table.columns]
            gone = [column for column in table.columns if column.key not in there]
            for column in gone:
                assert column.stands_for or column.kind == "bar" or column.header in left
                if not column.stands_for and column.kind != "bar":
                    expected[column.header] = None
            header = "  ".join(
                f"{column.header:>{size}}" if column.right else f"{column.header:{size}}"
                for column, size in zip(fitted.table.columns, fitted.widths, strict=True)
            )
            if not any(column.kind in WRAPPED for column in fitted.table.columns):
                assert header.rstrip() in drawn.splitlines(), width
        assert sorted(left) == sorted(expected), width


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_leaves_where_there_is_room(view: str) -> None:
    """As in a pipe, where nothing is shortened either."""
    report = reports()[view]
    piped = render(report, "table")
    assert NO_ROOM not in piped
    assert "…" not in piped
    widest = max(map(cell_len, piped.splitlines()))
    assert render(report, "table", widest) == piped


@pytest.mark.parametrize("view", VIEWS)
def test_names_can_be_told_apart(view: str) -> None:
    """Of what is shortened both ends stay, and no two names come to look alike."""
    report = reports()[view]
    for width in WIDTHS:
        for table, fitted in zip(report.tables, fit(report.tables, width), strict=True):
            keys = [column.key for column in table.columns]
            for column, size in zip(fitted.table.columns, fitted.widths, strict=True):
                place = keys.index(column.key)
                texts = {cell(column, row[place]) for row in table.rows}
                assert column.kind in {*WRAPPED, "name"} or size >= max(map(cell_len, texts))
                if column.kind == "name":
                    assert len({shortened(text, size) for text in texts}) == len(texts)
                if column.kind in WRAPPED:
                    words = [word.strip() for text in texts for word in WHOLE.findall(text)]
                    assert size >= max(map(cell_len, words), default=0)


@pytest.mark.slow
@pytest.mark.parametrize("view", [view for view in VIEWS if view != "summary-large"])
def test_no_line_is_wider_than_the_terminal(view: str) -> None:
    """From 40 columns up; a number that needs more than that has it."""
    report = reports()[view]
    for width in WIDTHS[2:]:
        lines = render(report, "table", width).splitlines()
        assert [line for line in lines if cell_len(line) > width] == [], width


@pytest.mark.parametrize("view", VIEWS)
def test_formats_for_machines_have_all_columns(view: str) -> None:
    """CSV and plain have what each column of a table tells, and JSON has all that they have."""
    report = reports()[view]
    keys = [column.key for column in report.rows().columns]
    assert len(keys) == len(set(keys))
    told = {
        key
        for table in report.tables
        for column in table.columns
        for key in column.tells or (column.key,)
    }
    assert told - set(keys) == set()
    rows = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    plain = [line.split("\t") for line in render(report, "plain").splitlines()]
    assert [list(row) for row in rows] == [plain[0]] * len(rows)
    document = json.loads(render(report, "json"))
    leaves = set(_leaves(document))
    missing = {
        key
        for row in rows
        for key, value in row.items()
        if value and key not in ("row", "from", "input") and value.lstrip("'") not in leaves
    }
    assert missing - NOT_IN_JSON.get(view.partition("-")[0], set()) == set()


def _leaves(value: Any) -> Iterator[str]:
    """Yield all that a document has, keys and values, as CSV writes it."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _leaves(each)
    elif isinstance(value, list):
        texts = ["None" if each is None else str(each) for each in value]
        yield from (f"({', '.join(texts)})", " ".join(texts))
        for each in value:
            yield from _leaves(each)
    else:
        yield str(value).lower() if isinstance(value, bool) else str(value)


# What a document says in another way: by its keys, or in parts.
NOT_IN_JSON: dict[str, set[str]] = {
    "blocks": {"options"},
    "block": {"part", "type", "default", "value"},
    "summary": {"name", "type", "inputs"},
    "inspect": {"name", "type", "inputs"},
    "diff": {"status"},
    "check": {"status"},
    "bench": {"as_given", "spec"},
    "build": {"places"},
}


@pytest.mark.parametrize(
    ("name", "width", "short"),
    [
        ("GlobalAveragePooling2D", 22, "GlobalAveragePooling2D"),
        ("GlobalAveragePooling2D", 12, "GlobalAv…g2D"),
        ("Activation hard_sigmoid", 16, "Ac… hard_sigmoid"),
        ("Activation hard_sigmoid", 13, "Activati…moid"),
        ("漢字漢字漢字漢字", 10, "漢字漢… 字"),
        ("export/a/long/path/model.keras", 16, "export/a/l…keras"),
    ],
)
def test_names_lose_their_middle(name: str, width: int, short: str) -> None:
    """Never their end, which tells as much as their beginning; a last word stays whole."""
    assert shortened(name, width) == short
    assert cell_len(short) <= width


def test_tables_of_the_same_columns_are_one() -> None:
    """What is there is there in all of them, in line."""
    tables = reports()["compare-places"].tables
    for width in WIDTHS:
        first, second, _ = fit(tables, width)
        assert first.widths == second.widths
        assert first.table.columns == second.table.columns


def test_a_line_breaks_between_words() -> None:
    """Never within a shape, a size, or between a number and what it counts."""
    line = "se on (None, 26, 26, 512), 26 × 26 × 512; 2,344,450 FLOPs (2.34 M), width 16"
    for width in range(20, 80):
        drawn = render(Report(dict, lambda: Table([], []), [], [line]), "table", width)
        for whole in ("(None, 26, 26, 512)", "26 × 26 × 512", "2,344,450 FLOPs", "(2.34 M)"):
            assert whole in drawn


def test_only_names_carry_ellipses() -> None:
    """A number is never cut."""
    for view in VIEWS:
        for width in (20, 40, 60, 80):
            for word in re.findall(r"\S*…\S*", render(reports()[view], "table", width)):
                assert not re.fullmatch(r"[\d,.]*…[\d,.%]*", word)


@pytest.mark.parametrize(
    "whole",
    [
        "6 × (14 × 14 × 1024)", "28 × 28 × 240", "(None, 1000)", "(56.3 M)", "Keras 3.15.1",
        "k = 5", "((None, 26, 26, 512))", "1,024 params (1.02 K)",
    ],
)  # fmt: skip
def test_no_line_breaks_within_what_is_one(whole: str) -> None:
    """Neither in a terminal nor in a picture, wherever the end of a line falls."""
    line = f"at a place, {whole}, and more of it"
    for width in range(len(whole) + 1, len(line)):
        assert any(whole in each for each in wrapped(line, width)), width
        assert any(whole in each for each in lines_of([line], width)), width


def test_nothing_leaves_a_picture() -> None:
    """A name longer than a line is broken there."""
    assert lines_of(["at " + "x" * 50], 20) == ["at", "x" * 20, "x" * 20, "x" * 10]
