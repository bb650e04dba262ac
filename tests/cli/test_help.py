"""Help, version and completion: what the program says about itself."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from process import Result, attn, environment, run_here

from attn_cli.blocks import find_block
from attn_cli.cli.app import COMMANDS
from attn_cli.cli.options import NAMES
from attn_cli.views import formats_with

if TYPE_CHECKING:
    from collections.abc import Callable

WIDE = {"COLUMNS": "80"}
QUICK = ("summary", "params", "kernel-size", "compare", "blocks", "places", "check")


@pytest.mark.parametrize("command", ["", *QUICK])
def test_help_is_as_it_was(command: str, golden: Callable[[str, str], None]) -> None:
    """A change of the help is a change to look at."""
    result = attn(*command.split(), "--help", env=WIDE)
    assert (result.code, result.err) == (0, "")
    golden(f"help/{command or 'attn'}.txt", result.out)


def said(*args: str, columns: int = 80) -> Result:
    """Return what is said in so many columns, without a process: it takes a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", environment({"COLUMNS": f"{columns}"}))
        return run_here(args)


def test_a_process_says_the_same() -> None:
    """What is tested without one is what its user reads."""
    for columns in (40, 80):
        line = ("summary", "-h")
        assert said(*line, columns=columns) == attn(*line, env={"COLUMNS": f"{columns}"})


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_two_names_and_fits(command: str) -> None:
    """-h is --help, also beside arguments that would be wrong; no line is wider than a terminal."""
    result = said(*command.split(), "-h")
    assert (result.code, result.err) == (0, "")
    assert max(map(len, result.out.splitlines())) <= 80
    assert said(*command.split(), "-h", "nonsense", "nonsense") == result


@pytest.mark.parametrize("columns", [40, 60])
@pytest.mark.parametrize("command", ["", *QUICK])
def test_help_fits_a_narrow_terminal(command: str, columns: int) -> None:
    """Nothing is left out, and no line is wider, but for what one would copy."""
    result = said(*command.split(), "-h", columns=columns)
    lines = [line for line in result.out.splitlines() if "attn " not in line]
    assert [line for line in lines if len(line) > columns] == []
    wide = said(*command.split(), "-h").out
    assert "".join(result.out.split()) == "".join(wide.split())


def test_every_command_is_listed_in_a_whole_line() -> None:
    """At 80 columns no description is cut."""
    listed = attn(env=WIDE).out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


def examples(command: str) -> list[str]:
    """Return the examples that a command's help opens with."""
    opening = said(command, "--help").out.partition("Options:\n")[0]
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
        written = re.search(r" -o (\S+)$", line)
        assert done.stdout or line.startswith("test ") or written, line
        assert not written or (tmp_path / written[1]).stat().st_size, line


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_and_version_in_words(command: str) -> None:
    """Typed as they are thought."""
    shown = run_here([*command.split(), "--help"])
    assert shown.code == 0
    assert run_here(["help", *command.split()]) == shown
    assert run_here(["help", "help"]) == run_here(["--help"])
    assert run_here(["version"]) == run_here(["--version"])


def test_version_is_the_packages() -> None:
    """Where it is not installed there is none, and that is said."""
    result = attn("--version")
    try:
        assert result == (0, f"attn {version('attn-cli')}\n", "")
    except PackageNotFoundError:
        assert result == (2, "", "attn: attn is not installed, so it has no version\n")


