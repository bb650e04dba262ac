"""Two laws of imports: TensorFlow is imported only where it is asked for, and arrows go one way."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "attn_cli"
DATA = ROOT / "tests" / "data"
HEAVY = ("tensorflow", "keras", "numpy", "h5py", "pydantic")

# All modules but tf/ and __main__, which would run; each block traced; each command that builds
# nothing, its help and its completion included.
SCRIPT = """
import contextlib, importlib, io, pathlib, sys
import attn_cli
package = pathlib.Path(attn_cli.__file__).parent
for file in sorted(package.rglob("*.py")):
    parts = file.relative_to(package).with_suffix("").parts
    if parts[0] not in ("tf", "__main__"):
        importlib.import_module(".".join(["attn_cli", *parts]).removesuffix(".__init__"))
for name in attn_cli.__all__:
    getattr(attn_cli, name)
from attn_cli.blocks import BLOCKS
from attn_cli.cli.app import app, run
from attn_cli.cost import graph_cost
from attn_cli.spec import parse_spec
for name in BLOCKS:
    graph_cost(parse_spec(name).trace((14, 14, 64)))
model, config = sys.argv[1:3]
lines = ["--help", "blocks", "blocks eca", "blocks eca --source",
    "blocks se-timm --source --full", "kernel-size 512",
    "summary -b eca -s 26,26,512", "params -b se -s 26,26,512", "compare se eca -s 26,26,512",
    "blocks eca -f mermaid", "summary -b eca -s 26,26,512 -f pdf",
    "build --help", "verify --help", "bench --help", f"inspect {model}.keras",
    f"inspect {model}.h5", f"inspect {model}.json",
    "inspect app:VGG16", "places app:ResNet50", "compare eca --in app:ResNet50",
    f"check {model}.keras --max-share 1", f"diff {model}.keras {model}.h5",
    f"check --config {config}", "check --init -b eca -s 26,26,512 -o -"]
also = ["--version", "--show-completion bash", "summary -b nonsense -s 26,26,512"]
for line in lines + also:
    nowhere = io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        with contextlib.suppress(SystemExit):
            assert run(line.split()) == 0 or line in also, line
print(*sorted(set(sys.argv[3:]) & set(sys.modules)))
"""


def imported(package_parent: Path, *more: Path) -> list[str]:
    """Return what of the heavy is in a fresh Python that has imported and run all but tf/."""
    path = os.pathsep.join(map(str, (package_parent, *more)))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(DATA / "keras_3_5"), str(DATA / "attn.toml"), *HEAVY],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=package_parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_nothing_imports_tensorflow_that_does_not_build() -> None:
    assert imported(ROOT) == []


@pytest.mark.parametrize(
    ("module", "before"),
    [
        ("blocks/triplet.py", "from attn_cli."),
        ("cli/bench.py", "from attn_cli."),
        ("views/csv.py", "from attn_cli."),
        ("sources/saved.py", "from attn_cli."),
        ("blocks/srm.py", "    keras = namespace_of(inputs)"),
    ],
)
@pytest.mark.parametrize("heavy", ["tensorflow", "numpy"])
def test_the_guard_sees_an_import(module: str, before: str, heavy: str, tmp_path: Path) -> None:
    """An import slipped in anywhere, also inside a block's function, turns the test red."""
    shutil.copytree(PACKAGE, tmp_path / "attn_cli", ignore=shutil.ignore_patterns("__pycache__"))
    stubs = tmp_path / "stubs"
    (stubs / heavy).mkdir(parents=True)
    (stubs / heavy / "__init__.py").touch()
    changed = tmp_path / "attn_cli" / module
    text = changed.read_text(encoding="utf-8")
    indent = before[: len(before) - len(before.lstrip())]
    assert f"\n{before}" in text
    changed.write_text(
        text.replace(f"\n{before}", f"\n{indent}import {heavy}\n{before}", 1), encoding="utf-8"
    )
    assert imported(tmp_path, stubs) == [heavy]


# From the bottom up; what stands in one row does not import each other.
LAYERS = (
    {"errors", "signals", "stdout", "text"},
    {"account", "showing"},
    {"files"},
    {"writing"},
    {"graph"},
    {"operations"},
    {"symbolic"},
    {"blocks", "cost"},
    {"sources"},
    {"spec"},
    {"splice"},
    {"analysis"},
    {"tf"},
    {"config", "views"},
    {"cli"},
    {"__init__", "__main__"},
)
HEIGHT = {part: height for height, parts in enumerate(LAYERS) for part in parts}
# The bottom knows less than what stands under it.
ONLY = {
    "graph": {"errors", "showing", "text"},
    "operations": {"errors", "graph", "text"},
    "blocks": {"errors", "files", "stdout", "symbolic"},
}


def imports(file: Path) -> set[str]:
    """Return the parts of the package that a module imports, wherever and for whatever."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name.split(".")[1] for name in found if name.startswith("attn_cli.")}


def against_the_arrows(package: Path) -> list[str]:
    """Return the imports that a part may not make."""
    wrong = []
    for file in sorted(package.rglob("*.py")):
        part = file.relative_to(package).parts[0].removesuffix(".py")
        allowed = ONLY.get(part, {other for other in HEIGHT if HEIGHT[other] < HEIGHT[part]})
        wrong += [
            f"{file.relative_to(package).as_posix()} imports {other}"
            for other in sorted(imports(file) - allowed - {part})
        ]
    return wrong


def test_arrows_point_one_way() -> None:
    """A part imports what stands below it, and blocks and graph nothing of each other."""
    assert against_the_arrows(PACKAGE) == []


def test_an_arrow_that_points_up_is_seen(tmp_path: Path) -> None:
    """Also inside a function, and where only a type is meant."""
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "se.py").write_text("from attn_cli.graph import Graph\n")
    (tmp_path / "graph.py").write_text("from attn_cli.errors import BadGraph\n")
    (tmp_path / "cost.py").write_text("def cost():\n    import attn_cli.cli.app\n")
    (tmp_path / "views.py").write_text("if TYPE_CHECKING:\n    from attn_cli import config\n")
    assert against_the_arrows(tmp_path) == [
        "blocks/se.py imports graph",
        "cost.py imports cli",
        "views.py imports config",
    ]


def test_no_two_modules_import_each_other() -> None:
    """Not over others either: what is imported when a module is loaded makes no circle."""
    files = {}
    for file in PACKAGE.rglob("*.py"):
        name = ".".join(["attn_cli", *file.relative_to(PACKAGE).with_suffix("").parts])
        files[name.removesuffix(".__init__")] = file
    edges: dict[str, set[str]] = {}
    for name, file in files.items():
        named: set[str] = set()
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = str(node.module)
                # What is imported from a package is a module of it, or stands in it.
                of_it = {f"{module}.{alias.name}" for alias in node.names}
                named |= {each if each in files else module for each in of_it}
        edges[name] = named & set(files) - {name}
    while free := {name for name, others in edges.items() if not others}:
        edges = {name: others - free for name, others in edges.items() if name not in free}
    assert edges == {}


def test_every_block_is_a_public_name() -> None:
    """What the command line knows by a short name, Python knows by that of its function."""
    import attn_cli
    from attn_cli.blocks import BLOCKS, find_block

    functions = {find_block(name).function.__name__: find_block(name).function for name in BLOCKS}
    assert set(functions) <= set(attn_cli.__all__)
    assert {name: getattr(attn_cli, name) for name in functions} == functions
