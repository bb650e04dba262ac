"""Every console block of README.md and docs/ shows what the command really prints.

Any other block that begins with its name in a comment, `# attn.toml`, is a file for what follows. A
picture that a page shows is the one that a command above it writes, where one of that name does.

`pytest tests/test_docs.py --overwrite-goldens` (or `nox -s docs`) writes them anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attn_cli.cli.app import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([\w./-]+)\)")
FILE = re.compile(r"(?:#!.*\n)?# ([\w./-]+\.\w+|Makefile)\n")


def run(line: str, folder: Path) -> str:
    """Run a line as the reader's shell would, on a terminal's worth of plain text."""
    attn = folder / "bin" / "attn"
    if not attn.exists():
        attn.parent.mkdir()
        attn.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attn_cli "$@"\n')
        attn.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{attn.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
    )
    return done.stdout


def regenerated(page: str, folder: Path) -> str:
    """Return a page with the output of each console block made anew."""

    def block(match: re.Match[str]) -> str:
        if match[1] != "console":
            if name := FILE.match(match[2]):
                path = folder / name[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(match[2], encoding="utf-8")
            return match[0]
        commands = [line for line in match[2].splitlines() if line.startswith("$ ")]
        shown = [f"{command}\n{run(command[2:], folder)}" for command in commands]
        return f"```console\n{''.join(shown)}```"

    return BLOCK.sub(block, page)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_output_in_the_docs_is_real(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What a page shows under a command is what the command prints."""
    page = path.read_text(encoding="utf-8")
    anew = regenerated(page, tmp_path)
    overwrite = request.config.getoption("--overwrite-goldens")
    if overwrite:
        path.write_text(anew, encoding="utf-8")
    pictures = [path.parent / target for target in PICTURE.findall(page)]
    made = {shown: tmp_path / shown.name for shown in pictures if (tmp_path / shown.name).exists()}
    if overwrite:
        for shown, drawn in made.items():
            shutil.copyfile(drawn, shown)
    assert page == anew
    assert [shown.name for shown in made if shown.read_bytes() != made[shown].read_bytes()] == []


def test_every_command_is_documented() -> None:
    """docs/commands.md shows the help of each command."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"$ attn {name} --help\n" not in page] == []


def test_ci_runs_the_command_of_the_readme() -> None:
    """.ci/run runs, to the letter, the command that the README gives for the tests."""
    last = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]
    assert f"\n{last}\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    """A relative link in a page names a file that is there."""
    broken = [
        (page.name, target)
        for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
