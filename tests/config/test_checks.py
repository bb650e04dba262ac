"""What a configuration asks, and what each bad entry is told. The others are still read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from attn_cli.analysis.check import BOUNDS, RELATIVE, Check, Expectation, Relative, Within
from attn_cli.config.checks import KEYS, read_checks
from attn_cli.config.find import Source
from attn_cli.config.toml import Lines, lines_of, parse_toml
from attn_cli.config.trust import Home
from attn_cli.errors import BadFile
from attn_cli.spec import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "attn-toml.schema.json").read_text(encoding="utf-8")
)
GOOD = """
[[check]]
name = "good"
block = "eca"
shape = [26, 26, 512]
max_params = 10
"""
NAMED = '[[check]]\nname = "x"\n'
BLOCK = f'{NAMED}block = "se"\nshape = "7,7,64"\n'
MODEL = f'{NAMED}model = "m.keras"\n'
NETWORK = f'{NAMED}block = "se"\nin = "m.keras"\n'


def read(text: str, path: str = "attn.toml") -> list[Check]:
    content = parse_toml(text, path)
    return read_checks(Source(Home(path), content, *lines_of(text, "", "check")))


def nowhere(count: int) -> tuple[Lines, list[Lines]]:
    """Return the lines of a file and of so many checks in it, where nobody looks at them."""
    return Lines(1, {}), [Lines(1, {})] * count


def test_what_is_read() -> None:
    """A block on its inputs or a model, and what is expected under the names of the flags."""
    first, second, third = read(f"""{GOOD}
[[check]]
name = "all"
block = "se:use_bias=true,ratio=8"
shapes = ["6@14,14,1024", [7, 7, 2048], ["None", "None", 64], "8x8x8"]
max_macs = 1e6
max_params_of = {{ block = "cbam", factor = 0.5 }}
max_bytes_of = {{ block = "se" }}
expect = {{ width = 8, params.trainable = 5, kernel-size = "none" }}

