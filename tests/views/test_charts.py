"""Charts, strips and pages: what is in them, that they are whole, how they look in a browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from chromium import MISSING, PROGRAM, Browser
from configs import Config
from process import run_here

from attn_cli.views.pictures.figures import BESIDE, WIDTH, Figure, bars
from attn_cli.views.pictures.page import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHECK = ["check", "app:EfficientNetB0", "--max-share", "0.05"]
# Each kind of chart, and texts that are in it.
PICTURES: dict[str, tuple[list[str], list[str]]] = {
    "bars": (
        ["compare", "se:ratio=4", "se:ratio=16", "-s", "56,56,256"],
        ["blocks on 56 × 56 × 256", "se:ratio=4", "33,088", "8,464", "1,671,808", "params"],
    ),
    "log-bars": (
        ["compare", "se", "eca", "simam", "-s", "56,56,256"],
        ["params (log scale)", "33,088", "5", "0", "FLOPs"],
    ),
    "places": (
        ["compare", "se", "eca", "-s", "3@56,56,256", "-s", "28,28,512"],
        ["blocks along 2 inputs, each block on its own", "3 × (56 × 56 × 256)", "28 × 28 × 512"],
    ),
    "channels": (
        ["compare", "eca", *[part for c in (64, 512, 2048) for part in ("-s", f"7,7,{c}")]],
        ["blocks on 7 × 7 × C, by channels", "channels C", "kernel", "2,048"],
    ),
    "option": (
        ["compare", *[f"se:ratio={ratio}" for ratio in (2, 4, 8, 16)], "-s", "7,7,64"],
        ["se on 7 × 7 × 64, by ratio", "ratio", "width", "params"],
    ),
    "noted": (
        ["compare", "se", "--in", "app:EfficientNetB0", "--at", "se"],
        ["at se, 16 places: 112 × 112 × 32, 56 × 56 × 96"],
    ),
    "with-none": (
        ["compare", "se", "eca", "simam", "-s", "3@56,56,64", "-s", "4@28,28,128"],
        ["params (log scale)", "simam", "0", "1,000"],
    ),
    "less": (
        ["compare", "eca", "none", "--in", "app:EfficientNetB0", "--at", "se"],
        ["-636,464", "-636,540"],
    ),
    "network": (
        ["compare", "se", "eca", "--in", "app:ResNet50", "--at", "residual"],
        ["what blocks add to app:ResNet50", "params added (log scale)", "86"],
    ),
    "kernels": (
        ["kernel-size", "64", "512"],
        ["ECA's kernel along the channels", "b=1 · gamma=2", "64 → 3", "512 → 5", "4,096"],
    ),
    "strip": (
        ["inspect", "app:EfficientNetB0"],
        ["224 × 224", "7 × 7", "vector", "se × 16", "6 se", "58.2%", "attn 15.6%"],
    ),
    "plain-strip": (["inspect", "app:ResNet50"], ["56 × 56", "no attention blocks found"]),
    "dynamic": (
        ["inspect", "app:MobileNetV3Large"],
        ["H × W", "H/8 × W/8", "1 × 1", "MACs: unknown, by stage", "?"],
    ),
    "strips": (["inspect", "app:VGG16", "app:EfficientNetB0"], ["2 models", "app:VGG16"]),
    "diff": (
        ["diff", "app:EfficientNetB0", "app:EfficientNetV2B0"],
        [
            "before: app:EfficientNetB0",
            "after: app:EfficientNetV2B0",
            "+",
            "−",
            "~",
            "se × 16 → 16",
        ],
    ),
    "check": (
        [*CHECK, "--max-params", "9000000", "--min-blocks", "4"],
        ["holds: params 5,330,571 ≤", "fails: attention share 11.94% > 5.00%, 6.94% over", "100%"],
    ),
    "at": (["places", "app:MobileNetV2"], ["residual × 10", "depthwise × 17", "stage × 5"]),
}
TABLES = {
    **{name: PICTURES[name][0] for name in ("bars", "network", "strip", "dynamic", "diff")},
    "check": CHECK,
}
# What a name can try in a page, in a drawing and in an expression.
EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'-alert(3)-'",
    "</text></svg><iframe src=//evil>",
    "]]><!--",
    "&lt;b&gt;&#60;",
    "</title></style></script><svg onload=alert(4)>",
    '"][0]+alert(5)+["',
    "${alert(6)}{{7*7}}\\",
    "\x1b[2J\u202eevil\n[bold]x\u200b\x00",
    "javascript:alert(8)",
    "名前 é 🙂",
)
# All of them call what draws, and some a browser.
pytestmark = pytest.mark.slow
SPACE = "{http://www.w3.org/2000/svg}"
drawing = pytest.mark.parametrize("name", PICTURES)


def drawn(args: list[str], format: str, folder: Path) -> bytes:
    """Return what a command writes to a file of that suffix."""
    target = folder / f"x.{format}"
    result = run_here([*args, "-o", str(target)])
    assert (result.out, result.err) == ("", "")
    assert result.code == int(args[0] == "check")
    return target.read_bytes()


@drawing
def test_a_chart_says_what_it_shows(name: str, tmp_path: Path) -> None:
    """It is XML, has a title and a description, and the texts that it is drawn for."""
    args, texts = PICTURES[name]
    svg = ElementTree.fromstring(drawn(args, "svg", tmp_path))
    title, description = svg.find(f"{SPACE}title"), svg.find(f"{SPACE}desc")
    assert title is not None
    assert description is not None
    assert 0 < len(title.text or "") < len(description.text or "")
    assert svg.get("role") == "img"
    shown = ["".join(each.itertext()) for each in svg.iter(f"{SPACE}text")]
    assert [text for text in texts if not any(text in each for each in shown)] == []


@pytest.mark.parametrize("name", ["bars", "strip"])
@pytest.mark.parametrize(
    ("format", "begins"),
    [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<svg"), ("html", b"<!DO")],
)
def test_one_input_is_one_picture(name: str, format: str, begins: bytes, tmp_path: Path) -> None:
    """The same bytes each time."""
    first, second = [drawn(PICTURES[name][0], format, tmp_path) for _ in range(2)]
    assert first == second
    assert first.startswith(begins)


@pytest.mark.parametrize("name", ["places", "with-none", "channels"])
def test_a_scale_says_no_wrong_number(name: str, tmp_path: Path) -> None:
    """What stands at the scale of a figure is a whole number in full, and 0 once."""
    svg = ElementTree.fromstring(drawn(PICTURES[name][0], "svg", tmp_path))
    axes = [each for each in svg.iter() if each.get("aria-label", "").startswith("Y-axis")]
    assert len(axes) >= 3
    for axis in axes:
        told = ["".join(each.itertext()) for each in axis.iter(f"{SPACE}text")]
        values = [int(text.replace(",", "")) for text in told if text]
        assert values == sorted(set(values))


def test_a_strip_is_told_to_who_does_not_see_it(tmp_path: Path) -> None:
    """Its stages, their attention, and what both cost."""
    svg = ElementTree.fromstring(drawn(PICTURES["strip"][0], "svg", tmp_path))
    told = svg.findtext(f"{SPACE}desc") or ""
    for words in ("14 × 14 (87 calls, 6 se)", "; vector (3 calls)", "58.2% attn 15.6%; 24.0%."):
        assert words in told


def test_a_scale_is_log_where_a_linear_one_hides_what_is_small(tmp_path: Path) -> None:
    """More than tenfold apart, and then it says so; tenfold is not."""
    for ratio, log in ((2, False), (64, True)):
        args = ["compare", "se:ratio=1", f"se:ratio={ratio}", "-s", "7,7,640"]
        assert (b"(log scale)" in drawn(args, "svg", tmp_path)) is log


def weights_alone(folder: Path) -> Path:
    """Return a file that tells no layers."""
    from pathlib import Path
    from shutil import copy

    source = Path(__file__).parent.parent / "data" / "keras_3_5.weights.h5"
    return copy(source, folder / "m.weights.h5")


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    """In a line that says what to do instead; a page has the rest, and nothing is written else."""
    path = weights_alone(tmp_path)
    target = tmp_path / "x.svg"
    told = "the file does not tell the layers, only their weights: there is nothing to draw"
    assert run_here(["inspect", str(path), "-o", str(target)]) == (2, "", f"attn: {path}: {told}\n")
    assert not target.exists()
    assert told.encode() in drawn(["inspect", str(path)], "html", tmp_path)
    many = [f"se:width={width},activation=relu" for width in range(1, 102)]
    result = run_here(["compare", *many, "eca", "-s", "7,7,64", "-o", str(target)])
    assert result.err == (
        "attn: 102 blocks are too many for a picture (100 at most); -o FILE.csv has them all\n"
    )
    result = run_here(["kernel-size", "64", "--gamma", "0.001", "-o", str(target)])
    assert result.err.endswith("too many for a picture; -o FILE.csv has the kernels\n")
    assert not target.exists()


def test_a_missing_converter_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A line says what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "vl_convert", None)
    said = r"is not installed: pip install 'vl-convert-python[=.\w]*'\n"
    for format in ("svg", "png", "pdf", "html"):
        result = run_here([*PICTURES["bars"][0], "-o", str(tmp_path / f"x.{format}")])
        assert result.code == 2
        assert re.search(f"{said}$", result.err)
    assert not list(tmp_path.iterdir())


# Hostile names.


def hostile(folder: Path) -> Path:
    """Return a model of which every name is evil, with attention, unread layers and warnings."""
    config = Config(8, 8, 3, name=EVIL[0])
    x = config.input
    for place, evil in enumerate(EVIL):
        s = config.add("GlobalAveragePooling2D", x, keepdims=True, name=f"{evil}{place}a")
        s = config.add("Dense", s, units=2, activation="relu", name=f"{evil}{place}b")
        s = config.add("Dense", s, units=3, activation="sigmoid", name=f"{evil}{place}c")
        x = config.add("Multiply", [x, s], name=f"{evil}{place}d")
    x = config.add(f"Mine{EVIL[0]}", x, name=EVIL[1], module=EVIL[2])
    path = folder / "<img src=x onerror=alert(9)>.json"
    path.write_text(config.json(x), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["bars", "strip", "check"])
def test_a_page_says_what_it_is_of(name: str, tmp_path: Path) -> None:
    """In its heading and in the title of its tab."""
    page = drawn(TABLES[name], "html", tmp_path).decode()
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert f"<title>{heading}</title>" in page
    expected = {
        "bars": "blocks on 56 × 56 × 256",
        "strip": "app:EfficientNetB0 · ",
        "check": "checks",
    }
    assert heading.startswith(expected[name])


class Parsed(HTMLParser):
    """The tags of a page, and what its scripts hold."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        """Note what a script holds."""
        if self.tags[-1:] == ["script"] and data.strip():
            self.scripts.append(data)


def hostile_pages(folder: Path) -> Iterator[Path]:
    """Yield pages with the hostile names in them."""
    path = str(hostile(folder))
    for place, args in enumerate(
        (
            ["inspect", path],
            ["inspect", path, "--layers"],
            ["diff", path, "app:EfficientNetB0"],
            ["check", path, "--max-share", "0.001"],
        )
    ):
        target = folder / f"{place}.html"
        assert run_here([*args, "-o", str(target)]).code in (0, 1, 2)
        yield target


def test_a_name_is_never_markup(tmp_path: Path) -> None:
    """No tag of theirs, no script but ours, nothing from elsewhere, nothing that is not shown."""
    theirs = {"iframe", "img", "b", "object", "embed", "link"}
    for target in hostile_pages(tmp_path):
        text = target.read_text(encoding="utf-8")
        page = Parsed()
        page.feed(text)
        assert not theirs & {*page.tags}
        assert page.scripts == [SCRIPT]
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        assert not [name for name, _ in page.attributes if name in ("src", "href", "xlink:href")]
        assert ("alert(1)" in text) is (target.stem != "3")
        for sign in "\x1b\u202e\u200b\x00":
            assert sign not in text


def test_a_drawing_of_hostile_names_is_a_drawing(tmp_path: Path) -> None:
    """XML, with the names as texts."""
    svg = drawn(["inspect", str(hostile(tmp_path))], "svg", tmp_path)
    root = ElementTree.fromstring(svg)
    assert {each.tag.rpartition("}")[2] for each in root.iter()} <= {
        "svg", "g", "path", "text", "rect", "line", "title", "desc", "style", "tspan",
    }  # fmt: skip
    assert "<script>alert(1)</script>" in "".join(root.itertext())


# In a browser.

browsing = pytest.mark.skipif(PROGRAM is None, reason=MISSING)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of this file."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


# The boxes of all texts of a drawing that are in each other's way, or cut off.
MEASURE = """(() => {
  const svg = document.querySelector("svg"), whole = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll("text")].filter(each => each.textContent.trim())
    .map(each => [each.textContent, each.getBoundingClientRect()]).filter(([_, b]) => b.width);
  const bad = [];
  boxes.forEach(([text, box], place) => {
    if (box.left < whole.left - 1 || box.right > whole.right + 1 || box.top < whole.top - 1
      || box.bottom > whole.bottom + 1) bad.push(["cut off", text]);
    for (const [other, its] of boxes.slice(place + 1))
      if (Math.min(box.right, its.right) - Math.max(box.left, its.left) > 1
        && Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top) > 3)
        bad.push(["overlap", text, other]);
  });
  return JSON.stringify([boxes.length, bad]);
})()"""


@browsing
@drawing
def test_nothing_overlaps_and_nothing_is_cut_off(
    name: str, browser: Browser, tmp_path: Path
) -> None:
    """Measured where it is looked at, in that machine's letters."""
    drawn(PICTURES[name][0], "svg", tmp_path)
    browser.show(tmp_path / "x.svg")
    count, bad = json.loads(browser.run(MEASURE))
    assert count > 5
    assert bad == []


