"""TOML: what is broken is named with its place, and each check's line is found."""

from __future__ import annotations

import pytest

from attn_cli.config.toml import Lines, lines_of, parse_toml, text_of
from attn_cli.errors import BadFile

# ruff: noqa: E501 # a line of the table is as long as the line that it expects
BROKEN = {
    b"a = 1\nb =\n": "f.toml, line 2, column 4: invalid value",
    b"a = 1\n\n  [[check]\n": "f.toml, line 3, column 10: expected ']]' at the end of an array declaration",
    b"a = 1\na = 2\n": "f.toml, line 2, column 6: cannot overwrite a value",
    b'a = "x': "f.toml, line 1, column 7: unterminated string",
    b"a = 'x\xff'": "f.toml, line 1: this is not UTF-8 text",
    b"\n\n\xe9": "f.toml, line 3: this is not UTF-8 text",
    b"a = " + b"[" * 5000: "f.toml is nested too deeply",
    b"a = 1\n" + b"a." * 20_000 + b"a = 1": "f.toml, line 2: a key of more than 100 parts",
    b"a = { " + b'"b" . ' * 20_000 + b"a = 1 }": "f.toml, line 1: a key of more than 100 parts",
    b"[" + b"a." * 20_000 + b"a]": "f.toml, line 1: a key of more than 100 parts",
}


@pytest.mark.parametrize(("data", "line"), BROKEN.items(), ids=lambda value: str(value)[:20])
def test_broken_toml_is_named_with_its_place(data: bytes, line: str) -> None:
    """Line and column are those of the parser."""
    with pytest.raises(BadFile) as error:
        parse_toml(text_of(data, "f.toml"), "f.toml")
    assert str(error.value).lower() == line.lower()


def test_a_number_of_ten_thousand_digits_is_one_line() -> None:
    """Python refuses to read it, in words of its own."""
    with pytest.raises(BadFile, match=r"f\.toml is not TOML that can be read"):
        parse_toml(f"a = {'9' * 10_000}", "f.toml")


def test_a_byte_order_mark_is_passed_over() -> None:
    """Editors on Windows write one."""
    assert text_of(b"\xef\xbb\xbfa = 1", "f.toml") == "a = 1"


LINES = {
    "[[check]]\n[[check]]": [1, 2],
    "\n  [[ check ]]  # the first\nname = 'a'\n": [2],
    "[['check']]\n[[\"check\"]]\r\n[[checks]]\n[check]\n": [1, 2],
    "# [[check]]\nname = '[[check]]'\n[[check]]": [3],
    'a = """\n[[check]]\n"""\n[[check]]': [4],
    "a = '''\n[[check]]\n\\'''\n[[check]]": [4],
    'a = """x\\"""\n[[check]]\ny"""\n[[check]]': [4],
    'a = """" """ # """\n[[check]]': [2],
    "a = \"\\\"\" # '''\n[[check]]": [2],
    "a = '''x''''\n[[check]]": [2],
    "a = [\"\"\"\n\"\"\", '''\n[[check]]\n''']\n[[check]]": [5],
    "a = [\n  [1],\n]\n[[check]]": [4],
}


@pytest.mark.parametrize(("text", "lines"), LINES.items())
def test_lines_of_checks(text: str, lines: list[int]) -> None:
    """A header is one where TOML has one, and nowhere in comments or texts."""
    assert [each.start for each in lines_of(text, "", "check")[1]] == lines
    found = parse_toml(text.replace("[[checks]]\n[check]\n", ""), "f.toml")
    assert len(found["check"]) == len(lines)


def test_lines_in_pyproject() -> None:
    """There the table has a longer name."""
    text = "[[tool.attn.check]]\n[[tool . 'attn'.check]]\n[[check]]"
    top, checks = lines_of(text, "tool.attn", "check")
    assert [each.start for each in checks] == [1, 2]
    assert top.keys == {"check": 1}


KEYS = """\
a = 1
[[check]]
name = "x" # b = 3
"max params" = 3
'at' = [
  "c = 3",
  { d = 4 },
]
expect.params = 5
[check.in.more]
e = 6
[other]
name = 3
[[check]]
name = "y"
text = \"\"\"
f = 7
\"\"\"
"""


def test_lines_of_keys() -> None:
    """Of the file, and of each check: what stands in a text, a list or another table is none."""
    parse_toml(KEYS, "f.toml")
    top, checks = lines_of(KEYS, "", "check")
    assert top.keys == {"a": 1, "check": 2, "other": 12}
    assert checks == [
        Lines(2, {"name": 3, "max params": 4, "at": 5, "expect": 9, "in": 10}),
        Lines(14, {"name": 15, "text": 16}),
    ]
