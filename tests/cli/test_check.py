"""`attn check`: what it says, and above all its exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import save_json
from process import attn, run_here
from test_schema import validator

from attn_cli import eca_block, namespace_of, se_block
from attn_cli.cli.check import MISSING, READ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

ECA = ("check", "-b", "eca", "-s", "26,26,512")
CHECK = '[[check]]\nname = "{}"\nblock = "{}"\nshape = [26, 26, 512]\nmax_params = {}\n'
GOOD = CHECK.format("good", "eca", 10)
FAILING = CHECK.format("failing", "se:ratio=8", 10)
BAD = CHECK.format("bad", "ecaa", 10)
BUDGETS = f"""\
{GOOD}expect = {{ kernel_size = 5 }}

[[check]]
name = "neck, stage 4"
block = "se:ratio=8"
shape = "20,20,256"
max_macs = 20_000
max_params_of = {{ block = "se:ratio=16", factor = 0.1 }}

[[check]]
name = "all 16 places"
block = "eca"
shapes = ["3@56,56,256", "4@28,28,512", "6@14,14,1024", "3@7,7,2048"]
max_params = 86
{BAD}
[[check]]
name = "any size"
block = "se"
shape = "None,None,256"
max_params = 33_088
max_flops = 1_000_000
"""


def test_a_block_by_position() -> None:
    """As with --block, braces and all; a model is told from it by its name."""
    at = ("-s", "26,26,512", "--max-params", "66112")
    named = run_here(["check", "-b", "se:ratio=8", "-b", "se:ratio=4", *at])
    assert named.code == 1
    assert run_here(["check", "se:ratio=8", "se:ratio=4", *at]) == named
    assert run_here(["check", "se:ratio={8,4}", *at]) == named
    assert run_here(["check", "se:ratio=8", "-b", "se:ratio=4", *at]) == named


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        (("--max-params", "5"), 0),
        (("--max-params", "4"), 1),
        (("--max-macs", "2560", "--max-flops", "697856", "--max-bytes", "20"), 0),
        (("--max-macs", "2559", "--max-flops", "697856"), 1),
        (("--expect", "kernel_size=5", "--expect", "params.trainable=5"), 0),
        (("--expect", "kernel-size=3"), 1),
        (("--expect", "width=none"), 0),
        (("--expect", "width=8"), 1),
        (("--max-params", "10", "--expect", "kernel_size=7"), 1),
    ],
)
def test_exit_codes_of_one_liners(bounds: tuple[str, ...], code: int) -> None:
    """0 if all holds, 1 if something does not; -q leaves only that."""
    result = run_here([*ECA, *bounds])
    assert (result.code, result.err) == (code, "")
    assert result.out.endswith(f"1 of 1 {'passed' if code == 0 else 'failed'}\n")
    assert run_here([*ECA, *bounds, "-q"]) == (code, "", "")


def test_places_on_the_command_line() -> None:
    """A bound is for all of them together, as compare totals them."""
    places = ("-s", "3@56,56,256", "-s", "4@28,28,512", "-s", "6@14,14,1024", "-s", "3@7,7,2048")
    assert run_here(["check", "-b", "eca", *places, "--max-params", "86", "-q"]).code == 0
    assert run_here(["check", "-b", "eca", *places, "--max-params", "85", "-q"]).code == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (GOOD, 0),
        (FAILING, 1),
        (GOOD + FAILING, 1),
        (BAD, 2),
        (BAD + GOOD, 2),
        (FAILING + BAD + GOOD, 2),
        (GOOD + GOOD, 2),
        ("", 2),
    ],
)
def test_exit_codes_of_a_file(content: str, code: int, tmp_path: Path) -> None:
    """2 outranks 1, and is also that nothing was checked."""
    (tmp_path / "attn.toml").write_text(content, encoding="utf-8")
    assert run_here(["check"], cwd=tmp_path).code == code
    quiet = run_here(["check", "-q"], cwd=tmp_path)
    assert (quiet.code, quiet.out, bool(quiet.err)) == (code, "", code == 2)


@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown", "plain", "github"])
def test_output_is_as_it_was(
    format: str, golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    """What passed, what did not and what could not be checked, each with its bound and margin."""
    (tmp_path / "attn.toml").write_text(BUDGETS, encoding="utf-8")
    result = run_here(["check", "--format", format], cwd=tmp_path)
    assert result.code == 2
    said = (
        "attn: attn.toml, line 22: bad: no block is called 'ecaa'; did you mean eca, or ceca? "
        "(attn blocks lists them all)\n"
        "attn: attn.toml, line 26: any size: FLOPs cannot be known: H or W is dynamic\n"
    )
    # Once: where people read the report, it is said there.
    assert result.err == ("" if format in READ else said)
    golden(f"cli/check.{format}", result.out)


def test_json_is_described(tmp_path: Path) -> None:
    """What failed and what could not be checked too; a document that is wrong is noticed."""
    save_json(net, (32, 32, 3), tmp_path / "net.json")
    model = '[[check]]\nname = "m"\nmodel = "net.json"\nexpect = { blocks.0.kind = "se" }\n'
    places = '[[check]]\nname = "n"\nblock = "eca"\nshapes = ["7,7,64", "7,7,512"]\n'
    config = f"{model}{places}expect = {{ kernel_size = 3 }}\n{BUDGETS}[[check]]\n"
    (tmp_path / "attn.toml").write_text(config, encoding="utf-8")
    document = json.loads(run_here(["check", "--json"], cwd=tmp_path).out)
    validator("check").validate(document)
    relative = document["checks"][3]["verdicts"][1]["relative"]
    assert relative == {"spec": "se:ratio=16", "as_given": "se:ratio=16", "factor": 0.1}
    relative["factor"] = 0
    assert not validator("check").is_valid(document)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_terminals_are_as_they_were(
    columns: int, golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    """Numbers stay whole, and what could not be checked is said once."""
    (tmp_path / "attn.toml").write_text(BUDGETS, encoding="utf-8")
    result = attn("check", cwd=tmp_path, columns=columns, env={"NO_COLOR": "1"})
    assert (result.code, result.err) == (2, "")
    golden(f"cli/check-{columns}.txt", result.out)


def test_the_file_is_found_upwards(tmp_path: Path) -> None:
    """The nearest one, attn.toml before pyproject.toml, and one without [tool.attn] passed over."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    # attn is mentioned, and asks for nothing
    (deep / "pyproject.toml").write_text("[project]\nname = 'attn'\n", encoding="utf-8")
    (tmp_path / "a" / "pyproject.toml").write_text("broken [", encoding="utf-8")
    (tmp_path / "attn.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.attn] broken", encoding="utf-8")
    assert run_here(["check"], cwd=deep).out.startswith("../../attn.toml   1 check\n")
    (tmp_path / "a" / "pyproject.toml").write_text(
        FAILING.replace("[[check]]", "[[tool.attn.check]]"), encoding="utf-8"
    )
    result = run_here(["check", "-f", "github"], cwd=deep)
    assert result.out.startswith("::error file=../pyproject.toml,line=1,title=failing::")
    assert run_here(["check", "--config", "../../attn.toml"], cwd=deep).code == 0


