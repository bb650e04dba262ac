"""The program where TensorFlow is not installed, as on a CI runner that only counts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

Runner = "subprocess.CompletedProcess[str]"


def light_requirements() -> list[str]:
    """Return what pyproject.toml depends on, without TensorFlow."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = project.split("\ndependencies = [")[1].split("\n]")[0]
    return [
        requirement
        for requirement in re.findall(r'^  "([^"]+)"', dependencies, re.MULTILINE)
        if not requirement.startswith("tensorflow")
    ]


@pytest.fixture(scope="module")
def bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with attn and without TensorFlow."""
    home = tmp_path_factory.mktemp("light")
    venv.create(home, with_pip=True)
    bin = home / ("Scripts" if sys.platform == "win32" else "bin")
    for arguments in (["--no-deps", str(ROOT)], light_requirements()):
        subprocess.run([bin / "pip", "install", "--quiet", *arguments], check=True)
    return bin


def run(bin: Path, *arguments: str) -> Runner:
    return subprocess.run(
        [bin / "attn", *arguments], cwd=bin, capture_output=True, encoding="utf-8", timeout=60
    )


def test_light_environment_is_light(bin: Path) -> None:
    """Neither TensorFlow nor Keras nor NumPy came along."""
    listed = subprocess.run(
        [bin / "pip", "list", "--format=freeze"], capture_output=True, encoding="utf-8", check=True
    ).stdout.lower()
    assert "attn-cli==" in listed
    assert not re.search("^(tensorflow|keras|numpy|h5py)", listed, re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("--version", "attn "),
        ("summary --block eca --shape 26,26,512", "eca  Efficient Channel Attention"),
        ("params --block se --shape 56,56,24", "318\n"),
        ("kernel-size 512", "5\n"),
        ("compare se eca --shape 26,26,512 --format csv", "as_given,spec,"),
        ("compare eca --in app:ResNet50", "app:ResNet50   25,636,712 params"),
        ("blocks", "channel attention"),
        ("blocks se --json", "{"),
        ("check -b eca -s 26,26,512 --max-params 10 -f github", "1 of 1 passed\n"),
    ],
)
def test_what_does_not_build_runs(bin: Path, line: str, first: str) -> None:
    """Every command that needs no TensorFlow answers without it."""
    done = run(bin, *line.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(first)


@pytest.mark.parametrize("line", ["summary --block eca --shape 26,26,512 --build"])
def test_what_builds_says_what_to_install(bin: Path, line: str) -> None:
    """What needs TensorFlow says so in one line."""
    done = run(bin, *line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"attn: [^\n]*pip install tensorflow[^\n]*\n", done.stderr)


def test_the_workflow_in_the_docs_runs(bin: Path, tmp_path: Path) -> None:
    """Each `run` of docs/ci.md, as a runner would, in an environment that has attn and no more."""
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    config = re.search(r"^```toml\n(# attn\.toml\n.*?)^```", page, re.MULTILINE | re.DOTALL)
    workflow = re.search(r"^```yaml\n# \.github/.*?^```", page, re.MULTILINE | re.DOTALL)
    assert config
    assert workflow
    (tmp_path / "attn.toml").write_text(config[1], encoding="utf-8")
    steps = re.findall(r"^ +- run: (.+)$", workflow[0], re.MULTILINE)
    assert len(steps) == 4
    environment = {
        **os.environ,
        "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_WORKSPACE": str(tmp_path),
    }
    for step in steps:
        command = step.replace(" attn-cli", f" '{ROOT}'")
        done = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    assert "2 of 2 passed" in (tmp_path / "summary.md").read_text(encoding="utf-8")
