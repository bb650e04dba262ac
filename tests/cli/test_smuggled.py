"""What files, names and arguments say reaches no terminal, runner or reader as more than words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from models import save_json
from process import run_here

from attn_cli import namespace_of, se_block
from attn_cli.views import FORMATS

DIAGRAMS = ("svg", "dot", "mermaid")
PICTURES = (*DIAGRAMS, "html")

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = ["::error::x", " ::error::x", "\n::error::x", "##[error]x", "\r::set-env name=X::y"]
CONTROLS = [
    "\x1b[2J",
    "\u202e",
    "\x07",
    "\x9b31m",
    "\x7f",
    "\u2066x\u2069",
    "\u200b",
    "\t",
    "\udcff",
]
HOSTILE = st.lists(
    st.sampled_from([*ORDERS, *CONTROLS, "se", "a", ":", "=", "@x", "|"]), min_size=1
)
WORDS = HOSTILE.map("".join)
ANYWHERE = re.compile(r"##\w*\[")


def net(inputs: Any) -> Any:
    return se_block(namespace_of(inputs).layers.Conv2D(8, 3)(inputs))


def renamed(value: Any, old: str, new: str) -> Any:
    """Return a value of JSON with a text replaced, in keys and in values."""
    if isinstance(value, dict):
        return {key: renamed(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, old, new) for each in value]
    return new if value == old else value


def toml(text: str) -> str:
    """Return a text as TOML writes it."""
    signs = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return '"' + "".join(signs) + '"'


def harmless(text: str, format: str = "") -> None:
    """Hold a text to what a terminal and a runner may get."""
    allowed = "\n\t" if format == "plain" else "\n"
    assert {c for c in text if not c.isprintable() and c not in allowed} == set()
    for line in text.splitlines():
        assert not ANYWHERE.search(line)
        if line.lstrip().startswith("::"):
            assert format == "github"
            assert re.match(r"::error (file=|title=)", line)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(word=WORDS, format=st.sampled_from(list(FORMATS)))
@example(word="::error::x", format="table")
@example(word="\n::error::x", format="csv")
def test_arguments_are_words(word: str, format: str, tmp_path: Path) -> None:
    """Each of them, wherever a command takes one."""
    for args in (
        (word,),
        ("summary", word, "-s", "7,7,8"),
        ("summary", "se", "-s", word),
        ("summary", f"se:{word}=1", "-s", "7,7,8"),
        ("summary", "se", "-s", "7,7,8", "--ratio", word),
        ("summary", "se", "-s", "7,7,8", "--get", word),
        ("summary", "se", "-s", "7,7,8", f"--{word}"),
        ("summary", f"{word}.py:{word}", "-s", "7,7,8"),
        ("compare", "se", word, "-s", "7,7,8"),
        ("compare", "se", "--in", word, "--at", "se"),
        ("blocks", word),
        ("places", word),
        ("inspect", word, word),
        ("diff", word, word),
        ("check", word, "-s", "7,7,8", "--max-params", "1"),
        ("check", "se", "-s", "7,7,8", "--expect", f"width={word}"),
        ("check", "--config", word),
        ("check", "se", "--init", "-s", word, "-o", "-"),
        ("kernel-size", word),
        ("params", word, "-c", "8"),
        ("build", "se", "-s", "7,7,8", "-o", f"{word}.gz"),
        ("verify", "--all", word),
        ("summary", "se", "-s", "7,7,8", "-o", f"no/{word}.json"),
        ("summary", "se", "-s", "7,7,8", "-f", word),
    ):
        result = run_here([*args, *(["-f", format] if args[0] == "inspect" else [])], cwd=tmp_path)
        harmless(result.out, format)
        harmless(result.err)
        assert result.code in (0, 1, 2)
        assert all(line.startswith("attn: ") for line in result.err.splitlines())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(word=WORDS, format=st.sampled_from([*FORMATS, "github"]))
@example(word="::error::x", format="table")
@example(word="\x1b[2J\n::error::x", format="github")
def test_a_configuration_is_words(word: str, format: str, tmp_path: Path) -> None:
    """Its names, blocks, models, keys and values, right and wrong ones."""
    text = word.encode("utf-8", "replace").decode()
    said = toml(text)
    (tmp_path / "attn.toml").write_text(
        f"[[check]]\nname = {said}\nblock = 'se'\nshape = [7, 7, 8]\nmax_params = 1\n"
        f"[[check]]\nname = 'b'\nblock = {said}\nshape = [7, 7, 8]\nmax_params = 1\n"
        f"[[check]]\nname = 'c'\nmodel = {said}\nmax_params = 1\n"
        f"[[check]]\nname = 'd'\nblock = 'se'\nshape = {said}\nmax_params = {said}\n"
        f"[[check]]\nname = 'e'\nblock = 'se'\nshape = [7, 7, 8]\nexpect = {{ {said} = 1 }}\n"
        f"[[check]]\nname = 'f'\nblock = 'se'\nshape = [7, 7, 8]\nexpect = {{ width = {said} }}\n"
        f"[[check]]\nname = 'g'\n{said} = 3\n"
        f"[[check]]\nname = 'h'\nblock = 'se'\nin = {said}\nat = {said}\nmax_params = 1\n",
        encoding="utf-8",
    )
    for flags in ((), ("-q",)):
        result = run_here(["check", "-f", format, *flags], cwd=tmp_path)
        harmless(result.out, format)
        harmless(result.err)
        assert result.code == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(word=WORDS, format=st.sampled_from([*FORMATS, *PICTURES]))
@example(word="::error::x", format="table")
@example(word="\n::error::x", format="plain")
@example(word="a\x1b[2J ::error::x\u202e", format="html")
def test_a_model_and_its_name_are_words(word: str, format: str, tmp_path: Path) -> None:
    """The names of its layers and of itself, their types and functions, and that of its file."""
    save_json(net, (32, 32, 3), tmp_path / "net.json")
    content = json.loads((tmp_path / "net.json").read_text())
    name = re.sub("[/\0]", "_", word)
    for old in ("conv2d", "dense", "relu", "Conv2D", "sigmoid"):
        content = renamed(content, old, word)
    files = [f"{name}.json", f"{name}.h5"]
    (tmp_path / files[0]).write_text(json.dumps(content))
    (tmp_path / files[1]).write_text("no model")
    for args in (
        *(("inspect", each) for each in files),
        ("inspect", *files),
        ("inspect", files[0], "--layers"),
        ("places", files[0]),
        ("diff", files[0], "net.json"),
        ("diff", "net.json", files[0]),
        ("compare", "se", "--in", files[0], "--at", "*"),
        ("check", *[f"./{each}" for each in files], "--max-params", "1"),
    ):
        if args[1].startswith("-"):
            continue
        result = run_here([*args, "-f", format], cwd=tmp_path)
        harmless(result.out, format)
        harmless(result.err)
        assert result.code in (0, 1, 2)
    result = run_here(["check", f"./{files[0]}", "--init", "-o", "-"], cwd=tmp_path)
    harmless(result.out, format)
    for each in files:
        (tmp_path / each).unlink()


@pytest.mark.parametrize(
    "format", [*FORMATS, *(pytest.param(each, marks=pytest.mark.slow) for each in DIAGRAMS)]
)
@pytest.mark.parametrize("word", ["\x1b[2J", "::error::x", "\n::error::x", "\u202e"])
def test_code_of_ones_own_is_words(word: str, format: str, tmp_path: Path) -> None:
    """What it says of itself, and what it raises."""
    said = f" {word} "
    (tmp_path / "own.py").write_text(
        f"WORD = {said!r}\n"
        f"def f(x, *, option: str = WORD):\n    return x\n"
        f"f.__doc__ = '\\n\\n'.join([WORD, WORD, 'Paper: ' + WORD, 'Args:\\n    n: ' + WORD])\n"
        f"def g(x):\n    raise type('A' + WORD, (Exception,), {{}})(WORD)\n"
        f"def h(x): return type(WORD, (), {{}})()\n"
        f"def i(x): raise SyntaxError(WORD)\n"
    )
    for name in "fghij":
        for args in (("summary", f"own.py:{name}", "-s", "7,7,8"), ("blocks", f"own.py:{name}")):
            result = run_here([*args, "-f", format], cwd=tmp_path)
            harmless(result.out, format)
            harmless(result.err)
            assert result.code == (0 if name == "f" else 2)