@browsing
def test_hostile_names_do_nothing(browser: Browser, tmp_path: Path) -> None:
    """No dialog opens, nothing is fetched, and nothing is said to be wrong."""
    for target in hostile_pages(tmp_path):
        browser.show(target)
        browser.run("document.querySelectorAll('button').forEach(each => each.click())")
        assert browser.happened("Page.javascriptDialogOpening") == []
        requested = [
            each["request"]["url"] for each in browser.happened("Network.requestWillBeSent")
        ]
        assert requested == [target.as_uri()]
        assert [each["entry"]["text"] for each in browser.happened("Log.entryAdded")] == []
        assert browser.run("document.scripts.length") == 1
        assert (
            browser.run("document.images.length + document.querySelectorAll('iframe').length") == 0
        )


@browsing
@pytest.mark.parametrize("name", TABLES)
def test_a_page_fits_a_phone_a_sheet_and_both_schemes(
    name: str, browser: Browser, tmp_path: Path
) -> None:
    """What is wide scrolls by itself; the texts stand out from what they stand on."""
    drawn(TABLES[name], "html", tmp_path)
    for width, dark, media in (
        (390, False, ""),
        (390, True, ""),
        (1200, True, ""),
        (800, True, "print"),
    ):
        browser.show(tmp_path / "x.html", width, dark=dark, media=media)
        assert browser.run("document.documentElement.scrollWidth") <= width
        for chosen in ("h1", "td", "figure text[font-size='11px']"):
            ratio = browser.run(CONTRAST % json.dumps(chosen))
            assert ratio is None or ratio >= 4.5, (chosen, width, dark, media)


