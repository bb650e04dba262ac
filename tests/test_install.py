"""The program where TensorFlow is not installed, as on a CI runner that only counts."""

from __future__ import annotations

import os
import re
import shutil
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
    # As documented: in this order, pip has nothing to object to.
    for arguments in (light_requirements(), ["--no-deps", str(ROOT)]):
        done = subprocess.run(
            [bin / "pip", "install", "--quiet", *arguments], capture_output=True, encoding="utf-8"
        )
        assert (done.returncode, "ERROR" in done.stderr) == (0, False), done.stderr
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


def test_pip_misses_tensorflow_alone(bin: Path) -> None:
    """What the page says of `pip check` is what it says."""
    done = subprocess.run([bin / "pip", "check"], capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert re.fullmatch(
        r"attn-cli \S+ requires tensorflow\S*, which is not installed\.\n", done.stdout
    )


@pytest.mark.parametrize(
    "line",
    [
        "summary --block eca --shape 26,26,512 --build",
        "build eca --shape 26,26,512 -o eca.keras",
        "build eca --in app:MobileNetV2 -o with.keras",
        "verify eca --shape 26,26,512",
        "bench eca --shape 26,26,512",
    ],
)
def test_what_builds_says_what_to_install(bin: Path, line: str) -> None:
    """What needs TensorFlow says so in one line, and leaves nothing behind."""
    before = sorted(bin.iterdir())
    done = run(bin, *line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"attn: [^\n]*pip install 'tensorflow>=2.16'\n", done.stderr)
    assert sorted(bin.iterdir()) == before


@pytest.fixture(scope="module")
def git_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Git repository with what a package is made of, as somebody names it who has its URL."""
    home = tmp_path_factory.mktemp("repository")
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "attn_cli", home / "attn_cli", ignore=leave)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, home)
    who = ["-c", "user.name=attn", "-c", "user.email=attn@example.com"]
    for command in (["init", "-b", "main"], ["add", "."], [*who, "commit", "-m", "One"]):
        subprocess.run(["git", *command], cwd=home, check=True, capture_output=True)
    return f"git+{home.as_uri()}@main"


def test_the_light_installation_is_that_of_the_package() -> None:
    """The pages name what pyproject.toml does."""
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    wanted = [repr(each) for each in light_requirements() if ";" not in each]
    line = f"pip install {' '.join(wanted)}\n"
    assert page.count(line) == 2


def test_the_workflow_in_the_docs_runs(tmp_path: Path, git_url: str) -> None:
    """Each `run` of docs/ci.md, as a runner would, who has a fresh Python and a Git URL."""
    venv.create(tmp_path / "python", with_pip=True)
    bin = tmp_path / "python" / ("Scripts" if sys.platform == "win32" else "bin")
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    config = re.search(r"^```toml\n(# attn\.toml\n.*?)^```", page, re.MULTILINE | re.DOTALL)
    workflow = re.search(r"^```yaml\n# \.github/.*?^```", page, re.MULTILINE | re.DOTALL)
    assert config
    assert workflow
    (tmp_path / "attn.toml").write_text(config[1], encoding="utf-8")
    assert len(re.findall(r"^      ATTN: git\+https://\S+@main$", workflow[0], re.MULTILINE)) == 1
    steps = re.findall(r"^ +- run: (.+)$", workflow[0], re.MULTILINE)
    assert len(steps) == 4
    environment = {
        **os.environ,
        "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
        "ATTN": git_url,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_WORKSPACE": str(tmp_path),
    }
    for step in steps:
        done = subprocess.run(
            ["bash", "-e", "-c", step],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert (done.returncode, "ERROR" in done.stderr) == (0, False), done.stderr
    assert "2 of 2 passed" in (tmp_path / "summary.md").read_text(encoding="utf-8")
