"""`attn diff`: what it says of two saved models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from models import save_json
from process import attn, run_here
from test_schema import changed, validator

from attn_cli import cbam_block, eca_block, namespace_of, se_block

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def convolved(inputs: Any, filters: int) -> Any:
    layer = namespace_of(inputs).layers.Conv2D(filters, 3, padding="same", activation="relu")
    return layer(inputs)


def before(inputs: Any) -> Any:
    """Three blocks, two of them with names of Keras' own."""
    x = se_block(convolved(inputs, 64), ratio=16, name="stage1_se")
    x = eca_block(convolved(x, 128))
    return se_block(convolved(x, 256))


def after(inputs: Any) -> Any:
    """One more, a wider one, and one of another kind."""
    x = cbam_block(convolved(inputs, 64))
    x = se_block(x, ratio=8, name="stage1_se")
    x = eca_block(convolved(x, 128))
    return eca_block(convolved(x, 256))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two models, the first one also with a dynamic H and W."""
    save_json(before, (32, 32, 3), tmp_path / "before.json")
    save_json(after, (32, 32, 3), tmp_path / "after.json")
    save_json(before, (None, None, 3), tmp_path / "dynamic.json")
    return tmp_path


@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown", "plain"])
def test_output_is_as_it_was(format: str, golden: Callable[[str, str], None], folder: Path) -> None:
    """What came, what changed, and what that costs; what stayed is only counted."""
    result = run_here(["diff", "before.json", "after.json", "--format", format], cwd=folder)
    assert (result.code, result.err) == (0, "")
    golden(f"cli/diff.{format}", result.out)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_terminals_are_as_they_were(
    columns: int, golden: Callable[[str, str], None], folder: Path
) -> None:
    """Numbers stay whole; what changed is wrapped, not cut."""
    result = attn(
        "diff", "before.json", "after.json", columns=columns, env={"NO_COLOR": "1"}, cwd=folder
    )
    golden(f"cli/diff-{columns}.txt", result.out)


def test_exit_codes(folder: Path) -> None:
    """Like those of diff, where they are asked for."""
    assert run_here(["diff", "before.json", "before.json", "--exit-code"], cwd=folder) == (
        0,
        "before.json → before.json\nno difference\n",
        "",
    )
    assert run_here(["diff", "before.json", "after.json", "--exit-code"], cwd=folder).code == 1
    assert run_here(["diff", "before.json", "after.json"], cwd=folder).code == 0


def test_a_difference_outside_attention_is_one(folder: Path) -> None:
    """The totals of the model are compared too."""
    text = (folder / "before.json").read_text(encoding="utf-8")
    wider = text.replace('"use_bias": true', '"use_bias": false', 1)
    assert wider != text
    (folder / "wider.json").write_text(wider, encoding="utf-8")
    result = run_here(["diff", "before.json", "wider.json", "--exit-code"], cwd=folder)
    assert result.code == 1
    assert result.out.endswith("attention blocks: 3 the same\n")


def test_what_is_unknown_is_said(folder: Path) -> None:
    """A question mark, and why; null in JSON."""
    result = run_here(["diff", "dynamic.json", "before.json"], cwd=folder)
    rows = [line.split("  ") for line in result.out.splitlines()]
    assert ["model MACs", "?", "379,290,752", "?"] in [
        [cell.strip() for cell in row if cell.strip()] for row in rows
    ]
    assert "dynamic.json: ? MACs and FLOPs: H or W is dynamic" in result.out
    document = json.loads(
        run_here(["diff", "dynamic.json", "before.json", "--json"], cwd=folder).out
    )
    validator("diff").validate(document)
    assert document["model"]["macs"] == {"before": None, "after": 379290752, "difference": None}


def test_json_is_described(folder: Path) -> None:
    """And a document that is wrong is noticed."""
    document = json.loads(run_here(["diff", "before.json", "after.json", "--json"], cwd=folder).out)
    validator("diff").validate(document)
    free = ("before = nonsense", "after = nonsense", "activation = nonsense", "gate = nonsense")
    unnoticed = [what for what, wrong in changed(document) if validator("diff").is_valid(wrong)]
    assert [what for what in unnoticed if not what.endswith(free)] == []


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("before.json",), "missing AFTER (attn diff -h shows how)"),
        (("before.json", "none.keras"), "none.keras: there is no such file"),
        (("empty.h5", "before.json"), "empty.h5: the file is empty"),
        (
            ("before.json", "after.json", "-f", "github"),
            "there is no github format here "
            "(table, json, csv, markdown, plain, svg, png, pdf, html)",
        ),
    ],
)
def test_wrong_use(args: tuple[str, ...], line: str, folder: Path) -> None:
    """One line, nothing on stdout, 2."""
    (folder / "empty.h5").touch()
    assert run_here(["diff", *args], cwd=folder) == (2, "", f"attn: {line}\n")


def test_inputs_that_differ_are_said() -> None:
    """Costs that differ by the size of the input alone are no change of the attention."""
    result = run_here(["diff", "app:ResNet50", "app:NASNetLarge"])
    assert (
        "their inputs differ, and costs with them: (None, 224, 224, 3) → (None, 331, 331, 3)"
        in (result.out)
    )
    assert "inputs differ" not in run_here(["diff", "app:ResNet50", "app:ResNet101"]).out