def completions(line: str) -> list[str]:
    """Return what bash would offer for the last word of a line."""
    result = attn(
        env={
            "_ATTN_COMPLETE": "complete_bash",
            "COMP_LINE": line,
            # What bash takes for the word: it breaks others at colons and equals signs.
            "COMP_WORD": re.split("[ :=]", line)[-1],
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
        ("attn summary e", [name for name in NAMES if name.startswith("e")]),
        ("attn check tr", ["triplet"]),
        ("attn check app:VGG16", ["VGG16"]),
        ("attn summary -b eca:", [f"{option}=" for option in find_block("eca").defaults]),
        ("attn summary -b eca:b=2,ga", ["2,gamma="]),
        ("A=1 B= attn summary 'eca:b=2,ga", ["2,gamma="]),
        ("attn summary --format=m", ["markdown", "mermaid"]),
        ("attn summary --format ", list(formats_with("diagram"))),
        ("attn compare se -f m", ["markdown"]),
        ("attn summary --get k", ["kernel_size"]),
        ("attn summary --columns out", ["output_shape"]),
        ("attn compare --sort wi", ["width"]),
        ("attn summary --for", ["--format"]),
        ("attn inspect app:ResNet50", ["ResNet50", "ResNet50V2"]),
        ("attn diff a.keras app:VGG", ["VGG16", "VGG19"]),
        ("attn check app:Xc", ["Xception"]),
        ("attn inspect ap", []),
        ("attn nonsense --for", []),
        ("attn summary -b nonsense:", []),
    ],
)
def test_completion(line: str, expected: list[str]) -> None:
    """Commands, options, blocks, their options and formats, without TensorFlow or Rich."""
    assert completions(line) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_in_whole_words(shell: str) -> None:
    """Other shells break no words, and show what a choice is."""
    env = {"_ATTN_COMPLETE": f"complete_{shell}"}
    assert attn(env={**env, "COMP_LINE": "attn params eca:b=2,ga"}).out == "eca:b=2,gamma=\n"
    assert attn(env={**env, "COMP_LINE": "attn params --format=m"}).out == ""
    assert attn(env={**env, "COMP_LINE": "attn bench --format=m"}).out == "--format=markdown\n"
    listed = attn(env={**env, "COMP_LINE": "attn "}).out.splitlines()
    assert [line.split("\t")[0] for line in listed] == list(COMMANDS)
    assert all(len(line.split("\t")) == 2 for line in listed)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_is_installed(shell: str, tmp_path: Path) -> None:
    """What a shell loads calls back with the variable that the program reads."""
    shown = attn("--show-completion", shell)
    assert (shown.code, shown.err) == (0, "")
    assert re.search(f'_ATTN_COMPLETE ?= ?"?complete_{shell}', shown.out)
    if shell == "powershell":  # asks PowerShell where to
        return
    done = attn("--install-completion", shell, env={"HOME": str(tmp_path)})
    assert (done.code, done.err) == (0, "")
    path = re.search(rf"^{shell} completion is in (.*?);", done.out)
    assert path
    assert Path(path[1]).read_text(encoding="utf-8").strip() == shown.out.strip()
    assert Path(path[1]).is_relative_to(tmp_path)


READY = "ready> "


def test_bash_completes(tmp_path: Path) -> None:
    """In a bash that somebody types in: a word with a colon, no blank behind what is to come."""
    (tmp_path / "attn").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attn_cli "$@"\n')
    (tmp_path / "attn").chmod(0o755)
    (tmp_path / "script").write_text(attn("--show-completion", "bash").out)
    env = environment({"PATH": f"{tmp_path}:{os.environ['PATH']}", "TERM": "dumb", "PS1": READY})
    # What is typed, each after bash has shown what it waits for.
    typed = (
        (READY, "source script\n"),
        (READY, "attn params se:ra\t"),
        ("ratio=", "8\n"),
        (READY, "exit\n"),
    )
    master, slave = pty.openpty()
    with subprocess.Popen(
        ["bash", "--norc", "-i"], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=tmp_path
    ) as process:
        os.close(slave)
        shown = seen = b""
        for awaited, keys in typed:
            while awaited.encode() not in seen:
                seen += os.read(master, 4096)
            shown, seen = shown + seen, b""
            os.write(master, keys.encode())
        process.wait(timeout=20)
    os.close(master)
    assert b"attn params se:ratio=8\r\n" in shown
