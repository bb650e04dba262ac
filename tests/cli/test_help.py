"""Help, version and completion: what the program says about itself."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import pytest
from process import attn, environment

from attn_cli.blocks import find_block
from attn_cli.cli.app import COMMANDS
from attn_cli.cli.options import NAMES
from attn_cli.views import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIDE = {"COLUMNS": "80"}
QUICK = ("summary", "params", "kernel-size", "compare", "blocks", "places", "check")


@pytest.mark.parametrize("command", ["", *QUICK])
def test_help_is_as_it_was(command: str, golden: Callable[[str, str], None]) -> None:
    """A change of the help is a change to look at."""
    result = attn(*command.split(), "--help", env=WIDE)
    assert (result.code, result.err) == (0, "")
    golden(f"help/{command or 'attn'}.txt", result.out)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_two_names_and_fits(command: str) -> None:
    """-h is --help, also beside arguments that would be wrong; no line is wider than a terminal."""
    result = attn(*command.split(), "-h", env=WIDE)
    assert (result.code, result.err) == (0, "")
    assert max(map(len, result.out.splitlines())) <= 80
    assert attn(*command.split(), "-h", "nonsense", "nonsense", env=WIDE) == result


def test_every_command_is_listed_in_a_whole_line() -> None:
    """At 80 columns no description is cut."""
    listed = attn(env=WIDE).out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


def examples(command: str) -> list[str]:
    """Return the examples that a command's help opens with."""
    opening = attn(command, "--help", env=WIDE).out.partition("Options:\n")[0]
    return re.findall(r"^  (.*\battn [a-z-]+\b.*)$", opening, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_opens_with_examples(command: str) -> None:
    """Three lines that can be pasted tell more than twenty options."""
    assert len(examples(command)) >= 2


@pytest.mark.parametrize("command", QUICK)
def test_the_examples_run(command: str, tmp_path: Path) -> None:
    """Each does what it says, in a shell."""
    for line in examples(command):
        done = subprocess.run(
            ["bash", "-c", f'attn() {{ "$ATTN" -m attn_cli "$@"; }}; {line}'],
            cwd=tmp_path,
            env=environment({"ATTN": sys.executable}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), line
        assert done.stdout or line.startswith("test "), line


def test_version_is_the_packages() -> None:
    """Where it is not installed there is none, and that is said."""
    result = attn("--version")
    try:
        assert result == (0, f"attn {version('attn-cli')}\n", "")
    except PackageNotFoundError:
        assert result == (2, "", "attn: attn is not installed, so it has no version\n")


def completions(line: str) -> list[str]:
    """Return what bash would offer for the last word of a line."""
    words = line.split(" ")
    result = attn(
        env={
            "_ATTN_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
            # Says on stderr what is imported.
            "PYTHONPROFILEIMPORTTIME": "1",
        }
    )
    assert result.code == 0
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in result.err.split("\n")
    }
    assert "typer" in imported
    assert not imported & {"tensorflow", "keras", "numpy", "rich", "h5py"}
    return result.out.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("attn ", list(COMMANDS)),
        ("attn su", ["summary"]),
        ("attn summary -b ", list(NAMES)),
        ("attn summary --block e", [name for name in NAMES if name.startswith("e")]),
        ("attn compare se se-mo", ["se-mobilenetv3"]),
        ("attn compare --baseline c", [name for name in NAMES if name.startswith("c")]),
        ("attn blocks tr", ["triplet"]),
        ("attn summary -b eca:", [f"eca:{option}=" for option in find_block("eca").defaults]),
        ("attn summary -b eca:b=2,ga", ["eca:b=2,gamma="]),
        ("attn summary --format ", list(FORMATS)),
        ("attn compare se -f m", ["markdown"]),
        ("attn summary --get k", ["kernel_size"]),
        ("attn summary --columns out", ["output_shape"]),
        ("attn compare --sort wi", ["width"]),
        ("attn summary --for", ["--format"]),
        ("attn inspect app:ResNet50", ["app:ResNet50", "app:ResNet50V2"]),
        ("attn diff a.keras app:VGG", ["app:VGG16", "app:VGG19"]),
        ("attn check app:Xc", ["app:Xception"]),
        ("attn inspect ap", []),
        ("attn nonsense --for", []),
        ("attn summary -b nonsense:", []),
    ],
)
def test_completion(line: str, expected: list[str]) -> None:
    """Commands, options, blocks, their options and formats, without TensorFlow or Rich."""
    assert completions(line) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    """The script that a shell loads calls back with the variable that the program reads."""
    result = attn(env={"_ATTN_COMPLETE": f"source_{shell}"})
    assert result.code == 0
    assert f"_ATTN_COMPLETE=complete_{shell}" in result.out