[[check]]
name = "model"
model = "export/model.keras"
input = [448, "None", 3]
min_blocks = 16
max_share = 0.15
expect = {{ attention = {{ params = 3 }}, model.name = "net" }}
""")
    eca = Expectation("params", "<=", 10)
    place = Place((26, 26, 512))
    assert first == Check(
        "good", "block", "eca", 2, (place,), (eca,), spec="eca", of_line=first.of_line
    )
    assert (second.of, second.spec, second.line) == (
        "se:use_bias=true,ratio=8",
        "se:ratio=8",
        8,
    )
    assert [place.text for place in second.places] == [
        "6@14,14,1024",
        "7,7,2048",
        "None,None,64",
        "8,8,8",
    ]
    assert second.expected == (
        Expectation("macs", "<=", 1_000_000),
        Expectation("params", "<=", None, Relative("cbam", "cbam", 0.5)),
        Expectation("bytes", "<=", None, Relative("se", "se", 1)),
        Expectation("width", "==", 8),
        Expectation("trainable", "==", 5),
        Expectation("kernel_size", "==", None),
    )
    assert (third.kind, third.of, third.problem) == ("model", "export/model.keras", None)
    assert (third.asked, second.asked) == ((448, None, 3), None)
    assert third.expected[-1] == Expectation("model.name", "==", "net")


def test_paths_are_relative_to_the_file() -> None:
    """Wherever the command runs; an application has none."""
    text = f"{MODEL}min_blocks = 1\n{NETWORK.replace('x', 'y')}max_params = 1\n"
    text += NETWORK.replace("x", "z").replace("m.keras", "app:VGG16") + "max_params = 1"
    source = parse_toml(text, "x")
    model, network, application = read_checks(Source(Home("../a/attn.toml"), source, *nowhere(3)))
    assert model.of == "../a/m.keras"
    assert network.within == Within("../a/m.keras")
    assert application.within == Within("app:VGG16")


# ruff: noqa: E501 # a line of the table is as long as the line that it expects
BAD = {
    "[[check]]": "it has no name",
    "[[check]]\nname = ''": "name is a text, not an empty text",
    "[[check]]\nname = 3": "name is a text, not 3",
    GOOD.replace("good", "x") * 2: "its name is doubled: another check on line 2 has it too",
    f"{NAMED}": "it has neither block nor model; a check is of one of them",
    f"{BLOCK}model = 'm.keras'": "it has both block and model; a check is of one of them",
    f"{BLOCK}": "it expects nothing; give it max_params, max_macs, max_flops, max_bytes or expect",
    f"{MODEL}": "it expects nothing; give it max_params, max_macs, max_flops, max_bytes, min_blocks, max_share or expect",
    f"{BLOCK}max_parms = 3": "no key is called 'max_parms'; did you mean max_params, or max_params_of?",
    f"{BLOCK}zzz = 3": f"no key is called 'zzz' ({', '.join(KEYS)})",
    f"{BLOCK}max_params = '10'": "max_params is an integer from 0 on, not '10'",
    f"{BLOCK}max_params = 0.5": "max_params is an integer from 0 on, not 0.5",
    f"{BLOCK}max_params = true": "max_params is an integer from 0 on, not true",
    f"{BLOCK}max_params = -1": "max_params is an integer from 0 on, not -1",
    f"{BLOCK}max_params = 0x{'f' * 1000}": "max_params is an integer from 0 on, not an integer of more than 64 bits",
    f"{BLOCK}max_params = [5]": "max_params is an integer from 0 on, not a list",
    f"{BLOCK}max_params = 2026-01-01": "max_params is an integer from 0 on, not a date or a time",
    f"{BLOCK}max_share = 0.1": "max_share is for a model",
    f"{BLOCK}min_blocks = 1": "min_blocks is for a model",
    f"{MODEL}max_share = 15": "max_share is a share from 0 to 1, not 15",
    f"{MODEL}max_share = nan": "max_share is a share from 0 to 1, not nan",
    f"{MODEL}max_share = '15%'": "max_share is a share from 0 to 1, not '15%'",
    f"{MODEL}shape = '1,2,3'\nmin_blocks = 1": "shape is for a block: a model has its own inputs",
    f"{MODEL}max_params_of = {{ block = 'se' }}": "max_params_of compares with a block on the same shape: it is for a block",
    f"{NAMED}model = 3\nmin_blocks = 1": "model is a text, not 3",
    f"{NAMED}block = ['se']": "block is a text, not a list",
    f"{NAMED}block = 'ecaa'\nshape = '7,7,64'\nmax_macs = 1": "no block is called 'ecaa'; did you mean eca, or ceca? (attn blocks lists them all)",
    f"{NAMED}block = 'se:ratio=x'\nshape = '7,7,64'\nmax_macs = 1": "ratio is an integer, not 'x'",
    f"{NAMED}block = 'se'": "a block needs a shape, as in shape = [26, 26, 512]",
    f"{BLOCK}shapes = ['7,7,64']": "it has both shape and shapes; one of them says where the block stands",
    f"{NAMED}block = 'se'\nshape = 64": 'shape is [H, W, C] or "H,W,C", not 64',
    f"{NAMED}block = 'se'\nshape = [7, 7, 6.5]": 'shape is [H, W, C] or "H,W,C", not a list',
    f"{NAMED}block = 'se'\nshape = [7, 64]": "a shape is H,W,C, as in 26,26,512, not '7,64'",
    f"{NAMED}block = 'se'\nshape = [7, 7, 0]": "a size in '7,7,0' is 0; the least is 1",
    f"{NAMED}block = 'se'\nshapes = []": "shapes is a list of shapes, not an empty list",
    f"{NAMED}block = 'se'\nshapes = [7, 7, 64]": 'each of shapes is [H, W, C] or "H,W,C", not 7',
    f"{NETWORK}": "it expects nothing; give it max_params, max_macs, max_flops, max_bytes, max_added_params, max_added_macs, max_added_flops, max_added_bytes, max_added_share or expect",
    f"{NETWORK}shape = '7,7,64'\nmax_params = 1": "it has both in and shape; one of them says where the block stands",
    f"{NETWORK}at = 5\nmax_params = 1": "at is a text, not 5",
    f"{NETWORK}max_share = 0.1": "max_share is for a model",
    f"{NETWORK}max_added_share = 10": "max_added_share is a share from 0 to 1, not 10",
    f"{NETWORK}max_params_of = {{ block = 'se' }}": "max_params_of compares with a block on the same shape: it is for a block",
    f"{BLOCK}at = 'residual'\nmax_params = 1": 'at is about places in a network: it needs in, as in in = "app:ResNet50"',
    f"{BLOCK}input = '7,7,64'\nmax_params = 1": "input is that of a model or a network; a block has a shape",
    f"{MODEL}input = 7\nmax_params = 1": 'input is [H, W, C] or "H,W,C", not 7',
    f"{MODEL}input = [7, 64]\nmax_params = 1": "a shape is H,W,C, as in 26,26,512, not '7,64'",
    f"{NETWORK}input = '2@7,7,64'\nmax_params = 1": "input is one shape, not '2@7,7,64'",
    f"{BLOCK}max_added_params = 1": "max_added_params is for a block in a network",
    f"{MODEL}in = 'x'\nmax_params = 1": "in is for a block: a model has its own inputs",
    f"{BLOCK}max_params_of = 0.1": 'max_params_of is a table, as in { block = "se", factor = 0.1 }',
    f"{BLOCK}max_params_of = {{ factor = 0.1 }}": "max_params_of names no block to compare with",
    f"{BLOCK}max_params_of = {{ block = 'se', facter = 2 }}": "max_params_of: no key is called 'facter'; did you mean factor?",
    f"{BLOCK}max_params_of = {{ block = 'see' }}": "max_params_of: no block is called 'see'; did you mean se, or ese? (attn blocks lists them all)",
    f"{BLOCK}max_params_of = {{ block = 'se', factor = 0 }}": "the factor of max_params_of is a number above 0, not 0",
    f"{BLOCK}max_params_of = {{ block = 'se', factor = inf }}": "the factor of max_params_of is a number above 0, not inf",
    f"{BLOCK}max_params_of = {{ block = 'se', factor = '1' }}": "the factor of max_params_of is a number above 0, not '1'",
    f"{BLOCK}expect = 5": "expect is a table of figures, not 5",
    f"{BLOCK}expect = {{}}": "expect is a table of figures, not an empty table",
    f"{BLOCK}expect = {{ widht = 8 }}": "no figure is called 'widht'; did you mean width? (params, trainable, non_trainable, bytes, macs, flops, kernel_size, width)",
    f"{BLOCK}expect = {{ width = [8] }}": "expect: width is a number, true, false or a text, not a list",
    f"{BLOCK}expect = {{ width = nan }}": "expect: width is a number, true, false or a text, not nan",
}


@pytest.mark.parametrize(("text", "problem"), BAD.items(), ids=range(len(BAD)))
def test_a_bad_entry_is_named_and_the_others_are_read(text: str, problem: str) -> None:
    """One line for each; what stands beside it is checked all the same."""
    *before, bad, good = read(f"{text}\n{GOOD}")
    assert bad.problem == problem
    assert good.problem is None
    assert [check.problem for check in before] == [None] * len(before)


@pytest.mark.parametrize("depth", [21, 99])
def test_figures_do_not_stand_so_deep(depth: int) -> None:
    """However deep a table is nested, it is answered in a line."""
    (check,) = read(f"{BLOCK}expect.{'.'.join('a' * depth)} = 5")
    assert check.problem == "expect is nested more than 20 deep, as no figure is"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("max_parms = 3", 4),
        ("shape = [1, 2, 8]\nmax_params = '3'", 5),
        ("shape = '1,2'\nmax_params = 3", 4),
        ("shape = [1, 2, 8]", 1),
        ("max_params = 3", 1),
        ("shape = [1, 2, 8]\n[check.expect]\nkernal = 3", 5),
        ("shape = [1, 2, 8]\n\nmax_params_of = { block = 'sse' }", 6),
        ("in = 'x.keras'\nat = 3", 5),
    ],
)
def test_an_error_has_the_line_of_its_key(keys: str, line: int) -> None:
    """That of the check where no key of it is wrong."""
    text = f"[[check]]\nname = 'x'\nblock = 'eca'\n{keys}"
    assert [check.line for check in read(text)] == [line]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[checks]]\nname = 'x'\n", "no key is called 'checks'; did you mean check?"),
        ("title = 'x'\n", "no key is called 'title' (check)"),
    ],
)
def test_what_is_no_check_is_named(text: str, problem: str) -> None:
    """A key beside the checks would be passed over in silence otherwise."""
    whole, good = read(f"{text}{GOOD}")
    assert (whole.name, whole.problem, good.problem) == ("attn.toml", problem, None)
    assert whole.line == 1


@pytest.mark.parametrize("text", ["[check]\nname = 'x'", "check = 3"])
def test_check_is_an_array_of_tables(text: str) -> None:
    """One bracket is a common slip."""
    assert [check.problem for check in read(text)] == ["a check is written [[check]]"]
    assert [check.line for check in read(text)] == [1]


@pytest.mark.parametrize("text", ["", "# nothing\n", "check = []"])
def test_nothing_to_check_is_an_error(text: str) -> None:
    """A check that checks nothing must not pass."""
    with pytest.raises(BadFile, match=r"^attn\.toml has no \[\[check\]\]: there is nothing to"):
        read(text)


def test_lines_are_unknown_where_checks_are_one_array() -> None:
    """Rather no line than a wrong one."""
    (check,) = read('check = [{ name = "x", block = "se", shape = "7,7,64", max_macs = 9 }]')
    assert (check.problem, check.line) == (None, None)


def test_names_are_shown_harmlessly() -> None:
    """A name can hold what moves a terminal's cursor."""
    (check,) = read(r'check = [{ name = "a\u001b[2J\nb", block = "\u202e" }]')
    assert (check.name, check.of) == (r"a\x1b[2J\nb", r"\u202e")


