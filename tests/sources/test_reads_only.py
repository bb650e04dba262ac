"""Reading a model does nothing but read it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
READ = """
import sys
from attn_cli.sources.archive import read_archive
from attn_cli.files import open_file
from attn_cli.sources.hdf5 import open_hdf5
from attn_cli.sources.json_text import load_json

def watch(event, arguments):
    print(event, *arguments[1:])

def read(path):
    with open_file(path) as source:
        archive = read_archive(source)
        load_json(archive.config, "config.json")
        list(open_hdf5(archive.weights).walk())

sys.addaudithook(watch)
{line}
heavy = "tensorflow keras numpy h5py zipfile tempfile shutil pickle".split()
print("imported:", *(name for name in heavy if name in sys.modules))
"""


def events(line: str, path: Path) -> list[str]:
    """What Python reports to an audit hook while a line runs that reads a model."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((2, 3))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", '{"module": "os", "class_name": "system"}')
        archive.writestr("model.weights.h5", stream.getvalue())
        archive.writestr("../../evil.sh", "touch /tmp/evil")
    script = READ.replace("{line}", line)
    command = [sys.executable, "-c", script, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        text for text in result.stdout.splitlines() if not text.startswith("object.__getattr__")
    ]


def test_the_only_event_is_one_opening_for_reading(tmp_path: Path) -> None:
    """No import, no write, no process, no socket; and none of the heavy modules."""
    *openings, imported = events("read(sys.argv[1])", tmp_path / "model.keras")
    assert imported == "imported:"
    assert len(openings) == 2  # the path, and the stream around its descriptor
    for opening in openings:
        event, _, flags = opening.split()
        assert event == "open"
        assert not int(flags) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)


@pytest.mark.parametrize(
    "line", ["open(sys.argv[1] + '.new', 'w')", "import numpy", "import zipfile"]
)
def test_the_watch_can_fail(line: str, tmp_path: Path) -> None:
    """A write and an import are seen."""
    path = tmp_path / "model.keras"
    assert events(line, path) != events("pass", path)