CONTRAST = """(() => {
  const each = document.querySelector(%s);
  if (!each) return null;
  const light = text => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(each), body = getComputedStyle(document.body);
  const ink = each instanceof SVGElement ? style.fill : style.color;
  const two = [light(ink), light(body.backgroundColor)].sort((a, b) => b - a);
  return (two[0] + 0.05) / (two[1] + 0.05);
})()"""

CELLS = """JSON.stringify([...document.querySelector("tbody").rows]
  .map(row => row.cells[%d].textContent))"""


@browsing
def test_a_table_sorts_by_what_a_column_holds(browser: Browser, tmp_path: Path) -> None:
    """By numbers and sizes, up and then down; what belongs together stays together."""
    drawn(TABLES["strip"], "html", tmp_path)
    browser.show(tmp_path / "x.html")
    heads = browser.run("[...document.querySelectorAll('th')].map(e => e.textContent)")
    before = browser.run("document.querySelectorAll('tbody tr').length")

    def clicked(head: str) -> list[str]:
        place = heads.index(head)
        browser.run(f"document.querySelectorAll('th button')[{place}].click()")
        cells: list[str] = json.loads(browser.run(CELLS % place))
        return cells

    params = [int(each.replace(",", "")) for each in clicked("params")]
    assert params == sorted(params)
    params = [int(each.replace(",", "")) for each in clicked("params")]
    assert params == sorted(params, reverse=True)
    first = [int(re.findall(r"\d+", each)[0]) for each in clicked("input")]
    assert first == sorted(first)
    assert browser.run("document.querySelectorAll('tbody tr').length") == before
    assert browser.run("document.querySelector('th[aria-sort]').textContent") == "input"
    drawn(TABLES["diff"], "html", tmp_path)
    browser.show(tmp_path / "x.html")
    browser.run("document.querySelectorAll('th button')[3].click()")
    names: list[Any] = json.loads(browser.run(CELLS % 2))
    what: list[str] = json.loads(browser.run(CELLS % 3))
    place = names.index("block4a_se_excite")
    assert names[place + 1 : place + 3] == ["", ""]
    assert what[place + 1 : place + 3] == ["channels 240 → 192", "width 10 → 12"]


def test_what_is_taken_away_stands_left_of_a_visible_zero() -> None:
    """Each figure at its own bar's end, within its panel; the zero of all bars is a line."""
    figure = Figure("params", "params added")
    for values in ([-636_464, -636_540], [-12_345_678_901, 5, None], [-1, 10**10]):
        (panel,) = bars(
            [str(value) for value in values], [{"params": value} for value in values], [figure]
        )["hconcat"]
        *_, right, left, zero = panel["layer"]
        low, high = left["encoding"]["x"]["scale"]["domain"]
        assert (left["mark"]["align"], right["mark"]["align"]) == ("right", "left")
        assert (zero["mark"]["type"], zero["encoding"]["x"]["datum"]) == ("rule", 0)
        for value in values:
            if value is not None and value < 0:
                ends = (value - low) / (high - low) * WIDTH
                assert ends - BESIDE >= 6 * len(f"{value:,}")
    (panel,) = bars(["a"], [{"params": 7}], [figure])["hconcat"]
    assert [each["mark"]["type"] for each in panel["layer"]] == ["bar", "text", "text"]