def properties(schema: Any) -> Iterator[tuple[str, set[str]]]:
    check = schema["$defs"]["check"]
    yield "check", set(check["properties"])
    yield "relative", set(schema["$defs"]["relative"]["properties"])


def test_the_schema_has_the_readers_keys() -> None:
    """An editor offers what the reader takes, and nothing else."""
    assert dict(properties(SCHEMA)) == {"check": set(KEYS), "relative": {"block", "factor"}}
    Draft202012Validator.check_schema(SCHEMA)


NOT_IN_A_SCHEMA = (  # names, specs and figures are beyond it
    "doubled", "no block is called", "ratio is an integer", "no figure",
    "64 bits", "not nan", "not inf",
)  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), BAD.items(), ids=range(len(BAD)))
def test_the_schema_refuses_what_the_reader_refuses(text: str, problem: str) -> None:
    """So that an editor underlines it while it is typed."""
    content = json.loads(json.dumps(parse_toml(text, "x"), default=str))
    errors = list(Draft202012Validator(SCHEMA).iter_errors(content))
    assert bool(errors) != any(words in problem for words in NOT_IN_A_SCHEMA), problem


def test_the_schema_takes_what_the_reader_takes() -> None:
    """All keys at once."""
    block = {"name": "a", "block": "se", "shapes": ["2@7,7,64", [7, 7, 64], ["None", "None", 64]]}
    costs = {name: 5 for name in BOUNDS if not name.endswith(("_blocks", "_share"))}
    costs = {name: value for name, value in costs.items() if "added" not in name}
    block |= costs | {name: {"block": "se", "factor": 0.5} for name in RELATIVE}
    costs_in = costs | {name: 5 for name in BOUNDS if name.startswith("max_added")}
    network = {"name": "c", "block": "none", "in": "app:ResNet50", "at": "se", **costs_in}
    network |= {"max_added_share": 0.1, "skip": ["conv4*", "x"], "expect": {"places": 16}}
    model = {"name": "b", "model": "m.keras", **costs, "min_blocks": 1, "max_share": 0.5}
    model["expect"] = {"attention": {"count": 3}, "model.name": "x"}
    content = {"check": [block, model, network]}
    assert list(Draft202012Validator(SCHEMA).iter_errors(content)) == []
    assert [check.problem for check in read_checks(Source(Home("x"), content, *nowhere(0)))] == [
        None
    ] * 3
