"""How tables and lines fit a width: what leaves, what is shortened, where a line breaks.

One rule for every table. Where there is room for all, all is there. Else the extras leave, one
after the other, and what stands for them comes; then prose wraps and names are shortened, as far as
words stay whole and names can be told apart; then figures leave, the least needed first, as their
columns say; and at last phrases wrap. Numbers are never cut, every column that has left is named.

A text that is much longer than others widens no column: it goes beyond it, for each row is filled
up to the width of its columns.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size

from attn_cli.views.report import EXTRA, Column, Table, cell, chosen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

GAP = 2
WIDEST = 200  # that a column is where no terminal is, and no wider than one
# The kinds of columns that give, in their order, and the narrowest that they get; every other kind
# keeps its natural width.
GIVING = {"prose": 12, "name": 11}
# When nothing is left that could leave.
AT_LAST = {"prose": 12, "name": 6, "phrase": 12}
WRAPPED = frozenset({"prose", "phrase"})
# What no line is broken within, in a terminal or in a picture: a shape, a size and how many there
# are of it, a figure and what it counts, a name and its version, a letter and its value, a word.
WHOLE = re.compile(
    r"""\s*(?:
        \(*\w+(?:,\ \w+){1,32}\)
        | (?:\d[\d,]*\ ×\ )?\(*[\w?]+(?:\ ×\ [\w?]+)+
        | \(*\d(?:[\d,.]*\d)?\ [^\W\d]\w*(?:\ \([\d.,]+\ \w+\))?
        | \(*(?:Keras|TensorFlow|Python)\ \d
        | \(*\w\ =\ (?=[\w-])
    )?\S*""",
    re.VERBOSE,
)


Texts = dict[str, list[str]]


class Fitted(NamedTuple):
    """A table with the columns that there is room for, their widths, and what was left out.

    `texts` are those of its header and its lines, none of them cut yet; `gave` tells which columns
    are narrower than they would be, so that theirs are to be.
    """

    table: Table
    widths: list[int]
    gave: list[bool]
    left_out: list[str]
    texts: list[tuple[str, ...]]


def fit(tables: Sequence[Table], width: int | None) -> list[Fitted]:
    """Fit tables to a width; without one nothing leaves and nothing is shortened.

    Tables of the same columns are fitted as one: what is there is there in all of them, and stands
    in line. What is too wide even so stays whole.
    """
    texts = [_texts(table) for table in tables]
    alike: dict[tuple[Column, ...], list[Texts]] = {}
    for table, each in zip(tables, texts, strict=True):
        alike.setdefault(tuple(table.columns), []).append(each)
    widths = {columns: _widths(columns, group, width) for columns, group in alike.items()}
    return [
        _fitted(table, each, widths[tuple(table.columns)])
        for table, each in zip(tables, texts, strict=True)
    ]


def _fitted(table: Table, texts: Texts, widths: Mapping[str, tuple[int, bool]]) -> Fitted:
    """Return a table with the columns that have a width.

    A stand-in was not left out, and a bar is no column of its own: it pictures the one beside it.
    """
    left_out = [
        column.header or column.key
        for column in table.columns
        if column.key not in widths and not column.stands_for and column.kind != "bar"
    ]
    chosen_texts = list(zip(*[texts[key] for key in widths], strict=True))
    cells, gave = map(list, zip(*widths.values(), strict=True))
    return Fitted(chosen(table, list(widths)), cells, gave, left_out, chosen_texts)


def _widths(
    columns: Sequence[Column], tables: Sequence[Texts], width: int | None
) -> dict[str, tuple[int, bool]]:
    """Return how wide each column is that there is room for, and whether it gave for that."""
    most = WIDEST if width is None else max(WIDEST, width + 1)
    texts = {
        column.key: [text for table in tables for text in table[column.key]] for column in columns
    }
    natural = {key: min(most, max(map(cell_len, each))) for key, each in texts.items()}
    suits = {
        column.key: _suits(column, texts[column.key], natural[column.key])
        for column in columns
        if column.kind in AT_LAST
    }
    widths: dict[str, int] = {}
    for hidden, gives in _variants(columns):
        shown = [column for column in columns if column.key not in hidden]
        widths = {column.key: natural[column.key] for column in shown}
        if width is None:
            break
        for kind, least in gives.items():
            giving = {column.key: suits[column.key] for column in shown if column.kind == kind}
            _shorten(giving, widths, least, width)
        if _total(widths) <= width:
            break
    return {key: (cells, cells < natural[key]) for key, cells in widths.items()}


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
        for word in [piece] if fits else WHOLE.findall(piece):
            if lines[-1].strip() and cell_len(lines[-1] + word) <= width:
                lines[-1] += word
            elif lines[-1].strip():
                lines.append(indent + word.strip())
            else:
                lines[-1] += word.strip()
    return lines


def shortened(name: str, width: int) -> str:
    """Return a name in so much room: without its middle; the last of several words stays whole.

    >>> shortened("GlobalAveragePooling2D", 14), shortened("Activation sigmoid", 14)
    ('GlobalAve…ng2D', 'Activ… sigmoid')
    """
    if cell_len(name) <= width:
        return name
    first, _, last = name.rpartition(" ")
    room = width - cell_len(f"… {last}")
    if first and room > 0:
        return f"{set_cell_size(first, room).rstrip()}… {last}"
    end = (width - 1) // 3
    # Cells are counted from the start: the end is taken off the name turned round.
    return f"{set_cell_size(name, width - 1 - end)}…{set_cell_size(name[::-1], end)[::-1]}"


def _variants(columns: Sequence[Column]) -> Iterator[tuple[set[str], Mapping[str, int]]]:
    """Yield what to hide and which kinds give, from the widest look to the narrowest."""
    stand_ins = {column.stands_for: column.key for column in columns if column.stands_for}
    levels = sorted({column.leaves for column in columns if column.leaves}, reverse=True)
    hidden = set(stand_ins.values())
    yield set(hidden), {}
    for level in [level for level in levels if level >= EXTRA]:
        leaving = {column.key for column in columns if column.leaves == level}
        hidden = (hidden | leaving) - {stand_ins[key] for key in leaving if key in stand_ins}
        yield set(hidden), {}
    yield set(hidden), GIVING
    for level in [level for level in levels if level < EXTRA]:
        hidden |= {column.key for column in columns if column.leaves == level}
        yield set(hidden), GIVING
    yield set(hidden), AT_LAST


def _shorten(
    giving: Mapping[str, Callable[[int], bool]], widths: dict[str, int], least: int, width: int
) -> None:
    """Take what is too much off columns of one kind, the longest first."""
    if _total(widths) <= width:
        return
    natural = {key: widths[key] for key in giving}
    floors = {
        key: bisect_left(range(natural[key]), True, lo=min(least, natural[key]), key=suits)
        for key, suits in giving.items()
    }
    for key, floor in floors.items():
        widths[key] = min(widths[key], max(floor, width))
    while _total(widths) > width:
        longer = [key for key, floor in floors.items() if widths[key] > floor]
        if not longer:
            break
        widths[max(longer, key=widths.__getitem__)] -= 1
    # A name of several words may look like another one in more room, and not in less.
    for key, suits in giving.items():
        while widths[key] < natural[key] and not suits(widths[key]):
            widths[key] += 1


def _suits(column: Column, texts: Sequence[str], natural: int) -> Callable[[int], bool]:
    """Return what tells how far a column can be shortened: words whole, names not alike."""

    @cache
    def longest_word() -> int:
        return max([cell_len(word.strip()) for text in texts for word in WHOLE.findall(text)])

    @cache
    def ends() -> set[str]:
        # Of what is much longer than the column, nothing else can be seen there.
        return {
            text if len(text) <= 2 * natural else f"{text[:natural]}{text[-natural:]}"
            for text in texts
        }

    @cache
    def are_apart(width: int) -> bool:
        return len({shortened(text, width) for text in ends()}) == len(set(texts))

    return (lambda width: longest_word() <= width) if column.kind in WRAPPED else are_apart


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _texts(table: Table) -> Texts:
    """Return all that stands in each column, by its key: its header first, the total last."""
    lines = table.lines
    return {
        column.key: [column.header, *[cell(column, line[place]) for line in lines]]
        for place, column in enumerate(table.columns)
    }
