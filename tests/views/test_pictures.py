"""Pictures as faces: which there are, what picks one, and what it takes to draw one."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from typing import TYPE_CHECKING

import pytest
from process import attn, environment, run_here

from attn_cli import views
from attn_cli.spec import parse_spec
from attn_cli.views import FORMATS, PICTURES, SPECIAL, SUFFIXES
from attn_cli.views.pictures import raster
from attn_cli.views.pictures.diagram import of_letters
from attn_cli.views.pictures.svg import svg

if TYPE_CHECKING:
    from pathlib import Path

ABSENT = "attn: {} draws this picture, and is not installed: pip install '{}'\n"
SE = ("summary", "se", "-s", "56,56,24")


def wanted(package: str) -> str:
    """Return a package as the metadata of the one that is installed asks for it."""
    asked = [each.partition(";")[0].strip() for each in requires("attn-cli") or ()]
    return next((each for each in asked if each.startswith(package)), package)


def test_every_picture_has_a_drawer_and_a_suffix() -> None:
    """And no name of a format means two things."""
    drawers = {format: place for drawn in PICTURES.values() for format, place in drawn.items()}
    assert not {*drawers} & {*FORMATS, *SPECIAL}
    assert {*drawers} <= {*SUFFIXES.values()}
    for place in drawers.values():
        module, _, function = place.partition(":")
        assert callable(getattr(import_module(module), function))


@pytest.fixture
def scribbled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a PNG of a diagram be what this module says."""
    monkeypatch.setitem(PICTURES["diagram"], "png", f"{__name__}:scribble")


def scribble(report: object) -> bytes:
    """Draw what is no text in any encoding."""
    return b"\x89PNG\r\n\xff"


def test_bytes_go_through_as_they_are(scribbled: None, tmp_path: Path) -> None:
    """What is no text is neither encoded nor given line ends."""
    assert run_here([*SE, "-o", str(tmp_path / "x.png")]) == (0, "", "")
    assert (tmp_path / "x.png").read_bytes() == scribble(None)


def test_a_terminal_gets_no_bytes(scribbled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what takes them."""
    monkeypatch.setattr("attn_cli.cli.output.on_terminal", lambda: True)
    for args in ((*SE, "-f", "png"), (*SE, "-f", "png", "-o", "-")):
        said = "attn: a terminal shows no png: -o FILE.png, or a pipe, takes it\n"
        assert run_here(args) == (2, "", said)


def test_without_the_extra_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One line says what to install; what stood there before still stands."""
    monkeypatch.setitem(PICTURES["diagram"], "png", f"{__name__}:needy")
    target = tmp_path / "x.png"
    target.write_text("before")
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["ink==2.0; extra == 'pictures'"])
    assert run_here([*SE, "-o", str(target)]) == (2, "", ABSENT.format("ink", "ink==2.0"))
    monkeypatch.setattr("importlib.metadata.requires", lambda _: None)
    assert run_here([*SE, "-o", str(target)]) == (2, "", ABSENT.format("ink", "ink"))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def needy(report: object) -> bytes:
    """Draw nothing, for want of ink."""
    raise views.absent("ink")


def test_nothing_is_imported_for_a_picture_that_is_not_asked_for() -> None:
    """Nor for one that is text, of what draws the others; and the guard can fail."""
    script = (
        "import sys; from attn_cli.cli.app import run; run(sys.argv[1:]);"
        "print(*sorted(name for name in sys.modules if '.pictures' in name), file=sys.stderr)"
    )
    text = "attn_cli.views.pictures attn_cli.views.pictures.diagram attn_cli.views.pictures.dot"
    for args, modules in (((), ""), (("-f", "dot"), text)):
        done = subprocess.run(
            [sys.executable, "-c", script, *SE, *args],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr.strip() == modules


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_one_input_is_one_picture(format: str) -> None:
    """Byte for byte, whatever chance has to do with it in another process."""
    written = set()
    for seed in "123":
        done = subprocess.run(
            [sys.executable, "-m", "attn_cli", *SE, "-f", format],
            env=environment({"PYTHONHASHSEED": seed}),
            stdout=subprocess.PIPE,
            check=True,
        )
        written.add(done.stdout)
    begins = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}
    assert [picture[:4] for picture in written] == [begins[format]]


@pytest.mark.slow
def test_a_pdf_is_whole_and_in_order() -> None:
    """What its table says of each object is where that stands, and chance has no part in it."""
    drawn = svg(of_letters(parse_spec("se")), raster.FONT)
    # Two fonts, in one order or the other.
    assert len({raster.converter().svg_to_pdf(drawn) for _ in range(40)}) > 1
    (pdf,) = {raster.pdf(drawn) for _ in range(40)}
    start = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
    table, trailer = pdf[start:].split(b"trailer")
    _, size, *lines = table.splitlines()
    assert size == b"0 %d" % len(lines)
    assert b"/Size %d\n" % len(lines) in trailer
    for number, line in enumerate(lines[1:], start=1):
        assert pdf[int(line.split()[0]) :].startswith(b"%d 0 obj\n" % number)
    named = {int(number) for number in re.findall(rb"\b(\d+) 0 R\b", pdf)}
    assert named == set(range(1, len(lines)))
    # Its words are there, and not only their outlines.
    assert pdf.count(b"/BaseFont") == 4
    assert pdf.count(b"/ToUnicode") == 2


@pytest.mark.slow
def test_a_png_is_twice_the_size() -> None:
    """For screens that have two pixels where others have one."""
    drawn = svg(of_letters(parse_spec("se")), raster.FONT)
    size = re.search(r'width="(\d+)" height="(\d+)"', drawn)
    assert size is not None
    assert struct.unpack(">II", raster.png(drawn)[16:24]) == (2 * int(size[1]), 2 * int(size[2]))


def test_a_picture_is_the_same_in_a_file_and_in_a_pipe(tmp_path: Path) -> None:
    """A process writes what stdout gets."""
    assert attn(*SE, "-o", "x.dot", cwd=tmp_path) == (0, "", "")
    assert (tmp_path / "x.dot").read_text() == attn(*SE, "-f", "dot").out


def test_a_missing_program_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the package is not there, or has lost what it came with."""
    for told in (PackageNotFoundError("graphviz-pure"), None):

        def files(name: str, told: Exception | None = told) -> None:
            if told is not None:
                raise told

        monkeypatch.setattr("importlib.metadata.files", files)
        assert run_here([*SE, "-f", "svg"]) == (
            2,
            "",
            ABSENT.format("graphviz-pure", wanted("graphviz-pure")),
        )


@pytest.mark.slow
def test_a_missing_converter_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SVG is drawn, and nothing turns it into a PNG."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert run_here([*SE, "-f", "png"]) == (
        2,
        "",
        ABSENT.format("vl-convert-python", wanted("vl-convert-python")),
    )
