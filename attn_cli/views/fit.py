"""How a table and its lines fit a width: what leaves, what is shortened, where a line breaks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from attn_cli.views.report import EXTRA, Column, Table, cell, chosen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GAP = 2
# The narrowest that a column of this kind gets; every other kind keeps its natural width.
NARROWEST = {"name": 8, "prose": 12}


class Fitted(NamedTuple):
    """A table with the columns that there is room for, their widths, and what was left out."""

    table: Table
    widths: list[int]
    left_out: list[str]


def fit(table: Table, width: int | None) -> Fitted:
    """Fit a table to a width; without one nothing leaves and nothing is shortened.

    The extras leave first, one after the other, and what stands for them comes; then prose wraps
    and names are shortened; then figures leave, in the order that their columns say. What is still
    too wide stays whole.
    """
    natural = {
        column.key: max(cell_len(text) for text in _texts(table, place))
        for place, column in enumerate(table.columns)
    }
    for hidden, shorten in _variants(table.columns):
        columns = [column for column in table.columns if column.key not in hidden]
        widths = [natural[column.key] for column in columns]
        if width is None:
            break
        if shorten:
            widths = _shortened(columns, widths, _total(widths) - width)
        if _total(widths) <= width:
            break
    left_out = [
        column.header
        for column in table.columns
        if column.key in hidden
        and column.leaves < EXTRA
        and column.header
        and (column.stands_for is None or column.stands_for in hidden)
    ]
    return Fitted(chosen(table, [column.key for column in columns]), widths, left_out)


def wrapped(line: str, width: int | None) -> list[str]:
    """Break a line at its wide gaps, or else between words, under its own indent."""
    if width is None or cell_len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    if 2 * len(indent) > width:
        indent = ""
    lines = [indent]
    for piece in re.split(r"(?<=\S)(?=   *\S)", line.strip()):
        fits = cell_len(indent + piece.strip()) <= width
        for word in [piece] if fits else re.split(r"(?<=\S)(?= )", piece):
            if lines[-1].strip() and cell_len(lines[-1] + word) <= width:
                lines[-1] += word
            elif lines[-1].strip():
                lines.append(indent + word.strip())
            else:
                lines[-1] += word.strip()
    return lines


def _variants(columns: Sequence[Column]) -> Iterator[tuple[set[str], bool]]:
    """Yield what to hide and whether to shorten, from the widest look to the narrowest."""
    stand_ins = {column.stands_for: column.key for column in columns if column.stands_for}
    levels = sorted({column.leaves for column in columns if column.leaves}, reverse=True)
    hidden = set(stand_ins.values())
    yield set(hidden), False
    for level in [level for level in levels if level >= EXTRA]:
        leaving = {column.key for column in columns if column.leaves == level}
        hidden = (hidden | leaving) - {stand_ins[key] for key in leaving if key in stand_ins}
        yield set(hidden), False
    yield set(hidden), True
    for level in [level for level in levels if level < EXTRA]:
        hidden |= {column.key for column in columns if column.leaves == level}
        yield set(hidden), True


def _shortened(columns: Sequence[Column], widths: Sequence[int], excess: int) -> list[int]:
    """Take an excess off the columns that can give, prose first, then the longest name."""
    result = list(widths)
    for kind in ("prose", "name"):
        places = [place for place, column in enumerate(columns) if column.kind == kind]
        for _ in range(excess):
            longest = max(places, key=result.__getitem__, default=None)
            if longest is None or result[longest] <= NARROWEST[kind]:
                break
            result[longest] -= 1
            excess -= 1
    return result


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _texts(table: Table, place: int) -> Iterator[str]:
    column = table.columns[place]
    yield column.header
    for row in [*table.rows, *([table.total] if table.total else [])]:
        yield cell(column, row[place])
