"""TOML text, and where in it the checks stand."""

from __future__ import annotations

import re
import sys
from codecs import BOM_UTF8
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import BadFile, MissingPackage

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = r"""[\w-]+|"[^"\\]*"|'[^']*'"""
DOTTED = rf"""((?:{NAME})(?:\s*\.\s*(?:{NAME}))*)"""
HEADER = re.compile(rf"\s*(\[\[?)\s*{DOTTED}\s*\]\]?\s*(#.*)?")
PART = re.compile(r"""([\w-]+)|"([^"]*)"|'([^']*)'""")
KEY = re.compile(rf"\s*{DOTTED}\s*=")
# A key of more parts than anybody writes: parsers keep each of its beginnings, for each of them.
MAX_PARTS = 100
TOO_DEEP = rf"(?<![\w-])(?:{NAME})(?:[ \t]*\.[ \t]*(?:{NAME})){{{MAX_PARTS}}}"
# What decides whether a line ends inside a text of several lines: comments, texts, and their ends.
TOKENS = re.compile(
    r"""(?P<comment>\#.*)
    | (?P<open>\"{3}|'{3})
    | "(?:[^"\\]|\\.)*"
    | '[^']*'""",
    re.VERBOSE,
)
ENDS = {'"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*"{3,5}'), "'''": re.compile(r".*?'{3,5}")}
PLACE = r" \(at (?:line (\d+), column (\d+)|end of document)\)$"


def text_of(data: bytes, name: str) -> str:
    """Return the text that a file is. Raises BadFile, with the line, where it is none."""
    data = data.removeprefix(BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile(f"{name}, line {line}: this is not UTF-8 text") from None


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Return what a TOML text says. Raises BadFile, with line and column, where it is broken."""
    if text.count(".") >= MAX_PARTS and (deep := re.search(TOO_DEEP, text)):
        line = text.count("\n", 0, deep.start()) + 1
        raise BadFile(f"{name}, line {line}: a key of more than {MAX_PARTS} parts")
    loads, broken = _parser()
    try:
        result: dict[str, Any] = loads(text)
    except broken as error:
        raise BadFile(_broken(str(error), text, name)) from None
    except RecursionError:
        raise BadFile(f"{name} is nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise BadFile(f"{name} is not TOML that can be read: {error}") from None
    return result


def _parser() -> tuple[Any, type[Exception]]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError:
            raise MissingPackage(
                "reading TOML with Python 3.10 needs tomli: pip install tomli"
            ) from None
    return tomllib.loads, tomllib.TOMLDecodeError


def _broken(message: str, text: str, name: str) -> str:
    """Return a parser's complaint with its place in front."""
    place = re.search(PLACE, message)
    what = message[: place.start()] if place else message
    if place and place[1]:
        line, column = int(place[1]), int(place[2])
    else:
        lines = text.splitlines() or [""]
        line, column = len(lines), len(lines[-1]) + 1
    return f"{name}, line {line}, column {column}: {what[:1].lower()}{what[1:]}"


class Lines(NamedTuple):
    """Where a table begins, counted from 1, and where each of its keys stands."""

    start: int
    keys: dict[str, int]


def lines_of(text: str, table: str, array: str) -> tuple[Lines, list[Lines]]:
    """Return where a table stands, "" for the file itself, and each element of an array in it.

    >>> lines_of("a.b = 1\\n[[check]]\\n'name' = 'x'\\n# [[check]]\\n", "", "check")
    (Lines(start=1, keys={'a': 1, 'check': 2}), [Lines(start=2, keys={'name': 3})])
    """
    prefix = tuple(table.split(".")) if table else ()
    top = Lines(1, {})
    elements: list[Lines] = []
    current: tuple[str, ...] = ()
    for number, line in _outside_texts(text):
        header = HEADER.fullmatch(line)
        if header:
            current = _parts(header[2])
            if header[1] == "[[" and current == (*prefix, array):
                elements.append(Lines(number, {}))
            path = current
        elif key := KEY.match(line):
            path = current + _parts(key[1])
        else:
            continue
        if path[: len(prefix)] == prefix:
            first, *rest = path[len(prefix) :] or ("",)
            top.keys.setdefault(first, number)
            if first == array and rest and elements:
                elements[-1].keys.setdefault(rest[0], number)
    return top, elements


@cache  # the same few keys stand in every check
def _parts(dotted: str) -> tuple[str, ...]:
    return tuple([part[1] or part[2] or part[3] for part in PART.finditer(dotted)])


def _outside_texts(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that does not begin inside a text of several lines, with its number."""
    inside = ""
    for number, line in enumerate(text.split("\n"), start=1):
        at = 0
        if inside:
            end = ENDS[inside].match(line)
            if not end:
                continue
            at = end.end()
        else:
            yield number, line
        # Without three quotes in it, as nearly every line is, it opens none.
        inside = _left_open(line, at) if '"""' in line or "'''" in line else ""


def _left_open(line: str, at: int) -> str:
    """Return the quotes of the text of several lines that a line leaves open, if it does."""
    while token := TOKENS.search(line, at):
        quotes = token["open"]
        at = token.end()
        if quotes:
            end = ENDS[quotes].match(line, at)
            if not end:
                return str(quotes)
            at = end.end()
        elif token["comment"]:
            break
    return ""
