"""Wrong use gets one clear line on stderr, nothing on stdout, and exit code 2, whatever it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from process import COMMAND, ROOT, attn, environment, run_here

from attn_cli.blocks import BLOCKS
from attn_cli.views import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

HUGE = "1" + "0" * 30
SE = ("params", "-b", "se", "-s")
FORMATS_LISTED = "(table, json, csv, markdown, plain, svg, png, pdf, dot, mermaid)"
NOT_A_SIZE = "is not a size: a positive integer, or None where dynamic"
NEEDS_IN = "none takes attention out of a network, and needs --in MODEL"
SHELLS = "(bash, zsh, fish, powershell, pwsh)"
NOT_A_SHAPE = "a shape is H,W,C, as in 26,26,512, not"

# What is typed, and the line that answers it.
# ruff: noqa: E501 # a line of the table is as long as the line that it expects
BAD = [
    # commands and options
    (["sumary"], "no command is called 'sumary'; did you mean summary? (attn -h lists them)"),
    ([""], "no command is called '' (attn -h lists them)"),
    (["--"], "missing command (attn -h shows how)"),
    (["--foo"], "no option is called '--foo' (attn -h lists them)"),
    (["--versoin"], "no option is called '--versoin'; did you mean --version? (attn -h lists them)"),
    (["params"], "no block is given: SPEC, as in se or se:ratio=8 (attn blocks lists them)"),
    (["hepl"], "no command is called 'hepl'; did you mean help? (attn -h lists them)"),
    (["help", "sumary"], "no command is called 'sumary'; did you mean summary? (attn -h lists them)"),
    (["--install-completion", "tcsh"], f"there is no completion for the shell 'tcsh' {SHELLS}"),
    (["--show-completion", "fsh"], f"there is no completion for the shell 'fsh'; did you mean fish, or zsh? {SHELLS}"),
    (["--show-completion", "bash", "zsh"], "--show-completion takes one shell, and 'zsh' is one more"),
    (["compare", "-s", "1,2,8"], "missing SPEC (attn compare -h shows how)"),
    (["kernel-size"], "missing CHANNELS (attn kernel-size -h shows how)"),
    (["params", "--block"], "option '--block' requires an argument (attn params -h shows how)"),
    (["summary", "--json=yes"], "option '--json' does not take a value (attn summary -h shows how)"),
    (
        ["params", "--blok", "se"],
        "no option is called '--blok'; did you mean --block? (attn params -h lists them)",
    ),
    # the dashes are no likeness
    (["summary", "se", "-s", "8,8,64", "--depth", "1"], "no option is called '--depth' (attn summary -h lists them)"),
    (["params", "-z"], "no option is called '-z' (attn params -h lists them)"),
    (["kernel-size", "-1"], "no option is called '-1' (attn kernel-size -h lists them)"),
    (
        [*SE, "1,2,8", "eca"],
        "the block is given twice: 'eca', and --block se",
    ),
    (
        ["params", "eca", "se", "-s", "1,2,8"],
        "attn params takes SPEC, and 'se' is one more; attn compare takes several blocks",
    ),
    (["diff", "a", "b", "c"], "attn diff takes BEFORE AFTER, and 'c' is one more"),
    (["compare", "se,eca", "-s", "1,2,8"], "no block is called 'se,eca'; blocks are separated by spaces: se eca"),
    (
        ["compare", "se", "eca", "7,7,64"],
        "'7,7,64' is no block; a shape is given as --shape 7,7,64",
    ),
    (
        ["summary", "se", "56x56x24"],
        "attn summary takes SPEC, and '56x56x24' is one more; a shape is given as --shape 56x56x24",
    ),
    (
        ["params", "se", "-s", "7", "7", "64"],
        "attn params takes SPEC, and '7' is one more; a shape is one word: --shape H,W,C",
    ),
    (
        ["params", "se", "ratio=8", "-s", "1,2,8"],
        "attn params takes SPEC, and 'ratio=8' is one more; "
        "an option follows its block: se:ratio=8",
    ),
    (
        ["compare", "old.keras", "new.h5"],
        "'old.keras' is no block; that names a model: attn inspect, attn diff and --in take models",
    ),
    (
        ["summary", "app:VGG16"],
        "no block is called 'app:VGG16'; "
        "that names a model: attn inspect, attn diff and --in take models",
    ),
    (
        ["inspect", "se"],
        "se: there is no such file; it is the name of a block, and this takes a model",
    ),
    (
        ["compare", "se", "--in", "resnet50"],
        "resnet50: there is no such file; did you mean app:ResNet50?",
    ),
    (["kernel-size", "64,128"], "'64,128' is no number of channels, as 512 is"),
    (["kernel-size", "eca"], "'eca' is no number of channels, as 512 is"),
    (["kernel-size", "64.0"], "'64.0' is no number of channels, as 512 is"),
    (["kernel-size", "None"], "the number of channels must be known"),
    (["compare", "none", "eca", "-s", "8,8,64"], f"no block is called 'none'; {NEEDS_IN}"),
    (["verify", "none", "-s", "8,8,64"], f"no block is called 'none'; {NEEDS_IN}"),
    (["bench", "none", "-s", "8,8,64"], f"no block is called 'none'; {NEEDS_IN}"),
    (["check", "none", "-s", "8,8,64", "--max-params", "1"], f"no block is called 'none'; {NEEDS_IN}"),
    (["check", "--in", "app:MobileNetV2"], "--in is for a block that is put in a network: SPEC is missing"),
    (["check", "--init", "--in", "app:MobileNetV2"], "--in is for a block that is put in a network: SPEC is missing"),
    (["params", "se:ratio={4,8}", "-s", "1,2,8"], "'se:ratio={4,8}' is 2 blocks, and here is room for one"),
    ([*SE, "1,2,8", "-b", "se"], "--block SPEC is given twice; attn params takes one"),
    ([*SE, "1,2,8", "-s", "1,2,9"], "--shape H,W,C is given twice; attn params takes one"),
    (
        [*SE, "1,2,8", "--ratio", "2", "--ratio", "4"],
        "--ratio N is given twice; attn params takes one",
    ),
    (["bench", "se", "-s", "1,2,8", "--runs", "x"], "--runs N: 'x' is not a valid int"),
    # blocks
    (
        ["params", "-b", "ecaa", "-s", "1,2,8"],
        "no block is called 'ecaa'; did you mean eca, or ceca? (attn blocks lists them all)",
    ),
    (
        ["params", "-b", "SE", "-s", "1,2,8"],
        "no block is called 'SE'; did you mean se, or ese? (attn blocks lists them all)",
    ),
    (["params", "-b", "", "-s", "1,2,8"], "no block is called '' (attn blocks lists them all)"),
    (["params", "-b", ":", "-s", "1,2,8"], "no block is called '' (attn blocks lists them all)"),
    (["blocks", "nothing"], "no block is called 'nothing' (attn blocks lists them all)"),
    (["blocks", "-s", ""], "a shape is H,W,C, as in 26,26,512, not ''"),
    # options of blocks
    (["params", "-b", "se:", "-s", "1,2,8"], "'' in 'se:' is not key=value, as in se:ratio=4"),
    (
        ["params", "-b", "se:ratio", "-s", "1,2,8"],
        "'ratio' in 'se:ratio' is not key=value, as in se:ratio=4",
    ),
    (
        ["params", "-b", "se:ratio=4,", "-s", "1,2,8"],
        "'' in 'se:ratio=4,' is not key=value, as in se:ratio=4",
    ),
    (
        ["params", "-b", "se:ratio=4,ratio=4", "-s", "1,2,8"],
        "ratio is given twice in 'se:ratio=4,ratio=4'",
    ),
    (
        ["params", "-b", "eca:ratio=4", "-s", "1,2,8"],
        "eca has no option 'ratio'; it has b, gamma, kernel_size, min_kernel_size",
    ),
    (
        ["params", "-b", "eca", "--ratio", "4", "-s", "1,2,8"],
        "eca has no option 'ratio'; it has b, gamma, kernel_size, min_kernel_size",
    ),
    (
        ["params", "-b", "ese:gates=relu", "-s", "1,2,8"],
        "ese has no option 'gates'; it has gate, use_bias; did you mean gate?",
    ),
    (
        ["params", "-b", "se:ratio=4", "--ratio", "8", "-s", "1,2,8"],
        "ratio is 4 in 'se:ratio=4', and its flag says 8",
    ),
    (["params", "-b", "se:ratio=", "-s", "1,2,8"], "ratio is an integer, not ''"),
    (["params", "-b", "se:ratio=4.0", "-s", "1,2,8"], "ratio is an integer, not '4.0'"),
    (["params", "-b", "se:ratio=4_0", "-s", "1,2,8"], "ratio is an integer, not '4_0'"),
    (["params", "-b", "se:ratio=٤", "-s", "1,2,8"], "ratio is an integer, not '٤'"),
    (
        ["params", "-b", f"se:ratio={'9' * 5000}", "-s", "1,2,8"],
        "ratio is an integer, not '999999999999… (5000 characters)'",
    ),
    (["params", "-b", "se:use_bias=1", "-s", "1,2,8"], "use_bias is true or false, not '1'"),
    (["params", "-b", "se:width=x", "-s", "1,2,8"], "width is an integer or none, not 'x'"),
    (
        ["params", "-b", "se:activation=rleu", "-s", "1,2,8"],
        "Keras knows no activation 'rleu'; did you mean relu, or relu6?",
    ),
    ([*SE, "1,2,8", "--ratio", "0"], "ratio is at least 1, not 0"),
    ([*SE, "1,2,8", "--ratio", "-1"], "ratio is at least 1, not -1"),
    (
        [*SE, "7,7,8", "--ratio", "16"],
        "ratio 16 squeezes 8 channels to a width of 0; the largest ratio here is 8",
    ),
    (
        [*SE, "7,7,8", "--ratio", HUGE],
        f"ratio {HUGE} squeezes 8 channels to a width of 0; the largest ratio here is 8",
    ),
    (
        ["params", "-b", "se:ratio=8,width=2", "-s", "1,2,8"],
        "give ratio or width, not both: ratio=8 and width=2",
    ),
    (["params", "-b", "eca:b=inf", "-s", "1,2,8"], "b is a finite number, not 'inf'"),
    (["kernel-size", "64", "--b", "nan"], "b is a finite number, not 'nan'"),
    (["kernel-size", "64", "--b", "1e999"], "b is a finite number, not '1e999'"),
    (
        ["kernel-size", "64", "--gamma", "0"],
        "gamma divides in the rule for the kernel size: it cannot be 0",
    ),
    (
        ["params", "-b", "eca", "--gamma", "0", "-s", "1,2,8"],
        "gamma divides in the rule for the kernel size: it cannot be 0",
    ),
    (
        ["params", "-b", "eca:gamma=1e-300", "-s", "1,2,8"],
        "b=1 and gamma=1e-300 make a kernel of 4e+300; it must be below 2^31",
    ),
    (
        ["params", "-b", "eca:kernel_size=4", "-s", "1,2,8"],
        "kernel_size is odd, so that it has a middle, not 4",
    ),
    (
        ["params", "-b", "cbam:kernel_size=0", "-s", "1,2,64"],
        "kernel_size is at least 1, not 0",
    ),
    # shapes
    (["params", "-b", "se"], "no input is given: --shape H,W,C, or --channels C"),
    (["compare", "se"], "no input is given: --shape H,W,C, or --channels C"),
    ([*SE, ""], f"{NOT_A_SHAPE} ''"),
    ([*SE, "26"], f"{NOT_A_SHAPE} '26'"),
    ([*SE, "26,512"], f"{NOT_A_SHAPE} '26,512'"),
    ([*SE, "1,26,26,512"], "a shape is H,W,C without a batch, as in 26,26,512, not '1,26,26,512'"),
    ([*SE, "26,", "26"], f"{NOT_A_SHAPE} '26,26'"),
    ([*SE, "26,,512"], f"{NOT_A_SHAPE} '26,,512'"),
    ([*SE, "26 26 512"], f"{NOT_A_SHAPE} '26 26 512'"),
    ([*SE, "0,26,512"], "a size in '0,26,512' is 0; the least is 1"),
    ([*SE, "26,26,0"], "a size in '26,26,0' is 0; the least is 1"),
    ([*SE, "-1,26,512"], f"'-1' in '-1,26,512' {NOT_A_SIZE}"),
    ([*SE, "26,2.5,512"], f"'2.5' in '26,2.5,512' {NOT_A_SIZE}"),
    ([*SE, "26,26,1e3"], f"'1e3' in '26,26,1e3' {NOT_A_SIZE}"),
    ([*SE, f"26,26,{HUGE}"], f"'{HUGE}' in '26,26,{HUGE}' is too large; the largest size is 2147483647"),
    (
        [*SE, "26,26,2147483648"],
        "'2147483648' in '26,26,2147483648' is too large; the largest size is 2147483647",
    ),
    ([*SE, "26,26,None"], "the channels of '26,26,None' must be known; only H and W can be None"),
    ([*SE, "26,26,512", "-c", "64"], "'26,26,512' has 512 channels, and --channels says 64"),
    (["params", "-b", "se", "-c", "none"], "the number of channels must be known"),
    (["params", "-b", "se", "-c", ""], "'' is no number of channels, as 512 is"),
    (["kernel-size", "64", "0"], "a size is 0; the least is 1"),
    (["kernel-size", HUGE], f"'{HUGE}' is too large; the largest size is 2147483647"),
    (
        ["compare", "se", "-s", "0@1,2,8"],
        "the count before @ in '0@1,2,8' is a positive integer, as in 6@14,14,1024",
    ),
    (
        ["compare", "se", "-s", "x@1,2,8"],
        "the count before @ in 'x@1,2,8' is a positive integer, as in 6@14,14,1024",
    ),
    (
        ["params", "-b", "coord", "-c", "64"],
        "this block takes rows and columns apart, so it needs a fixed H and W: "
        "(B, H, W, C) is (None, None, None, 64)",
    ),
    # comparisons
    (
        ["compare", "se", "se:ratio=99", "-s", "1,2,8"],
        "se:ratio=99 on 1,2,8: ratio 99 squeezes 8 channels to a width of 0; "
        "the largest ratio here is 8",
    ),
    (
        ["compare", "se", "-s", "1,2,8", "--sort", "param"],
        "no sort key is called 'param'; did you mean params? "
        "(spec, params, trainable, bytes, macs, flops, width, kernel_size)",
    ),
    (
        ["compare", "se", "-s", "1,2,8", "--baseline", "foo"],
        "no block is called 'foo' (attn blocks lists them all)",
    ),
    (["compare", "-", "-s", "1,2,8"], "no block is given: stdin has no line with one"),
    # figures, columns, formats
    (
        ["summary", "-b", "se", "-s", "1,2,8", "--get", "param"],
        "no figure is called 'param'; did you mean params? "
        "(params, trainable, non_trainable, bytes, macs, flops, kernel_size, width)",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "--get", "kernel_size"],
        "kernel_size of se means nothing: it has none",
    ),
    (
        ["summary", "-b", "eca", "-s", "1,2,8", "--get", "width"],
        "width of eca means nothing: it has none",
    ),
    (
        ["summary", "-b", "se", "-c", "8", "--get", "flops"],
        "flops of se is unknown: H or W is dynamic",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "--get", "params", "--json"],
        "--get prints one bare figure: it takes no format, columns or file",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "--columns", "params,nam"],
        "no column is called 'nam'; did you mean name? (row, name, type, output_shape, params, "
        "trainable, non_trainable, macs, flops, from, inputs)",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "--columns", "params,params"],
        "column params is named twice in 'params,params'",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "--format", "cvs"],
        f"no format is called 'cvs'; did you mean csv? {FORMATS_LISTED}",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "--format", ""],
        f"no format is called '' {FORMATS_LISTED}",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "--json", "--format", "csv"],
        "--json and --format csv name two formats",
    ),
    # files
    (
        ["summary", "-b", "se", "-s", "1,2,8", "-o", "figures.yaml"],
        "the suffix of 'figures.yaml' names no format here: it is one of .json, .csv, .md, .txt, .tsv, .svg, .png, .pdf, .dot, .mmd, or give --format",
    ),
    (
        ["params", "-b", "se", "-s", "1,2,8", "-o", "figures.svg"],
        "no option is called '-o' (attn params -h lists them)",
    ),
    (
        ["places", "app:VGG16", "-o", "figures.dot"],
        "the suffix of 'figures.dot' names no format here: it is one of .json, .csv, .md, .txt, .tsv, .svg, .png, .pdf, .html, or give --format",
    ),
    (
        ["blocks", "-o", "figures.svg"],
        "svg is a picture of one block: name it, as in attn blocks se",
    ),
    (
        ["places", "app:VGG16", "-f", "dot"],
        "there is no dot format here (table, json, csv, markdown, plain, svg, png, pdf, html)",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "-o", "missing/figures.json"],
        "cannot write 'missing/figures.json': No such file or directory",
    ),
    (["summary", "-b", "se", "-s", "1,2,8", "-o", "/"], "cannot write '/': this names a folder, not a file"),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "-o", "/dev/full"],
        "cannot write '/dev/full': No space left on device",
    ),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "-o", ""],
        "the name of the output file is empty",
    ),
    # what a terminal would obey, and what is no text at all
    (["\x1b[31msummary"], "no command is called '\\x1b[31msummary'; did you mean summary? (attn -h lists them)"),
    (["summary", "--\x1b[31m"], "no option is called '--\\x1b[31m' (attn summary -h lists them)"),
    (["params", "-b", "a\nb", "-s", "1,2,8"], "no block is called 'a\\nb' (attn blocks lists them all)"),
    (["params", "-b", "\udcff", "-s", "1,2,8"], "no block is called '\\udcff' (attn blocks lists them all)"),
    ([*SE, "1,2,\udcff"], f"'\\udcff' in '1,2,\\udcff' {NOT_A_SIZE}"),
    ([*SE, "1,2,8\r\n9"], f"'8\\r\\n9' in '1,2,8\\r\\n9' {NOT_A_SIZE}"),
    (
        ["summary", "-b", "se", "-s", "1,2,8", "-o", "\x1b\udcff/x.json"],
        "cannot write '\\x1b\\udcff/x.json': No such file or directory",
    ),
]  # fmt: skip


def ids(rows: list[tuple[list[str], str]]) -> list[str]:
    """Return what pytest calls the rows of the table."""
    return [ascii(" ".join(args))[:60] for args, _ in rows]


@pytest.mark.parametrize(("args", "line"), BAD, ids=ids(BAD))
def test_wrong_use_gets_its_line(
    args: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says what is wrong, what was expected and what to type instead."""
    monkeypatch.chdir(tmp_path)
    assert run_here(args) == (2, "", f"attn: {line}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("args", "line"), BAD[::5], ids=ids(BAD[::5]))
def test_wrong_use_ends_a_process(args: list[str], line: str, tmp_path: Path) -> None:
    """The same as a process, with an exit code."""
    assert attn(*args, cwd=tmp_path) == (2, "", f"attn: {line}\n")


STDIN = [
    (b"se\n\neca:gamma=0,b=x\n", "stdin, line 3: b is a finite number, not 'x'"),
    (b"# a comment\nfoo\n", "stdin, line 2: no block is called 'foo' (attn blocks lists them all)"),
    (
        b"se\n\xff\xfe\n",
        "stdin, line 2: no block is called '\\udcff\\udcfe' (attn blocks lists them all)",
    ),
    (b"\n\n", "no block is given: stdin has no line with one"),
    (b"\x00\n", "stdin, line 1: no block is called '\\x00' (attn blocks lists them all)"),
]


@pytest.mark.parametrize(("stdin", "line"), STDIN)
def test_a_bad_line_of_stdin_is_named(stdin: bytes, line: str) -> None:
    """Among thousands of specs the number says which one is wrong."""
    assert attn("compare", "-", "-s", "1,2,8", stdin=stdin) == (2, "", f"attn: {line}\n")


NOTE = "attn: note: {} is read as H,W,C; channels come last, so C,H,W is written {}\n"


@pytest.mark.parametrize(
    ("first", "last"),
    [("512,26,26", "26,26,512"), ("3,224,224", "224,224,3"), ("24,56,56", "56,56,24")],
)
@pytest.mark.parametrize(
    "line",
    ["params eca", "summary eca", "compare eca", "check eca --max-params 9", "blocks eca"],
)
def test_a_shape_that_looks_channels_first_gets_a_hint(line: str, first: str, last: str) -> None:
    """It may be meant, so it is answered; the hint is on stderr, the figures alone on stdout."""
    result = run_here([*line.split(), "-s", first])
    assert (result.code, result.err) == (0, NOTE.format(first, last))
    assert run_here([*line.split(), "-s", last]).err == ""


def test_a_shape_in_a_file_gets_the_hint_too(tmp_path: Path) -> None:
    """With the place where it stands; not where nothing is to be said."""
    check = '[[check]]\nname = "a"\nblock = "eca"\nshape = [24, 56, 56]\nmax_params = 9\n'
    (tmp_path / "attn.toml").write_text(check, encoding="utf-8")
    hint = NOTE.format("attn.toml, line 1: 24,56,56", "56,56,24")
    assert run_here(["check"], cwd=tmp_path).err == hint
    assert run_here(["check", "--quiet"], cwd=tmp_path) == (0, "", "")


def test_what_a_shell_split_at_blanks_is_whole() -> None:
    """A list that was pasted as Python prints it, without its brackets."""
    whole = run_here(["summary", "eca", "-s", "26,26,512", "--columns", "name,params"])
    assert whole.code == 0
    split = "summary eca -s 26, 26, 512 --columns name, params"
    assert run_here(split.split()) == whole


@pytest.mark.parametrize("line", ["compare {se:ratio={4,8},eca}", "compare -"])
def test_braces_are_expanded_where_no_shell_does(line: str) -> None:
    """In sh, make and cmd, and on the lines of stdin."""
    stdin = b"{se:ratio={4,8},eca} # three\n"
    several = run_here([*line.split(), "-s", "7,7,64", "--json"], stdin)
    assert several.code == 0
    apart = ["compare", "se:ratio=4", "se:ratio=8", "eca", "-s", "7,7,64", "--json"]
    assert several == run_here(apart)


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A sentence, and not the number of an error."""
    (tmp_path / "gone").mkdir()
    done = shell('cd gone && rmdir ../gone && "$ATTN" -m attn_cli check', tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "attn: the folder that this runs in is gone: cd to one that is there\n"


SUMMARY = ("summary", "-b", "se", "-s", "1,2,8")
STREAMS = [
    (f"{' '.join(SUMMARY)} >&-", 2, "cannot write to standard output: it is closed"),
    ("--help >&-", 2, "cannot write to standard output: it is closed"),
    (f"{' '.join(SUMMARY)} >/dev/full", 2, "cannot write to standard output: No space left on device"),
    ("--help >/dev/full", 2, "cannot write to standard output: No space left on device"),
    ("summary --help >/dev/full", 2, "cannot write to standard output: No space left on device"),
    ("compare - -s 1,2,8 <&-", 2, "cannot read specs from standard input: it is closed"),
    (f"{' '.join(SUMMARY)} -o out.json >&-", 0, None),
    (f"{' '.join(SUMMARY)} 2>&- >/dev/null", 0, None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "message"), STREAMS)
def test_streams_that_are_closed_or_full(
    line: str, code: int, message: str | None, tmp_path: Path
) -> None:
    """A shell can hand over streams that take nothing; that is said where it can be."""
    done = shell(f'"$ATTN" -m attn_cli {line}', tmp_path)
    assert done.stderr == ("" if message is None else f"attn: {message}\n")
    assert (done.returncode, done.stdout) == (code, "")


def test_without_stderr_the_exit_code_still_says_it(tmp_path: Path) -> None:
    """Nothing can be said; nothing else may go wrong for that."""
    assert shell('"$ATTN" -m attn_cli params -b foo -s 1,2,8 2>&-', tmp_path).returncode == 2


@pytest.mark.parametrize("args", ["--help", "blocks", "compare - -s 1,2,8 -f csv"])
def test_a_reader_that_leaves_early_is_no_error(args: str, tmp_path: Path) -> None:
    """`| head -1` has what it wants."""
    specs = "\n".join(f"se:width={width}" for width in range(1, 2000))
    done = shell(
        f'"$ATTN" -m attn_cli {args} | head -c 1; echo " ${{PIPESTATUS[0]}}"', tmp_path, specs
    )
    assert done.stderr == ""
    assert done.stdout[1:] == " 0\n"


# Imported one after the other, from the first line on that is ours.
@pytest.mark.parametrize(
    "module",
    ["attn_cli.cli", "typer._click.core", "typer", "attn_cli.spec", "attn_cli.views.compare"],
)
def test_an_interrupt_exits_with_130(module: str) -> None:
    """Ctrl-C while it is being imported, or waits for stdin, without a word."""
    with subprocess.Popen(
        [*COMMAND, "compare", "-", "-s", "1,2,8"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment({"PYTHONPROFILEIMPORTTIME": "1"}),
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rpartition(b"|")[2].strip() == module.encode():
                break
        else:
            pytest.fail(f"{module} was never imported")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err


FAILING = """
from attn_cli import __main__
from attn_cli.cli import app

def main():
    raise {}

app.main = main
__main__.main()
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("MemoryError", "there is not enough memory"),
        ("ImportError('libx.so: failed to map segment')", "cannot start: libx.so: failed to map segment"),
        ("ModuleNotFoundError(\"No module named 'rich'\")", "cannot start: No module named 'rich'"),
    ],
)  # fmt: skip
def test_what_keeps_the_program_from_running_is_no_failed_check(error: str, said: str) -> None:
    """One line, and 2: 1 would say that a check has failed."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING.format(error)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"attn: {said}\n")


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, C_LOCALE])
def test_ascii_only_streams_get_ascii(env: dict[str, str]) -> None:
    """Every sign of ours has a stand-in, and what has none is escaped."""
    for args in (("blocks",), ("blocks", "se"), SUMMARY, ("compare", "se", "eca", "-s", "1,2,8")):
        result = attn(*args, env=env)
        assert (result.code, result.err) == (0, "")
        assert result.out.isascii()
        assert "\\u" not in result.out, args
    result = attn("params", "-b", "é", "-s", "1,2,8", env=env)
    assert (result.code, result.out) == (2, "")
    assert result.err.isascii()


def test_an_output_file_is_never_half_written(tmp_path: Path) -> None:
    """A failure leaves the old file as it was, and nothing beside it."""
    target = tmp_path / "figures.json"
    target.write_text("old")
    assert attn(*SUMMARY, "--ratio", "9", "-o", str(target)).code == 2
    limited = f'ulimit -f 0; "$ATTN" -m attn_cli {" ".join(SUMMARY)} -o figures.json'
    done = shell(limited, tmp_path)  # no file may grow: the disk is as good as full
    assert done.returncode != 0
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["figures.json"]


def shell(line: str, folder: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which $ATTN is this Python."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment({"ATTN": sys.executable, "PYTHONPATH": str(ROOT)}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


WORDS = st.sampled_from(
    [
        *("", "-", "--", "-h", "--help", "--version", "-b", "-s", "-c", "-f", "-o", "--json"),
        *("--block", "--shape", "--channels", "--ratio", "--b", "--gamma", "--get", "--columns"),
        *("--format", "--baseline", "--sort", "--nonsense", "--json=1", "-1", "--sort=-params"),
        *("26,26,512", "6@14,14,64", "None,None,64", "512,26,26", "7,7,8", "0,1,2", "1,2", "64"),
        *("se:ratio=8", "eca:gamma=0", "se:", ":", "=", "se:ratio=4,ratio=4", "eca:b=1e308"),
        *("params", "flops", "width", "macs", "row,name", ",", "inf", "nan", "true", "none"),
        *("\x00", "\n", "\x1b[2J", "\udcff", "é", "/dev/full", "/dev/null", "/no/x.json", "@", "#"),
        *BLOCKS,
        *FORMATS,
    ]
)
# Nothing here may name a file that could be written, and nothing may ask for TensorFlow.
QUICK = ["summary", "params", "kernel-size", "compare", "blocks"]
ARGUMENTS = st.one_of(
    st.lists(WORDS, max_size=8),
    st.tuples(st.sampled_from(QUICK), st.lists(WORDS, max_size=8)).map(lambda t: [t[0], *t[1]]),
    st.tuples(
        st.sampled_from([["params"], ["summary"], ["summary", "--json"]]),
        st.sampled_from(sorted(BLOCKS)),
        st.lists(WORDS, max_size=5),
    ).map(lambda t: [*t[0], "-b", t[1], "-s", "8,8,64", *t[2]]),
    st.lists(st.text(max_size=8).filter(lambda text: not text.startswith("-o")), max_size=4),
)


def written_to_file(args: list[str]) -> bool:
    """Tell whether a run could leave a file behind: only /dev and folders that are not there may."""
    safe = ("", "-", "/dev/full", "/dev/null", "/no/x.json", "\x00")
    follows = [after for word, after in pairwise(args) if word == "-o"]
    return any(after not in safe for after in follows)


@pytest.mark.slow
@settings(max_examples=400)
@given(args=ARGUMENTS, stdin=st.sampled_from([b"", b"se\neca\n", b"\xff\n", b"se:ratio=0\n"]))
@example(args=["summary", "-b", "se", "-s", "8,8,8", "-o", "a\x00.json"], stdin=b"")
def test_no_arguments_end_in_a_traceback(args: list[str], stdin: bytes) -> None:
    """Random arguments: an exit code of ours, and one line where they are wrong."""
    if written_to_file(args):
        return
    code, out, err = run_here(args, stdin)
    lines = [line for line in err.splitlines() if not line.startswith("attn: note: ")]
    assert code in (0, 2)
    assert [line.startswith("attn: ") for line in lines] == [True] * (code == 2)
    assert err.count("\n") == len(err.splitlines())
    if code == 2:
        assert out == ""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("a\x1b[2J\nb"), "this is a fault of attn, not yours (KeyError: "),
        (RecursionError("too deep"), "not yours (RecursionError: too deep); please report it"),
        (AssertionError(), "not yours (AssertionError); please report it"),
        (MemoryError(), "there is not enough memory for this"),
    ],
    ids=repr,
)
def test_what_is_unforeseen_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    """With the exit code of what cannot be used: 1 says that a check failed."""

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("attn_cli.cli.inspect.inspect_file", broken)
    with pytest.raises(type(error)):
        run_here(["inspect", "m.json"])
    monkeypatch.delenv("ATTN_TRACEBACK")
    code, out, err = run_here(["inspect", "m.json"])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("attn: ")
    assert words in err
    assert err.rstrip("\n").isprintable()