def test_github_wants_paths_from_the_top(tmp_path: Path) -> None:
    """Wherever in the repository the step runs."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "attn.toml").write_text(FAILING, encoding="utf-8")
    env = {"GITHUB_WORKSPACE": str(tmp_path)}
    result = attn("check", "-f", "github", cwd=tmp_path / "a", env=env)
    assert result.out.startswith("::error file=a/attn.toml,line=1,title=failing::")


def test_github_escapes(tmp_path: Path) -> None:
    """A name cannot end the command, or begin another."""
    text = FAILING.replace("failing", r"100%: a,b::c\n::error::d")
    (tmp_path / "attn.toml").write_text(text, encoding="utf-8")
    first, *others = run_here(["check", "-f", "github"], cwd=tmp_path).out.splitlines()
    assert first == (
        "::error file=attn.toml,line=1,title=100%25%3A a%2Cb%3A%3Ac\\n%3A%3Aerror%3A%3Ad"
        "::se:ratio=8 on 26 × 26 × 512: params 66,112 > 10, 66,102 over"
    )
    assert others == ["1 of 1 failed"]


def test_own_blocks_stand_beside_the_file(tmp_path: Path) -> None:
    """As models do, wherever in the project the command runs."""
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "mine.py").write_text("def twice(x, *, n: int = 2):\n    return x\n")
    text = CHECK.format("own", "mine.py:twice:n=3", 0)
    (tmp_path / "attn.toml").write_text(text, encoding="utf-8")
    assert run_here(["check"], cwd=tmp_path / "deep").code == 0


def test_a_file_is_written(tmp_path: Path) -> None:
    """Its suffix picks the format; what could not be checked is still said."""
    (tmp_path / "attn.toml").write_text(GOOD + BAD, encoding="utf-8")
    result = run_here(["check", "-o", "report.json"], cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "ecaa" in result.err
    record = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [check["status"] for check in record["checks"]] == ["passed", "unchecked"]


def net(inputs: Any) -> Any:
    """Two blocks, of 580 and 5 of the 76,233 parameters."""
    keras = namespace_of(inputs)
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu")(inputs)
    x = se_block(x, ratio=16, name="stage1_se")
    x = keras.layers.Conv2D(128, 3, padding="same", activation="relu")(x)
    return eca_block(x, name="stage2_eca")


def own_layer(inputs: Any) -> Any:
    """A layer whose weights the text of a model cannot tell."""
    return namespace_of(inputs).layers.Dense(8)(inputs)


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        (("--max-params", "76233", "--max-macs", "77268096"), 0),
        (("--max-params", "76232"), 1),
        (("--min-blocks", "2", "--max-share", "0.01"), 0),
        (("--min-blocks", "3"), 1),
        (("--max-share", "0.007"), 1),
        (("--expect", "attention.params=585", "--expect", "blocks.1.kernel_size=5"), 0),
        (("--expect", "blocks.0.kind=se", "--expect", "blocks.0.kernel_size=none"), 0),
        (("--expect", "blocks.0.kind=eca"), 1),
        (("--expect", "blocks.2.kind=se"), 2),
        (("--expect", "attention=2"), 2),
    ],
)
def test_models(bounds: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """The figures are those of inspect, by the names that they have in its JSON."""
    save_json(net, (32, 32, 3), tmp_path / "net.json")
    assert run_here(["check", "net.json", *bounds, "-q"], cwd=tmp_path).code == code


def test_what_a_model_does_not_tell_is_not_passed(tmp_path: Path) -> None:
    """No attention found is not the same as none there; at least 5 params may be 6."""
    save_json(own_layer, (32, 32, 3), tmp_path / "net.json")
    text = (tmp_path / "net.json").read_text(encoding="utf-8")
    (tmp_path / "net.json").write_text(text.replace('"Dense"', '"Mine"'), encoding="utf-8")
    for bound in ("--max-params", "--max-bytes", "--max-share"):
        result = run_here(["check", "net.json", bound, "1"], cwd=tmp_path)
        assert (result.code, result.out.splitlines()[-1]) == (2, "1 of 1 could not be checked")
        assert "cannot be known: the file does not hold all weights\n" in result.out


def test_other_models_are_checked_beside_a_missing_one(tmp_path: Path) -> None:
    """Paths are relative to the configuration, wherever the command runs."""
    (tmp_path / "deep").mkdir()
    save_json(net, (32, 32, 3), tmp_path / "net.json")
    (tmp_path / "bad.keras").write_bytes(b"PK")
    text = "".join(
        f'[[check]]\nname = "{name}"\nmodel = "{name}"\nmin_blocks = 2\n'
        for name in ("none.keras", "bad.keras", "net.json")
    )
    (tmp_path / "attn.toml").write_text(text, encoding="utf-8")
    result = run_here(["check", "-f", "plain"], cwd=tmp_path / "deep")
    assert result.code == 2
    assert [line.split("\t")[-2:] for line in result.out.splitlines()[1:]] == [
        ["unchecked", "../none.keras: there is no such file"],
        [
            "unchecked",
            "../bad.keras: this is a text; attn reads what Keras saves (.keras, .h5, to_json())",
        ],
        ["passed", ""],
    ]


@pytest.mark.parametrize(
    "args",
    [
        ("-b", "eca", "-s", "26,26,512"),
        ("-b", "se:ratio=8", "-b", "simam", "-b", "cbam", "-b", "se:ratio=8", "-s", "26,26,512"),
        ("-b", "eca", "-s", "3@56,56,256", "-s", "6@14,14,1024"),
        ("-b", "srm", "-c", "64"),
        ("-b", "mine.py:twice:n=3", "-s", "7,7,64"),
        ("net.json",),
        ("net.json", 'it\'s a "net".json'),
    ],
)
@pytest.mark.parametrize("output", ["attn.toml", "deep/attn.toml"])
def test_init_writes_what_passes(args: tuple[str, ...], output: str, tmp_path: Path) -> None:
    """At once, and one parameter less does not."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "mine.py").write_text("def twice(x, *, n: int = 2):\n    return x\n")
    for name in ("net.json", 'it\'s a "net".json'):
        save_json(net, (32, 32, 3), tmp_path / name)
    begun = run_here(["check", "--init", *args, "-o", output], cwd=tmp_path)
    assert (begun.code, begun.err) == (0, "")
    result = run_here(["check", "--config", output], cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    again = run_here(["check", "--init", *args, "-o", output], cwd=tmp_path)
    assert again == (2, "", f"attn: {output!r} is there already; --force replaces it\n")
    assert run_here(["check", "--init", *args, "-o", output, "--force"], cwd=tmp_path) == begun


def test_init_is_as_it_was(golden: Callable[[str, str], None], tmp_path: Path) -> None:
    """Comments say what else there is."""
    save_json(net, (32, 32, 3), tmp_path / "net.json")
    block = run_here(["check", "--init", "-b", "eca", "-s", "26,26,512", "-o", "-"])
    model = run_here(["check", "--init", "net.json", "-o", "-"], cwd=tmp_path)
    golden("cli/check-init.toml", f"{block.out}\n# and of a model:\n\n{model.out}")


VALUES = ("", "0", "-1", "1e400", "nan", "true", "'se'", "[]", "[[1]]", "{}", "{ block = 'se' }")
PIECES = (
    *"[]{}='\"#,.\n\\x",
    "[[check]]\n",
    '"""',
    "name = 'x'\n",
    "9" * 30,
    "\u202e",
    "\x00",
    "é",
)


@given(st.data())
def test_any_file_gets_an_answer(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Whatever is typed wrong: an exit code, and a line for what could not be checked."""
    folder = tmp_path_factory.getbasetemp()
    text = BUDGETS
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 20))
        piece = data.draw(st.sampled_from((*PIECES, *VALUES)))
        text = f"{text[:start]}{piece}{text[end:]}"
    lines = text.splitlines()
    key = data.draw(st.sampled_from(lines)) if lines else ""
    value = data.draw(st.sampled_from(VALUES))
    text = text.replace(key, f"{key.partition('=')[0]} = {value}") if "=" in key else text
    (folder / "fuzzed.toml").write_text(text, encoding="utf-8")
    format = data.draw(st.sampled_from(["table", "json"]))
    result = run_here(["check", "--config", str(folder / "fuzzed.toml"), "-f", format])
    assert result.code in (0, 1, 2)
    assert "Traceback" not in result.err
    told = result.err or (format == "table" and "could not be checked\n" in result.out)
    assert bool(told) == (result.code == 2)
    assert all(line.startswith("attn: ") for line in result.err.splitlines())


NO_CONFIG = (
    "there is no attn.toml, and no [tool.attn] in a pyproject.toml, here or in a folder above; "
    "attn check --init SPEC --shape H,W,C writes one"
)
# ruff: noqa: E501 # a line of the table is as long as the line that it expects
WRONG = [
    (("check",), NO_CONFIG),
    (("check", "--max-params", "5"), MISSING),
    (ECA, "it expects nothing; give it --max-params, --max-macs, --max-flops, --max-bytes or --expect"),
    ((*ECA, "--max-params", "ten"), "--max-params is an integer from 0 on, not 'ten'"),
    ((*ECA, "--max-params", "-1"), "--max-params is an integer from 0 on, not -1"),
    ((*ECA, "--max-params", ""), "--max-params is an integer from 0 on, not an empty text"),
    ((*ECA, "--max-params", "9" * 30), "--max-params is an integer from 0 on, not an integer of more than 64 bits"),
    ((*ECA, "--max-share", "0.1"), "--max-share is for a model"),
    ((*ECA, "--expect", "kernel_size"), "--expect takes KEY=VALUE, as in kernel_size=5, not 'kernel_size'"),
    ((*ECA, "--expect", "=5"), "--expect takes KEY=VALUE, as in kernel_size=5, not '=5'"),
    ((*ECA, "--expect", "width=1", "--expect", "width=2"), "--expect width is given twice"),
    ((*ECA, "--expect", "kernal_size=5"), "no figure is called 'kernal_size'; did you mean kernel_size? (params, trainable, non_trainable, bytes, macs, flops, kernel_size, width)"),
    ((*ECA, "--config", "attn.toml", "--max-params", "5"), "--config says what to check; a block or a model beside it is one more"),
    ((*ECA, "m.keras", "--max-params", "5"), "a check is of a block or of a model, and both are given"),
    (("check", "m.keras", "-s", "7,7,8", "--max-params", "5"), "--shape and --channels are for a block: a model has its own inputs"),
    (("check", "eca", "m.keras", "--max-params", "5"), "a check is of a block or of a model, and both are given"),
    (("check", "nowhere", "--max-params", "5"), "no block is called 'nowhere' (attn blocks lists them all)"),
    (("check", "ecaa", "-s", "7,7,8", "--max-params", "5"), "no block is called 'ecaa'; did you mean eca, or ceca? (attn blocks lists them all)"),
    (("check", "./eca", "--max-params", "5"), "./eca: there is no such file"),
    ((*ECA, "--expect", "width=none", "--min-blocks", "3"), "--min-blocks is for a model"),
    (("check", "-b", "eca", "--max-params", "5"), "no input is given: --shape H,W,C, or --channels C"),
    (("check", "-b", "ecaa", "-s", "7,7,8", "--max-params", "5"), "no block is called 'ecaa'; did you mean eca, or ceca? (attn blocks lists them all)"),
    (("check", "-b", "se", "-s", "7,7,8", "-b", "se:ratio=16", "--max-params", "5", "-q"), "se:ratio=16 on 7,7,8: ratio 16 squeezes 8 channels to a width of 0; the largest ratio here is 8"),
    (("check", "--config", "none.toml"), "cannot read 'none.toml': there is no such file"),
    (("check", "--config", "."), "cannot read '.': this is a folder, not a file"),
    (("check", "--config", "/dev/zero"), "cannot read '/dev/zero': this is a device, not a regular file"),
    (("check", "--config", "pyproject.toml"), "pyproject.toml has no [tool.attn]"),
    (("check", "--config", "broken.toml"), "broken.toml, line 2, column 8: invalid value"),
    (("check", "--config", "empty.toml"), "empty.toml has no [[check]]: there is nothing to check"),
    ((*ECA, "--init", "--max-params", "5"), "--init takes its bounds from today's figures, and writes TOML"),
    ((*ECA, "--init", "--json"), "--init takes its bounds from today's figures, and writes TOML"),
    ((*ECA, "--init", "-o", "pyproject.toml"), "--init writes a file of its own; copy from it into pyproject.toml"),
    (("check", "--init"), MISSING),
    ((*ECA, "--force", "--max-params", "5"), "--force is for --init: it replaces the file that --init writes"),
    (("check", "--init", "none.keras"), "none.keras: there is no such file"),
    ((*ECA, "--max-params", "5", "-f", "githup"), "no format is called 'githup'; did you mean github? (table, json, csv, markdown, plain, svg, png, pdf, html, github)"),
    (("places", "app:VGG16", "-f", "github"), "there is no github format here (table, json, csv, markdown, plain, svg, png, pdf, html)"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "line"), WRONG, ids=range(len(WRONG)))
def test_wrong_use(args: tuple[str, ...], line: str, tmp_path: Path) -> None:
    """One line, nothing on stdout, 2."""
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'attn'\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("a = 1\ncheck =\n", encoding="utf-8")
    (tmp_path / "empty.toml").touch()
    assert run_here(args, cwd=tmp_path) == (2, "", f"attn: {line}\n")
