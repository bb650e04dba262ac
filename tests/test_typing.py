"""What the pages show has types, as somebody sees it who has installed the package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import attn_cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Keras has no types. Without a stub its every name is reported, whatever is done with it.
KERAS = """\
from typing import Any

class Model:
    def __init__(self, *args: Any, **options: Any) -> None: ...
    def __call__(self, *args: Any, **options: Any) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...

def __getattr__(name: str) -> Any: ...
"""
MISTAKES = """\
from attn_cli import compare, find_attention, read_model, se_block, trace

trace(se_block, 56, 56, 24)
trace("se", (56, 56, 24))
compare([7], ["7,7,64"])
compare(["se"], [7])
find_attention(read_model("m.keras"))
trace(se_block, (7, 7, 64)).nothing
"""


def snippets(page: Path) -> list[str]:
    """Return the modules that a page shows, each line where it stands on the page.

    A snippet that imports nothing goes on where the one before stopped, if any did.
    """
    text = page.read_text(encoding="utf-8")
    modules: list[str] = []
    for match in PYTHON.finditer(text):
        begins = "from attn_cli import" in match[1] and page.name != "library.md"
        if begins or (page.name == "library.md" and not modules):
            modules.append("")
        if modules:
            line = text[: match.start(1)].count("\n")
            modules[-1] += "\n" * (line - modules[-1].count("\n")) + match[1]
    return modules


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of somebody's, with what the pages show, and attn in an environment of its own."""
    project = tmp_path_factory.mktemp("project")
    for page in PAGES:
        for number, module in enumerate(snippets(page)):
            (project / f"{page.stem.replace('-', '_')}_{number}.py").write_text(module)
    (project / "typings").mkdir()
    (project / "typings" / "keras.pyi").write_text(KERAS)
    venv.create(project / ".venv")
    python = environment(project) / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, str(ROOT)], check=True)
    (project / "mypy.ini").write_text(
        f"[mypy]\nstrict = true\npython_executable = {python}\nmypy_path = typings\n"
    )
    # The stub stands for Keras, which this environment does without.
    config = {"typeCheckingMode": "strict", "reportMissingModuleSource": False}
    (project / "pyrightconfig.json").write_text(
        json.dumps({**config, "venvPath": ".", "venv": ".venv"})
    )
    return project


def environment(project: Path) -> Path:
    """Return the folder of the programs of a project's environment."""
    return project / ".venv" / ("Scripts" if sys.platform == "win32" else "bin")


def mypy(project: Path, *files: str) -> list[str]:
    """Return what mypy has to say, a line for each."""
    done = run(project, "mypy", "--no-error-summary", "--no-incremental", *files)
    return done.splitlines()


def pyright(project: Path, *files: str) -> list[str]:
    """Return what Pyright has to say, a line for each."""
    said = json.loads(run(project, "basedpyright", "--outputjson", *files))["generalDiagnostics"]
    return [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message']}"
        for each in said
    ]


def run(project: Path, module: str, *arguments: str) -> str:
    # Pyright asks the Python on the path what is installed.
    path = f"{environment(project)}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=project,
        env={**os.environ, "PATH": path},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def test_pages_show_python() -> None:
    """There is something to check, and the page that is run as one is one."""
    shown = {page.stem: len(snippets(page)) for page in PAGES}
    assert {page: count for page, count in shown.items() if count} == {
        "README": 2,
        "catalogue": 1,
        "inspect": 2,
        "library": 1,
    }


CHECKERS = {"mypy": mypy, "pyright": pyright}


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_the_pages_show_has_types(checker: str, project: Path) -> None:
    """In strict mode."""
    files = sorted(path.name for path in project.glob("*_*.py"))
    assert len(files) == 6
    assert CHECKERS[checker](project, *files) == []


@pytest.mark.parametrize("checker", CHECKERS)
def test_mistakes_have_none(checker: str, project: Path) -> None:
    """What is said when it is run, a checker says before: each line but the import."""
    (project / "mistakes.py").write_text(MISTAKES)
    said = CHECKERS[checker](project, "mistakes.py")
    lines = {
        int(re.match(r"mistakes\.py:(\d+)", each)[1]) for each in said if ": note:" not in each
    }
    assert lines == set(range(3, 3 + 6)), said


def test_public_names_have_types(project: Path) -> None:
    """All of them, as far as they lead within the package: a checker infers none from its code."""
    said = run(
        project, "basedpyright", "--outputjson", "--ignoreexternal", "--verifytypes", "attn_cli"
    )
    symbols = json.loads(said)["typeCompleteness"]["symbols"]
    public = {f"attn_cli.{name}" for name in attn_cli.__all__}
    told = {each["name"]: each["isTypeKnown"] for each in symbols if each["name"] in public}
    assert told == dict.fromkeys(public, True)
