"""Words that are not ours, in every format: shown as they are, and doing nothing."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attn_cli.text import escaped, escaped_lines, shown
from attn_cli.views import FORMATS, render
from attn_cli.views.markdown import escape
from attn_cli.views.report import Annotation, Column, Report, Table

WORDS = st.text(
    st.one_of(
        st.sampled_from(
            "\n\r\t\0\x1b\x7f\x85\x9b\u200b\u202e\u2028\u2066\ufeff\udcff\u3164\U000e0101"
        ),
        st.sampled_from("::##[]|`=+-@;,'\" \\*_<>&$~!"),
        st.sampled_from("aZ5é→"),
    ),
    max_size=12,
)
HOSTILE = st.one_of(
    WORDS,
    st.builds(
        "{}{}{}".format,
        WORDS,
        st.sampled_from(
            ["::error::x", "##[error]x", "##vso[task]x", "=cmd|' /C calc'!A0", "@here"]
        ),
        WORDS,
    ),
)


def orders(text: str) -> list[str]:
    """Return the lines of a text that a runner of CI would obey."""
    anywhere = re.compile(r"##\w*\[")
    # What splits lines for one reader or another.
    lines = re.split(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text)
    return [each for each in lines if each.lstrip().startswith("::") or anywhere.search(each)]


def unshowable(text: str) -> set[str]:
    """Return the characters of a text that no terminal should get."""
    return {c for c in text if not c.isprintable() and c not in "\n\t"}


@given(HOSTILE)
@example("::error::x")
@example(" ::error::x")
@example("\n::error::x")
@example("a ##[error]x")
def test_words_are_on_one_line_and_order_nothing(text: str) -> None:
    """And what is already shown stays as it is."""
    safe = escaped(text)
    assert safe.isprintable()
    assert orders(safe) == orders(f"a {safe}") == []
    assert escaped(safe) == safe
    assert shown(text).isprintable()


@given(HOSTILE)
def test_lines_stay_lines(text: str) -> None:
    """A text of several lines has as many."""
    safe = escaped_lines(text)
    assert unshowable(safe) == set()
    assert (safe.count("\n"), safe.count("\t")) == (text.count("\n"), text.count("\t"))
    assert orders(safe) == []


@pytest.mark.parametrize(
    "text", ["", "conv2d_7", "se:ratio=8", "a::b", "26 × 26 × 512", "naïve→é", "a # b", "C:\\x"]
)
def test_what_is_harmless_is_left_alone(text: str) -> None:
    """Colons within a word and backslashes too."""
    assert escaped(text) == text


def report_of(text: str) -> Report:
    """Return a report with a text wherever one can stand."""
    columns = (Column("a", "a", "name"), Column("b", text, "prose"), Column("c", "c", "refs"))
    table = Table(columns, [(text, text, [text]), (text, None, ())], title=text)
    return Report(
        lambda: {"text": text, text: [text]},
        lambda: table._replace(columns=[column._replace(header="h") for column in columns]),
        [table],
        heading=[text, text],
        closing=[text],
        annotations=[Annotation(text, text, text, 3)],
    )


@given(HOSTILE.filter(bool), st.sampled_from([*FORMATS, "github"]), st.sampled_from([None, 20, 80]))
@example("::error::x", "table", None)
@example("x ::error::x", "table", 20)
@example("##[error]", "json", None)
@example("\x7f", "json", None)
def test_no_format_lets_them_through(text: str, format: str, width: int | None) -> None:
    """No control character, no line more than there is without them, no order to a runner."""
    drawn = render(report_of(text), format, width if format == "table" else None)
    assert unshowable(drawn) == set()
    if format == "github":
        first, *others = drawn.splitlines()
        assert first.startswith("::error file=")
        assert orders("\n".join(others)) == []
    else:
        assert orders(drawn) == []
    if format != "table":
        assert drawn.count("\n") == render(report_of("word"), format).count("\n")
    if format == "json":
        assert json.loads(drawn)["text"] == text


def test_colour_is_ours() -> None:
    """It is drawn around words, never by them."""
    drawn = render(report_of("\x1b[31mred"), "table", color=True)
    assert "\x1b[31m" not in drawn
    assert "\\x1b[31mred" in drawn


FORMULAS = [
    "=cmd",
    "+cmd",
    "-cmd",
    "@cmd",
    "=1+1|x",
    " =cmd",
    '"=cmd',
    "＝cmd",
    "a;=cmd",
    "a; @SUM(1)",
]
FORMULAS += ['a;"=cmd', "a|+cmd", "-1+cmd", "1;-2;=cmd"]


@pytest.mark.parametrize("format", ["csv", "plain"])
@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str, format: str) -> None:
    """Whichever separator a spreadsheet reads by."""
    drawn = render(report_of(text), format)
    for separator in ",;\t|":
        for row in csv.reader(io.StringIO(drawn), delimiter=separator):
            for cell in row:
                begins = cell.lstrip("\"' ")[:1] not in ("=", "+", "-", "@", "＝")
                assert begins or cell.lstrip('" ').startswith("'"), (separator, cell)


@pytest.mark.parametrize(
    "text", ["-1.5", "+3", "-1,000", "1e-5", "-9.87%", "-", "a-b", "x=3", "se:b=-1"]
)
def test_numbers_and_specs_are_no_formulas(text: str) -> None:
    """They stay as they are."""
    drawn = render(report_of(text), "csv")
    assert next(csv.reader(io.StringIO(drawn.partition("\n")[2])))[0] == text


def rendered(markdown: str) -> str:
    """Return what a line of Markdown shows: code as it is, escapes as what they stand for."""
    parts = re.split(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", markdown)
    text = ""
    for place in range(0, len(parts), 3):
        text += re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", parts[place])
        if place + 2 < len(parts):
            code = parts[place + 2]
            text += code[1:-1] if code[0] == code[-1] == " " else code
    return text


LINKS = ["@octocat", "mail@example.com", "https://example.com", "www.example.com", "#123", "o/r#1"]
LINKS += ["GH-1", "HTTPS://X.Y", ":smile:", "a`@b`", "``@x``", "javascript://x", "x:see:y"]


@pytest.mark.parametrize("text", LINKS)
def test_markdown_makes_no_links_of_words(text: str) -> None:
    """What GitHub makes a link of, however it is escaped, stands in code."""
    drawn = escape(f"see {text} there")
    assert re.fullmatch(r"see (`+) ?.*[^`] ?\1 there|see (`+) .* \2 there", drawn)
    assert rendered(drawn) == f"see {text} there"


@given(HOSTILE.map(escaped))
@example("&#64;octocat")
@example("<b>|a\\|b")
def test_markdown_shows_words_as_they_are(text: str) -> None:
    """Neither markup nor entities nor HTML, and no cell more."""
    drawn = escape(text)
    assert rendered(drawn) == text
    cell = escape(text, "\\|")
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", cell.replace("`", "")) or "`" in cell
    outside = re.sub(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", drawn)
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>\[\]*_~&]", outside)


@pytest.mark.parametrize("text", ["- a", "+ a", "1. a", "12) a", "---", "===", "> a", "# a"])
def test_a_line_of_words_is_a_paragraph(text: str) -> None:
    """No list, no quotation, no heading."""
    line = render(Report(dict, lambda: Table((), ()), [], closing=[text]), "markdown")
    assert line[0] == "\\" or re.match(r"\d+\\", line)
